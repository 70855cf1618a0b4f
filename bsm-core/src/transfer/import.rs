//! Reading a whole desk: bytes to lines, lines to batches, batches to the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::Batch;
use super::line::{End, FORMAT, Line, chain, hex};
use super::{Imported, Progress, accept, empty};
use crate::model::Entity;
use crate::rules::limits;
use crate::store::{ImportEnd, ImportMark, ImportStep, ReadSet, Store};
use crate::{Error, ImportFault, Result};

/// A whole desk that is being taken in: see [`transfer`](super). Made by [`Desk::import`](crate::Desk::import).
///
/// Once a call failed, or its future was dropped before it was done, this value takes nothing more: nobody could say
/// which bytes are missing. Begin again, with the text from its beginning.
#[derive(Debug)]
pub struct Import {
    store: Arc<dyn Store>,
    /// How far an earlier import had come, once this one has begun at the store.
    began: Option<ImportMark>,
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

impl Import {
    /// Goes on with an import that did not end, or gets ready for one into an empty desk. That begins at the store, and
    /// shuts the desk, when the first line was read and is an export's: what is none at all does nothing to a desk.
    pub(super) async fn begin(store: Arc<dyn Store>) -> Result<Self> {
        let began = match store.read(ReadSet::default()).await {
            // It is shut already.
            Err(Error::ImportUnfinished { .. }) => Some(store.import(ImportStep::Begin).await?),
            Err(other) => return Err(other),
            Ok(_) if !store.capabilities().imports => {
                return Err(Error::Unsupported { store: store.to_string(), what: "taking in a whole desk" });
            }
            Ok(_) if !empty::is_empty(&*store).await? => return Err(Error::NotEmpty { store: store.to_string() }),
            Ok(_) => None,
        };
        Ok(Self {
            store,
            began,
            stopped: false,
            stage: Stage::First,
            begun: Vec::new(),
            taken: began.unwrap_or_default(),
            mark: ImportMark::default(),
            highest: BTreeMap::new(),
            numbers: Vec::new(),
            batch: Batch::default(),
            progress: Progress::default(),
        })
    }

    /// How many lines an earlier import, which did not end, had taken in. They are read again, and must be the same.
    pub fn resumes_after(&self) -> u64 {
        self.earlier().lines
    }

    /// How far an earlier import had come.
    fn earlier(&self) -> ImportMark {
        self.began.unwrap_or_default()
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
    /// [`Error::InvalidImport`] naming the line, also for two rows with one unique value; [`Error::NotEmpty`] if somebody
    /// used the desk since the import was made; [`Error::ImportUnfinished`] behind a call that failed or was given up, and
    /// if somebody else takes a desk in meanwhile; what else the store says.
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
        let resumed_after = self.resumes_after();
        let end = ImportEnd { numbers: self.numbers, after: self.taken };
        self.store.import(ImportStep::Finish(end)).await?;
        Ok(Imported { resumed_after, progress: self.progress })
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
            if self.began.is_none() {
                // The first line is an export's.
                self.begin_at_the_store().await?;
            }
            if self.batch.is_full() {
                self.hand_over().await?;
            }
        }
        self.keep(bytes)
    }

    /// Shuts the desk, which was empty and open when it was looked at.
    async fn begin_at_the_store(&mut self) -> Result<()> {
        // Somebody else's import is not this one's to go on with, or to end.
        self.store.read(ReadSet::default()).await?;
        let began = self.store.import(ImportStep::Begin).await?;
        if began != ImportMark::default() {
            return Err(Error::ImportUnfinished { store: self.store.to_string() });
        }
        self.began = Some(began);
        Ok(())
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
            let earlier = self.earlier();
            if mark.lines == earlier.lines && mark.digest != earlier.digest {
                return Err(self.fault(ImportFault::OtherText));
            }
            self.mark = mark;
        }
        self.progress.lines += 1;
        self.progress.bytes += super::count(text.len() + 1);
        Ok(())
    }

    /// Whether the next line was taken in by an earlier import.
    fn is_known(&self) -> bool {
        self.mark.lines < self.earlier().lines
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
                self.gather(text, |batch, line| batch.stands(row, line));
            }
            (Stage::RowsAndHistory, Line::Gone(key)) => self.gather(text, |batch, _| batch.gone(key)),
            (Stage::RowsAndHistory, Line::History(entry)) => {
                accept::entry(&entry)?;
                self.gather(text, |batch, _| batch.happened(entry));
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

    fn gather(&mut self, text: &[u8], add: impl FnOnce(&mut Batch, u64)) {
        if !self.is_known() {
            let line = self.progress.lines + 1;
            add(&mut self.batch, line);
            self.batch.count(line, text.len());
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
        if self.batch.is_empty() {
            return Ok(());
        }
        let (part, values) = std::mem::take(&mut self.batch).into_part(self.taken, self.mark);
        let taken = self.store.import(ImportStep::Restore(part)).await;
        self.taken = taken.map_err(|error| values.named(error))?;
        Ok(())
    }
}
