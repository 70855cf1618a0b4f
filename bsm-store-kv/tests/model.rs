//! Random commands on a store and on a naive model: the same answers, the same refusals, the same state.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use bsm_core::model::{
    Entity, Key, RatingId, RequestId, RequestStatus, Role, Row, TicketId, TicketStatus, UserId, Value, Version,
};
use bsm_core::schema::{Counter, Index, Relation, counters, indexes, uniques};
use bsm_core::store::{ChangeSet, CountQuery, Guard, HistoryQuery, Order, ReadSet, Store, UniqueValue, Write};
use bsm_store_kv::{KvOptions, KvStore};
use common::faulty::FaultyEngine;
use common::naive::{Naive, refusal};
use common::{at, branch, entry, id, poll_once, scan};
use proptest::prelude::*;

/// One random write, as numbers: the rows it names may or may not be there, and its version may be stale.
#[derive(Clone, Debug)]
struct Wish {
    entity: usize,
    row: u32,
    kind: u8,
    stale: bool,
    other: [u32; 5],
    word: u8,
}

fn wish() -> impl Strategy<Value = Wish> {
    (0..7_usize, 0..4_u32, 0..8_u8, proptest::bool::weighted(0.05), any::<[u8; 5]>(), any::<u8>()).prop_map(
        |(entity, row, kind, stale, other, word)| Wish {
            entity,
            row,
            kind,
            stale,
            other: other.map(|byte| u32::from(byte % 6)),
            word,
        },
    )
}

/// The number of the `row`th of an entity.
fn nth(entity: Entity, row: u32) -> u32 {
    u32::from(entity.code()) * 100 + row
}

fn a_row(wish: &Wish) -> Row {
    let entity = Entity::ALL[wish.entity];
    let n = nth(entity, wish.row);
    let other = |entity, place: usize| nth(entity, wish.other[place]);
    let maybe = |entity, place: usize| (wish.other[place] < 4).then(|| id(nth(entity, wish.other[place])));
    let external = ["a", "b", "c"].get(usize::from(wish.word % 8)).map(ToString::to_string);
    match entity {
        Entity::User => {
            let mut user = common::user(n);
            user.email = format!("{}@example.org", wish.word % 6);
            user.role = Role::ALL[usize::from(wish.word) % 3];
            user.active = wish.word.is_multiple_of(2);
            user.external_ref = external;
            user.into()
        }
        Entity::Ticket => {
            let mut ticket = common::ticket(n, other(Entity::User, 0));
            ticket.status = TicketStatus::ALL[usize::from(wish.word) % TicketStatus::ALL.len()];
            ticket.category.clone_from(&external);
            ticket.assigned_to = maybe(Entity::User, 1).map(UserId::from_uuid);
            ticket.requested_for = maybe(Entity::User, 2).map(UserId::from_uuid);
            ticket.request_id = maybe(Entity::Request, 3).map(RequestId::from_uuid);
            ticket.follow_up_of = maybe(Entity::Ticket, 4).map(TicketId::from_uuid);
            ticket.external_ref = external;
            ticket.into()
        }
        Entity::Article => {
            common::article(n, other(Entity::User, 0), &"long ".repeat(usize::from(wish.word) * 4)).into()
        }
        Entity::Service => {
            let mut service = common::service(n);
            service.active = wish.word.is_multiple_of(2);
            service.into()
        }
        Entity::Request => {
            let mut request = common::request(n, other(Entity::Service, 0), other(Entity::User, 1));
            request.status = RequestStatus::ALL[usize::from(wish.word) % RequestStatus::ALL.len()];
            request.price = ["49.90 EUR", "7 JPY", "0.00 USD"][usize::from(wish.word) % 3].parse().expect("money");
            request.ticket_id = maybe(Entity::Ticket, 2).map(TicketId::from_uuid);
            request.rating_id = maybe(Entity::Rating, 3).map(RatingId::from_uuid);
            request.external_ref = external;
            request.into()
        }
        Entity::Rating => common::rating(n, other(Entity::Service, 0), other(Entity::User, 1)).into(),
        Entity::Note => common::note(n, other(Entity::Ticket, 0), other(Entity::User, 1)).into(),
        _ => panic!("a new entity"),
    }
}

