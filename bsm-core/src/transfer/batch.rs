//! Lines that were read and not handed to the store yet, and where they stood: a store that refuses a part for a unique
//! value does not know lines.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Entity, HistoryEntry, Key, Row, Value};
use crate::rules::limits;
use crate::schema::{Field, uniques};
use crate::store::{ImportMark, ImportPart};
use crate::{Error, ImportFault};

#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The last word on each row, and its line.
    rows: BTreeMap<Key, (u64, Option<Row>)>,
    history: Vec<HistoryEntry>,
    /// The first line, and the last.
    between: Option<(u64, u64)>,
    lines: usize,
    bytes: usize,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.lines == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines >= limits::IMPORT_BATCH_LINES || self.bytes >= limits::IMPORT_BATCH_BYTES
    }

    /// A row, as line number `line` has it.
    pub(super) fn stands(&mut self, row: Row, line: u64) {
        self.rows.insert(row.key(), (line, Some(row)));
    }

    pub(super) fn gone(&mut self, key: Key) {
        self.rows.insert(key, (0, None));
    }

    pub(super) fn happened(&mut self, entry: HistoryEntry) {
        self.history.push(entry);
    }

    /// Counts a line that something was taken from.
    pub(super) fn count(&mut self, line: u64, bytes: usize) {
        self.lines += 1;
        self.bytes += bytes;
        self.between = Some((self.between.map_or(line, |(first, _)| first), line));
    }

    /// What the store is handed, and what is kept to understand its answer.
    pub(super) fn into_part(self, after: ImportMark, mark: ImportMark) -> (ImportPart, Values) {
        let mut part = ImportPart { history: self.history, after, mark, ..ImportPart::default() };
        let mut values = Values { between: self.between.unwrap_or_default(), held: Vec::new() };
        for (key, (line, row)) in self.rows {
            match row {
                Some(row) => {
                    values.note(&row, line);
                    part.rows.push(row);
                }
                None => part.gone.push(key),
            }
        }
        (part, values)
    }
}

/// The unique values of a part, and the lines that they stand in.
#[derive(Debug)]
pub(super) struct Values {
    between: (u64, u64),
    held: Vec<(Entity, Field, Value<'static>, u64)>,
}

impl Values {
    fn note(&mut self, row: &Row, line: u64) {
        for field in uniques(row.entity()) {
            let value = row.value(*field);
            if !value.is_null() {
                self.held.push((row.entity(), *field, value.into_owned(), line));
            }
        }
    }

    /// A store's answer to the part, with the line where that can be told: two rows of this part, or one that has what a
    /// row of a part before it has.
    pub(super) fn named(self, error: Error) -> Error {
        let Error::Duplicate { entity, field } = error else { return error };
        let mut lines = HashMap::new();
        let mut twice: Option<u64> = None;
        for (_, _, value, line) in self.held.into_iter().filter(|(of, by, ..)| (*of, *by) == (entity, field)) {
            if let Some(other) = lines.insert(value, line) {
                let later = line.max(other);
                twice = Some(twice.map_or(later, |found| found.min(later)));
            }
        }
        let (first, last) = self.between;
        let (line, since) = twice.map_or((last, Some(first)), |line| (line, None));
        Error::InvalidImport { line, fault: ImportFault::Duplicate { entity, field, since } }
    }
}
