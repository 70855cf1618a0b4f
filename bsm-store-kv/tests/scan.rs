//! Pages against the naive model: merges, time ranges, both directions, limits, budgets, conditions, rows that are followed.

mod common;

use bsm_core::Error;
use bsm_core::model::{Entity, RequestStatus, Row, TicketStatus, TimeRange, Timestamp, UserId, Value};
use bsm_core::schema::{Field, Index, Relation};
use bsm_core::store::{Branch, ChangeSet, Condition, Order, ReadSet, Scan, Scanned, Store, Write};
use bsm_store_kv::KvStore;
use common::naive::Naive;
use common::{at, branch, id, id_at, request, scan, service, ticket, user, user_id};
use proptest::prelude::*;
use uuid::Uuid;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

async fn page(store: &dyn Store, scan: &Scan) -> Result<Scanned, Error> {
    let set = ReadSet { scan: Some(scan.clone()), ..ReadSet::default() };
    Ok(store.read(set).await?.scanned.expect("a page"))
}

/// Tickets and requests at random moments, several at the same one.
async fn desk(things: &[(bool, u8, u8)]) -> (KvStore, Naive) {
    let mut change = ChangeSet::new(at(0));
    change.writes.extend([user(1), user(2)].map(|user| Write::Insert(user.into())));
    change.writes.push(Write::Insert(service(3).into()));
    for (n, (is_ticket, moment, state)) in things.iter().enumerate() {
        let random = u64::try_from(n).expect("small") * 4;
        let made = id_at(at(i64::from(*moment) + 1_000), random);
        let row: Row = if *is_ticket {
            let mut ticket = ticket(0, 1);
            ticket.id = bsm_core::model::TicketId::from_uuid(made);
            ticket.status = TicketStatus::ALL[usize::from(*state) % TicketStatus::ALL.len()];
            ticket.category = (state % 2 == 0).then(|| "network".to_owned());
            ticket.assigned_to = (state % 3 == 0).then(|| user_id(2));
            ticket.into()
        } else {
            let mut request = request(0, 3, 1);
            request.id = bsm_core::model::RequestId::from_uuid(made);
            request.status = RequestStatus::ALL[usize::from(*state) % RequestStatus::ALL.len()];
            request.into()
        };
        change.writes.push(Write::Insert(row));
    }
    let mut naive = Naive::default();
    naive.commit(&change).expect("a fresh desk");
    let store = bsm_store_kv::memory().expect("a store");
    store.commit(change).await.expect("a fresh desk");
    (store, naive)
}

fn status(index: usize) -> Value<'static> {
    TicketStatus::ALL[index % TicketStatus::ALL.len()].into()
}

fn branches() -> impl Strategy<Value = Vec<Branch>> {
    let tickets = Index::primary(Entity::Ticket);
    let requests = Index::primary(Entity::Request);
    let by_status = Index::by(Entity::Ticket, &[Field::Status]).expect("an index");
    let by_request_status = Index::by(Entity::Request, &[Field::Status]).expect("an index");
    let by_assignee = Index::by(Entity::Ticket, &[Field::AssignedTo, Field::Phase]).expect("an index");
    let conditions = proptest::option::of(prop_oneof![
        Just(Condition { field: Field::Category, value: Value::from("network") }),
        Just(Condition { field: Field::Category, value: Value::Null }),
        Just(Condition { field: Field::AssignedTo, value: user_id(2).into() }),
    ]);
    let merged = prop_oneof![
        Just(vec![]),
        Just(vec![branch(tickets, vec![])]),
        Just(vec![branch(tickets, vec![]), branch(requests, vec![])]),
        proptest::sample::subsequence((0..9).collect::<Vec<usize>>(), 0..9)
            .prop_map(move |states| states.iter().map(|state| branch(by_status, vec![status(*state)])).collect()),
        Just(vec![
            branch(by_status, vec![status(0)]),
            branch(by_status, vec![status(1)]),
            branch(by_request_status, vec![RequestStatus::Submitted.into()]),
        ]),
        Just(
            bsm_core::model::Phase::ALL
                .iter()
                .map(|phase| branch(by_assignee, vec![user_id(2).into(), (*phase).into()]))
                .collect()
        ),
    ];
    (merged, conditions).prop_map(|(mut branches, condition)| {
        for branch in &mut branches {
            branch.conditions.extend(condition.clone());
        }
        branches
    })
}

