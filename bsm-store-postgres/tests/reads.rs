//! Reads: one way to the server and back for a read set, and one for all reads by id that wait together.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::model::{Entity, Key, Row, Ticket, TimeRange};
use bsm_core::schema::{Counter, Field, Index, Relation, counters};
use bsm_core::store::{
    Branch, CountQuery, FeedQuery, HistoryQuery, LogQuery, Order, ReadSet, Scan, Store, UniqueValue,
};
use bsm_store_postgres::PostgresStore;
use common::rows::*;
use common::wire::{Said, Wire};
use common::{Place, in_schema};
use tokio::task::JoinHandle;

/// A desk with one row of some entities: a ticket that was made from a request.
struct Made {
    keys: [Key; 4],
    ticket: Ticket,
}

async fn make(store: &dyn Store) -> Made {
    let (customer, service) = (user(1), service(2));
    let mut asked = request(3, &service, &customer);
    let ticket = Ticket { request_id: Some(asked.id), assigned_to: Some(customer.id), ..ticket(4, &customer) };
    asked.ticket_id = Some(ticket.id);
    let keys = [customer.id.into(), service.id.into(), asked.id.into(), ticket.id.into()];
    let rows: [Row; 4] = [customer.into(), service.into(), asked.into(), ticket.clone().into()];
    store.commit(insert(rows)).await.expect("base");
    Made { keys, ticket }
}

fn all(entity: Entity) -> Branch {
    Branch { index: Index::primary(entity), values: Vec::new(), conditions: Vec::new() }
}

#[tokio::test]
async fn a_read_set_is_one_way_there_and_back() {
    in_schema("read_trips", |place| async move {
        let wire = Wire::open().await;
        let store = wire.store(&place).await;
        let Made { keys, ticket } = make(&store).await;
        let none = ReadSet::default;
        let scan = Scan {
            branches: vec![all(Entity::Ticket), all(Entity::Request)],
            within: TimeRange::ALL,
            order: Order::NewestFirst,
            after: None,
            limit: 50,
            budget: 200,
        };
        let history = HistoryQuery { key: ticket.id.into(), order: Order::NewestFirst, after: None, limit: 20 };
        let address = UniqueValue { entity: Entity::User, field: Field::Email, value: "p1@example.org".into() };
        let counts = [Counter::Users, Counter::Tickets, Counter::Requests, Counter::Revenue];
        let counts = counts.map(|counter| CountQuery { counter, prefix: Vec::new() }).to_vec();
        let log = LogQuery { entity: Entity::Ticket, after: None, limit: 10 };
        let sets = [
            ("nothing", ReadSet::default(), 0),
            ("one row", ReadSet { get: vec![ticket.id.into()], ..none() }, 1),
            ("rows of each", ReadSet { get: keys.to_vec(), ..none() }, 1),
            ("what rows name", ReadSet { get: vec![ticket.id.into()], follow: Relation::ALL.to_vec(), ..none() }, 1),
            ("a page", ReadSet { scan: Some(scan.clone()), follow: Relation::ALL.to_vec(), ..none() }, 1),
            ("a summary", ReadSet { get: vec![keys[0]], counts: counts.clone(), ..none() }, 1),
            ("history", ReadSet { get: vec![keys[0]], history: Some(history), ..none() }, 1),
            ("a row by its address", ReadSet { find: vec![address.clone()], ..none() }, 1),
            (
                "everything",
                ReadSet {
                    get: keys.to_vec(),
                    find: vec![address],
                    scan: Some(scan),
                    follow: Relation::ALL.to_vec(),
                    history: Some(history),
                    log: Some(log),
                    counts,
                    numbers: true,
                    used: Some((ticket.created_by, "a key".to_owned())),
                    ..none()
                },
                1,
            ),
        ];
        for (what, set, trips) in sets {
            for _ in 0..3 {
                let (said, answer) = wire.during(store.read(set.clone())).await;
                answer.expect(what);
                assert_eq!(said.trips, trips, "{what}");
            }
            // A lone caller has one connection, which knows the statement by now.
            assert_eq!(wire.during(store.read(set)).await.0.prepared, 0, "{what}");
        }
        // The page of a feed stays a transaction: a look for events without a position, and beginning, reading in four
        // statements, and ending.
        let feed = Some(FeedQuery { customer: None, after: None, entities: Vec::new(), limit: 50, rows: false });
        store.read(ReadSet { feed: feed.clone(), ..none() }).await.expect("gives positions");
        let (said, answer) = wire.during(store.read(ReadSet { get: keys.to_vec(), feed, ..none() })).await;
        assert_eq!(answer.expect("reads").got.len(), keys.len());
        assert_eq!(said.trips, 1 + 1 + 4 + 1);
        store.close().await.expect("closes");
    })
    .await;
}

