//! What somebody with psql can not write: what a desk could not read, or would not have let in.

mod common;

use std::str::FromStr;

use bsm_core::model::{
    Currency, Entity, Impact, RequestStatus, Row, ServiceRequest, Stars, Ticket, TicketStatus, Urgency, User,
};
use bsm_core::rules::priority::priority_of;
use bsm_core::store::Store;
use bsm_store_postgres::PostgresStore;
use common::feeds::assert_sound;
use common::hand::by_hand;
use common::rows::*;
use common::{Place, in_schema};
use sqlx::AssertSqlSafe;

/// A row of every entity.
async fn base(place: &Place) -> std::sync::Arc<PostgresStore> {
    let store = place.open().await;
    let (customer, agent, offered) = (User { role: bsm_core::model::Role::Customer, ..user(1) }, user(2), service(3));
    let (asked, given) = (request(4, &offered, &customer), rating(6, &offered, &customer));
    let asked = ServiceRequest { rating_id: Some(given.id), rated: true, ..asked };
    let asked = ServiceRequest { status: RequestStatus::Fulfilled, fulfilled_at: Some(moment(9)), ..asked };
    let made = Ticket { requested_for: Some(customer.id), ..ticket(5, &agent) };
    let rows: [Row; 8] = [
        note(7, &made, &agent).into(),
        article(8, &agent).into(),
        customer.into(),
        agent.into(),
        offered.into(),
        asked.into(),
        made.into(),
        given.into(),
    ];
    store.commit(insert(rows)).await.expect("base");
    store
}

/// Everything that the desk holds, as text.
async fn contents(place: &Place) -> Vec<String> {
    let tables = Entity::ALL.iter().map(|entity| entity.table()).chain(["history", "counters", "feed"]);
    let all = tables.map(|table| format!("SELECT '{table} ' || found::text FROM {}.{table} AS found", place.schema));
    let sql = format!("{} ORDER BY 1", all.collect::<Vec<_>>().join(" UNION ALL "));
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&place.pool).await.expect("reads")
}

