//! The knowledge base, as staff write it.

use crate::Result;
use crate::model::{Article, ArticleId, ArticleStatus, Entity, Version};
use crate::rules::{limits, text};
use crate::schema::Field;
use crate::view::{ArticleListing, Page, Query};

use super::command::Command;
use super::run::Needs;
use super::{ArticleChange, NewArticle, Portal, StaffRole};

fn title(text: &str) -> Result<String> {
    text::line(Entity::Article, Field::Title, text, limits::TITLE_CHARS)
}

fn body(text: &str) -> Result<String> {
    text::required_lines(Entity::Article, Field::Body, text, limits::BODY_CHARS)
}

impl<R: StaffRole> Portal<R> {
    /// Begins an article, as a draft.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) naming the field.
    pub async fn create_article(&self, new: NewArticle) -> Result<Article> {
        self.run(&("create_article", &new), Needs::default(), |work| {
            let article = Article {
                id: ArticleId::from_uuid(work.fresh()?),
                title: title(&new.title)?,
                body: body(&new.body)?,
                category: text::category(Entity::Article, Field::Category, new.category.as_deref())?,
                status: ArticleStatus::Draft,
                author_id: self.actor,
                published_at: None,
                version: Version::FIRST,
                updated_at: work.now(),
            };
            let id = article.id;
            work.insert(article);
            Ok(id)
        })
        .await
    }

    /// Changes an article's text.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) naming the field; [`Error::NotFound`](crate::Error::NotFound);
    /// [`Error::Conflict`](crate::Error::Conflict) if a version was expected.
    pub async fn change_article(&self, id: ArticleId, change: ArticleChange) -> Result<Article> {
        self.run(&("change_article", id, &change), Needs::keys([id.into()]), |work| {
            let mut article: Article = work.target(id)?;
            if let Some(text) = &change.title {
                article.title = title(text)?;
            }
            if let Some(text) = &change.body {
                article.body = body(text)?;
            }
            let category = |text: &String| text::line(Entity::Article, Field::Category, text, limits::CATEGORY_CHARS);
            article.category = change.category.checked(article.category, category)?;
            work.update(article);
            Ok(id)
        })
        .await
    }

    /// Lets everybody read an article.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound); [`Error::Conflict`](crate::Error::Conflict).
    pub async fn publish_article(&self, id: ArticleId) -> Result<Article> {
        self.set_status(("publish_article", id), id, ArticleStatus::Published).await
    }

    /// Takes an article out of use. Staff can still read it.
    ///
    /// # Errors
    /// As [`publish_article`](Self::publish_article).
    pub async fn archive_article(&self, id: ArticleId) -> Result<Article> {
        self.set_status(("archive_article", id), id, ArticleStatus::Archived).await
    }

    /// Takes an article back to be worked on. Customers no longer see it.
    ///
    /// # Errors
    /// As [`publish_article`](Self::publish_article).
    pub async fn withdraw_article(&self, id: ArticleId) -> Result<Article> {
        self.set_status(("withdraw_article", id), id, ArticleStatus::Draft).await
    }

    /// An article, published or not.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub async fn article(&self, id: ArticleId) -> Result<Article> {
        self.get(id).await
    }

    /// A page of articles, published or not.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) of field `limit`;
    /// [`Error::InvalidCursor`](crate::Error::InvalidCursor).
    pub async fn articles(&self, query: &Query<ArticleListing>) -> Result<Page<Article>> {
        self.list("articles", query, Entity::Article).await
    }

    async fn set_status(&self, command: impl Command + Sync, id: ArticleId, status: ArticleStatus) -> Result<Article> {
        self.run(&command, Needs::keys([id.into()]), |work| {
            let mut article: Article = work.target(id)?;
            if status == ArticleStatus::Published && article.status != status {
                article.published_at = Some(work.occurred_at());
            }
            article.status = status;
            work.update(article);
            Ok(id)
        })
        .await
    }
}
