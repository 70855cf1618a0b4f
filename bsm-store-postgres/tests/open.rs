//! Opening and closing: what is made, what is refused, what is left alone.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::store::{Capabilities, ReadSet, Store};
use bsm_store_postgres::PostgresStore;
use common::in_schema;
use common::rows::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_who_open_a_new_desk_at_once_make_it_once() {
    in_schema("open_together", |place| async move {
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let place = place.clone();
                tokio::spawn(async move { place.open().await })
            })
            .collect();
        let mut stores = Vec::new();
        for task in tasks {
            stores.push(task.await.expect("opens"));
        }
        stores[0].commit(insert([user(1).into()])).await.expect("commits");
        for store in &stores {
            assert!(get(&**store, user(1).id).await.is_some());
            store.health().await.expect("is well");
        }
    })
    .await;
}

#[tokio::test]
async fn a_desk_of_a_newer_release_and_a_foreign_schema_are_refused() {
    in_schema("open_foreign", |place| async move {
        place.sql("CREATE SCHEMA {}; CREATE TABLE {}.users (name text)").await;
        match PostgresStore::connect(&place.url()).await {
            Err(Error::UnknownFormat { .. }) => {}
            other => panic!("{other:?}"),
        }
        place.sql("DROP TABLE {}.users").await;
        let store = place.open().await;
        place.sql("INSERT INTO {}.bsm_migrations (version) VALUES (99)").await;
        match PostgresStore::connect(&place.url()).await {
            Err(Error::UnknownFormat { found, .. }) => assert!(found.contains("99"), "{found}"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(store.health().await, Err(Error::UnknownFormat { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_closed_store_says_so_and_the_hosts_pool_stays_open() {
    in_schema("open_closed", |place| async move {
        let store = PostgresStore::from_pool(place.pool.clone(), &place.schema).await.expect("opens");
        // What is not claimed is not proved: the suite would leave it out.
        let all = Capabilities::least().durable().shared().trims().expires().imports();
        assert_eq!(store.capabilities(), all);
        assert!(store.to_string().ends_with(&format!("?schema={}", place.schema)), "{store}");
        store.close().await.expect("closes");
        store.close().await.expect("closes twice");
        assert!(matches!(store.read(ReadSet::default()).await, Err(Error::Closed { .. })));
        assert!(matches!(store.commit(insert([user(1).into()])).await, Err(Error::Closed { .. })));
        assert!(matches!(store.health().await, Err(Error::Closed { .. })));
        place.sql("SELECT 1").await;
        let own = place.open().await;
        own.close().await.expect("closes");
        assert!(matches!(own.health().await, Err(Error::Closed { .. })));
    })
    .await;
}

#[tokio::test]
async fn two_desks_in_one_database_know_nothing_of_each_other() {
    in_schema("open_two_a", |one| async move {
        in_schema("open_two_b", |other| async move {
            let (first, second) = (one.open().await, other.open().await);
            first.commit(insert([user(1).into()])).await.expect("commits");
            assert!(get(&*second, user(1).id).await.is_none());
            second.commit(insert([user(1).into()])).await.expect("has its own");
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_no_password_is_told() {
    let error = PostgresStore::connect("postgres://me:hush@127.0.0.1:1/desks?schema=acme").await;
    let Err(error @ Error::Unavailable { .. }) = error else { panic!("{error:?}") };
    let told = format!("{error} {error:?}");
    assert!(told.contains("postgres://127.0.0.1:1/desks?schema=acme") && !told.contains("hush"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_connection_is_ended_while_it_waits_waits_again() {
    in_schema("open_broken", |place| async move {
        let store = place.open().await;
        store.commit(insert([user(1).into()])).await.expect("commits");
        // Somebody holds the row, so the command waits; then its connection is ended.
        let mut holder = place.pool.begin().await.expect("begins");
        let lock = format!("SELECT FROM {}.users FOR UPDATE", place.schema);
        sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *holder).await.expect("locks");
        let waiting = Arc::clone(&store);
        let mut change = insert([user(2).into()]);
        change.guards = vec![at_version(user(1))];
        let waiting = tokio::spawn(async move { waiting.commit(change).await });
        for _ in 0..3 {
            place.waits(1).await;
            let kill = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
                        WHERE application_name = '{}' AND wait_event_type = 'Lock'";
            place.sql(kill).await;
        }
        place.waits(1).await;
        assert!(get(&*store, user(2).id).await.is_none());
        holder.rollback().await.expect("lets go");
        waiting.await.expect("does not panic").expect("is done after all");
        assert!(get(&*store, user(2).id).await.is_some());
    })
    .await;
}
