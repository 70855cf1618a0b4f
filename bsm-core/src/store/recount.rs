//! Recounting a store through its own answers: what [`Store::verify`] can be where a store has no shorter way.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::Result;
use crate::model::{Action, Entity, HistoryEntry, Key, Row, TimeRange, UserId, Value, Version};
use crate::schema::{Counter, Index, contributions, counters, indexes, relations_from, uniques};

use super::{
    Branch, CountQuery, FeedEvent, FeedQuery, LogQuery, Order, Place, ReadSet, Scan, Store, UniqueValue, Verification,
};

/// How much is read at a time.
const AT_ONCE: usize = 500;

/// Compares everything that the store answers with everything else that it answers: rows with what lists, unique fields,
/// relations and counters say of them, history with versions, the feeds with history.
///
/// Holds all rows and all history in memory, and takes a read for each group of each index. Not of one moment: nobody may
/// write meanwhile, else differences are found that are none. What a store keeps and never answers with it can't find; a
/// store of many rows has a [`verify`](Store::verify) of its own.
///
/// # Errors
/// What the store says.
///
/// ```
/// # async fn example(store: &dyn bsm_core::store::Store) -> bsm_core::Result<()> {
/// let found = bsm_core::store::recount(store).await?;
/// assert!(found.is_clean(), "{:?}", found.differences);
/// # Ok(())
/// # }
/// ```
pub async fn recount(store: &dyn Store) -> Result<Verification> {
    let mut all = Everything { store, rows: BTreeMap::new(), history: BTreeMap::new(), found: Verification::default() };
    for entity in Entity::ALL {
        let branch = Branch { index: Index::primary(*entity), values: Vec::new(), conditions: Vec::new() };
        let rows = every_row(store, branch).await?;
        all.rows.extend(rows.into_iter().map(|row| (row.key(), row)));
        for entry in every_entry(store, *entity).await? {
            all.history.insert((entry.key, entry.version), entry);
        }
    }
    all.found.rows = count(all.rows.len());
    all.found.history = count(all.history.len());
    all.relations();
    all.histories();
    for entity in Entity::ALL {
        all.uniques(*entity).await?;
        for spec in indexes(*entity) {
            all.index(Index { entity: *entity, tag: spec.tag }).await?;
        }
    }
    all.counters().await?;
    all.feeds().await?;
    Ok(all.found)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

struct Everything<'s> {
    store: &'s dyn Store,
    rows: BTreeMap<Key, Row>,
    history: BTreeMap<(Key, Version), HistoryEntry>,
    found: Verification,
}

