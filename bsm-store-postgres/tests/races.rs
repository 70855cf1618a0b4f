//! Commands side by side: some serial order must give what they leave.

mod common;

use std::sync::Arc;

use bsm_core::model::{Key, RequestStatus, Row, Ticket, Version};
use bsm_core::schema::{Counter, Relation};
use bsm_core::store::{ChangeSet, Committed, CountQuery, Guard, ReadSet, Store, Write};
use bsm_core::{Error, Result};
use bsm_store_postgres::PostgresStore;
use common::in_schema;
use common::rows::*;
use sqlx::AssertSqlSafe;

/// Sends commands at the same moment, each through one of the stores.
async fn together(stores: &[Arc<PostgresStore>], changes: Vec<ChangeSet>) -> Vec<Result<Committed>> {
    let start = Arc::new(tokio::sync::Barrier::new(changes.len()));
    let tasks: Vec<_> = changes
        .into_iter()
        .enumerate()
        .map(|(place, change)| {
            let (store, start) = (Arc::clone(&stores[place % stores.len()]), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                store.commit(change).await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.expect("does not panic"));
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_is_converted_once() {
    in_schema("race_convert", |place| async move {
        let stores = [place.open().await, place.open().await];
        let (customer, agent, service) = (user(1), user(2), service(3));
        stores[0]
            .commit(insert([customer.clone().into(), agent.clone().into(), service.clone().into()]))
            .await
            .expect("base");
        for round in 0..20 {
            let asked = request(100 + round, &service, &customer);
            stores[0].commit(insert([asked.clone().into()])).await.expect("submits");
            let Some(Row::Request(asked)) = get(&*stores[0], asked.id).await else { panic!("it is there") };
            let convert = |n| {
                let made = Ticket { request_id: Some(asked.id), ..ticket(n, &agent) };
                let mut linked = asked.clone();
                (linked.ticket_id, linked.status) = (Some(made.id), RequestStatus::InProgress);
                let mut change = change(vec![Write::Insert(made.into()), Write::Update(next(linked, 5))]);
                change.guards = vec![at_version(agent.clone())];
                change
            };
            let outcomes = together(&stores, (0..6).map(|n| convert(1000 + round * 10 + n)).collect()).await;
            let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            assert_eq!(won, 1, "{outcomes:?}");
            for outcome in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
                assert!(matches!(outcome, Error::Conflict { key, .. } if *key == asked.id.into()), "{outcome:?}");
            }
        }
        let tickets = CountQuery { counter: Counter::Tickets, prefix: Vec::new() };
        let counts =
            stores[1].read(ReadSet { counts: vec![tickets], ..ReadSet::default() }).await.expect("reads").counts;
        assert_eq!(counts, [[(vec!["new".to_owned()], 20)]]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_person_is_not_given_work_while_they_leave() {
    in_schema("race_leave", |place| async move {
        let stores = [place.open().await, place.open().await];
        let boss = user(1);
        stores[0].commit(insert([boss.clone().into()])).await.expect("base");
        for round in 0..30 {
            let (leaver, work) = (user(100 + round), ticket(200 + round, &boss));
            stores[0].commit(insert([leaver.clone().into(), work.clone().into()])).await.expect("base");
            // The one relies on the person being active, the other on nobody having given them work.
            let mut assign =
                change(vec![Write::Update(next(Ticket { assigned_to: Some(leaver.id), ..work.clone() }, 5))]);
            assign.guards = vec![at_version(leaver.clone())];
            let mut gone = leaver.clone();
            gone.active = false;
            let mut leave = change(vec![Write::Update(next(gone, 5))]);
            leave.guards = vec![Guard::NoChildren { relation: Relation::TicketAssignedTo, parent: leaver.id.into() }];
            let outcomes = together(&stores, vec![assign, leave]).await;
            match (&outcomes[0], &outcomes[1]) {
                (Ok(_), Err(Error::StillReferenced { .. })) | (Err(Error::Conflict { .. }), Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

/// Proves the lock on the parent of a guard against children: each would else see that the other's ticket has no note.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_rely_on_each_other_having_no_children_are_not_both_right() {
    in_schema("race_childless", |place| async move {
        let stores = [place.open().await, place.open().await];
        let boss = user(1);
        stores[0].commit(insert([boss.clone().into()])).await.expect("base");
        for round in 0..30 {
            let (left, right) = (ticket(100 + round, &boss), ticket(200 + round, &boss));
            stores[0].commit(insert([left.clone().into(), right.clone().into()])).await.expect("base");
            let only = |n, on: &Ticket, other: &Ticket| {
                let mut change = insert([note(n, on, &boss).into()]);
                change.guards = vec![Guard::NoChildren { relation: Relation::NoteTicket, parent: other.id.into() }];
                change
            };
            let changes = vec![only(300 + round, &left, &right), only(400 + round, &right, &left)];
            let outcomes = together(&stores, changes).await;
            match (&outcomes[0], &outcomes[1]) {
                (Ok(_), Err(Error::StillReferenced { .. })) | (Err(Error::StillReferenced { .. }), Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

/// Whoever waits for a row holds none that comes behind it, so nobody waits in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_are_locked_in_the_order_of_their_keys() {
    in_schema("race_order", |place| async move {
        let store = place.open().await;
        let (first, last, service) = (user(1), user(2), service(3));
        let base = insert([first.clone().into(), last.clone().into(), service.clone().into()]);
        store.commit(base).await.expect("base");
        let mut holder = place.pool.begin().await.expect("begins");
        let lock = |table: &str, key: Key, how: &str| {
            AssertSqlSafe(format!("SELECT FROM {}.{table} WHERE id = '{}' FOR UPDATE {how}", place.schema, key.id))
        };
        sqlx::query(lock("users", first.id.into(), "")).execute(&mut *holder).await.expect("locks");
        let rows = [next(service.clone(), 5), next(last.clone(), 5), next(first.clone(), 5)];
        let change = change(rows.into_iter().map(Write::Update).collect());
        let waiting = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit(change).await }
        });
        place.waits(1).await;
        for (table, key) in [("users", Key::from(last.id)), ("customer_services", service.id.into())] {
            sqlx::query(lock(table, key, "NOWAIT")).execute(&mut *holder).await.expect("nobody holds it");
        }
        holder.rollback().await.expect("lets go");
        waiting.await.expect("does not panic").expect("goes on");
    })
    .await;
}

/// Two who take one value would else both write it, and then wait for each other when it is checked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_takes_a_value_waits_for_whoever_takes_the_same() {
    in_schema("race_value", |place| async move {
        let store = place.open().await;
        let mut holder = place.pool.begin().await.expect("begins");
        let lock = format!("LOCK TABLE {}.counters IN EXCLUSIVE MODE", place.schema);
        sqlx::query(AssertSqlSafe(lock)).execute(&mut *holder).await.expect("locks");
        let tasks: Vec<_> = [1, 2]
            .map(|n| {
                let (store, mut person) = (Arc::clone(&store), user(n));
                person.email = "same@example.org".to_owned();
                tokio::spawn(async move { store.commit(insert([person.into()])).await })
            })
            .into();
        assert_eq!(place.waits(2).await, ["advisory", "relation"], "one has written, the other has not");
        holder.rollback().await.expect("lets go");
        let mut told = 0;
        for task in tasks {
            match task.await.expect("does not panic") {
                Ok(_) => {}
                Err(Error::Duplicate { field: bsm_core::schema::Field::Email, .. }) => told += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(told, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_deleted_while_a_child_is_made() {
    in_schema("race_parent", |place| async move {
        let stores = [place.open().await, place.open().await];
        for round in 0..30 {
            let parent = user(100 + round);
            stores[0].commit(insert([parent.clone().into()])).await.expect("base");
            let key = Key::from(parent.id);
            let delete = change(vec![Write::Delete { key, expected: Version(1) }]);
            let outcomes = together(&stores, vec![insert([ticket(200 + round, &parent).into()]), delete]).await;
            match (&outcomes[0], &outcomes[1]) {
                (Ok(_), Err(Error::StillReferenced { key: found, relation: Relation::TicketCreatedBy })) => {
                    assert_eq!(*found, key);
                }
                (Err(Error::MissingParent { parent: found, .. }), Ok(_)) => assert_eq!(*found, key),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_email_is_taken_once_and_a_desk_begun_once() {
    in_schema("race_unique", |place| async move {
        let stores = [place.open().await, place.open().await];
        let first = |n| {
            let mut change = insert([user(n).into()]);
            change.guards = vec![Guard::Empty(bsm_core::model::Entity::User)];
            change
        };
        let outcomes = together(&stores, (1..7).map(first).collect()).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert_eq!(
            outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::AlreadyBootstrapped))).count(),
            5,
            "{outcomes:?}"
        );
        for round in 0..20u32 {
            let same = |n: u32| {
                let mut person = user(100 + round * 10 + n);
                person.email = format!("same{round}@example.org");
                insert([person.into()])
            };
            let outcomes = together(&stores, (0..4).map(same).collect()).await;
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
            let told = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Duplicate { .. }))).count();
            assert_eq!(told, 3, "{outcomes:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_that_is_sent_twice_at_once_happens_once() {
    in_schema("race_key", |place| async move {
        let stores = [place.open().await, place.open().await];
        let anna = user(1);
        stores[0].commit(insert([anna.clone().into()])).await.expect("base");
        for round in 0..20 {
            let made = ticket(100 + round, &anna);
            let mut open = insert([made.clone().into()]);
            open.idempotency = Some(idempotency(&anna, &format!("key {round}"), 1, made.id));
            let outcomes = together(&stores, vec![open; 5]).await;
            let repeated: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("is answered").repeated).collect();
            assert_eq!(repeated.iter().filter(|answer| answer.is_none()).count(), 1, "{repeated:?}");
            assert_eq!(repeated.iter().filter(|answer| **answer == Some(made.id.into())).count(), 4, "{repeated:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_and_numbers_are_exact_and_no_command_waits_forever() {
    in_schema("race_counters", |place| async move {
        let stores = [place.open().await, place.open().await];
        let people: Vec<_> = (1..5).map(user).collect();
        stores[0].commit(insert(people.iter().cloned().map(Row::from))).await.expect("base");
        // Each opens tickets of two people, in either order, so that locks cross if they can.
        let open = |n: u32| {
            let (one, other) = (&people[n as usize % 4], &people[(n as usize + 1 + n as usize % 3) % 4]);
            let (first, second) = (ticket(1000 + 2 * n, one), ticket(1001 + 2 * n, other));
            let second = Ticket { assigned_to: Some(one.id), ..second };
            let mut change = insert([first.into(), second.into()]);
            change.guards = vec![at_version(other.clone()), at_version(one.clone())];
            change
        };
        let outcomes = together(&stores, (0..40).map(open).collect()).await;
        let mut numbers: Vec<u32> = outcomes
            .into_iter()
            .flat_map(|outcome| outcome.expect("is done").numbers)
            .map(|(_, number)| number)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 80);
        let tickets = CountQuery { counter: Counter::Tickets, prefix: Vec::new() };
        let counts =
            stores[1].read(ReadSet { counts: vec![tickets], ..ReadSet::default() }).await.expect("reads").counts;
        assert_eq!(counts, [[(vec!["new".to_owned()], 80)]]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dropped_command_is_whole_or_not_at_all_and_frees_its_locks() {
    in_schema("race_drop", |place| async move {
        let store = place.open().await;
        let anna = user(1);
        store.commit(insert([anna.clone().into()])).await.expect("base");
        let mut standing = anna.clone();
        let mut done = 0;
        for round in 0..60u32 {
            let made = ticket(100 + round, &anna);
            let mut update = standing.clone();
            update.full_name = format!("Round {round}");
            let change = change(vec![Write::Insert(made.clone().into()), Write::Update(next(update, round))]);
            let patience = std::time::Duration::from_micros(u64::from(round) * 150);
            drop(tokio::time::timeout(patience, store.commit(change)).await);
            // Locks of the one that was dropped would keep this one waiting.
            let mut after = ChangeSet::new(moment(0));
            after.guards.push(Guard::NoChildren { relation: Relation::NoteTicket, parent: made.id.into() });
            after.guards.push(Guard::NoChildren { relation: Relation::NoteAuthor, parent: anna.id.into() });
            store.commit(after).await.expect("is not kept waiting");
            // Of one moment: what was dropped may be under way on the server.
            let both = vec![Key::from(anna.id), Key::from(made.id)];
            let got = store.read(ReadSet { get: both, ..ReadSet::default() }).await.expect("reads").got;
            let [Some(Row::User(now)), ticket] = &got[..] else { panic!("Anna is there") };
            let there = ticket.is_some();
            assert_eq!(now.full_name == format!("Round {round}"), there, "round {round}");
            done += u32::from(there);
            standing = now.clone();
        }
        println!("{done} of 60 dropped commands were done");
    })
    .await;
}
