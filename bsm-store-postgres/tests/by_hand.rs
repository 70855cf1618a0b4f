//! What somebody with psql writes is counted, told and versioned as what commands write is.

mod common;

use std::sync::Arc;

use bsm_core::demo::{self, Demo, DemoOptions};
use bsm_core::model::{
    Action, Actor, Entity, HistoryEntry, HoldReason, Key, Priority, Role, Row, Stars, TicketStatus, Version,
};
use bsm_core::schema::{Field, columns};
use bsm_core::store::{ReadSet, Store};
use bsm_core::{Desk, Error, NewTicket, NewUser, PriorityChange, ServiceChange, TicketChange};
use bsm_store_postgres::PostgresStore;
use common::feeds::{all, assert_causal, assert_sound};
use common::hand::{by_hand, history, last, told};
use common::{Place, in_schema};
use sqlx::{AssertSqlSafe, Row as _};

/// The demonstration desk: rows of every entity, in many states.
async fn demonstration(place: &Place) -> (Arc<PostgresStore>, Desk, Demo) {
    let store = place.open().await;
    let options = DemoOptions { seed: 3 };
    let desk = options.desk(Arc::clone(&store) as Arc<dyn Store>);
    let demo = demo::populate(&desk, &options).await.expect("fills the desk");
    (store, desk, demo)
}

/// The rows of an entity whose ids are such.
async fn rows(place: &Place, store: &dyn Store, entity: Entity, such: &str) -> Vec<Row> {
    let sql = format!("SELECT id FROM {}.{} WHERE {such} ORDER BY id", place.schema, entity.table());
    let ids = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&place.pool).await.expect("reads");
    let get = ids.into_iter().map(|id| Key { entity, id }).collect();
    let set = ReadSet { get, ..ReadSet::default() };
    store.read(set).await.expect("reads").got.into_iter().map(|row| row.expect("is there")).collect()
}

/// The desk is moved into another store, which looks at every row as if a person had said it, and is the same there.
async fn assert_movable(desk: &Desk) {
    let other = Desk::new(Arc::new(bsm_store_kv::memory().expect("opens")));
    let (mut export, mut import) = (desk.export(), other.import().await.expect("begins"));
    let mut lines = String::new();
    while let Some(more) = export.next().await.expect("exports") {
        import.write(more.as_bytes()).await.expect("takes in");
        lines.push_str(&more);
    }
    import.finish().await.expect("holds together");
    let mut again = String::new();
    let mut export = other.export();
    while let Some(more) = export.next().await.expect("exports") {
        again.push_str(&more);
    }
    assert_eq!(lines, again);
}

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

