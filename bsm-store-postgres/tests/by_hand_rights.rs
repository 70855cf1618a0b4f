//! Who may write by hand, and what nobody may.

mod common;

use bsm_core::model::Entity;
use common::feeds::assert_sound;
use common::hand::{by_hand, one_of_each};
use common::in_schema;
use common::rows::*;
use sqlx::AssertSqlSafe;

/// Whoever may write one table need not be able to write what the desk keeps beside it, nor can they.
#[tokio::test]
async fn a_role_that_may_write_one_table_writes_it_and_nothing_else() {
    in_schema("hand_role", |place| async move {
        let store = one_of_each(&place).await;
        let role = format!("{}_clerk", place.schema);
        let mut connection = place.alone().await;
        let begin = format!(
            "BEGIN; CREATE ROLE {role}; GRANT USAGE ON SCHEMA {{}} TO {role}; GRANT SELECT, UPDATE, INSERT ON {{}}.tickets TO {role}; \
             CREATE SCHEMA {{}}_own AUTHORIZATION {role}; SET LOCAL ROLE {role}; \
             CREATE TABLE {{}}_own.counters (family text); CREATE TEMPORARY TABLE counters (family text); \
             SET LOCAL search_path TO {{}}_own, pg_temp, pg_catalog"
        );
        by_hand(&mut connection, &place, &begin).await.expect("begins");
        let (status, refused) = ("UPDATE {}.tickets SET status = 'in_progress'", [
            "UPDATE {}.history SET actor = NULL",
            "DELETE FROM {}.counters",
            "INSERT INTO {}.feed (recorded_at, changes) VALUES (now(), '[]')",
            "UPDATE {}.users SET role = 'admin'",
            // Their own tables with our triggers would let them write ours.
            "CREATE TABLE {}_own.users (role text, active boolean); CREATE TRIGGER mine AFTER INSERT ON {}_own.users \
             REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION {}.bsm_count_users_insert()",
            "CREATE TABLE {}_own.users (id uuid); CREATE TRIGGER mine BEFORE INSERT ON {}_own.users FOR EACH ROW \
             EXECUTE FUNCTION {}.bsm_by_hand('user')",
            "CREATE TABLE {}_own.users (id uuid); CREATE TRIGGER mine BEFORE INSERT ON {}_own.users FOR EACH ROW \
             EXECUTE FUNCTION {}.bsm_rules_users()",
        ]);
        assert_eq!(by_hand(&mut connection, &place, status).await.expect("may"), 1);
        let insert = format!(
            "INSERT INTO {{}}.tickets (title, description, status, impact, urgency, channel, created_by, reopen_count) \
             VALUES ('A', '', 'new', 'low', 'low', 'other', '{}', 0)",
            id(2)
        );
        by_hand(&mut connection, &place, &insert).await.expect("may");
        for sql in refused {
            by_hand(&mut connection, &place, "SAVEPOINT before").await.expect("saves");
            let refusal = by_hand(&mut connection, &place, sql).await.expect_err("may not");
            assert_eq!(refusal.code, "42501", "{sql}: {refusal:?}");
            by_hand(&mut connection, &place, "ROLLBACK TO before").await.expect("goes back");
        }
        by_hand(&mut connection, &place, "RESET ROLE").await.expect("is itself");
        let told = "SELECT string_agg(action, ' ' ORDER BY recorded_at) FROM {}.history WHERE entity = 'ticket'".replace("{}", &place.schema);
        let told: String = sqlx::query_scalar(AssertSqlSafe(told)).fetch_one(&mut connection).await.expect("answers");
        assert_eq!(told, "created changed created");
        by_hand(&mut connection, &place, "ROLLBACK").await.expect("leaves no role");
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test]
async fn a_table_is_not_truncated() {
    in_schema("hand_truncate", |place| async move {
        let store = one_of_each(&place).await;
        for entity in Entity::ALL {
            for setting in ["off", "on"] {
                let sql = format!("SET bsm.command = {setting}; TRUNCATE {{}}.{} CASCADE", entity.table());
                let refusal = place.refused(&sql).await;
                assert_eq!(refusal.code, "0A000", "{refusal:?}");
                assert!(refusal.hint.starts_with("DELETE"), "{refusal:?}");
            }
            place.sql("RESET bsm.command").await;
        }
        assert_sound(&*store).await;
    })
    .await;
}
