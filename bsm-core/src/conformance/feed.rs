//! The feed: what events tell, in which order, and to whom.

use super::prelude::*;

/// The pages of a feed from its oldest event, `limit` at a time.
async fn from_oldest(w: &World, limit: usize) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let mut query = EventQuery::since(Since::Oldest).limit(limit);
    loop {
        let page = w.admin.events(&query).await?;
        events.extend(page.events);
        if !page.more {
            return Ok(events);
        }
        query.since = Since::After(page.position);
    }
}

/// Every command makes one event, which tells all that it did and equals history; a refused one makes none.
pub async fn every_command_makes_one_event(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let before = w.admin.events(&Since::Now.into()).await?;
    assert_eq!((before.events.len(), before.more), (0, false));
    let (request, ticket) = w.converted().await?;
    w.agent.resolve_ticket(ticket.id).await?;
    refused_like!(w.agent.resolve_ticket(ticket.id).await, Error::IllegalMove { .. });
    refused_like!(w.ada.open_ticket(OwnTicket::new("")).await, Error::Invalid { .. });
    w.agent.touch_ticket(ticket.id).await?;
    w.agent.add_note(ticket.id, "Called back").await?;
    let page = w.admin.events(&before.position.into()).await?;
    let keys = |event: &Event| event.entries.iter().map(|entry| (entry.key, entry.version.0)).collect::<Vec<_>>();
    let (of_request, of_ticket) = (Key::from(request.id), Key::from(ticket.id));
    let told: Vec<Vec<(Key, u64)>> = page.events.iter().map(keys).collect();
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(told[0], [(of_request, 1)]);
    assert_eq!(sorted(&told[1]), sorted(&[(of_request, 2), (of_ticket, 1)]));
    assert_eq!(sorted(&told[2]), sorted(&[(of_request, 3), (of_ticket, 2)]));
    assert_eq!(told[3], [(of_ticket, 3)]);
    assert_eq!(told[4].len(), 2, "the note, and the ticket that it is on: {told:?}");
    for entry in page.events.iter().flat_map(|event| &event.entries) {
        let history = every_entry(&w.store, entry.key).await?;
        assert!(history.contains(entry), "{entry:?}");
    }
    assert!(!page.more);
    Ok(())
}

fn sorted<T: Ord + Clone>(all: &[T]) -> Vec<T> {
    let mut all = all.to_vec();
    all.sort();
    all
}

/// Pages of any size give the same events in the same order; each position goes on behind its event.
pub async fn any_position_goes_on_behind_its_event(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..3 {
        w.rated(Stars::Four).await?;
    }
    let all = from_oldest(&w, limits::PAGE_SIZE_MAX).await?;
    assert_eq!(all.len(), 6 + 3 * 3, "six commands make a world, three make a rated request");
    for limit in [1, 2, 7] {
        assert_eq!(from_oldest(&w, limit).await?, all, "{limit} at a time");
    }
    for (rank, event) in all.iter().enumerate() {
        let behind = w.admin.events(&event.position.clone().into()).await?;
        assert_eq!(behind.events, all[rank + 1..], "behind event {rank}");
        // Kept as text, and read by another desk over the same store.
        let kept = Position::new(event.position.to_string());
        let elsewhere = w.another_desk().agent(w.agent.actor());
        assert_eq!(elsewhere.events(&kept.into()).await?.events, all[rank + 1..]);
    }
    assert_eq!(w.desk.events(&Since::Oldest.into()).await?.events, all, "the application itself is told the same");
    let versions: Vec<(Key, Version)> =
        all.iter().flat_map(|event| &event.entries).map(|entry| (entry.key, entry.version)).collect();
    for (rank, (key, version)) in versions.iter().enumerate() {
        let earlier = versions[..rank].iter().filter(|(of, _)| of == key).count();
        assert_eq!(usize::try_from(version.0).ok(), Some(earlier + 1), "versions rise along the feed");
    }
    Ok(())
}

/// A page tells of what was asked for only, looks at no more events than its limit, and always goes on.
pub async fn events_are_filtered_by_entity(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..3 {
        w.rated(Stars::Two).await?;
    }
    let all = from_oldest(&w, limits::PAGE_SIZE_MAX).await?;
    for entities in [vec![Entity::Rating], vec![Entity::User, Entity::Request], vec![Entity::Article]] {
        let mut query = EventQuery::since(Since::Oldest).only(entities.clone()).limit(2);
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let page = w.agent.events(&query).await?;
            found.extend(page.events);
            pages += 1;
            if !page.more {
                break;
            }
            query.since = Since::After(page.position);
        }
        let expected: Vec<Event> = all
            .iter()
            .cloned()
            .map(|mut event| {
                event.entries.retain(|entry| entities.contains(&entry.key.entity));
                event
            })
            .filter(|event| !event.entries.is_empty())
            .collect();
        assert_eq!(found, expected, "{entities:?}");
        assert_eq!(pages, all.len().div_ceil(2), "two at a time, whether they are asked for or not");
    }
    for limit in [0, limits::PAGE_SIZE_MAX + 1] {
        let asked = w.admin.events(&EventQuery::since(Since::Oldest).limit(limit)).await;
        refused_like!(asked, Error::Invalid { field: "limit", .. });
    }
    Ok(())
}