/// A change that a command makes to one row, and the same by hand to another that is like it.
async fn assert_alike(place: &Place, store: &dyn Store, sql: &str, commanded: impl Into<Key>, handed: impl Into<Key>) {
    let (commanded, handed) = (commanded.into(), handed.into());
    place.hand(&sql.replace("ID", &format!("'{}'", handed.id))).await;
    let (command, hand) = (last(store, commanded).await, last(store, handed).await);
    assert_eq!(hand.actor, Actor::System);
    let told = |entry: &HistoryEntry| {
        // When it was is another moment.
        let mut changes = serde_json::to_value(&entry.changes).expect("is JSON");
        for change in changes.as_array_mut().into_iter().flatten() {
            for end in ["from", "to"] {
                if change["field"].as_str().is_some_and(|field| field.ends_with("_at")) && !change[end].is_null() {
                    let at = change[end].as_str().and_then(|at| at.parse::<bsm_core::model::Timestamp>().ok());
                    assert_eq!(at.map(|at| at.to_string()).as_deref(), change[end].as_str());
                    change[end] = "a time".into();
                }
            }
        }
        (entry.action, entry.version, changes)
    };
    assert_eq!(told(&hand), told(&command), "{sql}");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of statements and the commands that do the same")]
async fn a_change_by_hand_is_told_as_the_same_change_by_a_command() {
    in_schema("hand_alike", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let admin = desk.admin(demo.admin);
        let [one, other] = [1, 2].map(|_| NewTicket { category: Some("printers".to_owned()), ..NewTicket::new("Jams") });
        let one = admin.open_ticket(one).await.expect("opens").id;
        let other = admin.open_ticket(other).await.expect("opens").id;
        let agent = demo.agents[0];
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        admin.start_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'in_progress' WHERE id = ID").await;
        admin.assign_ticket(one, agent).await.expect("assigns");
        alike(&format!("UPDATE {{}}.tickets SET assigned_to = '{agent}' WHERE id = ID")).await;
        admin.hold_ticket(one, HoldReason::Vendor).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'on_hold_vendor' WHERE id = ID").await;
        admin.resolve_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'resolved' WHERE id = ID").await;
        admin.reopen_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'in_progress' WHERE id = ID").await;
        let change = TicketChange { impact: Some(bsm_core::model::Impact::High), ..TicketChange::default() };
        admin.change_ticket(one, change).await.expect("changes");
        alike("UPDATE {}.tickets SET impact = 'high' WHERE id = ID").await;
        let change = TicketChange {
            priority: PriorityChange::Override(Priority::Low),
            title: Some("Jams again".to_owned()),
            category: None.into(),
            ..TicketChange::default()
        };
        admin.change_ticket(one, change).await.expect("changes");
        alike("UPDATE {}.tickets SET priority = 'low', title = ' Jams again ', category = NULL WHERE id = ID").await;
        let change = TicketChange { priority: PriorityChange::Follow, ..TicketChange::default() };
        admin.change_ticket(one, change).await.expect("changes");
        alike("UPDATE {}.tickets SET priority_overridden = false WHERE id = ID").await;
        admin.touch_ticket(one).await.expect("touches");
        alike("UPDATE {}.tickets SET version = 900 WHERE id = ID").await;
        admin.resolve_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'resolved' WHERE id = ID").await;
        admin.close_ticket(one).await.expect("moves");
        alike("UPDATE {}.tickets SET status = 'closed' WHERE id = ID").await;

        let people = async |name: &str| {
            let one = NewUser::new("Kim", format!("{name}@example.org"), Role::Agent);
            admin.create_user(one).await.expect("enters").id
        };
        let (one, other) = (people("one").await, people("other").await);
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        admin.change_role(one, Role::Customer).await.expect("changes");
        alike("UPDATE {}.users SET role = 'customer' WHERE id = ID").await;
        admin.deactivate_user(one).await.expect("changes");
        alike("UPDATE {}.users SET active = false WHERE id = ID").await;
        admin.delete_user(one).await.expect("deletes");
        alike("DELETE FROM {}.users WHERE id = ID").await;

        let service = async || {
            let new = bsm_core::NewService::new("Chair", "furniture", "12.5 EUR".parse().expect("is money"));
            admin.create_service(new).await.expect("enters").id
        };
        let (one, other) = (service().await, service().await);
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        let price = ServiceChange { price: Some("1.5 KWD".parse().expect("is money")), ..ServiceChange::default() };
        admin.change_service(one, price).await.expect("changes");
        alike("UPDATE {}.customer_services SET price = 1.5, currency = 'KWD' WHERE id = ID").await;
        admin.retire_service(one).await.expect("retires");
        alike("UPDATE {}.customer_services SET active = false WHERE id = ID").await;

        let article = async || {
            admin.create_article(bsm_core::NewArticle::new("How to", "Just do it")).await.expect("writes").id
        };
        let (one, other) = (article().await, article().await);
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        admin.publish_article(one).await.expect("publishes");
        alike("UPDATE {}.knowledge_base SET status = 'published' WHERE id = ID").await;

        let customer = desk.customer(demo.customers[0]);
        let submit = async || {
            let new = bsm_core::SubmitRequest::new(demo.orderable);
            customer.submit_request(new).await.expect("submits").id
        };
        let (one, other) = (submit().await, submit().await);
        let alike = async |sql: &str| assert_alike(&place, &*store, sql, one, other).await;
        let day = "2026-12-24T09:00:00Z".parse().expect("is a time");
        admin.schedule_request(one, day).await.expect("schedules");
        alike("UPDATE {}.customer_service_requests SET status = 'scheduled', scheduled_for = '2026-12-24 10:00:00+01' WHERE id = ID")
            .await;
        admin.fulfil_request(one).await.expect("fulfils");
        alike("UPDATE {}.customer_service_requests SET status = 'fulfilled' WHERE id = ID").await;
        let given = customer.rate(one, Stars::Five, "Good").await.expect("rates");
        place
            .hand(&format!(
                "WITH rated AS (INSERT INTO {{}}.customer_ratings (service_id, customer_id, rating, review) \
                 SELECT service_id, customer_id, 5, 'Good' FROM {{}}.customer_service_requests WHERE id = '{other}' \
                 RETURNING id) \
                 UPDATE {{}}.customer_service_requests SET rating_id = (SELECT id FROM rated) WHERE id = '{other}'"
            ))
            .await;
        let Some(Row::Request(rated)) = common::rows::get(&*store, other).await else { panic!("it is there") };
        let by_hand = rated.rating_id.expect("is rated");
        let (command, hand) = (last(&*store, given.id).await, last(&*store, by_hand).await);
        assert_eq!((command.changes, command.action, command.subject), (hand.changes, hand.action, hand.subject));
        let (command, hand) = (last(&*store, one).await, last(&*store, other).await);
        let fields = |entry: &HistoryEntry| entry.changes.iter().map(|change| change.field).collect::<Vec<_>>();
        assert_eq!(fields(&hand), fields(&command));
        admin.delete_rating(given.id).await.expect("deletes");
        assert_alike(&place, &*store, "DELETE FROM {}.customer_ratings WHERE id = ID", given.id, by_hand).await;
        let (command, hand) = (last(&*store, one).await, last(&*store, other).await);
        assert_eq!((fields(&hand), hand.version), (fields(&command), command.version));
        assert_causal(&all(&*store, None).await);
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
        let (mut leavers, mut theirs) = (Vec::new(), Vec::new());
        for n in 0..3 {
            let leaver = NewUser::new("Kim", format!("kim{n}@example.org"), Role::Agent);
            leavers.push(admin.create_user(leaver).await.expect("enters").id);
            for _ in 0..2 {
                let new = NewTicket { assigned_to: leavers.last().copied(), ..NewTicket::new("Jams") };
                theirs.push(admin.open_ticket(new).await.expect("opens"));
            }
        }
        // In one statement that also writes one of those tickets itself.
        place
            .hand(&format!(
                "WITH gone AS (DELETE FROM {{}}.users WHERE email LIKE 'kim%') \
                 UPDATE {{}}.tickets SET category = 'left' WHERE id = '{}'",
                theirs[0].id
            ))
            .await;
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
        assert_causal(&all(&*store, None).await);
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_row_that_is_made_anew_goes_on_where_its_history_ended() {
    in_schema("hand_anew", |place| async move {
        let (store, desk, _) = demonstration(&place).await;
        let again = "INSERT INTO {}.users (id, full_name, email, role, active) \
                    VALUES ('018bcfe5-6801-7000-8000-000000000001', 'Kim', 'kim@example.org', 'customer', true)";
        for round in 0..3_u64 {
            place.hand(again).await;
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
        let mut connection = place.pool.acquire().await.expect("connects");
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
async fn calls(connection: &mut sqlx::PgConnection, place: &Place, sql: &str) -> Vec<(String, u64)> {
    let sql = format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", sql.replace("{}", &place.schema));
    let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await.expect("is done");
    let plan: String = row.try_get_unchecked(0).expect("is text");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("is JSON");
    let triggers = plan[0]["Triggers"].as_array().expect("has triggers").iter();
    let ours = triggers.filter_map(|trigger| {
        let name = trigger["Trigger Name"].as_str().filter(|name| name.starts_with("bsm_"))?;
        // Some servers tell it with decimals.
        let calls = trigger["Calls"].to_string();
        let whole = calls.split('.').next().and_then(|whole| whole.parse().ok());
        Some((name.to_owned(), whole.expect("is a number")))
    });
    ours.collect()
}

#[tokio::test]
async fn many_rows_in_one_statement_are_counted_once() {
    const MANY: u64 = 20_000;
    in_schema("hand_many", |place| async move {
        let (store, desk, demo) = demonstration(&place).await;
        let (admin, customer) = (desk.admin(demo.admin), demo.customers[0]);
        let before = admin.summary().await.expect("sums").ticket_count();
        let (begun, theirs) = (all(&*store, None).await.len(), all(&*store, Some(customer)).await.len());
        let mut connection = place.pool.acquire().await.expect("connects");
        let columns = "title, description, status, impact, urgency, channel, created_by, requested_for, reopen_count";
        let made = |count: u64, title: &str| {
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
        let expected = |name: &str, rows: u64| {
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
            sqlx::query_scalar(AssertSqlSafe(written)).fetch_one(&mut *connection).await.expect("answers");
        assert_eq!(written, 2, "one counter less, one more");
        by_hand(&mut connection, &place, "COMMIT").await.expect("commits");
        let summary = admin.summary().await.expect("sums");
        assert_eq!(summary.ticket_count(), before + MANY + 1);
        // An event each, so that a page stays as large as it is asked for, and a customer's holds what is theirs.
        let events = all(&*store, None).await;
        assert_eq!(events.len() - begun, 2 + 2 * usize::try_from(MANY).expect("is small"));
        assert!(events.iter().skip(begun).all(|event| event.entries.len() == 1));
        assert_causal(&events);
        assert_eq!(all(&*store, Some(customer)).await.len() - theirs, 2 * usize::try_from(MANY).expect("is small") / 100);
        let deleted = "DELETE FROM {}.tickets WHERE title LIKE 'Many%'";
        assert_eq!(calls(&mut connection, &place, deleted).await, expected("delete", 0));
        assert_eq!(admin.summary().await.expect("sums").ticket_count(), before + 1);
        assert_sound(&*store).await;
    })
    .await;
}
