//! What a change set does: its writes, and everything that follows from them by the schema.
//!
//! [`perform`] is one command's whole way. It fails with the first of these that does not hold, and other stores fail
//! with the same:
//!
//! 1. the idempotency key (known with this digest: answered, nothing is written; with another: `KeyReused`);
//! 2. the guards, in their order;
//! 3. the writes, in their order: ids that must be new, versions that must stand, numbers that must not run out;
//! 4. unique fields that were set or changed, by write and then by the schema's order of fields;
//! 5. foreign keys that were set or changed, by write and then by the schema's order of relations;
//! 6. children of deleted rows, by write and then by the schema's order of relations.
//!
//! 4 to 6 look at the state that all writes leave. Two writes of one row count as one, at the place of the first.
//!
//! Called by the leader of the committer only; writes to the [`Stage`] that it is given, and to nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bsm_core::model::{HistoryEntry, Key, Row, Timestamp, UserId, Version};
use bsm_core::schema::{self, contributions, indexes};
use bsm_core::store::{ChangeSet, Committed, Stamp, Write};
use bsm_core::{Error, Result};
use bytes::Bytes;

use crate::record::{self, FeedRecord, Tally};
use crate::stage::Stage;
use crate::{check, key, remember, trim};

/// A row that a change set writes: what it was, and what it becomes.
pub(crate) struct Touched {
    /// Which row.
    pub(crate) key: Key,
    /// `None`: it is made.
    pub(crate) before: Option<Row>,
    /// `None`: it is deleted.
    pub(crate) after: Option<Row>,
    /// The version it has from now on; a deleted row's is the one that its deletion has in history.
    version: Version,
    /// In how many pieces the stored row lies.
    pieces: u32,
}

/// The rows that a change set writes, in the order in which it first writes them.
#[derive(Default)]
pub(crate) struct Rows {
    all: Vec<Touched>,
    places: HashMap<Key, usize>,
}

impl Rows {
    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Touched> {
        self.all.iter()
    }

    /// One of them.
    pub(crate) fn get(&self, key: Key) -> Option<&Touched> {
        self.places.get(&key).and_then(|place| self.all.get(*place))
    }

    /// What stands under `key` now, within the change set.
    fn current(&mut self, stage: &Stage<'_, '_>, key: Key) -> Result<&mut Touched> {
        let place = if let Some(place) = self.places.get(&key) {
            *place
        } else {
            let (before, pieces) = stage.row(key)?.map_or((None, 0), |(row, pieces)| (Some(row), pieces));
            let version = before.as_ref().map_or(Version(0), Row::version);
            self.places.insert(key, self.all.len());
            self.all.push(Touched { key, after: before.clone(), before, version, pieces });
            self.all.len() - 1
        };
        Ok(&mut self.all[place])
    }

    /// Leaves a row as it is given, or gone, whatever stands under its key.
    pub(crate) fn set(&mut self, stage: &Stage<'_, '_>, key: Key, after: Option<Row>) -> Result<()> {
        let touched = self.current(stage, key)?;
        touched.version = after.as_ref().map_or(touched.version, Row::version);
        touched.after = after;
        Ok(())
    }
}

/// Checks a change set against the state in `stage` and does all of it there. After an error the stage must be dropped.
pub(crate) fn perform(stage: &mut Stage<'_, '_>, change: ChangeSet) -> Result<Committed> {
    if let Some(idempotency) = &change.idempotency
        && let Some(answer) = remember::answer(stage, idempotency, change.recorded_at)?
    {
        return Ok(Committed { stamp: stamp(), numbers: Vec::new(), repeated: Some(answer) });
    }
    for guard in &change.guards {
        check::guard(stage, guard)?;
    }
    let (rows, numbers) = write_all(stage, change.writes)?;
    for touched in rows.iter() {
        stage_row(stage, touched)?;
    }
    check::uniques(stage, &rows)?;
    check::parents(stage, &rows)?;
    check::children(stage, &rows)?;
    count(stage, &rows)?;
    for entry in &change.history {
        stage_entry(stage, entry)?;
    }
    if let Some(idempotency) = &change.idempotency {
        remember::keep(stage, idempotency, change.recorded_at)?;
    }
    if !stage.is_empty() {
        feed(stage, change.recorded_at, &rows, &change.history)?;
    }
    Ok(Committed { stamp: stamp(), numbers, repeated: None })
}

/// A store in this process shows every read what was acknowledged, so its stamps need to say nothing.
fn stamp() -> Stamp {
    Stamp::from_bytes([])
}

