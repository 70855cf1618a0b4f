//! All that a desk holds, read through the store, to be compared; and the audit of it that ends every case.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Result;
use crate::model::{Entity, HistoryEntry, Key, Row, TimeRange, Value, Version};
use crate::schema::{Counter, Index, contributions, counters, indexes, relations_from, uniques};
use crate::store::{Branch, CountQuery, HistoryQuery, Order, ReadSet, Scan, Store, UniqueValue};

/// How many rows or entries one read asks for.
const AT_ONCE: usize = 500;

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
            rows.extend(every_row(store, branch).await?.into_iter().map(|row| (row.key(), row)));
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
            for _ in 0..100 {
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

    /// What the rows contribute to the counters, summed here.
    fn recount(&self) -> BTreeMap<(Counter, Vec<String>), i128> {
        let mut sums = BTreeMap::new();
        for (counter, values, amount) in self.rows.values().flat_map(contributions) {
            let words = values.iter().map(|value| value.to_text().unwrap_or_default()).collect();
            *sums.entry((counter, words)).or_insert(0) += amount;
        }
        sums.retain(|_, sum| *sum != 0);
        sums
    }
}

/// Asserts what holds of every desk at every moment, whatever was done to it: each foreign key names a row, unique
/// fields are unique and find their row, every index lists exactly its rows, counters equal a recount, and history has
/// every version of every row.
pub(crate) async fn audit(store: &Arc<dyn Store>) -> Result<()> {
    let dump = Dump::of(store).await?;
    assert_eq!(dump.counters, dump.recount(), "counters differ from a recount");
    for (key, row) in &dump.rows {
        for relation in relations_from(key.entity) {
            let parent = row.value(relation.field).as_id().map(|id| Key { entity: relation.to, id });
            assert!(parent.is_none_or(|parent| dump.rows.contains_key(&parent)), "{key}: {relation:?} names nothing");
        }
        let versions: Vec<Version> = dump.history[key].iter().map(|entry| entry.version).collect();
        let expected: Vec<Version> = (1..=row.version().0).map(Version).collect();
        assert_eq!(versions, expected, "the history of {key} has a gap");
    }
    for entity in Entity::ALL {
        audit_uniques(store, &dump, *entity).await?;
        for spec in indexes(*entity) {
            let index = Index { entity: *entity, tag: spec.tag };
            audit_index(store, &dump, index).await?;
        }
    }
    Ok(())
}

async fn audit_uniques(store: &Arc<dyn Store>, dump: &Dump, entity: Entity) -> Result<()> {
    let rows = || dump.rows.values().filter(|row| row.entity() == entity);
    for field in uniques(entity) {
        let held: Vec<(&Row, Value<'static>)> =
            rows().map(|row| (row, row.value(*field).into_owned())).filter(|(_, value)| !value.is_null()).collect();
        for chunk in held.chunks(AT_ONCE) {
            let find = chunk.iter().map(|(_, value)| UniqueValue { entity, field: *field, value: value.clone() });
            let found = store.read(ReadSet { find: find.collect(), ..ReadSet::default() }).await?.found;
            for ((row, value), found) in chunk.iter().zip(found) {
                assert_eq!(found.as_ref(), Some(*row), "{entity}.{field} {value:?} finds another row than its own");
            }
        }
    }
    Ok(())
}

async fn audit_index(store: &Arc<dyn Store>, dump: &Dump, index: Index) -> Result<()> {
    let mut groups: BTreeMap<Vec<String>, (Vec<Value<'static>>, Vec<Row>)> = BTreeMap::new();
    for row in dump.rows.values().filter(|row| row.entity() == index.entity) {
        let values: Vec<Value<'static>> = index.fields().iter().map(|field| row.value(*field).into_owned()).collect();
        if values.first().is_none_or(Value::is_null) {
            continue;
        }
        let name = values.iter().map(|value| format!("{value:?}")).collect();
        groups.entry(name).or_insert_with(|| (values, Vec::new())).1.push(row.clone());
    }
    for (name, (values, rows)) in groups {
        let listed = every_row(store, Branch { index, values, conditions: Vec::new() }).await?;
        assert_eq!(listed, rows, "{index:?} lists other rows for {name:?} than there are");
    }
    Ok(())
}

/// All rows of a branch, oldest first, a page at a time.
async fn every_row(store: &Arc<dyn Store>, branch: Branch) -> Result<Vec<Row>> {
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
            include: Vec::new(),
        };
        let scanned = store.read(ReadSet { scan: Some(scan), ..ReadSet::default() }).await?.scanned.unwrap_or_default();
        rows.extend(scanned.rows);
        match scanned.resume {
            Some(id) => after = Some(id),
            None => return Ok(rows),
        }
    }
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
