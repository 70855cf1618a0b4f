//! The list of all cases: the one place where a case is entered. What runs them follows it.

/// The list of all cases, by room, each room with what a store must claim for it. Hands the list to the macro
/// `$callback`, behind `$arguments`.
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
            any bad_input {
                texts_of_people_services_and_articles_are_checked,
                texts_of_tickets_requests_and_ratings_are_checked,
                an_email_address_must_be_one,
                values_that_cannot_be_are_not_made,
                unknown_ids_and_ids_of_another_kind_are_not_found,
                the_limits_themselves_are_accepted,
            }
            any bootstrap {
                the_first_admin_is_made_once,
                the_first_admin_is_checked,
                an_empty_desk_lets_nobody_in,
                of_many_first_admins_at_once_one_is_made,
            }
            any caching {
                a_service_changed_elsewhere_is_asked_for_as_it_stands,
                who_may_act_is_who_may_act_now,
                who_is_named_is_who_they_are_now,
                a_version_is_expected_of_what_stands,
                a_command_sent_again_is_answered_first,
                a_key_tells_nothing_to_who_may_not_ask,
                what_was_stale_takes_no_attempt,
                a_command_sees_what_its_stamp_marks,
                a_price_is_the_one_that_stood,
            }
            any catalogue {
                a_service_is_as_it_was_entered,
                a_change_of_the_catalogue_rewrites_no_request,
                a_retired_service_cannot_be_asked_for,
                usage_counts_requests_by_status_and_ratings,
                an_unused_service_is_deleted,
            }
            any commits {
                guards_come_first_and_in_order,
                guards_look_at_the_state_before,
                writes_are_at_the_version_that_stands,
                a_failing_set_leaves_nothing,
                faults_are_told_in_one_order,
                unique_values_are_unique_when_all_is_done,
                a_request_has_one_ticket_in_the_store,
                numbers_are_given_by_the_commit,
                a_number_stays_whatever_the_row_says,
                a_known_key_comes_before_everything,
                a_large_set_is_one_commit,
                a_closed_store_refuses,
            }
            any concurrency {
                no_update_of_one_row_is_lost,
                everybody_gets_through,
                numbers_given_at_once_are_unique,
                no_ticket_ends_with_a_customer,
                no_request_outlives_its_service,
                a_ticket_is_resolved_or_its_request_withdrawn,
                what_is_rated_is_fulfilled,
                a_desk_keeps_an_admin,
                no_ticket_names_somebody_who_is_gone,
                counters_hold_under_mixed_load,
                a_page_is_of_one_moment,
                what_is_acknowledged_is_seen,
                a_command_that_is_given_up_happens_whole_or_not,
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
            expires expiring {
                positions_are_expired_when_somebody_says_so,
            }
            any feed {
                every_command_makes_one_event,
                any_position_goes_on_behind_its_event,
                events_are_filtered_by_entity,
                a_customer_is_told_only_what_is_theirs,
                a_customers_positions_tell_nothing_of_others,
                a_position_is_good_for_its_own_feed_only,
                who_may_not_use_the_portal_is_told_nothing,
            }
            any history {
                history_tells_who_and_when,
                history_comes_in_pages_both_ways,
                every_kind_of_row_has_a_history,
                a_customer_is_told_what_concerns_them,
                history_holds_no_personal_text,
            }
            any idempotency {
                the_same_command_happens_once,
                a_key_is_for_one_command,
                a_key_is_its_actors,
                a_refused_command_keeps_no_key,
                a_deletion_is_answered_again,
                a_key_is_kept_for_its_time,
                a_key_is_a_short_line,
                of_many_sent_at_once_one_happens,
                of_different_commands_at_once_one_has_the_key,
            }
            any interleavings {
                the_assignee_is_guarded,
                a_new_customer_has_no_tickets_to_work_on,
                the_service_is_guarded,
                the_actor_is_guarded,
                two_admins_do_not_demote_each_other,
                whose_it_is_is_guarded,
                a_conversion_sees_what_became_of_the_request,
                a_request_and_its_ticket_see_each_other,
                a_rating_and_a_reopening_see_each_other,
                no_change_is_lost,
                a_deletion_sees_what_names_the_row_since,
                what_was_done_meanwhile_is_seen,
                what_was_done_before_the_read_is_seen,
                what_is_decided_later_is_recorded_later,
                a_command_is_tried_a_bounded_number_of_times,
            }
            any isolation {
                ids_of_another_are_as_ids_that_never_were,
                what_is_not_published_is_as_if_it_never_was,
                lists_hold_only_ones_own,
                a_shared_service_shares_nothing_else,
            }
            any listings {
                every_listing_gives_exactly_its_rows,
                every_filter_leaves_exactly_what_passes,
                a_time_range_takes_both_ends,
                a_customers_lists_give_exactly_what_is_theirs,
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
            any paging {
                pages_back_are_the_pages_forward,
                a_walk_shows_what_stays_once,
                an_emptied_end_has_a_way_back,
                a_page_has_1_to_500_rows,
                a_cursor_belongs_to_its_list,
                an_altered_cursor_is_damaged,
                a_rare_row_is_found_over_short_pages,
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
            any reads {
                rows_come_in_the_order_asked,
                rows_are_found_by_unique_values,
                named_rows_come_with_the_rows,
                a_field_that_is_not_unique_finds_nothing,
                counters_come_by_family_and_leading_values,
                history_tells_whether_there_is_more,
                everything_can_be_asked_at_once,
                values_at_the_edge_come_back,
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
            durable reopening {
                what_was_acknowledged_is_there_again,
                a_desk_can_be_opened_many_times,
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
            any scans {
                branches_are_merged_by_id,
                a_scan_ends_at_its_limit_or_budget_and_goes_on,
                a_scan_of_nothing_returns_nothing,
                a_scan_goes_on_behind_any_id,
                a_scan_stays_within_its_range,
                conditions_hold_for_their_branch,
                a_branch_has_a_value_for_each_field,
                named_rows_come_with_the_page,
            }
            shared sharing {
                a_second_store_sees_by_stamp,
                commands_through_two_stores_are_serial,
            }
            any stamps {
                a_command_leaves_its_stamp,
                a_stamp_makes_any_handle_see,
            }
            any summary {
                the_summary_equals_a_recount,
                revenue_is_of_what_is_fulfilled,
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
            imports transfer {
                an_export_comes_back_equal,
                an_export_goes_on_where_it_was,
                what_is_no_export_shuts_no_desk,
                only_an_empty_store_takes_a_desk_in,
                an_import_that_stopped_shuts_the_desk_and_goes_on,
                an_import_that_was_given_up_takes_nothing_more,
                two_imports_do_not_mix,
                another_text_does_not_go_on,
                damaged_text_is_refused_by_its_line,
                what_no_desk_let_in_is_refused,
                what_does_not_hold_together_stays_shut,
                an_export_is_of_one_moment,
                a_value_may_pass_on_while_it_is_exported,
                an_import_begins_another_feed,
            }
            trimming trimming {
                what_was_trimmed_is_told_as_missed,
                places_go_on_after_everything_was_trimmed,
                a_place_before_the_oldest_is_given_nothing,
                a_long_feed_is_trimmed_in_parts,
                a_slow_watch_is_told_what_it_missed,
            }
            any verification {
                a_lively_desk_holds_together,
                a_desk_holds_together_while_it_is_worked_on,
            }
            any versions {
                a_stale_version_is_a_conflict,
                every_kind_of_row_can_be_expected,
                what_is_about_no_row_expects_no_version,
                of_many_who_saw_one_version_one_changes_it,
            }
            any views {
                the_unified_view_has_both_with_each_others_ids,
                views_follow_a_rename,
                request_rows_have_service_price_customer_and_timing,
                rating_rows_have_service_and_customer,
            }
            any watching {
                both_sides_see_every_step_of_the_flow,
                a_watch_is_woken,
                a_dropped_wait_loses_nothing,
                a_watch_that_is_resumed_misses_and_repeats_nothing,
                closing_ends_every_wait,
                a_place_of_another_epoch_is_not_waited_for,
                a_stream_ends_behind_its_first_error,
            }
        }
    };
}
