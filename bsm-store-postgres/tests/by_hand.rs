//! What somebody with psql writes is counted, told and versioned as what commands write is.

mod common;

use bsm_core::model::{Action, Actor, Entity, HistoryEntry, Role, Row, TicketStatus, Version};
use bsm_core::schema::{Field, columns};
use bsm_core::{Error, NewTicket, NewUser};
use common::feeds::{all, assert_causal, assert_sound};
use common::hand::{assert_movable, by_hand, demonstration, history, last, rows, told};
use common::{Place, in_schema};
use sqlx::{AssertSqlSafe, Row as _};

#[tokio::test]
async fn a_status_that_is_changed_by_hand() {
    in_schema("hand_status", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let (admin, customer) = (desk.admin(demo.admin), demo.customers[0]);
        let new = NewTicket { requested_for: Some(customer), ..NewTicket::new("Printer jams") };
        let ticket = admin.open_ticket(new).await.expect("opens");
        let (before, seen) = (admin.summary().await.expect("sums"), all(&*store, Some(customer)).await.len());
        let desk_saw = all(&*store, None).await.len();

        let id = ticket.id;
        assert_eq!(place.hand(&format!("UPDATE {{}}.tickets SET status = 'resolved' WHERE id = '{id}'")).await, 1);

        let after = admin.ticket(id).await.expect("is there");
        assert_eq!((after.status, after.version), (TicketStatus::Resolved, ticket.version.next()));
        assert_eq!(after.resolved_at, Some(after.updated_at));
        assert!(after.updated_at > ticket.updated_at);
        let entry = last(&*store, id).await;
        let expected = HistoryEntry {
            key: id.into(),
            version: after.version,
            action: Action::Changed,
            actor: Actor::System,
            occurred_at: after.updated_at,
            recorded_at: after.updated_at,
            subject: Some(customer),
            changes: told(Some(&ticket.clone().into()), Some(&after.clone().into())),
        };
        assert_eq!(entry, expected);
        assert_eq!(
            entry.changes.iter().map(|change| change.field).collect::<Vec<_>>(),
            [Field::Status, Field::ResolvedAt]
        );
        let summary = admin.summary().await.expect("sums");
        let of = |summary: &bsm_core::view::Summary, status| summary.tickets.get(&status).copied().unwrap_or(0);
        assert_eq!(of(&summary, TicketStatus::New) + 1, of(&before, TicketStatus::New));
        assert_eq!(of(&summary, TicketStatus::Resolved), of(&before, TicketStatus::Resolved) + 1);
        for (feed, before) in [(all(&*store, Some(customer)).await, seen), (all(&*store, None).await, desk_saw)] {
            assert_eq!(feed.len(), before + 1);
            assert_eq!(feed.last().expect("has one").entries, std::slice::from_ref(&expected));
        }
        // Whoever decided on what stood before is told, and goes on from what stands.
        let stale = admin.expecting(ticket.version).touch_ticket(id).await;
        assert!(matches!(stale, Err(Error::Conflict { found, .. }) if found == after.version), "{stale:?}");
        let reopened = admin.reopen_ticket(id).await.expect("goes on");
        assert_eq!((reopened.version, reopened.reopen_count), (after.version.next(), 1));
        assert_sound(&*store).await;
        assert_movable(&desk).await;
    })
    .await;
}

/// The columns of an entity that somebody would write, and what they give for each of a copy of a row.
fn copied(entity: Entity) -> (String, String) {
    let copied = columns(entity).iter().filter_map(|column| {
        let value = match column.field {
            Field::Id | Field::CreatedAt | Field::Version | Field::UpdatedAt | Field::Number | Field::Phase => {
                return None;
            }
            // What no two rows share.
            Field::ExternalRef => "external_ref || ' copy'".to_owned(),
            Field::Email => "'copy.' || email".to_owned(),
            Field::RequestId | Field::RatingId => "NULL".to_owned(),
            Field::TicketId if entity == Entity::Request => "NULL".to_owned(),
            field => field.to_string(),
        };
        Some((column.field.to_string(), value))
    });
    let (columns, values): (Vec<String>, Vec<String>) = copied.unzip();
    (columns.join(", "), values.join(", "))
}

