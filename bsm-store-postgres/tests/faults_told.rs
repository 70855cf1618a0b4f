//! What the server says, and what callers are told of it: each fault by its code, and some as they really come about.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::model::User;
use bsm_core::store::Store;
use bsm_store_postgres::PostgresStore;
use common::rows::*;
use common::{Place, feeds, in_schema};
use sqlx::AssertSqlSafe;

/// A trigger that refuses the first `times` tickets with a code. Sequences don't go back with who is refused.
async fn refuse(place: &Place, code: &str, times: u32) {
    place
        .sql(&format!(
            "CREATE SEQUENCE {{}}.refused;
             CREATE FUNCTION {{}}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('{{}}.refused') <= {times} THEN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON {{}}.tickets FOR EACH ROW EXECUTE FUNCTION {{}}.refuse()"
        ))
        .await;
}

async fn refuse_no_more(place: &Place) {
    place.sql("DROP TRIGGER refuse ON {}.tickets; DROP FUNCTION {}.refuse; DROP SEQUENCE {}.refused").await;
}

/// How often the trigger was asked.
async fn asked(place: &Place) -> i64 {
    let asked = format!("SELECT last_value FROM {}.refused", place.schema);
    sqlx::query_scalar(AssertSqlSafe(asked)).fetch_one(&place.pool).await.expect("is told")
}

async fn open_with(place: &Place, options: &str) -> (Arc<PostgresStore>, User) {
    let store = PostgresStore::connect(&format!("{}{options}", place.url())).await.expect("opens");
    let anna = user(1);
    store.commit(insert([anna.clone().into()])).await.expect("base");
    (Arc::new(store), anna)
}

/// A command that is one statement, and one that is several: with triggers, and without.
const WAYS: [(&str, &str); 2] = [("one", ""), ("several", "&triggers=off")];

/// What is told if the connection is lost, or said to be, while a command is one statement or several.
fn lost(way: &str) -> &'static str {
    if way == "one" { "OutcomeUnknown" } else { "Unavailable" }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_lasts_is_told_at_once() {
    for (way, options) in WAYS {
        codes(way, options).await;
    }
}

