//! The demonstration on Postgres as somebody with psql finds it: four views, all foreign keys, and rows that can be written
//! by hand and are told to everybody. `docs/psql.md` shows the same statements.

use std::collections::BTreeSet;

use bsm::feed::{EventQuery, Since};
use bsm::model::{Actor, Entity, TicketId, TicketStatus, UserId};
use bsm::schema::{Field, Origin, relations};
use bsm::store::Order;
use bsm::{Admin, Desk};
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, PgPool};

use crate::place::Place;
use crate::run::service_desk;

/// As many as [`MADE`] makes.
const MANY: u64 = 20_000;

/// Rows that are written by hand, as a person writes them.
const MADE: &str = "INSERT INTO tickets (title, description, status, impact, urgency, channel, created_by, reopen_count) \
    SELECT 'Sensor ' || n, '', 'new', 'low', 'low', 'monitoring', (SELECT min(id::text)::uuid FROM users), 0 \
    FROM generate_series(1, 20000) AS n";

#[tokio::test]
async fn somebody_with_psql_sees_and_changes_the_demonstration() {
    let place = Place::new("by_hand").await;
    service_desk(&["--store", &place.url(), "--no-flow"]);
    let psql = place.by_hand().await;
    views_answer(&psql).await;
    foreign_keys_stand(&psql, place.schema()).await;
    foreign_keys_are_kept(&psql).await;
    let desk = bsm::open(&place.url()).await.expect("opens");
    let admin: Uuid = one(&psql, "SELECT id FROM users WHERE role = 'admin' ORDER BY id LIMIT 1").await;
    let admin = desk.admin(UserId::from_uuid(admin));
    one_ticket_is_told(&psql, &desk, &admin).await;
    many_tickets_are_told(&psql, &desk, &admin).await;
    let found = desk.verify().await.expect("recounts");
    assert!(found.is_clean(), "{:#?}", found.differences);
    desk.close().await.expect("closes");
    psql.close().await;
}

async fn views_answer(psql: &PgPool) {
    for (view, rows) in [
        ("unified_tickets_view", 29),
        ("admin_customer_service_requests", 9),
        ("admin_customer_ratings", 6),
        ("admin_customer_summary", 1),
    ] {
        assert_eq!(count(psql, &format!("SELECT count(*) FROM {view}")).await, rows, "{view}");
        // All of its columns, of all rows.
        sqlx::raw_sql(AssertSqlSafe(format!("SELECT * FROM {view}"))).execute(psql).await.expect("answers");
    }
    assert_eq!(count(psql, "SELECT tickets FROM admin_customer_summary").await, 20);
    let mean: String = one(psql, "SELECT mean_rating::text FROM admin_customer_summary").await;
    assert_eq!(mean, "4.33");
}

/// What the standard's own catalogue tells of foreign keys, against the schema of the desk.
async fn foreign_keys_stand(psql: &PgPool, schema: &str) {
    let told = "SELECT concat(child.table_name, '.', child.column_name, ' names ', parent.table_name, '.', parent.column_name) \
        FROM information_schema.referential_constraints AS rule \
        JOIN information_schema.key_column_usage AS child USING (constraint_schema, constraint_name) \
        JOIN information_schema.constraint_column_usage AS parent USING (constraint_schema, constraint_name) \
        WHERE constraint_schema = $1";
    let told: Vec<String> = sqlx::query_scalar(told).bind(schema).fetch_all(psql).await.expect("answers");
    let told: BTreeSet<String> = told.into_iter().collect();
    let of = |origin: Option<Origin>| -> BTreeSet<String> {
        let wanted = relations().iter().filter(|spec| origin.is_none_or(|origin| spec.origin == origin));
        wanted.map(|spec| format!("{} names {}.id", spec.relation, spec.to.table())).collect()
    };
    assert_eq!(of(Some(Origin::Owner)).len(), 8);
    assert!(told.is_superset(&of(Some(Origin::Owner))), "{told:#?}");
    assert_eq!(told, of(None));
}

/// A row that names what is not there is refused, and so is the end of a row that is named: by each foreign key.
async fn foreign_keys_are_kept(psql: &PgPool) {
    for spec in relations() {
        let name = format!("{}_{}_fkey", spec.from.table(), spec.field);
        let (from, field) = (spec.from.table(), spec.field);
        let breaks = match spec.from {
            // A rating that is there stays with its request.
            Entity::Rating => {
                let other = if field == Field::ServiceId { Field::CustomerId } else { Field::ServiceId };
                format!(
                    "INSERT INTO {from} ({field}, {other}, rating, review) \
                     SELECT gen_random_uuid(), {other}, 5, 'Good.' FROM {from} LIMIT 1"
                )
            }
            // So does a request that is rated.
            Entity::Request if [Field::ServiceId, Field::CustomerId].contains(&field) => format!(
                "UPDATE {from} SET {field} = gen_random_uuid() \
                 WHERE id = (SELECT id FROM {from} WHERE rating_id IS NULL LIMIT 1)"
            ),
            // One that names a row already, if any does: it keeps all other rules.
            _ => format!(
                "UPDATE {from} SET {field} = gen_random_uuid() \
                 WHERE id = (SELECT id FROM {from} ORDER BY {field} NULLS LAST LIMIT 1)"
            ),
        };
        assert_eq!(refused(psql, &breaks).await, ("23503".to_owned(), name));
    }
    let insert = "INSERT INTO tickets (title, description, status, impact, urgency, channel, created_by, reopen_count) \
                  VALUES ('Nobody''s', '', 'new', 'low', 'low', 'phone', gen_random_uuid(), 0)";
    assert_eq!(refused(psql, insert).await, ("23503".to_owned(), "tickets_created_by_fkey".to_owned()));
    let named = "DELETE FROM customer_services WHERE id IN (SELECT service_id FROM customer_service_requests)";
    assert_eq!(refused(psql, named).await.0, "23503");
    assert_eq!(count(psql, "SELECT count(*) FROM unified_tickets_view").await, 29, "nothing is left of it");
}

