//! Recounting everything: whatever is put, taken away or altered behind the store's back is told, by its place.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::model::{Action, HistoryEntry, Row, UserId};
use bsm_core::store::{ChangeSet, ImportEnd, ImportPart, ImportStep, Place, Store, Verification, Write};
use bsm_store_kv::{KvOptions, KvStore};
use bytes::Bytes;
use common::faulty::FaultyEngine;
use common::{article, entry, id, idempotency, note, rating, request, service, ticket, user, user_id, writes};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

// The tables' tags: docs/format.md.
const META: u8 = 1;
const ROW: u8 = 2;
const INDEX: u8 = 3;
const UNIQUE: u8 = 4;
const COUNTER: u8 = 5;
const HISTORY: u8 = 6;
const FEED: u8 = 7;
const REMEMBERED: u8 = 8;
const EXPIRY: u8 = 9;
const CUSTOMER_FEED: u8 = 10;
const PIECE: u8 = 255;

fn told(row: &Row) -> HistoryEntry {
    HistoryEntry { action: Action::Created, subject: row.subject(), ..entry(row.key(), 1) }
}

fn made(rows: Vec<Row>) -> ChangeSet {
    let history = rows.iter().map(told).collect();
    ChangeSet { history, ..writes(rows.into_iter().map(Write::Insert)) }
}

/// A desk with something under every tag, rows in pieces among it, and three events of one customer.
async fn desk() -> (Arc<FaultyEngine>, KvStore) {
    let engine = Arc::new(FaultyEngine::new(true, 512));
    let store = KvStore::open(Arc::clone(&engine), KvOptions::default()).expect("a store");
    let mut second = user(2);
    second.external_ref = Some("x".to_owned());
    let mut change = made(vec![
        user(1).into(),
        second.into(),
        service(3).into(),
        article(4, 1, &"word ".repeat(250)).into(),
        rating(8, 3, 1).into(),
    ]);
    change.idempotency = Some(idempotency("again", 1, user_id(1), 100));
    store.commit(change).await.expect("committed");
    let mut of = request(5, 3, 1);
    of.rating_id = Some(rating(8, 3, 1).id);
    let mut first = ticket(6, 1);
    first.requested_for = Some(user_id(1));
    first.assigned_to = Some(user_id(2));
    store.commit(made(vec![of.into(), first.into()])).await.expect("committed");
    store
        .commit(made(vec![ticket(9, 1).into(), note(7, 6, 1).into(), request(10, 3, 1).into()]))
        .await
        .expect("committed");
    (engine, store)
}

async fn found(store: &KvStore) -> Verification {
    store.verify().await.expect("recounted")
}

fn places(found: &Verification) -> Vec<String> {
    found.differences.iter().map(ToString::to_string).collect()
}

/// The value as it lies under its key.
fn seal(key: &[u8], payload: &[u8]) -> Bytes {
    let mut sealed = vec![1];
    sealed.extend_from_slice(payload);
    let sum = xxh3_64_with_seed(&sealed, xxh3_64(key)).to_be_bytes();
    sealed.extend_from_slice(&sum[4..]);
    sealed.into()
}

/// The payload of a sealed value that is not in pieces.
fn payload(value: &Bytes) -> Vec<u8> {
    value[1..value.len() - 4].to_vec()
}

/// Whether a difference is told where one is to be expected for a key of this table.
fn is_told(tag: u8, found: &Verification) -> bool {
    let own = |words: &str| found.differences.iter().any(|difference| difference.to_string().contains(words));
    let any = |fits: fn(&Place) -> bool| found.differences.iter().any(|difference| fits(&difference.at));
    match tag {
        ROW | PIECE => any(|at| matches!(at, Place::Row(_))) || own("piece"),
        INDEX => any(|at| matches!(at, Place::Index(..))),
        UNIQUE => any(|at| matches!(at, Place::Unique(..))) || own("unique"),
        COUNTER => any(|at| matches!(at, Place::Counter(..))),
        HISTORY => any(|at| matches!(at, Place::History(..))) || own("history"),
        FEED => any(|at| matches!(at, Place::Feed(_) | Place::CustomerFeed(..))),
        CUSTOMER_FEED => any(|at| matches!(at, Place::CustomerFeed(..))) || own("feed of customer"),
        REMEMBERED | EXPIRY => own("idempotency key"),
        _ => !found.is_clean(),
    }
}

#[tokio::test]
async fn a_whole_desk_is_clean() {
    let (engine, store) = desk().await;
    let found = found(&store).await;
    assert!(found.is_clean(), "{:#?}", places(&found));
    assert_eq!((found.rows, found.history, found.events), (10, 10, 3));
    let mut tags: Vec<u8> = engine.dump().iter().map(|(key, _)| key[0]).collect();
    tags.dedup();
    assert_eq!(tags, [META, ROW, INDEX, UNIQUE, COUNTER, HISTORY, FEED, REMEMBERED, EXPIRY, CUSTOMER_FEED, PIECE]);
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let (engine, store) = desk().await;
    // A desk without its oldest events is one whose feed was trimmed.
    let first = Bytes::from([[FEED].as_slice(), &1_u64.to_be_bytes()].concat());
    for (key, value) in engine.dump().into_iter().filter(|(key, _)| key[0] != META && *key != first) {
        engine.remove(&key);
        let found = found(&store).await;
        assert!(is_told(key[0], &found), "without {key:?}: {:#?}", places(&found));
        engine.put(&key, &value);
    }
    assert!(found(&store).await.is_clean());
}

