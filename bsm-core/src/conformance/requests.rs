//! Requests for services: asked for, agreed to, given a day, fulfilled, withdrawn.

use super::prelude::*;

/// A request carries its service, customer, details, and the price and need of approval of its day.
pub async fn a_request_is_as_it_was_submitted(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let new = SubmitRequest { details: " Two of them.\r\nGrey. ".to_owned(), ..SubmitRequest::new(w.server) };
    let request = w.ada.submit_request(new).await?;
    assert_eq!((request.service_id, request.customer_id), (w.server, w.ada.actor()));
    assert_eq!((request.status, request.needs_approval), (RequestStatus::Submitted, true));
    assert_eq!((request.details.as_str(), request.price.to_string().as_str()), ("Two of them.\nGrey.", "1200.00 USD"));
    assert_eq!((request.scheduled_for, request.fulfilled_at, request.ticket_id), (None, None, None));
    assert!(!request.rated && request.rating_id.is_none());
    assert_eq!(w.ada.request(request.id).await?, request);
    let imported =
        || NewRequest { external_ref: Some("shop-77".to_owned()), ..NewRequest::new(w.laptop, w.ada.actor()) };
    let request = w.agent.submit_request_for(imported()).await?;
    assert_eq!(w.agent.request_by_external_ref("shop-77").await?, request);
    let refusal = Error::Duplicate { entity: Entity::Request, field: Field::ExternalRef };
    w.refuses(w.agent.submit_request_for(imported()), refusal).await
}

/// Staff submit for a customer, now or in the past; not for staff, or somebody inactive, or nobody.
pub async fn staff_submit_for_a_customer(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let then: Timestamp = "2026-02-01T10:00:00Z".parse()?;
    let request = w.agent.at(then).submit_request_for(NewRequest::new(w.laptop, w.ben.actor())).await?;
    assert_eq!((request.customer_id, request.id.created_at()), (w.ben.actor(), then));
    assert_eq!(w.ben.request(request.id).await?, request);
    let entry = &every_entry(&w.store, request.id.into()).await?[0];
    assert_eq!((entry.actor, entry.subject), (Actor::User(w.agent.actor()), Some(w.ben.actor())));
    let wrong = || Error::invalid_of(Entity::Request, "customer_id", Reason::WrongRole { needs: Role::Customer });
    let new = |customer| NewRequest::new(w.laptop, customer);
    w.refuses(w.agent.submit_request_for(new(w.admin.actor())), wrong()).await?;
    w.admin.deactivate_user(w.ben.actor()).await?;
    w.refuses(w.agent.submit_request_for(new(w.ben.actor())), wrong()).await?;
    let nobody = UserId::from_uuid(w.laptop.as_uuid());
    let missing = Error::MissingParent { relation: Relation::RequestCustomer, parent: nobody.into() };
    w.refuses(w.agent.submit_request_for(new(nobody)), missing).await?;
    let nothing = ServiceId::from_uuid(w.ada.actor().as_uuid());
    let missing = || Error::MissingParent { relation: Relation::RequestService, parent: nothing.into() };
    w.refuses(w.agent.submit_request_for(NewRequest::new(nothing, w.ada.actor())), missing()).await?;
    w.refuses(w.ada.submit_request(SubmitRequest::new(nothing)), missing()).await
}

/// The whole way of a request that needs approval, each step kept: approved, given a day, another day, begun, fulfilled.
pub async fn a_request_goes_its_whole_way(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let id = w.request(true).await?.id;
    w.admin.approve_request(id).await?;
    let (day, other): (Timestamp, Timestamp) = ("2026-04-01T09:00:00Z".parse()?, "2026-04-02T09:00:00Z".parse()?);
    assert_eq!(w.agent.schedule_request(id, day).await?.scheduled_for, Some(day));
    let refusal = Error::IllegalMove {
        key: id.into(),
        from: "scheduled",
        to: "scheduled",
        legal: vec!["in_progress", "fulfilled", "cancelled"],
    };
    w.refuses(w.agent.schedule_request(id, day), refusal).await?;
    let again = w.agent.schedule_request(id, other).await?;
    assert_eq!((again.scheduled_for, again.status), (Some(other), RequestStatus::Scheduled));
    let begun = w.agent.start_request(id).await?;
    assert_eq!(begun.scheduled_for, Some(other), "the day stays");
    let done = w.agent.fulfil_request(id).await?;
    assert_eq!(done.fulfilled_at, Some(done.updated_at));
    let statuses: Vec<Option<String>> = every_entry(&w.store, id.into())
        .await?
        .into_iter()
        .filter_map(|entry| entry.changes.into_iter().find(|change| change.field == Field::Status))
        .map(|change| change.to)
        .collect();
    let words = ["submitted", "approved", "scheduled", "in_progress", "fulfilled"];
    assert_eq!(statuses, words.map(|word| Some(word.to_owned())));
    let last_day = every_entry(&w.store, id.into()).await?[3].changes.clone();
    let change = FieldChange { field: Field::ScheduledFor, from: Some(day.to_string()), to: Some(other.to_string()) };
    assert_eq!(last_day, [change], "another day is a change of the day alone");
    Ok(())
}

/// Withdrawing a request cancels its open ticket in the same commit, by the same actor, at the same moment.
pub async fn withdrawing_a_request_cancels_its_open_ticket(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for by_customer in [true, false] {
        let (request, ticket) = w.converted().await?;
        let after = if by_customer {
            w.ada.cancel_request(request.id).await?
        } else {
            w.agent.cancel_request(request.id).await?
        };
        assert_eq!((after.status, after.version), (RequestStatus::Cancelled, request.version.next()));
        let cancelled = w.agent.ticket(ticket.id).await?;
        assert_eq!((cancelled.status, cancelled.version), (TicketStatus::Cancelled, ticket.version.next()));
        assert_eq!(cancelled.updated_at, after.updated_at, "one commit");
        let of = |entries: Vec<HistoryEntry>| entries.last().map(|entry| (entry.actor, entry.recorded_at));
        let (first, second) =
            (every_entry(&w.store, request.id.into()).await?, every_entry(&w.store, ticket.id.into()).await?);
        assert_eq!(of(first), of(second));
    }
    w.sound().await
}

/// While its ticket is open, a request is moved by that alone: it can't be fulfilled past it.
pub async fn an_open_ticket_holds_its_request(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (request, ticket) = w.converted().await?;
    let refusal = || Error::HasOpenTicket { request: request.id, ticket: ticket.id };
    for status in [TicketStatus::New, TicketStatus::InProgress, TicketStatus::OnHold(HoldReason::Customer)] {
        if status != TicketStatus::New {
            w.agent.change_ticket(ticket.id, TicketChange::to(status)).await?;
        }
        w.refuses(w.agent.fulfil_request(request.id), refusal()).await?;
        w.refuses(w.admin.fulfil_request(request.id), refusal()).await?;
    }
    w.agent.cancel_ticket(ticket.id).await?;
    assert_eq!(w.agent.fulfil_request(request.id).await?.status, RequestStatus::Fulfilled);
    Ok(())
}
