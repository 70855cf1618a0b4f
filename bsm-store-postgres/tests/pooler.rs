//! A desk behind `PgBouncer` in transaction mode, which gives a connection of the server's to whoever is next.

mod common;

mod own_pooler {
    use std::sync::Arc;

    use bsm_core::Error;
    use bsm_core::conformance::{self, Ran};
    use bsm_core::model::{Entity, Key, Row, Ticket, TimeRange, Value, Version};
    use bsm_core::schema::{Counter, Field, Index, Relation};
    use bsm_core::store::{
        Branch, CountQuery, FeedQuery, HistoryQuery, ImportStep, Order, ReadSet, Scan, Store, UniqueValue, Write,
    };
    use bsm_store_postgres::PostgresStore;
    use sqlx::postgres::PgPoolOptions;
    use sqlx::{Connection as _, PgConnection, PgPool, Row as _};

    use super::common::bouncer::{Bouncer, encoded};
    use super::common::desk::make;
    use super::common::feeds::{self, assert_sound};
    use super::common::rows::*;
    use super::common::wire::Wire;
    use super::common::{Place, full, in_schema, server};

    async fn open(url: &str) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::connect(url).await.unwrap_or_else(|error| panic!("{error} {error:?}")))
    }

    /// A connection past any store.
    async fn raw(bouncer: &Bouncer) -> PgConnection {
        PgConnection::connect_with(&bouncer.options()).await.expect("connects")
    }

    async fn backend(connection: &mut PgConnection) -> i32 {
        let row = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await.expect("answers");
        row.try_get(0).expect("is a number")
    }

    /// What the other tests rely on: two who are connected at once are served by one connection of the server's.
    #[tokio::test]
    async fn two_clients_share_a_connection_of_the_server() {
        let bouncer = Bouncer::start(1);
        let (mut one, mut other) = (raw(&bouncer).await, raw(&bouncer).await);
        assert_eq!(backend(&mut one).await, backend(&mut other).await);
    }

    const CLIENTS: u32 = 8;

    /// Asks for the client's own things over and over, each time in other words, and compares each answer.
    async fn ask(store: Arc<PostgresStore>, n: u32, rounds: u32) {
        let (first, none) = (1_000 * (n + 1), ReadSet::default);
        let (customer, service) = (user(first), service(first + 1));
        let request = request(first + 3, &service, &customer);
        let ticket = Ticket { category: Some("NULL".to_owned()), ..feeds::theirs(first + 2, &customer, &customer) };
        let rows: [Row; 4] = [customer.clone().into(), service.clone().into(), request.into(), ticket.clone().into()];
        store.commit(insert(rows)).await.expect("base");
        let Some(Row::Ticket(mut ticket)) = get(&*store, ticket.id).await else { panic!("it is there") };
        for round in 0..rounds {
            // Which of them goes when differs from client to client.
            match (round + n) % 8 {
                0 => {
                    let asked = vec![customer.id.into(), service.id.into()];
                    let got = store.read(ReadSet { get: asked, ..none() }).await.expect("reads").got;
                    assert_eq!(got, [Some(customer.clone().into()), Some(service.clone().into())]);
                }
                1 => {
                    let value = Value::Text(customer.email.clone().into());
                    let find = vec![UniqueValue { entity: Entity::User, field: Field::Email, value }];
                    let found = store.read(ReadSet { find, ..none() }).await.expect("reads").found;
                    assert_eq!(found, [Some(customer.clone().into())]);
                }
                2 => {
                    let index = Index::by(Entity::Ticket, &[Field::CreatedBy]).expect("is one");
                    let values = vec![Value::Id(customer.id.as_uuid())];
                    let scan = Scan {
                        branches: vec![Branch { index, values, conditions: Vec::new() }],
                        within: TimeRange::ALL,
                        order: Order::NewestFirst,
                        after: None,
                        limit: 10 + n as usize,
                        budget: 100,
                    };
                    let follow = vec![Relation::TicketCreatedBy];
                    let answers = store.read(ReadSet { scan: Some(scan), follow, ..none() }).await.expect("reads");
                    assert_eq!(answers.scanned.expect("was asked").rows, [ticket.clone().into()]);
                    assert_eq!(answers.followed, [customer.clone().into()]);
                }
                3 => {
                    ticket.title = format!("'; \\' $1 of {n} in {round}");
                    let Row::Ticket(after) = next(ticket, round) else { panic!("it is one") };
                    ticket = after;
                    store.commit(change(vec![Write::Update(ticket.clone().into())])).await.expect("is done");
                    assert_eq!(get(&*store, ticket.id).await, Some(ticket.clone().into()));
                }
                4 => {
                    let key = ticket.id.into();
                    let history = Some(HistoryQuery { key, order: Order::OldestFirst, after: None, limit: 1_000 });
                    let told = store.read(ReadSet { history, ..none() }).await.expect("reads").history;
                    let versions: Vec<u64> = told.iter().map(|entry| entry.version.0).collect();
                    assert_eq!(versions, (1..=ticket.version.0).collect::<Vec<_>>());
                    assert!(told.iter().all(|entry| entry.key == key));
                }
                5 => {
                    let prefix = vec![Value::Id(service.id.as_uuid())];
                    let counts = vec![CountQuery { counter: Counter::ServiceUsage, prefix }];
                    let counted = store.read(ReadSet { counts, ..none() }).await.expect("reads").counts;
                    assert_eq!(counted, [[(vec!["submitted".to_owned()], 1)]]);
                }
                6 => {
                    let events = feeds::all(&*store, Some(customer.id)).await;
                    let theirs = events.iter().flat_map(|event| &event.entries);
                    assert!(theirs.clone().all(|entry| entry.subject == Some(customer.id)));
                    let of_ticket = theirs.filter(|entry| entry.key == Key::from(ticket.id)).count();
                    assert_eq!(of_ticket as u64, ticket.version.0);
                }
                // Refused, by the long way.
                _ => {
                    let stale = Ticket { version: Version(ticket.version.0 + 7), ..ticket.clone() };
                    let stale = Row::from(stale);
                    match store.commit(change(vec![Write::Update(stale)])).await {
                        Err(Error::Conflict { key, expected, found }) => {
                            assert_eq!(key, Key::from(ticket.id));
                            assert_eq!((expected, found), (Version(ticket.version.0 + 6), ticket.version));
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
    }

    /// Eight store values, as of eight processes, over two connections.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_eight_clients_ask_at_once_does_not_mix() {
        in_schema("pooler_mix", |place| async move {
            let bouncer = Bouncer::start(2);
            let url = bouncer.url(&place);
            let mut tasks = Vec::new();
            for n in 0..CLIENTS {
                let store = open(&url).await;
                tasks.push(tokio::spawn(ask(store, n, if full() { 2_000 } else { 200 })));
            }
            for task in tasks {
                task.await.expect("every answer is its own");
            }
            assert_sound(&*open(&url).await).await;
        })
        .await;
    }

    /// The part of the suite that has each kind of read and of refusal, and several at work at once.
    const PART: [&str; 8] = [
        "bad_input::",
        "commits::",
        "feed::",
        "idempotency::",
        "interleavings::",
        "reads::",
        "summary::",
        "transfer::an_export_comes_back_equal",
    ];

    /// The whole suite in a full run, and else this part of it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_promises_hold_behind_a_pooler() {
        let bouncer = Bouncer::start(3);
        let fresh = || make(|place| bouncer.url(place));
        let wanted = |name: &str| full() || PART.iter().any(|part| name.starts_with(part));
        let mut passed = 0;
        for case in conformance::cases().into_iter().filter(|case| wanted(case.name)) {
            let mut place = fresh().await;
            for _ in 0..case.places_beside() {
                place = place.beside(fresh().await);
            }
            assert_eq!(case.run(&place).await, Ran::Passed, "{}", case.name);
            passed += 1;
        }
        assert!(passed > 40, "{passed}");
    }

    /// One statement is one message there and back, and none is ever only prepared.
    #[tokio::test]
    async fn what_is_said_to_a_pooler_is_one_message_each() {
        in_schema("pooler_trips", |place| async move {
            let bouncer = Bouncer::start(2);
            let (host, port) = bouncer.place();
            let wire = Wire::to(host, port).await;
            let store = open(&wire.on(&bouncer.url(&place))).await;
            let (customer, agent) = (user(1), user(2));
            let made = feeds::theirs(3, &agent, &customer);
            let rows: [Row; 3] = [customer.clone().into(), agent.clone().into(), made.clone().into()];
            let none = ReadSet::default;

            let (said, done) = wire.during(store.commit(insert(rows))).await;
            done.expect("base");
            assert_eq!(said.trips, 1, "a command");

            let mut set = ReadSet { get: vec![made.id.into()], follow: Relation::ALL.to_vec(), ..none() };
            let (said, got) = wire.during(store.read(set.clone())).await;
            assert_eq!(got.expect("reads").followed.len(), 2);
            assert_eq!(said.trips, 1, "a row by its id, and what it names");
            set.counts = vec![CountQuery { counter: Counter::Tickets, prefix: Vec::new() }];
            set.numbers = true;
            let (said, got) = wire.during(store.read(set)).await;
            assert_eq!(got.expect("reads").numbers.len(), 2);
            assert_eq!(said.trips, 1, "a summary");

            // A look for events without a position, and beginning, reading in four statements, and ending.
            feeds::all(&*store, None).await;
            let feed = Some(FeedQuery { customer: None, after: None, entities: Vec::new(), limit: 50, rows: false });
            let (said, page) = wire.during(store.read(ReadSet { get: vec![made.id.into()], feed, ..none() })).await;
            assert_eq!(page.expect("reads").feed.expect("was asked").events.len(), 1);
            assert_eq!(said.trips, 1 + 1 + 4 + 1, "a page of the feed");

            // The call finds that it is not so; then the long way: begins, locks, looks at the rows, and rolls back.
            let stale = Row::from(Ticket { version: Version(9), ..made.clone() });
            let (said, refused) = wire.during(store.commit(change(vec![Write::Update(stale)]))).await;
            assert!(matches!(refused, Err(Error::Conflict { found: Version(1), .. })), "{refused:?}");
            assert_eq!(said.trips, 1 + 1 + 2 + 1 + 1, "a command that is refused");

            assert_eq!(wire.said().prepared, 0, "nothing is left with the server for a second message");
            let (said, found) = wire.during(store.verify()).await;
            assert!(found.expect("recounts").is_clean());
            assert_eq!(said.trips, 0, "a recount goes past the pooler");
            store.close().await.expect("closes");
        })
        .await;
    }

    /// What is set for a connection, prepared, or locked over it, would be the next client's.
    #[tokio::test]
    async fn nothing_is_left_on_the_servers_connection() {
        in_schema("pooler_left", |place| async move {
            let bouncer = Bouncer::start(1);
            let mut other = raw(&bouncer).await;
            let before = backend(&mut other).await;
            let store = open(&bouncer.url(&place)).await;
            ask(Arc::clone(&store), 0, 8).await;
            store.close().await.expect("closes");
            assert_eq!(backend(&mut other).await, before, "it is still the same");
            // What PgBouncer sets itself, for each client as it asked when it connected.
            let left = "SELECT concat_ws(' ', \
                (SELECT string_agg(name, ' ' ORDER BY name) FROM pg_settings WHERE source = 'session' AND name NOT IN \
                ('application_name', 'client_encoding', 'DateStyle', 'standard_conforming_strings', 'TimeZone')), \
                (SELECT string_agg(statement, ' ') FROM pg_prepared_statements), \
                (SELECT string_agg(mode, ' ') FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()))";
            let row = sqlx::raw_sql(left).fetch_one(&mut other).await.expect("answers");
            assert_eq!(row.try_get::<String, _>(0).expect("is text"), "");
        })
        .await;
    }

    /// Other users of the pooler leave what they like.
    #[tokio::test]
    async fn what_others_left_on_the_servers_connection_does_no_harm() {
        in_schema("pooler_others", |place| async move {
            let bouncer = Bouncer::start(1);
            let store = open(&bouncer.url(&place)).await;
            let mut other = raw(&bouncer).await;
            for left in [
                "SET default_transaction_isolation = 'serializable'",
                "SET default_transaction_read_only = on",
                "SET search_path = pg_temp",
                "SET DateStyle = 'German'",
                "SET TimeZone = 'Asia/Kathmandu'",
                "SET standard_conforming_strings = off",
                "SET bytea_output = 'escape'",
                "SET extra_float_digits = -3",
                "PREPARE sqlx_s_1 AS SELECT 'theirs'",
                "SET synchronous_commit = off",
            ] {
                sqlx::raw_sql(left).execute(&mut other).await.expect("is left");
            }
            ask(Arc::clone(&store), 0, 16).await;
            assert_sound(&*store).await;
        })
        .await;
    }

    /// An import holds a transaction for as long as it takes: through the pooler, nobody else would get on.
    #[tokio::test]
    async fn an_import_and_a_recount_go_past_the_pooler() {
        in_schema("pooler_import", |place| async move {
            let bouncer = Bouncer::start(1);
            let url = format!("{}&patience=6s", bouncer.url(&place));
            let (importing, other) = (open(&url).await, open(&url).await);
            importing.import(ImportStep::Begin).await.expect("begins");
            assert_eq!(get(&*other, user(1).id).await, None, "reads go on");
            assert!(other.verify().await.expect("recounts").is_clean());
            importing.close().await.expect("gives up");
            other.commit(insert([user(1).into()])).await.expect("commits");
        })
        .await;
    }

    #[tokio::test]
    async fn pools_of_the_hosts_serve_as_well() {
        in_schema("pooler_pools", |place| async move {
            let bouncer = Bouncer::start(2);
            let pool = |options| PgPoolOptions::new().max_connections(4).connect_with(options);
            let pool: PgPool = pool(bouncer.options()).await.expect("connects");
            let store = PostgresStore::from_pools(pool, place.pool.clone(), &place.schema).await.expect("opens");
            let store = Arc::new(store);
            assert!(store.to_string().ends_with(&format!("/desks?schema={}", place.schema)));
            let (one, two) = (Arc::clone(&store), Arc::clone(&store));
            let (one, two) = (tokio::spawn(ask(one, 0, 50)), tokio::spawn(ask(two, 1, 50)));
            one.await.expect("every answer is its own");
            two.await.expect("every answer is its own");
            assert_sound(&*store).await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_direct_address_that_leads_elsewhere_is_refused() {
        in_schema("pooler_elsewhere", |place: Place| async move {
            let bouncer = Bouncer::start(1);
            let elsewhere = format!("{}/template1", server().rsplit_once('/').expect("names a database").0);
            let url = format!("{}&direct={}", bouncer.plain_url(&place), encoded(&elsewhere));
            match PostgresStore::connect(&url).await {
                Err(Error::InvalidAddress { reason }) => assert!(reason.contains("direct"), "{reason}"),
                other => panic!("{other:?}"),
            }
            let mut there = PgConnection::connect(&elsewhere).await.expect("connects");
            let made =
                sqlx::query_scalar::<_, bool>("SELECT to_regnamespace($1) IS NOT NULL").bind(place.schema.clone());
            assert!(!made.fetch_one(&mut there).await.expect("answers"), "nothing was made there");
        })
        .await;
    }
}
