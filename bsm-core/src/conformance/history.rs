//! History: who changed what and when, in order, without a gap, and without personal text.

use super::prelude::*;

/// Entries stand in the order of versions, each with its actor, both times, and the customer whose row it is.
pub async fn history_tells_who_and_when(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ada.open_ticket(OwnTicket::new("Screen is black")).await?;
    // What happened may be told late, and in another order than it happened.
    let (late, early): (Timestamp, Timestamp) = ("2026-03-01T12:00:00Z".parse()?, "2026-02-28T12:00:00Z".parse()?);
    w.agent.at(late).start_ticket(ticket.id).await?;
    w.admin.at(early).assign_ticket(ticket.id, w.agent.actor()).await?;
    w.agent.resolve_ticket(ticket.id).await?;
    w.desk.close_resolved(Timestamp::MAX).await?;
    let page = w.agent.history(ticket.id, Order::OldestFirst, None, 50).await?;
    assert_eq!(page.next, None);
    let told: Vec<_> = page.entries.iter().map(|entry| (entry.version.0, entry.actor)).collect();
    let user = |id| Actor::User(id);
    let (ada, theo, nora) = (user(w.ada.actor()), user(w.agent.actor()), user(w.admin.actor()));
    assert_eq!(told, [(1, ada), (2, theo), (3, nora), (4, theo), (5, Actor::System)]);
    let occurred: Vec<Timestamp> = page.entries.iter().map(|entry| entry.occurred_at).collect();
    assert_eq!((occurred[1], occurred[2]), (late, early));
    let recorded: Vec<Timestamp> = page.entries.iter().map(|entry| entry.recorded_at).collect();
    assert!(recorded.is_sorted_by(|a, b| a < b), "the desk's own time never runs back: {recorded:?}");
    for entry in &page.entries {
        assert_eq!((entry.key, entry.subject), (ticket.id.into(), Some(w.ada.actor())));
        assert!(entry.occurred_at <= entry.recorded_at);
    }
    assert_eq!(occurred[3], recorded[3], "what is not told late happened when it was recorded");
    let after = w.agent.ticket(ticket.id).await?;
    assert_eq!((after.version, Some(after.updated_at)), (Version(5), recorded.last().copied()));
    Ok(())
}

/// Pages of history go on from a version, in both directions, and end.
pub async fn history_comes_in_pages_both_ways(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (ticket, other) = (w.ticket_in(TicketStatus::New).await?.id, w.ticket_in(TicketStatus::New).await?.id);
    for _ in 0..10 {
        w.agent.touch_ticket(ticket).await?;
        w.agent.touch_ticket(other).await?;
    }
    for limit in [1, 3, 10, 11, 12, 500] {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let (mut versions, mut after, mut pages) = (Vec::new(), None, 0);
            loop {
                pages += 1;
                let page = w.agent.history(ticket, order, after, limit).await?;
                assert!(page.entries.len() <= limit && page.entries.iter().all(|entry| entry.key == ticket.into()));
                versions.extend(page.entries.iter().map(|entry| entry.version.0));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let mut expected: Vec<u64> = (1..=11).collect();
            if order == Order::NewestFirst {
                expected.reverse();
            }
            assert_eq!(versions, expected, "{order:?} {limit}");
            assert_eq!(pages, versions.len().div_ceil(limit), "no page is empty: {order:?} {limit}");
        }
    }
    let end = w.agent.history(ticket, Order::OldestFirst, Some(Version(11)), 5).await?;
    assert_eq!((end.entries.len(), end.next), (0, None));
    let behind = w.agent.history(ticket, Order::NewestFirst, Some(Version(u64::MAX)), 1).await?;
    assert_eq!(behind.entries.first().map(|entry| entry.version), Some(Version(11)));
    Ok(())
}

/// Every kind of row has a history; one that never was has none; of one that was deleted, staff still read it.
pub async fn every_kind_of_row_has_a_history(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (request, rating) = w.rated(Stars::Five).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    let note = w.agent.add_note(ticket.id, "Seen").await?;
    let article = NewArticle { title: "How to".to_owned(), body: "So.".to_owned(), category: None };
    let article = w.agent.create_article(article).await?;
    let keys: [Key; 7] = [
        w.ada.actor().into(),
        ticket.id.into(),
        article.id.into(),
        w.laptop.into(),
        request.id.into(),
        rating.id.into(),
        note.id.into(),
    ];
    for key in keys {
        let page = w.agent.history(key, Order::OldestFirst, None, 1).await?;
        assert_eq!(page.entries.first().map(|entry| (entry.key, entry.action)), Some((key, Action::Created)));
        // The same id of another entity is nothing.
        let entity = if key.entity == Entity::User { Entity::Ticket } else { Entity::User };
        let wrong = Key { entity, id: key.id };
        refused(w.agent.history(wrong, Order::OldestFirst, None, 1).await, &Error::NotFound { key: wrong });
    }
    w.admin.delete_rating(rating.id).await?;
    let left = w.agent.history(rating.id, Order::NewestFirst, None, 10).await?;
    let told: Vec<_> = left.entries.iter().map(|entry| (entry.version.0, entry.action, entry.subject)).collect();
    assert_eq!(told, [(2, Action::Deleted, Some(w.ada.actor())), (1, Action::Created, Some(w.ada.actor()))]);
    let end = w.agent.history(rating.id, Order::OldestFirst, Some(Version(2)), 10).await?;
    assert_eq!((end.entries.len(), end.next), (0, None));
    Ok(())
}

