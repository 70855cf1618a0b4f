//! Somebody with psql and a command on the same rows at the same time, in either order.

mod common;

use std::sync::Arc;

use bsm_core::Error;
use bsm_core::model::{Actor, Ticket, TicketStatus, Version};
use bsm_core::store::{Store, Write};
use bsm_store_postgres::PostgresStore;
use common::feeds::{all, assert_causal, assert_sound};
use common::hand::{by_hand, history};
use common::rows::*;
use common::{Place, in_schema};
use sqlx::postgres::PgPoolOptions;

/// A desk with a person and a ticket of theirs.
async fn base(place: &Place) -> (Arc<PostgresStore>, Ticket) {
    let store = place.open().await;
    let (anna, made) = (user(1), ticket(2, &user(1)));
    store.commit(insert([anna.into(), made.clone().into()])).await.expect("base");
    let Some(bsm_core::model::Row::Ticket(made)) = get(&*store, made.id).await else { panic!("is there") };
    (store, made)
}

/// A command that moves the ticket on.
fn resolve(ticket: &Ticket) -> bsm_core::store::ChangeSet {
    change(vec![Write::Update(next(Ticket { status: TicketStatus::Resolved, ..ticket.clone() }, 5))])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_waits_for_a_hand_and_is_told_of_what_it_did() {
    in_schema("hand_first", |place| async move {
        let (store, made) = base(&place).await;
        let mut hand = place.pool.acquire().await.expect("connects");
        by_hand(&mut hand, &place, "BEGIN; UPDATE {}.tickets SET status = 'in_progress'").await.expect("writes");
        let command = tokio::spawn({
            let (store, change) = (Arc::clone(&store), resolve(&made));
            async move { store.commit(change).await }
        });
        place.waits(1).await;
        by_hand(&mut hand, &place, "COMMIT").await.expect("commits");
        match command.await.expect("does not panic") {
            Err(Error::Conflict { key, expected, found }) => {
                assert_eq!((key, expected, found), (made.id.into(), Version(1), Version(2)));
            }
            other => panic!("{other:?}"),
        }
        // What only relies on the row is told as well.
        let mut relies = insert([note(3, &made, &user(1)).into()]);
        relies.guards = vec![at_version(made.clone())];
        assert!(matches!(store.commit(relies).await, Err(Error::Conflict { found: Version(2), .. })));
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_waits_for_a_command_and_goes_on_from_what_it_left() {
    in_schema("hand_second", |place| async move {
        let (store, made) = base(&place).await;
        // Keeps the command from ending, when it has written the row.
        let mut holder = place.pool.acquire().await.expect("connects");
        by_hand(&mut holder, &place, "BEGIN; LOCK TABLE {}.feed IN SHARE MODE").await.expect("locks");
        let command = tokio::spawn({
            let (store, change) = (Arc::clone(&store), resolve(&made));
            async move { store.commit(change).await }
        });
        place.waits(1).await;
        let hand = tokio::spawn({
            let place = place.clone();
            async move {
                let named =
                    "SET application_name = 'HAND'; UPDATE {}.tickets SET category = 'late'; RESET application_name";
                place.hand(&named.replace("HAND", &place.schema)).await
            }
        });
        place.waits(2).await;
        by_hand(&mut holder, &place, "ROLLBACK").await.expect("lets go");
        command.await.expect("does not panic").expect("commits");
        hand.await.expect("does not panic");
        let told = history(&*store, made.id).await;
        let actors: Vec<Actor> = told.iter().map(|entry| entry.actor).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(actors[2], Actor::System);
        let Some(bsm_core::model::Row::Ticket(found)) = get(&*store, made.id).await else { panic!("is there") };
        assert_eq!((found.version, found.status), (Version(3), TicketStatus::Resolved));
        assert_eq!(found.category.as_deref(), Some("late"));
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
    })
    .await;
}

/// Somebody leaves a transaction open in which they made tickets, on the very shard of the counters that the command's
/// connection begins with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_left_open_keeps_no_command_waiting() {
    in_schema("hand_open", |place| async move {
        let (store, _) = base(&place).await;
        let options = place.pool.connect_options().as_ref().clone();
        let pool = |count| PgPoolOptions::new().max_connections(count).connect_with(options.clone());
        let shard = async |pool: &sqlx::PgPool| -> i32 {
            sqlx::query_scalar("SELECT pg_backend_pid() % 16").fetch_one(pool).await.expect("answers")
        };
        // A connection of the host's, of which there is one.
        let host = pool(1).await.expect("connects");
        let theirs = PostgresStore::from_pool(host.clone(), &place.schema).await.expect("opens");
        let wanted = shard(&host).await;
        let hand = loop {
            let hand = pool(1).await.expect("connects");
            if shard(&hand).await == wanted {
                break hand;
            }
            hand.close().await;
        };
        let mut open = hand.acquire().await.expect("connects");
        let make = format!(
            "BEGIN; INSERT INTO {{}}.tickets (title, description, status, impact, urgency, channel, created_by, reopen_count) \
             VALUES ('A', '', 'new', 'low', 'low', 'other', '{}', 0)",
            id(1)
        );
        by_hand(&mut open, &place, &make).await.expect("writes");
        // The same counter.
        theirs.commit(insert([ticket(10, &user(1)).into()])).await.expect("does not wait");
        theirs.commit(insert([ticket(11, &user(1)).into()])).await.expect("does not wait");
        by_hand(&mut open, &place, "COMMIT").await.expect("commits");
        assert_sound(&*store).await;
    })
    .await;
}

/// When all shards are taken, whoever comes next waits for one, and is then counted as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_no_shard_free_waits_for_one() {
    in_schema("hand_shards", |place| async move {
        let (store, _) = base(&place).await;
        let mut holder = place.pool.acquire().await.expect("connects");
        let lock = "BEGIN; SELECT pg_advisory_xact_lock(hashtext('bsm counters {}'), shard) FROM generate_series(0, 15) AS shard";
        by_hand(&mut holder, &place, lock).await.expect("takes all");
        let command = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit(insert([ticket(10, &user(1)).into()])).await }
        });
        assert_eq!(place.waits(1).await, ["advisory"]);
        by_hand(&mut holder, &place, "ROLLBACK").await.expect("lets go");
        command.await.expect("does not panic").expect("goes on");
        assert_sound(&*store).await;
    })
    .await;
}

