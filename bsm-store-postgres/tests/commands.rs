//! Commands one by one: what they leave, and with what they are refused.

mod common;

use bsm_core::Error;
use bsm_core::model::{Entity, Key, Row, Ticket, TicketStatus, Version};
use bsm_core::schema::{Counter, Field, Relation};
use bsm_core::store::{ChangeSet, CountQuery, Guard, HistoryQuery, Order, ReadSet, Store, Write};
use common::in_schema;
use common::rows::*;

#[tokio::test]
async fn a_request_is_submitted_and_becomes_a_ticket() {
    in_schema("submit", |place| async move {
        let store = place.open().await;
        let (customer, agent, service) = (user(1), user(2), service(3));
        store
            .commit(insert([customer.clone().into(), agent.clone().into(), service.clone().into()]))
            .await
            .expect("base");
        let asked = request(4, &service, &customer);
        let mut submit = insert([asked.clone().into()]);
        submit.guards = vec![at_version(customer.clone()), at_version(service.clone())];
        let done = store.commit(submit).await.expect("submits");
        assert_eq!(done.numbers, [(asked.id.into(), 1)]);
        let Some(Row::Request(stored)) = get(&*store, asked.id).await else { panic!("it is there") };
        assert_eq!(stored.number.get(), 1);

        // The ticket comes first, so it names a request that does not name it yet.
        let mut made = ticket(5, &agent);
        made.request_id = Some(asked.id);
        made.requested_for = Some(customer.id);
        let mut linked = stored.clone();
        linked.ticket_id = Some(made.id);
        linked.status = bsm_core::model::RequestStatus::InProgress;
        let convert = change(vec![Write::Insert(made.clone().into()), Write::Update(next(linked, 6))]);
        store.commit(convert.clone()).await.expect("converts");
        assert!(
            matches!(store.commit(convert).await, Err(Error::Conflict { key, .. }) if key == made.id.into()),
            "the ticket is there"
        );
        let Some(Row::Ticket(found)) = get(&*store, made.id).await else { panic!("it is there") };
        assert_eq!(found, Ticket { number: found.number, ..made.clone() });

        let set = ReadSet {
            counts: vec![
                CountQuery { counter: Counter::Requests, prefix: Vec::new() },
                CountQuery { counter: Counter::ServiceUsage, prefix: vec![service.id.into()] },
                CountQuery { counter: Counter::Tickets, prefix: vec![TicketStatus::New.into()] },
            ],
            history: Some(HistoryQuery { key: asked.id.into(), order: Order::NewestFirst, after: None, limit: 10 }),
            ..ReadSet::default()
        };
        let answers = store.read(set).await.expect("reads");
        let in_progress = || vec![(vec!["in_progress".to_owned()], 1)];
        assert_eq!(answers.counts, [in_progress(), in_progress(), vec![(Vec::new(), 1)]]);
        assert_eq!(answers.history.iter().map(|entry| entry.version.0).collect::<Vec<_>>(), [2, 1]);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_hold_is_told_by_name_and_changes_nothing() {
    in_schema("refused", |place| async move {
        let store = place.open().await;
        let (anna, ben, service) = (user(1), user(2), service(3));
        store.commit(insert([anna.clone().into(), ben.clone().into(), service.clone().into()])).await.expect("base");
        let held = Ticket { assigned_to: Some(ben.id), external_ref: Some("X".to_owned()), ..ticket(4, &anna) };
        store.commit(insert([held.clone().into()])).await.expect("opens");
        let (anna_key, ben_key) = (Key::from(anna.id), Key::from(ben.id));

        let mut stale = ChangeSet::new(moment(0));
        stale.guards.push(Guard::Version { key: anna_key, version: Version(7) });
        assert!(matches!(
            store.commit(stale).await,
            Err(Error::Conflict { key, expected: Version(7), found: Version(1) }) if key == anna_key
        ));
        let mut old = anna.clone();
        old.version = Version(5);
        assert!(matches!(
            store.commit(change(vec![Write::Update(old.into())])).await,
            Err(Error::Conflict { expected: Version(4), found: Version(1), .. })
        ));
        let orphan = Ticket { created_by: user(99).id, ..ticket(5, &anna) };
        assert!(matches!(
            store.commit(insert([orphan.into()])).await,
            Err(Error::MissingParent { relation: Relation::TicketCreatedBy, parent }) if parent == user(99).id.into()
        ));
        for (person, relation) in [(anna_key, Relation::TicketCreatedBy), (ben_key, Relation::TicketAssignedTo)] {
            let delete = change(vec![Write::Delete { key: person, expected: Version(1) }]);
            assert!(matches!(
                store.commit(delete).await,
                Err(Error::StillReferenced { key, relation: found }) if key == person && found == relation
            ));
        }
        let mut childless = ChangeSet::new(moment(0));
        childless.guards.push(Guard::NoChildren { relation: Relation::TicketAssignedTo, parent: ben_key });
        assert!(matches!(store.commit(childless).await, Err(Error::StillReferenced { .. })));
        let mut first = ChangeSet::new(moment(0));
        first.guards.push(Guard::Empty(Entity::User));
        assert!(matches!(store.commit(first).await, Err(Error::AlreadyBootstrapped)));
        let twin = Ticket { external_ref: Some("X".to_owned()), ..ticket(6, &anna) };
        assert!(matches!(
            store.commit(insert([twin.into()])).await,
            Err(Error::Duplicate { entity: Entity::Ticket, field: Field::ExternalRef })
        ));
        let mut nul = user(7);
        nul.full_name = "a\0b".to_owned();
        assert!(matches!(store.commit(insert([nul.into()])).await, Err(Error::Unsupported { .. })));
        let tickets = CountQuery { counter: Counter::Tickets, prefix: Vec::new() };
        let counts = store.read(ReadSet { counts: vec![tickets], ..ReadSet::default() }).await.expect("reads").counts;
        assert_eq!(counts, [[(vec!["new".to_owned()], 1)]]);
    })
    .await;
}

#[tokio::test]
async fn unique_values_pass_between_rows_and_rows_may_name_each_other() {
    in_schema("deferred", |place| async move {
        let store = place.open().await;
        let (anna, ben, service) = (user(1), user(2), service(3));
        store.commit(insert([anna.clone().into(), ben.clone().into(), service.clone().into()])).await.expect("base");
        let (mut one, mut other) = (anna.clone(), ben.clone());
        std::mem::swap(&mut one.email, &mut other.email);
        store.commit(change(vec![Write::Update(next(one, 5)), Write::Update(next(other, 5))])).await.expect("swaps");
        // Both are new and name each other.
        let (mut asked, mut made) = (request(6, &service, &anna), ticket(7, &ben));
        (asked.ticket_id, made.request_id) = (Some(made.id), Some(asked.id));
        store.commit(insert([asked.clone().into(), made.clone().into()])).await.expect("makes both");
        let delete = |key: Key| Write::Delete { key, expected: Version(1) };
        store.commit(change(vec![delete(asked.id.into()), delete(made.id.into())])).await.expect("deletes both");
    })
    .await;
}

#[tokio::test]
async fn an_idempotency_key_answers_is_refused_and_is_forgotten() {
    in_schema("idempotency", |place| async move {
        let store = place.open().await;
        let anna = user(1);
        let with_key = |digest, person: &bsm_core::model::User| {
            let mut change = insert([person.clone().into()]);
            change.idempotency = Some(idempotency(&anna, "key", digest, person.id));
            change
        };
        assert_eq!(store.commit(with_key(1, &anna)).await.expect("first").repeated, None);
        assert_eq!(store.commit(with_key(1, &anna)).await.expect("again").repeated, Some(anna.id.into()));
        assert!(matches!(store.commit(with_key(2, &user(2))).await, Err(Error::KeyReused)));
        let used = ReadSet { used: Some((anna.id, "key".to_owned())), ..ReadSet::default() };
        let used = store.read(used).await.expect("reads").used.expect("is known");
        assert_eq!((used.digest, used.answer), ([1; 16], anna.id.into()));
        // Past its time it is free.
        let mut late = with_key(2, &user(2));
        late.recorded_at = moment(1_000);
        assert_eq!(store.commit(late).await.expect("is free").repeated, None);
        // A command that fails keeps nothing.
        let mut failing = insert([anna.clone().into()]);
        failing.idempotency = Some(idempotency(&anna, "other", 1, anna.id));
        assert!(matches!(store.commit(failing.clone()).await, Err(Error::Conflict { .. })));
        assert!(matches!(store.commit(failing).await, Err(Error::Conflict { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_ticket_has_the_phase_of_its_status() {
    in_schema("phase", |place| async move {
        let store = place.open().await;
        let anna = user(1);
        store.commit(insert([anna.clone().into()])).await.expect("base");
        for (n, status) in (10..).zip(TicketStatus::ALL) {
            store.commit(insert([Ticket { status: *status, ..ticket(n, &anna) }.into()])).await.expect("opens");
        }
        let rows: Vec<(String, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT status, phase FROM {}.tickets", place.schema)))
                .fetch_all(&place.pool)
                .await
                .expect("reads");
        assert_eq!(rows.len(), TicketStatus::ALL.len());
        for (status, phase) in rows {
            let status: TicketStatus = status.parse().expect("is a status");
            assert_eq!(status.phase().as_str(), phase, "{status}");
        }
    })
    .await;
}