/// The change set that a few wishes make, with versions as they stand (or stale), and a guard now and then.
fn change(naive: &Naive, wishes: &[Wish]) -> ChangeSet {
    let mut change = ChangeSet::new(at(0));
    for wish in wishes {
        let mut row = a_row(wish);
        let key = row.key();
        let stands = naive.rows.get(&key).map_or(Version(0), Row::version);
        let stands = if wish.stale { stands.next() } else { stands };
        match wish.kind {
            0 => change.guards.push(Guard::Version { key, version: stands }),
            1 => {
                let relation = Relation::ALL[usize::from(wish.word) % Relation::ALL.len()];
                let parent = Key { entity: relation.spec().to, id: id(nth(relation.spec().to, wish.row)) };
                change.guards.push(Guard::NoChildren { relation, parent });
            }
            2 => change.writes.push(Write::Delete { key, expected: stands }),
            3 if wish.word < 16 => change.guards.push(Guard::Empty(key.entity)),
            _ => {
                row.stamp(stands.next(), at(0));
                change.history.push(entry(key, row.version().0));
                change.writes.push(if stands == Version(0) { Write::Insert(row) } else { Write::Update(row) });
            }
        }
    }
    change
}

/// Everything that can be read from a store, compared with the model.
async fn compare(store: &dyn Store, naive: &Naive) {
    for entity in Entity::ALL {
        let all = scan(vec![branch(Index::primary(*entity), Vec::new())]);
        compare_scan(store, naive, all).await;
        for spec in indexes(*entity) {
            let mut groups: Vec<Vec<Value<'static>>> = Vec::new();
            for row in naive.rows.values().filter(|row| row.entity() == *entity) {
                let group = spec.fields.iter().map(|field| row.value(*field).into_owned()).collect();
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
            for group in groups {
                let index = Index { entity: *entity, tag: spec.tag };
                compare_scan(store, naive, scan(vec![branch(index, group)])).await;
            }
        }
    }
    let unique = naive.rows.values().flat_map(|row| {
        let fields = uniques(row.entity()).iter().filter(|field| !row.value(**field).is_null());
        fields.map(|field| UniqueValue { entity: row.entity(), field: *field, value: row.value(*field).into_owned() })
    });
    let counts = |counter| CountQuery { counter, prefix: Vec::new() };
    let set = ReadSet {
        get: naive.rows.keys().copied().collect(),
        find: unique.collect(),
        counts: counters().iter().map(|spec| counts(spec.counter)).collect(),
        ..ReadSet::default()
    };
    let answers = store.read(set.clone()).await.expect("a read");
    assert_eq!(answers.got, naive.rows.values().cloned().map(Some).collect::<Vec<_>>());
    for (wanted, found) in set.find.iter().zip(answers.found) {
        let expected =
            naive.rows.values().find(|row| row.entity() == wanted.entity && row.value(wanted.field) == wanted.value);
        assert_eq!(found.as_ref(), expected, "{wanted:?}");
    }
    let mut counted: BTreeMap<(Counter, Vec<String>), i128> = BTreeMap::new();
    for (query, counts) in set.counts.iter().zip(answers.counts) {
        counted.extend(counts.into_iter().map(|(texts, sum)| ((query.counter, texts), sum)));
    }
    assert_eq!(counted, naive.counters());
    for key in naive.history.keys().map(|(key, _)| *key) {
        let history = HistoryQuery { key, order: Order::OldestFirst, after: None, limit: 1_000 };
        let answers = store.read(ReadSet { history: Some(history), ..ReadSet::default() }).await.expect("a read");
        let range = (key, Version(0))..=(key, Version(u64::MAX));
        assert_eq!(answers.history, naive.history.range(range).map(|(_, entry)| entry.clone()).collect::<Vec<_>>());
    }
}

async fn compare_scan(store: &dyn Store, naive: &Naive, scan: bsm_core::store::Scan) {
    let set = ReadSet { scan: Some(scan.clone()), ..ReadSet::default() };
    let scanned = store.read(set).await.expect("a read").scanned.expect("a page");
    assert_eq!((scanned.rows, scanned.resume), (naive.scan(&scan).0, None), "{scan:?}");
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future);
}