/// A customer is told of their ticket what concerns them: when, by them or by the desk, and of its status, priority,
/// category and times; nobody at the desk is named.
pub async fn a_customer_is_told_what_concerns_them(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ada.open_ticket(OwnTicket::new("Screen is black")).await?;
    let change = TicketChange {
        status: Some(TicketStatus::InProgress),
        impact: Some(Impact::High),
        assigned_to: Patch::Set(w.agent.actor()),
        group: Patch::Set("on-site".to_owned()),
        category: Patch::Set("hardware".to_owned()),
        ..TicketChange::default()
    };
    w.agent.change_ticket(ticket.id, change).await?;
    w.agent.resolve_ticket(ticket.id).await?;
    w.ada.reopen_ticket(ticket.id).await?;
    let updates = w.ada.ticket_updates(ticket.id, None, 50).await?;
    let by: Vec<_> = updates.iter().map(|update| (update.version.0, update.by)).collect();
    let (you, desk) = (UpdatedBy::You, UpdatedBy::Desk);
    assert_eq!(by, [(4, you), (3, desk), (2, desk), (1, you)]);
    let fields: Vec<Vec<Field>> =
        updates.iter().map(|update| update.changes.iter().map(|change| change.field).collect()).collect();
    let reopened = vec![Field::Status, Field::ResolvedAt];
    assert_eq!(fields[0], reopened);
    assert_eq!(fields[2], [Field::Status, Field::Priority, Field::Category]);
    let everything = format!("{updates:?}");
    assert!(!everything.contains(&w.agent.actor().to_string()), "{everything}");
    let older = w.ada.ticket_updates(ticket.id, Some(Version(3)), 1).await?;
    assert_eq!(older, updates[2..3]);
    Ok(())
}

/// No text that may tell of a person stands anywhere in history, whatever was made, changed, noted and deleted.
pub async fn history_holds_no_personal_text(store: Arc<dyn Store>) -> Outcome {
    const MARK: &str = "zxq-personal";
    let w = World::new(store).await?;
    let text = |of: &str| format!("{MARK} {of}");
    let outer = |of: &str| Some(format!("{MARK}-{of}"));
    let new = NewUser {
        external_ref: outer("user"),
        ..NewUser::new(text("name"), format!("{MARK}@x.example"), Role::Customer)
    };
    let customer = w.admin.create_user(new).await?;
    let change = UserChange {
        full_name: Some(text("other name")),
        email: Some(format!("{MARK}2@x.example")),
        external_ref: Patch::Set(format!("{MARK}-2")),
    };
    w.admin.change_user(customer.id, change).await?;
    let service =
        NewService { description: text("service"), ..NewService::new(text("service"), "x", "1 EUR".parse()?) };
    let service = w.admin.create_service(service).await?;
    let portal = w.desk.customer(customer.id);
    let new = NewRequest {
        details: text("details"),
        external_ref: outer("request"),
        ..NewRequest::new(service.id, customer.id)
    };
    let request = w.agent.submit_request_for(new).await?;
    let ticket = w.agent.make_ticket(request.id, TicketFromRequest::default()).await?;
    let change =
        TicketChange { title: Some(text("title")), description: Some(text("story")), ..TicketChange::default() };
    w.agent.change_ticket(ticket.id, change).await?;
    w.agent.add_note(ticket.id, text("note")).await?;
    w.agent.resolve_ticket(ticket.id).await?;
    let rating = portal.rate(request.id, Stars::One, text("review")).await?;
    w.admin.delete_rating(rating.id).await?;
    let imported =
        NewTicket { description: text("story"), external_ref: outer("ticket"), ..NewTicket::new(text("title")) };
    w.agent.open_ticket(imported).await?;
    let article = NewArticle { title: text("article"), body: text("article"), category: None };
    let article = w.agent.create_article(article).await?;
    let change = ArticleChange { body: Some(text("article, changed")), ..ArticleChange::default() };
    w.agent.change_article(article.id, change).await?;
    let gone = w.admin.create_user(NewUser::new(text("gone"), format!("{MARK}3@x.example"), Role::Agent)).await?;
    w.admin.delete_user(gone.id).await?;
    let dump = w.dump().await?;
    assert!(format!("{:?}", dump.rows).contains(MARK), "the rows have the text");
    let mut histories: Vec<Vec<HistoryEntry>> = dump.history.into_values().collect();
    for deleted in [Key::from(gone.id), rating.id.into()] {
        histories.push(every_entry(&w.store, deleted).await?);
    }
    let told = format!("{histories:?}");
    assert!(!told.contains(MARK), "{told}");
    let personal =
        histories.iter().flatten().flat_map(|entry| &entry.changes).filter(|change| change.field == Field::Title);
    assert!(personal.count() > 0, "that a title changed is told, not to what");
    assert!(!format!("{:?}", dump.counters).contains(MARK));
    Ok(())
}