/// Does the writes one after another, each against what the ones before it leave, and gives the numbers.
fn write_all(stage: &mut Stage<'_, '_>, writes: Vec<Write>) -> Result<(Rows, Vec<(Key, u32)>)> {
    let mut rows = Rows::default();
    let mut numbers = Vec::new();
    for write in writes {
        match write {
            Write::Insert(mut row) => {
                let key = row.key();
                let touched = rows.current(stage, key)?;
                if let Some(found) = &touched.after {
                    return Err(Error::Conflict { key, expected: Version(0), found: found.version() });
                }
                if key.entity.is_numbered() {
                    let number = next_number(stage, key)?;
                    row.set_number(number);
                    numbers.push((key, number));
                }
                touched.version = row.version();
                touched.after = Some(row);
            }
            Write::Update(mut row) => {
                let expected = Version(row.version().0.saturating_sub(1));
                let touched = rows.current(stage, row.key())?;
                // A number, once given, stays, whatever the row says.
                if let Some(number) = standing(touched, expected)?.number() {
                    row.set_number(number);
                }
                touched.version = row.version();
                touched.after = Some(row);
            }
            Write::Delete { key, expected } => {
                let touched = rows.current(stage, key)?;
                standing(touched, expected)?;
                touched.version = Version(expected.0.saturating_add(1));
                touched.after = None;
            }
            _ => return Err(Error::Unsupported { store: stage.store().to_owned(), what: "a write of this kind" }),
        }
    }
    Ok((rows, numbers))
}

/// The row that stands, which must be at the version that is expected.
fn standing(touched: &Touched, expected: Version) -> Result<&Row> {
    match &touched.after {
        Some(row) if row.version() == expected => Ok(row),
        other => {
            let found = other.as_ref().map_or(Version(0), Row::version);
            Err(Error::Conflict { key: touched.key, expected, found })
        }
    }
}

fn next_number(stage: &mut Stage<'_, '_>, of: Key) -> Result<u32> {
    let key = key::number(of.entity);
    let last = match stage.get(&key)? {
        Some(found) => record::decode::<u32>(stage.store(), &key, &found.payload)?,
        None => 0,
    };
    let number = last.checked_add(1).ok_or_else(|| Error::Unavailable {
        store: stage.store().to_owned(),
        source: format!("every number of a {} is given", of.entity).into(),
    })?;
    let payload = record::encode(stage.store(), &number)?;
    stage.put(key, payload, 0);
    Ok(number)
}

/// Stages an entry of history.
pub(crate) fn stage_entry(stage: &mut Stage<'_, '_>, entry: &HistoryEntry) -> Result<()> {
    let payload = record::encode(stage.store(), entry)?;
    stage.put(key::history(entry.key, entry.version), payload, 0);
    Ok(())
}

/// Stages a row and its index entries. Unique values follow when they are checked.
pub(crate) fn stage_row(stage: &mut Stage<'_, '_>, touched: &Touched) -> Result<()> {
    let key = key::row(touched.key);
    match &touched.after {
        Some(row) => {
            let payload = record::encode(stage.store(), row)?;
            stage.put(key, payload, touched.pieces);
        }
        None if touched.before.is_some() => stage.remove(key, touched.pieces),
        None => {}
    }
    for spec in indexes(touched.key.entity) {
        let entry = |row: &Option<Row>| row.as_ref().map_or(Ok(None), |row| key::index_entry(spec, row));
        let old = entry(&touched.before).map_err(|kind| stage.wrong_kind(kind))?;
        let new = entry(&touched.after).map_err(|kind| stage.wrong_kind(kind))?;
        if old != new {
            if let Some(old) = old {
                stage.remove(old, 0);
            }
            if let Some(new) = new {
                stage.mark(new);
            }
        }
    }
    Ok(())
}

/// Adds to the counters what the rows contribute now, less what they did.
pub(crate) fn count(stage: &mut Stage<'_, '_>, rows: &Rows) -> Result<()> {
    let mut sums: BTreeMap<Vec<u8>, Tally> = BTreeMap::new();
    for touched in rows.iter() {
        for (row, sign) in [(&touched.before, -1), (&touched.after, 1)] {
            let Some(row) = row else { continue };
            for (counter, values, amount) in contributions(row) {
                let Some(spec) = key::counter_spec(counter) else { continue };
                let key = key::counter(spec, &values).map_err(|kind| stage.wrong_kind(kind))?;
                let sum = sums.entry(key).or_insert_with(|| Tally {
                    texts: values.iter().map(|value| value.to_text().unwrap_or_default()).collect(),
                    sum: 0,
                });
                sum.sum = amount
                    .checked_mul(sign)
                    .and_then(|amount| sum.sum.checked_add(amount))
                    .ok_or_else(|| overflow(stage, counter))?;
            }
        }
    }
    for (key, Tally { texts, sum: change }) in sums.into_iter().filter(|(_, tally)| tally.sum != 0) {
        let (stored, pieces) = match stage.get(&key)? {
            Some(found) => (record::decode::<Tally>(stage.store(), &key, &found.payload)?.sum, found.pieces),
            None => (0, 0),
        };
        match stored.checked_add(change) {
            Some(0) => stage.remove(key.into(), pieces),
            Some(sum) if sum > 0 => {
                let payload = record::encode(stage.store(), &Tally { texts, sum })?;
                stage.put(key.into(), payload, pieces);
            }
            _ => return Err(record::damaged(stage.store(), &key, "it would fall below 0 or leave its range")),
        }
    }
    Ok(())
}

