//! The promises of a desk, each as a function that takes any store.
//!
//! Whoever writes a [`Store`](crate::store::Store) runs them, and then knows that desks on it behave as desks on every
//! other: the same calls give the same results and the same errors. Behind the feature `conformance`.
//!
//! # How to run them
//!
//! [`conformance_tests!`](crate::conformance_tests) makes one test of each case. It takes an async function that gives an
//! empty desk each time it is called: an `Arc` of a store, or a [`Place`], which can also keep a folder alive and open the
//! same desk again. The crate that calls it needs `tokio` with the features `macros` and `rt-multi-thread`.
//!
//! ```
//! # use std::sync::Arc;
//! # use bsm_core::store::Store;
//! async fn fresh() -> Arc<dyn Store> {
//!     # unimplemented!()
//!     // for instance: Arc::new(MyStore::in_memory())
//! }
//!
//! bsm_core::conformance_tests!(fresh = fresh);
//! ```
//!
//! [`run_all`] runs them all with one call. Both follow one list, and a test of this crate makes sure that every case
//! stands in it. Where a store claims to [import](crate::store::Capabilities), both call the function more than once for
//! some cases: a desk goes from one store into another.
//!
//! [`plain_model_tests!`](crate::plain_model_tests) makes three tests more, of random commands: see [`plain`].
//!
//! # How to read them
//!
//! A room per story; a case is named by the sentence that it proves. After each case the desk is audited: foreign keys
//! name rows, unique keys and indexes find exactly their rows, counters equal a recount, and history has no gap. Cases
//! that need what a store does not [claim](crate::store::Capabilities) are not run, and say so: tests with a line
//! `not run on …`, which `--nocapture` shows, and [`run_all`] in its [`Tally`].
//!
//! A case about concurrent commands names the guard that it proves: taken out of the portals or the store, the case must
//! fail. What races hit by chance only is proved in [`interleavings`], where another command is put between the decision
//! and the commit of one, every time.
#![expect(clippy::missing_panics_doc, reason = "to assert is what these functions are for")]

mod crowd;
mod dump;
mod list;
mod lively;
mod outcome;
mod place;
mod prelude;
mod race;
mod raw;
#[doc(hidden)]
pub mod runner;
mod texts;
mod world;

pub mod actors;
pub mod articles;
pub mod bad_input;
pub mod bootstrap;
pub mod caching;
pub mod catalogue;
pub mod commits;
pub mod concurrency;
pub mod conversion;
pub mod expiring;
pub mod feed;
pub mod history;
pub mod idempotency;
pub mod interleavings;
pub mod isolation;
pub mod listings;
pub mod opening;
pub mod paging;
pub mod people;
pub mod plain;
pub mod ratings;
pub mod reads;
pub mod relations;
pub mod reopening;
pub mod request_moves;
pub mod requests;
pub mod scans;
pub mod sharing;
pub mod stamps;
pub mod summary;
pub mod ticket_changes;
pub mod ticket_moves;
pub mod transfer;
pub mod trimming;
pub mod verification;
pub mod versions;
pub mod views;
pub mod watching;

use std::fmt;
use std::pin::Pin;

pub use outcome::{Failed, Outcome};
pub use place::Place;
pub use runner::Ran;

/// Makes one test of every case, in a module per room: `conformance_tests!(fresh = path::to::async_fn)`. See
/// [`conformance`](crate::conformance).
#[macro_export]
macro_rules! conformance_tests {
    (fresh = $fresh:path $(,)?) => {
        $crate::__conformance_cases!($crate::__conformance_test_functions, $fresh);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test_functions {
    ([$fresh:path] $($claim:ident $room:ident { $($case:ident),+ $(,)? })+) => {$(
        mod $room {
            #[allow(unused_imports, reason = "the path may be an absolute one")]
            use super::*;

            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let mut place: $crate::conformance::Place = $fresh().await.into();
                    if place.store().capabilities().imports {
                        for _ in 0..$crate::conformance::runner::beside::$claim() {
                            place = place.beside($fresh().await);
                        }
                    }
                    let name = concat!(stringify!($room), "::", stringify!($case));
                    $crate::conformance::runner::$claim(name, &place, $crate::conformance::$room::$case).await;
                }
            )+
        }
    )+};
}

type Running<'a> = Pin<Box<dyn Future<Output = Ran> + 'a>>;

/// One promise.
pub struct Case {
    /// Its room and the sentence that it proves: `conversion::a_request_is_converted_once`.
    pub name: &'static str,
    beside: usize,
    run: for<'a> fn(&'a Place) -> Running<'a>,
}

impl Case {
    /// How many empty desks it needs besides its own: see [`Place::beside`]. Stores that don't claim to
    /// [import](crate::store::Capabilities) need give none.
    pub const fn places_beside(&self) -> usize {
        self.beside
    }

    /// Runs it on an empty desk.
    ///
    /// # Panics
    /// If it fails.
    pub async fn run(&self, place: &Place) -> Ran {
        (self.run)(place).await
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    macro_rules! list {
        ([] $($claim:ident $room:ident { $($case:ident),+ $(,)? })+) => {$($(
            cases.push(Case {
                name: concat!(stringify!($room), "::", stringify!($case)),
                beside: runner::beside::$claim(),
                run: |place| {
                    let name = concat!(stringify!($room), "::", stringify!($case));
                    Box::pin(runner::$claim(name, place, $room::$case))
                },
            });
        )+)+};
    }
    crate::__conformance_cases!(list,);
    cases
}

/// What [`run_all`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many cases passed.
    pub passed: usize,
    /// The cases that were not run, and why.
    pub not_run: Vec<(&'static str, &'static str)>,
}

/// Runs all cases, one after another, each on an empty desk that `fresh` gives. For programs; in tests
/// [`conformance_tests!`](crate::conformance_tests) tells more.
///
/// It needs tokio's runtime with several threads, as `#[tokio::main]` has it: commands race in tasks of their own.
///
/// # Panics
/// With the first case that fails.
pub async fn run_all<P: Into<Place>>(fresh: impl AsyncFn() -> P) -> Tally {
    let mut tally = Tally::default();
    for case in cases() {
        let mut place: Place = fresh().await.into();
        if place.store().capabilities().imports {
            for _ in 0..case.places_beside() {
                place = place.beside(fresh().await);
            }
        }
        match case.run(&place).await {
            Ran::Passed => tally.passed += 1,
            Ran::NotRun(reason) => tally.not_run.push((case.name, reason)),
        }
    }
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
        crate::__conformance_cases!(listed,);
        for (room, source, listed) in &rooms {
            let written: Vec<&str> =
                source.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next()).collect();
            assert_eq!(&written, listed, "the cases of {room}, in their order");
        }
        let this = include_str!("mod.rs");
        // No list of cases: `plain` makes its own tests.
        let private = ["runner", "plain"];
        let declared = this.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        for room in declared.filter(|room| !private.contains(room)) {
            assert!(rooms.iter().any(|(listed, ..)| *listed == room), "{room} stands in no list");
        }
    }
}
