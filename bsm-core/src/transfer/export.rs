//! Writing a whole desk: page after page, all of one moment in the end.
//!
//! Every page is read together with what happened since the page before, in one read set and so as of one moment. What
//! changed of the part that is written already is written again, before the page: so behind every chunk the text holds
//! that part of the desk as it stood at the moment of its read, and behind the last all of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Progress;
use super::line::{End, FORMAT, Line, chain, hex};
use crate::feed::Position;
use crate::model::{Entity, HistoryEntry, Key, Row, TimeRange, Version};
use crate::rules::limits;
use crate::schema::Index;
use crate::store::{Answers, Branch, FeedPage, FeedPlace, FeedQuery, LogQuery, Order, ReadSet, Scan, Scanned, Store};
use crate::{Error, Result};

/// A whole desk, as lines: see [`transfer`](super). Made by [`Desk::export`](crate::Desk::export).
#[derive(Debug)]
pub struct Export {
    store: Arc<dyn Store>,
    at: At,
    /// What happened up to here is in the text.
    follows: Option<FeedPlace>,
    /// How many reads in a row only followed what happened.
    catch_ups: usize,
    /// How much of that was left when it was read last.
    behind: u64,
    digest: u128,
    progress: Progress,
}

/// How far the text is.
#[derive(Clone, Copy, Debug)]
enum At {
    /// Among the rows of an entity (its place in [`Entity::ALL`]), behind this id.
    Rows(usize, Option<Uuid>),
    /// Among the history of an entity, behind this entry.
    History(usize, Option<(Uuid, Version)>),
    /// Behind the last line.
    End,
}

impl At {
    /// Whether the row is written, if it was there.
    fn has_row(self, key: Key) -> bool {
        match self {
            Self::Rows(place, after) => is_before((place_of(key.entity), key.id), (place, after)),
            Self::History(..) | Self::End => true,
        }
    }

    /// Whether the entry is written, if it was there.
    fn has_entry(self, entry: &HistoryEntry) -> bool {
        match self {
            Self::Rows(..) => false,
            Self::History(place, after) => {
                is_before((place_of(entry.key.entity), (entry.key.id, entry.version)), (place, after))
            }
            Self::End => true,
        }
    }
}

fn place_of(entity: Entity) -> usize {
    Entity::ALL.iter().position(|one| *one == entity).unwrap_or(usize::MAX)
}

/// Whether something stands before a place: in an entity before, or in the same and not behind `after`.
fn is_before<T: Ord>((of, it): (usize, T), (place, after): (usize, Option<T>)) -> bool {
    of < place || (of == place && after.is_some_and(|after| it <= after))
}

impl Export {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        let progress = Progress::default();
        Self { store, at: At::Rows(0, None), follows: None, catch_ups: 0, behind: 0, digest: 0, progress }
    }

    /// The next lines, whole, each with its line break; `None` behind the last.
    ///
    /// Dropping the future loses nothing: the next call goes on where this one would have. So it is after an error.
    /// Costs O(log n + page), and what changed meanwhile.
    ///
    /// # Errors
    /// [`Error::PositionExpired`] if what happened meanwhile was [trimmed](crate::Desk::trim) before it was read; begin
    /// anew. [`Error::Unsupported`], [`Error::ImportUnfinished`], and what else the store says.
    pub async fn next(&mut self) -> Result<Option<String>> {
        loop {
            if matches!(self.at, At::End) {
                return Ok(None);
            }
            let answers = self.store.read(self.question()).await?;
            // From here on nothing waits.
            let chunk = self.write(answers)?;
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
    }

    /// How far it is.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    fn question(&self) -> ReadSet {
        let limit = match self.follows {
            None => 0,
            // All at once, so that it ends on a busy desk too; but only what is not too much.
            Some(_) if self.catch_ups >= limits::EXPORT_CATCH_UPS && self.behind <= limits::EXPORT_LEAP => usize::MAX,
            Some(_) => limits::EXPORT_PAGE,
        };
        let after = self.follows.map(|follows| follows.place);
        let feed = FeedQuery { customer: None, after, entities: Vec::new(), limit, rows: true };
        let mut set = ReadSet { feed: Some(feed), numbers: true, ..ReadSet::default() };
        match self.at {
            At::Rows(place, after) => set.scan = Entity::ALL.get(place).map(|entity| page(*entity, after)),
            At::History(place, after) => {
                let log = |entity: &Entity| LogQuery { entity: *entity, after, limit: limits::EXPORT_PAGE };
                set.log = Entity::ALL.get(place).map(log);
            }
            At::End => {}
        }
        set
    }

    /// Writes what was read, and goes on behind it. Nothing of it counts if it fails.
    fn write(&mut self, answers: Answers) -> Result<String> {
        let Answers { scanned, log, numbers, feed, .. } = answers;
        let feed = feed.unwrap_or_default();
        let behind = feed.newest.saturating_sub(feed.resume);
        let mut text = Text { lines: String::new(), digest: self.digest, progress: self.progress };
        let (mut at, mut catch_ups) = (self.at, 0);
        let follows = FeedPlace { epoch: feed.epoch, place: feed.resume.max(feed.oldest) };
        let mut current = true;
        let follows = if let Some(before) = self.follows {
            if before.epoch != feed.epoch || before.place < feed.oldest {
                let resume = FeedPlace { epoch: feed.epoch, place: feed.oldest };
                return Err(Error::PositionExpired { resume: Position::write(None, resume) });
            }
            // The page belongs to a moment that is not written up to yet: it is read again then.
            current = feed.resume >= feed.newest;
            catch_ups = if current { 0 } else { self.catch_ups + 1 };
            text.changes(at, feed)?;
            follows
        } else {
            text.push(&Line::BsmExport(FORMAT))?;
            FeedPlace { place: feed.newest, ..follows }
        };
        if current {
            at = match at {
                At::Rows(place, _) => text.rows(place, scanned.unwrap_or_default())?,
                At::History(place, _) => text.history(place, log)?,
                At::End => At::End,
            };
            if matches!(at, At::End) {
                text.push(&Line::Numbers(numbers.into_iter().collect::<BTreeMap<_, _>>()))?;
                let Progress { rows, history, .. } = text.progress;
                text.push(&Line::End(End { rows, history, digest: hex(text.digest) }))?;
            }
        }
        (self.at, self.follows, self.catch_ups) = (at, Some(follows), catch_ups);
        (self.digest, self.progress, self.behind) = (text.digest, text.progress, behind);
        Ok(text.lines)
    }
}

