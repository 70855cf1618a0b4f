//! Forgetting the oldest events. Called by the leader of the committer only.
//!
//! The feed's last record stays, since it says where the desk stands; so does a customer's last place, since it says how
//! far theirs was counted, with or without the event.

use std::collections::BTreeMap;
use std::ops::Bound;

use bsm_core::Result;
use bsm_core::model::{Timestamp, UserId};

use crate::engine::Direction;
use crate::record::FeedRecord;
use crate::stage::Stage;
use crate::{key, record};

/// Forgets at most `most` events that were recorded before `before` and stand before position `keep`.
pub(crate) fn perform(stage: &mut Stage<'_, '_>, before: Timestamp, most: usize, keep: u64) -> Result<usize> {
    let (first, end) = (key::feed(0), key::feed(keep));
    let snapshot = stage.snapshot();
    let mut forgotten = 0;
    // The last place of each customer whose event is forgotten.
    let mut places: BTreeMap<UserId, u64> = BTreeMap::new();
    for pair in snapshot.raw_pairs(Bound::Included(&first), Bound::Excluded(&end), Direction::Forward) {
        if forgotten >= most {
            break;
        }
        let (key, _) = pair?;
        // Gone already, by another command of the group.
        let Some(found) = stage.get(&key)? else { continue };
        let (_, record) = FeedRecord::open(stage.store(), &key, &found.payload)?;
        if record.recorded_at >= before {
            break;
        }
        for (customer, place) in record.customers {
            places.entry(customer).and_modify(|last| *last = place.max(*last)).or_insert(place);
        }
        stage.remove(key, found.pieces);
        forgotten += 1;
    }
    for (customer, place) in places {
        forget_places(stage, customer, place)?;
    }
    Ok(forgotten)
}

/// Forgets a customer's places up to one, with what an earlier trimming left before them; but never their last.
fn forget_places(stage: &mut Stage<'_, '_>, customer: UserId, place: u64) -> Result<()> {
    let last = stage.last_under(&key::customer_feeds(customer))?;
    let (from, to) = (key::customer_feed(customer, 0), key::customer_feed(customer, place));
    let snapshot = stage.snapshot();
    for pair in snapshot.raw_pairs(Bound::Included(&from), Bound::Included(&to), Direction::Forward) {
        let (key, _) = pair?;
        if stage.has(&key)? && last.as_ref() != Some(&key) {
            stage.remove(key, 0);
        }
    }
    Ok(())
}

/// The place that a customer's next event has.
pub(crate) fn next_place(stage: &Stage<'_, '_>, customer: UserId) -> Result<u64> {
    let prefix = key::customer_feeds(customer);
    // A place that a command of this group was given is behind all that the engine has.
    let last = match stage.last_staged_under(&prefix) {
        Some(last) => Some(last),
        None => stage.last_under(&prefix)?,
    };
    let Some(last) = last else { return Ok(1) };
    let place = key::customer_place(&last).and_then(|place| place.checked_add(1));
    place.ok_or_else(|| record::damaged(stage.store(), &last, "no place follows it"))
}
