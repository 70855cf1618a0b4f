//! An article of the knowledge base.

use serde::{Deserialize, Serialize};

use super::row::kept_fields;
use super::{ArticleId, ArticleStatus, Entity, Record, Timestamp, UserId, Value, Version};
use crate::schema::Field;

/// An article of the knowledge base. Table `knowledge_base`. Customers see it while it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Article {
    /// The id; carries when the article was begun.
    pub id: ArticleId,
    /// One line.
    pub title: String,
    /// The text.
    pub body: String,
    /// What it is about, in the desk's own vocabulary.
    pub category: Option<String>,
    /// Whether it is being written, read, or kept.
    pub status: ArticleStatus,
    /// Who wrote it.
    pub author_id: UserId,
    /// When it was last published.
    pub published_at: Option<Timestamp>,
    /// How often the row was written.
    pub version: Version,
    /// When the desk last wrote it.
    pub updated_at: Timestamp,
}

impl Record for Article {
    const ENTITY: Entity = Entity::Article;

    kept_fields!();

    fn value(&self, field: Field) -> Value<'_> {
        match field {
            Field::Id => self.id.into(),
            Field::CreatedAt => self.id.created_at().into(),
            Field::Title => (&self.title).into(),
            Field::Body => (&self.body).into(),
            Field::Category => self.category.as_ref().into(),
            Field::Status => self.status.into(),
            Field::AuthorId => self.author_id.into(),
            Field::PublishedAt => self.published_at.into(),
            other => self.kept_value(other),
        }
    }
}
