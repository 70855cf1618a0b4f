//! The queue, the groups, and what happens when the engine, or a caller, goes away in the middle.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::model::Row;
use bsm_core::schema::{Counter, Index};
use bsm_core::store::{ChangeSet, CountQuery, Guard, ReadSet, Store, Write};
use bsm_store_kv::{Durability, KvOptions, KvStore};
use common::faulty::{Fate, FaultyEngine};
use common::{article, at, branch, delete, get, insert, poll_once, scan, ticket, update, user, writes};

fn open(engine: &Arc<FaultyEngine>, durability: Durability) -> KvStore {
    KvStore::open(Arc::clone(engine), KvOptions { durability, epoch: None }).expect("a store")
}

fn durable() -> (Arc<FaultyEngine>, KvStore) {
    let engine = Arc::new(FaultyEngine::default());
    let store = open(&engine, Durability::Sync);
    (engine, store)
}

async fn users(store: &dyn Store) -> Vec<Row> {
    let all = scan(vec![branch(Index::primary(bsm_core::model::Entity::User), vec![])]);
    let set = ReadSet { scan: Some(all), ..ReadSet::default() };
    store.read(set).await.expect("a read").scanned.expect("a page").rows
}

/// A commit of one user, begun and left alone until the engine is in its sync.
macro_rules! begin_and_hold {
    ($engine:expr, $store:expr, $n:expr) => {{
        $engine.hold_syncs(true);
        let syncs = $engine.syncs();
        let mut commit = $store.commit(insert([user($n).into()]));
        assert!(poll_once(&mut commit).is_none());
        $engine.wait_for_syncs(syncs + 1);
        commit
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_count_without_losing_one() {
    for engine in [FaultyEngine::new(false, usize::MAX), FaultyEngine::default()] {
        let store = Arc::new(open(&Arc::new(engine), Durability::Sync));
        store.commit(insert([user(1).into()])).await.expect("committed");
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    for n in 0..25 {
                        let mut conflicts = 0;
                        store.commit(insert([ticket(1_000 + task * 100 + n, 1).into()])).await.expect("committed");
                        // Everybody writes the same row: who comes second reads and tries again.
                        loop {
                            let row = get(&*store, user(1).id).await.expect("it is there");
                            match store.commit(writes([update(row)])).await {
                                Ok(_) => break,
                                Err(Error::Conflict { .. }) => conflicts += 1,
                                Err(other) => panic!("{other:?}"),
                            }
                        }
                        assert!(conflicts <= 200, "somebody else got on each time");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(get(&*store, user(1).id).await.expect("it is there").version().0, 201);
        let counts = vec![CountQuery { counter: Counter::Tickets, prefix: vec![] }];
        let answers = store.read(ReadSet { counts, ..ReadSet::default() }).await.expect("a read");
        assert_eq!(answers.counts, [[(vec!["new".to_owned()], 200)]]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_the_same_one_gets_it() {
    let (_engine, store) = durable();
    let store = Arc::new(store);
    let tasks: Vec<_> = (1..=32)
        .map(|n| {
            let store = Arc::clone(&store);
            let mut user = user(n);
            user.email = "the.one@example.org".to_owned();
            tokio::spawn(async move { store.commit(insert([user.into()])).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(_) => won += 1,
            Err(Error::Duplicate { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((won, users(&*store).await.len()), (1, 1));
}

#[tokio::test]
async fn who_is_refused_leaves_the_others_of_the_group_alone() {
    let (engine, store) = durable();
    let first = begin_and_hold!(engine, store, 1);
    let applies = engine.applies();
    let mut taken = user(4);
    taken.email = user(2).email;
    let mut group = vec![
        store.commit(insert([user(2).into(), ticket(12, 2).into()])),
        // Taken by the one before, in the same group; and it must not take a number.
        store.commit(insert([ticket(13, 2).into(), taken.into()])),
        store.commit(insert([user(3).into(), ticket(14, 3).into()])),
        // Builds on the one before, in the same group.
        store.commit(writes([update(user(3))])),
    ];
    for commit in &mut group {
        assert!(poll_once(commit).is_none());
    }
    engine.hold_syncs(false);
    first.await.expect("committed");
    let mut answers = Vec::new();
    for commit in group {
        answers.push(commit.await.map(|done| done.numbers.first().map(|(_, number)| *number)));
    }
    assert_eq!(engine.applies() - applies, 1, "one batch for all");
    assert_eq!(answers[0].as_ref().ok(), Some(&Some(1)));
    assert!(matches!(answers[1], Err(Error::Duplicate { .. })), "{answers:?}");
    assert_eq!(answers[2].as_ref().ok(), Some(&Some(2)));
    assert_eq!(answers[3].as_ref().ok(), Some(&None));
    assert_eq!(get(&store, ticket(13, 2).id).await, None);
    assert_eq!(users(&store).await.len(), 3);
}

#[tokio::test]
async fn a_row_replaced_within_a_group_leaves_no_pieces_behind() {
    let engine = Arc::new(FaultyEngine::new(true, 512));
    let store = open(&engine, Durability::Sync);
    let long = article(2, 1, &"long ".repeat(500));
    store.commit(insert([user(1).into(), long.clone().into()])).await.expect("committed");
    let first = begin_and_hold!(engine, store, 9);
    let mut deleted = store.commit(writes([delete(long)]));
    assert!(poll_once(&mut deleted).is_none());
    let mut made_anew = store.commit(insert([article(2, 1, "short").into()]));
    assert!(poll_once(&mut made_anew).is_none());
    engine.hold_syncs(false);
    for commit in [first, deleted, made_anew] {
        commit.await.expect("committed");
    }
    assert!(engine.dump().iter().all(|(key, _)| key[0] != 255), "the new row is whole");
}

#[tokio::test]
async fn a_dropped_future_is_done_wholly_or_not_at_all() {
    let (engine, store) = durable();
    // Begun: the engine has it already.
    drop(begin_and_hold!(engine, store, 1));
    // Waiting: nobody wants it any more.
    let mut waiting = store.commit(insert([user(2).into(), user(3).into()]));
    assert!(poll_once(&mut waiting).is_none());
    drop(waiting);
    // Never polled.
    drop(store.commit(insert([user(4).into()])));
    let mut last = store.commit(insert([user(5).into()]));
    assert!(poll_once(&mut last).is_none());
    engine.hold_syncs(false);
    last.await.expect("committed");
    let ids: Vec<_> = users(&store).await.iter().map(|row| row.key().id).collect();
    assert_eq!(ids, [user(5).id.as_uuid(), user(1).id.as_uuid()]);
}

#[tokio::test]
async fn nothing_is_acknowledged_before_its_sync() {
    let (engine, store) = durable();
    let mut commit = begin_and_hold!(engine, store, 1);
    assert!(poll_once(&mut commit).is_none(), "it is applied, and not on disk");
    let before = engine.head().expect("the head of the empty desk");
    engine.hold_syncs(false);
    commit.await.expect("committed");
    let after = engine.head().expect("a head");
    assert_eq!((before.position, after.position), (0, 1));
    assert_ne!(before.digest, after.digest);
}

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
    let first = begin_and_hold!(engine, store, 1);
    let mut second = store.commit(insert([user(2).into()]));
    assert!(poll_once(&mut second).is_none());
    engine.on_sync(Fate::Fails);
    engine.hold_syncs(false);
    let told = first.await.expect_err("nobody knows");
    assert!(matches!(told, Error::OutcomeUnknown { .. }), "{told:?}");
    let told = second.await.expect_err("it was not begun");
    assert!(matches!(told, Error::Closed { .. }), "{told:?}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_behind_a_command_in_place_is_done_after_it() {
    let engine = Arc::new(FaultyEngine::new(false, usize::MAX));
    let store = Arc::new(open(&engine, Durability::Sync));
    engine.hold_applies(true);
    let applies = engine.applies();
    let in_place = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(insert([user(1).into()])).await })
    };
    engine.wait_for_applies(applies + 1);
    let mut behind = store.commit(insert([user(2).into()]));
    assert!(poll_once(&mut behind).is_none());
    let mut closing = store.close();
    assert!(poll_once(&mut closing).is_none());
    // Time for the thread to find that somebody else leads, and to sleep again. Without it the test only proves less.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    engine.hold_applies(false);
    in_place.await.expect("no panic").expect("committed");
    behind.await.expect("committed");
    closing.await.expect("closed");
    assert_eq!(users(&open(&engine, Durability::Sync)).await.len(), 2);
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
    let first = begin_and_hold!(engine, store, 1);
    let mut second = store.commit(insert([user(2).into()]));
    assert!(poll_once(&mut second).is_none());
    let mut closing = store.close();
    assert!(poll_once(&mut closing).is_none(), "it waits for those under way");
    let told = store.commit(insert([user(3).into()])).await.expect_err("it takes no more");
    assert!(matches!(told, Error::Closed { .. }), "{told:?}");
    engine.hold_syncs(false);
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
    let first = begin_and_hold!(engine, store, 1);
    let mut closing = store.close();
    assert!(poll_once(&mut closing).is_none());
    drop(closing);
    engine.hold_syncs(false);
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
async fn relaxed_commands_are_answered_before_their_sync_and_synced_after() {
    let engine = Arc::new(FaultyEngine::default());
    let store = open(&engine, Durability::Relaxed);
    let syncs = engine.syncs();
    engine.hold_syncs(true);
    for n in 1..=20 {
        store.commit(insert([user(n).into()])).await.expect("committed");
    }
    // It comes by itself, while nobody does anything.
    engine.wait_for_syncs(syncs + 1);
    store.commit(insert([user(21).into()])).await.expect("a sync under way holds nobody up");
    engine.hold_syncs(false);
    engine.wait_for_syncs(syncs + 2);
    store.close().await.expect("closed");
    assert_eq!(engine.head().map(|head| head.position), Some(21));
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
async fn short_reads_are_done_in_place_and_others_elsewhere() {
    let (engine, store) = durable();
    let mut change = ChangeSet::new(at(0));
    change.writes.extend((0..700).map(|n| Write::Insert(user(n).into())));
    store.commit(change).await.expect("committed");
    let views = engine.views();
    assert!(get(&store, user(1).id).await.is_some());
    assert_eq!(engine.views() - views, 0, "in place");
    assert_eq!(users(&store).await.len(), 700);
    assert_eq!(engine.views() - views, 1, "it is too long");
    engine.refuse_try_view();
    assert!(get(&store, user(1).id).await.is_some());
    assert_eq!(engine.views() - views, 2, "it would wait");
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
    for _ in 0..50 {
        assert!(poll_once(&mut closing).is_none(), "reads are under way");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    engine.hold_views(false);
    let answers = reading.await.expect("it began before");
    assert!(answers.got[0].is_some());
    closing.await.expect("closed");
    assert_eq!(Arc::strong_count(&engine), 1, "the engine is let go");
}

#[tokio::test]
async fn a_large_group_is_cut_and_done_in_parts() {
    let (engine, store) = durable();
    let first = begin_and_hold!(engine, store, 1);
    let applies = engine.applies();
    let mut waiting = Vec::new();
    for n in 0..1_200 {
        let mut commit = store.commit(insert([user(10 + n).into()]));
        assert!(poll_once(&mut commit).is_none());
        waiting.push(commit);
    }
    engine.hold_syncs(false);
    first.await.expect("committed");
    for commit in waiting {
        commit.await.expect("committed");
    }
    assert!(engine.applies() - applies >= 3, "no group takes more than 512 commands");
    let all = users(&store).await;
    assert_eq!(all.len(), 1_201);
}

#[tokio::test]
async fn a_command_that_changes_nothing_writes_nothing() {
    let (engine, store) = durable();
    let (applies, syncs) = (engine.applies(), engine.syncs());
    let mut change = ChangeSet::new(at(0));
    change.guards.push(Guard::Empty(bsm_core::model::Entity::User));
    store.commit(change).await.expect("committed");
    store.commit(insert([ticket(1, 1).into()])).await.expect_err("no such user");
    assert_eq!((engine.applies(), engine.syncs()), (applies, syncs));
}

#[tokio::test]
async fn a_long_command_is_one_batch() {
    let (engine, store) = durable();
    let applies = engine.applies();
    let mut change = ChangeSet::new(at(0));
    change.writes.extend((0..1_500).map(|n| Write::Insert(user(n).into())));
    store.commit(change).await.expect("committed");
    assert_eq!((engine.applies() - applies, users(&store).await.len()), (1, 1_500));
}
