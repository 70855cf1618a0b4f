//! Versions that a caller expects: a command on a row that changed since is refused.

use super::prelude::*;

fn conflict(key: impl Into<Key>, expected: u64, found: u64) -> Error {
    Error::Conflict { key: key.into(), expected: Version(expected), found: Version(found) }
}

/// A command at the version that stands happens; at any other, older or newer, it is a conflict that names both.
pub async fn a_stale_version_is_a_conflict(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    let seen = w.agent.expecting(ticket.version);
    let after = seen.start_ticket(ticket.id).await?;
    assert_eq!(after.version, Version(2));
    w.refuses(seen.resolve_ticket(ticket.id), conflict(ticket.id, 1, 2)).await?;
    w.refuses(seen.touch_ticket(ticket.id), conflict(ticket.id, 1, 2)).await?;
    w.refuses(seen.add_note(ticket.id, "Hello"), conflict(ticket.id, 1, 2)).await?;
    w.refuses(w.agent.expecting(Version(3)).resolve_ticket(ticket.id), conflict(ticket.id, 3, 2)).await?;
    w.refuses(w.agent.expecting(Version(0)).resolve_ticket(ticket.id), conflict(ticket.id, 0, 2)).await?;
    w.agent.expecting(Version(2)).resolve_ticket(ticket.id).await?;
    w.refuses(w.ada.expecting(Version(2)).close_ticket(ticket.id), conflict(ticket.id, 2, 3)).await?;
    w.ada.expecting(Version(3)).close_ticket(ticket.id).await?;
    Ok(())
}

/// Every kind of row is guarded so: people, services, articles, requests, ratings.
pub async fn every_kind_of_row_can_be_expected(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (request, rating) = w.rated(Stars::Two).await?;
    let submitted = w.request(true).await?;
    let article = NewArticle { title: "How to".to_owned(), body: "So.".to_owned(), category: None };
    let article = w.agent.create_article(article).await?.id;
    let (admin, agent, ada) =
        (w.admin.expecting(Version(7)), w.agent.expecting(Version(7)), w.ada.expecting(Version(7)));
    let (ben, none) = (w.ben.actor(), UserChange::default());
    w.refuses(admin.change_user(ben, none), conflict(ben, 7, 1)).await?;
    w.refuses(admin.change_role(ben, Role::Agent), conflict(ben, 7, 1)).await?;
    w.refuses(admin.deactivate_user(ben), conflict(ben, 7, 1)).await?;
    w.refuses(admin.delete_user(ben), conflict(ben, 7, 1)).await?;
    w.refuses(admin.retire_service(w.laptop), conflict(w.laptop, 7, 1)).await?;
    w.refuses(admin.delete_service(w.server), conflict(w.server, 7, 1)).await?;
    w.refuses(agent.publish_article(article), conflict(article, 7, 1)).await?;
    w.refuses(agent.change_article(article, ArticleChange::default()), conflict(article, 7, 1)).await?;
    w.refuses(admin.approve_request(submitted.id), conflict(submitted.id, 7, 1)).await?;
    w.refuses(ada.cancel_request(submitted.id), conflict(submitted.id, 7, 1)).await?;
    let how = TicketFromRequest::default();
    w.refuses(agent.make_ticket(submitted.id, how), conflict(submitted.id, 7, 1)).await?;
    w.refuses(ada.rate(request.id, Stars::One, ""), conflict(request.id, 7, request.version.0)).await?;
    w.refuses(admin.delete_rating(rating.id), conflict(rating.id, 7, 1)).await?;
    w.admin.expecting(Version(1)).delete_rating(rating.id).await?;
    Ok(())
}

/// A command that is about no row which could be at another version takes no expected version, rather than ignore it.
pub async fn what_is_about_no_row_expects_no_version(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let refusal = || Error::invalid("expected_version", Reason::Inapplicable);
    let (admin, agent, ada) =
        (w.admin.expecting(Version(1)), w.agent.expecting(Version(1)), w.ada.expecting(Version(1)));
    w.refuses(agent.open_ticket(NewTicket::new("New")), refusal()).await?;
    w.refuses(ada.open_ticket(OwnTicket::new("New")), refusal()).await?;
    w.refuses(ada.submit_request(SubmitRequest::new(w.laptop)), refusal()).await?;
    w.refuses(agent.submit_request_for(NewRequest::new(w.laptop, w.ada.actor())), refusal()).await?;
    w.refuses(admin.create_user(NewUser::new("Zoe", "zoe@x.example", Role::Agent)), refusal()).await?;
    w.refuses(admin.create_service(NewService::new("Phone", "x", "1 EUR".parse()?)), refusal()).await?;
    let article = NewArticle { title: "How to".to_owned(), body: "So.".to_owned(), category: None };
    w.refuses(agent.create_article(article), refusal()).await
}

/// Of many who change what they all saw exactly one does. Proves that the expected version holds at the commit too, and
/// that the retry does not forget what the caller expected.
pub async fn of_many_who_saw_one_version_one_changes_it(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    for version in 1..=5 {
        let desks = w.in_step::<12>();
        let results = race(12, |number| {
            let agent = desks[number].agent(w.agent.actor()).expecting(Version(version));
            let change = TicketChange { group: Patch::Set(format!("group {number}")), ..TicketChange::default() };
            async move { agent.change_ticket(ticket.id, change).await }
        })
        .await;
        one_wins(results, |_| conflict(ticket.id, version, version + 1));
    }
    assert_eq!(w.agent.ticket(ticket.id).await?.version, Version(6));
    w.sound().await
}
