//! Desks without triggers: commands count themselves, and nobody else writes.

mod common;

use bsm_core::Error;
use bsm_core::conformance::{self, Ran};
use bsm_core::model::{Entity, Ticket, TicketStatus};
use bsm_core::store::{Store, Write};
use bsm_store_postgres::PostgresStore;
use common::desk::fresh_without_triggers;
use common::feeds::assert_sound;
use common::hand::by_hand;
use common::in_schema;
use common::rows::*;

/// The part of the suite that proves what triggers else do, under load too, and that a desk is taken in.
const PART: [&str; 7] = [
    "commits::",
    "concurrency::",
    "ratings::",
    "summary::",
    "verification::",
    "transfer::an_export_comes_back_equal",
    "transfer::an_export_is_of_one_moment",
];

/// The whole suite in a full run, and else this part of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_promises_hold_without_triggers() {
    let wanted = |name: &str| common::full() || PART.iter().any(|part| name.starts_with(part));
    let mut passed = 0;
    for case in conformance::cases().into_iter().filter(|case| wanted(case.name)) {
        let mut place = fresh_without_triggers().await;
        for _ in 0..case.places_beside() {
            place = place.beside(fresh_without_triggers().await);
        }
        assert_eq!(case.run(&place).await, Ran::Passed, "{}", case.name);
        passed += 1;
    }
    assert!(passed > 20, "{passed}");
}

#[tokio::test]
async fn whether_there_are_triggers_is_settled_when_a_desk_is_made() {
    in_schema("triggers_off", |place| async move {
        let store = PostgresStore::connect(&place.url_without_triggers()).await.expect("makes it");
        let ours = "SELECT count(*)::text FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (\
                    SELECT oid FROM pg_class WHERE relnamespace = '{}'::regnamespace)";
        assert_eq!(place.ask(ours).await, "0");
        let on = format!("{}&triggers=on", place.url());
        match PostgresStore::connect(&on).await {
            Err(Error::InvalidAddress { reason }) => assert!(reason.contains("triggers=on"), "{reason}"),
            other => panic!("{other:?}"),
        }
        // Whoever does not say takes it as it is.
        let other = place.open().await;
        let (anna, made) = (user(1), ticket(2, &user(1)));
        other.commit(insert([anna.into(), made.clone().into()])).await.expect("commits");
        let moved = Ticket { status: TicketStatus::Resolved, ..made };
        store.commit(change(vec![Write::Update(next(moved, 5))])).await.expect("commits");
        let counted = "SELECT string_agg(concat_ws(' ', names[1], amount), ', ' ORDER BY names) FROM {}.counters \
                       WHERE family = 'tickets' AND amount <> 0";
        assert!(place.ask(counted).await.contains("resolved 1"));
        assert_sound(&*other).await;
    })
    .await;
    in_schema("triggers_on", |place| async move {
        let on = format!("{}&triggers=on", place.url());
        PostgresStore::connect(&on).await.expect("makes it");
        PostgresStore::connect(&on).await.expect("opens it");
        let off = PostgresStore::connect(&place.url_without_triggers()).await;
        assert!(matches!(off, Err(Error::InvalidAddress { .. })), "{off:?}");
        place.open().await;
    })
    .await;
}

/// A desk of the release before is told once, when it is brought up to date.
#[tokio::test]
async fn a_desk_of_an_earlier_release_gets_what_is_asked_for() {
    for (name, off) in [("triggers_later_on", false), ("triggers_later_off", true)] {
        in_schema(name, |place| async move {
            let (anna, made) = (user(1), ticket(2, &user(1)));
            let store = place.open().await;
            store.commit(insert([anna.clone().into(), made.clone().into()])).await.expect("commits");
            store.close().await.expect("closes");
            place.back_to_the_second_migration().await;
            let url = if off { place.url_without_triggers() } else { place.url() };
            let store = PostgresStore::connect(&url).await.expect("brings it up to date");
            let told = place.ask("SELECT triggers::text FROM {}.desk").await;
            assert_eq!(told, if off { "false" } else { "true" });
            let moved = Ticket { status: TicketStatus::Resolved, ..made };
            store.commit(change(vec![Write::Update(next(moved, 5))])).await.expect("commits");
            assert_sound(&store).await;
            let others = if off { place.url() } else { place.url_without_triggers() };
            assert_eq!(PostgresStore::connect(&others).await.is_ok(), off, "who does not say takes it as it is");
        })
        .await;
    }
}

/// What the documentation tells to do: a role owns the desk, and others read.
#[tokio::test]
async fn who_may_only_read_writes_nothing() {
    in_schema("triggers_grants", |place| async move {
        let store = PostgresStore::connect(&place.url_without_triggers()).await.expect("makes it");
        store.commit(insert([user(1).into(), ticket(2, &user(1)).into()])).await.expect("commits");
        let mut connection = place.pool.acquire().await.expect("connects");
        let role = format!("{}_reader", place.schema);
        let begin = format!(
            "BEGIN; CREATE ROLE {role}; GRANT USAGE ON SCHEMA {{}} TO {role}; \
             GRANT SELECT ON ALL TABLES IN SCHEMA {{}} TO {role}; SET LOCAL ROLE {role}"
        );
        by_hand(&mut connection, &place, &begin).await.expect("begins");
        for entity in Entity::ALL {
            let table = entity.table();
            by_hand(&mut connection, &place, &format!("SELECT FROM {{}}.{table}")).await.expect("may");
            for sql in [
                format!("INSERT INTO {{}}.{table} (id) VALUES (gen_random_uuid())"),
                format!("UPDATE {{}}.{table} SET version = 9"),
                format!("DELETE FROM {{}}.{table}"),
                format!("TRUNCATE {{}}.{table}"),
            ] {
                by_hand(&mut connection, &place, "SAVEPOINT before").await.expect("saves");
                let refusal = by_hand(&mut connection, &place, &sql).await.expect_err("may not");
                assert_eq!(refusal.code, "42501", "{sql}: {refusal:?}");
                by_hand(&mut connection, &place, "ROLLBACK TO before").await.expect("goes back");
            }
        }
        by_hand(&mut connection, &place, "ROLLBACK").await.expect("leaves no role");
        assert_sound(&store).await;
    })
    .await;
}
