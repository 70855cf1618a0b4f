//! Recounting everything: every key of the engine is looked at, and whatever follows from another is compared with it, in
//! both directions.
//!
//! The walk goes in stretches, each over a view of its own, so that commands wait for one stretch at most. What is compared
//! key by key is compared within one view, so what changes meanwhile makes no difference. Only sums are of all rows at
//! once: see [`sums`]. Called by the store; writes nothing.

mod feed;
mod rows;
mod sums;

use std::ops::Bound;

use bsm_core::model::{Entity, Key};
use bsm_core::store::{Place, Verification};
use bsm_core::{Error, Result};
use bytes::Bytes;

use crate::committer::Desk;
use crate::engine::{Direction, Engine};
use crate::key::tag;
use crate::snapshot::Snapshot;
use crate::value::{self, Opened};
use crate::{key, open, record};

/// How many keys are looked at through one view.
const STRETCH: usize = 4_096;

/// A walk under way.
#[derive(Default)]
struct Walk {
    found: Verification,
    history: rows::Histories,
    feed: feed::Positions,
    places: feed::Places,
    /// Whether it is looked at in order to end an import, which is then no difference.
    ends_an_import: bool,
}

/// Recounts everything. That an import is unfinished is a difference, unless `ends_an_import`.
pub(crate) fn verify(engine: &dyn Engine, desk: &Desk, ends_an_import: bool) -> Result<Verification> {
    let mut walk = Walk { ends_an_import, ..Walk::default() };
    let mut after: Option<Bytes> = None;
    loop {
        let view = engine.view().map_err(|error| record::unavailable(desk.name(), error))?;
        let snapshot = Snapshot::new(&*view, desk.name());
        after = walk.stretch(&snapshot, after.as_ref())?;
        if after.is_none() {
            walk.history.end(&snapshot, &mut walk.found)?;
            break;
        }
    }
    sums::compare(engine, desk, &mut walk.found)?;
    feed::end(engine, desk, &mut walk.found)?;
    Ok(walk.found)
}

impl Walk {
    /// Looks at the keys behind `after`, as many as go through one view; returns the last, or `None` at the end.
    fn stretch(&mut self, snapshot: &Snapshot<'_>, after: Option<&Bytes>) -> Result<Option<Bytes>> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_ref()));
        self.feed.begin_stretch(snapshot)?;
        let mut last = None;
        for pair in snapshot.raw_pairs(from, Bound::Unbounded, Direction::Forward).take(STRETCH) {
            let (key, raw) = pair?;
            match self.look(snapshot, &key, &raw) {
                Ok(()) => {}
                // What can't be read is what this is here to find. An engine that fails is another matter.
                Err(Error::Damaged { detail, .. }) => self.found.differs(place_of(&key), detail),
                Err(other) => return Err(other),
            }
            last = Some(key);
        }
        Ok(last)
    }

    fn look(&mut self, snapshot: &Snapshot<'_>, key: &Bytes, raw: &Bytes) -> Result<()> {
        let found = &mut self.found;
        match key.first().copied() {
            Some(tag::META) => {
                if key.as_ref() == key::IMPORT && !self.ends_an_import {
                    found.differs(Place::Own("import".to_owned()), bsm_core::store::UNFINISHED);
                }
                meta(snapshot, key)
            }
            Some(tag::ROW) => rows::row(snapshot, key, raw, found),
            Some(tag::INDEX) => rows::index_entry(snapshot, key, raw, found),
            Some(tag::UNIQUE) => rows::unique(snapshot, key, raw, found),
            // Compared with the rows afterwards.
            Some(tag::COUNTER) => snapshot.open(key, raw).map(drop),
            Some(tag::HISTORY) => self.history.entry(snapshot, key, raw, found),
            Some(tag::FEED) => self.feed.record(snapshot, key, raw, found),
            Some(tag::CUSTOMER_FEED) => self.places.place(snapshot, key, raw, self.feed.first(), found),
            Some(tag::REMEMBERED) => remembered(snapshot, key, raw, found),
            Some(tag::EXPIRY) => expiry(snapshot, key, raw, found),
            Some(tag::PIECE) => piece(snapshot, key, found),
            _ => {
                found.differs(place_of(key), "nothing is kept under such a key");
                Ok(())
            }
        }
    }
}

/// Where a key lies, as people name it.
fn place_of(key: &[u8]) -> Place {
    let entity = key.get(1).and_then(|code| Entity::from_code(*code));
    match (key.first().copied(), entity, key::trailing_id(key)) {
        (Some(tag::ROW), Some(entity), Some(id)) => Place::Row(Key { entity, id }),
        (Some(tag::INDEX), Some(entity), Some(id)) => {
            let index = bsm_core::schema::Index { entity, tag: key.get(2).copied().unwrap_or(0) };
            Place::Index(index, Key { entity, id })
        }
        (Some(tag::FEED), ..) => Place::Feed(key::position(key).unwrap_or(0)),
        _ => Place::Own(key::describe(key)),
    }
}

fn meta(snapshot: &Snapshot<'_>, key: &Bytes) -> Result<()> {
    // Opened as their readers do.
    if key.as_ref() == key::FORMAT {
        let format = snapshot.raw(key)?;
        let known = format.is_some_and(|format| format == open::FORMAT.as_bytes());
        return if known { Ok(()) } else { Err(record::damaged(snapshot.store(), key, "it is of another format")) };
    }
    snapshot.get(key).map(drop)
}

fn remembered(snapshot: &Snapshot<'_>, key: &Bytes, raw: &Bytes, found: &mut Verification) -> Result<()> {
    let kept: record::RememberedRecord = record::decode(snapshot.store(), key, &snapshot.open(key, raw)?.payload)?;
    if !snapshot.has(&key::expiry_of_remembered(kept.keep_until, key))? {
        found.differs(place_of(key), "nothing says when it is forgotten");
    }
    Ok(())
}

fn expiry(snapshot: &Snapshot<'_>, key: &Bytes, raw: &Bytes, found: &mut Verification) -> Result<()> {
    let Some(of) = key::remembered_of_expiry(key).filter(|_| raw.is_empty()) else {
        found.differs(place_of(key), "it is not as it is written");
        return Ok(());
    };
    let kept = snapshot
        .get(&of)?
        .map(|found| record::decode::<record::RememberedRecord>(snapshot.store(), &of, &found.payload));
    let agrees = kept.transpose()?.is_some_and(|kept| key::expiry_of_remembered(kept.keep_until, &of) == key);
    if !agrees {
        found.differs(place_of(key), "what is to be forgotten then is not there");
    }
    Ok(())
}

fn piece(snapshot: &Snapshot<'_>, key: &Bytes, found: &mut Verification) -> Result<()> {
    let parts = key.get(1..).and_then(|rest| rest.split_last_chunk::<4>());
    let Some((of, number)) = parts else {
        found.differs(place_of(key), "it is not as it is written");
        return Ok(());
    };
    let whole = snapshot.raw(of)?;
    let count = match whole.as_ref().map(|whole| value::open(of, whole)) {
        Some(Ok(Opened::InPieces(pieces))) => pieces.count(),
        _ => 0,
    };
    if u32::from_be_bytes(*number) >= count {
        found.differs(place_of(key), "it belongs to nothing");
    }
    Ok(())
}
