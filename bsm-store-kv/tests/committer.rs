//! The queue and its groups: what commands that come together, or go away, see of each other.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::model::{HistoryEntry, Row, Ticket, UserId};
use bsm_core::schema::Counter;
use bsm_core::store::{ChangeSet, CountQuery, FeedPlace, FeedQuery, Guard, ReadSet, Store, Write};
use bsm_store_kv::Durability;
use common::faulty::{FaultyEngine, apply_and_hold, begin_and_hold, durable, open};
use common::{article, at, delete, entry, get, insert, poll_once, ticket, update, user, users, writes};

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
    let first = begin_and_hold(&engine, &store, 1);
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
    engine.hold_applies(false);
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
    let first = begin_and_hold(&engine, &store, 9);
    let mut deleted = store.commit(writes([delete(long)]));
    assert!(poll_once(&mut deleted).is_none());
    let mut made_anew = store.commit(insert([article(2, 1, "short").into()]));
    assert!(poll_once(&mut made_anew).is_none());
    engine.hold_applies(false);
    for commit in [first, deleted, made_anew] {
        commit.await.expect("committed");
    }
    assert!(engine.dump().iter().all(|(key, _)| key[0] != 255), "the new row is whole");
}

#[tokio::test]
async fn a_dropped_future_is_done_wholly_or_not_at_all() {
    let (engine, store) = durable();
    // Begun: the engine has it already.
    drop(begin_and_hold(&engine, &store, 1));
    // Waiting: nobody wants it any more.
    let mut waiting = store.commit(insert([user(2).into(), user(3).into()]));
    assert!(poll_once(&mut waiting).is_none());
    drop(waiting);
    // Never polled.
    drop(store.commit(insert([user(4).into()])));
    let mut last = store.commit(insert([user(5).into()]));
    assert!(poll_once(&mut last).is_none());
    engine.hold_applies(false);
    last.await.expect("committed");
    let ids: Vec<_> = users(&store).await.iter().map(|row| row.key().id).collect();
    assert_eq!(ids, [user(5).id.as_uuid(), user(1).id.as_uuid()]);
}

#[tokio::test]
async fn nothing_is_acknowledged_before_its_sync() {
    let (engine, store) = durable();
    let mut commit = apply_and_hold(&engine, &store, 1);
    assert!(poll_once(&mut commit).is_none(), "it is applied, and not on disk");
    let before = engine.head().expect("the head of the empty desk");
    engine.hold_syncs(false);
    commit.await.expect("committed");
    let after = engine.head().expect("a head");
    assert_eq!((before.position, after.position), (0, 1));
    assert_ne!(before.digest, after.digest);
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
async fn the_next_group_is_applied_while_the_last_syncs() {
    let (engine, store) = durable();
    let first = apply_and_hold(&engine, &store, 1);
    let (applies, syncs) = (engine.applies(), engine.syncs());
    let mut behind = Vec::new();
    for n in 2..=5 {
        let mut commit = store.commit(insert([user(n).into()]));
        assert!(poll_once(&mut commit).is_none());
        // One that is refused was checked against what the others left: it waits for them, too.
        let mut refused = store.commit(insert([user(n).into()]));
        assert!(poll_once(&mut refused).is_none());
        behind.push((commit, refused));
        engine.wait_for_applies(applies + n as usize - 1);
    }
    // (The engine counts a batch when it comes, not when it is done.)
    while users(&store).await.len() < 5 {
        tokio::task::yield_now().await;
    }
    for (commit, refused) in &mut behind {
        assert!(poll_once(commit).is_none() && poll_once(refused).is_none(), "none is on disk");
    }
    engine.hold_syncs(false);
    first.await.expect("committed");
    for (commit, refused) in behind {
        commit.await.expect("committed");
        assert!(matches!(refused.await, Err(Error::Conflict { .. })));
    }
    assert_eq!(engine.syncs() - syncs, 1, "one sync covers what was applied before it began");
    assert_eq!(engine.head().map(|head| head.position), Some(5));
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
async fn a_large_group_is_cut_and_done_in_parts() {
    let (engine, store) = durable();
    let first = begin_and_hold(&engine, &store, 1);
    let applies = engine.applies();
    let mut waiting = Vec::new();
    for n in 0..1_200 {
        let mut commit = store.commit(insert([user(10 + n).into()]));
        assert!(poll_once(&mut commit).is_none());
        waiting.push(commit);
    }
    engine.hold_applies(false);
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

/// Makes a row, and tells of it.
fn told(row: Row) -> ChangeSet {
    let history = HistoryEntry { subject: row.subject(), ..entry(row.key(), 1) };
    ChangeSet { history: vec![history], ..insert([row]) }
}

/// The feed as it may be shown: how far it goes, and how many events it tells.
async fn shown(store: &bsm_store_kv::KvStore, customer: Option<UserId>) -> (u64, usize) {
    let feed = Some(FeedQuery { customer, after: None, entities: vec![], limit: 100, rows: false });
    let page = store.read(ReadSet { feed, ..ReadSet::default() }).await.expect("a read").feed.expect("a page");
    (page.newest, page.events.len())
}

#[tokio::test]
async fn the_feed_shows_nothing_before_its_sync() {
    for durability in [Durability::Sync, Durability::Relaxed] {
        let engine = Arc::new(FaultyEngine::default());
        let store = open(&engine, durability);
        let customer = user(1).id;
        store.commit(told(user(1).into())).await.expect("committed");
        let theirs = Ticket { requested_for: Some(customer), ..ticket(10, 1) };
        while shown(&store, None).await != (1, 1) {
            tokio::task::yield_now().await;
        }
        let before = shown(&store, Some(customer)).await;
        engine.hold_syncs(true);
        let syncs = engine.syncs();
        let mut commit = store.commit(told(theirs.clone().into()));
        let answered = poll_once(&mut commit);
        assert_eq!(answered.is_some(), durability == Durability::Relaxed);
        engine.wait_for_syncs(syncs + 1);
        assert!(get(&store, theirs.id).await.is_some(), "it is applied");
        assert_eq!(shown(&store, None).await, (1, 1), "and not on disk: {durability:?}");
        assert_eq!(shown(&store, Some(customer)).await, before);
        let mut waiting =
            Box::pin(store.wait(None, FeedPlace { epoch: engine.head().map_or(0, |head| head.epoch), place: 1 }));
        assert!(poll_once(&mut waiting).is_none(), "nobody is woken");
        engine.hold_syncs(false);
        waiting.await.expect("woken");
        assert_eq!(shown(&store, None).await, (2, 2));
        assert_eq!(shown(&store, Some(customer)).await, (before.0 + 1, before.1 + 1));
        if answered.is_none() {
            commit.await.expect("committed");
        }
    }
}
