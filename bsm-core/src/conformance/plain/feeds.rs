//! The feeds: one event for each command that changed something, in their order; a customer's share of it to each.

use super::compare::{Same, answers, same};
use super::faults::told;
use super::state::Plain;
use crate::feed::{EventPage, EventQuery, OwnEvent, OwnUpdate, Since, UpdatedBy};
use crate::model::{Action, Actor, Entity, HistoryEntry, UserId};
use crate::schema::Field;
use crate::{Agent, Customer, Desk, Result};

/// The entries of an event. In which order those of one command stand is nowhere said.
fn by_key(mut entries: Vec<HistoryEntry>) -> Vec<HistoryEntry> {
    entries.sort_by_key(|entry| entry.key);
    entries
}

/// The desk's feed from an event of the plain one on, as the application itself is told of it.
///
/// # Errors
/// What the desk says.
pub(crate) async fn since(desk: &Desk, plain: &Plain, begun: usize) -> Result<Vec<Vec<HistoryEntry>>> {
    let mut events = Vec::new();
    let mut query = EventQuery::since(Since::Oldest).limit(50);
    loop {
        let page = desk.events(&query).await?;
        events.extend(page.events.into_iter().map(|event| by_key(event.entries)));
        if !page.more {
            events.drain(..(begun - plain.feed_begins).min(events.len()));
            return Ok(events);
        }
        query.since = Since::After(page.position);
    }
}

/// The event that a command left, to be compared.
pub(crate) fn event(entries: &[HistoryEntry]) -> Vec<HistoryEntry> {
    by_key(entries.to_vec())
}

/// Compares the feed of the whole desk.
pub(crate) async fn of_desk(desk: &Desk, agent: &Agent, plain: &Plain) -> Same {
    let expected: Vec<Vec<HistoryEntry>> =
        plain.events[plain.feed_begins..].iter().map(|entries| event(entries)).collect();
    let found = since(desk, plain, plain.feed_begins).await;
    answers(|| "feed".to_owned(), found, Ok(expected.clone()))?;
    // Only tickets, three at a time.
    let mut query = EventQuery::since(Since::Oldest).only([Entity::Ticket]).limit(3);
    let mut found = Vec::new();
    loop {
        let page = agent.events(&query).await.map_err(|error| told(&error))?;
        found.extend(page.events.into_iter().map(|event| by_key(event.entries)));
        if !page.more {
            break;
        }
        query.since = Since::After(page.position);
    }
    let only = |entries: &Vec<HistoryEntry>| -> Vec<HistoryEntry> {
        entries.iter().filter(|entry| entry.key.entity == Entity::Ticket).cloned().collect()
    };
    let expected: Vec<Vec<HistoryEntry>> = expected.iter().map(only).filter(|entries| !entries.is_empty()).collect();
    same(|| "feed of tickets".to_owned(), &found, &expected)
}

/// Compares a customer's own feed.
pub(crate) async fn of_customer(customer: &Customer, plain: &Plain) -> Same {
    let own = |entries: &Vec<HistoryEntry>| -> Vec<OwnUpdate> {
        let theirs = entries.iter().filter(|entry| entry.subject == Some(customer.actor()));
        theirs.map(|entry| update(entry, customer.actor())).collect()
    };
    let expected: Vec<Vec<OwnUpdate>> = plain.events[plain.feed_begins..]
        .iter()
        .map(|entries| own(&event(entries)))
        .filter(|told| !told.is_empty())
        .collect();
    let mut found: Vec<Vec<OwnUpdate>> = Vec::new();
    let mut query = EventQuery::since(Since::Oldest).limit(4);
    loop {
        let page: EventPage<OwnEvent> = customer.events(&query).await.map_err(|error| told(&error))?;
        for mut event in page.events {
            event.updates.sort_by_key(|update| update.key);
            found.push(event.updates);
        }
        if !page.more {
            break;
        }
        query.since = Since::After(page.position);
    }
    same(|| format!("feed of customer {}", customer.actor()), &found, &expected)
}

/// What a customer is told of an entry of history.
pub(crate) fn update(entry: &HistoryEntry, customer: UserId) -> OwnUpdate {
    use Field::{
        Active, Category, ClosedAt, Email, FulfilledAt, FullName, Priority, Rated, RatingId, ResolvedAt, ScheduledFor,
        Stars, Status, Subcategory, TicketId,
    };
    let of_entity: &[Field] = match entry.key.entity {
        Entity::Ticket => &[Status, Priority, Category, Subcategory, ResolvedAt, ClosedAt],
        Entity::Request => &[Status, ScheduledFor, FulfilledAt, TicketId, RatingId, Rated],
        Entity::Rating => &[Stars],
        Entity::User => &[FullName, Email, Active],
        Entity::Article | Entity::Service | Entity::Note => &[],
    };
    OwnUpdate {
        key: entry.key,
        version: entry.version,
        action: if entry.action == Action::Noted { Action::Touched } else { entry.action },
        occurred_at: entry.occurred_at,
        by: if entry.actor == Actor::User(customer) { UpdatedBy::You } else { UpdatedBy::Desk },
        changes: entry.changes.iter().filter(|change| of_entity.contains(&change.field)).cloned().collect(),
    }
}