/// A page of an entity's rows.
fn page(entity: Entity, after: Option<Uuid>) -> Scan {
    Scan {
        branches: vec![Branch { index: Index::primary(entity), values: Vec::new(), conditions: Vec::new() }],
        within: TimeRange::ALL,
        order: Order::OldestFirst,
        after,
        limit: limits::EXPORT_PAGE,
        budget: limits::EXPORT_PAGE,
    }
}

/// Lines that are being written.
struct Text {
    lines: String,
    digest: u128,
    progress: Progress,
}

impl Text {
    fn push(&mut self, line: &Line) -> Result<()> {
        let written = line.to_text()?;
        self.digest = chain(self.digest, written.as_bytes());
        self.progress.count(line, written.len() + 1);
        self.lines.push_str(&written);
        self.lines.push('\n');
        Ok(())
    }

    /// What happened to the part that is written. The rows that changed are all taken back before any is written anew:
    /// so no line brings a unique value that a row before it still has. A row that was changed again, by an event behind
    /// this page, is only taken back: it may have a value that another gives up on the way there, and is written with
    /// that event.
    fn changes(&mut self, at: At, feed: FeedPage) -> Result<()> {
        let rows: BTreeMap<Key, Option<Row>> = feed.rows.into_iter().filter(|(key, _)| at.has_row(*key)).collect();
        let mut told: BTreeMap<Key, Version> = BTreeMap::new();
        for entry in feed.events.iter().flat_map(|event| &event.entries) {
            let version = told.entry(entry.key).or_insert(entry.version);
            *version = entry.version.max(*version);
        }
        for key in rows.keys() {
            self.push(&Line::Gone(*key))?;
        }
        for row in rows.into_values().flatten() {
            if told.get(&row.key()).is_none_or(|version| *version >= row.version()) {
                self.push(&Line::Row(row))?;
            }
        }
        for entry in feed.events.into_iter().flat_map(|event| event.entries).filter(|entry| at.has_entry(entry)) {
            self.push(&Line::History(entry))?;
        }
        Ok(())
    }

    /// A page of rows; returns where to go on.
    fn rows(&mut self, place: usize, scanned: Scanned) -> Result<At> {
        for row in scanned.rows {
            self.push(&Line::Row(row))?;
        }
        Ok(match scanned.resume {
            Some(id) => At::Rows(place, Some(id)),
            None if place + 1 < Entity::ALL.len() => At::Rows(place + 1, None),
            None => At::History(0, None),
        })
    }

    /// A page of history; returns where to go on.
    fn history(&mut self, place: usize, log: Vec<HistoryEntry>) -> Result<At> {
        let more = log.len() >= limits::EXPORT_PAGE;
        let last = log.last().map(|entry| (entry.key.id, entry.version));
        for entry in log {
            self.push(&Line::History(entry))?;
        }
        Ok(if more {
            At::History(place, last)
        } else if place + 1 < Entity::ALL.len() {
            At::History(place + 1, None)
        } else {
            At::End
        })
    }
}
