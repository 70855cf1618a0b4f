//! How a store ends: closed, dropped, or stopped by an engine that failed in the middle.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::store::{ReadSet, Store};
use bsm_store_kv::{Durability, KvStore};
use common::faulty::{Fate, FaultyEngine, apply_and_hold, begin_and_hold, durable, open};
use common::{get, insert, poll_once, user, users};

/// What every call answers once the store has stopped, and that the engine is let go.
async fn has_stopped(engine: &Arc<FaultyEngine>, store: KvStore) {
    let told = store.commit(insert([user(7).into()])).await.expect_err("no more commands");
    assert!(matches!(told, Error::Closed { .. }), "{told:?}");
    let told = store.read(ReadSet::default()).await.expect_err("no more reads");
    assert!(matches!(told, Error::Closed { .. }), "{told:?}");
    assert!(matches!(store.health().await, Err(Error::Closed { .. })));
    let told = store.close().await.expect_err("it tells why it stopped");
    assert!(matches!(told, Error::OutcomeUnknown { .. }), "{told:?}");
    store.close().await.expect("once");
    assert_eq!(Arc::strong_count(engine), 1, "the engine is let go");
    drop(store);
}

#[tokio::test]
async fn a_failure_stops_the_store() {
    type Break = fn(&FaultyEngine);
    let breaks: [Break; 4] = [
        |engine| engine.on_apply(Fate::Fails),
        |engine| engine.on_apply(Fate::Panics),
        |engine| engine.on_sync(Fate::Fails),
        |engine| engine.on_sync(Fate::Panics),
    ];
    for broken in breaks {
        let (engine, store) = durable();
        store.commit(insert([user(1).into()])).await.expect("committed");
        broken(&engine);
        let told = store.commit(insert([user(2).into()])).await.expect_err("nobody knows");
        assert!(matches!(told, Error::OutcomeUnknown { .. }), "{told:?}");
        has_stopped(&engine, store).await;

        // Opened again, the desk is whole, whichever way it went.
        engine.on_apply(Fate::Works);
        engine.on_sync(Fate::Works);
        let store = open(&engine, Durability::Sync);
        assert!(get(&store, user(1).id).await.is_some());
        store.commit(insert([user(3).into()])).await.expect("it goes on");
    }
}

#[tokio::test]
async fn all_who_wait_are_told_when_a_sync_fails() {
    let (engine, store) = durable();
    let first = apply_and_hold(&engine, &store, 1);
    let applies = engine.applies();
    let mut second = store.commit(insert([user(2).into()]));
    assert!(poll_once(&mut second).is_none());
    engine.wait_for_applies(applies + 1);
    engine.on_sync(Fate::Fails);
    engine.hold_syncs(false);
    // What was applied behind it builds on it.
    for commit in [first, second] {
        let told = commit.await.expect_err("nobody knows");
        assert!(matches!(told, Error::OutcomeUnknown { .. }), "{told:?}");
    }
    has_stopped(&engine, store).await;
}

#[tokio::test]
async fn a_group_that_is_applied_while_a_sync_fails_is_told_so() {
    let (engine, store) = durable();
    let first = apply_and_hold(&engine, &store, 1);
    engine.hold_applies(true);
    let applies = engine.applies();
    let mut second = store.commit(insert([user(2).into()]));
    assert!(poll_once(&mut second).is_none());
    engine.wait_for_applies(applies + 1);
    let mut third = store.commit(insert([user(3).into()]));
    assert!(poll_once(&mut third).is_none());
    engine.on_sync(Fate::Fails);
    engine.hold_syncs(false);
    let told = first.await.expect_err("nobody knows");
    assert!(matches!(told, Error::OutcomeUnknown { .. }), "{told:?}");
    let told = third.await.expect_err("it was not begun");
    assert!(matches!(told, Error::Closed { .. }), "{told:?}");
    engine.hold_applies(false);
    let told = second.await.expect_err("it builds on what may be lost");
    assert!(matches!(told, Error::OutcomeUnknown { .. }), "{told:?}");
    has_stopped(&engine, store).await;
}

#[tokio::test]
async fn a_failure_in_place_stops_the_store_too() {
    for fate in [Fate::Fails, Fate::Panics] {
        let engine = Arc::new(FaultyEngine::new(false, usize::MAX));
        let store = open(&engine, Durability::Sync);
        store.commit(insert([user(1).into()])).await.expect("committed");
        engine.on_apply(fate);
        let told = store.commit(insert([user(2).into()])).await.expect_err("nobody knows");
        assert!(matches!(told, Error::OutcomeUnknown { .. }), "{told:?}");
        has_stopped(&engine, store).await;
    }
}

