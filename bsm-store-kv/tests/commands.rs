//! What single commands do, and what refuses them: the cases that the random ones in `model.rs` meet too rarely.

mod common;

use bsm_core::Error;
use bsm_core::model::{Entity, Key, Row, TicketNumber, Value, Version};
use bsm_core::schema::{Counter, Field, Relation};
use bsm_core::store::{Answers, ChangeSet, CountQuery, Guard, HistoryQuery, Order, ReadSet, Store, UniqueValue, Write};
use bsm_store_kv::KvStore;
use common::{
    at, delete, entry, get, id, idempotency, insert, request, service, ticket, update, user, user_id, writes,
};

fn fresh() -> KvStore {
    bsm_store_kv::memory().expect("a store")
}

async fn refused(store: &dyn Store, change: ChangeSet) -> Error {
    store.commit(change).await.expect_err("it must be refused")
}

/// A desk with two users, a service and a request.
async fn small() -> KvStore {
    let store = fresh();
    let rows = [user(1).into(), user(2).into(), service(3).into(), request(4, 3, 1).into()];
    store.commit(insert(rows)).await.expect("a fresh desk");
    store
}

#[tokio::test]
async fn numbers_rise_by_entity_and_stay() {
    let store = small().await;
    let committed = store.commit(insert([ticket(5, 1).into(), ticket(6, 1).into()])).await.expect("committed");
    let numbers: Vec<u32> = committed.numbers.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [1, 2]);

    let refusal = refused(&store, insert([ticket(7, 1).into(), ticket(8, 99).into()])).await;
    assert!(matches!(refusal, Error::MissingParent { relation: Relation::TicketCreatedBy, .. }), "{refusal:?}");
    let committed = store.commit(insert([ticket(9, 1).into()])).await.expect("committed");
    assert_eq!(committed.numbers, [(Key::from(ticket(9, 1).id), 3)], "a refused command takes no number");

    // Whoever writes a row without its number does not take it away.
    store.commit(writes([update(ticket(9, 1))])).await.expect("committed");
    let value = Value::Int(3);
    let set = ReadSet {
        find: vec![UniqueValue { entity: Entity::Ticket, field: Field::Number, value }],
        ..ReadSet::default()
    };
    let Some(Row::Ticket(found)) = store.read(set).await.expect("a read").found.remove(0) else { panic!("it is gone") };
    assert_eq!(found.number, TicketNumber::new(3));
}

#[tokio::test]
async fn a_number_is_never_given_twice() {
    let store = small().await;
    let mut made = ticket(5, 1);
    store.commit(insert([made.clone().into()])).await.expect("committed");
    made.number = TicketNumber::new(1);
    store.commit(writes([delete(made)])).await.expect("committed");
    let committed = store.commit(insert([ticket(6, 1).into()])).await.expect("committed");
    assert_eq!(committed.numbers[0].1, 2);
}

#[tokio::test]
async fn what_fails_first_is_told() {
    let store = small().await;
    let stale = Guard::Version { key: user(1).id.into(), version: Version(7) };
    let taken = {
        let mut other = user(9);
        other.email = user(2).email;
        other.external_ref = Some("x".to_owned());
        other
    };
    let mut change = insert([taken.clone().into(), ticket(5, 99).into(), user(1).into()]);
    change.writes.push(delete(service(3)));
    change.guards = vec![Guard::Empty(Entity::User), stale.clone()];
    assert!(matches!(refused(&store, change.clone()).await, Error::AlreadyBootstrapped));

    change.guards = vec![stale];
    let told = refused(&store, change.clone()).await;
    assert!(matches!(told, Error::Conflict { expected: Version(7), found: Version(1), .. }), "{told:?}");

    change.guards.clear();
    let told = refused(&store, change.clone()).await;
    assert!(matches!(told, Error::Conflict { expected: Version(0), found: Version(1), .. }), "{told:?}");

    change.writes.remove(2);
    let told = refused(&store, change.clone()).await;
    assert!(matches!(told, Error::Duplicate { entity: Entity::User, field: Field::Email }), "{told:?}");

    change.writes[0] = Write::Insert(user(9).into());
    let told = refused(&store, change.clone()).await;
    assert!(matches!(told, Error::MissingParent { relation: Relation::TicketCreatedBy, .. }), "{told:?}");

    change.writes.remove(1);
    let told = refused(&store, change.clone()).await;
    assert!(matches!(told, Error::StillReferenced { relation: Relation::RequestService, .. }), "{told:?}");

    change.writes.pop();
    store.commit(change).await.expect("nothing is left to refuse");
}

