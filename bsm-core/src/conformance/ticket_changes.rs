//! Changes of a ticket: several fields at once, touches, the priority, the assignee, and what is finished.

use super::prelude::*;

/// Several fields are one commit, one version and one history entry, which tells every field from and to, and no
/// personal text.
pub async fn several_fields_are_one_change(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    let change = TicketChange {
        status: Some(TicketStatus::OnHold(HoldReason::Vendor)),
        title: Some(" Screen stays black ".to_owned()),
        description: Some("Since the update.\r\nEvery morning.".to_owned()),
        impact: Some(Impact::High),
        urgency: Some(Urgency::High),
        priority: PriorityChange::Keep,
        category: Patch::Set("hardware".to_owned()),
        subcategory: Patch::Set("screen".to_owned()),
        group: Patch::Set("on-site".to_owned()),
        assigned_to: Patch::Set(w.agent.actor()),
    };
    let after = w.agent.change_ticket(ticket.id, change).await?;
    let expected = Ticket {
        status: TicketStatus::OnHold(HoldReason::Vendor),
        title: "Screen stays black".to_owned(),
        description: "Since the update.\nEvery morning.".to_owned(),
        impact: Impact::High,
        urgency: Urgency::High,
        priority: Priority::Critical,
        category: Some("hardware".to_owned()),
        subcategory: Some("screen".to_owned()),
        group: Some("on-site".to_owned()),
        assigned_to: Some(w.agent.actor()),
        version: Version(2),
        updated_at: after.updated_at,
        ..ticket.clone()
    };
    assert_eq!(after, expected);
    assert_eq!(w.agent.ticket(ticket.id).await?, expected);
    let history = every_entry(&w.store, ticket.id.into()).await?;
    assert_eq!(history.len(), 2);
    let told = |field, from: Option<&str>, to: Option<&str>| FieldChange {
        field,
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    };
    let theo = w.agent.actor().to_string();
    let changes = [
        told(Field::Title, None, None),
        told(Field::Description, None, None),
        told(Field::Status, Some("new"), Some("on_hold_vendor")),
        told(Field::Impact, Some("medium"), Some("high")),
        told(Field::Urgency, Some("medium"), Some("high")),
        told(Field::Priority, Some("moderate"), Some("critical")),
        told(Field::Category, None, Some("hardware")),
        told(Field::Subcategory, None, Some("screen")),
        told(Field::Group, None, Some("on-site")),
        told(Field::AssignedTo, None, Some(&theo)),
    ];
    assert_eq!(history[1].changes, changes);
    assert_eq!(history[1].action, Action::Changed);
    Ok(())
}

/// Fields that may be empty are emptied; what is not named stays.
pub async fn optional_fields_are_emptied(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let new = NewTicket {
        category: Some("network".to_owned()),
        subcategory: Some("wifi".to_owned()),
        group: Some("first line".to_owned()),
        assigned_to: Some(w.agent.actor()),
        ..NewTicket::new("No signal")
    };
    let ticket = w.agent.open_ticket(new).await?;
    let change = TicketChange { subcategory: Patch::Clear, assigned_to: Patch::Clear, ..TicketChange::default() };
    let after = w.agent.change_ticket(ticket.id, change).await?;
    assert_eq!((after.subcategory.as_deref(), after.assigned_to), (None, None));
    assert_eq!((after.category.as_deref(), after.group.as_deref()), (Some("network"), Some("first line")));
    assert_eq!(w.agent.ticket(ticket.id).await?, after);
    Ok(())
}

/// A touch changes no field, and still is a version and a history entry of its own.
pub async fn a_touch_is_a_version_and_an_entry(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for status in TicketStatus::ALL.iter().copied() {
        let ticket = w.ticket_in(status).await?;
        let touched = w.agent.touch_ticket(ticket.id).await?;
        let expected = Ticket { version: ticket.version.next(), updated_at: touched.updated_at, ..ticket.clone() };
        assert_eq!(touched, expected, "{status}");
        assert!(touched.updated_at > ticket.updated_at);
        let history = every_entry(&w.store, ticket.id.into()).await?;
        let last = history.last().map(|entry| (entry.action, entry.changes.len(), entry.version));
        assert_eq!(last, Some((Action::Touched, 0, touched.version)), "{status}");
    }
    Ok(())
}