#[tokio::test]
async fn an_engine_that_cannot_be_read_changes_nothing_and_may_recover() {
    let (engine, store) = durable();
    engine.on_view(Fate::Fails);
    let told = store.commit(insert([user(1).into()])).await.expect_err("no view");
    assert!(matches!(told, Error::Unavailable { .. }), "{told:?}");
    let told = store.read(ReadSet::default()).await.expect_err("no view");
    assert!(matches!(told, Error::Unavailable { .. }), "{told:?}");
    engine.on_view(Fate::Works);
    store.commit(insert([user(1).into()])).await.expect("committed");
}

#[tokio::test]
async fn closing_does_what_waits_and_no_more() {
    let (engine, store) = durable();
    let first = begin_and_hold(&engine, &store, 1);
    let mut second = store.commit(insert([user(2).into()]));
    assert!(poll_once(&mut second).is_none());
    let mut closing = store.close();
    assert!(poll_once(&mut closing).is_none(), "it waits for those under way");
    let told = store.commit(insert([user(3).into()])).await.expect_err("it takes no more");
    assert!(matches!(told, Error::Closed { .. }), "{told:?}");
    engine.hold_applies(false);
    first.await.expect("committed");
    second.await.expect("committed");
    closing.await.expect("closed");
    store.close().await.expect("closing twice is fine");
    assert_eq!(Arc::strong_count(&engine), 1, "the engine is let go");
    let told = store.read(ReadSet::default()).await.expect_err("it is closed");
    assert!(matches!(told, Error::Closed { .. }), "{told:?}");
    assert_eq!(users(&open(&engine, Durability::Sync)).await.len(), 2);
}

#[tokio::test]
async fn a_dropped_close_closes_all_the_same() {
    let (engine, store) = durable();
    let first = begin_and_hold(&engine, &store, 1);
    let mut closing = store.close();
    assert!(poll_once(&mut closing).is_none());
    drop(closing);
    engine.hold_applies(false);
    first.await.expect("committed");
    store.close().await.expect("closed");
    assert_eq!(Arc::strong_count(&engine), 1);
}

#[tokio::test]
async fn a_dropped_store_lets_go_of_its_engine_and_loses_nothing() {
    for durability in [Durability::Sync, Durability::Relaxed] {
        let engine = Arc::new(FaultyEngine::default());
        let store = open(&engine, durability);
        store.commit(insert([user(1).into()])).await.expect("committed");
        drop(store);
        assert_eq!(Arc::strong_count(&engine), 1);
        assert_eq!(engine.head().map(|head| head.position), Some(1));
    }
}

#[tokio::test]
async fn a_relaxed_sync_that_fails_stops_the_store() {
    let engine = Arc::new(FaultyEngine::default());
    let store = open(&engine, Durability::Relaxed);
    engine.on_sync(Fate::Fails);
    store.commit(insert([user(1).into()])).await.expect("answered before its sync");
    let told = store.close().await.expect_err("the sync failed");
    assert!(matches!(told, Error::OutcomeUnknown { .. }), "{told:?}");
}

#[tokio::test]
async fn closing_waits_for_reads() {
    let (engine, store) = durable();
    store.commit(insert([user(1).into()])).await.expect("committed");
    engine.refuse_try_view();
    engine.hold_views(true);
    let views = engine.views();
    let set = ReadSet { get: vec![user(1).id.into()], ..ReadSet::default() };
    let mut given_up = store.read(set.clone());
    assert!(poll_once(&mut given_up).is_none());
    let mut reading = store.read(set);
    assert!(poll_once(&mut reading).is_none());
    engine.wait_for_views(views + 2);
    // Nobody waits for it any more, but it still holds the engine.
    drop(given_up);
    let mut closing = store.close();
    // Time for the thread to end; the reads hold the engine all the same.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let ended = poll_once(&mut closing);
    engine.hold_views(false);
    assert!(ended.is_none(), "reads were under way");
    let answers = reading.await.expect("it began before");
    assert!(answers.got[0].is_some());
    closing.await.expect("closed");
    assert_eq!(Arc::strong_count(&engine), 1, "the engine is let go");
}

/// What this crate's tests rely on: one that fails while it holds a sync, or a batch, ends, and does not hang in the drop of
/// its store.
#[test]
fn a_test_that_panics_lets_go_of_what_it_holds() {
    for hold in [apply_and_hold, begin_and_hold] {
        let failed = std::thread::spawn(move || {
            let (engine, store) = durable();
            let _commit = hold(&engine, &store, 1);
            panic!("as a test that fails does");
        });
        assert!(failed.join().is_err());
    }
}