/// What is refused, and by which column or constraint.
#[expect(clippy::too_many_lines, reason = "a table, one entry for each refusal")]
fn refusals() -> Vec<(&'static str, String, &'static str)> {
    let long = |count: usize| "x".repeat(count);
    let mut cases: Vec<(&'static str, String, &'static str)> = Vec::new();
    let mut set = |table, assignments: String, of| {
        cases.push((table, format!("UPDATE {{}}.{table} SET {assignments}"), of));
    };
    for entity in Entity::ALL {
        let table = entity.table();
        set(table, "id = gen_random_uuid()".to_owned(), "id");
        set(table, "created_at = created_at + interval '1 microsecond'".to_owned(), "created_at");
    }
    for (table, column, most) in [
        ("users", "full_name", 120),
        ("users", "email", 254),
        ("users", "external_ref", 128),
        ("tickets", "title", 200),
        ("tickets", "category", 64),
        ("tickets", "subcategory", 64),
        ("tickets", "assignment_group", 64),
        ("tickets", "external_ref", 128),
        ("knowledge_base", "title", 200),
        ("knowledge_base", "category", 64),
        ("customer_services", "name", 200),
        ("customer_services", "category", 64),
        ("customer_service_requests", "external_ref", 128),
    ] {
        set(table, format!("{column} = '{}'", long(most + 1)), column);
        for bad in ["E' \\t\\n'", "E'a\\nb'", "E'a\\tb'", "E'a\\u0007b'", "E'a\\u0085b'", "E'a\\u007fb'"] {
            set(table, format!("{column} = {bad}"), column);
        }
    }
    for (table, column, most, needed) in [
        ("tickets", "description", 20_000, false),
        ("knowledge_base", "body", 100_000, true),
        ("customer_services", "description", 20_000, false),
        ("customer_service_requests", "details", 20_000, false),
        ("customer_ratings", "review", 4_000, false),
        ("ticket_notes", "body", 20_000, true),
    ] {
        set(table, format!("{column} = '{}'", long(most + 1)), column);
        for bad in ["E'a\\u0001b'", "E'a\\rb'", "E'a\\u009fb'"] {
            set(table, format!("{column} = {bad}"), column);
        }
        if needed {
            set(table, format!("{column} = E' \\r\\n '"), column);
        }
    }
    for bad in ["x", "@x.org", "x@", "x@y", "a b@x.org", "\"a b\"@x.org", "a@b@x.org", "a@[127.0.0.1]", "A <a@x.org>"] {
        set("users", format!("email = '{bad}'"), "email");
    }
    for (table, money) in [("customer_services", "price"), ("customer_service_requests", "price")] {
        for bad in ["0.001", "-1", "1000000000.01", "'NaN'", "'infinity'", "1e300"] {
            set(table, format!("{money} = {bad}"), "price");
        }
        for bad in ["EURO", "eur", "ABC", "", "ÄÖÜ"] {
            set(table, format!("currency = '{bad}'"), "currency");
        }
        // What it costs has decimals that this currency lacks.
        set(table, "currency = 'JPY'".to_owned(), "price");
    }
    for (table, column) in [
        ("tickets", "resolved_at"),
        ("tickets", "closed_at"),
        ("customer_service_requests", "fulfilled_at"),
        ("customer_service_requests", "scheduled_for"),
        ("knowledge_base", "published_at"),
    ] {
        let state = match column {
            "resolved_at" | "closed_at" => "status = 'closed', ",
            _ => "",
        };
        let constraint = match table {
            "tickets" => "tickets_times_check",
            "knowledge_base" => "knowledge_base_times_check",
            _ => "customer_service_requests_times_check",
        };
        for bad in ["'1969-12-31 23:59:59.999999+00'", "'10000-01-01 00:00:00+00'", "'infinity'", "'-infinity'"] {
            set(table, format!("{state}{column} = {bad}"), constraint);
        }
    }
    set("tickets", "number = number + 1".to_owned(), "number");
    set("customer_service_requests", "number = 0".to_owned(), "number");
    set("tickets", "resolved_at = now()".to_owned(), "resolved_at");
    set("tickets", "status = 'resolved', closed_at = now()".to_owned(), "closed_at");
    set("tickets", "priority = 'low', priority_overridden = NULL, impact = NULL".to_owned(), "impact");
    set("tickets", "reopen_count = -1".to_owned(), "tickets_reopen_count_check");
    set("tickets", "reopen_count = 4294967296".to_owned(), "tickets_reopen_count_check");
    // No phase follows from it, which the server tells first.
    set("tickets", "status = 'lost'".to_owned(), "phase");
    set("users", "role = 'owner'".to_owned(), "users_role_check");
    set("customer_ratings", "rating = 6".to_owned(), "customer_ratings_rating_check");
    set("customer_service_requests", "status = 'in_progress', rated = false".to_owned(), "rated");
    set("customer_service_requests", "rated = false".to_owned(), "rated");
    set("customer_service_requests", "status = 'in_progress'".to_owned(), "rated");
    let unrated = "rated = false, rating_id = NULL";
    set("customer_service_requests", format!("{unrated}, status = 'scheduled'"), "scheduled_for");
    set("customer_service_requests", format!("{unrated}, status = 'approved'"), "status");
    set("customer_service_requests", format!("{unrated}, status = 'submitted', fulfilled_at = now()"), "fulfilled_at");
    // A rating is of the request's service, by its customer.
    set("customer_service_requests", format!("customer_id = '{}'", user(2).id), "rating_id");
    set("customer_ratings", format!("customer_id = '{}'", user(2).id), "service_id");
    // A request and its ticket name each other.
    set("tickets", format!("request_id = '{}'", id(4)), "request_id");
    set("customer_service_requests", format!("ticket_id = '{}'", id(5)), "ticket_id");
    let user = |columns: &str, values: &str| {
        format!(
            "INSERT INTO {{}}.users ({columns}, full_name, email, role, active) VALUES ({values}, 'Kim', 'kim@x.org', 'agent', true)"
        )
    };
    cases.push(("users", user("id", "gen_random_uuid()"), "id"));
    cases.push(("users", user("id", "'018bcfe5-6801-7000-c000-000000000001'"), "id"));
    cases.push(("users", user("id, created_at", "'018bcfe5-6801-7000-8000-000000000001', now()"), "created_at"));
    cases.push(("users", user("created_at", "'1969-12-31'"), "created_at"));
    cases.push(("users", user("created_at", "'10000-01-01'"), "users_times_check"));
    let ticket = |columns: &str, values: &str| {
        format!(
            "INSERT INTO {{}}.tickets (title, description, status, impact, urgency, channel, created_by, reopen_count, {columns}) \
             VALUES ('A', '', 'new', 'low', 'low', 'other', '{}', 0, {values})",
            id(2)
        )
    };
    for number in ["0", "-1", "100", "4294967296"] {
        cases.push(("tickets", ticket("number", number), "number"));
    }
    cases.push(("tickets", ticket("number", "1"), "tickets_number_key"));
    cases.push(("tickets", ticket("priority, priority_overridden", "'high', false"), "priority"));
    cases.push(("tickets", ticket("request_id", &format!("'{}'", id(4))), "request_id"));
    cases.push(("tickets", ticket("resolved_at", "now()"), "resolved_at"));
    cases
}