#[tokio::test]
async fn two_rows_may_swap_a_unique_value_in_one_change() {
    let store = small().await;
    let (mut one, mut two) = (user(1), user(2));
    std::mem::swap(&mut one.email, &mut two.email);
    let swapped = writes([update(one.clone()), update(two.clone())]);
    store.commit(swapped).await.expect("at the end no two have the same");
    for (email, id) in [(one.email, one.id), (two.email, two.id)] {
        let value = Value::Text(email.into());
        let find = vec![UniqueValue { entity: Entity::User, field: Field::Email, value }];
        let found = store.read(ReadSet { find, ..ReadSet::default() }).await.expect("a read").found.remove(0);
        assert_eq!(found.map(|row| row.key()), Some(id.into()));
    }
}

#[tokio::test]
async fn a_deleted_parent_and_its_emptied_children_pass_together() {
    let store = small().await;
    let mut assigned = ticket(5, 1);
    assigned.assigned_to = Some(user_id(2));
    store.commit(insert([assigned.clone().into()])).await.expect("committed");

    let told = refused(&store, writes([delete(user(2))])).await;
    assert!(matches!(told, Error::StillReferenced { relation: Relation::TicketAssignedTo, .. }), "{told:?}");
    assigned.assigned_to = None;
    store.commit(writes([delete(user(2)), update(assigned)])).await.expect("nobody names the user any more");
    assert_eq!(get(&store, user(2).id).await, None);
}

#[tokio::test]
async fn a_child_that_keeps_its_reference_speaks_for_itself() {
    let store = small().await;
    let mut assigned = ticket(5, 1);
    assigned.assigned_to = Some(user_id(2));
    store.commit(insert([assigned.clone().into()])).await.expect("committed");
    assigned.title = "another".to_owned();
    // The reference did not change, so it is the deletion that is refused.
    let told = refused(&store, writes([update(assigned), delete(user(2))])).await;
    assert!(matches!(told, Error::StillReferenced { relation: Relation::TicketAssignedTo, .. }), "{told:?}");
}

#[tokio::test]
async fn a_row_may_name_one_that_the_same_change_makes_later() {
    let store = fresh();
    store.commit(insert([ticket(2, 1).into(), user(1).into()])).await.expect("at the end the user is there");
}

#[tokio::test]
async fn a_guard_sees_children_by_index_and_by_unique_field() {
    let store = small().await;
    let mut converted = ticket(5, 1);
    converted.request_id = Some(request(4, 3, 1).id);
    store.commit(insert([converted.into()])).await.expect("committed");
    for (relation, parent) in
        [(Relation::RequestCustomer, Key::from(user_id(1))), (Relation::TicketRequest, request(4, 3, 1).id.into())]
    {
        let mut change = ChangeSet::new(at(0));
        change.guards.push(Guard::NoChildren { relation, parent });
        let told = refused(&store, change).await;
        assert!(
            matches!(told, Error::StillReferenced { key, relation: by } if key == parent && by == relation),
            "{told:?}"
        );
    }
    let mut change = ChangeSet::new(at(0));
    change.guards.push(Guard::NoChildren { relation: Relation::RequestCustomer, parent: user_id(2).into() });
    store.commit(change).await.expect("user 2 has none");
}

#[tokio::test]
async fn a_command_with_a_key_happens_once() {
    let store = small().await;
    let with_key = |n: u32, digest: u8| {
        let mut change = insert([ticket(n, 1).into()]);
        change.idempotency = Some(idempotency("again", digest, ticket(n, 1).id, 100));
        change
    };
    let first = store.commit(with_key(5, 1)).await.expect("committed");
    assert_eq!((first.repeated, first.numbers.len()), (None, 1));

    let again = store.commit(with_key(6, 1)).await.expect("answered");
    assert_eq!(again.repeated, Some(ticket(5, 1).id.into()));
    assert_eq!(get(&store, ticket(6, 1).id).await, None, "nothing was changed");

    assert!(matches!(refused(&store, with_key(6, 2)).await, Error::KeyReused));

    let mut others = with_key(6, 2);
    if let Some(key) = &mut others.idempotency {
        key.actor = user_id(2);
    }
    assert_eq!(store.commit(others).await.expect("another actor's key").repeated, None);

    let used = Some((user_id(1), "again".to_owned()));
    let answers = store.read(ReadSet { used, ..ReadSet::default() }).await.expect("a read");
    let used = answers.used.expect("the key is known");
    assert_eq!((used.digest, used.answer), ([1; 16], ticket(5, 1).id.into()));
}

