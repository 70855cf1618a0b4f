//! The feed against history and against customers' feeds, and those against it.

use std::collections::BTreeSet;
use std::ops::Bound;

use bsm_core::Result;
use bsm_core::model::UserId;
use bsm_core::store::{Place, Verification};
use bytes::Bytes;
use uuid::Uuid;

use crate::committer::Desk;
use crate::engine::{Direction, Engine};
use crate::key;
use crate::record::{self, FeedRecord};
use crate::snapshot::Snapshot;

/// The records of the desk's feed, one after another.
#[derive(Default)]
pub(super) struct Positions {
    /// The position of the oldest record, in the view of this stretch.
    first: Option<u64>,
    /// The record before, and the digest up to there.
    last: Option<(u64, u128)>,
}

impl Positions {
    /// Looks where the feed begins now: it may have been trimmed since the last stretch.
    pub(super) fn begin_stretch(&mut self, snapshot: &Snapshot<'_>) -> Result<()> {
        let (from, to) = (key::feed(0), key::feed(u64::MAX));
        let mut pairs = snapshot.raw_pairs(Bound::Included(&from), Bound::Included(&to), Direction::Forward);
        self.first = pairs.next().transpose()?.and_then(|(key, _)| key::position(&key));
        Ok(())
    }

    /// Where the feed begins.
    pub(super) fn first(&self) -> Option<u64> {
        self.first
    }

    /// Looks at a record: that it follows the one before, and that history and customers' feeds agree with it.
    pub(super) fn record(
        &mut self,
        snapshot: &Snapshot<'_>,
        key: &Bytes,
        raw: &Bytes,
        found: &mut Verification,
    ) -> Result<()> {
        found.events += 1;
        let position = key::position(key).unwrap_or(0);
        let at = || Place::Feed(position);
        let payload = snapshot.open(key, raw)?.payload;
        let (digest, record) = FeedRecord::open(snapshot.store(), key, &payload)?;
        if let Some((before, digest_before)) = self.last {
            if before.checked_add(1) != Some(position) {
                // Unless the one before was trimmed since it was looked at.
                if snapshot.has(&key::feed(before))? {
                    found.differs(at(), format!("it follows position {before}"));
                }
            } else if record.chain(snapshot.store(), position, digest_before)?.1 != digest {
                found.differs(at(), "its digest does not follow from the record and the one before");
            }
        }
        self.last = Some((position, digest));
        let mut subjects = BTreeSet::new();
        for (of, version) in &record.changes {
            let key = key::history(*of, *version);
            match snapshot.get(&key)? {
                Some(entry) => subjects.extend(record::entry(snapshot.store(), &key, &entry.payload)?.subject),
                None => found.differs(at(), format!("history has no version {version} of {of}")),
            }
        }
        let told: BTreeSet<UserId> = record.customers.iter().map(|(customer, _)| *customer).collect();
        if told != subjects {
            found.differs(at(), "it stands in other customers' feeds than those whom it concerns");
        }
        for (customer, place) in record.customers {
            let key = key::customer_feed(customer, place);
            let stands = snapshot.get(&key)?.map(|found| record::number(snapshot.store(), &key, &found.payload));
            if stands.transpose()? != Some(position) {
                found.differs(Place::CustomerFeed(customer, place), format!("it is not the event at {position}"));
            }
        }
        Ok(())
    }
}

/// Looks whether the feed goes as far as it was shown.
pub(super) fn end(engine: &dyn Engine, desk: &Desk, found: &mut Verification) -> Result<()> {
    let shown = desk.reach.position();
    let view = engine.view().map_err(|error| record::unavailable(desk.name(), error))?;
    let snapshot = Snapshot::new(&*view, desk.name());
    let (from, to) = (key::feed(0), key::feed(u64::MAX));
    let mut pairs = snapshot.raw_pairs(Bound::Included(&from), Bound::Included(&to), Direction::Backward);
    let last = pairs.next().transpose()?.and_then(|(key, _)| key::position(&key)).unwrap_or(0);
    if last < shown {
        found.differs(Place::Feed(shown), format!("it was shown, and the feed ends at {last}"));
    }
    Ok(())
}

/// The places of customers' feeds, one after another.
#[derive(Default)]
pub(super) struct Places {
    /// The place before, and the position of its event.
    last: Option<(UserId, u64, u64)>,
}

impl Places {
    /// Looks at a place, and whether its event stands in the desk's feed, which begins at `first`.
    pub(super) fn place(
        &mut self,
        snapshot: &Snapshot<'_>,
        key: &Bytes,
        raw: &Bytes,
        first: Option<u64>,
        found: &mut Verification,
    ) -> Result<()> {
        let customer = key.get(1..17).and_then(|bytes| Uuid::from_slice(bytes).ok()).map(UserId::from_uuid);
        let (Some(customer), Some(place)) = (customer, key::customer_place(key)) else {
            return Err(record::damaged(snapshot.store(), key, "it is not as it is written"));
        };
        let at = || Place::CustomerFeed(customer, place);
        let position = record::number(snapshot.store(), key, &snapshot.open(key, raw)?.payload)?;
        if let Some((_, before, position_before)) = self.last.filter(|(of, ..)| *of == customer) {
            // Unless the one before was trimmed since it was looked at.
            if before.checked_add(1) != Some(place) && snapshot.has(&key::customer_feed(customer, before))? {
                found.differs(at(), format!("it follows place {before}"));
            }
            // One place outlives its event, and is forgotten when the next one's event is.
            let outlives = |position| first.is_none_or(|first| position < first);
            let both = outlives(position_before) && outlives(position);
            if both && snapshot.has(&key::customer_feed(customer, before))? {
                let at = Place::CustomerFeed(customer, before);
                found.differs(at, format!("the event at {position_before} is not there"));
            }
        }
        self.last = Some((customer, place, position));
        // The last place of a customer outlives its event.
        if first.is_none_or(|first| position < first) {
            return Ok(());
        }
        let feed = key::feed(position);
        let record = snapshot.get(&feed)?.map(|found| FeedRecord::open(snapshot.store(), &feed, &found.payload));
        let stands = record.transpose()?.is_some_and(|(_, record)| record.customers.contains(&(customer, place)));
        if !stands {
            found.differs(at(), format!("the event at {position} is not theirs, or not there"));
        }
        Ok(())
    }
}
