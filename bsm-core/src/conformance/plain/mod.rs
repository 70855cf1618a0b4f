//! Random commands on a real desk and on a *plain* one: the same answers, the same refusals, the same desk in the end.
//!
//! The plain desk is what the plan of the desk and the documentation of its portals say, written down once more as simply as
//! possible: maps of the model's structs, linear searches, no store. It shares no code with the portals, so what differs is a
//! fault of one of the two, or of what is written about them.
//!
//! # How to run it
//!
//! [`plain_model_tests!`](crate::plain_model_tests) makes three tests in the crate that calls it:
//!
//! * `random_commands_do_what_the_plain_model_does`: sequences of commands by admins, agents, customers, and people who may
//!   not, on rows that are there, were there, are another's or never were. Each answer is compared, and after it the rows
//!   that it wrote; in the end all that any portal shows.
//! * `a_desk_that_is_opened_again_or_moved_goes_on_as_the_plain_model_does`: the same, and now and then the store is closed and
//!   opened again, or the desk goes from its store into another. What the [`Place`]
//!   can't do is left out, and said.
//! * `concurrent_commands_equal_some_serial_order`: after a sequence, two or three callers at once. There must be an order
//!   of their commands in which a plain desk gives all their answers and is left the same.
//!
//! ```
//! # use std::sync::Arc;
//! # use bsm_core::store::Store;
//! async fn fresh() -> Arc<dyn Store> {
//!     # unimplemented!()
//! }
//!
//! bsm_core::plain_model_tests!(fresh = fresh, cases = 64, length = 40);
//! ```
//!
//! Without `cases` and `length` they are 256 (96 for concurrent callers) of up to 60 commands. `BSM_MODEL_CASES` and
//! `BSM_MODEL_LENGTH` override both, for a long run by hand. Every run is another one; a case that fails is shrunk, told with
//! all its commands and answers, and kept in `proptest-regressions/` of the calling crate, from where it is run first.
//!
//! # Rooms
//!
//! | room | what stands there |
//! |---|---|
//! | `command` | calls as data |
//! | `wish`, `making`, `dice` | random wishes, and how they become calls that are plausible on a desk as it stands |
//! | `state`, `ground` | the plain desk, and the judgement of one call |
//! | `people`, `catalogue`, `tickets`, `requests`, `moves` | what each command does to the plain desk |
//! | `faults`, `diff` | what is wrong with a call; what history tells |
//! | `drive`, `play` | calls on a real desk, and both desks side by side |
//! | `compare`, `lists`, `joins` | everything that is shown |
//! | `serial` | concurrent callers |
//! | `run`, `tally` | proptest, and what it came to |

mod catalogue;
mod command;
mod compare;
mod dice;
mod diff;
mod drive;
mod faults;
mod feeds;
mod ground;
mod joins;
mod lists;
mod making;
mod moves;
mod people;
mod play;
mod requests;
mod run;
mod serial;
mod state;
mod tally;
mod tickets;
mod wish;

pub use run::{Settings, concurrent, reopening, sequences};

#[cfg(doc)]
use super::Place;

/// Makes the tests of the [plain model](crate::conformance::plain): `plain_model_tests!(fresh = path::to::async_fn)`, and if
/// wished `cases`, `others` (how many of those that take longer) and `length`. The crate that calls it needs `tokio` with the feature `rt-multi-thread`.
#[macro_export]
macro_rules! plain_model_tests {
    (fresh = $fresh:path $(, cases = $cases:expr)? $(, others = $others:expr)? $(, length = $length:expr)? $(,)?) => {
        $crate::__plain_model_test! { $fresh, sequences, random_commands_do_what_the_plain_model_does, [$($cases)?], [$($others)?], [$($length)?] }
        $crate::__plain_model_test! {
            $fresh, reopening, a_desk_that_is_opened_again_or_moved_goes_on_as_the_plain_model_does, [$($cases)?], [$($others)?], [$($length)?]
        }
        $crate::__plain_model_test! { $fresh, concurrent, concurrent_commands_equal_some_serial_order, [$($cases)?], [$($others)?], [$($length)?] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __plain_model_test {
    ($fresh:path, $run:ident, $name:ident, [$($cases:expr)?], [$($others:expr)?], [$($length:expr)?]) => {
        #[test]
        fn $name() {
            let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
            let runtime = runtime.expect("a runtime");
            let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/", stringify!($name), ".txt");
            #[allow(unused_mut, reason = "not every caller says how much")]
            let mut settings = $crate::conformance::plain::Settings::kept_at(kept);
            $(settings.cases = Some($cases);)?
            $(settings.others = Some($others);)?
            $(settings.length = Some($length);)?
            $crate::conformance::plain::$run(&settings, runtime.handle(), async || {
                let place: $crate::conformance::Place = $fresh().await.into();
                place
            });
        }
    };
}
