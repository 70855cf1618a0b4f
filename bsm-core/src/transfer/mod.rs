//! A whole desk as a stream of lines: out of one store, and into another.
//!
//! For backups, for moving from one store to another, and for other programs that read or make a desk. It is the
//! application's own: no person has a portal for it. **An export holds personal text**: names, addresses, what people
//! wrote. Keep it as you keep the desk.
//!
//! ```
//! # async fn example(from: bsm_core::Desk, to: bsm_core::Desk) -> bsm_core::Result<()> {
//! let (mut export, mut import) = (from.export(), to.import().await?);
//! while let Some(lines) = export.next().await? {
//!     import.write(lines.as_bytes()).await?;
//! }
//! import.finish().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The format, version 1
//!
//! JSON lines in UTF-8, each an object with one member; `docs/export.md` tells it for those who write other programs.
//!
//! | line | what |
//! |---|---|
//! | `{"bsm_export":1}` | the first: the format |
//! | `{"row":{"ticket":{…}}}` | a row: entity by entity, by id |
//! | `{"gone":{"entity":"ticket","id":"…"}}` | what a line before said of this row counts no more |
//! | `{"history":{…}}` | an entry of history: entity by entity, by id and version |
//! | `{"numbers":{"ticket":890,"request":12}}` | the numbers that were given last |
//! | `{"end":{"rows":…,"history":…,"digest":"…"}}` | the last: how many lines of both kinds there are, and the digest of all lines before |
//!
//! A line supersedes those before it of the same id. They are there only if commands went on meanwhile: what changed of
//! the part that was written already is taken back and written again, so that all lines together are the desk as it
//! stood at one moment, the last.
//!
//! There is no time in it and no name of a store, no feed, and no idempotency keys. Two exports of equal desks on which
//! nothing happens meanwhile are equal to the byte, whatever their stores.
//!
//! # What an import promises
//!
//! It goes into an empty store only. It begins with the first line, if that is an export's: a file that is none, or an
//! import to which nothing was written, leaves an empty desk as it is. From then on, until it is finished, the desk is
//! shut: every other call is refused with
//! [`Error::ImportUnfinished`](crate::Error::ImportUnfinished), also after a crash (a store that keeps nothing of an
//! unfinished import is open again then). Begun again with the same text, it
//! goes on where it was. The other way out is to delete the desk, by its address with `Registry::remove` of the crate
//! `bsm`. Every row is looked at as if a person
//! had said it, and at the end the store makes sure that all of it holds together. Then the desk is open: rows, history,
//! versions, numbers and counters are as they were; its feed is empty, and positions of another desk's feed, or of this
//! one's before, are [expired](crate::Error::PositionExpired).

mod accept;
mod batch;
mod empty;
mod export;
mod fault;
mod import;
mod line;

pub use export::Export;
pub use import::Import;

use crate::{Desk, Result};
use line::Line;

/// How far an export or an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Lines that are rows.
    pub rows: u64,
    /// Lines that are history.
    pub history: u64,
    /// All lines.
    pub lines: u64,
    /// Their bytes, line breaks included.
    pub bytes: u64,
}

impl Progress {
    fn count(&mut self, line: &Line, bytes: usize) {
        self.count_kind(line);
        self.lines += 1;
        self.bytes += count(bytes);
    }

    fn count_kind(&mut self, line: &Line) {
        match line {
            Line::Row(_) => self.rows += 1,
            Line::History(_) => self.history += 1,
            _ => {}
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// An import that was finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// How many lines an earlier import, which did not end, had taken in.
    pub resumed_after: u64,
    /// What was read.
    pub progress: Progress,
}

impl Desk {
    /// Begins an export of the whole desk, as lines of JSON. Commands can go on meanwhile: see [`transfer`](self).
    ///
    /// Nothing is read before the first [`next`](Export::next).
    pub fn export(&self) -> Export {
        Export::new(std::sync::Arc::clone(self.store()))
    }

    /// An import into this desk, which must be empty, or one that goes on where another did not end. From its first line
    /// on the desk is shut until the import is finished: see [`transfer`](self).
    ///
    /// Costs a few reads.
    ///
    /// # Errors
    /// [`Error::NotEmpty`](crate::Error::NotEmpty) if the desk has rows or history;
    /// [`Error::Unsupported`](crate::Error::Unsupported) by a store that can't; what else the store says.
    pub async fn import(&self) -> Result<Import> {
        Import::begin(std::sync::Arc::clone(self.store())).await
    }
}
