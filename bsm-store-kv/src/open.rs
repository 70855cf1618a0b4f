//! Opening: is this a desk, in a format that is known, and does it have all that was acknowledged?

use std::ops::Bound;

use bsm_core::{Error, IdSource, Result, SystemIds};
use bytes::Bytes;

use crate::engine::{Batch, Direction, Engine, Head, Op};
use crate::record::{self, FeedRecord};
use crate::snapshot::Snapshot;
use crate::{key, value};

/// The format's name, as it stands in a store. The number goes up with every change of keys or values.
pub(crate) const FORMAT: &str = "bsm-kv 2";

/// What an open store begins with.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Where the feed ends.
    pub(crate) head: Head,
    /// The epoch of its positions.
    pub(crate) epoch: u64,
    /// Whether an import is unfinished.
    pub(crate) importing: bool,
}

/// What the engine has.
struct Stored {
    epoch: u64,
    importing: bool,
    head: Head,
    /// The digest of the feed at the position that was acknowledged.
    acknowledged: Option<u128>,
}

/// Reads where the desk stands; makes it, if there is nothing at all. `epoch` is a new desk's.
pub(crate) fn open(engine: &dyn Engine, epoch: Option<u64>) -> Result<Opened> {
    let store = engine.name();
    let of_engine = |error| record::unavailable(&store, error);
    let acknowledged = engine.acknowledged().map_err(of_engine)?;
    let stored = {
        let view = engine.view().map_err(of_engine)?;
        stored(&Snapshot::new(&*view, &store), acknowledged.map(|head| head.position))?
    };
    match (stored, acknowledged) {
        (None, None) => make(engine, &store, epoch),
        (None, Some(lost)) => Err(behind(&store, lost, 0)),
        (Some(stored), known) => {
            if let Some(known) = known {
                compare(&store, &stored, known)?;
            }
            if known != Some(stored.head) {
                // What lies behind the head was applied and never acknowledged. It is whole, so it may stay; and since it
                // will be shown, it must be durable.
                engine.sync(stored.head).map_err(of_engine)?;
            }
            Ok(Opened { head: stored.head, epoch: stored.epoch, importing: stored.importing })
        }
    }
}

/// What the engine has; `None` if that is nothing.
fn stored(snapshot: &Snapshot<'_>, acknowledged: Option<u64>) -> Result<Option<Stored>> {
    let store = snapshot.store();
    let Some(format) = snapshot.raw(key::FORMAT)? else {
        let any = snapshot.raw_pairs(Bound::Unbounded, Bound::Unbounded, Direction::Forward).next().transpose()?;
        return any.map_or(Ok(None), |_| Err(unknown(store, "none that it names")));
    };
    if format != FORMAT.as_bytes() {
        return Err(unknown(store, &String::from_utf8_lossy(&format).escape_debug().to_string()));
    }
    let epoch = match snapshot.get(key::EPOCH)? {
        Some(found) => record::decode(store, key::EPOCH, &found.payload)?,
        None => return Err(record::damaged(store, key::EPOCH, "there is no epoch")),
    };
    let (position, digest) = last(snapshot)?;
    let acknowledged = acknowledged.map(|position| digest_at(snapshot, position)).transpose()?.flatten();
    let of_feed = match snapshot.get(key::FEED_EPOCH)? {
        Some(found) => record::number(store, key::FEED_EPOCH, &found.payload)?,
        None => epoch,
    };
    let importing = snapshot.has(key::IMPORT)?;
    Ok(Some(Stored { epoch: of_feed, importing, head: Head { epoch, position, digest }, acknowledged }))
}

/// Where the feed ends: at the last of its records. Whoever trims a feed leaves that one.
fn last(snapshot: &Snapshot<'_>) -> Result<(u64, u128)> {
    let (first, last) = (key::feed(0), key::feed(u64::MAX));
    let record =
        snapshot.pairs(Bound::Included(&first), Bound::Included(&last), Direction::Backward).next().transpose()?;
    let Some((key, payload)) = record else { return Ok((0, 0)) };
    let position = key::position(&key).ok_or_else(|| record::damaged(snapshot.store(), &key, "it has no position"))?;
    Ok((position, FeedRecord::digest(snapshot.store(), &key, &payload)?))
}

fn digest_at(snapshot: &Snapshot<'_>, position: u64) -> Result<Option<u128>> {
    if position == 0 {
        return Ok(Some(0));
    }
    let key = key::feed(position);
    snapshot.get(&key)?.map(|found| FeedRecord::digest(snapshot.store(), &key, &found.payload)).transpose()
}

fn make(engine: &dyn Engine, store: &str, epoch: Option<u64>) -> Result<Opened> {
    let epoch = match epoch {
        Some(epoch) => epoch,
        None => SystemIds.bits()?,
    };
    let head = Head { epoch, position: 0, digest: 0 };
    let sealed = value::seal(key::EPOCH, &record::encode(store, &epoch)?);
    let batch = Batch::new(vec![
        Op::Put(Bytes::from_static(key::FORMAT), Bytes::from_static(FORMAT.as_bytes())),
        Op::Put(Bytes::from_static(key::EPOCH), sealed),
    ]);
    engine.apply(batch).and_then(|()| engine.sync(head)).map_err(|error| record::unavailable(store, error))?;
    Ok(Opened { head, epoch, importing: false })
}

/// Whether the store has all that was acknowledged.
fn compare(store: &str, stored: &Stored, known: Head) -> Result<()> {
    if stored.head.epoch != known.epoch {
        let detail =
            format!("its data has the epoch {:016x}, acknowledged was {:016x}", stored.head.epoch, known.epoch);
        return Err(Error::Damaged { store: store.to_owned(), detail });
    }
    if stored.head.position < known.position {
        return Err(behind(store, known, stored.head.position));
    }
    if stored.acknowledged != Some(known.digest) {
        let detail = format!("its feed up to position {} is not the one that was acknowledged", known.position);
        return Err(Error::Damaged { store: store.to_owned(), detail });
    }
    Ok(())
}

fn behind(store: &str, acknowledged: Head, found: u64) -> Error {
    let detail = format!("commits up to position {} were acknowledged, found are {found}", acknowledged.position);
    Error::Damaged { store: store.to_owned(), detail }
}

fn unknown(store: &str, found: &str) -> Error {
    Error::UnknownFormat { place: store.to_owned(), found: found.to_owned(), supported: FORMAT.to_owned() }
}