/// The code and the constraint of what the server refuses.
async fn refused(psql: &PgPool, sql: &str) -> (String, String) {
    let error = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(psql).await.expect_err(sql);
    let error = error.as_database_error().expect("is refused by the server");
    (error.code().unwrap_or_default().into_owned(), error.constraint().unwrap_or_default().to_owned())
}

async fn one_ticket_is_told(psql: &PgPool, desk: &Desk, admin: &Admin) {
    let before = admin.summary().await.expect("sums");
    let mut watch = desk.watch(Since::Now).await.expect("watches");
    let id: Uuid = one(psql, "SELECT id FROM tickets WHERE status = 'new' ORDER BY id LIMIT 1").await;
    let id = TicketId::from_uuid(id);
    let stood = admin.ticket(id).await.expect("is there");
    assert_eq!(written(psql, &format!("UPDATE tickets SET status = 'in_progress' WHERE id = '{id}'")).await, 1);
    let stands = admin.ticket(id).await.expect("is there");
    assert_eq!((stands.status, stands.version), (TicketStatus::InProgress, stood.version.next()));
    assert!(stands.updated_at > stood.updated_at);
    let after = admin.summary().await.expect("sums");
    let of = |summary: &bsm::view::Summary, status| summary.tickets.get(&status).copied().unwrap_or(0);
    for (status, less, more) in [(TicketStatus::New, 1, 0), (TicketStatus::InProgress, 0, 1)] {
        assert_eq!(of(&after, status) + less, of(&before, status) + more);
    }
    let told = watch.next().await.expect("is told");
    let newest = admin.history(id, Order::NewestFirst, None, 1).await.expect("is there").entries;
    assert_eq!((newest.len(), &newest), (1, &told.entries));
    let entry = &newest[0];
    assert_eq!((entry.actor, entry.version), (Actor::System, stands.version));
    let change: Vec<_> = entry.changes.iter().map(|change| (change.from.as_deref(), change.to.as_deref())).collect();
    assert_eq!(change, [(Some("new"), Some("in_progress"))]);
}

async fn many_tickets_are_told(psql: &PgPool, desk: &Desk, admin: &Admin) {
    assert_eq!(written(psql, MADE).await, MANY);
    let in_progress =
        |summary: &bsm::view::Summary| summary.tickets.get(&TicketStatus::InProgress).copied().unwrap_or(0);
    let before = admin.summary().await.expect("sums");
    assert_eq!(before.ticket_count(), 20 + MANY);
    let mut query = EventQuery { since: Since::Now, limit: 500, ..EventQuery::default() };
    query.since = Since::After(desk.events(&query).await.expect("stands").position);
    assert_eq!(written(psql, "UPDATE tickets SET status = 'in_progress' WHERE title LIKE 'Sensor %'").await, MANY);
    let after = admin.summary().await.expect("sums");
    assert_eq!(in_progress(&after), in_progress(&before) + MANY);
    let told: i64 = one(psql, "SELECT (tickets_by_status ->> 'in_progress')::bigint FROM admin_customer_summary").await;
    assert_eq!(u64::try_from(told), Ok(in_progress(&after)));
    let mut rows = BTreeSet::new();
    loop {
        let page = desk.events(&query).await.expect("tells");
        for event in &page.events {
            assert_eq!(event.entries.len(), 1);
            assert_eq!((event.entries[0].actor, event.entries[0].version.0), (Actor::System, 2));
            rows.insert(event.entries[0].key);
        }
        query.since = Since::After(page.position);
        if !page.more {
            break;
        }
    }
    assert_eq!(rows.len() as u64, MANY, "each once");
    let moved = "SELECT count(*) FROM tickets JOIN history ON entity = 'ticket' AND row_id = id \
                 AND history.version = tickets.version WHERE title LIKE 'Sensor %' AND tickets.version = 2 AND actor IS NULL";
    assert_eq!(count(psql, moved).await, i64::try_from(MANY).expect("is small"));
}

async fn one<T>(psql: &PgPool, sql: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(psql).await.expect("answers")
}

async fn count(psql: &PgPool, sql: &str) -> i64 {
    one(psql, sql).await
}

/// How many rows a statement writes.
async fn written(psql: &PgPool, sql: &str) -> u64 {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(psql).await.expect("is written").rows_affected()
}
