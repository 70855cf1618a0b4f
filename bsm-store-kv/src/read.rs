//! Answers a read set from one snapshot, so as of one moment. Called by the store only; writes nothing.

use std::collections::HashSet;
use std::ops::Bound;

use bsm_core::model::{Entity, HistoryEntry, Key, Row, UserId, Value};
use bsm_core::schema::{Relation, relations_from};
use bsm_core::store::{
    Answers, CountQuery, FeedPlace, HistoryQuery, LogQuery, Order, ReadSet, Remembered, UniqueValue,
};
use bsm_core::{Error, Result};
use bytes::Bytes;

use crate::engine::Direction;
use crate::record::{self, RememberedRecord, Tally};
use crate::snapshot::Snapshot;
use crate::{feed, key, scan};

/// Why a read ends without an answer.
pub(crate) enum Stop {
    /// It looked at more keys than it may here.
    TooLong,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A read under way.
pub(crate) struct Reader<'r, 'v> {
    pub(crate) snapshot: &'r Snapshot<'v>,
    /// How many keys it may look at.
    most: usize,
    /// How far the feed may be shown.
    pub(crate) shown: FeedPlace,
}

/// Answers everything in `set`; `None` if that takes a look at more than about `most` keys. The feed is shown up to
/// `shown`, which was asked for before the snapshot was taken.
pub(crate) fn answer(snapshot: &Snapshot<'_>, set: &ReadSet, most: usize, shown: FeedPlace) -> Result<Option<Answers>> {
    match (Reader { snapshot, most, shown }).answer(set) {
        Ok(answers) => Ok(Some(answers)),
        Err(Stop::TooLong) => Ok(None),
        Err(Stop::Failed(error)) => Err(error),
    }
}

impl Reader<'_, '_> {
    /// Ends the read if it takes too long here.
    pub(crate) fn pace(&self) -> Result<(), Stop> {
        if self.snapshot.steps() > self.most { Err(Stop::TooLong) } else { Ok(()) }
    }

    /// The error for a question that the layout can't answer.
    pub(crate) fn unsupported(&self, what: &'static str) -> Stop {
        Stop::Failed(Error::Unsupported { store: self.snapshot.store().to_owned(), what })
    }

    fn answer(&self, set: &ReadSet) -> Result<Answers, Stop> {
        let ReadSet { get, find, scan, follow, history, log, counts, numbers, feed, used, at_least: _, current: _ } =
            set;
        let got: Vec<_> = get.iter().map(|key| self.paced(self.snapshot.row(*key))).collect::<Result<_, _>>()?;
        let found: Vec<_> = find.iter().map(|value| self.find(value)).collect::<Result<_, _>>()?;
        let scanned = scan.as_ref().map(|scan| scan::scan(self, scan)).transpose()?;
        let page = scanned.iter().flat_map(|scanned| &scanned.rows);
        let followed = self.followed(follow, got.iter().chain(&found).flatten().chain(page))?;
        Ok(Answers {
            got,
            found,
            scanned,
            followed,
            history: history.as_ref().map_or(Ok(Vec::new()), |query| self.history(query))?,
            log: log.as_ref().map_or(Ok(Vec::new()), |query| self.log(query))?,
            counts: counts.iter().map(|query| self.count(query)).collect::<Result<_, _>>()?,
            numbers: if *numbers { self.numbers()? } else { Vec::new() },
            feed: feed.as_ref().map(|query| feed::page(self, query)).transpose()?,
            used: used.as_ref().map_or(Ok(None), |(actor, key)| self.used(*actor, key))?,
        })
    }

    pub(crate) fn paced<T>(&self, result: Result<T>) -> Result<T, Stop> {
        self.pace()?;
        Ok(result?)
    }

    fn find(&self, wanted: &UniqueValue) -> Result<Option<Row>, Stop> {
        let UniqueValue { entity, field, value } = wanted;
        if !bsm_core::schema::uniques(*entity).contains(field) {
            return Err(self.unsupported("finding a row by a field that is not unique"));
        }
        // No row has a value of the wrong kind.
        let Ok(Some(key)) = key::unique(*entity, *field, value) else { return Ok(None) };
        let Some(found) = self.paced(self.snapshot.get(&key))? else { return Ok(None) };
        let id = record::id(self.snapshot.store(), &key, &found.payload)?;
        let row = self.snapshot.row(bsm_core::model::Key { entity: *entity, id })?;
        let row =
            row.ok_or_else(|| record::damaged(self.snapshot.store(), &key, "it names a row that is not there"))?;
        // Of long texts the key holds a digest, so the row has the last word.
        Ok(Some(row).filter(|row| row.value(*field) == *value))
    }