fn a_scan() -> impl Strategy<Value = Scan> {
    let moment = || proptest::option::of((0..300_i64).prop_map(|micros| at(1_000 + micros)));
    let after = proptest::option::of((0..300_i64, 0..400_u64).prop_map(|(micros, n)| id_at(at(1_000 + micros), n * 4)));
    (branches(), moment(), moment(), any::<bool>(), after, 0..12_usize, 0..40_usize).prop_map(
        |(branches, from, to, back, after, limit, budget)| Scan {
            within: TimeRange { from, to },
            order: if back { Order::NewestFirst } else { Order::OldestFirst },
            after,
            limit,
            budget,
            ..scan(branches)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_page_is_what_the_model_says(things in proptest::collection::vec(any::<(bool, u8, u8)>(), 0..80), scan in a_scan()) {
        run(async {
            let (store, naive) = desk(&things).await;
            let follow = vec![Relation::TicketCreatedBy, Relation::TicketAssignedTo, Relation::RequestService];
            let set = ReadSet { scan: Some(scan.clone()), follow: follow.clone(), ..ReadSet::default() };
            let answers = store.read(set).await.expect("a read");
            let scanned = answers.scanned.expect("a page");
            let mut followed: Vec<_> = answers.followed.iter().map(Row::key).collect();
            followed.sort_unstable();
            assert_eq!(followed, Naive::followed(&scanned.rows, &follow));
            assert_eq!((scanned.rows, scanned.resume, scanned.examined), naive.scan(&scan));
            for row in answers.followed {
                assert_eq!(Some(&row), naive.rows.get(&row.key()));
            }
        });
    }

    #[test]
    fn pages_make_up_the_whole(
        things in proptest::collection::vec(any::<(bool, u8, u8)>(), 0..60),
        scan in a_scan(), limit in 1..9_usize, budget in 1..9_usize,
    ) {
        run(async {
            let (store, naive) = desk(&things).await;
            let whole = Scan { limit: usize::MAX, budget: usize::MAX, after: None, ..scan.clone() };
            let (expected, _, all) = naive.scan(&whole);
            let (mut rows, mut examined, mut next) = (Vec::new(), 0, Scan { limit, budget, ..whole });
            loop {
                let part = page(&store, &next).await.expect("a page");
                assert!(part.rows.len() <= limit && part.examined <= budget);
                rows.extend(part.rows);
                examined += part.examined;
                match part.resume {
                    Some(_) => assert!(part.examined > 0, "it goes on"),
                    None => break,
                }
                next.after = part.resume;
            }
            assert_eq!((rows, examined), (expected, all));
        });
    }
}

#[tokio::test]
async fn the_ends_of_a_range_belong_to_it() {
    let (store, _) = desk(&[(true, 1, 0), (true, 2, 0), (true, 3, 0)]).await;
    let all = scan(vec![branch(Index::primary(Entity::Ticket), vec![])]);
    let count = async |from: Option<i64>, to: Option<i64>| {
        let within = TimeRange { from: from.map(|n| at(1_000 + n)), to: to.map(|n| at(1_000 + n)) };
        page(&store, &Scan { within, ..all.clone() }).await.expect("a page").rows.len()
    };
    assert_eq!(count(Some(2), Some(2)).await, 1);
    assert_eq!(count(Some(1), Some(3)).await, 3);
    assert_eq!(count(Some(3), Some(1)).await, 0);
    assert_eq!(count(Some(2), None).await, 2);
    assert_eq!(count(None, Some(2)).await, 2);
}

#[tokio::test]
async fn rows_with_any_id_stand_in_lists_without_an_end() {
    let store = bsm_store_kv::memory().expect("a store");
    let ids = [Uuid::nil(), Uuid::from_u128(1), id(5), Uuid::max()];
    let mut change = ChangeSet::new(Timestamp::MIN);
    for (n, id) in (0..).zip(ids) {
        let mut user = user(n);
        user.id = UserId::from_uuid(id);
        change.writes.push(Write::Insert(user.into()));
    }
    store.commit(change).await.expect("committed");
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let mut next = Scan { order, limit: 1, ..scan(vec![branch(Index::primary(Entity::User), vec![])]) };
        let mut found = Vec::new();
        loop {
            let part = page(&store, &next).await.expect("a page");
            found.extend(part.rows.iter().map(|row| row.key().id));
            next.after = part.resume;
            if part.resume.is_none() {
                break;
            }
        }
        if order == Order::NewestFirst {
            found.reverse();
        }
        assert_eq!(found, ids);
    }
    for (order, after) in [(Order::OldestFirst, Uuid::max()), (Order::NewestFirst, Uuid::nil())] {
        let behind = Scan { order, after: Some(after), ..scan(vec![branch(Index::primary(Entity::User), vec![])]) };
        assert_eq!(page(&store, &behind).await.expect("a page"), Scanned::default());
    }
}

#[tokio::test]
async fn a_branch_that_no_row_can_stand_in_is_empty() {
    let (store, _) = desk(&[(true, 1, 0)]).await;
    let by_category = Index::by(Entity::Ticket, &[Field::Category]).expect("an index");
    for value in [Value::Null, Value::Int(1), Value::from("no such")] {
        let scanned = page(&store, &scan(vec![branch(by_category, vec![value])])).await.expect("a page");
        assert_eq!(scanned, Scanned::default());
    }
}

#[tokio::test]
async fn a_branch_that_makes_no_sense_is_refused() {
    let (store, _) = desk(&[]).await;
    let by_category = Index::by(Entity::Ticket, &[Field::Category]).expect("an index");
    let unknown = Index { entity: Entity::Ticket, tag: 200 };
    for branch in [branch(by_category, vec![]), branch(unknown, vec![]), branch(unknown, vec![Value::Int(1)])] {
        let told = page(&store, &scan(vec![branch])).await.expect_err("it makes no sense");
        assert!(matches!(told, Error::Unsupported { .. }), "{told:?}");
    }
}

#[tokio::test]
async fn a_long_read_answers_like_a_short_one() {
    // More keys than a read may look at on the caller's thread.
    let things: Vec<_> = (0..700_u16).map(|n| (n % 2 == 0, n.to_be_bytes()[1], 0)).collect();
    let (store, naive) = desk(&things).await;
    let all =
        scan(vec![branch(Index::primary(Entity::Ticket), vec![]), branch(Index::primary(Entity::Request), vec![])]);
    let scanned = page(&store, &all).await.expect("a page");
    assert_eq!(scanned.rows.len(), 700);
    assert_eq!((scanned.rows, scanned.examined), (naive.scan(&all).0, 700));
}

#[test]
fn reads_need_no_runtime() {
    let store = bsm_store_kv::memory().expect("a store");
    let mut commit = store.commit(common::insert([user(1).into()]));
    assert!(common::poll_once(&mut commit).expect("done in place").is_ok());
    let mut change = ChangeSet::new(at(0));
    change.writes.extend((2..700).map(|n| Write::Insert(user(n).into())));
    let mut commit = store.commit(change);
    let committed = loop {
        // Done by the store's thread: it takes as long as it takes.
        match common::poll_once(&mut commit) {
            Some(committed) => break committed,
            None => std::thread::yield_now(),
        }
    };
    assert!(committed.is_ok());
    let set = ReadSet { scan: Some(scan(vec![branch(Index::primary(Entity::User), vec![])])), ..ReadSet::default() };
    let answers = common::poll_once(&mut store.read(set)).expect("done in place").expect("a read");
    assert_eq!(answers.scanned.expect("a page").rows.len(), 699);
}
