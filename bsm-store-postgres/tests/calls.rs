//! Commands as calls: one round trip each, and one for all that wait together; each succeeds or fails alone.

mod common;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bsm_core::Error;
use bsm_core::model::{
    Article, ArticleStatus, Key, Rating, RequestNumber, RequestStatus, Role, Row, Service, ServiceRequest, Stars,
    Ticket, TicketStatus, User, Version,
};
use bsm_core::schema::Relation;
use bsm_core::store::{ChangeSet, Guard, Idempotency, ReadSet, Store, Write};
use common::rows::*;
use common::wire::Wire;
use common::{feeds, in_schema};

#[tokio::test]
async fn a_command_is_one_round_trip() {
    in_schema("call_trips", |place| async move {
        let wire = Wire::open().await;
        let store = wire.store(&place).await;
        let (customer, agent, service) = (user(1), user(2), service(3));
        let base = insert([customer.clone().into(), agent.clone().into(), service.clone().into()]);
        let (said, done) = wire.during(store.commit(base)).await;
        done.expect("base");
        assert_eq!(said.trips, 1, "inserts");

        let asked = request(4, &service, &customer);
        let mut submit = insert([asked.clone().into()]);
        submit.guards = vec![at_version(customer.clone()), at_version(service.clone())];
        submit.idempotency = Some(Idempotency {
            actor: customer.id,
            key: "once".to_owned(),
            digest: [7; 16],
            answer: asked.id.into(),
            keep_until: moment(1_000),
        });
        let (said, done) = wire.during(store.commit(submit)).await;
        assert_eq!(done.expect("submits").numbers, [(asked.id.into(), 1)]);
        assert_eq!(said.trips, 1, "guards and a key");

        let made = ticket(5, &agent);
        store.commit(insert([made.clone().into()])).await.expect("opens");
        let moved = Ticket { status: TicketStatus::InProgress, ..made.clone() };
        said_once(&wire, &store, makes(made.clone(), moved)).await;
        let gone = ChangeSet {
            guards: vec![Guard::NoChildren { relation: Relation::TicketFollowUpOf, parent: made.id.into() }],
            ..change(vec![Write::Delete { key: made.id.into(), expected: Version(2) }])
        };
        said_once(&wire, &store, gone).await;
        store.close().await.expect("closes");
    })
    .await;
}

async fn said_once(wire: &Wire, store: &bsm_store_postgres::PostgresStore, change: ChangeSet) {
    let (said, done) = wire.during(store.commit(change)).await;
    done.expect("is done");
    assert_eq!(said.trips, 1);
}