    /// The rows that those rows name by the relations, each once.
    fn followed<'a>(&self, follow: &[Relation], rows: impl Iterator<Item = &'a Row>) -> Result<Vec<Row>, Stop> {
        let mut followed = Vec::new();
        if follow.is_empty() {
            return Ok(followed);
        }
        let mut seen = HashSet::new();
        for row in rows {
            for spec in relations_from(row.entity()).filter(|spec| follow.contains(&spec.relation)) {
                let Some(id) = row.value(spec.field).as_id() else { continue };
                let key = Key { entity: spec.to, id };
                if !seen.insert(key) {
                    continue;
                }
                let parent = self.paced(self.snapshot.row(key))?.ok_or_else(|| {
                    let fault = format!("{} names {key}, which is not there", spec.relation);
                    record::damaged(self.snapshot.store(), &key::row(row.key()), &fault)
                })?;
                followed.push(parent);
            }
        }
        Ok(followed)
    }

    fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, Stop> {
        let prefix = key::histories(query.key);
        let end = key::prefix_end(&prefix);
        let after = query.after.map(|version| key::history(query.key, version));
        let after = after.as_ref().map(|key| Bound::Excluded(key.as_ref()));
        let (first, last) = (Bound::Included(prefix.as_slice()), end.as_ref().map(Vec::as_slice));
        let (from, to, direction) = match query.order {
            Order::OldestFirst => (after.unwrap_or(first), last, Direction::Forward),
            Order::NewestFirst => (first, after.unwrap_or(last), Direction::Backward),
        };
        let pairs = self.snapshot.pairs(from, to, direction).take(query.limit.saturating_add(1));
        pairs.map(|pair| self.entry(pair)).collect()
    }

    /// The entry of history that a pair is.
    fn entry(&self, pair: Result<(Bytes, Bytes)>) -> Result<HistoryEntry, Stop> {
        let (key, payload) = self.paced(pair)?;
        Ok(record::entry(self.snapshot.store(), &key, &payload)?)
    }

    fn log(&self, query: &LogQuery) -> Result<Vec<HistoryEntry>, Stop> {
        let prefix = key::histories_of(query.entity);
        let end = key::prefix_end(&prefix);
        let after = query.after.map(|(id, version)| key::history(Key { entity: query.entity, id }, version));
        let from = after.as_ref().map_or(Bound::Included(prefix.as_slice()), |key| Bound::Excluded(key.as_ref()));
        let pairs = self.snapshot.pairs(from, end.as_ref().map(Vec::as_slice), Direction::Forward);
        pairs.take(query.limit).map(|pair| self.entry(pair)).collect()
    }

    fn numbers(&self) -> Result<Vec<(Entity, u32)>, Stop> {
        let numbered = Entity::ALL.iter().filter(|entity| entity.is_numbered());
        let number = |entity: &Entity| {
            let key = key::number(*entity);
            let Some(found) = self.paced(self.snapshot.get(&key))? else { return Ok((*entity, 0)) };
            Ok((*entity, record::decode(self.snapshot.store(), &key, &found.payload)?))
        };
        numbered.map(number).collect()
    }

    fn count(&self, query: &CountQuery) -> Result<Vec<(Vec<String>, i128)>, Stop> {
        let Some(spec) = key::counter_spec(query.counter) else {
            return Err(self.unsupported("a counter of this family"));
        };
        if query.prefix.len() > spec.by.len() {
            return Err(self.unsupported("more values than the counter's family has fields"));
        }
        // No counter has a value of the wrong kind.
        let Ok(prefix) = key::counter(spec, &query.prefix) else { return Ok(Vec::new()) };
        let end = key::prefix_end(&prefix);
        let (from, to) = (Bound::Included(prefix.as_slice()), end.as_ref().map(Vec::as_slice));
        let mut counts = Vec::new();
        for pair in self.snapshot.pairs(from, to, Direction::Forward) {
            let (key, payload) = self.paced(pair)?;
            let mut tally: Tally = record::decode(self.snapshot.store(), &key, &payload)?;
            if tally.texts.len() != spec.by.len() {
                return Err(record::damaged(self.snapshot.store(), &key, "it has too few or too many names").into());
            }
            if leads(&tally.texts, &query.prefix) {
                counts.push((tally.texts.split_off(query.prefix.len()), tally.sum));
            }
        }
        Ok(counts)
    }

    fn used(&self, actor: UserId, given: &str) -> Result<Option<Remembered>, Stop> {
        let key = key::remembered(actor, given);
        let Some(found) = self.paced(self.snapshot.get(&key))? else { return Ok(None) };
        let known: RememberedRecord = record::decode(self.snapshot.store(), &key, &found.payload)?;
        Ok(Some(Remembered { digest: known.digest, answer: known.answer, keep_until: known.keep_until }))
    }
}

/// Whether the texts begin with the values: of long texts the key holds a digest.
fn leads(texts: &[String], values: &[Value<'_>]) -> bool {
    texts.iter().zip(values).all(|(text, value)| value.to_text().unwrap_or_default() == *text)
}