fn overflow(stage: &Stage<'_, '_>, counter: schema::Counter) -> Error {
    Error::Damaged { store: stage.store().to_owned(), detail: format!("counter of {counter}: it leaves its range") }
}

/// Begins another numbering of the feed's positions: those of the one before are expired.
pub(crate) fn begin_epoch(stage: &mut Stage<'_, '_>, epoch: u64) -> Result<()> {
    let payload = record::encode(stage.store(), &epoch)?;
    stage.put(Bytes::from_static(key::FEED_EPOCH), payload, 0);
    stage.begin_epoch(epoch);
    // It stands, with all that was written before it, behind a position that will be acknowledged, as what commands write
    // does: where an engine loses it, opening finds the feed too short.
    feed(stage, Timestamp::MIN, &Rows::default(), &[])
}

/// Writes the commit's record, and with it the new end of the feed.
fn feed(stage: &mut Stage<'_, '_>, recorded_at: Timestamp, rows: &Rows, history: &[HistoryEntry]) -> Result<()> {
    let mut changes: Vec<_> = rows.iter().map(|touched| (touched.key, touched.version)).collect();
    let told = history.iter().filter(|entry| rows.get(entry.key).is_none_or(|row| row.version != entry.version));
    changes.extend(told.map(|entry| (entry.key, entry.version)));
    let head = stage.head();
    let position = head.position.checked_add(1).ok_or_else(|| Error::Unavailable {
        store: stage.store().to_owned(),
        source: "every position of the feed is given".into(),
    })?;
    let subjects: BTreeSet<UserId> = history.iter().filter_map(|entry| entry.subject).collect();
    let mut customers = Vec::with_capacity(subjects.len());
    for customer in subjects {
        let place = trim::next_place(stage, customer)?;
        let payload = record::encode(stage.store(), &position)?;
        stage.put(key::customer_feed(customer, place), payload, 0);
        stage.concern(customer);
        customers.push((customer, place));
    }
    let (payload, digest) =
        FeedRecord { recorded_at, changes, customers }.chain(stage.store(), position, head.digest)?;
    stage.put(key::feed(position), payload, 0);
    stage.advance(position, digest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use bsm_core::model::Entity;
    use uuid::Uuid;

    use super::*;
    use crate::MemoryEngine;
    use crate::engine::{Engine, Head};
    use crate::snapshot::Snapshot;
    use crate::stage::Group;

    const TICKET: Key = Key { entity: Entity::Ticket, id: Uuid::nil() };

    /// Runs `test` on the stage of a desk that is empty but for its position.
    fn on_stage(position: u64, test: impl FnOnce(&mut Stage<'_, '_>)) {
        let engine = MemoryEngine::default();
        let view = engine.view().expect("a view");
        let head = Head { epoch: 0, position, digest: 0 };
        let group = Group::new(Snapshot::new(&*view, "test:"), head, false);
        test(&mut group.stage());
    }

    #[test]
    fn numbers_run_out_and_never_begin_again() {
        on_stage(0, |stage| {
            let payload = record::encode("test:", &(u32::MAX - 1)).expect("encoded");
            stage.put(key::number(Entity::Ticket), payload, 0);
            assert_eq!(next_number(stage, TICKET).expect("the last one"), u32::MAX);
            for _ in 0..2 {
                assert!(matches!(next_number(stage, TICKET), Err(Error::Unavailable { .. })));
            }
        });
    }

    #[test]
    fn positions_run_out_and_never_begin_again() {
        on_stage(u64::MAX, |stage| {
            let told = feed(stage, Timestamp::MIN, &Rows::default(), &[]);
            assert!(matches!(told, Err(Error::Unavailable { .. })), "{told:?}");
        });
    }

    #[test]
    fn a_damaged_number_is_told() {
        on_stage(0, |stage| {
            stage.put(key::number(Entity::Ticket), vec![0xff; 9], 0);
            assert!(matches!(next_number(stage, TICKET), Err(Error::Damaged { .. })));
        });
    }
}
