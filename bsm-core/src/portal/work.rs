//! One attempt at a command: the rows it was given, the guards that follow from reading them, and the change set that
//! grows as it decides.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::model::{Action, Actor, HistoryEntry, Key, Record, Row, Timestamp, Version, changes};
use crate::store::{ChangeSet, Guard, Write};
use crate::{Error, Result};

use super::Desk;
use super::scope::Scope;

/// One attempt at a command. Rows that are read are guarded: the commit fails if another changed them meanwhile.
pub(super) struct Work<'a> {
    desk: &'a Desk,
    actor: Actor,
    scope: Scope,
    now: Timestamp,
    occurred_at: Timestamp,
    expected: Option<Version>,
    /// Whether the command named the row that it is about.
    has_target: bool,
    rows: HashMap<Key, Arc<Row>>,
    /// What was read, and at which version; in order, so that the same command makes the same change set.
    relied_on: BTreeMap<Key, Version>,
    guards: Vec<Guard>,
    /// The rows as they will be, in the order in which they were first written. `None` is a deletion.
    written: Vec<(Key, Option<Row>, Action)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        desk: &'a Desk,
        actor: Actor,
        scope: Scope,
        now: Timestamp,
        at: Option<Timestamp>,
        expected: Option<Version>,
        rows: impl IntoIterator<Item = Arc<Row>>,
    ) -> Self {
        Self {
            desk,
            actor,
            scope,
            now,
            occurred_at: at.unwrap_or(now),
            expected,
            has_target: false,
            rows: rows.into_iter().map(|row| (row.key(), row)).collect(),
            relied_on: BTreeMap::new(),
            guards: Vec::new(),
            written: Vec::new(),
        }
    }

    /// The desk's time of this attempt.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// When the actor says that it happened.
    pub(super) const fn occurred_at(&self) -> Timestamp {
        self.occurred_at
    }

    /// A fresh id of something created when this happened.
    pub(super) fn fresh(&self) -> Result<Uuid> {
        self.desk.fresh(self.occurred_at)
    }

    /// A fresh id of something created at another time.
    pub(super) fn fresh_at(&self, at: Timestamp) -> Result<Uuid> {
        self.desk.fresh(at)
    }

    /// A row that the actor may see, as the command leaves it so far.
    pub(super) fn read<T>(&mut self, id: impl Into<Key>) -> Result<T>
    where
        T: Record + TryFrom<Row>,
    {
        let key = id.into();
        self.find(key)?.ok_or(Error::NotFound { key })
    }

    /// As [`read`](Self::read), with `None` for what is not there or not to be seen.
    pub(super) fn find<T>(&mut self, id: impl Into<Key>) -> Result<Option<T>>
    where
        T: Record + TryFrom<Row>,
    {
        let key = id.into();
        let Some(row) = self.current(key) else { return Ok(None) };
        if !self.scope.sees(row) {
            return Ok(None);
        }
        let row = row.clone();
        self.rely_on(key);
        T::try_from(row).map(Some).map_err(|_| Error::NotFound { key })
    }

    /// Relies on a row as it was given: the commit fails if it is another by then.
    pub(super) fn rely_on(&mut self, key: Key) {
        if let Some(stored) = self.rows.get(&key) {
            self.relied_on.insert(key, stored.version());
        }
    }

    /// The row that the command is about: at the version that the caller expects, if they said one.
    pub(super) fn target<T>(&mut self, id: impl Into<Key>) -> Result<T>
    where
        T: Record + TryFrom<Row>,
    {
        self.has_target = true;
        let record: T = self.read(id)?;
        match self.expected {
            Some(expected) if expected != record.version() => {
                Err(Error::Conflict { key: record.key(), expected, found: record.version() })
            }
            _ => Ok(record),
        }
    }

    /// Whether the command is about a row that was there before.
    pub(super) const fn has_target(&self) -> bool {
        self.has_target
    }

    fn current(&self, key: Key) -> Option<&Row> {
        match self.written.iter().find(|(written, ..)| *written == key) {
            Some((_, row, _)) => row.as_ref(),
            None => self.rows.get(&key).map(AsRef::as_ref),
        }
    }

    /// Every row that was read for the command and of which `matches` holds. Nothing is relied on by that: whoever decides on
    /// one reads it.
    pub(super) fn all(&self, matches: impl Fn(&Row) -> bool) -> Vec<Row> {
        let mut rows: Vec<Row> = self.rows.values().filter(|row| matches(row)).map(|row| Row::clone(row)).collect();
        rows.sort_by_key(Row::key);
        rows
    }

    /// Makes a row.
    pub(super) fn insert(&mut self, record: impl Into<Row>) {
        let row = record.into();
        self.written.push((row.key(), Some(row), Action::Created));
    }

    /// Leaves a row as `record` has it. Changed or not, it is written: a change of nothing is a touch.
    pub(super) fn update(&mut self, record: impl Into<Row>) {
        let row = record.into();
        self.write(row, Action::Changed);
    }

    /// Leaves a row as it is, with a note in its history.
    pub(super) fn noted(&mut self, record: impl Into<Row>) {
        let row = record.into();
        self.write(row, Action::Noted);
    }

    fn write(&mut self, row: Row, action: Action) {
        let key = row.key();
        match self.written.iter_mut().find(|(written, ..)| *written == key) {
            Some((_, written, _)) => *written = Some(row),
            None => self.written.push((key, Some(row), action)),
        }
    }

    /// Deletes a row.
    pub(super) fn delete(&mut self, key: impl Into<Key>) {
        self.written.push((key.into(), None, Action::Deleted));
    }

    /// Relies on something besides the rows that were read.
    pub(super) fn guard(&mut self, guard: Guard) {
        self.guards.push(guard);
    }

    /// The change set, and the rows as it leaves them.
    pub(super) fn finish(self) -> (ChangeSet, Vec<Row>) {
        let mut change = ChangeSet::new(self.now);
        let mut after = Vec::with_capacity(self.written.len());
        let is_written = |key: &Key| self.written.iter().any(|(written, ..)| written == key);
        for (key, version) in self.relied_on.iter().filter(|(key, _)| !is_written(key)) {
            change.guards.push(Guard::Version { key: *key, version: *version });
        }
        change.guards.extend(self.guards);
        for (key, row, action) in self.written {
            let before = self.rows.get(&key).map(AsRef::as_ref);
            let version = before.map_or(Version::FIRST, |row| row.version().next());
            let row = row.map(|mut row| {
                row.stamp(version, self.now);
                row
            });
            let changes = changes(before, row.as_ref());
            let action = if action == Action::Changed && changes.is_empty() { Action::Touched } else { action };
            change.history.push(HistoryEntry {
                key,
                version,
                action,
                actor: self.actor,
                occurred_at: self.occurred_at,
                recorded_at: self.now,
                subject: row.as_ref().or(before).and_then(Row::subject),
                changes,
            });
            change.writes.push(match (&row, before) {
                (Some(row), None) => Write::Insert(row.clone()),
                (Some(row), Some(_)) => Write::Update(row.clone()),
                (None, _) => Write::Delete { key, expected: before.map_or(Version(0), Row::version) },
            });
            after.extend(row);
        }
        (change, after)
    }
}
