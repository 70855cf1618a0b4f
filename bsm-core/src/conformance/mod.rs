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
//! stands in it.
//!
//! # How to read them
//!
//! A room per story; a case is named by the sentence that it proves. After each case the desk is audited: foreign keys
//! name rows, unique keys and indexes find exactly their rows, counters equal a recount, and history has no gap. Cases
//! that need what a store does not [claim](crate::store::Capabilities) are not run, and say so.
//!
//! A case about concurrent commands names the guard that it proves: taken out of the portals or the store, the case must
//! fail. What races hit by chance only is proved in [`interleavings`], where another command is put between the decision
//! and the commit of one, every time.
#![expect(clippy::missing_panics_doc, reason = "to assert is what these functions are for")]

mod dump;
mod outcome;
mod place;
mod prelude;
mod race;
mod raw;
#[doc(hidden)]
pub mod runner;
mod world;

pub mod actors;
pub mod articles;
pub mod bootstrap;
pub mod catalogue;
pub mod conversion;
pub mod opening;
pub mod people;
pub mod ratings;
pub mod relations;
pub mod request_moves;
pub mod requests;
pub mod ticket_changes;
pub mod ticket_moves;

pub use outcome::{Failed, Outcome};
pub use place::Place;

/// The list of all cases, by room, each room with what a store must claim for it. The one place where a case is entered:
/// hands the list to the macro `$callback`, behind `$arguments`.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($callback:path, $($arguments:tt)*) => {
        $callback! { [$($arguments)*]
            any actors {
                a_portal_takes_only_its_role,
                a_deactivated_actor_has_no_time_left,
                a_demoted_actor_keeps_only_the_new_portal,
                an_id_of_something_else_is_no_actor,
                nobody_does_it_to_their_own_account,
            }
            any articles {
                customers_see_only_what_is_published,
                an_article_is_changed_and_keeps_its_time,
                articles_are_listed_by_status_and_author,
            }
            any bootstrap {
                the_first_admin_is_made_once,
                the_first_admin_is_checked,
                an_empty_desk_lets_nobody_in,
                of_many_first_admins_at_once_one_is_made,
            }
            any catalogue {
                a_service_is_as_it_was_entered,
                a_change_of_the_catalogue_rewrites_no_request,
                a_retired_service_cannot_be_asked_for,
                usage_counts_requests_by_status_and_ratings,
                an_unused_service_is_deleted,
            }
            any conversion {
                a_ticket_is_made_from_its_request,
                resolving_the_ticket_fulfils_the_request,
                reopening_the_ticket_puts_an_unrated_request_back,
                a_rated_request_stays_fulfilled,
                cancelling_the_ticket_leaves_the_request,
                a_request_is_converted_once,
                of_many_conversions_at_once_one_wins,
            }
            any opening {
                a_ticket_begins_in_any_status_but_the_final_ones,
                a_customers_ticket_is_theirs,
                a_ticket_may_be_opened_in_the_past,
                nothing_happens_in_the_future,
                whose_a_ticket_is_and_who_took_it,
                a_follow_up_is_of_a_finished_ticket,
                notes_stand_with_their_ticket,
                numbers_rise_and_find_their_row,
            }
            any people {
                people_are_found_by_id_address_and_outer_id,
                an_address_is_one_persons,
                an_outer_id_is_unique_within_its_entity,
                a_change_of_a_person_keeps_what_it_does_not_name,
                who_works_on_tickets_stays_staff,
                people_are_listed_and_counted_by_role,
                of_many_who_take_one_address_one_gets_it,
            }
            any ratings {
                a_rating_is_of_its_request,
                only_what_was_fulfilled_is_rated,
                a_request_is_rated_once_and_for_all,
                of_many_ratings_at_once_one_is_kept,
                figures_follow_every_rating,
            }
            any relations {
                the_owner_named_eight_relations,
                every_foreign_key_names_a_row,
                no_row_that_is_named_is_deleted,
                foreign_keys_hold_when_all_is_done,
                who_left_a_trace_is_not_deleted,
                deleting_a_person_empties_their_assignments,
                a_person_with_too_many_assignments_is_not_deleted,
                deleting_a_rating_empties_its_request,
            }
            any request_moves {
                admins_make_the_moves_of_the_table_and_no_other,
                agents_make_the_moves_of_the_table_and_no_other,
                an_admin_on_the_agents_portal_moves_as_an_agent,
                customers_only_withdraw,
                a_request_becomes_a_ticket_where_work_may_begin,
            }
            any requests {
                a_request_is_as_it_was_submitted,
                staff_submit_for_a_customer,
                a_request_goes_its_whole_way,
                withdrawing_a_request_cancels_its_open_ticket,
                an_open_ticket_holds_its_request,
            }
            any ticket_changes {
                several_fields_are_one_change,
                optional_fields_are_emptied,
                a_touch_is_a_version_and_an_entry,
                a_finished_ticket_takes_only_touches_and_notes,
                the_priority_follows_until_it_is_overridden,
                tickets_are_assigned_to_active_staff,
                who_was_deactivated_keeps_their_tickets,
                reopenings_are_counted,
            }
            any ticket_moves {
                staff_make_the_moves_of_the_table_and_no_other,
                the_verbs_of_staff_are_moves,
                only_what_is_resolved_is_reopened,
                customers_withdraw_reopen_and_close,
                the_desk_closes_what_was_resolved_long_enough_ago,
                the_desk_closes_any_number,
            }
        }
    };
}

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
                    let place: $crate::conformance::Place = $fresh().await.into();
                    let name = concat!(stringify!($room), "::", stringify!($case));
                    $crate::conformance::runner::$claim(name, &place, $crate::conformance::$room::$case).await;
                }
            )+
        }
    )+};
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
/// # Panics
/// With the first case that fails.
pub async fn run_all<P: Into<Place>>(fresh: impl AsyncFn() -> P) -> Tally {
    let mut tally = Tally::default();
    macro_rules! run {
        ([] $($claim:ident $room:ident { $($case:ident),+ $(,)? })+) => {$($(
            let place: Place = fresh().await.into();
            let name = concat!(stringify!($room), "::", stringify!($case));
            match runner::$claim(name, &place, $room::$case).await {
                runner::Ran::Passed => tally.passed += 1,
                runner::Ran::NotRun(reason) => tally.not_run.push((name, reason)),
            }
        )+)+};
    }
    __conformance_cases!(run,);
    tally
}

#[cfg(test)]
mod tests {
    /// A case that is written and not entered would never run.
    #[test]
    fn every_case_stands_in_the_list() {
        macro_rules! listed {
            ([] $($claim:ident $room:ident { $($case:ident),+ $(,)? })+) => {
                [$((
                    stringify!($room),
                    include_str!(concat!(stringify!($room), ".rs")),
                    vec![$(stringify!($case)),+],
                )),+]
            };
        }
        let rooms = __conformance_cases!(listed,);
        for (room, source, listed) in &rooms {
            let written: Vec<&str> = source
                .lines()
                .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next())
                .collect();
            assert_eq!(&written, listed, "the cases of {room}, in their order");
        }
        let this = include_str!("mod.rs");
        let private = ["runner"];
        let declared = this.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        for room in declared.filter(|room| !private.contains(room)) {
            assert!(rooms.iter().any(|(listed, ..)| *listed == room), "{room} stands in no list");
        }
    }
}
