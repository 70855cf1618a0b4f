//! The knowledge base: drafts, what is published, what is out of use.

use super::prelude::*;

fn article(title: &str) -> NewArticle {
    NewArticle { title: title.to_owned(), body: "First.\n\tThen.".to_owned(), category: Some("mail".to_owned()) }
}

/// An article begins as a draft, is published, archived and taken back; customers see it only while it is published.
pub async fn customers_see_only_what_is_published(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let draft = w.agent.create_article(article(" Reset a password ")).await?;
    let id = draft.id;
    assert_eq!((draft.title.as_str(), draft.status), ("Reset a password", ArticleStatus::Draft));
    assert_eq!((draft.author_id, draft.published_at), (w.agent.actor(), None));
    let (list, published) = (Query::<ArticleListing>::default(), Query::<Published>::default());
    for (step, visible) in
        [("draft", false), ("publish", true), ("archive", false), ("publish", true), ("withdraw", false)]
    {
        let now = match step {
            "publish" => w.agent.publish_article(id).await?,
            "archive" => w.admin.archive_article(id).await?,
            "withdraw" => w.agent.withdraw_article(id).await?,
            _ => draft.clone(),
        };
        assert_eq!(w.agent.article(id).await?, now);
        assert_eq!(w.agent.articles(&list).await?.rows, std::slice::from_ref(&now));
        if visible {
            assert_eq!(w.ada.article(id).await?, now);
            assert_eq!(w.ada.articles(&published).await?.rows, [now]);
        } else {
            w.refuses(w.ada.article(id), Error::not_found(id)).await?;
            assert_eq!(w.ada.articles(&published).await?.rows, []);
        }
    }
    Ok(())
}

/// A change of the text keeps what it does not name; publishing again what is published keeps its time.
pub async fn an_article_is_changed_and_keeps_its_time(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let id = w.agent.create_article(article("One")).await?.id;
    let published = w.agent.publish_article(id).await?;
    assert_eq!(published.published_at, Some(published.updated_at));
    assert_eq!(w.agent.publish_article(id).await?.published_at, published.published_at);
    let change = ArticleChange { title: Some("Two".to_owned()), category: Patch::Clear, ..ArticleChange::default() };
    let changed = w.admin.change_article(id, change).await?;
    assert_eq!((changed.title.as_str(), changed.body.as_str()), ("Two", "First.\n\tThen."));
    assert_eq!((changed.category.as_deref(), changed.author_id), (None, w.agent.actor()));
    assert_eq!(changed.published_at, published.published_at);
    w.agent.archive_article(id).await?;
    let again = w.agent.publish_article(id).await?;
    assert!(again.published_at > published.published_at, "a new time for a new publication");
    let nothing = ArticleId::from_uuid(w.laptop.as_uuid());
    w.refuses(w.agent.publish_article(nothing), Error::not_found(nothing)).await
}

/// Articles are listed whole, by status and by author, and filtered by category; the summary counts them.
pub async fn articles_are_listed_by_status_and_author(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let mail = w.agent.create_article(article("Mail")).await?;
    let other = NewArticle { category: None, ..article("Printer") };
    let printer = w.admin.create_article(other).await?;
    let published = w.admin.publish_article(printer.id).await?;
    let ids = |page: Page<Article>| page.rows.iter().map(|article| article.id).collect::<Vec<_>>();
    let list = |listing| Query::<ArticleListing>::of(listing);
    assert_eq!(ids(w.agent.articles(&list(ArticleListing::All)).await?), [printer.id, mail.id]);
    let drafts = list(ArticleListing::Status(ArticleStatus::Draft));
    assert_eq!(ids(w.agent.articles(&drafts).await?), [mail.id]);
    assert_eq!(ids(w.agent.articles(&list(ArticleListing::Author(w.admin.actor()))).await?), [printer.id]);
    let of_mail = ArticleFilter { category: Some("mail".to_owned()) };
    assert_eq!(ids(w.agent.articles(&list(ArticleListing::All).filter(of_mail.clone())).await?), [mail.id]);
    assert_eq!(w.ada.articles(&Query::default()).await?.rows, [published]);
    assert_eq!(w.ada.articles(&Query::default().filter(of_mail)).await?.rows, []);
    let counted: Vec<(ArticleStatus, u64)> = w.agent.summary().await?.articles.into_iter().collect();
    assert_eq!(counted, [(ArticleStatus::Draft, 1), (ArticleStatus::Published, 1)]);
    Ok(())
}
