//! Taking a whole desk in: the steps by which an import hands a store what an export told.
//!
//! Rows come as they were, with their versions and numbers, past rules and guards, in an order in which a row may name
//! another that is still to come. Whoever drives the steps is [`crate::transfer`].

use crate::model::{Entity, HistoryEntry, Key, Row};

/// How far the text of an export was taken in: kept with what was taken in, in the same commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportMark {
    /// How many of its lines.
    pub lines: u64,
    /// The digest of those lines: an import goes on only with the text that it began with.
    pub digest: u128,
}

/// A step of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportStep {
    /// Begins an import into an empty desk, which from then on refuses commands and reads with
    /// [`Error::ImportUnfinished`](crate::Error::ImportUnfinished), and so does everything else but
    /// [`verify`](super::Store::verify) and [`close`](super::Store::close). Or goes on with one that was left unfinished, and
    /// answers how far that had come; a store in which nothing of an unfinished import is left answers that nothing was
    /// taken in.
    Begin,
    /// Takes in a part. A unique value that would stand twice behind it is told here, not at the end, as
    /// [`Error::Duplicate`](crate::Error::Duplicate); what rows name is not looked at before the end. Answers the
    /// part's [mark](ImportPart::mark).
    Restore(ImportPart),
    /// Ends it: the numbers that were given last, after which new rows are numbered. (That no row has a higher one is for
    /// the importer, [`crate::transfer`], to see to, and not for the store.) The store makes sure that all holds together;
    /// then the desk is open, and the mark is answered at which the import ended.
    ///
    /// The feed has another [epoch](super::FeedPlace::epoch) from then on, other than that of the empty desk and of the desk
    /// that was exported, and holds no event: whoever waits at a place of the old one returns. History that was taken in is
    /// in no feed. No idempotency key comes with a desk, so there are none.
    Finish(ImportEnd),
}

/// How an import ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportEnd {
    /// The number that was given last to a row of each numbered entity.
    pub numbers: Vec<(Entity, u32)>,
    /// How far the text was read. A store refuses to end an import that has come elsewhere, as it refuses a
    /// [part](ImportPart::after).
    pub after: ImportMark,
}

/// A part of an import, taken in whole or not at all.
///
/// First go the rows that are [gone](Self::gone), then come the [rows](Self::rows), and only what stands at the end counts:
/// a unique value may pass from one row to another within a part, whichever is named first. No part names a row as both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPart {
    /// Rows to stand as they are, in place of what the import brought under the same id before.
    pub rows: Vec<Row>,
    /// Rows that the import brought before, and that are gone.
    pub gone: Vec<Key>,
    /// History, likewise.
    pub history: Vec<HistoryEntry>,
    /// How far the text was read before it. A store refuses a part that does not follow what it has, with
    /// [`Error::ImportUnfinished`](crate::Error::ImportUnfinished): somebody else takes a desk in, or a call that was given
    /// up was done after all.
    pub after: ImportMark,
    /// How far the text was read with it.
    pub mark: ImportMark,
}