/// A customer is told of what is theirs and of nothing else; who works on it, and what staff write among themselves, are
/// not told.
pub async fn a_customer_is_told_only_what_is_theirs(store: Arc<dyn Store>) -> Outcome {
    use Action::{Changed, Created, Touched};
    use Entity::{Rating, Request, Ticket, User};
    use UpdatedBy::{Desk, You};

    let w = World::new(store).await?;
    let (request, ticket) = w.converted().await?;
    w.agent.assign_ticket(ticket.id, w.agent.actor()).await?;
    w.agent.add_note(ticket.id, "A difficult customer").await?;
    w.ben.open_ticket(OwnTicket::new("Ben's own")).await?;
    w.agent.open_ticket(NewTicket::new("Nobody's")).await?;
    w.agent.resolve_ticket(ticket.id).await?;
    w.ada.rate(request.id, Stars::Five, "Thanks").await?;
    let events = w.ada.events(&Since::Oldest.into()).await?.events;
    let told: Vec<Vec<(Entity, u64, Action, UpdatedBy)>> = events
        .iter()
        .map(|event| {
            let mut told: Vec<_> =
                event.updates.iter().map(|told| (told.key.entity, told.version.0, told.action, told.by)).collect();
            told.sort_by_key(|(entity, version, ..)| (*entity, *version));
            told
        })
        .collect();
    assert_eq!(
        told,
        [
            vec![(User, 1, Created, Desk)],
            vec![(Request, 1, Created, You)],
            vec![(Ticket, 1, Created, Desk), (Request, 2, Changed, Desk)],
            vec![(Ticket, 2, Changed, Desk)],
            vec![(Ticket, 3, Touched, Desk)],
            vec![(Ticket, 4, Changed, Desk), (Request, 3, Changed, Desk)],
            vec![(Request, 4, Changed, You), (Rating, 1, Created, You)],
        ]
    );
    let text = format!("{events:?}");
    assert!(!text.contains(&w.agent.actor().to_string()), "staff are not named: {text}");
    let fields: Vec<Field> = events[3].updates[0].changes.iter().map(|change| change.field).collect();
    assert_eq!(fields, [], "who works on it is not told");
    // Ben is told of Ben.
    let bens = w.ben.events(&Since::Oldest.into()).await?.events;
    let subjects: Vec<Entity> = bens.iter().flat_map(|event| &event.updates).map(|told| told.key.entity).collect();
    assert_eq!(subjects, [User, Ticket]);
    Ok(())
}

/// A customer's positions count what is theirs: whatever others do, they stay as they are.
pub async fn a_customers_positions_tell_nothing_of_others(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    w.ada.open_ticket(OwnTicket::new("Mine")).await?;
    let stands = w.ada.events(&Since::Now.into()).await?;
    for _ in 0..5 {
        w.ben.open_ticket(OwnTicket::new("Another's")).await?;
        w.agent.open_ticket(NewTicket::new("Nobody's")).await?;
        assert_eq!(w.ada.events(&Since::Now.into()).await?, stands);
    }
    assert_eq!(w.ada.events(&stands.position.clone().into()).await?.events, []);
    // Two customers who did as much have come as far, though the desk did other things in between.
    let numbers = |position: &Position, of: UserId| position.read(Some(of)).map(|at| at.place);
    let bens = w.ben.events(&Since::Now.into()).await?;
    assert_eq!(numbers(&stands.position, w.ada.actor())?, 2);
    assert_eq!(numbers(&bens.position, w.ben.actor())?, 6);
    Ok(())
}

/// A position is good for its own feed only, and a text that is none is refused by name.
pub async fn a_position_is_good_for_its_own_feed_only(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let foreign = || Error::InvalidPosition(CursorFault::Foreign);
    let adas = w.ada.events(&Since::Now.into()).await?.position;
    let desks = w.admin.events(&Since::Now.into()).await?.position;
    w.refuses(w.ben.events(&adas.clone().into()), foreign()).await?;
    w.refuses(w.admin.events(&adas.clone().into()), foreign()).await?;
    w.refuses(w.ada.events(&desks.clone().into()), foreign()).await?;
    w.refuses(async { w.ben.watch(adas).await.map(drop) }, foreign()).await?;
    for text in ["", "x", "AAAA", &"A".repeat(10_000), &desks.as_str()[1..]] {
        let damaged = Error::InvalidPosition(CursorFault::Damaged);
        w.refuses(w.admin.events(&Position::new(text).into()), damaged).await?;
    }
    w.agent.events(&desks.into()).await?;
    Ok(())
}

/// Only those are told who may use the portal, page by page.
pub async fn who_may_not_use_the_portal_is_told_nothing(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let stranger = w.desk.admin(w.ada.actor());
    let refusal = || Error::NotAllowed { actor: ActorName(Actor::User(w.ada.actor())), needs: Role::Admin };
    w.refuses(stranger.events(&Since::Oldest.into()), refusal()).await?;
    w.refuses(async { stranger.watch(Since::Oldest).await.map(drop) }, refusal()).await?;
    let mut watch = w.ada.watch(Since::Now).await?;
    w.ada.open_ticket(OwnTicket::new("One")).await?;
    watch.next().await?;
    w.admin.deactivate_user(w.ada.actor()).await?;
    refused_like!(watch.next().await, Error::NotAllowed { needs: Role::Customer, .. });
    Ok(())
}