/// A finished ticket takes touches and notes. A change of any field is refused, one that names what is there already is
/// a touch.
pub async fn a_finished_ticket_takes_only_touches_and_notes(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for status in [TicketStatus::Closed, TicketStatus::Cancelled] {
        let ticket = w.ticket_in(status).await?;
        let id = ticket.id;
        let finished = || Error::Finished { key: id.into(), status: status.as_str() };
        let none = TicketChange::default;
        let changes = [
            TicketChange { title: Some("Another".to_owned()), ..none() },
            TicketChange { description: Some("More".to_owned()), ..none() },
            TicketChange { impact: Some(Impact::High), ..none() },
            TicketChange { urgency: Some(Urgency::Low), ..none() },
            TicketChange { priority: PriorityChange::Override(Priority::Low), ..none() },
            TicketChange { category: Patch::Set("x".to_owned()), ..none() },
            TicketChange { subcategory: Patch::Set("x".to_owned()), ..none() },
            TicketChange { group: Patch::Set("x".to_owned()), ..none() },
            TicketChange { assigned_to: Patch::Set(w.agent.actor()), ..none() },
        ];
        for change in changes {
            w.refuses(w.agent.change_ticket(id, change), finished()).await?;
        }
        let same = TicketChange { status: Some(status), title: Some(ticket.title.clone()), ..none() };
        assert_eq!(w.agent.change_ticket(id, same).await?.version, ticket.version.next());
        w.agent.touch_ticket(id).await?;
        let added = w.agent.add_note(id, "The customer called to say thanks.").await?;
        assert_eq!(added.ticket_id, id);
        let after = w.agent.ticket(id).await?;
        assert_eq!((after.status, after.version), (status, Version(ticket.version.0 + 3)));
    }
    Ok(())
}

/// The priority follows impact and urgency by the matrix, until it is set by hand; that is recorded as such and stays,
/// until it is told to follow again.
pub async fn the_priority_follows_until_it_is_overridden(store: Arc<dyn Store>) -> Outcome {
    use Priority::{Critical, High, Low, Moderate};
    let w = World::new(store).await?;
    // Rows: impact high, medium, low. Columns: urgency high, medium, low.
    let matrix = [[Critical, High, Moderate], [High, Moderate, Low], [Moderate, Low, Low]];
    let ticket = w.ticket_in(TicketStatus::New).await?;
    for (impact, line) in Impact::ALL.iter().zip(matrix) {
        for (urgency, expected) in Urgency::ALL.iter().zip(line) {
            let opened = NewTicket { impact: *impact, urgency: *urgency, ..NewTicket::new("Opened so") };
            let opened = w.agent.open_ticket(opened).await?;
            assert_eq!((opened.priority, opened.priority_overridden), (expected, false), "{impact} {urgency}");
            let change = TicketChange { impact: Some(*impact), urgency: Some(*urgency), ..TicketChange::default() };
            let changed = w.agent.change_ticket(ticket.id, change).await?;
            assert_eq!((changed.priority, changed.priority_overridden), (expected, false), "{impact} {urgency}");
        }
    }
    let set = |priority| TicketChange { priority, ..TicketChange::default() };
    let by_hand = w.agent.change_ticket(ticket.id, set(PriorityChange::Override(Critical))).await?;
    assert_eq!((by_hand.priority, by_hand.priority_overridden), (Critical, true));
    let change = TicketChange { impact: Some(Impact::High), urgency: Some(Urgency::Medium), ..TicketChange::default() };
    let kept = w.agent.change_ticket(ticket.id, change).await?;
    assert_eq!((kept.priority, kept.priority_overridden, kept.impact), (Critical, true, Impact::High));
    let follows = w.agent.change_ticket(ticket.id, set(PriorityChange::Follow)).await?;
    assert_eq!((follows.priority, follows.priority_overridden), (High, false));
    let opened = NewTicket { priority: Some(Low), impact: Impact::High, ..NewTicket::new("By hand at once") };
    let opened = w.agent.open_ticket(opened).await?;
    assert_eq!((opened.priority, opened.priority_overridden), (Low, true));
    // An override to what would follow anyway is still one, and is recorded.
    let same = w.agent.change_ticket(ticket.id, set(PriorityChange::Override(High))).await?;
    let last = every_entry(&w.store, same.id.into()).await?.pop().map(|entry| entry.changes);
    let recorded =
        FieldChange { field: Field::PriorityOverridden, from: Some("false".to_owned()), to: Some("true".to_owned()) };
    assert_eq!(last, Some(vec![recorded]));
    Ok(())
}

