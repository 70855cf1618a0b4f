//! Connections that break at every point of a call: what callers are told, and what is there afterwards.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bsm_core::Error;
use bsm_core::model::{Row, Ticket, User};
use bsm_core::store::{ChangeSet, Committed, ReadSet, Store, Write};
use bsm_store_postgres::PostgresStore;
use common::proxy::{Fate, Point, Proxy, Unit, Way};
use common::rows::*;
use common::{Place, feeds, full, in_schema};

/// A desk behind a proxy, with one person who opens tickets.
struct Behind {
    place: Place,
    proxy: Proxy,
    store: Arc<PostgresStore>,
    anna: User,
    opened: u32,
}

impl Behind {
    async fn new(place: Place, options: &str) -> Self {
        let proxy = Proxy::before(&common::server()).await;
        let store = PostgresStore::connect(&format!("{}{options}", proxy.url(&place.url()))).await.expect("opens");
        let anna = user(1);
        store.commit(insert([anna.clone().into()])).await.expect("base");
        Self { place, proxy, store: Arc::new(store), anna, opened: 0 }
    }

    /// The next command: it makes one row, which gets a number, and writes another.
    fn next(&mut self) -> (Ticket, ChangeSet) {
        self.opened += 1;
        let made = ticket(1000 + self.opened, &self.anna);
        let Row::User(mut renamed) = next(self.anna.clone(), self.opened) else { unreachable!("it is a user") };
        renamed.full_name = format!("Anna the {}th", self.opened);
        (made.clone(), change(vec![Write::Insert(made.into()), Write::Update(renamed.into())]))
    }

    /// Whether the last command was done. It is asked past the proxy, once whatever the command left has ended.
    async fn is_done(&mut self, made: &Ticket) -> bool {
        // What was cut may lie before the server still. When its process is gone, it was done or not.
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        loop {
            let there: i64 =
                sqlx::query_scalar(count).bind(&self.place.schema).fetch_one(&self.place.pool).await.expect("is told");
            if usize::try_from(there).is_ok_and(|there| there <= self.proxy.live()) {
                break;
            }
            tokio::task::yield_now().await;
        }
        let direct = self.place.open().await;
        let mut settled = change(Vec::new());
        settled.guards = vec![bsm_core::store::Guard::NoChildren {
            relation: bsm_core::schema::Relation::NoteAuthor,
            parent: self.anna.id.into(),
        }];
        direct.commit(settled).await.expect("has the lock that every such command has");
        let Some(Row::User(now)) = get(&*direct, self.anna.id).await else { panic!("Anna is there") };
        let there = get(&*direct, made.id).await;
        assert_eq!(there.is_some(), now.version != self.anna.version, "whole or not at all");
        assert!(now.version == self.anna.version || now.version == self.anna.version.next(), "once at most");
        self.anna = now;
        direct.close().await.expect("closes");
        there.is_some()
    }

    async fn commit(&mut self) -> (Ticket, Result<Committed, Error>) {
        let (made, change) = self.next();
        (made, self.store.commit(change).await)
    }

    /// Commits, and asserts that it is done and answered as if nothing had been.
    async fn commit_well(&mut self, at: &dyn std::fmt::Debug) {
        let (made, outcome) = self.commit().await;
        let committed = outcome.unwrap_or_else(|error| panic!("{at:?}: {error} {error:?}"));
        assert_eq!(committed.repeated, None, "{at:?}");
        let Some(Row::Ticket(there)) = get(&*self.store, made.id).await else { panic!("{at:?}: not there") };
        assert_eq!(committed.numbers, [(made.id.into(), there.number.get())], "{at:?}");
        let Some(Row::User(now)) = get(&*self.store, self.anna.id).await else { panic!("Anna is there") };
        assert_eq!(now.version, self.anna.version.next(), "{at:?}");
        self.anna = now;
    }

    /// Commits until it is done, so that the next command finds a connection and all statements prepared.
    async fn warm_up(&mut self) {
        loop {
            let (made, outcome) = self.commit().await;
            let done = self.is_done(&made).await;
            if outcome.is_ok() {
                assert!(done);
                return;
            }
        }
    }

    /// Has no connection left that anybody could use.
    fn go_cold(&self) {
        self.proxy.cut_all();
    }
}

