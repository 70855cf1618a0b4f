//! How cases are run: each on an empty engine of its own.
//!
//! Called by the code that [`engine_tests!`](crate::engine_tests) writes, and by [`run_all`](super::run_all).

use bsm_core::conformance::Ran;

use super::{Outcome, Place};
use crate::engine::Engine;

/// Runs a case that any engine must pass.
///
/// # Panics
/// If it fails.
pub fn any(name: &str, place: &mut Place, case: impl FnOnce(&dyn Engine) -> Outcome) -> Ran {
    pass(name, case(place.engine()));
    Ran::Passed
}

/// Runs a case that a durable engine must pass.
///
/// # Panics
/// If it fails.
pub fn durable(name: &str, place: &mut Place, case: impl FnOnce(&mut Place) -> Outcome) -> Ran {
    let reason = match (place.engine().is_durable(), place.can_be_reopened()) {
        (false, _) => "the engine is not durable",
        (true, false) => "the place can't be reopened: see Place::reopened_by",
        (true, true) => {
            pass(name, case(place));
            return Ran::Passed;
        }
    };
    not_run(name, place, reason);
    Ran::NotRun(reason)
}

fn pass(name: &str, outcome: Outcome) {
    if let Err(error) = outcome {
        panic!("{name}: {error} ({error:?})");
    }
}

#[expect(clippy::print_stdout, reason = "what is not run must be seen in the test's output")]
fn not_run(name: &str, place: &Place, reason: &str) {
    println!("not run on {}: {name}: {reason}", place.engine().name());
}
