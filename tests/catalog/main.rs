//! One suite for the catalogue, run on SQLite in a file always, and on PostgreSQL when
//! `YOSOKU_TEST_POSTGRES` holds the address of a database where schemas may be made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

mod datasets;
mod entities;
mod families;
mod jobs;
mod lists;
mod races;
mod searches;
#[path = "../servers/mod.rs"]
mod servers;
mod support;

/// Declares every case once for each database.
macro_rules! suite {
    ($($module:ident :: $case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let place = crate::support::Place::sqlite();
                crate::$module::$case(&place).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Some(place) = crate::support::Place::postgres(stringify!($case)).await {
                    crate::$module::$case(&place).await;
                    place.remove().await;
                }
            })*
        }
    };
}

suite! {
    entities::a_repeat_is_the_same_entity_and_a_change_is_a_conflict,
    entities::several_are_created_together_or_not_at_all,
    entities::what_cannot_be_used_is_refused_at_creation,
    entities::changes_need_the_revision_that_was_read,
    entities::everything_survives_reopening,
    entities::a_newer_schema_is_refused,
    entities::cancelling_ends_what_has_not_begun,
    entities::deleting_fails_what_waits_and_leaves_what_is_done,
    lists::pages_are_stable_while_rows_come_and_go,
    lists::names_sort_and_match_byte_by_byte,
    lists::filters_narrow_and_cursors_belong_to_their_query,
    datasets::versions_are_immutable_and_names_move,
    datasets::a_dataset_in_use_is_not_deleted,
    datasets::datasets_are_listed_in_pages,
    datasets::a_lost_file_is_replaced_once,
    families::a_family_is_made_by_its_first_change_and_keeps_every_other,
    families::a_change_that_is_refused_leaves_nothing,
    families::a_model_that_an_alias_means_is_not_deleted,
    families::a_deletion_and_an_alias_at_once_do_not_both_succeed,
    jobs::a_job_waits_for_what_it_depends_on_and_gets_it,
    jobs::a_lost_lease_may_not_renew_or_settle,
    jobs::jobs_of_the_dead_are_claimable_at_once,
    jobs::a_released_attempt_does_not_count,
    jobs::retries_wait_longer_and_end,
    jobs::a_job_whose_workers_die_is_given_up,
    jobs::a_running_job_hears_of_cancel_and_delete,
    jobs::a_cancelled_job_of_a_dead_worker_is_not_run_again,
    jobs::files_go_when_no_running_work_needs_them,
    jobs::a_result_of_another_kind_is_a_failure,
    jobs::a_job_that_cannot_be_read_keeps_no_other_waiting,
    races::two_claimers_never_get_the_same_job,
    races::writers_do_not_lock_each_other_out,
    races::nothing_waits_for_ever_when_a_dependency_fails_meanwhile,
    races::one_of_many_equal_creations_is_fresh,
    races::first_use_by_several_processes_makes_the_tables_once,
    searches::searches_compare_order_and_page,
    searches::models_are_found_by_question_and_endpoint,
    searches::tags_are_set_all_or_none,
    searches::use_is_summed_by_model_and_key,
    searches::only_work_is_counted_and_not_waiting,
    searches::an_older_catalogue_learns_what_searches_need,
}