/// Points all along a conversation that was just counted; every one of them, or some.
fn points(proxy: &Proxy, unit: Unit, step: usize) -> Vec<Point> {
    let mut points = Vec::new();
    for way in [Way::ToServer, Way::ToClient] {
        let count = proxy.counted(way, unit);
        assert!(count > 1, "{way:?}: {count}");
        // An odd beginning, so that not always the same kind of message is met.
        points.extend((0..count).step_by(step).map(|after| Point { way, unit, after }));
        points.push(Point { way, unit, after: count - 1 });
    }
    points
}

async fn cut_everywhere(test: &str, cold: bool, unit: Unit, step: usize) {
    in_schema(test, |place| async move {
        let mut behind = Behind::new(place, "").await;
        behind.commit_well(&"warms up").await;
        if cold {
            behind.go_cold();
        }
        behind.proxy.reset();
        let (_, change) = behind.next();
        behind.store.commit(change).await.expect("is counted");
        behind.anna = match get(&*behind.store, behind.anna.id).await {
            Some(Row::User(now)) => now,
            other => panic!("{other:?}"),
        };
        let points = points(&behind.proxy, unit, step);
        for point in &points {
            if cold {
                behind.go_cold();
            }
            behind.proxy.arm(*point, Fate::Cut);
            behind.commit_well(point).await;
            behind.proxy.reset();
        }
        println!("{test}: {} points", points.len());
        feeds::assert_sound(&*behind.store).await;
        let events = feeds::all(&*behind.store, None).await;
        assert_eq!(events.len(), 3 + points.len(), "one for each command");
        feeds::assert_causal(&events);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_cut_at_any_message_happens_once() {
    cut_everywhere("faults_messages", false, Unit::Messages, if full() { 1 } else { 5 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_cut_at_any_message_from_its_connection_on_happens_once() {
    cut_everywhere("faults_cold", true, Unit::Messages, if full() { 1 } else { 23 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_cut_amid_a_message_happens_once() {
    cut_everywhere("faults_bytes", false, Unit::Bytes, if full() { 37 } else { 997 }).await;
}

/// Once nobody answers any more, what is told is true: nothing happened, or nobody knows.
///
/// A command that is one statement can't be known not to have happened once it was sent; one of many statements can.
async fn told_the_truth(test: &str, options: &str, is_one_statement: bool) {
    in_schema(test, |place| async move {
        let mut behind = Behind::new(place, options).await;
        behind.warm_up().await;
        behind.proxy.reset();
        behind.warm_up().await;
        let mut points = points(&behind.proxy, Unit::Messages, if full() { 1 } else { 11 });
        for way in [Way::ToServer, Way::ToClient] {
            let count = behind.proxy.counted(way, Unit::Messages);
            points.extend((count - 3..count).map(|after| Point { way, unit: Unit::Messages, after }));
        }
        let (mut told, mut happened) = ([0; 2], 0);
        for point in points {
            behind.warm_up().await;
            behind.proxy.arm(point, Fate::CutAndRefuse);
            let (made, outcome) = behind.commit().await;
            let fired = behind.proxy.fired();
            let done = behind.is_done(&made).await;
            match outcome {
                Err(Error::Unavailable { .. }) => {
                    assert!(!done, "{point:?}: it was said that nothing happened");
                    told[0] += 1;
                }
                Err(Error::OutcomeUnknown { .. }) => {
                    happened += u32::from(done);
                    told[1] += 1;
                }
                Ok(_) => assert!(done && !fired, "{point:?}: nobody could have answered"),
                Err(other) => panic!("{point:?}: {other} {other:?}"),
            }
            behind.proxy.reset();
        }
        println!("{} told that nothing happened, {} that nobody knows; of these {happened} had", told[0], told[1]);
        assert!(told[1] > 0 && happened > 0, "{told:?} {happened}");
        assert!(is_one_statement || (told[0] > 5 && told[1] <= told[0]), "{told:?} {happened}");
        feeds::assert_sound(&*behind.store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_can_not_be_answered_is_told_whether_it_may_have_happened() {
    told_the_truth("faults_told", "&patience=450ms", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_can_not_be_answered_on_the_long_way_is_told_whether_it_may_have_happened() {
    told_the_truth("faults_told_long", "&patience=450ms&triggers=off", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_cut_at_any_message_is_answered() {
    in_schema("faults_read", |place| async move {
        let mut behind = Behind::new(place, "").await;
        behind.commit_well(&"warms up").await;
        let made = ticket(1001, &behind.anna);
        let asked = || ReadSet {
            get: vec![made.id.into(), behind.anna.id.into()],
            numbers: true,
            feed: Some(bsm_core::store::FeedQuery {
                customer: None,
                after: None,
                entities: Vec::new(),
                limit: 10,
                rows: true,
            }),
            ..ReadSet::default()
        };
        let answers = behind.store.read(asked()).await.expect("reads");
        for cold in [false, true] {
            if cold {
                behind.go_cold();
            }
            behind.proxy.reset();
            behind.store.read(asked()).await.expect("is counted");
            let step = if full() { 1 } else { 7 + 16 * usize::from(cold) };
            for point in points(&behind.proxy, Unit::Messages, step) {
                if cold {
                    behind.go_cold();
                }
                behind.proxy.arm(point, Fate::Cut);
                let again = behind.store.read(asked()).await.unwrap_or_else(|error| panic!("{point:?}: {error:?}"));
                assert_eq!(again, answers, "{point:?}");
                behind.proxy.reset();
            }
        }
    })
    .await;
}

/// Somebody ends connections all the time, whatever they are doing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_whose_connections_are_ended_all_happen_once() {
    in_schema("faults_ended", |place| async move {
        let store = place.open().await;
        let anna = user(1);
        store.commit(insert([anna.clone().into()])).await.expect("base");
        let (over, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let ending = tokio::spawn({
            let (place, over, rounds) = (place.clone(), Arc::clone(&over), Arc::clone(&rounds));
            async move {
                let (mut ended, mut before) = (0_u64, u64::MAX);
                while !over.load(Ordering::SeqCst) {
                    let kill = "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity \
                                WHERE application_name = $1 ORDER BY random() LIMIT 1) AS one";
                    let all = sqlx::query(kill).bind(&place.schema).execute(&place.pool).await.expect("ends");
                    ended += all.rows_affected();
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    // A machine on which nothing gets done between two blows would see all patience end.
                    while rounds.load(Ordering::SeqCst) == before && !over.load(Ordering::SeqCst) {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    before = rounds.load(Ordering::SeqCst);
                }
                ended
            }
        });
        let (callers, each) = (4_u32, if full() { 100 } else { 15 });
        let calling: Vec<_> = (0..callers)
            .map(|caller| {
                let (store, anna, rounds) = (Arc::clone(&store), anna.clone(), Arc::clone(&rounds));
                tokio::spawn(async move {
                    for round in 0..each {
                        let made = ticket(1000 + round * callers + caller, &anna);
                        let committed = store.commit(insert([made.clone().into()])).await;
                        let committed = committed.unwrap_or_else(|error| panic!("{error} {error:?}"));
                        let Some(Row::Ticket(there)) = get(&*store, made.id).await else { panic!("is not there") };
                        assert_eq!(committed.numbers, [(made.id.into(), there.number.get())]);
                        rounds.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        for caller in calling {
            caller.await.expect("all is done");
        }
        over.store(true, Ordering::SeqCst);
        println!("{} connections were ended", ending.await.expect("ended some"));
        feeds::assert_sound(&*store).await;
        let events = feeds::all(&*store, None).await;
        assert_eq!(events.len(), usize::try_from(1 + callers * each).expect("is small"), "one for each command");
    })
    .await;
}

/// The first call goes on without its connection. Were the second try decided meanwhile, it could be refused, and the first
/// one done after all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_a_command_again_waits_for_the_call_that_took_it_first() {
    in_schema("faults_fence", |place| async move {
        let mut behind = Behind::new(place, "").await;
        behind.commit_well(&"warms up").await;
        let mut holder = behind.place.pool.begin().await.expect("begins");
        let lock = format!("SELECT FROM {}.users FOR UPDATE", behind.place.schema);
        sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *holder).await.expect("locks");
        let (made, change) = behind.next();
        let waiting = tokio::spawn({
            let store = Arc::clone(&behind.store);
            async move { store.commit(change).await }
        });
        behind.place.waits(1).await;
        behind.proxy.cut_all();
        assert_eq!(behind.place.waits(2).await, ["advisory", "transactionid"], "the one waits for the other");
        holder.rollback().await.expect("lets go");
        let committed = waiting.await.expect("does not panic").expect("the first one was done");
        let Some(Row::Ticket(there)) = get(&*behind.store, made.id).await else { panic!("is not there") };
        assert_eq!(committed.numbers, [(made.id.into(), there.number.get())]);
        feeds::assert_sound(&*behind.store).await;
        assert_eq!(feeds::all(&*behind.store, None).await.len(), 3, "it happened once");
    })
    .await;
}
