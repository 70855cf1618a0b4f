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
/// If it fails, and if nobody said how a durable engine is opened again: what is not tried must not look as if it had
/// passed.
pub fn durable(name: &str, place: &mut Place, case: impl FnOnce(&mut Place) -> Outcome) -> Ran {
    if !place.engine().is_durable() {
        let reason = "the engine is not durable";
        not_run(name, place, reason);
        return Ran::NotRun(reason);
    }
    assert!(
        place.can_be_reopened(),
        "{name}: {} says that it is durable (Engine::is_durable, true unless told otherwise), but its Place can't be \
         opened again: say how with Place::reopened_by, or that it is not durable",
        place.engine().name()
    );
    pass(name, case(place));
    Ran::Passed
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