#[tokio::test]
async fn a_desks_summary_and_what_its_services_are_used_for_are_one_way_each() {
    in_schema("read_counts", |place| async move {
        let wire = Wire::open().await;
        let store = wire.store(&place).await;
        let Made { keys, .. } = make(&store).await;
        let mut counts: Vec<CountQuery> = Vec::new();
        for spec in counters() {
            counts.push(CountQuery { counter: spec.counter, prefix: Vec::new() });
        }
        let usage = |id: u32| CountQuery {
            counter: Counter::ServiceUsage,
            prefix: vec![bsm_core::model::Value::Id(if id == 2 { keys[1].id } else { common::rows::id(id) })],
        };
        counts.extend((0..200).map(usage));
        let (said, answer) = wire.during(store.read(ReadSet { counts, ..ReadSet::default() })).await;
        let counted = answer.expect("reads").counts;
        assert_eq!(said.trips, 1);
        assert_eq!(counted.len(), counters().len() + 200);
        let of_services = &counted[counters().len()..];
        assert_eq!(of_services[2], [(vec!["submitted".to_owned()], 1)]);
        assert_eq!(of_services.iter().filter(|sums| !sums.is_empty()).count(), 1);
        store.close().await.expect("closes");
    })
    .await;
}

/// The reads that go first, and whose ends the others wait for. While the table is held their statements are only being
/// prepared: the ways on which they are done are counted later.
const FIRST: usize = 2;

/// A desk on whose table of tickets two reads wait, so that others wait for them.
struct Held {
    wire: Wire,
    store: Arc<PostgresStore>,
    made: Made,
    holder: sqlx::Transaction<'static, sqlx::Postgres>,
    first: Vec<JoinHandle<bsm_core::Result<Option<Row>>>>,
    before: Said,
}

fn reading(store: &Arc<PostgresStore>, key: impl Into<Key>) -> JoinHandle<bsm_core::Result<Option<Row>>> {
    let (store, set) = (Arc::clone(store), ReadSet { get: vec![key.into()], ..ReadSet::default() });
    tokio::spawn(async move { Ok(store.read(set).await?.got.pop().flatten()) })
}

async fn hold(place: &Place) -> Held {
    let wire = Wire::open().await;
    let store = Arc::new(wire.store(place).await);
    let made = make(&*store).await;
    let mut holder = place.pool.begin().await.expect("begins");
    let lock = format!("LOCK TABLE {}.tickets IN ACCESS EXCLUSIVE MODE", place.schema);
    sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *holder).await.expect("locks");
    let first = (0..FIRST).map(|_| reading(&store, made.ticket.id)).collect();
    place.waits(FIRST).await;
    let before = wire.said();
    Held { wire, store, made, holder, first, before }
}

/// Lets other tasks go as far as they come.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn reads_by_id_that_wait_go_together() {
    in_schema("read_together", |place| async move {
        let Held { wire, store, made, holder, first, before } = hold(&place).await;
        let keys = made.keys;
        let others: Vec<_> = (0..40).map(|n| reading(&store, keys[n % 4])).collect();
        let absent = reading(&store, user(99).id);
        let gone: Vec<_> = (0..10).map(|n| reading(&store, keys[n % 4])).collect();
        settle().await;
        // Who leaves costs the others nothing.
        gone.iter().for_each(JoinHandle::abort);
        holder.rollback().await.expect("lets go");
        for (n, other) in first.into_iter().map(|task| (3, task)).chain(others.into_iter().enumerate()) {
            let row = other.await.expect("does not panic").expect("reads").expect("is there");
            assert_eq!(row.key(), keys[n % 4]);
        }
        assert_eq!(absent.await.expect("does not panic").expect("reads"), None);
        assert_eq!((wire.said() - before).trips, FIRST + 1, "all that waited are one statement");
        store.close().await.expect("closes");
    })
    .await;
}

