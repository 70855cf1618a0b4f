//! Commands on a desk to which the database's owner added something: columns, triggers, roles.

mod common;

use bsm_core::model::{Row, Ticket, TicketStatus, User};
use bsm_core::schema::Relation;
use bsm_core::store::{Guard, Store, Write};
use bsm_store_postgres::PostgresStore;
use common::bouncer::encoded;
use common::feeds::{self, assert_sound};
use common::hand::{by_hand, one_of_each};
use common::rows::*;
use common::wire::Wire;
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
                 ALTER TABLE {}.tickets DISABLE TRIGGER own; \
                 CREATE TABLE {}.own (n integer) PARTITION BY LIST (n); CREATE TABLE {}.own_1 PARTITION OF {}.own DEFAULT; \
                 CREATE TRIGGER own AFTER INSERT ON {}.own FOR EACH ROW EXECUTE FUNCTION {}.own()",
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
        assert_eq!(place.ask(counted).await, "in_progress 1");
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

/// A role that does not own the desk does commands with the rights that docs/psql.md names. Without a right to the counters it
/// does them at length, where triggers count as the tables' owner.
#[tokio::test]
async fn roles_of_the_owner_do_commands() {
    in_schema("owner_roles", |place| async move {
        one_of_each(&place).await.close().await.expect("closes");
        let own = "{}.users, {}.tickets, {}.history, {}.feed, {}.idempotency_keys";
        for (n, tables, follows) in [(900, "ALL TABLES IN SCHEMA {}", true), (901, own, false)] {
            let role = format!("{}_app", place.schema);
            let mut connection = place.alone().await;
            let rights = format!(
                "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {{}} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {{}} TO {role}; \
                 GRANT INSERT, UPDATE, DELETE ON {tables} TO {role}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA {{}} TO {role}"
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
            let done = store.commit(insert([ticket(n, &user(2)).into()])).await;
            if follows {
                assert!(feeds::all(&store, None).await.len() > 1);
            }
            store.close().await.expect("closes");
            pool.close().await;
            by_hand(&mut connection, &place, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.expect("drops it");
            assert_eq!(done.expect("is done").numbers.len(), 1, "{tables}");
        }
        assert_sound(&*place.open().await).await;
    })
    .await;
}

/// What a text holds, a call writes, whichever way its statement goes. The long way would write it too, so trips are counted.
#[tokio::test]
async fn whatever_a_text_holds_is_what_is_written() {
    in_schema("owner_texts", |place| async move {
        place.open().await.close().await.expect("closes");
        let wire = Wire::open().await;
        let direct = format!("{}&direct={}", place.url(), encoded(&server()));
        for (first, url) in [(100, place.url()), (200, direct)] {
            let store = PostgresStore::connect(&wire.on(&url)).await.expect("opens");
            let anna = user(first);
            store.commit(insert([anna.clone().into()])).await.expect("makes");
            let nasty = [
                "\"",
                "\\",
                "\\\"",
                "'",
                "''",
                ",",
                "()",
                "(,)",
                "{}",
                "NULL",
                "$1 $2",
                "\n\r\n\t",
                " \u{1} ",
                "\u{202e}\u{1F600}e\u{301}",
                "",
            ];
            let all = nasty.concat();
            for (n, text) in (first + 1..).zip(nasty.into_iter().chain([&*all])) {
                let made = Ticket { description: text.to_owned(), category: Some(text.to_owned()), ..ticket(n, &anna) };
                let moved = Ticket { status: TicketStatus::InProgress, title: text.to_owned(), ..made.clone() };
                for change in [insert([made.clone().into()]), makes(made, moved.clone())] {
                    let (said, done) = wire.during(store.commit(change)).await;
                    done.expect("is done");
                    assert_eq!(said.trips, 1, "{text:?} by {url}");
                }
                let Some(Row::Ticket(found)) = get(&store, moved.id).await else { panic!("{text:?} is not there") };
                assert_eq!((&*found.title, &*found.description), (text, text), "{url}");
                assert_eq!(found.category.as_deref(), Some(text));
            }
            assert_sound(&store).await;
            store.close().await.expect("closes");
        }
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
