//! The list of all cases: the one place where a case is entered. What runs them follows it.

/// The list of all cases, by room, each room with what an engine must claim for it. Hands the list to the macro
/// `$callback`, behind `$arguments`.
#[doc(hidden)]
#[macro_export]
macro_rules! __engine_cases {
    ($callback:path, $($arguments:tt)*) => {
        $callback! { [$($arguments)*]
            any order {
                keys_come_in_the_order_of_their_bytes,
                every_kind_of_bound_is_kept,
                bounds_with_nothing_between_them_give_nothing,
                it_is_a_sorted_map,
            }
            any values {
                an_empty_engine_has_nothing,
                keys_of_every_length_are_kept,
                values_of_every_length_are_kept,
                the_longest_keys_have_the_longest_values,
                what_was_read_outlives_its_view,
            }
            any batches {
                a_put_replaces,
                a_deletion_of_nothing_is_fine,
                an_empty_batch_is_fine,
                a_large_batch_is_one_batch,
                a_batch_is_seen_whole_or_not_at_all,
                a_view_stands_still,
            }
            any threads {
                whoever_asks_for_a_view_without_waiting_does_not_wait,
                an_engine_at_rest_has_a_view_without_waiting,
                a_sync_may_run_while_a_batch_is_applied,
                any_thread_may_call,
            }
            durable reopening {
                what_was_synced_is_there_again,
                a_sorted_map_stays_one,
                what_was_deleted_stays_gone,
                the_head_that_was_synced_last_is_acknowledged,
                what_was_not_synced_is_a_beginning_of_whole_batches,
                a_sync_covers_what_was_applied_before_it,
                an_engine_that_was_dropped_lets_go_of_its_place,
                a_place_that_is_open_is_not_opened_twice,
            }
        }
    };
}
