//! A page of a feed: the desk's, or a customer's. Part of answering a read set.

use std::collections::BTreeSet;
use std::ops::Bound;

use bsm_core::model::{HistoryEntry, Key, UserId, Version};
use bsm_core::store::{FeedEvent, FeedPage, FeedQuery};

use crate::engine::Direction;
use crate::key;
use crate::read::{Reader, Stop};
use crate::record::{self, FeedRecord};

/// Answers a query of a feed.
pub(crate) fn page(reader: &Reader<'_, '_>, query: &FeedQuery) -> Result<FeedPage, Stop> {
    match query.customer {
        None => of_desk(reader, query),
        Some(customer) => of_customer(reader, query, customer),
    }
}

/// Where the desk's feed begins: the position of the oldest record, if there is one.
fn first(reader: &Reader<'_, '_>) -> Result<Option<u64>, Stop> {
    outermost(reader, Direction::Forward)
}

/// Where the desk's feed ends in the snapshot, shown or not.
fn last(reader: &Reader<'_, '_>) -> Result<Option<u64>, Stop> {
    outermost(reader, Direction::Backward)
}

fn outermost(reader: &Reader<'_, '_>, direction: Direction) -> Result<Option<u64>, Stop> {
    let (from, to) = (key::feed(0), key::feed(u64::MAX));
    let mut pairs = reader.snapshot.raw_pairs(Bound::Included(&from), Bound::Included(&to), direction);
    let Some((key, _)) = reader.paced(pairs.next().transpose())? else { return Ok(None) };
    let position = key::position(&key);
    Ok(Some(position.ok_or_else(|| record::damaged(reader.snapshot.store(), &key, "it has no position"))?))
}

/// An empty page of a feed that stands so, for a query that begins where it says.
fn empty(reader: &Reader<'_, '_>, query: &FeedQuery, oldest: u64, newest: u64) -> FeedPage {
    let resume = query.after.unwrap_or(oldest);
    FeedPage {
        epoch: reader.shown.epoch,
        oldest,
        newest: newest.max(oldest),
        resume,
        events: Vec::new(),
        rows: Vec::new(),
    }
}

/// Whether the query begins where the feed has something to give.
fn is_within(page: &FeedPage) -> bool {
    (page.oldest..page.newest).contains(&page.resume)
}

fn of_desk(reader: &Reader<'_, '_>, query: &FeedQuery) -> Result<FeedPage, Stop> {
    let Some(first) = first(reader)? else { return Ok(empty(reader, query, 0, 0)) };
    // The rows are those of the snapshot, which may be ahead of what may be shown.
    let newest = if query.rows { last(reader)?.unwrap_or(0) } else { reader.shown.place };
    let mut page = empty(reader, query, first.saturating_sub(1), newest);
    if !is_within(&page) {
        return Ok(page);
    }
    let mut changed = BTreeSet::new();
    let (from, to) = (key::feed(page.resume), key::feed(page.newest));
    let pairs = reader.snapshot.pairs(Bound::Excluded(&from), Bound::Included(&to), Direction::Forward);
    for pair in pairs.take(query.limit) {
        let (key, payload) = reader.paced(pair)?;
        page.resume += 1;
        if key::position(&key) != Some(page.resume) {
            return Err(record::damaged(reader.snapshot.store(), &key, "positions before it are missing").into());
        }
        let entries = entries(reader, query, &key, &payload)?;
        if !entries.is_empty() {
            page.events.push(FeedEvent { place: page.resume, entries });
        }
        if query.rows {
            let (_, record) = FeedRecord::open(reader.snapshot.store(), &key, &payload)?;
            changed.extend(record.changes.into_iter().map(|(key, _)| key));
        }
    }
    for key in changed {
        page.rows.push((key, reader.paced(reader.snapshot.row(key))?));
    }
    Ok(page)
}

fn of_customer(reader: &Reader<'_, '_>, query: &FeedQuery, customer: UserId) -> Result<FeedPage, Stop> {
    let (from, to) = (key::customer_feed(customer, 0), key::customer_feed(customer, u64::MAX));
    let pairs = |direction| reader.snapshot.pairs(Bound::Included(&from), Bound::Included(&to), direction);
    let Some((key, payload)) = reader.paced(pairs(Direction::Forward).next().transpose())? else {
        return Ok(empty(reader, query, 0, 0));
    };
    let (oldest, position) = place(reader, &key, &payload)?;
    // Of a feed that was trimmed to its end the last place stays, without the event.
    let trimmed = first(reader)?.is_none_or(|first| position < first);
    let oldest = if trimmed { oldest } else { oldest.saturating_sub(1) };
    // What is not durable yet is not shown: it lies at the end.
    let mut newest = None;
    for pair in pairs(Direction::Backward) {
        let (key, payload) = reader.paced(pair)?;
        let (at, position) = place(reader, &key, &payload)?;
        if position <= reader.shown.place {
            newest = Some(at);
            break;
        }
    }
    let mut page = empty(reader, query, oldest, newest.unwrap_or(oldest));
    if !is_within(&page) {
        return Ok(page);
    }
    let (from, to) = (key::customer_feed(customer, page.resume), key::customer_feed(customer, page.newest));
    let pairs = reader.snapshot.pairs(Bound::Excluded(&from), Bound::Included(&to), Direction::Forward);
    for pair in pairs.take(query.limit) {
        let (place_key, payload) = reader.paced(pair)?;
        let damaged = |fault| record::damaged(reader.snapshot.store(), &place_key, fault);
        let (at, position) = place(reader, &place_key, &payload)?;
        page.resume += 1;
        if at != page.resume {
            return Err(damaged("places before it are missing").into());
        }
        let key = key::feed(position);
        let found = reader.paced(reader.snapshot.get(&key))?.ok_or_else(|| damaged("the event is not there"))?;
        let entries = entries(reader, query, &key, &found.payload)?;
        if !entries.is_empty() {
            page.events.push(FeedEvent { place: at, entries });
        }
    }
    Ok(page)
}

/// A place of a customer's feed, and the position of its event.
fn place(reader: &Reader<'_, '_>, key: &[u8], payload: &[u8]) -> Result<(u64, u64), Stop> {
    let store = reader.snapshot.store();
    let place = key::customer_place(key).ok_or_else(|| record::damaged(store, key, "it has no place"))?;
    Ok((place, record::number(store, key, payload)?))
}

/// What history tells of an event, as far as the query asks for it.
fn entries(reader: &Reader<'_, '_>, query: &FeedQuery, key: &[u8], payload: &[u8]) -> Result<Vec<HistoryEntry>, Stop> {
    let (_, record) = FeedRecord::open(reader.snapshot.store(), key, payload)?;
    let asked = |(key, _): &(Key, Version)| query.entities.is_empty() || query.entities.contains(&key.entity);
    let mut entries = Vec::new();
    for (of, version) in record.changes.into_iter().filter(asked) {
        let key = key::history(of, version);
        let Some(found) = reader.paced(reader.snapshot.get(&key))? else { continue };
        let entry = record::entry(reader.snapshot.store(), &key, &found.payload)?;
        if query.customer.is_none_or(|customer| entry.subject == Some(customer)) {
            entries.push(entry);
        }
    }
    Ok(entries)
}
