//! The feed: one order, whoever writes, reads, waits and trims at the same moment.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bsm_core::Error;
use bsm_core::model::UserId;
use bsm_core::store::{FeedPlace, Store, Write};
use bsm_store_postgres::PostgresStore;
use common::feeds::*;
use common::in_schema;
use common::rows::*;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn done(mut tasks: JoinSet<()>) {
    while let Some(task) = tasks.join_next().await {
        task.expect("does not panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_order_agrees_with_causality_under_many_writers() {
    in_schema("feed_order", |place| async move {
        let stores = [place.open().await, place.open().await];
        let (ada, bob) = (user(1), user(2));
        let tickets: Vec<_> = (0..4).map(|n| theirs(10 + n, &ada, if n % 2 == 0 { &ada } else { &bob })).collect();
        let mut rows = vec![ada.clone().into(), bob.clone().into()];
        rows.extend(tickets.iter().cloned().map(Into::into));
        stores[0].commit(insert(rows)).await.expect("base");
        let mut tasks = JoinSet::new();
        for writer in 0..16 {
            let (store, tickets) = (Arc::clone(&stores[writer % 2]), tickets.clone());
            tasks.spawn(async move {
                for round in 0..8 {
                    touch(&*store, tickets[(writer + round) % tickets.len()].id).await;
                }
            });
        }
        for reader in 0..3 {
            let store = Arc::clone(&stores[reader % 2]);
            tasks.spawn(async move {
                let mut seen = Vec::new();
                while seen.len() < 1 + 16 * 8 {
                    let after = u64::try_from(seen.len()).expect("is small");
                    seen.extend(page(&*store, None, Some(after), 10).await.events);
                }
                assert_causal(&seen);
            });
        }
        done(tasks).await;
        let events = all(&*stores[0], None).await;
        assert_eq!(events.len(), 1 + 16 * 8);
        assert_causal(&events);
        assert_eq!(events, all(&*stores[1], None).await);
        for customer in [&ada, &bob] {
            assert_eq!(all(&*stores[1], Some(customer.id)).await.len(), 1 + 16 * 4);
        }
        assert_sound(&*stores[0]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_position_is_given_twice_when_readers_race_to_give_them() {
    in_schema("feed_race", |place| async move {
        let stores = [place.open().await, place.open().await, place.open().await];
        let ada = user(1);
        stores[0].commit(insert([ada.clone().into()])).await.expect("base");
        for round in 0..8_u32 {
            for n in 0..40 {
                let made = theirs(100 + round * 100 + n, &ada, &ada);
                stores[0].commit(insert([made.into()])).await.expect("commits");
            }
            let start = Arc::new(tokio::sync::Barrier::new(12));
            let mut tasks = JoinSet::new();
            for reader in 0..12 {
                let (store, start) = (Arc::clone(&stores[reader % 3]), Arc::clone(&start));
                tasks.spawn(async move {
                    start.wait().await;
                    let expected = 1 + 40 * u64::from(round + 1);
                    assert_eq!(stands(&*store, None).await.place, expected);
                });
            }
            done(tasks).await;
        }
        assert_eq!(all(&*stores[0], Some(ada.id)).await.len(), 320);
        assert_sound(&*stores[0]).await;
    })
    .await;
}

/// A wait that goes on elsewhere.
fn waiting(
    store: &Arc<PostgresStore>,
    customer: Option<UserId>,
    after: FeedPlace,
) -> tokio::task::JoinHandle<bsm_core::Result<()>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.wait(customer, after).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_see_and_wake_each_other() {
    in_schema("feed_wake", |place| async move {
        let (here, there) = (place.open().await, place.open().await);
        let (ada, bob) = (user(1), user(2));
        here.commit(insert([ada.clone().into(), bob.clone().into()])).await.expect("base");
        let desk = stands(&*here, None).await;
        assert_eq!(desk, stands(&*there, None).await);
        let of = async |customer: &bsm_core::model::User| stands(&*here, Some(customer.id)).await;
        let (ada_at, bob_at) = (of(&ada).await, of(&bob).await);
        // A store that has not looked yet wakes everybody when it does.
        for store in [&here, &there] {
            assert!(timeout(Duration::from_millis(600), store.wait(None, desk)).await.is_err(), "nothing happens");
        }
        let all_there = waiting(&there, None, desk);
        let adas = [&here, &there].map(|store| waiting(store, Some(ada.id), ada_at));
        let bobs = [&here, &there].map(|store| waiting(store, Some(bob.id), bob_at));
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert!(adas.iter().chain(&bobs).all(|wait| !wait.is_finished()), "nothing happened");
        let begun = Instant::now();
        here.commit(insert([theirs(10, &ada, &ada).into()])).await.expect("commits");
        let [own, others] = adas;
        timeout(PATIENCE, own).await.expect("is woken").expect("does not panic").expect("waits");
        println!("woken by an own commit after {:?}", begun.elapsed());
        timeout(PATIENCE, others).await.expect("is woken").expect("does not panic").expect("waits");
        println!("woken by a commit elsewhere after {:?}", begun.elapsed());
        timeout(PATIENCE, all_there).await.expect("is woken").expect("does not panic").expect("waits");
        assert_eq!(stands(&*there, Some(ada.id)).await.place, ada_at.place + 1);
        assert_eq!(stands(&*there, None).await.place, desk.place + 1);
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert!(bobs.iter().all(|wait| !wait.is_finished()), "nothing of theirs happened");
        // A place of another epoch, and one that the feed is beyond, need no waiting.
        there.wait(None, desk).await.expect("is beyond");
        there.wait(None, FeedPlace { epoch: desk.epoch ^ 1, place: 9 }).await.expect("is another");
        here.close().await.expect("closes");
        there.close().await.expect("closes");
        for wait in bobs {
            let outcome = timeout(PATIENCE, wait).await.expect("ends").expect("does not panic");
            assert!(matches!(outcome, Err(Error::Closed { .. })), "{outcome:?}");
        }
        assert!(matches!(there.wait(None, desk).await, Err(Error::Closed { .. })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_on_another_store_is_told_of_expired_positions() {
    in_schema("feed_expire", |place| async move {
        let (here, there) = (place.open().await, place.open().await);
        let ada = user(1);
        here.commit(insert([ada.clone().into(), theirs(10, &ada, &ada).into()])).await.expect("base");
        let (desk, of_ada) = (stands(&*there, None).await, stands(&*here, Some(ada.id)).await);
        // A store that has not looked yet wakes everybody when it does.
        for store in [&here, &there] {
            assert!(timeout(Duration::from_millis(600), store.wait(None, desk)).await.is_err(), "nothing happens");
        }
        let waits = [&here, &there].map(|store| [waiting(store, None, desk), waiting(store, Some(ada.id), of_ada)]);
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert!(waits.iter().flatten().all(|wait| !wait.is_finished()), "nothing happened");
        here.expire_positions().await.expect("expires");
        for wait in waits.into_iter().flatten() {
            timeout(PATIENCE, wait).await.expect("is woken").expect("does not panic").expect("waits");
        }
        let now = stands(&*there, None).await;
        assert!(now.epoch != desk.epoch && now.place == desk.place, "{now:?}");
        assert_eq!(stands(&*here, None).await, now);
        assert_eq!(all(&*there, None).await.len(), 1, "events stay");
        there.expire_positions().await.expect("expires again");
        assert!(![desk.epoch, now.epoch].contains(&stands(&*here, None).await.epoch));
        there.commit(insert([theirs(11, &ada, &ada).into()])).await.expect("goes on");
        assert_eq!(stands(&*here, Some(ada.id)).await.place, of_ada.place + 1);
        assert_sound(&*here).await;
        here.close().await.expect("closes");
        assert!(matches!(here.expire_positions().await, Err(Error::Closed { .. })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn positions_are_expired_while_others_give_them() {
    in_schema("feed_expire_race", |place| async move {
        let stores = [place.open().await, place.open().await];
        let ada = user(1);
        stores[0].commit(insert([ada.clone().into()])).await.expect("base");
        let mut tasks = JoinSet::new();
        for (nth, store) in stores.iter().cloned().enumerate() {
            let (writer, ada) = (Arc::clone(&store), ada.clone());
            tasks.spawn(async move {
                for n in 0..20 {
                    let made = theirs(100 + 100 * u32::try_from(nth).expect("is small") + n, &ada, &ada);
                    writer.commit(insert([made.into()])).await.expect("commits");
                    stands(&*writer, None).await;
                }
            });
            tasks.spawn(async move {
                for _ in 0..20 {
                    store.expire_positions().await.expect("expires");
                }
            });
        }
        done(tasks).await;
        assert_eq!(all(&*stores[0], Some(ada.id)).await.len(), 40);
        assert_sound(&*stores[1]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leader_that_is_dropped_hands_over() {
    in_schema("feed_lead", |place| async move {
        let (here, there) = (place.open().await, place.open().await);
        let ada = user(1);
        here.commit(insert([ada.clone().into()])).await.expect("base");
        for round in 0..3 {
            let desk = stands(&*there, None).await;
            let waits: Vec<_> = (0..50).map(|_| waiting(&there, None, desk)).collect();
            tokio::time::sleep(Duration::from_millis(100)).await;
            for wait in &waits[..49] {
                wait.abort();
            }
            here.commit(insert([ticket(10 + round, &ada).into()])).await.expect("commits");
            let last = waits.into_iter().next_back().expect("is one");
            timeout(PATIENCE, last).await.expect("is woken").expect("does not panic").expect("waits");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_wait_look_no_more_often_than_one() {
    in_schema("feed_one", |place| async move {
        let store = place.open().await;
        let ada = user(1);
        store.commit(insert([ada.clone().into()])).await.expect("base");
        let desk = stands(&*store, None).await;
        // Whoever looks asks for the epoch, and is counted.
        place
            .sql(
                "CREATE SEQUENCE {}.looks; ALTER TABLE {}.desk RENAME TO kept; \
                 CREATE VIEW {}.desk AS SELECT one, epoch + 0 * nextval('{}.looks') AS epoch FROM {}.kept",
            )
            .await;
        let looks = async || -> i64 {
            let looks = format!("SELECT last_value FROM {}.looks", place.schema);
            sqlx::query_scalar(sqlx::AssertSqlSafe(looks)).fetch_one(&place.pool).await.expect("asks")
        };
        let waits: Vec<_> = (0..200).map(|_| waiting(&store, None, desk)).collect();
        // Each looks for itself before it waits.
        while looks().await < 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let before = looks().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let looked = looks().await - before;
        assert!((2..=10).contains(&looked), "{looked} looks in two seconds");
        store.commit(insert([ticket(2, &ada).into()])).await.expect("commits");
        for wait in waits {
            timeout(PATIENCE, wait).await.expect("is woken").expect("does not panic").expect("waits");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn trimming_goes_on_under_writers_and_readers() {
    in_schema("feed_trim", |place| async move {
        let stores = [place.open().await, place.open().await];
        let (ada, bob) = (user(1), user(2));
        let one = theirs(10, &ada, &ada);
        stores[0]
            .commit(insert([ada.clone().into(), bob.clone().into(), one.clone().into(), theirs(11, &ada, &bob).into()]))
            .await
            .expect("base");
        assert_eq!(stores[0].trim(moment(1), 10).await.expect("trims"), 0, "the newest stays");
        let mut tasks = JoinSet::new();
        for writer in 0..6 {
            let (store, id) = (Arc::clone(&stores[writer % 2]), one.id);
            tasks.spawn(async move {
                for _ in 0..15 {
                    touch(&*store, id).await;
                }
            });
        }
        for (store, customer) in stores.iter().zip([None, Some(ada.id)]) {
            let store = Arc::clone(store);
            tasks.spawn(async move {
                let mut after = 0;
                while after < 91 {
                    let page = page(&*store, customer, Some(after), 7).await;
                    // One who is told of what they missed goes on with the oldest.
                    after = if after < page.oldest { page.oldest } else { page.resume };
                }
            });
        }
        let trimmer = Arc::clone(&stores[1]);
        tasks.spawn(async move {
            for _ in 0..30 {
                trimmer.trim(moment(1), 3).await.expect("trims");
            }
        });
        done(tasks).await;
        assert_sound(&*stores[0]).await;
        stores[0].trim(moment(1), usize::MAX).await.expect("trims");
        let last = page(&*stores[1], None, None, 10).await;
        assert_eq!((last.oldest, last.newest, last.events.len()), (90, 91, 1));
        let of_ada = page(&*stores[1], Some(ada.id), None, 10).await;
        assert_eq!((of_ada.oldest, of_ada.newest, of_ada.events.len()), (90, 91, 1));
        // Of whom no event is left, the place is.
        let of_bob = page(&*stores[1], Some(bob.id), None, 10).await;
        assert_eq!((of_bob.oldest, of_bob.newest, of_bob.events.len()), (1, 1, 0));
        stores[0].commit(insert([theirs(12, &ada, &bob).into()])).await.expect("commits");
        let of_bob = page(&*stores[1], Some(bob.id), None, 10).await;
        assert_eq!((of_bob.oldest, of_bob.newest, of_bob.events.len()), (1, 2, 1));
        assert_sound(&*stores[0]).await;
    })
    .await;
}

#[tokio::test]
async fn a_desk_that_was_made_before_the_feed_was_read_keeps_its_events() {
    in_schema("feed_old", |place| async move {
        let (ada, store) = (user(1), place.open().await);
        store.commit(insert([ada.clone().into(), theirs(10, &ada, &ada).into()])).await.expect("base");
        store.commit(change(vec![Write::Update(next(ada.clone(), 5))])).await.expect("commits");
        store.close().await.expect("closes");
        // As the first migration left it.
        place.back_to_the_second_migration().await;
        place
            .sql(
                "DROP TABLE {}.desk, {}.customer_feed; DROP FUNCTION {}.bsm_new_epoch; \
                 ALTER TABLE {}.feed DROP COLUMN subjects; DELETE FROM {}.bsm_migrations WHERE version = 2",
            )
            .await;
        let store = place.open().await;
        assert_eq!(all(&*store, None).await.len(), 2);
        assert!(!all(&*store, Some(ada.id)).await.is_empty());
        assert_sound(&*store).await;
    })
    .await;
}
