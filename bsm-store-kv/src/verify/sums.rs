//! Counters against a recount of all rows, which must be of one moment.
//!
//! A recount that no commit got in between of is of one moment, though it took several views. That is tried first, since
//! it holds up nobody; on a desk that is too busy for it, commands wait for the last try.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bsm_core::model::Row;
use bsm_core::schema::{Counter, contributions};
use bsm_core::store::{Place, Verification};
use bsm_core::{Error, Result};
use bytes::Bytes;

use super::{STRETCH, rows};
use crate::committer::Desk;
use crate::engine::{Direction, Engine};
use crate::key::{self, tag};
use crate::record::{self, Tally};
use crate::snapshot::Snapshot;

/// How often a recount in stretches is tried.
const TRIES: usize = 2;

/// The counters by their keys: family, text forms of the values, sum.
type Sums = BTreeMap<Vec<u8>, Sum>;

struct Sum {
    counter: Counter,
    names: Vec<String>,
    amount: i128,
}

/// Compares all counters with the rows.
pub(super) fn compare(engine: &dyn Engine, desk: &Desk, found: &mut Verification) -> Result<()> {
    for _ in 0..TRIES {
        if let Some((rows, counters)) = count(engine, desk, STRETCH)? {
            differences(&rows, &counters, found);
            return Ok(());
        }
    }
    if let Some((rows, counters)) = count(engine, desk, usize::MAX)? {
        differences(&rows, &counters, found);
    }
    Ok(())
}

/// What the rows come to, and what the counters say; `None` if a commit came between two stretches.
fn count(engine: &dyn Engine, desk: &Desk, stretch: usize) -> Result<Option<(Sums, Sums)>> {
    let mut sums = Sums::new();
    let mut after: Option<Bytes> = None;
    let mut stands = None;
    let end = key::prefix_end(&[tag::ROW]);
    loop {
        let view = engine.view().map_err(|error| record::unavailable(desk.name(), error))?;
        let snapshot = Snapshot::new(&*view, desk.name());
        // Commands move the feed on, parts of an import their mark.
        let feed = snapshot.keys_under(&[tag::FEED], Direction::Backward).next().transpose()?;
        let last = (feed, snapshot.raw(key::IMPORT)?);
        if *stands.get_or_insert_with(|| last.clone()) != last {
            return Ok(None);
        }
        let from = after.as_ref().map_or(Bound::Included([tag::ROW].as_slice()), |key| Bound::Excluded(key.as_ref()));
        let mut looked_at = 0;
        for pair in snapshot.raw_pairs(from, end.as_ref().map(Vec::as_slice), Direction::Forward).take(stretch) {
            let (key, raw) = pair?;
            match rows::row_of(&snapshot, &key, &raw) {
                Ok(row) => add(&mut sums, &row),
                // Told where rows are looked at.
                Err(Error::Damaged { .. }) => {}
                Err(other) => return Err(other),
            }
            looked_at += 1;
            after = Some(key);
        }
        if looked_at < stretch {
            sums.retain(|_, sum| sum.amount != 0);
            return Ok(Some((sums, counters(&snapshot)?)));
        }
    }
}

fn add(sums: &mut Sums, row: &Row) {
    for (counter, values, amount) in contributions(row) {
        // A value of the wrong kind is told where rows are looked at.
        let key = key::counter_spec(counter).and_then(|spec| key::counter(spec, &values).ok());
        let Some(key) = key else { continue };
        let names = || values.iter().map(|value| value.to_text().unwrap_or_default()).collect();
        let sum = sums.entry(key).or_insert_with(|| Sum { counter, names: names(), amount: 0 });
        sum.amount = sum.amount.saturating_add(amount);
    }
}

fn counters(snapshot: &Snapshot<'_>) -> Result<Sums> {
    let mut sums = Sums::new();
    let end = key::prefix_end(&[tag::COUNTER]);
    let (from, to) = (Bound::Included([tag::COUNTER].as_slice()), end.as_ref().map(Vec::as_slice));
    for pair in snapshot.raw_pairs(from, to, Direction::Forward) {
        let (key, raw) = pair?;
        let Some(counter) = key.get(1).and_then(|code| Counter::from_code(*code)) else { continue };
        match snapshot
            .open(&key, &raw)
            .and_then(|found| record::decode::<Tally>(snapshot.store(), &key, &found.payload))
        {
            Ok(Tally { texts, sum }) => drop(sums.insert(key.to_vec(), Sum { counter, names: texts, amount: sum })),
            // Told where keys are looked at; and here, as a counter that is missing.
            Err(Error::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(sums)
}

fn differences(rows: &Sums, counters: &Sums, found: &mut Verification) {
    let keys: BTreeSet<_> = rows.keys().chain(counters.keys()).collect();
    for key in keys {
        found.counters += 1;
        let (summed, kept) = (rows.get(key), counters.get(key));
        let Some(Sum { counter, names, .. }) = summed.or(kept) else { continue };
        let at = || Place::Counter(*counter, names.clone());
        let of = |sum: Option<&Sum>| sum.map_or(0, |sum| sum.amount);
        if of(summed) != of(kept) {
            found.differs(at(), format!("it says {}, and the rows come to {}", of(kept), of(summed)));
        } else if summed.zip(kept).is_some_and(|(summed, kept)| summed.names != kept.names) {
            found.differs(at(), "it is kept under other names");
        }
    }
}
