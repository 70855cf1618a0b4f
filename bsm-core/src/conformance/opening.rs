//! Opening tickets: in which status, for whom, when; follow-ups, notes, and numbers.

use super::prelude::*;

/// Staff may open a ticket in any status but the two that nothing leaves, with everything that a ticket has.
pub async fn a_ticket_begins_in_any_status_but_the_final_ones(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for status in TicketStatus::ALL.iter().copied() {
        let new = NewTicket { status, ..NewTicket::new("Imported") };
        if matches!(status, TicketStatus::Closed | TicketStatus::Cancelled) {
            let refusal = Error::invalid_of(Entity::Ticket, "status", Reason::NotAnOpening);
            w.refuses(w.agent.open_ticket(new), refusal).await?;
        } else {
            let ticket = w.agent.open_ticket(new).await?;
            assert_eq!((ticket.status, ticket.version), (status, Version::FIRST));
            assert_eq!(ticket.resolved_at.is_some(), status == TicketStatus::Resolved);
        }
    }
    let full = NewTicket {
        description: "It hums.\n\tLoudly.".to_owned(),
        category: Some("hardware".to_owned()),
        subcategory: Some("fan".to_owned()),
        channel: Channel::Phone,
        group: Some("on-site".to_owned()),
        assigned_to: Some(w.admin.actor()),
        requested_for: Some(w.ada.actor()),
        external_ref: Some("INC0000045".to_owned()),
        ..NewTicket::new("Fan hums")
    };
    let ticket = w.agent.open_ticket(full).await?;
    assert_eq!(w.agent.ticket(ticket.id).await?, ticket);
    assert_eq!((ticket.created_by, ticket.requested_for), (w.agent.actor(), Some(w.ada.actor())));
    assert_eq!((ticket.channel, ticket.description.as_str()), (Channel::Phone, "It hums.\n\tLoudly."));
    assert_eq!(ticket.id.created_at(), ticket.updated_at);
    Ok(())
}

/// A customer's ticket is theirs, came by the portal, and touches one person.
pub async fn a_customers_ticket_is_theirs(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let own = OwnTicket {
        description: "Since Monday".to_owned(),
        category: Some("mail".to_owned()),
        urgency: Urgency::High,
        ..OwnTicket::new("No mail")
    };
    let ticket = w.ada.open_ticket(own).await?;
    assert_eq!((ticket.created_by, ticket.requested_for), (w.ada.actor(), Some(w.ada.actor())));
    assert_eq!((ticket.channel, ticket.status), (Channel::Portal, TicketStatus::New));
    assert_eq!((ticket.impact, ticket.urgency, ticket.priority), (Impact::Low, Urgency::High, Priority::Moderate));
    assert_eq!(w.ada.ticket(ticket.id).await?, ticket);
    assert_eq!(w.agent.ticket(ticket.id).await?, ticket);
    Ok(())
}

/// A ticket may be opened in the past: it was created then, stands there in every list, and history keeps both times.
pub async fn a_ticket_may_be_opened_in_the_past(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let recent = w.ticket_in(TicketStatus::New).await?;
    let then: Timestamp = "2016-02-29T01:16:00.000001Z".parse()?;
    let by_field = NewTicket { opened_at: Some(then), ..NewTicket::new("Old") };
    let old = w.agent.open_ticket(by_field).await?;
    assert_eq!(old.id.created_at(), then);
    assert!(old.updated_at > recent.updated_at && old.number > recent.number, "recorded later");
    let older = w.agent.at(then.plus_micros(-1)).open_ticket(NewTicket::new("Older")).await?;
    assert_eq!(older.id.created_at(), then.plus_micros(-1));
    let first = w.agent.open_ticket(NewTicket { opened_at: Some(Timestamp::MIN), ..NewTicket::new("1970") }).await?;
    assert_eq!(first.id.created_at(), Timestamp::MIN);
    // An import may tell of the opening and of the resolution at once, in either order.
    for (opened, resolved) in [(then, then.plus_micros(5)), (then.plus_micros(5), then)] {
        let new = NewTicket { status: TicketStatus::Resolved, opened_at: Some(opened), ..NewTicket::new("Solved") };
        let solved = w.agent.at(resolved).open_ticket(new).await?;
        assert_eq!((solved.id.created_at(), solved.resolved_at), (opened, Some(then.plus_micros(5))));
        w.agent.close_ticket(solved.id).await?;
    }
    let closed = WorkFilter { ticket_status: Some(TicketStatus::Closed), ..WorkFilter::default() };
    assert_eq!(w.agent.tickets(&Query::default().filter(closed)).await?.rows.len(), 2);
    let ids = |page: Page<Ticket>| {
        let open = page.rows.iter().filter(|ticket| ticket.status == TicketStatus::New);
        open.map(|ticket| ticket.id).collect::<Vec<_>>()
    };
    let all = w.agent.tickets(&Query::default()).await?;
    assert_eq!(ids(all), [recent.id, old.id, older.id, first.id]);
    let since = w.agent.tickets(&Query::default().within(TimeRange { from: Some(then), to: Some(then) })).await?;
    assert_eq!(ids(since), [old.id]);
    let entries = every_entry(&w.store, older.id.into()).await?;
    assert_eq!(entries[0].occurred_at, then.plus_micros(-1));
    assert_eq!(entries[0].recorded_at, older.updated_at);
    Ok(())
}

