//! A page of a feed: the desk's, or a customer's. Part of answering a read set, and so of one moment with the rest of it.
//!
//! A page is a run of the feed's index by position, or of a customer's by place, and what history tells of it is fetched by
//! key: it costs its own events, however many there are. Events that have no position yet were given theirs before, by
//! [`position`]; those that were committed since are behind the page.

pub(crate) mod position;
pub(crate) mod trim;

use std::collections::BTreeSet;

use bsm_core::model::{Entity, HistoryEntry, Key, UserId, Version};
use bsm_core::store::{FeedEvent, FeedPage, FeedQuery};
use serde::Deserialize;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::fault::Fault;
use crate::names::Statement;
use crate::store::Desk;
use crate::{fetch, history};

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    stands: Statement,
    of_desk: Statement,
    stands_of_customer: Statement,
    of_customer: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        Self {
            stands: statement(
                "SELECT epoch, (SELECT min(position) FROM {}.feed), (SELECT max(position) FROM {}.feed) FROM {}.desk",
            ),
            of_desk: statement(
                "SELECT position, changes::text FROM {}.feed WHERE position > $1 AND position <= $2 \
                 ORDER BY position LIMIT $3",
            ),
            // Of a feed that was trimmed to its end the last place stays, without the event.
            stands_of_customer: statement(
                "SELECT epoch, first.place - CASE WHEN first.position < (SELECT min(position) FROM {}.feed) THEN 0 ELSE 1 END, \
                 (SELECT max(place) FROM {}.customer_feed WHERE customer = $1), (SELECT max(position) FROM {}.feed) \
                 FROM {}.desk LEFT JOIN LATERAL (SELECT place, position FROM {}.customer_feed WHERE customer = $1 \
                 ORDER BY place LIMIT 1) AS first ON true",
            ),
            // Each event is looked up by itself, which OFFSET 0 sees to: a join might read the whole feed instead.
            of_customer: statement(
                "SELECT theirs.place, event.changes FROM (SELECT place, position FROM {}.customer_feed \
                 WHERE customer = $4 AND place > $1 AND place <= $2 ORDER BY place LIMIT $3) AS theirs \
                 LEFT JOIN LATERAL (SELECT changes::text AS changes FROM {}.feed WHERE feed.position = theirs.position \
                 OFFSET 0) AS event ON true ORDER BY theirs.place",
            ),
        }
    }
}

/// One change that an event tells of.
#[derive(Deserialize)]
struct Change {
    entity: Entity,
    id: Uuid,
    version: Version,
}

/// An event, and which entries of history tell of it.
type Told = (u64, Vec<(Key, Version)>);

/// Answers a query of a feed.
pub(crate) async fn page(desk: &Desk, connection: &mut PgConnection, query: &FeedQuery) -> Result<FeedPage, Fault> {
    let mut page = stands(desk, connection, query).await?;
    if query.limit == 0 || !(page.oldest..page.newest).contains(&page.resume) {
        return Ok(page);
    }
    let told = told(desk, connection, query, &mut page).await?;
    if query.rows {
        let changed: BTreeSet<Key> = told.iter().flat_map(|(_, changes)| changes.iter().map(|(key, _)| *key)).collect();
        let mut rows = fetch::rows(desk, connection, changed.iter().copied()).await?;
        page.rows = changed.into_iter().map(|key| (key, rows.remove(&key))).collect();
    }
    let asked: Vec<(Key, Version)> = told.iter().flat_map(|(_, changes)| changes.iter().copied()).collect();
    let found = history::entries(desk, connection, &asked).await?;
    let is_theirs = |entry: &HistoryEntry| query.customer.is_none() || entry.subject == query.customer;
    for (place, changes) in told {
        let entries = changes.iter().filter_map(|change| found.get(change));
        let entries: Vec<HistoryEntry> = entries.filter(|entry| is_theirs(entry)).cloned().collect();
        if !entries.is_empty() {
            page.events.push(FeedEvent { place, entries });
        }
    }
    Ok(page)
}

/// Where the feed stands, and where the query begins: a page without events.
async fn stands(desk: &Desk, connection: &mut PgConnection, query: &FeedQuery) -> Result<FeedPage, Fault> {
    let statement = match query.customer {
        None => desk.feeds.stands.query(),
        Some(customer) => desk.feeds.stands_of_customer.query().bind(customer.as_uuid()),
    };
    let row = statement.fetch_optional(connection).await?;
    let row = row.ok_or_else(|| desk.damaged("nothing says which epoch its feed is in".to_owned()))?;
    let epoch = row.try_get::<i64, _>(0)?.cast_unsigned();
    let count = |place: Option<i64>| place.and_then(|place| u64::try_from(place).ok());
    let (first, newest) = (count(row.try_get(1)?), count(row.try_get(2)?).unwrap_or(0));
    desk.tells(epoch, count(row.try_get(if query.customer.is_some() { 3 } else { 2 })?));
    // The desk's statement tells the oldest event, a customer's the place before theirs.
    let oldest = match query.customer {
        None => first.map_or(0, |first| first.saturating_sub(1)),
        Some(_) => first.unwrap_or(0),
    };
    let resume = query.after.unwrap_or(oldest);
    Ok(FeedPage { epoch, oldest, newest: newest.max(oldest), resume, events: Vec::new(), rows: Vec::new() })
}

/// The events of the page, each with those of its changes that are asked for; moves the page's `resume` behind them.
async fn told(
    desk: &Desk,
    connection: &mut PgConnection,
    query: &FeedQuery,
    page: &mut FeedPage,
) -> Result<Vec<Told>, Fault> {
    let statement = if query.customer.is_some() { &desk.feeds.of_customer } else { &desk.feeds.of_desk };
    let place = |place: u64| i64::try_from(place).unwrap_or(i64::MAX);
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut rows = statement.query().bind(place(page.resume)).bind(place(page.newest)).bind(limit);
    if let Some(customer) = query.customer {
        rows = rows.bind(customer.as_uuid());
    }
    let mut told = Vec::new();
    for row in rows.fetch_all(connection).await? {
        page.resume += 1;
        let damaged = |fault: &str| desk.damaged(format!("event {} of the feed: {fault}", page.resume));
        if u64::try_from(row.try_get::<i64, _>(0)?).ok() != Some(page.resume) {
            return Err(damaged("it is missing").into());
        }
        let changes: Option<&str> = row.try_get(1)?;
        let changes: Vec<Change> =
            changes.and_then(|text| serde_json::from_str(text).ok()).ok_or_else(|| damaged("it can't be read"))?;
        let changes = changes.into_iter().map(|Change { entity, id, version }| (Key { entity, id }, version));
        let asked = changes.filter(|(key, _)| query.entities.is_empty() || query.entities.contains(&key.entity));
        told.push((page.resume, asked.collect()));
    }
    Ok(told)
}

/// The customers whom a change set concerns, each once.
pub(crate) fn subjects<'h>(history: impl IntoIterator<Item = &'h HistoryEntry>) -> Vec<UserId> {
    let subjects: BTreeSet<UserId> = history.into_iter().filter_map(|entry| entry.subject).collect();
    subjects.into_iter().collect()
}

#[cfg(test)]
mod tests;