#[tokio::test]
async fn every_row_is_written_by_hand_made_and_deleted() {
    in_schema("hand_every", |place| async move {
        let (store, desk, _) = demonstration(&place).await;
        for entity in Entity::ALL.iter().copied() {
            let (table, one) = (entity.table(), |row: &Row| assert_eq!(row.version(), Version::FIRST));
            let before = rows(&place, &*store, entity, "true").await;
            assert!(!before.is_empty(), "there are {table}");
            // Written as they are.
            let (columns, values) = copied(entity);
            let written = place.hand(&format!("UPDATE {{}}.{table} SET version = 0, updated_at = '2000-01-01'")).await;
            assert_eq!(written, before.len() as u64);
            for row in &before {
                let after = common::rows::get(&*store, row.key()).await.expect("is there");
                assert_eq!(after.version(), row.version().next());
                assert!(after.updated_at() > row.updated_at());
                let mut stamped = row.clone();
                stamped.stamp(after.version(), after.updated_at());
                assert_eq!(after, stamped, "nothing else is another");
                let entry = last(&*store, row.key()).await;
                assert_eq!(
                    (entry.action, entry.version, entry.changes),
                    (Action::Touched, after.version(), Vec::new())
                );
                assert_eq!((entry.subject, entry.recorded_at), (row.subject(), after.updated_at()));
            }
            // Copied.
            let known = before.iter().map(|row| format!("'{}'", row.key().id)).collect::<Vec<_>>().join(", ");
            let copy = format!("INSERT INTO {{}}.{table} ({columns}) SELECT {values} FROM {{}}.{table}");
            assert_eq!(place.hand(&copy).await, before.len() as u64);
            let copies = rows(&place, &*store, entity, &format!("id NOT IN ({known})")).await;
            assert_eq!(copies.len(), before.len());
            for copy in &copies {
                one(copy);
                let entry = last(&*store, copy.key()).await;
                let expected = HistoryEntry {
                    key: copy.key(),
                    version: copy.version(),
                    action: Action::Created,
                    actor: Actor::System,
                    occurred_at: copy.updated_at(),
                    recorded_at: copy.updated_at(),
                    subject: copy.subject(),
                    changes: told(None, Some(copy)),
                };
                assert_eq!(entry, expected);
                let numbered = copy.number().is_some();
                assert_eq!(numbered, entity.is_numbered());
            }
            assert_sound(&*store).await;
            assert_movable(&desk).await;
            // And deleted again.
            let gone = place.hand(&format!("DELETE FROM {{}}.{table} WHERE id NOT IN ({known})")).await;
            assert_eq!(gone, before.len() as u64);
            for copy in &copies {
                assert_eq!(common::rows::get(&*store, copy.key()).await, None);
                let entry = last(&*store, copy.key()).await;
                assert_eq!((entry.action, entry.version), (Action::Deleted, Version(2)));
                assert_eq!((entry.changes, entry.subject), (told(Some(copy), None), copy.subject()));
                assert!(entry.recorded_at >= copy.updated_at() && entry.occurred_at == entry.recorded_at);
            }
            assert_sound(&*store).await;
        }
        assert_causal(&all(&*store, None).await);
        assert_movable(&desk).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_deletion_empties_is_told_too() {
    in_schema("hand_set_null", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let admin = desk.admin(demo.admin);
        // One statement that also writes one of those tickets itself, before what the server empties and behind it.
        let statements = [
            "WITH gone AS (DELETE FROM {}.users WHERE email LIKE 'kim%') \
             UPDATE {}.tickets SET category = 'left' WHERE id = 'ID'",
            "WITH changed AS (UPDATE {}.tickets SET category = 'left' WHERE id = 'ID') \
             DELETE FROM {}.users WHERE email LIKE 'kim%'",
        ];
        for statement in statements {
            let (mut leavers, mut theirs) = (Vec::new(), Vec::new());
            for n in 0..3 {
                let leaver = NewUser::new("Kim", format!("kim{n}@example.org"), Role::Agent);
                leavers.push(admin.create_user(leaver).await.expect("enters").id);
                for _ in 0..2 {
                    let new = NewTicket { assigned_to: leavers.last().copied(), ..NewTicket::new("Jams") };
                    theirs.push(admin.open_ticket(new).await.expect("opens"));
                }
            }
            place.hand(&statement.replace("ID", &theirs[0].id.to_string())).await;
            for (n, ticket) in theirs.iter().enumerate() {
                let after = admin.ticket(ticket.id).await.expect("is there");
                assert_eq!(after.assigned_to, None);
                let told: Vec<Vec<Field>> = history(&*store, ticket.id)
                    .await
                    .iter()
                    .skip(1)
                    .map(|entry| entry.changes.iter().map(|change| change.field).collect())
                    .collect();
                let emptied = vec![Field::AssignedTo];
                let expected = if n == 0 { vec![vec![Field::Category], emptied] } else { vec![emptied] };
                assert_eq!(told, expected);
                assert_eq!(after.version.0, told.len() as u64 + 1);
            }
            for leaver in leavers {
                assert_eq!(last(&*store, leaver).await.action, Action::Deleted);
            }
        }
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_row_that_is_made_anew_goes_on_where_its_history_ended() {
    in_schema("hand_anew", |place| async move {
        let (store, desk, _) = demonstration(&place).await;
        let insert = "INSERT INTO {}.users (id, full_name, email, role, active) \
                    VALUES ('018bcfe5-6801-7000-8000-000000000001', 'Kim', 'kim@example.org', 'customer', true)";
        for round in 0..3_u64 {
            place.hand(insert).await;
            let made = rows(&place, &*store, Entity::User, "email = 'kim@example.org'").await.remove(0);
            assert_eq!(made.version(), Version(2 * round + 1));
            assert_eq!(place.hand("DELETE FROM {}.users WHERE email = 'kim@example.org'").await, 1);
            let actions: Vec<Action> = history(&*store, made.key()).await.iter().map(|entry| entry.action).collect();
            assert_eq!(actions.len() as u64, 2 * round + 2);
            assert_eq!(actions[actions.len() - 2..], [Action::Created, Action::Deleted]);
        }
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
        assert_movable(&desk).await;
    })
    .await;
}

#[tokio::test]
async fn statements_of_every_kind_are_told() {
    in_schema("hand_kinds", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let by = demo.admin;
        // A row that is there is changed, one that is not is made.
        place
            .hand(&format!(
                "INSERT INTO {{}}.tickets (id, title, description, status, impact, urgency, channel, created_by, reopen_count) \
                 SELECT id, 'Upserted', '', 'new', 'low', 'low', 'other', '{by}', 0 \
                 FROM (SELECT id FROM {{}}.tickets UNION ALL SELECT '018bcfe5-6801-7000-8000-000000000001') AS ids \
                 ON CONFLICT (id) DO UPDATE SET title = excluded.title"
            ))
            .await;
        let made = rows(&place, &*store, Entity::Ticket, "id = '018bcfe5-6801-7000-8000-000000000001'").await.remove(0);
        assert_eq!(last(&*store, made.key()).await.changes, told(None, Some(&made)));
        for id in &demo.tickets {
            let fields: Vec<Field> = last(&*store, *id).await.changes.iter().map(|change| change.field).collect();
            assert_eq!(fields, [Field::Title]);
        }
        // From a file.
        let mut connection = place.alone().await;
        let copy = format!(
            "COPY {}.knowledge_base (title, body, status, author_id) FROM STDIN WITH (FORMAT csv)",
            place.schema
        );
        let mut copy = connection.copy_in_raw(&copy).await.expect("begins");
        copy.send(format!("One,Body,draft,{by}\nOther,Body,published,{by}\n").into_bytes()).await.expect("sends");
        assert_eq!(copy.finish().await.expect("ends"), 2);
        for row in rows(&place, &*store, Entity::Article, "title IN ('One', 'Other')").await {
            assert_eq!(last(&*store, row.key()).await.changes, told(None, Some(&row)));
        }
        // One row in two statements of one transaction.
        let id = demo.tickets[0];
        place
            .hand(&format!(
                "BEGIN; UPDATE {{}}.tickets SET title = 'First' WHERE id = '{id}'; \
                 UPDATE {{}}.tickets SET title = 'Second', description = '' WHERE id = '{id}'; COMMIT"
            ))
            .await;
        // One that is rolled back leaves nothing.
        let before = history(&*store, id).await;
        place.hand(&format!("BEGIN; DELETE FROM {{}}.ticket_notes; UPDATE {{}}.tickets SET title = 'None' WHERE id = '{id}'; ROLLBACK")).await;
        assert_eq!(history(&*store, id).await, before);
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
        assert_movable(&desk).await;
    })
    .await;
}

/// How often each trigger of ours was called, by what the server says of a statement.
async fn calls(connection: &mut sqlx::PgConnection, place: &Place, sql: &str) -> Vec<(String, usize)> {
    let sql = format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", sql.replace("{}", &place.schema));
    let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await.expect("is done");
    let plan: String = row.try_get_unchecked(0).expect("is text");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("is JSON");
    let triggers = plan[0]["Triggers"].as_array().expect("has triggers").iter();
    let ours = triggers.filter_map(|trigger| {
        let name = trigger["Trigger Name"].as_str().filter(|name| name.starts_with("bsm_"))?;
        // Newer servers write a fraction.
        let calls = trigger["Calls"].to_string();
        Some((name.to_owned(), calls.split('.').next().and_then(|calls| calls.parse().ok()).expect("is a number")))
    });
    ours.collect()
}

#[tokio::test]
async fn many_rows_in_one_statement_are_counted_once() {
    const MANY: usize = 20_000;
    in_schema("hand_many", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let (admin, customer) = (desk.admin(demo.admin), demo.customers[0]);
        let before = admin.summary().await.expect("sums").ticket_count();
        let (begun, theirs) = (all(&*store, None).await.len(), all(&*store, Some(customer)).await.len());
        let mut connection = place.alone().await;
        let columns = "title, description, status, impact, urgency, channel, created_by, requested_for, reopen_count";
        let made = |count: usize, title: &str| {
            format!(
                "INSERT INTO {{}}.tickets ({columns}) SELECT '{title} ' || n, '', 'new', 'low', 'low', 'monitoring', '{}', \
                 CASE WHEN n % 100 = 0 THEN '{customer}'::uuid END, 0 FROM generate_series(1, {count}) AS n",
                demo.admin
            )
        };
        let set = |title: &str| format!("UPDATE {{}}.tickets SET status = 'in_progress' WHERE title LIKE '{title}%'");
        // The plans that the triggers keep are made for one row.
        by_hand(&mut connection, &place, &made(1, "Single")).await.expect("inserts");
        by_hand(&mut connection, &place, &set("Single")).await.expect("updates");
        let expected = |name: &str, rows: usize| {
            let calls = [
                ("bsm_by_hand".to_owned(), rows),
                (format!("bsm_count_{name}"), 1),
                ("bsm_rules".to_owned(), rows),
                (format!("bsm_told_{name}"), 1),
            ];
            calls.into_iter().filter(|(_, calls)| *calls > 0).collect::<Vec<_>>()
        };
        assert_eq!(calls(&mut connection, &place, &made(MANY, "Many")).await, expected("insert", MANY));
        // What it writes of the counters, as the server counts within the transaction.
        by_hand(&mut connection, &place, "BEGIN").await.expect("begins");
        assert_eq!(calls(&mut connection, &place, &set("Many")).await, expected("update", MANY));
        let written = format!(
            "SELECT n_tup_ins + n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = '{}.counters'::regclass",
            place.schema
        );
        let written: i64 =
            sqlx::query_scalar(AssertSqlSafe(written)).fetch_one(&mut connection).await.expect("answers");
        assert_eq!(written, 2, "one counter less, one more");
        by_hand(&mut connection, &place, "COMMIT").await.expect("commits");
        let summary = admin.summary().await.expect("sums");
        assert_eq!(summary.ticket_count(), before + 1 + MANY as u64);
        // An event each, so that a page stays as large as it is asked for, and a customer's holds what is theirs.
        let events = all(&*store, None).await;
        assert_eq!(events.len() - begun, 2 + 2 * MANY);
        assert!(events.iter().skip(begun).all(|event| event.entries.len() == 1));
        assert_causal(&events);
        assert_eq!(all(&*store, Some(customer)).await.len() - theirs, 2 * MANY / 100);
        let deleted = "DELETE FROM {}.tickets WHERE title LIKE 'Many%'";
        assert_eq!(calls(&mut connection, &place, deleted).await, expected("delete", 0));
        assert_eq!(admin.summary().await.expect("sums").ticket_count(), before + 1);
        assert_sound(&*store).await;
    })
    .await;
}