#[tokio::test]
async fn a_refused_command_leaves_its_key_free() {
    let store = small().await;
    let mut change = insert([ticket(5, 99).into()]);
    change.idempotency = Some(idempotency("again", 1, ticket(5, 99).id, 100));
    refused(&store, change).await;
    let mut change = insert([ticket(6, 1).into()]);
    change.idempotency = Some(idempotency("again", 2, ticket(6, 1).id, 100));
    assert_eq!(store.commit(change).await.expect("the key is free").repeated, None);
}

#[tokio::test]
async fn keys_are_forgotten_when_their_time_is_over() {
    let store = small().await;
    let command = |n: u32, key: &str, now: i64, keep_until: i64| {
        let mut change = insert([ticket(n, 1).into()]);
        change.recorded_at = at(now);
        change.idempotency = Some(idempotency(key, 1, ticket(n, 1).id, keep_until));
        change
    };
    let used = async |key: &str| {
        let used = Some((user_id(1), key.to_owned()));
        store.read(ReadSet { used, ..ReadSet::default() }).await.expect("a read").used.is_some()
    };
    for n in 0..6 {
        store.commit(command(10 + n, &format!("key {n}"), 0, 100 + i64::from(n))).await.expect("committed");
    }
    let last = store.commit(command(20, "key 0", 99, 1_000)).await.expect("known");
    assert_eq!(last.repeated, Some(ticket(10, 1).id.into()), "its time is not over");
    let anew = store.commit(command(20, "key 0", 100, 1_000)).await.expect("unknown");
    assert_eq!(anew.repeated, None, "its time is over");
    assert!(used("key 0").await && used("key 1").await);

    store.commit(command(21, "other", 500, 1_000)).await.expect("committed");
    store.commit(command(22, "another", 500, 1_000)).await.expect("committed");
    assert!(used("key 0").await, "it was used anew");
    for n in 1..6 {
        assert!(!used(&format!("key {n}")).await, "key {n} is over and was cleaned up");
    }
}

#[tokio::test]
async fn a_key_used_anew_is_not_forgotten_with_its_first_use() {
    let store = small().await;
    let command = |n: u32, key: &str, now: i64, keep_until: i64| {
        let mut change = insert([ticket(n, 1).into()]);
        change.recorded_at = at(now);
        change.idempotency = Some(idempotency(key, 1, ticket(n, 1).id, keep_until));
        change
    };
    for n in 0..10 {
        store.commit(command(10 + n, &format!("key {n}"), 0, 100 + i64::from(n))).await.expect("committed");
    }
    // The last to run out, so that it is not among the few that this command cleans up before it uses the key.
    store.commit(command(20, "key 9", 500, 1_000)).await.expect("committed");
    for n in 30..35 {
        store.commit(command(n, &format!("key {n}"), 500, 1_000)).await.expect("committed");
    }
    let again = store.commit(command(40, "key 9", 501, 1_000)).await.expect("answered");
    assert_eq!(again.repeated, Some(ticket(20, 1).id.into()));
}

#[tokio::test]
async fn history_is_read_in_pages_both_ways() {
    let store = small().await;
    let key = Key::from(user_id(1));
    let mut change = ChangeSet::new(at(0));
    change.history = (1..=5).map(|version| entry(key, version)).collect();
    change.history.push(entry(user_id(2).into(), 1));
    store.commit(change).await.expect("committed");
    let page = async |order, after: Option<u64>, limit| {
        let history = Some(HistoryQuery { key, order, after: after.map(Version), limit });
        let Answers { history, .. } = store.read(ReadSet { history, ..ReadSet::default() }).await.expect("a read");
        history.into_iter().map(|entry| entry.version.0).collect::<Vec<_>>()
    };
    assert_eq!(page(Order::OldestFirst, None, 2).await, [1, 2, 3], "one more tells that there is more");
    assert_eq!(page(Order::OldestFirst, Some(2), 10).await, [3, 4, 5]);
    assert_eq!(page(Order::NewestFirst, None, 2).await, [5, 4, 3]);
    assert_eq!(page(Order::NewestFirst, Some(4), 10).await, [3, 2, 1]);
    assert_eq!(page(Order::NewestFirst, Some(1), 10).await, [0; 0]);
    assert_eq!(page(Order::OldestFirst, Some(u64::MAX), usize::MAX).await, [0; 0]);
    assert_eq!(page(Order::OldestFirst, None, 0).await, [1]);
}

