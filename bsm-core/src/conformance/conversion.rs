//! A request that was made into a ticket, and what each does to the other, in one commit.

use super::prelude::*;

async fn request(w: &World, id: RequestId) -> Result<ServiceRequest> {
    w.agent.request(id).await
}

/// The ticket is made from the request: its service's name, its details, its customer. Each has the other's id.
pub async fn a_ticket_is_made_from_its_request(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let before = w.request(false).await?;
    let how = TicketFromRequest {
        impact: Impact::High,
        urgency: Urgency::High,
        group: Some("on-site".to_owned()),
        assigned_to: Some(w.agent.actor()),
    };
    let ticket = w.admin.make_ticket(before.id, how).await?;
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("Laptop", "By Friday"));
    assert_eq!((ticket.category.as_deref(), ticket.channel), (Some("customer_request"), Channel::Portal));
    assert_eq!((ticket.requested_for, ticket.created_by), (Some(w.ada.actor()), w.admin.actor()));
    assert_eq!((ticket.status, ticket.priority), (TicketStatus::New, Priority::Critical));
    assert_eq!((ticket.group.as_deref(), ticket.assigned_to), (Some("on-site"), Some(w.agent.actor())));
    assert_eq!(ticket.request_id, Some(before.id));
    let after = request(&w, before.id).await?;
    let expected = ServiceRequest {
        status: RequestStatus::InProgress,
        ticket_id: Some(ticket.id),
        version: before.version.next(),
        updated_at: ticket.updated_at,
        ..before
    };
    assert_eq!(after, expected);
    assert_eq!(w.ada.ticket(ticket.id).await?, ticket, "it is the customer's own");
    Ok(())
}

/// Resolving the ticket fulfils the request; closing it changes nothing more.
pub async fn resolving_the_ticket_fulfils_the_request(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (before, ticket) = w.converted().await?;
    w.agent.start_ticket(ticket.id).await?;
    assert_eq!(request(&w, before.id).await?, before, "work on the ticket is not the request's business");
    let at = w.now().plus_micros(-60_000_000);
    let resolved = w.agent.at(at).resolve_ticket(ticket.id).await?;
    let after = request(&w, before.id).await?;
    assert_eq!((after.status, after.fulfilled_at), (RequestStatus::Fulfilled, Some(at)));
    assert_eq!((after.updated_at, after.version), (resolved.updated_at, before.version.next()));
    w.agent.close_ticket(ticket.id).await?;
    assert_eq!(request(&w, before.id).await?, after);
    w.sound().await
}

/// Reopening the ticket puts an unrated request back in progress, and resolving fulfils it anew; by staff and by the
/// customer.
pub async fn reopening_the_ticket_puts_an_unrated_request_back(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (before, ticket) = w.converted().await?;
    for by_customer in [true, false] {
        w.agent.resolve_ticket(ticket.id).await?;
        if by_customer {
            w.ada.reopen_ticket(ticket.id).await?
        } else {
            w.agent.reopen_ticket(ticket.id).await?
        };
        let back = request(&w, before.id).await?;
        assert_eq!((back.status, back.fulfilled_at), (RequestStatus::InProgress, None));
        let refusal = Error::NotFulfilled { request: before.id, status: RequestStatus::InProgress };
        w.refuses(w.ada.rate(before.id, Stars::Two, ""), refusal).await?;
    }
    w.agent.resolve_ticket(ticket.id).await?;
    assert_eq!(request(&w, before.id).await?.status, RequestStatus::Fulfilled);
    w.sound().await
}

/// A rated request stays fulfilled, whatever happens to its ticket.
pub async fn a_rated_request_stays_fulfilled(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (before, ticket) = w.converted().await?;
    w.agent.resolve_ticket(ticket.id).await?;
    w.ada.rate(before.id, Stars::Four, "").await?;
    let rated = request(&w, before.id).await?;
    w.ada.reopen_ticket(ticket.id).await?;
    assert_eq!(request(&w, before.id).await?, rated, "reopened");
    w.agent.resolve_ticket(ticket.id).await?;
    assert_eq!(request(&w, before.id).await?, rated, "resolved again");
    Ok(())
}

/// Cancelling the ticket leaves the request in progress, for staff to decide: it can be fulfilled or withdrawn without it,
/// but not made into a ticket again.
pub async fn cancelling_the_ticket_leaves_the_request(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for by_customer in [true, false] {
        let (before, ticket) = w.converted().await?;
        if by_customer {
            w.ada.withdraw_ticket(ticket.id).await?
        } else {
            w.agent.cancel_ticket(ticket.id).await?
        };
        assert_eq!(request(&w, before.id).await?, before);
        let refusal = Error::AlreadyConverted { request: before.id, ticket: ticket.id };
        w.refuses(w.agent.make_ticket(before.id, TicketFromRequest::default()), refusal).await?;
        if by_customer {
            w.agent.fulfil_request(before.id).await?
        } else {
            w.ada.cancel_request(before.id).await?
        };
    }
    Ok(())
}

/// A request becomes a ticket once: not again while the ticket is open, resolved, closed or cancelled.
pub async fn a_request_is_converted_once(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (before, ticket) = w.converted().await?;
    let refusal = || Error::AlreadyConverted { request: before.id, ticket: ticket.id };
    let how = TicketFromRequest::default;
    w.refuses(w.agent.make_ticket(before.id, how()), refusal()).await?;
    w.refuses(w.admin.make_ticket(before.id, how()), refusal()).await?;
    w.agent.resolve_ticket(ticket.id).await?;
    w.refuses(w.agent.make_ticket(before.id, how()), refusal()).await?;
    w.agent.close_ticket(ticket.id).await?;
    w.refuses(w.agent.make_ticket(before.id, how()), refusal()).await
}

/// However many press the button together, one ticket is made. Proves the version that the request is written with:
/// without it, sixteen tickets would be made of one request.
pub async fn of_many_conversions_at_once_one_wins(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..5 {
        let before = w.request(false).await?;
        let desks = w.in_step::<16>();
        let results = race(16, |number| {
            let agent = desks[number].agent(w.agent.actor());
            async move { agent.make_ticket(before.id, TicketFromRequest::default()).await }
        })
        .await;
        let ticket = one_wins(results, |won| Error::AlreadyConverted { request: before.id, ticket: won.id });
        assert_eq!(request(&w, before.id).await?.ticket_id, Some(ticket.id));
    }
    assert_eq!(w.dump().await?.all::<Ticket>().len(), 5);
    w.sound().await
}