async fn codes(way: &str, options: &str) {
    in_schema(&format!("told_codes_{way}"), |place| async move {
        let (store, anna) = open_with(&place, &format!("&patience=300ms{options}")).await;
        let mut number = 100;
        for (code, tried, told) in [
            // Others got in between.
            ("40001", 2.., "Busy"),
            ("40P01", 2.., "Busy"),
            // Others have it.
            ("53300", 2.., "Busy"),
            ("55P03", 2.., "Busy"),
            // It took too long.
            ("57014", 1.., "Busy"),
            // The connection, or the server, is going.
            ("08006", 2.., lost(way)),
            ("57P01", 2.., lost(way)),
            ("57P02", 2.., lost(way)),
            ("57P03", 2.., lost(way)),
            ("25006", 2.., "Unavailable"),
            // It lasts.
            ("53100", 1.., "Unavailable"),
            ("53200", 1.., "Unavailable"),
            ("28000", 1.., "Unavailable"),
            // A call may lack rights that statement by statement nobody needs.
            ("42501", if way == "one" { 2 } else { 1 }.., "Unavailable"),
            ("XX000", 1.., "Unavailable"),
            ("XX001", 1.., "Damaged"),
            ("XX002", 1.., "Damaged"),
        ] {
            number += 1;
            refuse(&place, code, u32::MAX >> 1).await;
            let made = ticket(number, &anna);
            let error = store.commit(insert([made.clone().into()])).await.expect_err("is refused");
            assert_eq!(error.name(), told, "{code}: {error} {error:?}");
            let times = asked(&place).await;
            assert!(tried.contains(&times) && (tried.start > 1 || times == 1), "{code}: tried {times} times");
            refuse_no_more(&place).await;
            assert!(get(&*store, made.id).await.is_none(), "{code}");
        }
        store.commit(insert([ticket(99, &anna).into()])).await.expect("goes on");
        feeds::assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test]
async fn what_passes_is_answered_as_if_nothing_had_been() {
    in_schema("told_passes", |place| async move {
        let (store, anna) = open_with(&place, "").await;
        for (number, code) in (100..).zip(["40001", "40P01", "53300", "55P03", "57P01", "57P03", "08006", "25006"]) {
            refuse(&place, code, 3).await;
            let committed = store.commit(insert([ticket(number, &anna).into()])).await;
            let committed = committed.unwrap_or_else(|error| panic!("{code}: {error:?}"));
            assert_eq!((committed.numbers.len(), committed.repeated), (1, None));
            assert_eq!(asked(&place).await, 4, "{code}");
            refuse_no_more(&place).await;
        }
        feeds::assert_sound(&*store).await;
    })
    .await;
}

/// Two who wait for each other: psql and a command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_was_in_a_deadlock_is_done() {
    in_schema("told_deadlock", |place| async move {
        let (store, anna) = open_with(&place, "").await;
        let berta = user(2);
        store.commit(insert([berta.clone().into()])).await.expect("base");
        let mut holder = place.pool.begin().await.expect("begins");
        let lock = |user: &User| {
            AssertSqlSafe(format!("SELECT FROM {}.users WHERE id = '{}' FOR UPDATE", place.schema, user.id))
        };
        // The other one gives up late, so the command is who is ended.
        sqlx::raw_sql("SET LOCAL deadlock_timeout = '1min'").execute(&mut *holder).await.expect("is set");
        sqlx::query(lock(&berta)).execute(&mut *holder).await.expect("locks");
        let change = change([&anna, &berta].map(|user| bsm_core::store::Write::Update(next(user.clone(), 5))).into());
        let waiting = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit(change).await }
        });
        place.waits(1).await;
        // It has Anna's row and waits for Berta's, who is held by one that now waits for Anna's.
        sqlx::query(lock(&anna)).execute(&mut *holder).await.expect("gets it when the command is ended");
        holder.rollback().await.expect("lets go");
        waiting.await.expect("does not panic").expect("is done");
        feeds::assert_sound(&*store).await;
    })
    .await;
}

/// A lock that nobody lets go of, and a statement that the server's settings end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_waited_for_in_vain_is_told_as_busy() {
    in_schema("told_locked", |place| async move {
        let (store, anna) = open_with(&place, "&patience=3s").await;
        let options = "&patience=60s&options[statement_timeout]=100";
        let bounded = PostgresStore::connect(&format!("{}{options}", place.url())).await.expect("opens");
        let mut holder = place.pool.begin().await.expect("begins");
        let lock = format!("SELECT FROM {}.users FOR UPDATE", place.schema);
        sqlx::query(AssertSqlSafe(lock)).execute(&mut *holder).await.expect("locks");
        for (store, code) in [(&*store, "55P03"), (&bounded, "57014")] {
            let error = store.commit(change(vec![bsm_core::store::Write::Update(next(anna.clone(), 5))])).await;
            let Err(Error::Busy { source, .. }) = error else { panic!("{error:?}") };
            let said = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
            assert_eq!(said.and_then(sqlx::error::DatabaseError::code).as_deref(), Some(code));
            // Reads need no lock.
            assert!(get(store, anna.id).await.is_some());
        }
        holder.rollback().await.expect("lets go");
        store.commit(change(vec![bsm_core::store::Write::Update(next(anna, 5))])).await.expect("goes on");
    })
    .await;
}

#[tokio::test]
async fn an_account_that_is_refused_is_told_at_once_and_without_its_password() {
    in_schema("told_account", |place| async move {
        let url = place.url();
        let (account, rest) = url.split_once('@').expect("has an account");
        let (scheme, _) = account.split_once("://").expect("is a URL");
        for who in ["bsm:hush-not-it", "nobody-like-this:hush-not-it"] {
            let refused = PostgresStore::connect(&format!("{scheme}://{who}@{rest}&patience=60s")).await;
            let Err(error @ Error::Unavailable { .. }) = refused else { panic!("{refused:?}") };
            let told = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
            assert!(!told.contains("hush"), "{told}");
        }
    })
    .await;
}
