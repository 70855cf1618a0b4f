//! Idempotency keys: what was answered, and until when it is kept. Called while a command is performed.

use std::ops::Bound;

use bsm_core::model::{Key, Timestamp};
use bsm_core::store::Idempotency;
use bsm_core::{Error, Result};

use crate::engine::Direction;
use crate::key;
use crate::record::{self, RememberedRecord};
use crate::stage::Stage;

/// How many forgotten keys a command with a key of its own cleans up. More than one, so that they don't pile up.
const FORGET_AT_ONCE: usize = 4;

/// The row that answers a command whose key is known. A key that is past its time is not.
pub(crate) fn answer(stage: &Stage<'_, '_>, given: &Idempotency, now: Timestamp) -> Result<Option<Key>> {
    let Some(known) = known(stage, given)?.filter(|known| known.keep_until > now) else { return Ok(None) };
    if known.digest == given.digest { Ok(Some(known.answer)) } else { Err(Error::KeyReused) }
}

fn known(stage: &Stage<'_, '_>, given: &Idempotency) -> Result<Option<RememberedRecord>> {
    let key = key::remembered(given.actor, &given.key);
    stage.get(&key)?.map(|found| record::decode(stage.store(), &key, &found.payload)).transpose()
}

/// Keeps what a command is answered with, and forgets a few that are past their time.
pub(crate) fn keep(stage: &mut Stage<'_, '_>, given: &Idempotency, now: Timestamp) -> Result<()> {
    forget(stage, now)?;
    if let Some(old) = known(stage, given)? {
        stage.remove(key::expiry(old.keep_until, given.actor, &given.key), 0);
    }
    let Idempotency { actor, key: text, digest, answer, keep_until } = given;
    let kept = RememberedRecord { digest: *digest, answer: *answer, keep_until: *keep_until };
    let payload = record::encode(stage.store(), &kept)?;
    stage.put(key::remembered(*actor, text), payload, 0);
    stage.mark(key::expiry(*keep_until, *actor, text));
    Ok(())
}

/// Removes the oldest keys whose time is over at `now`. Looks only at what the engine has, and for each command of a
/// group at the same few: what is left over is for the next group.
fn forget(stage: &mut Stage<'_, '_>, now: Timestamp) -> Result<()> {
    let first = key::expiries_until(Timestamp::MIN);
    let end = key::prefix_end(&key::expiries_until(now));
    let over: Vec<_> = stage
        .snapshot()
        .raw_pairs(Bound::Included(&first), end.as_ref().map(Vec::as_slice), Direction::Forward)
        .take(FORGET_AT_ONCE)
        .collect::<Result<_>>()?;
    for (expiry, _) in over {
        // Gone already: another command of the group forgot it, or used the key anew.
        if !stage.has(&expiry)? {
            continue;
        }
        if let Some(key) = key::remembered_of_expiry(&expiry) {
            stage.remove(key, 0);
        }
        stage.remove(expiry, 0);
    }
    Ok(())
}
