//! A customer sees, changes, counts and guesses nothing of another's.

use std::fmt::Debug;

use super::crowd::Crowd;
use super::prelude::*;

/// Asserts that two refusals are alike to the last letter, but for the id that was asked for.
fn alike<T: Debug>(theirs: Result<T>, id: uuid::Uuid, nothing: Result<T>, never: uuid::Uuid) {
    let (Err(theirs), Err(nothing)) = (theirs, nothing) else { panic!("both must be refused") };
    assert!(matches!(theirs, Error::NotFound { .. }), "{theirs:?}");
    let text = |error: &Error, id: uuid::Uuid| format!("{error:?} {error}").replace(&id.to_string(), "ID");
    assert_eq!(text(&theirs, id), text(&nothing, never));
}

/// Whatever a customer tries with the ids of another's ticket, request and rating, the answer is that of an id which
/// never was, and nothing changes.
pub async fn ids_of_another_are_as_ids_that_never_were(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let open = w.ticket_in(TicketStatus::New).await?;
    let resolved = w.ticket_in(TicketStatus::Resolved).await?;
    let closed = w.ticket_in(TicketStatus::Closed).await?;
    let (converted, made) = w.converted().await?;
    let (rated, _) = w.rated(Stars::Five).await?;
    let fulfilled = w.request_in(RequestStatus::Fulfilled, true).await?;
    let ben = &w.ben;
    let before = w.dump().await?;
    let never = uuid::Uuid::from_u128(converted.id.as_uuid().as_u128() ^ 0xff);
    let no_ticket = TicketId::from_uuid(never);
    for id in [open.id, resolved.id, closed.id, made.id] {
        let uuid = id.as_uuid();
        alike(ben.ticket(id).await, uuid, ben.ticket(no_ticket).await, never);
        alike(ben.reopen_ticket(id).await, uuid, ben.reopen_ticket(no_ticket).await, never);
        alike(ben.close_ticket(id).await, uuid, ben.close_ticket(no_ticket).await, never);
        alike(ben.withdraw_ticket(id).await, uuid, ben.withdraw_ticket(no_ticket).await, never);
        let (theirs, nothing) = (ben.ticket_updates(id, None, 5).await, ben.ticket_updates(no_ticket, None, 5).await);
        alike(theirs, uuid, nothing, never);
        let own = |of| FollowUp { of, ticket: OwnTicket::new("Mine now") };
        alike(ben.follow_up(own(id)).await, uuid, ben.follow_up(own(no_ticket)).await, never);
        // A wrong version tells nothing either.
        let (theirs, nothing) = (ben.expecting(Version(9)), ben.expecting(Version(9)));
        alike(theirs.withdraw_ticket(id).await, uuid, nothing.withdraw_ticket(no_ticket).await, never);
    }
    let no_request = RequestId::from_uuid(never);
    for id in [converted.id, rated.id, fulfilled.id] {
        let uuid = id.as_uuid();
        alike(ben.request(id).await, uuid, ben.request(no_request).await, never);
        alike(ben.cancel_request(id).await, uuid, ben.cancel_request(no_request).await, never);
        let (theirs, nothing) = (ben.rate(id, Stars::One, "x").await, ben.rate(no_request, Stars::One, "x").await);
        alike(theirs, uuid, nothing, never);
        // A text that is not acceptable is no way to tell them apart.
        let long = "x".repeat(limits::REVIEW_CHARS + 1);
        let (theirs, nothing) = (ben.rate(id, Stars::One, &long).await, ben.rate(no_request, Stars::One, &long).await);
        alike(theirs, uuid, nothing, never);
    }
    let none = |entity| Error::NoneWith { entity, field: Field::Number };
    refused(ben.ticket_by_number(open.number).await, &none(Entity::Ticket));
    refused(ben.ticket_by_number(TicketNumber::new(999_999)).await, &none(Entity::Ticket));
    refused(ben.request_by_number(converted.number).await, &none(Entity::Request));
    refused(ben.request_by_number(RequestNumber::new(999_999)).await, &none(Entity::Request));
    assert_eq!(w.dump().await?, before);
    Ok(())
}

