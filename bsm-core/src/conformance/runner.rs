//! How cases are run: each on an empty desk of its own, which is audited afterwards.
//!
//! Called by the code that [`conformance_tests!`](crate::conformance_tests) writes, and by
//! [`run_all`](super::run_all).

use std::sync::Arc;

use super::dump::audit;
use super::{Outcome, Place};
use crate::Error;
use crate::store::Store;

/// What became of a case that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It passed.
    Passed,
    /// It was not run, since the store does not claim what it proves; what that is.
    NotRun(&'static str),
}

/// Runs a case that any store must pass.
///
/// # Panics
/// If it fails, or leaves a desk that does not hold together.
pub async fn any(name: &str, place: &Place, case: impl AsyncFnOnce(Arc<dyn Store>) -> Outcome) -> Ran {
    pass(name, case(Arc::clone(place.store())).await);
    match audit(place.store()).await {
        // A case that closes its store leaves nothing to be read.
        Ok(()) | Err(Error::Closed { .. }) => Ran::Passed,
        Err(error) => panic!("{name}: the desk could not be audited: {error} ({error:?})"),
    }
}

/// Runs a case that a store must pass whose feed can be trimmed.
///
/// # Panics
/// If it fails, or leaves a desk that does not hold together.
pub async fn trimming(name: &str, place: &Place, case: impl AsyncFnOnce(Arc<dyn Store>) -> Outcome) -> Ran {
    if place.store().capabilities().trims {
        return any(name, place, case).await;
    }
    let reason = "the store's feed can't be trimmed";
    not_run(name, place, reason);
    Ran::NotRun(reason)
}

/// Runs a case that a store must pass whose positions can be expired.
///
/// # Panics
/// If it fails, or leaves a desk that does not hold together.
pub async fn expires(name: &str, place: &Place, case: impl AsyncFnOnce(Arc<dyn Store>) -> Outcome) -> Ran {
    if place.store().capabilities().expires {
        return any(name, place, case).await;
    }
    let reason = "the store's positions can't be expired";
    not_run(name, place, reason);
    Ran::NotRun(reason)
}

/// Runs a case that a durable store must pass.
///
/// # Panics
/// If it fails.
pub async fn durable(name: &str, place: &Place, case: impl AsyncFnOnce(&Place) -> Outcome) -> Ran {
    let durable = place.store().capabilities().durable;
    reopening(name, place, durable, "the store is not durable", case).await
}

/// Runs a case that a store must pass which several processes may have open.
///
/// # Panics
/// If it fails.
pub async fn shared(name: &str, place: &Place, case: impl AsyncFnOnce(&Place) -> Outcome) -> Ran {
    let shared = place.store().capabilities().shared;
    reopening(name, place, shared, "the store is not shared", case).await
}

/// How many empty desks the cases of a claim need besides their own.
pub mod beside {
    /// None.
    pub const fn any() -> usize {
        0
    }

    /// None.
    pub const fn durable() -> usize {
        0
    }

    /// None.
    pub const fn shared() -> usize {
        0
    }

    /// None.
    pub const fn trimming() -> usize {
        0
    }

    /// None.
    pub const fn expires() -> usize {
        0
    }

    /// Two, into which a desk is taken.
    pub const fn imports() -> usize {
        2
    }
}

/// Runs a case that a store must pass which can take in a whole desk.
///
/// # Panics
/// If it fails, or leaves a desk that does not hold together.
pub async fn imports(name: &str, place: &Place, case: impl AsyncFnOnce(&Place) -> Outcome) -> Ran {
    let enough = place.count_beside() >= beside::imports();
    let reason = match (place.store().capabilities().imports, enough) {
        (false, _) => "the store does not take in whole desks",
        (true, false) => "there are no empty desks beside the place: see Place::beside",
        (true, true) => return any(name, place, async |_| case(place).await).await,
    };
    not_run(name, place, reason);
    Ran::NotRun(reason)
}

async fn reopening(
    name: &str,
    place: &Place,
    claimed: bool,
    without: &'static str,
    case: impl AsyncFnOnce(&Place) -> Outcome,
) -> Ran {
    let reason = match (claimed, place.can_be_reopened()) {
        (false, _) => without,
        (true, false) => "the place can't be reopened: see Place::reopened_by",
        (true, true) => {
            pass(name, case(place).await);
            return Ran::Passed;
        }
    };
    not_run(name, place, reason);
    Ran::NotRun(reason)
}

fn pass(name: &str, outcome: Outcome) {
    if let Err(failed) = outcome {
        panic!("{name}: {failed}");
    }
}

#[expect(clippy::print_stdout, reason = "what is not run must be seen in the test's output")]
fn not_run(name: &str, place: &Place, reason: &str) {
    println!("not run on {}: {name}: {reason}", place.store());
}