/// Tickets are assigned to active staff only, when they are opened, changed, or made from a request.
pub async fn tickets_are_assigned_to_active_staff(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::InProgress).await?;
    let request = w.request(false).await?;
    let idle = w.person("Idle", Role::Agent).await?;
    w.admin.deactivate_user(idle.id).await?;
    let nobody = UserId::from_uuid(ticket.id.as_uuid());
    let wrong = || Error::invalid_of(Entity::Ticket, "assigned_to", Reason::WrongRole { needs: Role::Agent });
    let missing = || Error::MissingParent { relation: Relation::TicketAssignedTo, parent: nobody.into() };
    for (user, refusal) in [(w.ada.actor(), wrong as fn() -> Error), (idle.id, wrong)] {
        w.refuses(w.agent.assign_ticket(ticket.id, user), refusal()).await?;
        let new = NewTicket { assigned_to: Some(user), ..NewTicket::new("New") };
        w.refuses(w.agent.open_ticket(new), refusal()).await?;
        let how = TicketFromRequest { assigned_to: Some(user), ..TicketFromRequest::default() };
        w.refuses(w.agent.make_ticket(request.id, how), refusal()).await?;
    }
    w.refuses(w.agent.assign_ticket(ticket.id, nobody), missing()).await?;
    let new = NewTicket { assigned_to: Some(nobody), ..NewTicket::new("New") };
    w.refuses(w.agent.open_ticket(new), missing()).await?;
    for user in [w.agent.actor(), w.admin.actor()] {
        assert_eq!(w.agent.assign_ticket(ticket.id, user).await?.assigned_to, Some(user));
    }
    assert_eq!(w.agent.unassign_ticket(ticket.id).await?.assigned_to, None);
    Ok(())
}

/// Somebody who was deactivated keeps their tickets, which can be worked on and given to another; only a new assignment
/// to them is refused.
pub async fn who_was_deactivated_keeps_their_tickets(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let idle = w.person("Idle", Role::Agent).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    w.agent.assign_ticket(ticket.id, idle.id).await?;
    w.admin.deactivate_user(idle.id).await?;
    assert_eq!(w.agent.start_ticket(ticket.id).await?.assigned_to, Some(idle.id));
    // Naming the assignee as it is, is no new assignment.
    assert_eq!(w.agent.assign_ticket(ticket.id, idle.id).await?.assigned_to, Some(idle.id));
    w.agent.assign_ticket(ticket.id, w.agent.actor()).await?;
    let wrong = Error::invalid_of(Entity::Ticket, "assigned_to", Reason::WrongRole { needs: Role::Agent });
    w.refuses(w.agent.assign_ticket(ticket.id, idle.id), wrong).await
}

/// A ticket that is reopened again and again counts it, and keeps the time of its last resolution only.
pub async fn reopenings_are_counted(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let id = w.ticket_in(TicketStatus::New).await?.id;
    for times in 1..=3 {
        let resolved = w.agent.resolve_ticket(id).await?;
        assert_eq!(resolved.resolved_at, Some(resolved.updated_at));
        let reopened = if times == 2 { w.ada.reopen_ticket(id).await? } else { w.agent.reopen_ticket(id).await? };
        assert_eq!((reopened.reopen_count, reopened.resolved_at), (times, None));
    }
    let at = w.now().plus_micros(-3_600_000_000);
    let resolved = w.agent.at(at).resolve_ticket(id).await?;
    assert_eq!(resolved.resolved_at, Some(at), "when it happened, not when it was recorded");
    let later = at.plus_micros(60_000_000);
    assert_eq!(w.agent.at(later).close_ticket(id).await?.closed_at, Some(later));
    Ok(())
}