#[tokio::test]
async fn whatever_rows_count_for_they_are_changed_in_one_round_trip_and_counted() {
    in_schema("call_counted", |place| async move {
        let wire = Wire::open().await;
        let store = wire.store(&place).await;
        let (agent, other, service) = (user(1), user(2), service(3));
        let rows = (ticket(4, &agent), request(5, &service, &other), rating(6, &service, &other), article(7, &agent));
        let (ticket, request, rating, article) = rows;
        let price = "1234.50 EUR".parse().expect("is money");
        let request = ServiceRequest { price, ..request };
        let base: [Row; 7] = [
            agent.clone().into(),
            other.clone().into(),
            service.clone().into(),
            ticket.clone().into(),
            request.clone().into(),
            rating.clone().into(),
            article.clone().into(),
        ];
        store.commit(insert(base)).await.expect("base");
        let fulfilled = ServiceRequest {
            number: RequestNumber::new(1),
            status: RequestStatus::Fulfilled,
            fulfilled_at: Some(moment(9)),
            ..request.clone()
        };
        for change in [
            makes(other.clone(), User { role: Role::Customer, active: false, ..other.clone() }),
            makes(service.clone(), Service { active: false, ..service.clone() }),
            makes(ticket.clone(), Ticket { status: TicketStatus::InProgress, ..ticket.clone() }),
            makes(request.clone(), fulfilled),
            makes(rating.clone(), Rating { rating: Stars::One, ..rating.clone() }),
            makes(article.clone(), Article { status: ArticleStatus::Archived, ..article.clone() }),
        ] {
            said_once(&wire, &store, change).await;
        }
        assert!(store.verify().await.expect("recounts").is_clean());

        // What history tells wrongly is not what is counted.
        let ticket = Ticket { status: TicketStatus::InProgress, version: Version(2), ..ticket };
        let mut sly = makes(ticket.clone(), Ticket { status: TicketStatus::Cancelled, ..ticket });
        sly.history[0].changes[0].from = Some("new".to_owned());
        store.commit(sly).await.expect("is done at length");
        assert!(store.verify().await.expect("recounts").is_clean());
        store.close().await.expect("closes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_together_go_together_and_fail_alone() {
    in_schema("call_together", |place| async move {
        let wire = Wire::open().await;
        let store = Arc::new(wire.store(&place).await);
        let (customer, agent) = (user(1), user(2));
        store.commit(insert([customer.clone().into(), agent.clone().into()])).await.expect("base");
        let before = wire.said().trips;

        // Nobody gets on while the table is locked, so the rest waits for the two calls that go first.
        let mut holder = place.pool.begin().await.expect("begins");
        let lock = format!("LOCK TABLE {}.tickets IN ACCESS EXCLUSIVE MODE", place.schema);
        sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *holder).await.expect("locks");
        let mut tasks = Vec::new();
        for n in 0..40 {
            let mut change = insert([ticket(100 + n, &agent).into()]);
            // Every fourth relies on what never was.
            let version = if n % 4 == 3 { Version(9) } else { Version(1) };
            change.guards = vec![Guard::Version { key: customer.id.into(), version }];
            let store = Arc::clone(&store);
            tasks.push(tokio::spawn(async move { store.commit(change).await }));
            tokio::task::yield_now().await;
        }
        place.waits(2).await;
        // All of them have been sent, or wait behind the two.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        holder.rollback().await.expect("lets go");
        for (n, task) in tasks.into_iter().enumerate() {
            match task.await.expect("does not panic") {
                Ok(done) => {
                    assert!(n % 4 != 3);
                    assert_eq!(done.numbers.len(), 1);
                }
                Err(Error::Conflict { key, expected: Version(9), found: Version(1) }) => {
                    assert!(n % 4 == 3);
                    assert_eq!(key, Key::from(customer.id));
                }
                other => panic!("{other:?}"),
            }
        }
        let get = (0..40).map(|n| ticket(100 + n, &agent).id.into()).collect();
        let got = store.read(ReadSet { get, ..ReadSet::default() }).await.expect("reads").got;
        let there: Vec<bool> = got.iter().map(Option::is_some).collect();
        assert!(there.iter().enumerate().all(|(n, there)| *there == (n % 4 != 3)));
        // Ten are told what was wrong, alone and at length; thirty go in few calls.
        let calls: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT count(DISTINCT xmin::text) FROM {}.tickets",
            place.schema
        )))
        .fetch_one(&place.pool)
        .await
        .expect("counts");
        assert!(calls <= 6, "{calls} commits for thirty commands");
        assert!(wire.said().trips > before);
        assert!(store.verify().await.expect("recounts").is_clean());
        store.close().await.expect("closes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_touch_one_row_are_done_one_after_another() {
    in_schema("call_one_row", |place| async move {
        let store = place.open().await;
        let agent = user(1);
        let shared = ticket(2, &agent);
        store.commit(insert([agent.clone().into(), shared.clone().into()])).await.expect("base");
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let (store, shared) = (Arc::clone(&store), shared.clone());
                tokio::spawn(async move {
                    loop {
                        let get = vec![Key::from(shared.id)];
                        let got = store.read(ReadSet { get, ..ReadSet::default() }).await.expect("reads").got;
                        let Some(Some(Row::Ticket(mut found))) = got.into_iter().next() else { panic!("it is there") };
                        found.title.push('x');
                        match store.commit(change(vec![Write::Update(next(found, 10 + n))])).await {
                            Ok(_) => break,
                            Err(Error::Conflict { .. }) => {}
                            Err(other) => panic!("{other:?}"),
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("does not panic");
        }
        let get = vec![Key::from(shared.id)];
        let got = store.read(ReadSet { get, ..ReadSet::default() }).await.expect("reads").got;
        let Some(Some(Row::Ticket(found))) = got.into_iter().next() else { panic!("it is there") };
        assert_eq!(found.version, Version(21));
        assert_eq!(found.title.len(), shared.title.len() + 20);
    })
    .await;
}

/// A call that was polled once: done by then, or not.
enum Begun<F: Future> {
    Done(F::Output),
    Goes(F),
}

impl<F: Future + Unpin> Begun<F> {
    /// Begins a call, as somebody does who then waits for something else.
    async fn of(mut call: F) -> Self {
        match poll_fn(|context| Poll::Ready(Pin::new(&mut call).poll(context))).await {
            Poll::Ready(done) => Self::Done(done),
            Poll::Pending => Self::Goes(call),
        }
    }

    async fn end(self) -> F::Output {
        match self {
            Self::Done(done) => done,
            Self::Goes(call) => call.await,
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_those_who_are_not_polled() {
    in_schema("call_unpolled", |place| async move {
        let store = place.open().await;
        let anna = user(1);
        store.commit(insert([anna.clone().into()])).await.expect("base");
        let commit = |n| Box::pin(store.commit(insert([ticket(n, &anna).into()])));
        let begun = [Begun::of(commit(2)).await, Begun::of(commit(3)).await, Begun::of(commit(4)).await];
        assert_eq!(commit(5).await.expect("is done").numbers.len(), 1);
        let read = |n| Box::pin(get(&*store, ticket(n, &anna).id));
        let reads = [Begun::of(read(5)).await, Begun::of(read(5)).await, Begun::of(read(5)).await];
        assert!(read(5).await.is_some(), "is read");
        for call in begun {
            assert_eq!(call.end().await.expect("is done").numbers.len(), 1);
        }
        for read in reads {
            assert!(read.end().await.is_some());
        }
        feeds::assert_sound(&*store).await;
    })
    .await;
}
