//! Servers that restart, fall silent, run full, or give way to their standby: what callers are told, and that everything
//! that was acknowledged is there. Each test has a server of its own.

mod common;

mod own_servers {
    use std::sync::Arc;

    use bsm_core::Error;
    use bsm_core::model::{Row, User};
    use bsm_core::store::Store;
    use bsm_store_postgres::PostgresStore;

    use super::common::feeds;
    use super::common::load::Load;
    use super::common::proxy::{Fate, Point, Proxy, Unit, Way};
    use super::common::rows::*;
    use super::common::server::{Server, Stop, caught_up};

    async fn open(url: &str) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::connect(url).await.unwrap_or_else(|error| panic!("{error} {error:?}")))
    }

    async fn connect(url: &str) -> sqlx::PgPool {
        sqlx::PgPool::connect(url).await.expect("the server answers")
    }

    async fn with_anna(url: &str) -> (Arc<PostgresStore>, User) {
        let (store, anna) = (open(url).await, user(1));
        store.commit(insert([anna.clone().into()])).await.expect("base");
        (store, anna)
    }

    /// A server that stops at once, as if it had crashed, and comes back, in the middle of everything.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_restarts_loses_nothing_and_refuses_nobody() {
        let mut server = Server::start(&[]);
        let (store, anna) = with_anna(&server.url()).await;
        let load = Load::of(&store, &anna, 6);
        for how in [Stop::Immediate, Stop::Fast, Stop::Immediate] {
            load.goes_on().await;
            server.stop(how);
            server.go();
        }
        load.goes_on().await;
        let told = load.ends().await;
        assert_eq!(told.failed, Vec::<String>::new(), "it was away for less than a call waits");
        told.assert_kept(&*store).await;
        store.health().await.expect("is well");
    }

    /// A connection over which nothing comes any more, both ways: it is given up, and what it held is let go of.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_connection_that_falls_silent_is_given_up_and_the_command_happens_once() {
        let server = Server::start(&[]);
        // One statement: it did not come to the server, or its answer did not come back.
        let mut events = falls_silent(&server, "", |_| vec![0]).await;
        // Several, amid them as well: the server holds what the first ones locked, until it waited long enough. (A server that
        // has a part of what is said of a statement waits without that bound, until it notices that nobody is there: see
        // `connect`.)
        events += falls_silent(&server, "&schema=several&triggers=off", |count| vec![count / 2, count - 1]).await;
        assert_eq!(events, 3 + 2 * 2 + 3 + 4 * 2);
    }

    async fn falls_silent(server: &Server, options: &str, places: impl Fn(usize) -> Vec<usize>) -> usize {
        let proxy = Proxy::before(&server.url()).await;
        let (store, anna) = with_anna(&format!("{}&patience=6s{options}", proxy.url(&server.url()))).await;
        let mut standing = anna;
        let mut commit = async || {
            let Row::User(renamed) = next(standing.clone(), 5) else { unreachable!("it is a user") };
            let update = change(vec![bsm_core::store::Write::Update(renamed.clone().into())]);
            store.commit(update).await.unwrap_or_else(|error| panic!("{error} {error:?}"));
            standing = renamed;
        };
        commit().await;
        proxy.reset();
        commit().await;
        let mut points = Vec::new();
        for way in [Way::ToServer, Way::ToClient] {
            let places = places(proxy.counted(way, Unit::Statements));
            points.extend(places.into_iter().map(|after| Point { way, unit: Unit::Statements, after }));
        }
        for point in points {
            proxy.arm(point, Fate::Silence);
            commit().await;
            assert!(proxy.fired(), "{point:?}");
            // The next one's statements are to be where they were counted.
            commit().await;
        }
        feeds::assert_sound(&*store).await;
        feeds::all(&*store, None).await.len()
    }

    /// The standby takes over. It has everything that was acknowledged, since the primary waited for it each time.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn callers_find_the_standby_that_takes_over_and_nothing_is_lost() {
        let mut primary = Server::make(&["synchronous_standby_names=standby", "wal_keep_size=64MB"]);
        let mut standby = Server::standby_of(&primary, &[]);
        primary.go();
        standby.go();
        let both = |first: &Server, second: &Server| {
            let url = first.url().replace(&first.place(), &format!("{},{}", first.place(), second.place()));
            assert!(url.contains(','), "{url}");
            url
        };
        // Whichever is named first, the primary is found.
        let (store, anna) = with_anna(&both(&primary, &standby)).await;
        let other = open(&both(&standby, &primary)).await;
        // The primary waits until the standby has what is acknowledged, and not until it shows it: a desk that is not shown yet
        // would have to be made.
        let (past_primary, past_standby) = (connect(&primary.url()).await, connect(&standby.url()).await);
        caught_up(&past_primary, &past_standby).await;
        past_primary.close().await;
        // Who knows the standby only can read there, and is told why nothing is written.
        let alone = open(&format!("{}&patience=1500ms", standby.url())).await;
        assert!(get(&*alone, anna.id).await.is_some());
        let refused = alone.commit(insert([user(2).into()])).await;
        let Err(Error::Unavailable { source, .. }) = refused else { panic!("{refused:?}") };
        assert!(source.to_string().contains("takes no writes"), "{source}");

        let load = Load::by(&[Arc::clone(&store), Arc::clone(&other)], &anna, 6);
        load.goes_on().await;
        primary.stop(Stop::Immediate);
        let done: bool = sqlx::query_scalar("SELECT pg_promote()").fetch_one(&past_standby).await.expect("is promoted");
        assert!(done);
        past_standby.close().await;
        load.goes_on().await;
        load.goes_on().await;
        let told = load.ends().await;
        assert_eq!(told.failed, Vec::<String>::new(), "it took less than a call waits");
        for store in [&store, &other, &alone] {
            told.assert_kept(&**store).await;
        }
        alone.commit(insert([user(2).into()])).await.expect("it is the primary now");
        let name = store.to_string();
        assert!(name.contains(&primary.place()) && name.contains(&standby.place()), "{name}");
    }

    /// A command that came to the primary's own disk and to no standby, when the primary crashed: the row is there afterwards,
    /// but nobody is told that it is safe.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_on_no_standby_is_not_acknowledged_when_it_is_met_again() {
        let mut server = Server::start(&[]);
        let (store, anna) = with_anna(&format!("{}&patience=6s", server.url())).await;
        let past = sqlx::PgPool::connect(&server.url()).await.expect("connects");
        let run = async |text: &'static str| sqlx::raw_sql(text).execute(&past).await.expect("is done");
        run("ALTER SYSTEM SET synchronous_standby_names = 'standby'").await;
        run("SELECT pg_reload_conf()").await;
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')";
        // The server takes the setting up when it comes to it; commands that are done before wait for nobody.
        let mut n = 1;
        let committing = 'waits: loop {
            n += 1;
            let (store, opened) = (Arc::clone(&store), ticket(n, &anna));
            let committing = tokio::spawn(async move { store.commit(insert([opened.into()])).await });
            while !committing.is_finished() {
                if sqlx::query_scalar::<_, bool>(waits).fetch_one(&past).await.expect("tells") {
                    break 'waits committing;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        server.stop(Stop::Immediate);
        server.go();
        let outcome = committing.await.expect("does not panic");
        assert!(matches!(outcome, Err(Error::OutcomeUnknown { .. })), "{outcome:?}");
        assert!(get(&*store, ticket(n, &anna).id).await.is_some(), "it happened");
    }

    /// The tables' disk runs full: commands are told so and leave nothing, reads go on, and so does all when there is room.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_disk_is_told_and_nothing_is_half_written() {
        let mut server = Server::make(&["autovacuum=off"]).with_room(24, "tables");
        server.go();
        let past = sqlx::PgPool::connect(&server.url()).await.expect("connects");
        let run = async |text: String| sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&past).await.map(drop);
        let tables = server.room().path().join("tables");
        run(format!("CREATE TABLESPACE small LOCATION '{}'", tables.display())).await.expect("is made");
        let (store, anna) = with_anna(&format!("{}&options[default_tablespace]=small", server.url())).await;
        run("CREATE TABLE filler (text text) TABLESPACE small".to_owned()).await.expect("is made");
        run("ALTER TABLE filler ALTER COLUMN text SET STORAGE EXTERNAL".to_owned()).await.expect("is set");
        // In ever smaller parts, until not one page is left.
        for kilobytes in [4096, 1024, 256, 32, 7] {
            let fill = format!("INSERT INTO filler SELECT repeat('x', {kilobytes} * 1000)");
            while run(fill.clone()).await.is_ok() {}
        }
        let mut told = Vec::new();
        let mut kept = Vec::new();
        // The pages that the tables have already still take a few.
        for number in 100..500 {
            let mut written = article(number, &anna);
            written.body = "y".repeat(3000);
            match store.commit(insert([written.clone().into()])).await {
                Ok(_) => kept.push(written.id),
                Err(Error::Unavailable { source, .. }) => {
                    let said = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
                    assert_eq!(said.and_then(sqlx::error::DatabaseError::code).as_deref(), Some("53100"));
                    told.push(written.id);
                }
                Err(error) => panic!("{error} {error:?}"),
            }
            if told.len() == 5 {
                break;
            }
        }
        assert_eq!(told.len(), 5, "it runs full");
        for id in &kept {
            assert!(get(&*store, *id).await.is_some());
        }
        for id in &told {
            assert!(get(&*store, *id).await.is_none());
        }
        // Files go when the server has written down that they may.
        run("DROP TABLE filler".to_owned()).await.expect("is dropped");
        run("CHECKPOINT".to_owned()).await.expect("is written down");
        store.commit(insert([article(999, &anna).into()])).await.expect("goes on");
        feeds::assert_sound(&*store).await;
        past.close().await;
    }

    /// The disk of the server's own log runs full, which the server does not survive. What was acknowledged is there when it
    /// has room again, and what was said to have failed is not.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_has_no_room_for_its_log_loses_nothing() {
        let mut server = Server::make(&["max_wal_size=8MB", "min_wal_size=2MB"]).with_log_in_room(16);
        server.go();
        let (store, anna) = with_anna(&format!("{}&patience=2s", server.url())).await;
        let load = Load::of(&store, &anna, 4);
        load.goes_on().await;
        let filler = server.room().path().join("filler").display().to_string();
        server.room().shell(&format!("head -c 1G /dev/zero > {filler} 2>/dev/null; true"));
        // Callers fill what is left of the last file, and then the server stops.
        let writing = tokio::spawn({
            let (store, anna) = (Arc::clone(&store), anna.clone());
            async move {
                for number in 100.. {
                    let mut big = article(number, &anna);
                    big.body = (0..200_000_u32).map(|n| char::from(b'a' + (n % 23) as u8)).collect();
                    if store.commit(insert([big.into()])).await.is_err() {
                        return;
                    }
                }
            }
        });
        writing.await.expect("does not panic");
        server.room().shell(&format!("rm {filler}"));
        server.stop(Stop::Immediate);
        server.go();
        load.goes_on().await;
        let told = load.ends().await;
        println!("{} were acknowledged, {} were told otherwise", told.count(), told.failed.len());
        told.assert_kept(&*store).await;
    }
}