#[tokio::test]
async fn one_who_leaves_while_their_statement_is_under_way_leaves_room_for_the_others() {
    in_schema("read_left", |place| async move {
        let Held { wire: _wire, store, made, holder, first, .. } = hold(&place).await;
        let other = reading(&store, made.keys[0]);
        settle().await;
        assert!(!other.is_finished(), "there is no room");
        first[0].abort();
        // It asks for no ticket, so nothing is in its way.
        assert!(other.await.expect("does not panic").expect("reads").is_some());
        holder.rollback().await.expect("lets go");
        store.close().await.expect("closes");
    })
    .await;
}

#[tokio::test]
async fn those_who_follow_something_are_told_of_it_and_the_others_are_not() {
    in_schema("read_follow", |place| async move {
        let Held { store, made, holder, wire, before, .. } = hold(&place).await;
        let asking: Vec<_> = (0..12)
            .map(|n| {
                let follow = [vec![], vec![Relation::TicketRequest], vec![Relation::TicketAssignedTo]][n % 3].clone();
                let set = ReadSet { get: vec![made.ticket.id.into()], follow, ..ReadSet::default() };
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.read(set).await })
            })
            .collect();
        settle().await;
        holder.rollback().await.expect("lets go");
        for (n, asked) in asking.into_iter().enumerate() {
            let answers = asked.await.expect("does not panic").expect("reads");
            assert!(answers.got[0].is_some());
            let followed: Vec<Key> = answers.followed.iter().map(Row::key).collect();
            assert_eq!(followed, [vec![], vec![made.keys[2]], vec![made.keys[0]]][n % 3]);
        }
        assert_eq!((wire.said() - before).trips, FIRST + 3, "one for each that follows the same");
        store.close().await.expect("closes");
    })
    .await;
}

#[tokio::test]
async fn a_damaged_row_is_told_to_those_who_asked_for_it() {
    in_schema("read_damaged", |place| async move {
        let other = ticket(5, &user(1));
        {
            let store = place.open().await;
            make(&*store).await;
            store.commit(insert([other.clone().into()])).await.expect("commits");
            // By hand, past what keeps hands from it.
            place.sql("ALTER TABLE {}.tickets DROP CONSTRAINT tickets_impact_check").await;
            let damage = format!(
                "SET session_replication_role = replica; UPDATE {{}}.tickets SET impact = 'a secret' WHERE id = '{}'; \
                 SET session_replication_role = DEFAULT",
                other.id.as_uuid()
            );
            place.sql(&damage).await;
            store.close().await.expect("closes");
        }
        let wire = Wire::open().await;
        let store = Arc::new(wire.store(&place).await);
        let mut holder = place.pool.begin().await.expect("begins");
        let lock = format!("LOCK TABLE {}.tickets IN ACCESS EXCLUSIVE MODE", place.schema);
        sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *holder).await.expect("locks");
        let good = ticket(4, &user(1)).id;
        let first: Vec<_> = (0..FIRST).map(|_| reading(&store, good)).collect();
        place.waits(FIRST).await;
        let asking: Vec<_> = (0..8).map(|n| reading(&store, if n % 2 == 0 { good } else { other.id })).collect();
        settle().await;
        let before = wire.said();
        holder.rollback().await.expect("lets go");
        for task in first {
            task.await.expect("does not panic").expect("reads");
        }
        for (n, task) in asking.into_iter().enumerate() {
            let outcome = task.await.expect("does not panic");
            if n % 2 == 0 {
                assert!(outcome.expect("reads").is_some());
                continue;
            }
            let Err(Error::Damaged { detail, .. }) = outcome else { panic!("{outcome:?}") };
            assert!(detail.contains("column impact of ticket ") && !detail.contains("secret"), "{detail}");
        }
        assert_eq!((wire.said() - before).trips, FIRST + 1, "they asked together");
        store.close().await.expect("closes");
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_to_all_and_each_asks_again() {
    in_schema("read_broken", |place| async move {
        let Held { wire: _wire, store, made, holder, first, .. } = hold(&place).await;
        first.iter().for_each(JoinHandle::abort);
        // The next two are alone, and the rest waits together with them gone.
        let others: Vec<_> = (0..20).map(|n| reading(&store, made.keys[n % 4])).collect();
        settle().await;
        place
            .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}' AND pid <> pg_backend_pid() AND state = 'active'")
            .await;
        holder.rollback().await.expect("lets go");
        for (n, other) in others.into_iter().enumerate() {
            let row = other.await.expect("does not panic").expect("reads").expect("is there");
            assert_eq!(row.key(), made.keys[n % 4]);
        }
        store.close().await.expect("closes");
    })
    .await;
}
