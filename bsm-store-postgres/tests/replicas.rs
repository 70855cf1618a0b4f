//! Reads that go to a hot standby: served there, never older than they may be, and at the primary if the standby can't. Each
//! test has servers of its own.

mod common;

mod own_servers {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use bsm_core::conformance::{Place, Ran, cases};
    use bsm_core::model::{Entity, Key, Role, Row, TimeRange, User};
    use bsm_core::schema::{Counter, Index};
    use bsm_core::store::{Branch, CountQuery, Order, ReadSet, Scan, Stamp, Store, Write};
    use bsm_core::{Desk, Error, NewTicket, NewUser};
    use bsm_store_postgres::PostgresStore;
    use sqlx::PgPool;

    use super::common::feeds;
    use super::common::full;
    use super::common::load::Load;
    use super::common::proxy::{Proxy, Unit, Way};
    use super::common::rows::*;
    use super::common::server::{PASSWORD, Server, Stop, caught_up};

    /// A primary and its standby, each with a proxy before it and a way past it.
    struct Pair {
        primary: Server,
        standby: Server,
        to_primary: Proxy,
        to_standby: Proxy,
        past_primary: PgPool,
        past_standby: PgPool,
    }

    /// An address as the value of an option.
    fn encoded(url: &str) -> String {
        let letter = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        url.bytes().map(letter).collect()
    }

