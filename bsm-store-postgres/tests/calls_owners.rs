//! Commands on a desk to which the database's owner added something: columns, triggers, roles.

mod common;

use bsm_core::model::{Row, Ticket, TicketStatus, User};
use bsm_core::schema::Relation;
use bsm_core::store::{Guard, Store, Write};
use bsm_store_postgres::PostgresStore;
use common::feeds::assert_sound;
use common::hand::{by_hand, one_of_each};
use common::rows::*;
use common::{in_schema, server};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor as _};

/// Columns that were there before the desk was brought up to date, and such as are called what our functions call
/// something.
#[tokio::test]
async fn columns_of_the_owner_change_nothing() {
    in_schema("owner_columns", |place| async move {
        place.open().await.close().await.expect("closes");
        place.back_to_the_second_migration().await;
        place.sql("ALTER TABLE {}.users ADD COLUMN department text").await;
        let store = place.open().await;
        place
            .sql(
                "ALTER TABLE {}.tickets ADD COLUMN at timestamptz, ADD COLUMN numbers text DEFAULT 'n', ADD COLUMN lines text, \
                 ADD COLUMN own_shard smallint, ADD COLUMN made text; ALTER TABLE {}.users ADD COLUMN held_ids text",
            )
            .await;
        let (anna, made) = (user(1), ticket(2, &user(1)));
        let numbers = store.commit(insert([anna.clone().into(), made.clone().into()])).await.expect("makes").numbers;
        assert_eq!(numbers, [(made.id.into(), 1)]);
        store.commit(makes(anna.clone(), User { active: false, ..anna })).await.expect("changes a user");
        let moved = Ticket { status: TicketStatus::InProgress, ..made.clone() };
        store.commit(makes(made, moved)).await.expect("changes a ticket");
        assert_sound(&*store).await;
    })
    .await;
}

/// A trigger of the owner's that writes one of our tables is counted, and one that was switched off stays so.
#[tokio::test]
async fn triggers_of_the_owner_are_counted_and_left_alone() {
    in_schema("owner_triggers", |place| async move {
        place.open().await.close().await.expect("closes");
        place.back_to_the_second_migration().await;
        place
            .sql(
                "CREATE FUNCTION {}.own() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'it was switched off'; END $$; \
                 CREATE TRIGGER own AFTER INSERT ON {}.tickets FOR EACH ROW EXECUTE FUNCTION {}.own(); \
                 ALTER TABLE {}.tickets DISABLE TRIGGER own",
            )
            .await;
        let store = place.open().await;
        let (anna, made) = (user(1), ticket(2, &user(1)));
        store.commit(insert([anna.clone().into(), made.clone().into()])).await.expect("makes");
        place
            .sql(
                "CREATE FUNCTION {}.goes_on() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN UPDATE {}.tickets SET status = 'in_progress'; RETURN NULL; END $$; \
                 CREATE TRIGGER goes_on AFTER UPDATE ON {}.users FOR EACH STATEMENT EXECUTE FUNCTION {}.goes_on()",
            )
            .await;
        store.commit(makes(anna.clone(), User { full_name: "Anna".to_owned(), ..anna })).await.expect("changes");
        assert_eq!(place.ask("SELECT string_agg(status, ' ') FROM {}.tickets").await, "in_progress");
        let counted = "SELECT string_agg(concat_ws(' ', names[1], amount), ', ' ORDER BY names) FROM {}.counters \
                       WHERE family = 'tickets' AND amount <> 0";
        let sums = place.ask(&counted.replace("amount <> 0", "true")).await;
        assert!(sums.contains("in_progress 1") && !sums.contains("new 1,"), "{sums}");
        // One that lets nothing be made has the command refused, and nothing counted.
        place
            .sql(
                "CREATE FUNCTION {}.none() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
                 CREATE TRIGGER none BEFORE INSERT ON {}.tickets FOR EACH ROW EXECUTE FUNCTION {}.none()",
            )
            .await;
        let before = place.ask(counted).await;
        store.commit(insert([ticket(3, &user(1)).into()])).await.expect_err("nothing is made");
        assert_eq!(place.ask(counted).await, before);
    })
    .await;
}

/// Whoever may not write the counters does commands at length, where triggers count as the tables' owner.
#[tokio::test]
async fn a_role_without_a_right_to_the_counters_does_commands() {
    in_schema("owner_roles", |place| async move {
        one_of_each(&place).await.close().await.expect("closes");
        let role = format!("{}_app", place.schema);
        let mut connection = place.alone().await;
        let rights = format!(
            "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {{}} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {{}} TO {role}; \
             GRANT INSERT, UPDATE, DELETE ON {{}}.users, {{}}.tickets, {{}}.history, {{}}.feed, {{}}.idempotency_keys TO {role}; \
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA {{}} TO {role}"
        );
        by_hand(&mut connection, &place, &rights).await.expect("makes a role");
        let set = format!("SET ROLE {role}");
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .after_connect(move |connection, _| {
                let set = set.clone();
                Box::pin(async move { connection.execute(AssertSqlSafe(set)).await.map(|_| ()) })
            })
            .connect(&server())
            .await
            .expect("connects");
        let store = PostgresStore::from_pool(pool.clone(), &place.schema).await.expect("opens");
        let made = store.commit(insert([ticket(900, &user(2)).into()])).await;
        store.close().await.expect("closes");
        pool.close().await;
        by_hand(&mut connection, &place, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.expect("drops it");
        assert_eq!(made.expect("is done").numbers.len(), 1);
        assert_sound(&*place.open().await).await;
    })
    .await;
}

/// A row that is changed, and held more strongly than that, counts as it did before, whatever its history says.
#[tokio::test]
async fn what_a_strongly_held_row_counted_for_is_looked_at() {
    in_schema("owner_strong", |place| async move {
        let store = place.open().await;
        let (anna, made) = (user(1), ticket(2, &user(1)));
        store.commit(insert([anna.clone().into(), made.clone().into()])).await.expect("makes");
        let mut sly = makes(made.clone(), Ticket { status: TicketStatus::InProgress, ..made.clone() });
        sly.history[0].changes[0].from = Some("resolved".to_owned());
        sly.guards = vec![Guard::NoChildren { relation: Relation::TicketFollowUpOf, parent: made.id.into() }];
        assert!(matches!(&sly.writes[0], Write::Update(Row::Ticket(_))));
        store.commit(sly).await.expect("is done at length");
        assert_sound(&*store).await;
    })
    .await;
}