/// What lies in the future is refused, save for what clocks may differ by.
pub async fn nothing_happens_in_the_future(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    let before = w.dump().await?;
    // The clock goes on by some milliseconds with the calls; a second is more than that.
    let too_far = w.now().plus_micros(limits::CLOCK_SKEW_MICROS + 1_000_000);
    let new = NewTicket { opened_at: Some(too_far), ..NewTicket::new("Tomorrow") };
    refused_like!(
        w.agent.open_ticket(new).await,
        Error::Invalid { entity: Some(Entity::Ticket), field: "opened_at", reason: Reason::InTheFuture { .. } }
    );
    let ahead = w.agent.at(too_far);
    for result in [ahead.open_ticket(NewTicket::new("Tomorrow")).await, ahead.resolve_ticket(ticket.id).await] {
        refused_like!(
            result,
            Error::Invalid { entity: None, field: "occurred_at", reason: Reason::InTheFuture { .. } }
        );
    }
    refused_like!(w.ada.at(too_far).withdraw_ticket(ticket.id).await, Error::Invalid { field: "occurred_at", .. });
    assert_eq!(w.dump().await?, before);
    let within = w.now().plus_micros(limits::CLOCK_SKEW_MICROS);
    w.agent.open_ticket(NewTicket { opened_at: Some(within), ..NewTicket::new("By a fast clock") }).await?;
    w.agent.at(within).resolve_ticket(ticket.id).await?;
    Ok(())
}

/// A ticket can be for anybody active, and have been taken by any member of staff, even one who left, or by the person
/// whose it is.
pub async fn whose_a_ticket_is_and_who_took_it(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let gone = w.person("Gone", Role::Agent).await?;
    w.admin.deactivate_user(gone.id).await?;
    let (ada, ben) = (w.ada.actor(), w.ben.actor());
    let new = |requested_for, created_by| NewTicket { requested_for, created_by, ..NewTicket::new("By telephone") };
    for by in [gone.id, w.admin.actor()] {
        assert_eq!(w.agent.open_ticket(new(Some(ada), Some(by))).await?.created_by, by);
    }
    assert_eq!(w.agent.open_ticket(new(Some(ada), Some(ada))).await?.created_by, ada);
    assert_eq!(w.agent.open_ticket(new(Some(w.admin.actor()), None)).await?.requested_for, Some(w.admin.actor()));
    let wrong = |field, needs| Error::invalid_of(Entity::Ticket, field, Reason::WrongRole { needs });
    w.refuses(w.agent.open_ticket(new(Some(ada), Some(ben))), wrong("created_by", Role::Agent)).await?;
    w.refuses(w.agent.open_ticket(new(None, Some(ben))), wrong("created_by", Role::Agent)).await?;
    w.refuses(w.agent.open_ticket(new(Some(gone.id), None)), wrong("requested_for", Role::Agent)).await?;
    let nobody = UserId::from_uuid(w.laptop.as_uuid());
    let missing = |relation| Error::MissingParent { relation, parent: nobody.into() };
    w.refuses(w.agent.open_ticket(new(Some(nobody), None)), missing(Relation::TicketRequestedFor)).await?;
    w.refuses(w.agent.open_ticket(new(None, Some(nobody))), missing(Relation::TicketCreatedBy)).await
}

