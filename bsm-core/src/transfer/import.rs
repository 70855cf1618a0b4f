//! Reading a whole desk: bytes to lines, lines to batches, batches to the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::line::{End, FORMAT, Line, chain, hex};
use super::{Imported, Progress, accept};
use crate::model::{Entity, HistoryEntry, Key, Row};
use crate::rules::limits;
use crate::store::{ImportEnd, ImportMark, ImportPart, ImportStep, Store};
use crate::{Error, ImportFault, Result};

/// A whole desk that is being taken in: see [`transfer`](super). Made by [`Desk::import`](crate::Desk::import).
///
/// Once a call failed, or its future was dropped before it was done, this value takes nothing more: nobody could say
/// which bytes are missing. Begin again, with the text from its beginning.
#[derive(Debug)]
pub struct Import {
    store: Arc<dyn Store>,
    /// How far an earlier import had come.
    began: ImportMark,
    /// Set while a call is under way, and left set by one that did not end well.
    stopped: bool,
    stage: Stage,
    /// The beginning of a line whose end did not come yet.
    begun: Vec<u8>,
    /// How far the store has taken them in.
    taken: ImportMark,
    /// How far the lines were read.
    mark: ImportMark,
    /// The highest number of a row.
    highest: BTreeMap<Entity, u32>,
    numbers: Vec<(Entity, u32)>,
    batch: Batch,
    progress: Progress,
}

/// Which line comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    RowsAndHistory,
    End,
    Behind,
}

/// Lines that were read and not handed to the store yet.
#[derive(Debug, Default)]
struct Batch {
    /// The last word on each row.
    rows: BTreeMap<Key, Option<Row>>,
    history: Vec<HistoryEntry>,
    lines: usize,
    bytes: usize,
}

impl Import {
    /// Begins an import, or goes on with one.
    pub(super) async fn begin(store: Arc<dyn Store>) -> Result<Self> {
        let began = store.import(ImportStep::Begin).await?;
        Ok(Self {
            store,
            began,
            stopped: false,
            stage: Stage::First,
            begun: Vec::new(),
            taken: began,
            mark: ImportMark::default(),
            highest: BTreeMap::new(),
            numbers: Vec::new(),
            batch: Batch::default(),
            progress: Progress::default(),
        })
    }

    /// How many lines an earlier import, which did not end, had taken in. They are read again, and must be the same.
    pub const fn resumes_after(&self) -> u64 {
        self.began.lines
    }