/// Drafts and archived articles are as articles that never were; an id of one's own of another kind is nothing.
pub async fn what_is_not_published_is_as_if_it_never_was(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let new = NewArticle { title: "Secret".to_owned(), body: "Plan".to_owned(), category: None };
    let draft = w.agent.create_article(new).await?.id;
    let own = w.ticket_in(TicketStatus::New).await?;
    let never = uuid::Uuid::from_u128(draft.as_uuid().as_u128() ^ 0xff);
    let nothing = || w.ada.article(ArticleId::from_uuid(never));
    alike(w.ada.article(draft).await, draft.as_uuid(), nothing().await, never);
    w.agent.archive_article(draft).await?;
    alike(w.ada.article(draft).await, draft.as_uuid(), nothing().await, never);
    let wrong = RequestId::from_uuid(own.id.as_uuid());
    refused(w.ada.request(wrong).await, &Error::not_found(wrong));
    let wrong = TicketId::from_uuid(w.ada.actor().as_uuid());
    refused(w.ada.ticket(wrong).await, &Error::not_found(wrong));
    Ok(())
}

/// Lists of a customer hold nothing of another's, however they are filtered; and another's cursors don't open theirs.
pub async fn lists_hold_only_ones_own(store: Arc<dyn Store>) -> Outcome {
    let crowd = Crowd::new(store).await?;
    let w = &crowd.w;
    let page = 500;
    for customer in crowd.customers {
        let portal = w.desk.customer(customer);
        for row in portal.tickets(&Query::default().limit(page)).await?.rows {
            assert_eq!(row.requested_for, Some(customer));
        }
        for row in portal.requests(&Query::default().limit(page)).await?.rows {
            assert_eq!(row.customer_id, customer);
        }
        for row in portal.ratings(&Query::default().limit(page)).await?.rows {
            assert_eq!(row.customer_id, customer);
        }
        let unified = portal.unified(&Query::default().limit(page)).await?.rows;
        assert!(!unified.is_empty());
        assert!(unified.iter().all(|row| row.customer.as_ref().is_some_and(|person| person.id == customer)));
        for other in crowd.customers.into_iter().filter(|other| *other != customer) {
            let filter = WorkFilter { customer: Some(other), ..WorkFilter::default() };
            assert_eq!(portal.unified(&Query::default().filter(filter)).await?.rows, []);
        }
    }
    let one = Query::<OwnListing>::default().limit(1);
    let foreign = || Error::InvalidCursor(CursorFault::Foreign);
    let cursor = w.ada.unified(&one).await?.next;
    assert!(cursor.is_some());
    refused(w.ben.unified(&one.clone().cursor(cursor)).await, &foreign());
    let cursor = w.ada.tickets(&one).await?.next;
    refused(w.ben.tickets(&one.clone().cursor(cursor.clone())).await, &foreign());
    refused(w.agent.tickets(&Query::default().cursor(cursor)).await, &foreign());
    let cursor = w.ada.requests(&one).await?.next;
    refused(w.ben.requests(&one.cursor(cursor)).await, &foreign());
    Ok(())
}

/// A customer's own request is not visible through its parts to another: its ticket, its rating, its number.
pub async fn a_shared_service_shares_nothing_else(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    w.rated(Stars::One).await?;
    w.converted().await?;
    assert_eq!(w.ben.ratings(&Query::default()).await?.rows, []);
    assert_eq!(w.ben.unified(&Query::default()).await?.rows, []);
    let request = w.ben.submit_request(SubmitRequest::new(w.laptop)).await?;
    assert_eq!(w.ben.requests(&Query::default()).await?.rows, [request]);
    assert_eq!(w.ben.unified(&Query::default()).await?.rows.len(), 1);
    let filter = WorkFilter { service: Some(w.laptop), ..WorkFilter::default() };
    assert_eq!(w.ben.requests(&Query::default().filter(filter)).await?.rows.len(), 1);
    Ok(())
}