#[tokio::test]
async fn counters_are_read_by_their_leading_values() {
    let store = small().await;
    store
        .commit(insert([service(8).into(), request(9, 8, 1).into(), request(10, 8, 2).into()]))
        .await
        .expect("committed");
    let usage = |prefix| CountQuery { counter: Counter::ServiceUsage, prefix };
    let status = Value::Token { code: 1, text: "submitted" };
    let counts = vec![
        usage(vec![Value::Id(id(8))]),
        usage(vec![Value::Id(id(3)), status]),
        usage(vec![Value::Id(id(77))]),
        usage(vec![Value::Bool(true)]),
        CountQuery { counter: Counter::Revenue, prefix: Vec::new() },
    ];
    let answers = store.read(ReadSet { counts, ..ReadSet::default() }).await.expect("a read");
    let submitted = vec!["submitted".to_owned()];
    assert_eq!(answers.counts, [vec![(submitted, 2)], vec![(vec![], 1)], vec![], vec![], vec![]]);
}

#[tokio::test]
async fn long_texts_are_found_by_and_kept_apart() {
    let store = fresh();
    let long = |end: &str| format!("{}{end}", "\u{10ffff}".repeat(120));
    let (mut one, mut two) = (user(1), user(2));
    one.external_ref = Some(long("one"));
    two.external_ref = Some(long("two"));
    store.commit(insert([one.clone().into(), two.clone().into()])).await.expect("they differ");
    let find = ["one", "two", "none"].map(|end| UniqueValue {
        entity: Entity::User,
        field: Field::ExternalRef,
        value: Value::Text(long(end).into()),
    });
    let found = store.read(ReadSet { find: find.into(), ..ReadSet::default() }).await.expect("a read").found;
    assert_eq!(found, [Some(one.clone().into()), Some(two.into()), None]);

    let mut third = user(3);
    third.external_ref = one.external_ref;
    let told = refused(&store, insert([third.into()])).await;
    assert!(matches!(told, Error::Duplicate { field: Field::ExternalRef, .. }), "{told:?}");
}

#[tokio::test]
async fn questions_that_the_layout_cannot_answer_are_refused() {
    let store = small().await;
    let find = vec![UniqueValue { entity: Entity::User, field: Field::FullName, value: Value::from("Person 1") }];
    let told = store.read(ReadSet { find, ..ReadSet::default() }).await.expect_err("names are not unique");
    assert!(matches!(told, Error::Unsupported { .. }), "{told:?}");
    let find = vec![UniqueValue { entity: Entity::User, field: Field::Email, value: Value::Int(1) }];
    let answers = store.read(ReadSet { find, ..ReadSet::default() }).await.expect("a number is no email");
    assert_eq!(answers.found, [None]);
    let prefix = vec![Value::Bool(true), Value::Bool(true)];
    let counts = vec![CountQuery { counter: Counter::Services, prefix }];
    let told = store.read(ReadSet { counts, ..ReadSet::default() }).await.expect_err("it has one field");
    assert!(matches!(told, Error::Unsupported { .. }), "{told:?}");
}

#[tokio::test]
async fn versions_at_their_end_are_no_panic() {
    let store = small().await;
    let mut odd = user(9);
    odd.version = Version(u64::MAX);
    store.commit(insert([odd.clone().into()])).await.expect("committed");
    let mut first = user(1);
    first.version = Version(0);
    let told = refused(&store, writes([Write::Update(first.into())])).await;
    assert!(matches!(told, Error::Conflict { .. }), "{told:?}");
    store.commit(writes([delete(odd)])).await.expect("committed");
    store.health().await.expect("the store goes on");
}
