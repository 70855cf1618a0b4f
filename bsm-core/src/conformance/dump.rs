//! All that a desk holds, read through the store, to be compared; and the audit of it that ends every case.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Result;
use crate::model::{Entity, HistoryEntry, Key, Row};
use crate::schema::{Counter, Index, counters};
use crate::store::{Branch, CountQuery, HistoryQuery, Order, ReadSet, Store, every_row, recount};

/// How many rows or entries one read asks for.
const AT_ONCE: usize = 500;
/// How long nothing may change for a desk to count as quiet.
const QUIET: Duration = Duration::from_millis(20);

/// Everything that a desk holds: rows, their history, and all counters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dump {
    pub(crate) rows: BTreeMap<Key, Row>,
    pub(crate) history: BTreeMap<Key, Vec<HistoryEntry>>,
    pub(crate) counters: BTreeMap<(Counter, Vec<String>), i128>,
}

impl Dump {
    /// Reads all of it. Not of one moment: nobody else may write meanwhile.
    pub(crate) async fn of(store: &Arc<dyn Store>) -> Result<Self> {
        let mut rows = BTreeMap::new();
        for entity in Entity::ALL {
            let branch = Branch { index: Index::primary(*entity), values: Vec::new(), conditions: Vec::new() };
            rows.extend(every_row(&**store, branch).await?.into_iter().map(|row| (row.key(), row)));
        }
        let mut history = BTreeMap::new();
        for key in rows.keys() {
            history.insert(*key, every_entry(store, *key).await?);
        }
        Ok(Self { rows, history, counters: every_counter(store).await? })
    }

    /// Reads until nothing changes any more: for commands whose callers gave up.
    pub(crate) async fn settled(store: &Arc<dyn Store>) -> Result<Self> {
        let mut last = Self::of(store).await?;
        loop {
            // Long enough for a thread of the store's own to go on with what it has begun.
            let since = Instant::now();
            while since.elapsed() < QUIET {
                tokio::task::yield_now().await;
            }
            let now = Self::of(store).await?;
            if now == last {
                return Ok(now);
            }
            last = now;
        }
    }

    /// The rows of one entity, by id.
    pub(crate) fn all<T: TryFrom<Row>>(&self) -> Vec<T> {
        self.rows.values().filter_map(|row| T::try_from(row.clone()).ok()).collect()
    }
}

/// Asserts what holds of every desk at every moment, whatever was done to it: foreign keys name rows, unique fields are
/// unique and find their row, every index lists exactly its rows, counters equal a recount, history has every version of
/// every row, and the feeds tell it in order. The store's own recount finds nothing else.
pub(crate) async fn audit(store: &Arc<dyn Store>) -> Result<()> {
    for found in [recount(&**store).await?, store.verify().await?] {
        let told: Vec<String> = found.differences.iter().map(ToString::to_string).collect();
        assert!(found.is_clean(), "the desk does not hold together, and {} more: {told:#?}", found.more);
    }
    Ok(())
}

/// The whole history of a row, oldest first.
pub(crate) async fn every_entry(store: &Arc<dyn Store>, key: Key) -> Result<Vec<HistoryEntry>> {
    let mut entries: Vec<HistoryEntry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.version);
        let history = Some(HistoryQuery { key, order: Order::OldestFirst, after, limit: AT_ONCE });
        let mut page = store.read(ReadSet { history, ..ReadSet::default() }).await?.history;
        let more = page.len() > AT_ONCE;
        page.truncate(AT_ONCE);
        entries.extend(page);
        if !more {
            return Ok(entries);
        }
    }
}

async fn every_counter(store: &Arc<dyn Store>) -> Result<BTreeMap<(Counter, Vec<String>), i128>> {
    let families: Vec<Counter> = counters().iter().map(|spec| spec.counter).collect();
    let counts = families.iter().map(|counter| CountQuery { counter: *counter, prefix: Vec::new() }).collect();
    let counts = store.read(ReadSet { counts, ..ReadSet::default() }).await?.counts;
    assert_eq!(counts.len(), families.len(), "one answer for each question");
    let named = families
        .into_iter()
        .zip(counts)
        .flat_map(|(counter, sums)| sums.into_iter().map(move |(words, sum)| ((counter, words), sum)));
    Ok(named.collect())
}