impl Everything<'_> {
    fn relations(&mut self) {
        for (key, row) in &self.rows {
            for spec in relations_from(key.entity) {
                let parent = row.value(spec.field).as_id().map(|id| Key { entity: spec.to, id });
                if let Some(parent) = parent.filter(|parent| !self.rows.contains_key(parent)) {
                    let detail = format!("{} names {parent}, which is not there", spec.relation);
                    self.found.differs(Place::Row(*key), detail);
                }
            }
        }
    }

    /// Every version of every row is told of, and none that never was.
    fn histories(&mut self) {
        let mut last: Option<(Key, Version, Action)> = None;
        for ((key, version), entry) in &self.history {
            let expected = match last {
                Some((of, before, _)) if of == *key => before.next(),
                _ => Version::FIRST,
            };
            if *version != expected {
                self.found.differs(Place::History(*key, expected), "it is missing");
            }
            last = Some((*key, *version, entry.action));
            let newest = self.history.range((*key, version.next())..).next().is_none_or(|((next, _), _)| next != key);
            if newest && !self.rows.contains_key(key) && entry.action != Action::Deleted {
                self.found.differs(Place::Row(*key), format!("it is not there, and was not deleted after {version}"));
            }
        }
        for (key, row) in &self.rows {
            let newest = self.history.range((*key, Version(0))..=(*key, Version(u64::MAX))).next_back();
            let newest = newest.map_or(Version(0), |((_, version), _)| *version);
            if newest != row.version() {
                let detail = format!("the row is at version {}, history at {newest}", row.version());
                self.found.differs(Place::History(*key, newest), detail);
            }
        }
    }

    async fn uniques(&mut self, entity: Entity) -> Result<()> {
        for field in uniques(entity) {
            let rows = self.rows.values().filter(|row| row.entity() == entity);
            let held: Vec<(Key, Value<'static>)> = rows
                .map(|row| (row.key(), row.value(*field).into_owned()))
                .filter(|(_, value)| !value.is_null())
                .collect();
            for chunk in held.chunks(AT_ONCE) {
                let find = chunk.iter().map(|(_, value)| UniqueValue { entity, field: *field, value: value.clone() });
                let set = ReadSet { find: find.collect(), current: true, ..ReadSet::default() };
                let found = self.store.read(set).await?.found;
                for ((key, _), found) in chunk.iter().zip(found) {
                    if found.as_ref() != self.rows.get(key) {
                        let detail = found.map_or_else(|| "nothing".to_owned(), |row| row.key().to_string());
                        self.found.differs(Place::Unique(*field, *key), format!("{detail} is found by it"));
                    }
                }
            }
        }
        Ok(())
    }

    async fn index(&mut self, index: Index) -> Result<()> {
        let mut groups: BTreeMap<Vec<String>, (Vec<Value<'static>>, Vec<Key>)> = BTreeMap::new();
        for row in self.rows.values().filter(|row| row.entity() == index.entity) {
            let values: Vec<Value<'static>> =
                index.fields().iter().map(|field| row.value(*field).into_owned()).collect();
            if values.first().is_none_or(Value::is_null) {
                continue;
            }
            let name = values.iter().map(|value| format!("{value:?}")).collect();
            groups.entry(name).or_insert_with(|| (values, Vec::new())).1.push(row.key());
        }
        for (values, keys) in groups.into_values() {
            let listed = every_row(self.store, Branch { index, values, conditions: Vec::new() }).await?;
            let listed: Vec<Key> = listed.iter().map(Row::key).collect();
            for key in keys.iter().filter(|key| !listed.contains(key)) {
                self.found.differs(Place::Index(index, *key), "the row does not stand in the index");
            }
            for key in listed.iter().filter(|key| !keys.contains(key)) {
                self.found.differs(Place::Index(index, *key), "the row that it names does not belong there");
            }
        }
        Ok(())
    }

    async fn counters(&mut self) -> Result<()> {
        let mut sums: BTreeMap<(Counter, Vec<String>), i128> = BTreeMap::new();
        for (counter, values, amount) in self.rows.values().flat_map(contributions) {
            let names = values.iter().map(|value| value.to_text().unwrap_or_default()).collect();
            *sums.entry((counter, names)).or_insert(0) += amount;
        }
        sums.retain(|_, sum| *sum != 0);
        let families: Vec<Counter> = counters().iter().map(|spec| spec.counter).collect();
        let counts = families.iter().map(|counter| CountQuery { counter: *counter, prefix: Vec::new() }).collect();
        let counts = self.store.read(ReadSet { counts, current: true, ..ReadSet::default() }).await?.counts;
        let mut said: BTreeMap<(Counter, Vec<String>), i128> = BTreeMap::new();
        for (counter, counts) in families.into_iter().zip(counts) {
            said.extend(counts.into_iter().map(|(names, sum)| ((counter, names), sum)));
        }
        let names: std::collections::BTreeSet<_> = sums.keys().chain(said.keys()).collect();
        for name in names {
            self.found.counters += 1;
            let (rows, counter) = (sums.get(name).copied().unwrap_or(0), said.get(name).copied().unwrap_or(0));
            if rows != counter {
                let (family, values) = name.clone();
                let detail = format!("it says {counter}, and the rows come to {rows}");
                self.found.differs(Place::Counter(family, values), detail);
            }
        }
        Ok(())
    }

    /// The desk's feed tells history in an order in which versions rise, and each customer's feed is what is theirs of it.
    async fn feeds(&mut self) -> Result<()> {
        let events = every_event(self.store, None).await?;
        self.found.events = count(events.len());
        let mut theirs: BTreeMap<UserId, Vec<Vec<HistoryEntry>>> = BTreeMap::new();
        let mut last: BTreeMap<Key, Version> = BTreeMap::new();
        for event in &events {
            let mut by_subject: BTreeMap<UserId, Vec<HistoryEntry>> = BTreeMap::new();
            for entry in &event.entries {
                if self.history.get(&(entry.key, entry.version)) != Some(entry) {
                    let detail = format!("history tells another version {} of {}", entry.version, entry.key);
                    self.found.differs(Place::Feed(event.place), detail);
                }
                if let Some(before) = last.insert(entry.key, entry.version)
                    && before.next() != entry.version
                {
                    let detail = format!("version {} of {} follows version {before}", entry.version, entry.key);
                    self.found.differs(Place::Feed(event.place), detail);
                }
                if let Some(subject) = entry.subject {
                    by_subject.entry(subject).or_default().push(entry.clone());
                }
            }
            for (subject, entries) in by_subject {
                theirs.entry(subject).or_default().push(entries);
            }
        }
        for (customer, expected) in theirs {
            let events = every_event(self.store, Some(customer)).await?;
            let told: Vec<&Vec<HistoryEntry>> = events.iter().map(|event| &event.entries).collect();
            if told != expected.iter().collect::<Vec<_>>() {
                let place = events.last().map_or(0, |event| event.place);
                let detail = format!("{} events, and {} of the desk's are theirs", told.len(), expected.len());
                self.found.differs(Place::CustomerFeed(customer, place), detail);
            }
        }
        Ok(())
    }
}

/// All rows of a branch, oldest first, a page at a time.
pub(crate) async fn every_row(store: &dyn Store, branch: Branch) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let scan = Scan {
            branches: vec![branch.clone()],
            within: TimeRange::ALL,
            order: Order::OldestFirst,
            after,
            limit: AT_ONCE,
            budget: AT_ONCE,
        };
        let set = ReadSet { scan: Some(scan), current: true, ..ReadSet::default() };
        let scanned = store.read(set).await?.scanned.unwrap_or_default();
        rows.extend(scanned.rows);
        match scanned.resume {
            Some(id) => after = Some(id),
            None => return Ok(rows),
        }
    }
}

/// The whole history of an entity, in order.
async fn every_entry(store: &dyn Store, entity: Entity) -> Result<Vec<HistoryEntry>> {
    let mut entries: Vec<HistoryEntry> = Vec::new();
    loop {
        let after: Option<(Uuid, Version)> = entries.last().map(|entry| (entry.key.id, entry.version));
        let log = Some(LogQuery { entity, after, limit: AT_ONCE });
        let page = store.read(ReadSet { log, current: true, ..ReadSet::default() }).await?.log;
        let done = page.len() < AT_ONCE;
        entries.extend(page);
        if done {
            return Ok(entries);
        }
    }
}

/// A whole feed, from the oldest event that is kept.
async fn every_event(store: &dyn Store, customer: Option<UserId>) -> Result<Vec<FeedEvent>> {
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let feed = Some(FeedQuery { customer, after, entities: Vec::new(), limit: AT_ONCE, rows: false });
        let page = store.read(ReadSet { feed, ..ReadSet::default() }).await?.feed.unwrap_or_default();
        events.extend(page.events);
        after = Some(page.resume);
        if page.resume >= page.newest {
            return Ok(events);
        }
    }
}
