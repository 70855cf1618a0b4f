//! Runs random cases, shrinks one that fails, and tells it.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner};
use tokio::runtime::Handle;

use super::tally::Tally;
use super::wish::{Step, races, steps};
use super::{play, serial};
use crate::conformance::Place;

/// How often a desk moves in a case at most.
const MOVES: usize = 3;

/// How many cases, and how long each. The environment overrides both: `BSM_MODEL_CASES`, `BSM_MODEL_LENGTH`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How many cases.
    pub cases: Option<u32>,
    /// How many cases of desks that are opened again or moved, and of callers at once, which take longer.
    pub others: Option<u32>,
    /// The most commands of a case.
    pub length: Option<usize>,
    /// Where cases that failed are kept.
    kept_at: &'static str,
}

impl Settings {
    /// The usual ones, with the file in which cases that failed are kept.
    pub const fn kept_at(file: &'static str) -> Self {
        Self { cases: None, others: None, length: None, kept_at: file }
    }

    fn of_sequences(&self) -> u32 {
        from_environment("BSM_MODEL_CASES").or(self.cases).unwrap_or(256)
    }

    fn of_others(&self, usual: u32) -> u32 {
        from_environment("BSM_MODEL_CASES").or(self.others).unwrap_or(usual)
    }

    fn length(&self) -> usize {
        from_environment("BSM_MODEL_LENGTH").or(self.length).unwrap_or(60)
    }
}

fn from_environment<T: std::str::FromStr<Err: Debug>>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|error| panic!("{name}={value}: {error:?}")))
}

/// Random sequences of commands, each on an empty desk that `fresh` gives.
///
/// # Panics
/// With the story of a case in which the desk differs from the plain one.
pub fn sequences(settings: &Settings, runtime: &Handle, fresh: impl AsyncFn() -> Place) {
    let cases = settings.of_sequences();
    run(settings, cases, &steps(settings.length(), false), |steps, tally| {
        runtime.block_on(async { play::sequence(&fresh().await, steps, tally).await })
    });
}

/// As [`sequences`], on stores that are closed and opened again in between, and desks that go from one store to another.
/// Says so if they can't.
///
/// # Panics
/// As [`sequences`].
#[expect(clippy::print_stdout, reason = "what is not run must be seen in the test's output")]
pub fn reopening(settings: &Settings, runtime: &Handle, fresh: impl AsyncFn() -> Place) {
    let one = runtime.block_on(fresh());
    if !one.can_be_reopened() {
        println!("not opened again on {}: see Place::reopened_by", one.store());
    }
    if !one.store().capabilities().imports {
        println!("not moved on {}: the store takes in no whole desks", one.store());
    }
    drop(one);
    let cases = settings.of_others(64);
    run(settings, cases, &steps(settings.length(), true), |steps, tally| {
        runtime.block_on(async {
            let mut place = fresh().await;
            for _ in 0..steps.iter().filter(|step| matches!(step, Step::Move)).count().min(MOVES) {
                place = place.beside(fresh().await);
            }
            play::sequence(&place, steps, tally).await
        })
    });
}

/// Random sequences, then callers at once, each case on an empty desk that `fresh` gives.
///
/// # Panics
/// With the story of a case whose answers no serial order explains.
pub fn concurrent(settings: &Settings, runtime: &Handle, fresh: impl AsyncFn() -> Place) {
    let cases = settings.of_others(96);
    run(settings, cases, &races(settings.length()), |race, tally| {
        runtime.block_on(async { serial::race(&fresh().await, race, tally).await })
    });
}

#[expect(clippy::print_stdout, reason = "how much was reached is worth seeing")]
fn run<S: Strategy>(
    settings: &Settings,
    cases: u32,
    strategy: &S,
    case: impl Fn(&S::Value, &mut Tally) -> Result<(), String>,
) {
    let usual = Config::default();
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(settings.kept_at))),
        max_shrink_iters: 4_000,
        // As `PROPTEST_MAX_SHRINK_TIME` says, in milliseconds; but somebody waits for it.
        max_shrink_time: if usual.max_shrink_time == 0 { 40_000 } else { usual.max_shrink_time },
        ..usual
    };
    let tally = RefCell::new(Tally::default());
    // The case that failed first; what comes behind it shrinks it.
    let first = Cell::new(0);
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(strategy, |value| {
        let outcome = case(&value, &mut tally.borrow_mut());
        if outcome.is_err() && first.get() == 0 {
            first.set(tally.borrow().cases);
        }
        outcome.map_err(TestCaseError::fail)
    });
    println!("{}", tally.borrow());
    match outcome {
        Ok(()) => {}
        // The steps themselves are bytes, which tell nobody anything; their seed is in the file.
        Err(TestError::Fail(story, _)) => {
            let (first, file) = (first.get(), settings.kept_at);
            panic!(
                "{story}\nIt was case {first} of {cases}, made smaller. It is kept in {file}, and run first from now on."
            )
        }
        Err(TestError::Abort(why)) => panic!("given up: {why}"),
    }
}
