//! Connections, from being made to being given back, however a call ends.

use std::pin::pin;
use std::task::{Context, Poll};

use bsm_core::Error;
use sqlx::Row as _;
use sqlx::postgres::PgPoolOptions;

use super::*;
use crate::fault::Fault;
use crate::retry::{self, Patience};

fn server() -> sqlx::postgres::PgConnectOptions {
    let url =
        std::env::var("BSM_TEST_POSTGRES_URL").expect("BSM_TEST_POSTGRES_URL names a server: see CONTRIBUTING.md");
    url.parse().expect("is a URL")
}

fn pool() -> Pool {
    Pool::to(Hosts::new(server(), Vec::new()), Duration::from_millis(200))
}

/// The number of the connection's process.
async fn process(lease: &mut Lease) -> i32 {
    let row = sqlx::query("SELECT pg_backend_pid()").fetch_one(&mut **lease).await.expect("is told");
    row.try_get(0).expect("is a number")
}

async fn count_of_idle(pool: &Pool, count: usize) {
    let Pool::Ours(ours) = pool else { panic!("it is ours") };
    while ours.idle().kept.len() != count || ours.permits.available_permits() != CONNECTIONS as usize {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_that_is_done_is_the_next_callers() {
    let pool = pool();
    let mut lease = pool.acquire().await.expect("connects");
    let first = process(&mut lease).await;
    lease.done();
    let mut lease = pool.acquire().await.expect("is there");
    assert_eq!(process(&mut lease).await, first);
    let kept =
        sqlx::query("SELECT current_setting('tcp_keepalives_idle')").fetch_one(&mut *lease).await.expect("is told");
    let kept: u32 = kept.try_get::<&str, _>(0).expect("is text").parse().expect("is a number");
    assert!(kept <= 30, "the server would hold for hours what a machine that is gone has locked");
    let era = pool.era();
    lease.done();
    pool.forget(era);
    pool.forget(era);
    assert_eq!(pool.era(), era + 1, "it was said twice of the same connections");
    let mut lease = pool.acquire().await.expect("connects");
    assert_ne!(process(&mut lease).await, first);
    pool.forget(pool.era());
    lease.done();
    count_of_idle(&pool, 0).await;
    pool.close().await;
    assert!(matches!(pool.acquire().await, Err(sqlx::Error::PoolClosed)));
}

/// Polls a future so often, and drops it then.
async fn dropped_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    std::future::poll_fn(move |context: &mut Context<'_>| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            // Nobody may ever wake it again.
            Poll::Pending if left == 0 => Poll::Ready(None),
            other => other.map(Some),
        }
    })
    .await
}

/// One connection, of ours and of a host, goes from call to call, each dropped somewhere; and the next gets its own answer,
/// outside of any transaction.
#[tokio::test]
async fn a_call_that_is_dropped_anywhere_leaves_nothing_to_the_next() {
    let theirs = PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect_with(server()).await;
    for pool in [pool(), Pool::Theirs(theirs.expect("connects"))] {
        let mut dropped = 0;
        for polls in 0..60 {
            let call = async {
                let mut transaction = pool.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE").await?;
                let mut sum = 0;
                for number in 0..3 {
                    let statement = format!("SELECT {number} + $1 FROM generate_series(1, 200), pg_sleep(0.002)");
                    let statement = sqlx::query(AssertSqlSafe(statement)).bind(polls).persistent(polls % 2 == 0);
                    sum += statement.fetch_all(&mut *transaction).await?.len();
                }
                transaction.commit().await?;
                Ok::<_, sqlx::Error>(sum)
            };
            dropped += i32::from(dropped_after(usize::try_from(polls).expect("is small"), call).await.is_none());
            let mut lease = pool.acquire().await.expect("is there");
            let row = sqlx::query("SELECT $1, current_setting('transaction_isolation')")
                .bind(1000 + polls)
                .fetch_one(&mut *lease)
                .await
                .expect("is answered");
            assert_eq!(row.try_get::<i32, _>(0).expect("is a number"), 1000 + polls);
            assert_eq!(row.try_get::<&str, _>(1).expect("is a text"), "read committed", "after {polls} polls");
            lease.done();
        }
        // How many polls a call takes is the machine's. But no server that sleeps has answered when it is first waited for.
        assert!(dropped > 3, "{dropped}");
        pool.close().await;
    }
}

#[tokio::test]
async fn a_connection_that_does_not_come_to_an_end_is_closed() {
    let pool = pool();
    let mut lease = pool.acquire().await.expect("connects");
    let first = process(&mut lease).await;
    // Half a minute is longer than it is looked after.
    assert!(dropped_after(1, sqlx::raw_sql("SELECT pg_sleep(30)").execute(&mut *lease)).await.is_none());
    drop(lease);
    count_of_idle(&pool, 0).await;
    let mut lease = pool.acquire().await.expect("connects");
    assert_ne!(process(&mut lease).await, first);
    let end = sqlx::query("SELECT pg_terminate_backend($1)").bind(first).execute(&mut *lease).await;
    end.expect("ends what sleeps");
}

#[tokio::test]
async fn a_call_for_which_no_connection_is_left_is_told_so() {
    let pool = pool();
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(pool.acquire().await.expect("connects"));
    }
    let patience = Patience { call: Duration::from_millis(900) };
    let ask = || async {
        pool.acquire().await?.done();
        Ok::<_, Fault>(())
    };
    let told = retry::read_within(&pool, "a store", patience, ask).await;
    let Err(Error::Busy { source, .. }) = told else { panic!("{told:?}") };
    assert!(matches!(source.downcast_ref(), Some(sqlx::Error::PoolTimedOut)), "{source:?}");
    // One that comes back in time is waited for.
    let again = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire().await.map(Lease::done) }
    });
    tokio::task::yield_now().await;
    held.pop().expect("one of them").done();
    again.await.expect("does not panic").expect("gets it");
}
