//! What one command brings to a call: its locks, its rows as text, and what it counts. Worked out before it waits, by whoever
//! sends it.

use std::collections::{BTreeMap, HashSet};

use bsm_core::model::{Entity, HistoryEntry, Key, Row, UserId, Version};
use bsm_core::schema::{Field, Kind, RelationSpec, uniques};
use bsm_core::store::{ChangeSet, Guard, Write};
use serde_json::{Value as Json, json};

use crate::literal;
use crate::lock::Strength;
use crate::mark::Mark;
use crate::names::Names;
use crate::record;
use crate::tally::{self, Tally};
use crate::write;

/// A row that a command holds, and the versions that it expects there.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) strength: Strength,
    pub(crate) versions: Vec<Version>,
    /// What a row that is changed counted for before.
    pub(crate) state: Option<String>,
}

/// A command, ready for a call.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) locks: BTreeMap<Key, Held>,
    /// Objects, like what follows.
    pub(crate) empty: Vec<Json>,
    pub(crate) childless: Vec<Json>,
    /// Values that no two rows may share, as the names of their locks.
    pub(crate) hold: Vec<String>,
    /// Rows as [literals](literal), like what follows.
    pub(crate) insert: Vec<(Entity, String)>,
    pub(crate) update: Vec<(Entity, String)>,
    pub(crate) delete: Vec<Key>,
    pub(crate) history: Vec<String>,
    pub(crate) feed: Option<String>,
    pub(crate) idempotency: Option<Json>,
    /// What it adds to the counters, but for the rows that it deletes.
    pub(crate) tally: Tally,
    /// The idempotency key, which no two commands of a call may share.
    pub(crate) key: Option<(UserId, String)>,
    /// The rows that it writes.
    pub(crate) written: HashSet<Key>,
    /// The new rows that get numbers, in their order.
    pub(crate) numbered: Vec<Key>,
    /// What a replica that has it must have.
    pub(crate) mark: Option<Mark>,
    /// About how long its text is, in bytes.
    pub(crate) size: usize,
}

impl Part {
    /// What `change` brings; `None` if a call can't do it.
    pub(crate) fn of(names: &Names, change: &ChangeSet) -> Option<Self> {
        let mut part = Self { mark: Mark::of(change), ..Self::default() };
        for guard in &change.guards {
            part.guard(guard)?;
        }
        for write in &change.writes {
            part.write(names, write, &change.history)?;
        }
        let mut told = HashSet::new();
        for entry in &change.history {
            if !told.insert((entry.key, entry.version)) {
                return None;
            }
            part.history.push(literal::entry(entry)?);
        }
        let written = change.writes.iter().filter_map(|write| match write {
            Write::Insert(row) | Write::Update(row) => Some((row.key(), row.version())),
            Write::Delete { key, expected } => Some((*key, expected.next())),
            _ => None,
        });
        if let Some(event) = write::Event::of(change, written.collect()) {
            part.feed = Some(literal::event(&event)?);
        }
        if let Some(given) = &change.idempotency {
            if given.key.contains('\0') {
                return None;
            }
            part.idempotency = Some(json!({
                "actor": given.actor,
                "key": given.key,
                "digest": format!("\\x{:032x}", u128::from_be_bytes(given.digest)),
                "answer_entity": given.answer.entity.as_str(),
                "answer_id": given.answer.id,
                "keep_until": given.keep_until,
                "now": change.recorded_at,
            }));
            part.key = Some((given.actor, given.key.clone()));
        }
        part.size = part.lines().map(String::len).sum();
        Some(part)
    }

    /// Whether it needs a call of its own: what it asks of whole tables, others could change within the call.
    pub(crate) fn is_alone(&self) -> bool {
        !(self.empty.is_empty() && self.childless.is_empty() && self.delete.is_empty())
    }

    fn lines(&self) -> impl Iterator<Item = &String> {
        let rows = self.insert.iter().chain(&self.update).map(|(_, line)| line);
        rows.chain(&self.history).chain(&self.feed)
    }

    fn guard(&mut self, guard: &Guard) -> Option<()> {
        match *guard {
            // A row that must not be there can't be locked.
            Guard::Version { version: Version(0), .. } => None,
            Guard::Version { key, version } => {
                self.lock(key, Strength::Share, Some(version));
                Some(())
            }
            Guard::NoChildren { relation, parent } => {
                let RelationSpec { from, field, .. } = *relation.spec();
                self.lock(parent, Strength::Update, None);
                let line = json!({ "name": from.table(), "field": field.as_str(), "id": parent.id });
                self.childless.push(line);
                Some(())
            }
            Guard::Empty(entity) => {
                self.empty.push(json!({ "name": entity.table() }));
                Some(())
            }
            _ => None,
        }
    }

    fn write(&mut self, names: &Names, write: &Write, history: &[HistoryEntry]) -> Option<()> {
        let key = match write {
            Write::Insert(row) => {
                let key = row.key();
                self.unique(names, row, |_| true);
                if key.entity.is_numbered() {
                    self.numbered.push(key);
                }
                self.tally.add(row)?;
                self.insert.push((key.entity, literal::row(row)));
                key
            }
            Write::Update(row) => {
                let (key, version) = (row.key(), row.version());
                // A row that names another by a key that is unique shares its lock: only texts are anybody's to take.
                self.unique(names, row, |kind| kind == Kind::Text);
                self.lock(key, Strength::NoKeyUpdate, Some(Version(version.0.saturating_sub(1))));
                let state = self.count(row, history)?;
                self.locks.entry(key).and_modify(|held| held.state = Some(state));
                self.update.push((key.entity, literal::row(row)));
                key
            }
            Write::Delete { key, expected } => {
                self.lock(*key, Strength::Update, Some(*expected));
                self.delete.push(*key);
                *key
            }
            _ => return None,
        };
        self.written.insert(key).then_some(())
    }

    fn lock(&mut self, key: Key, strength: Strength, version: Option<Version>) {
        let held = self.locks.entry(key).or_insert(Held { strength, versions: Vec::new(), state: None });
        held.strength = held.strength.max(strength);
        if let Some(version) = version.filter(|version| !held.versions.contains(version)) {
            held.versions.push(version);
        }
    }

    /// Counts a row that is changed, and returns what it counted for before, as history tells. Were that wrong, the call would
    /// leave the command out.
    fn count(&mut self, row: &Row, history: &[HistoryEntry]) -> Option<String> {
        let entry = history.iter().find(|entry| entry.key == row.key() && entry.version == row.version());
        let changes = entry.map_or(&[][..], |entry| &entry.changes);
        let Some(before) = tally::before(row, changes).ok()? else { return Some(tally::state(row)) };
        self.tally.take(&before)?;
        self.tally.add(row)?;
        Some(tally::state(&before))
    }

    fn unique(&mut self, names: &Names, row: &Row, counts: impl Fn(Kind) -> bool) {
        let entity = row.entity();
        for field in uniques(entity).iter().filter(|field| **field != Field::Number) {
            let is_held = record::column(entity, *field).is_some_and(|column| counts(column.kind));
            if let Some(text) = row.value(*field).to_text().filter(|_| is_held) {
                self.hold.push(names.of_value(entity, *field, &text));
            }
        }
    }
}