/// What comes after the end is a follow-up: a ticket of its own, of a finished one, of the same person.
pub async fn a_follow_up_is_of_a_finished_ticket(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for status in TicketStatus::ALL.iter().copied() {
        let first = w.ticket_in(status).await?;
        let own = FollowUp { of: first.id, ticket: OwnTicket::new("Again") };
        if matches!(status, TicketStatus::Closed | TicketStatus::Cancelled) {
            let next = w.agent.follow_up(first.id, NewTicket::new("Again")).await?;
            assert_eq!((next.follow_up_of, next.requested_for), (Some(first.id), Some(w.ada.actor())));
            assert_eq!(next.status, TicketStatus::New);
            let same = NewTicket { requested_for: Some(w.ada.actor()), ..NewTicket::new("Again") };
            w.agent.follow_up(first.id, same).await?;
            let told_by_her = NewTicket { created_by: Some(w.ada.actor()), ..NewTicket::new("Again") };
            assert_eq!(w.agent.follow_up(first.id, told_by_her).await?.created_by, w.ada.actor());
            // Somebody else would learn of a ticket that is not theirs.
            let other = NewTicket { requested_for: Some(w.ben.actor()), ..NewTicket::new("Again, for Ben") };
            let contradicts = Reason::Contradicts { other: "follow_up_of" };
            let refusal = Error::invalid_of(Entity::Ticket, "requested_for", contradicts);
            w.refuses(w.agent.follow_up(first.id, other), refusal).await?;
            let hers = w.ada.follow_up(own).await?;
            assert_eq!((hers.follow_up_of, hers.requested_for), (Some(first.id), Some(w.ada.actor())));
            assert_eq!(w.agent.ticket(first.id).await?, first, "the finished one stays as it was");
        } else {
            let refusal = || Error::NotFinished { key: first.id.into(), status: status.as_str() };
            w.refuses(w.agent.follow_up(first.id, NewTicket::new("Again")), refusal()).await?;
            w.refuses(w.ada.follow_up(own), refusal()).await?;
        }
    }
    // What was nobody's may become somebody's; what was somebody's is followed up though they left.
    let nobodys = w.agent.open_ticket(NewTicket::new("Nobody's")).await?.id;
    w.agent.cancel_ticket(nobodys).await?;
    let his = NewTicket { requested_for: Some(w.ben.actor()), ..NewTicket::new("His, then") };
    assert_eq!(w.agent.follow_up(nobodys, his).await?.requested_for, Some(w.ben.actor()));
    let hers = w.ticket_in(TicketStatus::Cancelled).await?.id;
    w.admin.deactivate_user(w.ada.actor()).await?;
    assert_eq!(w.agent.follow_up(hers, NewTicket::new("Later")).await?.requested_for, Some(w.ada.actor()));
    let nothing = TicketId::from_uuid(w.laptop.as_uuid());
    w.refuses(w.agent.follow_up(nothing, NewTicket::new("Again")), Error::not_found(nothing)).await
}

/// Notes are staff's: they stand with their ticket, newest first, count as handling it, and customers see nothing of
/// them but that somebody was at work.
pub async fn notes_stand_with_their_ticket(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (ticket, other) = (w.ticket_in(TicketStatus::New).await?, w.ticket_in(TicketStatus::New).await?);
    let first = w.agent.add_note(ticket.id, " Called.\r\nNobody there. ").await?;
    let second = w.admin.add_note(ticket.id, "Called again.").await?;
    w.agent.add_note(other.id, "Elsewhere.").await?;
    assert_eq!((first.body.as_str(), first.author_id), ("Called.\nNobody there.", w.agent.actor()));
    let notes = w.agent.notes(&Query::of(NotesOf(ticket.id))).await?;
    assert_eq!(notes.rows, [second, first]);
    let after = w.agent.ticket(ticket.id).await?;
    assert_eq!(after, Ticket { version: Version(3), updated_at: after.updated_at, ..ticket.clone() });
    let actions: Vec<Action> =
        every_entry(&w.store, ticket.id.into()).await?.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::Created, Action::Noted, Action::Noted]);
    let updates = w.ada.ticket_updates(ticket.id, None, 10).await?;
    let told: Vec<_> = updates.iter().map(|update| (update.version.0, update.by)).collect();
    assert_eq!(told, [(3, UpdatedBy::Desk), (2, UpdatedBy::Desk), (1, UpdatedBy::Desk)]);
    assert!(updates[..2].iter().all(|update| update.changes.is_empty()), "{updates:?}");
    let nothing = TicketId::from_uuid(w.laptop.as_uuid());
    w.refuses(w.agent.add_note(nothing, "Hello"), Error::not_found(nothing)).await
}

/// Numbers are unique and rise with each ticket and with each request, each from their own row, and rows are found by
/// them.
pub async fn numbers_rise_and_find_their_row(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (mut tickets, mut requests) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        tickets.push(w.ticket_in(TicketStatus::New).await?);
        requests.push(w.request(false).await?);
    }
    assert!(tickets.is_sorted_by(|a, b| a.number < b.number), "{tickets:?}");
    assert!(requests.is_sorted_by(|a, b| a.number < b.number), "{requests:?}");
    assert!(tickets[0].number > TicketNumber::PENDING && requests[0].number > RequestNumber::PENDING);
    for (ticket, request) in tickets.iter().zip(&requests) {
        assert_eq!(&w.agent.ticket_by_number(ticket.number.to_string().parse()?).await?, ticket);
        assert_eq!(&w.agent.request_by_number(request.number.to_string().parse()?).await?, request);
        assert_eq!(&w.ada.ticket_by_number(ticket.number).await?, ticket);
        assert_eq!(&w.ada.request_by_number(request.number).await?, request);
    }
    let none = |entity| Error::NoneWith { entity, field: Field::Number };
    for unknown in [TicketNumber::PENDING, TicketNumber::new(u32::MAX)] {
        refused(w.agent.ticket_by_number(unknown).await, &none(Entity::Ticket));
        refused(w.agent.request_by_number(RequestNumber::new(unknown.get())).await, &none(Entity::Request));
    }
    // A number stays with its ticket, whatever happens to that.
    let moved = w.agent.resolve_ticket(tickets[0].id).await?;
    assert_eq!(moved.number, tickets[0].number);
    Ok(())
}