    /// How far it is, the lines that are read again included.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Takes the next bytes of the text. They may end anywhere, also within a line or a character.
    ///
    /// Costs, and waits for, a commit for about every thousandth line.
    ///
    /// # Errors
    /// [`Error::InvalidImport`] naming the line; [`Error::Duplicate`] for two rows with one unique value;
    /// [`Error::ImportUnfinished`] behind a call that failed or was given up, and if somebody else takes a desk in
    /// meanwhile; what else the store says.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.enter()?;
        self.take(bytes).await?;
        self.stopped = false;
        Ok(())
    }

    /// Ends the import, when all of the text was written: the store makes sure that everything holds together, and opens
    /// the desk.
    ///
    /// Costs what [`Desk::verify`](crate::Desk::verify) does. Whoever drops the future finds out by beginning again: an
    /// import that had ended answers [`Error::NotEmpty`].
    ///
    /// # Errors
    /// [`Error::InvalidImport`] if the text is not whole; [`Error::Inconsistent`]; as [`write`](Self::write).
    pub async fn finish(mut self) -> Result<Imported> {
        self.enter()?;
        let rest = std::mem::take(&mut self.begun);
        if !rest.is_empty() {
            // The last line break may be missing, but nothing else.
            let cut = |error| match error {
                Error::InvalidImport { line, fault: ImportFault::Malformed { .. } } => {
                    Error::InvalidImport { line, fault: ImportFault::Truncated }
                }
                other => other,
            };
            self.line(&rest).map_err(cut)?;
        }
        if self.stage != Stage::Behind {
            return Err(self.fault(ImportFault::Truncated));
        }
        self.hand_over().await?;
        let end = ImportEnd { numbers: self.numbers, after: self.taken };
        self.store.import(ImportStep::Finish(end)).await?;
        Ok(Imported { resumed_after: self.began.lines, progress: self.progress })
    }

    fn enter(&mut self) -> Result<()> {
        if self.stopped {
            return Err(Error::ImportUnfinished { store: self.store.to_string() });
        }
        self.stopped = true;
        Ok(())
    }

    async fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.begun.is_empty() {
                self.line(line)?;
            } else {
                self.keep(line)?;
                let whole = std::mem::take(&mut self.begun);
                self.line(&whole)?;
            }
            bytes = rest;
            if self.batch.lines >= limits::IMPORT_BATCH_LINES || self.batch.bytes >= limits::IMPORT_BATCH_BYTES {
                self.hand_over().await?;
            }
        }
        self.keep(bytes)
    }

    /// Keeps a piece of a line until the rest comes.
    fn keep(&mut self, piece: &[u8]) -> Result<()> {
        if self.begun.len() + piece.len() > limits::IMPORT_LINE_BYTES {
            return Err(self.fault(ImportFault::TooLong { most: limits::IMPORT_LINE_BYTES }));
        }
        self.begun.extend_from_slice(piece);
        Ok(())
    }

    /// The fault of the line that comes next.
    fn fault(&self, fault: ImportFault) -> Error {
        Error::InvalidImport { line: self.progress.lines + 1, fault }
    }

    fn line(&mut self, text: &[u8]) -> Result<()> {
        self.read(text).map_err(|fault| self.fault(fault))?;
        if self.stage != Stage::Behind {
            let mark = ImportMark { lines: self.mark.lines + 1, digest: chain(self.mark.digest, text) };
            if mark.lines == self.began.lines && mark.digest != self.began.digest {
                return Err(self.fault(ImportFault::OtherText));
            }
            self.mark = mark;
        }
        self.progress.lines += 1;
        self.progress.bytes += super::count(text.len() + 1);
        Ok(())
    }

    /// Whether the next line was taken in by an earlier import.
    const fn is_known(&self) -> bool {
        self.mark.lines < self.began.lines
    }

    fn read(&mut self, text: &[u8]) -> Result<(), ImportFault> {
        if text.len() > limits::IMPORT_LINE_BYTES {
            return Err(ImportFault::TooLong { most: limits::IMPORT_LINE_BYTES });
        }
        if self.stage == Stage::Behind {
            return Err(ImportFault::BehindTheEnd);
        }
        let line = match (Line::read(text), self.stage) {
            (Err(ImportFault::Malformed { .. }), Stage::First) => return Err(ImportFault::NoExport),
            (read, _) => read?,
        };
        self.progress.count_kind(&line);
        match (self.stage, line) {
            (Stage::First, Line::BsmExport(FORMAT)) => self.stage = Stage::RowsAndHistory,
            (Stage::First, Line::BsmExport(found)) => return Err(ImportFault::UnknownFormat { found }),
            (Stage::First, _) => return Err(ImportFault::NoExport),
            (Stage::RowsAndHistory, Line::Row(row)) => {
                accept::row(&row)?;
                if let Some(number) = row.number() {
                    let highest = self.highest.entry(row.entity()).or_default();
                    *highest = number.max(*highest);
                }
                self.gather(text, |batch| drop(batch.rows.insert(row.key(), Some(row))));
            }
            (Stage::RowsAndHistory, Line::Gone(key)) => self.gather(text, |batch| drop(batch.rows.insert(key, None))),
            (Stage::RowsAndHistory, Line::History(entry)) => {
                accept::entry(&entry)?;
                self.gather(text, |batch| batch.history.push(entry));
            }
            (Stage::RowsAndHistory, Line::Numbers(numbers)) => {
                self.numbers = self.numbers_of(&numbers)?;
                self.stage = Stage::End;
            }
            (Stage::End, Line::End(end)) => {
                self.end(&end)?;
                self.stage = Stage::Behind;
            }
            _ => return Err(ImportFault::OutOfPlace),
        }
        Ok(())
    }

    fn gather(&mut self, text: &[u8], add: impl FnOnce(&mut Batch)) {
        if !self.is_known() {
            add(&mut self.batch);
            self.batch.lines += 1;
            self.batch.bytes += text.len();
        }
    }

    /// The numbers that were given last: one for each numbered entity, and none below a row's.
    fn numbers_of(&self, given: &BTreeMap<Entity, u32>) -> Result<Vec<(Entity, u32)>, ImportFault> {
        let numbered = Entity::ALL.iter().filter(|entity| entity.is_numbered());
        if !numbered.clone().eq(given.keys()) {
            let names: Vec<&str> = numbered.map(|entity| entity.as_str()).collect();
            return Err(ImportFault::Malformed { detail: format!("expected the numbers of {}", names.join(", ")) });
        }
        match self.highest.iter().find(|(entity, highest)| given.get(entity).is_none_or(|last| last < highest)) {
            Some((entity, highest)) => Err(ImportFault::NumberTaken { entity: *entity, highest: *highest }),
            None => Ok(given.iter().map(|(entity, number)| (*entity, *number)).collect()),
        }
    }

    fn end(&self, end: &End) -> Result<(), ImportFault> {
        let End { rows, history, digest } = end;
        if self.is_known() {
            return Err(ImportFault::OtherText);
        }
        if *digest != hex(self.mark.digest) {
            return Err(ImportFault::Digest);
        }
        if (*rows, *history) != (self.progress.rows, self.progress.history) {
            return Err(ImportFault::Counts { rows: *rows, history: *history });
        }
        Ok(())
    }

    /// Hands the store what was read, with how far that is.
    async fn hand_over(&mut self) -> Result<()> {
        if self.batch.lines == 0 {
            return Ok(());
        }
        let Batch { rows, history, .. } = std::mem::take(&mut self.batch);
        let mut part = ImportPart { history, after: self.taken, mark: self.mark, ..ImportPart::default() };
        for (key, row) in rows {
            match row {
                Some(row) => part.rows.push(row),
                None => part.gone.push(key),
            }
        }
        self.taken = self.store.import(ImportStep::Restore(part)).await?;
        Ok(())
    }
}