    async fn open(url: &str) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::connect(url).await.unwrap_or_else(|error| panic!("{error} {error:?}")))
    }

    impl Pair {
        async fn start(standby: &[&str]) -> Self {
            let mut primary = Server::make(&["wal_keep_size=64MB"]);
            let mut standby = Server::standby_of(&primary, standby);
            primary.go();
            standby.go();
            let (to_primary, to_standby) = (Proxy::before(&primary.url()).await, Proxy::before(&standby.url()).await);
            let connect = async |server: &Server| PgPool::connect(&server.url()).await.expect("connects");
            let (past_primary, past_standby) = (connect(&primary).await, connect(&standby).await);
            Self { primary, standby, to_primary, to_standby, past_primary, past_standby }
        }

        /// The address of a desk whose reads may go to the standby.
        fn url(&self) -> String {
            let read = encoded(&self.to_standby.url(&self.standby.url()));
            format!("{}&read={read}", self.to_primary.url(&self.primary.url()))
        }

        /// Opens the desk, which the standby has by then.
        async fn open(&self) -> Arc<PostgresStore> {
            let store = open(&self.url()).await;
            self.catches_up().await;
            store
        }

        /// Waits until the standby has everything.
        async fn catches_up(&self) {
            caught_up(&self.past_primary, &self.past_standby).await;
        }

        /// The standby shows nothing new from now on.
        async fn pause(&self) {
            sqlx::query("SELECT pg_wal_replay_pause()").execute(&self.past_standby).await.expect("pauses");
            let state = "SELECT pg_get_wal_replay_pause_state()";
            while sqlx::query_scalar::<_, String>(state).fetch_one(&self.past_standby).await.expect("tells") != "paused"
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }

        async fn resume(&self) {
            sqlx::query("SELECT pg_wal_replay_resume()").execute(&self.past_standby).await.expect("resumes");
        }

        /// Whether the standby has a ticket, at a version.
        async fn has(&self, key: impl Into<Key>, version: i64) -> bool {
            let asks = "SELECT EXISTS (SELECT FROM bsm.tickets WHERE id = $1 AND version = $2)";
            let asks = sqlx::query_scalar(asks).bind(key.into().id).bind(version);
            asks.fetch_one(&self.past_standby).await.expect("tells")
        }

        fn reset(&self) {
            self.to_primary.reset();
            self.to_standby.reset();
        }

        /// How many messages went to the primary and to the standby since they were last counted.
        fn asked(&self) -> (usize, usize) {
            let asked = |proxy: &Proxy| proxy.counted(Way::ToServer, Unit::Messages);
            let told = (asked(&self.to_primary), asked(&self.to_standby));
            self.reset();
            told
        }

        /// Reads until the standby alone is asked.
        async fn is_served_by_the_standby(&self, store: &dyn Store, key: impl Into<Key>) {
            let key = key.into();
            loop {
                self.reset();
                assert!(get(store, key).await.is_some());
                if let (0, 1..) = self.asked() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn scan(entity: Entity) -> Scan {
        let branch = Branch { index: Index::primary(entity), values: Vec::new(), conditions: Vec::new() };
        let order = Order::NewestFirst;
        Scan { branches: vec![branch], within: TimeRange::ALL, order, after: None, limit: 50, budget: 50 }
    }

    async fn get_seeing(store: &dyn Store, key: impl Into<Key>, stamp: &Stamp) -> Option<Row> {
        let set = ReadSet { get: vec![key.into()], at_least: Some(stamp.clone()), ..ReadSet::default() };
        store.read(set).await.expect("reads").got.pop().flatten()
    }

    async fn with_anna(store: &dyn Store) -> User {
        let anna = user(1);
        store.commit(insert([anna.clone().into()])).await.expect("base");
        anna
    }

    /// Reads are the standby's; what is decided on, and the feed, are the primary's.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn reads_are_served_by_the_standby_and_what_must_be_current_is_not() {
        let pair = Pair::start(&[]).await;
        let store = pair.open().await;
        let anna = with_anna(&*store).await;
        let opened = ticket(2, &anna);
        store.commit(insert([opened.clone().into()])).await.expect("commits");
        pair.catches_up().await;
        pair.is_served_by_the_standby(&*store, opened.id).await;
        let none = ReadSet::default;
        let counts = vec![CountQuery { counter: Counter::Tickets, prefix: Vec::new() }];
        let sets = [
            ReadSet { get: vec![opened.id.into()], ..none() },
            ReadSet { get: vec![opened.id.into(), anna.id.into()], ..none() },
            ReadSet { scan: Some(scan(Entity::Ticket)), get: vec![anna.id.into()], ..none() },
            ReadSet { counts, ..none() },
        ];
        for set in sets {
            pair.reset();
            let answers = store.read(set.clone()).await.expect("reads");
            let (primary, standby) = pair.asked();
            assert!(primary == 0 && standby > 0, "{set:?}: {primary} {standby}");
            let current = store.read(ReadSet { current: true, ..set.clone() }).await.expect("reads");
            let (primary, standby) = pair.asked();
            assert!(primary > 0 && standby == 0, "{set:?}: {primary} {standby}");
            assert_eq!(answers, current);
        }
        // The log says of a sequence that numbers were given that a standby would have to skip.
        let numbers = store.read(ReadSet { numbers: true, ..none() }).await.expect("reads").numbers;
        assert_eq!(numbers, [(Entity::Ticket, 1), (Entity::Request, 0)]);
        let used = ReadSet { used: Some((anna.id, "a key".to_owned())), ..none() };
        store.read(used).await.expect("reads");
        feeds::page(&*store, None, None, 10).await;
        feeds::page(&*store, Some(anna.id), None, 10).await;
        let (primary, standby) = pair.asked();
        assert!(primary > 0 && standby == 0, "{primary} {standby}");
        // What the feed told does not keep a standby out that has it.
        pair.catches_up().await;
        pair.is_served_by_the_standby(&*store, opened.id).await;
        let told = format!("{store} {store:?}");
        assert!(!told.contains("read=") && !told.contains(PASSWORD), "{told}");
        store.close().await.expect("closes");
    }

    /// The standby stands still: who wrote sees it, and who is given the stamp; others may not. Then it goes on, and ends.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn own_writes_are_seen_at_once_however_far_the_standby_is_behind() {
        let mut pair = Pair::start(&[]).await;
        let store = pair.open().await;
        let anna = with_anna(&*store).await;
        let first = ticket(2, &anna);
        store.commit(insert([first.clone().into()])).await.expect("commits");
        let other = open(&pair.url()).await;
        pair.catches_up().await;
        pair.is_served_by_the_standby(&*other, first.id).await;
        pair.pause().await;

        let second = ticket(3, &anna);
        let committed = store.commit(insert([second.clone().into()])).await.expect("commits");
        let also = store.commit(change(vec![Write::Update(next(first.clone(), 9))])).await.expect("commits");
        let version = async |store: &PostgresStore| get(store, first.id).await.expect("is there").version().0;
        assert!(!pair.has(second.id, 1).await && !pair.has(first.id, 2).await, "it is behind");
        for _ in 0..3 {
            assert!(get(&*store, second.id).await.is_some());
            assert_eq!(version(&*store).await, 2);
            let page =
                store.read(ReadSet { scan: Some(scan(Entity::Ticket)), ..ReadSet::default() }).await.expect("reads");
            assert_eq!(page.scanned.expect("is a page").rows.len(), 2);
        }
        // Others read at the standby, unless they know better.
        assert_eq!(get(&*other, second.id).await, None);
        assert_eq!(version(&*other).await, 1);
        assert!(get_seeing(&*other, second.id, &committed.stamp).await.is_some());
        let seen = get_seeing(&*other, first.id, &also.stamp).await;
        assert_eq!(seen.expect("is there").version().0, 2);
        let set =
            ReadSet { scan: Some(scan(Entity::Ticket)), at_least: Some(committed.stamp.clone()), ..ReadSet::default() };
        assert_eq!(other.read(set).await.expect("reads").scanned.expect("is a page").rows.len(), 2);
        assert_eq!(get(&*other, second.id).await, None, "a stamp is for one read");
        // Kept as bytes, and a stamp that nobody made.
        let kept = Stamp::from_bytes(committed.stamp.as_bytes());
        assert!(get_seeing(&*other, second.id, &kept).await.is_some());
        assert!(get_seeing(&*other, second.id, &Stamp::from_bytes([7; 3])).await.is_some());

        pair.resume().await;
        pair.catches_up().await;
        pair.is_served_by_the_standby(&*store, second.id).await;
        assert!(get(&*other, second.id).await.is_some());

        pair.standby.stop(Stop::Immediate);
        for store in [&store, &other] {
            for _ in 0..3 {
                assert!(get(&**store, second.id).await.is_some());
            }
        }
        store.commit(insert([ticket(4, &anna).into()])).await.expect("commits");
        pair.standby.go();
        pair.past_standby = PgPool::connect(&pair.standby.url()).await.expect("connects");
        pair.catches_up().await;
        pair.is_served_by_the_standby(&*store, second.id).await;
        pair.is_served_by_the_standby(&*other, second.id).await;
    }

    /// Who was told of something by the feed finds it, though the standby has not got it yet.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_the_feed_told_is_seen() {
        let pair = Pair::start(&[]).await;
        let store = pair.open().await;
        let anna = with_anna(&*store).await;
        let opened = feeds::theirs(2, &anna, &anna);
        store.commit(insert([opened.clone().into()])).await.expect("commits");
        let desks = open(&pair.url()).await;
        let customers = open(&pair.url()).await;
        let waits = open(&pair.url()).await;
        let place = feeds::stands(&*store, None).await;
        pair.catches_up().await;
        for other in [&desks, &customers, &waits] {
            pair.is_served_by_the_standby(&**other, opened.id).await;
        }
        pair.pause().await;
        store.commit(change(vec![Write::Update(next(opened.clone(), 9))])).await.expect("commits");
        let version = async |store: &PostgresStore| get(store, opened.id).await.expect("is there").version().0;
        for (other, customer) in [(&desks, None), (&customers, Some(anna.id))] {
            assert_eq!(version(other).await, 1, "it is behind");
            assert!(!feeds::all(&**other, customer).await.is_empty());
            assert_eq!(version(other).await, 2);
        }
        waits.wait(None, place).await.expect("there is more");
        assert_eq!(version(&waits).await, 2);
        pair.resume().await;
        pair.catches_up().await;
        for other in [&desks, &customers, &waits] {
            pair.is_served_by_the_standby(&**other, opened.id).await;
        }
    }

    /// Commands of a desk that never wrote are decided on what stands, not on what its standby shows.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn commands_are_decided_on_what_stands() {
        let pair = Pair::start(&[]).await;
        let store = pair.open().await;
        let (other, third) = (Desk::new(open(&pair.url()).await), Desk::new(open(&pair.url()).await));
        pair.pause().await;
        let desk = Desk::new(store);
        let grace = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin)).await;
        let grace = grace.expect("is the first").id;
        let opened = desk.agent(grace).keyed("a key").open_ticket(NewTicket::new("A broken screen")).await;
        let opened = opened.expect("is opened");
        let refused = other.agent(grace).ticket(opened.id).await;
        assert!(matches!(refused, Err(Error::NotAllowed { .. })), "the standby knows nobody: {refused:?}");
        let by_third = third.agent(grace).open_ticket(NewTicket::new("By the third")).await;
        assert!(by_third.is_ok(), "whoever commands is looked up where they are: {by_third:?}");
        let again = other.agent(grace).keyed("a key").open_ticket(NewTicket::new("A broken screen")).await;
        assert_eq!(again.expect("is answered").id, opened.id);
        let more = other.agent(grace).open_ticket(NewTicket::new("Another")).await.expect("is opened");
        assert_eq!(other.agent(grace).ticket(more.id).await.expect("is there"), more);
        assert!(other.agent(grace).ticket(opened.id).await.is_ok(), "it came before");
    }

    /// Many who write and read back at once, over a standby that is a little behind.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_misses_their_own_write_on_a_standby_that_lags() {
        const CALLERS: u32 = 12;
        let pair = Pair::start(&["recovery_min_apply_delay=50ms"]).await;
        let store = pair.open().await;
        let anna = with_anna(&*store).await;
        pair.catches_up().await;
        pair.is_served_by_the_standby(&*store, anna.id).await;
        pair.reset();
        let callers = (0..CALLERS).map(|caller| {
            let (store, anna) = (Arc::clone(&store), anna.clone());
            tokio::spawn(async move {
                for round in 0..12 {
                    let opened = ticket(10 + caller + CALLERS * round, &anna);
                    store.commit(insert([opened.clone().into()])).await.expect("commits");
                    assert!(get(&*store, opened.id).await.is_some(), "by its id");
                    store.commit(change(vec![Write::Update(next(opened.clone(), 9))])).await.expect("commits");
                    let set =
                        ReadSet { scan: Some(scan(Entity::Ticket)), get: vec![opened.id.into()], ..ReadSet::default() };
                    let answers = store.read(set).await.expect("reads");
                    assert_eq!(answers.got[0].as_ref().map(|row| row.version().0), Some(2));
                    let counts = vec![CountQuery { counter: Counter::Tickets, prefix: Vec::new() }];
                    let counted = store.read(ReadSet { counts, ..ReadSet::default() }).await.expect("reads").counts;
                    let sum: i128 = counted[0].iter().map(|(_, sum)| sum).sum();
                    assert!(sum > i128::from(round), "{sum} in round {round}");
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.expect("misses nothing");
        }
        let (primary, standby) = pair.asked();
        println!("{primary} messages to the primary, {standby} to the standby");
        assert!(standby > 50, "the standby was asked");
    }

    /// A server that is no replica of the desk is not asked.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_with_another_desk_is_not_read() {
        let (server, stranger) = (Server::start(&[]), Server::start(&[]));
        let elsewhere = open(&stranger.url()).await;
        let berta = User { full_name: "Somebody else".to_owned(), ..user(1) };
        elsewhere.commit(insert([berta.into()])).await.expect("commits");
        let made = open(&server.url()).await;
        let anna = with_anna(&*made).await;
        let proxy = Proxy::before(&stranger.url()).await;
        let store = open(&format!("{}&read={}", server.url(), encoded(&proxy.url(&stranger.url())))).await;
        for _ in 0..3 {
            assert_eq!(get(&*store, anna.id).await, Some(anna.clone().into()));
        }
        assert!(proxy.counted(Way::ToServer, Unit::Messages) > 0, "it was asked what it is");
    }

    /// Of two standbys the first takes connections and says nothing: the other one answers within the same read.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_standby_that_says_nothing_does_not_keep_reads_from_the_next() {
        let pair = Pair::start(&[]).await;
        let anna = with_anna(&*pair.open().await).await;
        pair.catches_up().await;
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let silent_place = silent.local_addr().expect("has a place");
        let standby = pair.to_standby.place();
        let read = pair.to_standby.url(&pair.standby.url());
        let both = read.replace(&standby, &format!("{silent_place},{standby}"));
        assert_ne!(both, read);
        let store = open(&format!("{}&read={}", pair.to_primary.url(&pair.primary.url()), encoded(&both))).await;
        pair.reset();
        assert!(get(&*store, anna.id).await.is_some());
        let (primary, standby) = pair.asked();
        assert!(primary == 0 && standby > 0, "{primary} {standby}");
    }

    /// The standby takes over, and goes on answering reads.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_standby_that_takes_over_goes_on_answering() {
        let mut primary = Server::make(&["synchronous_standby_names=standby", "wal_keep_size=64MB"]);
        let mut standby = Server::standby_of(&primary, &[]);
        primary.go();
        standby.go();
        let both = primary.url().replace(&primary.place(), &format!("{},{}", primary.place(), standby.place()));
        // Both are asked, as one may who has one address for all.
        let store = open(&format!("{both}&read={}", encoded(&both))).await;
        let anna = with_anna(&*store).await;
        let load = Load::of(&store, &anna, 4);
        load.goes_on().await;
        primary.stop(Stop::Immediate);
        let promoted = PgPool::connect(&standby.url()).await.expect("the standby answers");
        sqlx::query("SELECT pg_promote()").execute(&promoted).await.expect("is promoted");
        load.goes_on().await;
        let told = load.ends().await;
        assert_eq!(told.failed, Vec::<String>::new());
        told.assert_kept(&*store).await;
        assert!(get(&*store, anna.id).await.is_some());
    }

    /// The promises of a desk, over a standby that is a little behind.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_desk_keeps_its_promises_over_a_standby_that_lags() {
        // What is most about who sees what when; all of them take minutes.
        const ROOMS: [&str; 5] = ["stamps", "sharing", "idempotency", "reads", "versions"];
        static CASES: AtomicU32 = AtomicU32::new(0);
        let pair = Pair::start(&["recovery_min_apply_delay=5ms"]).await;
        let fresh = async || {
            let schema = format!("case_{}", CASES.fetch_add(1, Ordering::Relaxed));
            let url = format!("{}&schema={schema}", pair.url());
            let store = open(&url).await;
            pair.catches_up().await;
            Place::new(store).reopened_by(move || {
                let url = url.clone();
                async move { Ok(Arc::new(PostgresStore::connect(&url).await?) as Arc<dyn Store>) }
            })
        };
        let mut count = 0;
        for case in cases() {
            let room = case.name.split_once("::").map_or("", |(room, _)| room);
            if !full() && !ROOMS.contains(&room) {
                continue;
            }
            let mut place = fresh().await;
            for _ in 0..case.places_beside() {
                place = place.beside(fresh().await);
            }
            assert!(matches!(case.run(&place).await, Ran::Passed), "{}", case.name);
            count += 1;
        }
        assert!(count >= ROOMS.len());
        let (primary, standby) = pair.asked();
        println!("{primary} messages to the primary, {standby} to the standby");
        assert!(standby > primary / 10, "{standby} {primary}");
    }
}