#[tokio::test]
async fn a_flipped_bit_is_told() {
    let (engine, store) = desk().await;
    for (key, value) in engine.dump().into_iter().filter(|(_, value)| !value.is_empty()) {
        for at in [0, value.len() / 2, value.len() - 1] {
            let mut damaged = value.to_vec();
            damaged[at] ^= 1;
            engine.put(&key, &damaged.into());
            let found = found(&store).await;
            assert!(is_told(key[0], &found), "byte {at} of {key:?}: {:#?}", places(&found));
        }
        engine.put(&key, &value);
    }
    assert!(found(&store).await.is_clean());
}

/// A key like another, of another row or number: with its last byte altered.
#[tokio::test]
async fn what_belongs_to_nothing_is_told() {
    let (engine, store) = desk().await;
    for (key, value) in engine.dump().into_iter().filter(|(key, _)| key[0] != META) {
        let mut stray = key.to_vec();
        let last = stray.len() - 1;
        stray[last] ^= 0x40;
        // Sealed anew, so that nothing but its place is wrong. A piece is not sealed, and an index entry is empty.
        let value = if value.is_empty() || key[0] == PIECE { value } else { seal(&stray, &payload(&value)) };
        let stray = Bytes::from(stray);
        engine.put(&stray, &value);
        let found = found(&store).await;
        assert!(!found.is_clean(), "with {stray:?}, like {key:?}");
        engine.remove(&stray);
    }
    let unknown = Bytes::from_static(&[77, 1, 2]);
    engine.put(&unknown, &Bytes::from_static(b"data"));
    assert!(places(&found(&store).await)[0].contains("unknown key"));
    engine.remove(&unknown);
    assert!(found(&store).await.is_clean());
}

/// What is whole by itself, and says something else than the rest.
#[tokio::test]
async fn what_contradicts_the_rest_is_told() {
    let (engine, store) = desk().await;
    let of = |tag: u8| engine.dump().into_iter().filter(move |(key, _)| key[0] == tag);
    for (key, value) in of(UNIQUE) {
        engine.put(&key, &seal(&key, id(99).as_bytes()));
        assert!(is_told(UNIQUE, &found(&store).await), "{key:?}");
        engine.put(&key, &value);
    }
    for (key, value) in of(COUNTER) {
        let (texts, sum): (Vec<String>, i128) = postcard::from_bytes(&payload(&value)).expect("a counter");
        engine.put(&key, &seal(&key, &postcard::to_stdvec(&(texts, sum + 1)).expect("encoded")));
        assert!(is_told(COUNTER, &found(&store).await), "{key:?}");
        engine.put(&key, &value);
    }
    for (key, value) in of(CUSTOMER_FEED) {
        engine.put(&key, &seal(&key, &postcard::to_stdvec(&7_u64).expect("encoded")));
        assert!(is_told(CUSTOMER_FEED, &found(&store).await), "{key:?}");
        engine.put(&key, &value);
    }
    // Each record with the digest of another: the chain breaks, save at its beginning, before which all is forgotten.
    for (key, value) in of(FEED).skip(1) {
        let mut other = payload(&value);
        other[0] ^= 1;
        engine.put(&key, &seal(&key, &other));
        assert!(is_told(FEED, &found(&store).await), "{key:?}");
        engine.put(&key, &value);
    }
    let mut active = user(2);
    (active.external_ref, active.active) = (Some("y".to_owned()), false);
    let (key, value) = of(ROW).find(|(key, _)| key.ends_with(id(2).as_bytes())).expect("the row");
    engine.put(&key, &seal(&key, &postcard::to_stdvec(&Row::from(active)).expect("encoded")));
    let told = found(&store).await;
    assert!(is_told(UNIQUE, &told) && is_told(COUNTER, &told), "{:#?}", places(&told));
    engine.put(&key, &value);
    assert!(found(&store).await.is_clean());
}

/// A desk that does not hold together is not opened by the end of its import.
#[tokio::test]
async fn an_import_of_what_does_not_hold_together_does_not_end() {
    let store = bsm_store_kv::memory().expect("a store");
    let lost = UserId::from_uuid(id(50));
    let (first, mut of) = (Row::from(user(1)), ticket(6, 1));
    of.assigned_to = Some(lost);
    of.number = bsm_core::model::TicketNumber::new(1);
    let rows = vec![first, of.clone().into()];
    let history = rows.iter().map(told).collect();
    store.import(ImportStep::Begin).await.expect("begun");
    store.import(ImportStep::Restore(ImportPart { rows, history, ..ImportPart::default() })).await.expect("taken in");
    let refused = store.import(ImportStep::Finish(ImportEnd::default())).await;
    match refused {
        Err(Error::Inconsistent { difference, .. }) => assert_eq!(difference.at, Place::Row(of.id.into())),
        other => panic!("{other:?}"),
    }
    assert!(matches!(store.health().await, Err(Error::ImportUnfinished { .. })));
}