#[tokio::test]
async fn what_a_desk_would_not_let_in_is_refused_and_changes_nothing() {
    in_schema("hand_rules", |place| async move {
        let store = base(&place).await;
        let before = contents(&place).await;
        let cases = refusals();
        for (table, sql, of) in &cases {
            let refusal = place.refused(sql).await;
            assert_eq!((refusal.table.as_str(), refusal.of.as_str()), (*table, *of), "{sql}: {refusal:?}");
            assert!(["23514", "23505", "23502"].contains(&refusal.code.as_str()), "{sql}: {refusal:?}");
        }
        assert!(cases.len() > 200, "{}", cases.len());
        assert_eq!(contents(&place).await, before);
        // What can be helped is helped with.
        let refusal = place.refused("UPDATE {}.tickets SET number = 7").await;
        assert_eq!(
            (refusal.message.as_str(), refusal.hint.as_str()),
            ("tickets.number can not be changed", "People know the row by it.")
        );
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test]
async fn a_table_is_not_truncated() {
    in_schema("hand_truncate", |place| async move {
        let store = base(&place).await;
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

#[tokio::test]
async fn what_is_written_by_hand_is_brought_into_the_desks_form() {
    in_schema("hand_form", |place| async move {
        let store = base(&place).await;
        place.hand("UPDATE {}.users SET full_name = E'\\u2003 Kim\\u3000\\t', email = ' KIM' || email || ' '").await;
        let Some(Row::User(person)) = get(&*store, user(1).id).await else { panic!("is there") };
        assert_eq!((person.full_name.as_str(), person.email.as_str()), ("Kim", "kimp1@example.org"));
        place.hand("UPDATE {}.customer_ratings SET review = E' a\\r\\n\\tb '").await;
        let Some(Row::Rating(given)) = get(&*store, rating(6, &service(3), &user(1)).id).await else { panic!("is there") };
        assert_eq!(given.review, "a\n\tb");
        // The times that go with a state come and go with it, and say what somebody says.
        let state = async |set: &str| {
            place.hand(&format!("UPDATE {{}}.tickets SET {set}")).await;
            match get(&*store, ticket(5, &user(2)).id).await {
                Some(Row::Ticket(ticket)) => ticket,
                other => panic!("{other:?}"),
            }
        };
        let closed = state("status = 'closed', resolved_at = '2024-01-01 00:00:00+00'").await;
        assert_eq!(closed.resolved_at.map(|at| at.to_string()).as_deref(), Some("2024-01-01T00:00:00.000000Z"));
        assert_eq!(closed.closed_at, Some(closed.updated_at));
        let resolved = state("status = 'resolved'").await;
        assert_eq!((resolved.resolved_at, resolved.closed_at), (closed.resolved_at, None));
        let open = state("status = 'in_progress'").await;
        assert_eq!((open.resolved_at, open.reopen_count), (None, 1));
        assert_eq!(state("status = 'resolved', reopen_count = 8").await.reopen_count, 8);
        assert_eq!(state("status = 'in_progress', reopen_count = 5").await.reopen_count, 5);
        // Of prices, what the currency has.
        place.hand("UPDATE {}.customer_services SET price = 5, currency = 'KWD'").await;
        let Some(Row::Service(dear)) = get(&*store, service(3).id).await else { panic!("is there") };
        assert_eq!(dear.price.to_string(), "5.000 KWD");
        // An id carries when a row was made, whichever of both is said.
        place
            .hand(
                "INSERT INTO {}.users (created_at, full_name, email, role, active) SELECT at, 'Kim', n || '@x.org', 'agent', true \
                 FROM (SELECT n, timestamptz '2020-02-29 12:00:00.123+00' + n * interval '1 microsecond' FROM generate_series(0, 2000) AS n) \
                 AS times (n, at)",
            )
            .await;
        let wrong = "SELECT count(*)::text FROM {}.users WHERE email LIKE '%@x.org' AND created_at <> \
                     timestamptz '2020-02-29 12:00:00.123+00' + split_part(email, '@', 1)::int * interval '1 microsecond'";
        assert_eq!(place.ask(wrong).await, "0");
        let sql = format!("SELECT id FROM {}.users WHERE email LIKE '%@x.org'", place.schema);
        let ids: Vec<uuid::Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&place.pool).await.expect("reads");
        for id in ids {
            let id = bsm_core::model::UserId::from_uuid(id);
            let Some(Row::User(person)) = get(&*store, id).await else { panic!("is there") };
            let micros: i64 = person.email.split('@').next().and_then(|n| n.parse().ok()).expect("is a number");
            assert_eq!(id.created_at().micros(), 1_582_977_600_123_000 + micros);
        }
        for made in ["018bcfe5-6801-7000-8000-0000000000ff", "018bcfe5-6801-7fff-bfff-ffffffffffff", "00000000-0000-7000-8000-000000000000"] {
            place
                .hand(&format!(
                    "INSERT INTO {{}}.users (id, full_name, email, role, active) VALUES ('{made}', 'Kim', '{made}@x.org', 'agent', true)"
                ))
                .await;
            let at = "SELECT (extract(epoch FROM created_at) * 1000000)::bigint::text FROM {}.users WHERE id = 'ID'";
            let at = place.ask(&at.replace("ID", made)).await;
            let id = bsm_core::model::UserId::from_str(made).expect("is an id");
            assert_eq!(at, id.created_at().micros().to_string());
        }
        assert_sound(&*store).await;
    })
    .await;
}

#[tokio::test]
async fn currencies_and_priorities_are_those_of_the_core() {
    in_schema("hand_words", |place| async move {
        let store = place.open().await;
        store.health().await.expect("is well");
        let known = place
            .ask(
                "SELECT string_agg(code || coalesce({}.bsm_currency_scale(code), -1), ' ' ORDER BY code COLLATE \"C\") \
                  FROM (SELECT chr(65 + a) || chr(65 + b) || chr(65 + c) AS code FROM generate_series(0, 25) AS a, \
                  generate_series(0, 25) AS b, generate_series(0, 25) AS c) AS codes",
            )
            .await;
        let letters = || b'A'..=b'Z';
        let mut expected = Vec::new();
        for code in letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| vec![a, b, c]))) {
            let code = String::from_utf8(code).expect("is text");
            let scale = Currency::from_str(&code).map_or(-1, |currency| i64::from(currency.scale()));
            expected.push(format!("{code}{scale}"));
        }
        assert_eq!(known, expected.join(" "));
        for impact in Impact::ALL {
            for urgency in Urgency::ALL {
                let follows = place.ask(&format!("SELECT {{}}.bsm_priority_of('{impact}', '{urgency}')")).await;
                assert_eq!(follows, priority_of(*impact, *urgency).as_str());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_and_its_ticket_are_linked_within_a_transaction() {
    in_schema("hand_linked", |place| async move {
        let store = base(&place).await;
        let (asked, made) = (id(4), id(5));
        let both = format!(
            "BEGIN; UPDATE {{}}.tickets SET request_id = '{asked}' WHERE id = '{made}'; \
             UPDATE {{}}.customer_service_requests SET ticket_id = '{made}' WHERE id = '{asked}'; COMMIT"
        );
        place.hand(&both).await;
        // And neither is let go alone.
        for (sql, of) in [
            ("UPDATE {}.tickets SET request_id = NULL", "request_id"),
            ("UPDATE {}.customer_service_requests SET ticket_id = NULL", "ticket_id"),
        ] {
            assert_eq!(place.refused(sql).await.of, of);
        }
        place
            .hand("BEGIN; UPDATE {}.tickets SET request_id = NULL; UPDATE {}.customer_service_requests SET ticket_id = NULL; COMMIT")
            .await;
        assert_sound(&*store).await;
    })
    .await;
}

/// Whoever may write one table need not be able to write what the desk keeps beside it, nor can they.
#[tokio::test]
async fn a_role_that_may_write_one_table_writes_it_and_nothing_else() {
    in_schema("hand_role", |place| async move {
        let store = base(&place).await;
        let role = format!("{}_clerk", place.schema);
        let mut connection = place.pool.acquire().await.expect("connects");
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
        let told: String = sqlx::query_scalar(AssertSqlSafe(told)).fetch_one(&mut *connection).await.expect("answers");
        assert_eq!(told, "created changed created");
        by_hand(&mut connection, &place, "ROLLBACK").await.expect("leaves no role");
        assert_sound(&*store).await;
    })
    .await;
}

/// What commands write past the rules of one row is theirs: a store takes what it is given.
#[tokio::test]
async fn commands_are_not_held_to_what_holds_by_hand() {
    in_schema("hand_commands", |place| async move {
        let store = base(&place).await;
        let odd = Ticket { status: TicketStatus::Resolved, category: Some(" ".to_owned()), ..ticket(50, &user(2)) };
        store.commit(insert([odd.clone().into()])).await.expect("takes it");
        let Some(Row::Ticket(found)) = get(&*store, odd.id).await else { panic!("is there") };
        assert_eq!(found, Ticket { number: found.number, ..odd });
        let stars = bsm_core::model::Rating { rating: Stars::One, ..rating(51, &service(3), &user(2)) };
        store.commit(insert([stars.into()])).await.expect("takes it");
        assert_sound(&*store).await;
    })
    .await;
}
