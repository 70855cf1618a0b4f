//! What the layout relies on, each as a function that takes any engine.
//!
//! Whoever writes an [`Engine`](crate::engine::Engine) runs them, and the promises of a desk on top. Behind the feature
//! `conformance`.
//!
//! # How to run them
//!
//! [`engine_tests!`](crate::engine_tests) makes one test of each case, and of each case of
//! [`bsm_core::conformance`] on a [`KvStore`](crate::KvStore) on such an engine. It takes a function that gives an empty
//! engine each time it is called: an engine, or a [`Place`], which can also keep a folder alive and open the same engine
//! again. A durable engine gives a `Place` with [`reopened_by`](Place::reopened_by), or fails. The crate that calls it needs
//! `tokio` with the features `macros` and `rt-multi-thread`.
//!
//! ```
//! # use bsm_store_kv::MemoryEngine as MyEngine;
//! fn fresh() -> MyEngine {
//!     MyEngine::default()
//! }
//!
//! bsm_store_kv::engine_tests!(fresh = fresh);
//! ```
//!
//! [`run_all`] runs them all with one call. Both follow one list, and a test of this crate makes sure that every case
//! stands in it.
//!
//! # How to read them
//!
//! A room per story; a case is named by the sentence that it proves. What it asks for is what
//! [`Engine`](crate::engine::Engine#what-must-hold) says must hold.
//!
//! Cases of engines that keep what was synced are not run on others, nor cases of the desk that need what the store does
//! not claim. A test harness counts those as passed, and hides what they print: `cargo test --test engine -- --nocapture`
//! shows a line `not run on …` for each, and [`run_all`] returns them.
//!
//! What no case can prove, since it takes a crash, a second process or a power cut, is told in `docs/writing-a-store.md`,
//! with a test that kills.
#![expect(clippy::missing_panics_doc, reason = "to assert is what these functions are for")]

mod list;
mod place;
#[doc(hidden)]
pub mod runner;
mod stock;

pub mod batches;
pub mod order;
pub mod reopening;
pub mod threads;
pub mod values;

use std::fmt;

pub use bsm_core::conformance::{Ran, Tally};
pub use place::Place;

use crate::engine::EngineResult;

/// What a case returns: an error is one that it did not expect.
pub type Outcome = EngineResult<()>;

/// Makes one test of every case, in a module per room, and in the module `desk` one of every promise of a desk on the
/// engine: `engine_tests!(fresh = path::to::function)`. Without the latter, where the crate runs them on the store that it
/// gives to its users: `engine_tests!(fresh = path::to::function, engine only)`. See [`conformance`](crate::conformance).
#[macro_export]
macro_rules! engine_tests {
    (fresh = $fresh:path, engine only $(,)?) => {
        $crate::__engine_cases!($crate::__engine_test_functions, $fresh);
    };
    (fresh = $fresh:path $(,)?) => {
        $crate::engine_tests!(fresh = $fresh, engine only);

        // Tests vanish from other builds by themselves; what only they call must, too.
        #[cfg(test)]
        mod desk {
            #[allow(unused_imports, reason = "the path may be an absolute one")]
            use super::*;

            async fn on_the_engine() -> $crate::__core::conformance::Place {
                $crate::conformance::Place::from($fresh()).into_desk()
            }

            $crate::__core::conformance_tests!(fresh = on_the_engine);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __engine_test_functions {
    ([$fresh:path] $($claim:ident $room:ident { $($case:ident),+ $(,)? })+) => {$(
        mod $room {
            #[allow(unused_imports, reason = "the path may be an absolute one")]
            use super::*;

            $(
                #[test]
                fn $case() {
                    let mut place = $crate::conformance::Place::from($fresh());
                    let name = concat!(stringify!($room), "::", stringify!($case));
                    $crate::conformance::runner::$claim(name, &mut place, $crate::conformance::$room::$case);
                }
            )+
        }
    )+};
}

/// One thing that the layout relies on.
pub struct Case {
    /// Its room and the sentence that it proves: `batches::a_batch_is_seen_whole_or_not_at_all`.
    pub name: &'static str,
    run: fn(&mut Place) -> Ran,
}

impl Case {
    /// Runs it on an empty engine. Blocks.
    ///
    /// # Panics
    /// If it fails.
    pub fn run(&self, place: &mut Place) -> Ran {
        (self.run)(place)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// All of them, those of the desk aside.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    macro_rules! list {
        ([] $($claim:ident $room:ident { $($case:ident),+ $(,)? })+) => {$($(
            cases.push(Case {
                name: concat!(stringify!($room), "::", stringify!($case)),
                run: |place| {
                    runner::$claim(concat!(stringify!($room), "::", stringify!($case)), place, $room::$case)
                },
            });
        )+)+};
    }
    crate::__engine_cases!(list,);
    cases
}

/// Runs all cases, one after another, each on an empty engine that `fresh` gives, and then
/// [those of the desk](bsm_core::conformance::run_all) on a store on each. For programs; in tests
/// [`engine_tests!`](crate::engine_tests) tells more.
///
/// It needs tokio's runtime with several threads: commands race in tasks of their own, and the cases of the engine block
/// the thread that calls.
///
/// ```no_run
/// # use bsm_store_kv::MemoryEngine as MyEngine;
/// #[tokio::main(flavor = "multi_thread", worker_threads = 4)]
/// async fn main() {
///     let tally = bsm_store_kv::conformance::run_all(MyEngine::default).await;
///     println!("{} passed", tally.passed);
///     for (case, reason) in tally.not_run {
///         println!("not run: {case}: {reason}");
///     }
/// }
/// ```
///
/// # Panics
/// With the first case that fails.
pub async fn run_all<P: Into<Place>>(fresh: impl Fn() -> P) -> Tally {
    let mut tally = Tally::default();
    for case in cases() {
        match case.run(&mut fresh().into()) {
            Ran::Passed => tally.passed += 1,
            Ran::NotRun(reason) => tally.not_run.push((case.name, reason)),
        }
    }
    let of_desk = bsm_core::conformance::run_all(async || fresh().into().into_desk()).await;
    tally.passed += of_desk.passed;
    tally.not_run.extend(of_desk.not_run);
    tally
}

#[cfg(test)]
mod tests {
    /// A case that is written and not entered would never run.
    #[test]
    fn every_case_stands_in_the_list() {
        let mut rooms = Vec::new();
        macro_rules! listed {
            ([] $($claim:ident $room:ident { $($case:ident),+ $(,)? })+) => {$(
                let source = include_str!(concat!(stringify!($room), ".rs"));
                rooms.push((stringify!($room), source, vec![$(stringify!($case)),+]));
            )+};
        }
        crate::__engine_cases!(listed,);
        for (room, source, listed) in &rooms {
            let written: Vec<&str> =
                source.lines().filter_map(|line| line.strip_prefix("pub fn ")?.split('(').next()).collect();
            assert_eq!(&written, listed, "the cases of {room}, in their order");
        }
        let declared = include_str!("mod.rs").lines();
        let declared = declared.filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        for room in declared.filter(|room| *room != "runner") {
            assert!(rooms.iter().any(|(listed, ..)| *listed == room), "{room} stands in no list");
        }
    }
}