/// A store whose long values lie in pieces, on an engine that checks its batches, and that waits for syncs or not.
fn a_store(engine: &Arc<FaultyEngine>) -> KvStore {
    KvStore::open(Arc::clone(engine), KvOptions::default()).expect("a store")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_store_does_what_the_model_does(
        commands in proptest::collection::vec(proptest::collection::vec(wish(), 1..4), 1..60),
        durable: bool,
    ) {
        run(async {
            let engine = Arc::new(FaultyEngine::new(durable, 600));
            let store = a_store(&engine);
            let mut naive = seeded(&store).await;
            for wishes in &commands {
                let change = change(&naive, wishes);
                let expected = naive.commit(&change);
                let committed = store.commit(change).await;
                assert_eq!(committed.as_ref().map(|done| done.numbers.clone()).map_err(refusal), expected);
            }
            compare(&store, &naive).await;
            drop(store);
            // What is in the engine is all there is to know.
            compare(&a_store(&engine), &naive).await;
        });
    }

    #[test]
    fn a_group_does_what_its_commands_do_one_by_one(
        commands in proptest::collection::vec(proptest::collection::vec(wish(), 1..4), 1..30),
    ) {
        run(async {
            let engine = Arc::new(FaultyEngine::new(true, 600));
            let store = a_store(&engine);
            let mut naive = seeded(&store).await;
            // The first is held while it is applied, and the others gather behind it, in their order.
            engine.hold_applies(true);
            let (applies, syncs) = (engine.applies(), engine.syncs());
            let first = common::insert([common::user(9_999).into()]);
            naive.commit(&first).expect("nobody else");
            let mut waiting = vec![store.commit(first)];
            assert!(poll_once(&mut waiting[0]).is_none());
            engine.wait_for_applies(applies + 1);
            let mut expected = vec![Ok(Vec::new())];
            for wishes in &commands {
                let change = change(&naive, wishes);
                expected.push(naive.commit(&change));
                let mut commit = store.commit(change);
                assert!(poll_once(&mut commit).is_none());
                waiting.push(commit);
            }
            engine.hold_applies(false);
            for (commit, expected) in waiting.into_iter().zip(expected) {
                assert_eq!(commit.await.map(|done| done.numbers).map_err(|error| refusal(&error)), expected);
            }
            assert!(engine.applies() - applies <= 2, "one for the first, one for all that waited");
            assert!(engine.syncs() - syncs <= 2, "likewise");
            compare(&store, &naive).await;
        });
    }
}

/// A few rows to begin with, so that not every reference is missing.
async fn seeded(store: &dyn Store) -> Naive {
    let mut naive = Naive::default();
    let users = [0, 1, 2, 3].map(|n| {
        let mut user = common::user(nth(Entity::User, n));
        user.email = format!("seed{n}@example.org");
        Row::from(user)
    });
    let services = [0, 1].map(|n| Row::from(common::service(nth(Entity::Service, n))));
    let requests = [0, 1, 2]
        .map(|n| Row::from(common::request(nth(Entity::Request, n), nth(Entity::Service, 0), nth(Entity::User, n))));
    let mut change = ChangeSet::new(at(0));
    change.writes.extend(users.into_iter().chain(services).chain(requests).map(Write::Insert));
    naive.commit(&change).expect("a fresh desk");
    store.commit(change).await.expect("a fresh desk");
    naive
}
