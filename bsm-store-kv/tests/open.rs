//! Opening again: what was acknowledged must be there, and damage must be seen. Single flipped bits in everything stored.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::model::{Entity, Key, Row, Value};
use bsm_core::schema::{Counter, Field, Index, Relation};
use bsm_core::store::{Answers, CountQuery, FeedQuery, HistoryQuery, LogQuery, Order, ReadSet, Store, UniqueValue};
use bsm_store_kv::engine::Head;
use bsm_store_kv::{KvOptions, KvStore};
use bytes::Bytes;
use common::faulty::{Fate, FaultyEngine};
use common::{article, at, branch, entry, get, idempotency, insert, scan, ticket, update, user, user_id, writes};

fn open(engine: &Arc<FaultyEngine>) -> Result<KvStore, Error> {
    KvStore::open(Arc::clone(engine), KvOptions::default())
}

/// A desk of three commits, closed.
async fn three_commits() -> Arc<FaultyEngine> {
    let engine = Arc::new(FaultyEngine::default());
    let store = open(&engine).expect("a store");
    for n in 1..=3 {
        store.commit(insert([user(n).into()])).await.expect("committed");
    }
    store.close().await.expect("closed");
    engine
}

fn is_damaged(engine: &Arc<FaultyEngine>) -> String {
    match open(engine) {
        Err(Error::Damaged { detail, .. }) => detail,
        other => panic!("not damaged: {other:?}"),
    }
}

#[tokio::test]
async fn a_desk_is_opened_as_it_was_closed() {
    let engine = three_commits().await;
    let head = engine.head().expect("a head");
    let store = open(&engine).expect("a store");
    assert!(get(&store, user_id(3)).await.is_some());
    store.commit(insert([user(4).into()])).await.expect("committed");
    store.close().await.expect("closed");
    let after = engine.head().expect("a head");
    assert_eq!((after.epoch, after.position), (head.epoch, 4));
}

#[test]
fn an_epoch_is_random_unless_it_is_given() {
    let epoch = |options| {
        let engine = Arc::new(FaultyEngine::default());
        drop(KvStore::open(Arc::clone(&engine), options).expect("a store"));
        engine.head().expect("a head").epoch
    };
    assert_ne!(epoch(KvOptions::default()), epoch(KvOptions::default()));
    assert_eq!(epoch(KvOptions { epoch: Some(7), ..KvOptions::default() }), 7);
}

#[tokio::test]
async fn what_was_never_acknowledged_may_stay() {
    let engine = three_commits().await;
    let behind = Arc::new(engine.copy());
    let store = open(&engine).expect("a store");
    engine.on_sync(Fate::Fails);
    store.commit(insert([user(4).into()])).await.expect_err("applied, and never synced");
    drop(store);
    engine.on_sync(Fate::Works);
    assert_eq!(engine.head(), behind.head());
    let store = open(&engine).expect("its tail is whole");
    assert!(get(&store, user_id(4)).await.is_some());
    assert_eq!(engine.head().map(|head| head.position), Some(4), "the head follows");
}

#[tokio::test]
async fn lost_commits_are_seen() {
    let engine = three_commits().await;
    let old = Arc::new(engine.copy());
    let store = open(&engine).expect("a store");
    store.commit(insert([user(4).into()])).await.expect("committed");
    drop(store);
    old.set_head(engine.head());
    assert_eq!(is_damaged(&old), "commits up to position 4 were acknowledged, found are 3");
    let empty = Arc::new(FaultyEngine::default());
    empty.set_head(engine.head());
    assert_eq!(is_damaged(&empty), "commits up to position 4 were acknowledged, found are 0");
}

#[tokio::test]
async fn another_feed_is_seen() {
    let engine = three_commits().await;
    let head = engine.head().expect("a head");
    engine.set_head(Some(Head { digest: head.digest ^ 1, ..head }));
    assert!(is_damaged(&engine).contains("is not the one that was acknowledged"));
    engine.set_head(Some(Head { position: 2, ..head }));
    assert!(is_damaged(&engine).contains("up to position 2"), "the digest of 3 is not that of 2");
    engine.set_head(Some(Head { epoch: head.epoch ^ 1, ..head }));
    assert!(is_damaged(&engine).contains("epoch"));
    engine.set_head(Some(Head { position: 0, digest: 0, ..head }));
    drop(open(&engine).expect("all of it is a tail"));
}

#[tokio::test]
async fn data_that_is_no_desk_is_left_alone() {
    let engine = Arc::new(FaultyEngine::default());
    let (key, value) = (Bytes::from_static(b"somebody's"), Bytes::from_static(b"data"));
    engine.put(&key, &value);
    assert!(matches!(open(&engine), Err(Error::UnknownFormat { .. })));
    assert_eq!(engine.dump(), [(key, value)]);
}

#[tokio::test]
async fn another_format_is_named() {
    let engine = three_commits().await;
    let (key, _) = engine.dump().into_iter().find(|(_, value)| value.starts_with(b"bsm-kv")).expect("the format");
    engine.put(&key, &Bytes::from_static(b"bsm-kv 3"));
    match open(&engine) {
        Err(Error::UnknownFormat { found, supported, .. }) => {
            assert_eq!((&*found, &*supported), ("bsm-kv 3", "bsm-kv 2"));
        }
        other => panic!("{other:?}"),
    }
    engine.put(&key, &Bytes::from_static(b"\xff\n"));
    assert!(matches!(open(&engine), Err(Error::UnknownFormat { .. })));
}

