//! What the writes of a command do to its rows, worked out before anything is written.
//!
//! The writes are gone through in their order, each against what the ones before it leave. What comes out is, for each
//! row, what it was and what it becomes. Checks, statements, counters and the feed all follow from that.

use std::collections::{HashMap, VecDeque};

use bsm_core::model::{Entity, Key, Row, Version};
use bsm_core::store::Write;
use bsm_core::{Error, Result};
use uuid::Uuid;

/// A row that a command writes.
#[derive(Debug)]
pub(crate) struct Touched {
    /// Which row.
    pub(crate) key: Key,
    /// `None`: it is made.
    pub(crate) before: Option<Row>,
    /// `None`: it is deleted.
    pub(crate) after: Option<Row>,
    /// The version it has from now on; a deleted row's is the one that its deletion has in history.
    pub(crate) version: Version,
}

/// The rows that a command writes, in the order in which it first writes them.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    all: Vec<Touched>,
    places: HashMap<Key, usize>,
    /// The new rows that wait for a number.
    unnumbered: Vec<Key>,
}

/// Numbers that were taken for a command, by entity.
pub(crate) type Numbers = HashMap<Entity, VecDeque<u32>>;

impl Rows {
    /// Goes through the writes. `current` has the rows that stand.
    ///
    /// # Errors
    /// [`Error::Conflict`] for the first id that is not new, or version that does not stand.
    pub(crate) fn of(store: &str, writes: &[Write], current: &HashMap<Key, Row>) -> Result<Self> {
        let mut rows = Self::default();
        for write in writes {
            match write {
                Write::Insert(row) => {
                    let key = row.key();
                    let touched = rows.current(current, key);
                    if let Some(found) = &touched.after {
                        return Err(Error::Conflict { key, expected: Version(0), found: found.version() });
                    }
                    touched.version = row.version();
                    touched.after = Some(row.clone());
                    if key.entity.is_numbered() {
                        rows.unnumbered.push(key);
                    }
                }
                Write::Update(row) => {
                    let expected = Version(row.version().0.saturating_sub(1));
                    let mut row = row.clone();
                    let touched = rows.current(current, row.key());
                    // A number, once given, stays, whatever the row says.
                    if let Some(number) = standing(touched, expected)?.number() {
                        row.set_number(number);
                    }
                    touched.version = row.version();
                    touched.after = Some(row);
                }
                Write::Delete { key, expected } => {
                    let touched = rows.current(current, *key);
                    standing(touched, *expected)?;
                    touched.version = Version(expected.0.saturating_add(1));
                    touched.after = None;
                }
                _ => return Err(Error::Unsupported { store: store.to_owned(), what: "a write of this kind" }),
            }
        }
        Ok(rows)
    }

    /// What taking in a part of an import does: rows stand as they are given, or go, whatever stands there. The last word
    /// on a row counts.
    pub(crate) fn restored(rows: Vec<Row>, gone: &[Key], current: &HashMap<Key, Row>) -> Self {
        let mut restored = Self::default();
        for row in rows {
            let touched = restored.current(current, row.key());
            touched.version = row.version();
            touched.after = Some(row);
        }
        for key in gone {
            restored.current(current, *key).after = None;
        }
        restored
    }

    /// How many numbers the new rows need, by entity.
    pub(crate) fn numbers_needed(&self) -> HashMap<Entity, usize> {
        let mut needed = HashMap::new();
        for key in &self.unnumbered {
            *needed.entry(key.entity).or_default() += 1;
        }
        needed
    }

    /// Gives the new rows their numbers, in the order of the writes, and tells which.
    pub(crate) fn number(&mut self, mut numbers: Numbers) -> Vec<(Key, u32)> {
        let mut given = Vec::with_capacity(self.unnumbered.len());
        for key in std::mem::take(&mut self.unnumbered) {
            let Some(number) = numbers.get_mut(&key.entity).and_then(VecDeque::pop_front) else { continue };
            let touched = self.places.get(&key).and_then(|place| self.all.get_mut(*place));
            if let Some(row) = touched.and_then(|touched| touched.after.as_mut()) {
                row.set_number(number);
            }
            given.push((key, number));
        }
        given
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Touched> {
        self.all.iter()
    }

    /// One of them.
    pub(crate) fn get(&self, key: Key) -> Option<&Touched> {
        self.places.get(&key).and_then(|place| self.all.get(*place))
    }

    /// The ids of those of an entity.
    pub(crate) fn ids(&self, entity: Entity) -> Vec<Uuid> {
        self.all.iter().filter(|touched| touched.key.entity == entity).map(|touched| touched.key.id).collect()
    }

    /// What stands under `key` now, within the command.
    fn current(&mut self, current: &HashMap<Key, Row>, key: Key) -> &mut Touched {
        let place = *self.places.entry(key).or_insert_with(|| {
            let before = current.get(&key).cloned();
            let version = before.as_ref().map_or(Version(0), Row::version);
            self.all.push(Touched { key, after: before.clone(), before, version });
            self.all.len() - 1
        });
        &mut self.all[place]
    }
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