/// Both write many of the same rows, again and again; whoever is refused tries again. Nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hands_and_commands_side_by_side_lose_nothing() {
    in_schema("hand_crowd", |place| async move {
        let (store, _) = base(&place).await;
        let tickets: Vec<Ticket> = (10..20).map(|n| ticket(n, &user(1))).collect();
        store.commit(insert(tickets.iter().cloned().map(Into::into))).await.expect("base");
        let hands = [0, 1].map(|n| {
            let place = place.clone();
            tokio::spawn(async move {
                let mut connection = place.pool.acquire().await.expect("connects");
                for round in 0..20 {
                    // Every other row, in one order by the one and in the other by the other.
                    let sql = format!(
                        "UPDATE {{}}.tickets SET status = CASE WHEN status = 'new' THEN 'in_progress' ELSE 'new' END, \
                         category = 'round {round}' WHERE number % 2 = {n}"
                    );
                    while let Err(refusal) = by_hand(&mut connection, &place, &sql).await {
                        assert_eq!(refusal.code, "40P01", "{refusal:?}");
                    }
                }
            })
        });
        let commands = [0, 1, 2].map(|n: usize| {
            let (store, tickets) = (Arc::clone(&store), tickets.clone());
            tokio::spawn(async move {
                for round in 0..20 {
                    common::feeds::touch(&*store, tickets[(round * 3 + n) % tickets.len()].id).await;
                }
            })
        });
        for hand in hands {
            hand.await.expect("does not panic");
        }
        for command in commands {
            command.await.expect("does not panic");
        }
        let mut versions = 0;
        for ticket in &tickets {
            versions += get(&*store, ticket.id).await.expect("is there").version().0 - 1;
        }
        assert_eq!(versions, 20 * 10 + 3 * 20);
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
    })
    .await;
}