/// Everything that the desk below can be asked.
fn questions() -> ReadSet {
    let find = |field, value: &'static str| UniqueValue { entity: Entity::User, field, value: Value::from(value) };
    let by_status = Index::by(Entity::Ticket, &[Field::Status]).expect("an index");
    ReadSet {
        get: vec![user_id(1).into(), user_id(2).into(), article(3, 1, "").id.into(), ticket(4, 1).id.into()],
        find: vec![find(Field::Email, "person1@example.org"), find(Field::ExternalRef, "x")],
        scan: Some(scan(vec![
            branch(by_status, vec![Value::Token { code: 1, text: "new" }]),
            branch(Index::primary(Entity::User), vec![]),
        ])),
        follow: vec![Relation::ArticleAuthor],
        history: Some(HistoryQuery { key: user_id(1).into(), order: Order::OldestFirst, after: None, limit: 10 }),
        counts: [Counter::Users, Counter::Tickets, Counter::Articles]
            .map(|counter| CountQuery { counter, prefix: vec![] })
            .into(),
        log: Some(LogQuery { entity: Entity::Ticket, after: None, limit: 10 }),
        numbers: true,
        feed: Some(FeedQuery { customer: None, after: None, entities: vec![], limit: 10, rows: false }),
        used: Some((user_id(1), "again".to_owned())),
        at_least: None,
        current: false,
    }
}

/// A desk with something under every tag, and one row in pieces.
async fn one_of_everything() -> Arc<FaultyEngine> {
    let engine = Arc::new(FaultyEngine::new(true, 512));
    let store = open(&engine).expect("a store");
    let mut second = user(2);
    second.external_ref = Some("x".to_owned());
    let rows: [Row; 4] =
        [user(1).into(), second.into(), article(3, 1, &"word ".repeat(250)).into(), ticket(4, 1).into()];
    let mut change = insert(rows);
    change.history = vec![entry(user_id(1).into(), 1)];
    change.idempotency = Some(idempotency("again", 1, Key::from(user_id(1)), 100));
    store.commit(change).await.expect("committed");
    store.close().await.expect("closed");
    engine
}

async fn ask(engine: &Arc<FaultyEngine>) -> Result<Answers, Error> {
    open(engine)?.read(questions()).await
}

/// Answers with their rows and counts in a fixed order.
fn is_unharmed(found: Result<Answers, Error>, whole: &Answers, what: &str) -> bool {
    match found {
        Ok(answers) => {
            assert_eq!(&answers, whole, "{what}");
            true
        }
        Err(Error::Damaged { .. } | Error::UnknownFormat { .. }) => false,
        Err(other) => panic!("{what}: {other:?}"),
    }
}

#[tokio::test]
async fn a_flipped_bit_in_a_value_is_seen_or_harmless() {
    let engine = one_of_everything().await;
    let whole = ask(&engine).await.expect("whole");
    let (mut seen, mut harmless) = (0, Vec::new());
    for (key, value) in engine.dump() {
        for bit in 0..value.len() * 8 {
            let mut damaged = value.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            engine.put(&key, &damaged.into());
            if is_unharmed(ask(&engine).await, &whole, &format!("bit {bit} of {key:?}")) {
                harmless.push(key[0]);
            } else {
                seen += 1;
            }
        }
        engine.put(&key, &value);
    }
    harmless.dedup();
    // Other rows' unique values (4) are not asked for by a read.
    assert_eq!(harmless, [4]);
    assert!(seen > 10_000, "{seen}");
}

#[tokio::test]
async fn a_missing_key_never_panics() {
    let engine = one_of_everything().await;
    for (key, value) in engine.dump() {
        engine.remove(&key);
        match ask(&engine).await {
            Ok(_) | Err(Error::Damaged { .. } | Error::UnknownFormat { .. }) => {}
            Err(other) => panic!("{key:?}: {other:?}"),
        }
        engine.put(&key, &value);
    }
}

#[tokio::test]
async fn a_counter_that_would_fall_below_zero_is_damage() {
    let engine = one_of_everything().await;
    for (key, _) in engine.dump().iter().filter(|(key, _)| key[0] == 5) {
        engine.remove(key);
    }
    let store = open(&engine).expect("a store");
    let mut other = user(2);
    other.external_ref = Some("x".to_owned());
    other.active = false;
    let told = store.commit(writes([update(other)])).await.expect_err("the counter is gone");
    assert!(matches!(told, Error::Damaged { .. }), "{told:?}");
    assert!(get(&store, user_id(2)).await.is_some_and(|row| row.version().0 == 1), "nothing was changed");
}

#[tokio::test]
async fn rows_in_pieces_leave_none_behind() {
    let engine = one_of_everything().await;
    let pieces = |engine: &FaultyEngine| engine.dump().iter().filter(|(key, _)| key[0] == 255).count();
    assert_eq!(pieces(&engine), 3);
    let store = open(&engine).expect("a store");
    let mut row = article(3, 1, &"longer ".repeat(600));
    row.updated_at = at(1);
    store.commit(writes([update(row.clone())])).await.expect("committed");
    assert_eq!(pieces(&engine), 9);
    row.version = row.version.next();
    row.body = "word ".repeat(120);
    store.commit(writes([update(row.clone())])).await.expect("committed");
    assert_eq!(pieces(&engine), 2);
    row.version = row.version.next();
    row.body = "short".to_owned();
    store.commit(writes([update(row.clone())])).await.expect("committed");
    assert_eq!(pieces(&engine), 0);
    row.version = row.version.next();
    assert_eq!(get(&store, row.id).await, Some(row.clone().into()));
    row.body = "words ".repeat(300);
    store.commit(writes([update(row.clone())])).await.expect("committed");
    row.version = row.version.next();
    assert_ne!(pieces(&engine), 0);
    store.commit(writes([common::delete(row)])).await.expect("committed");
    assert_eq!(pieces(&engine), 0);
}
