//! What somebody with psql can not write: what a desk could not read, or would not have let in.

mod common;

use std::str::FromStr;

use bsm_core::model::{Currency, Entity, Impact, Row, Stars, Ticket, TicketStatus, Urgency};
use bsm_core::rules::priority::priority_of;
use bsm_core::store::Store;
use common::feeds::assert_sound;
use common::hand::one_of_each;
use common::rows::*;
use common::{Place, in_schema};
use sqlx::AssertSqlSafe;

/// Everything that the desk holds, as text.
async fn contents(place: &Place) -> Vec<String> {
    let tables = Entity::ALL.iter().map(|entity| entity.table()).chain(["history", "counters", "feed"]);
    let all = tables.map(|table| format!("SELECT '{table} ' || found::text FROM {}.{table} AS found", place.schema));
    let sql = format!("{} ORDER BY 1", all.collect::<Vec<_>>().join(" UNION ALL "));
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&place.pool).await.expect("reads")
}

/// What is refused: the table, what is written, and by which column or constraint.
#[derive(Default)]
struct Cases(Vec<(&'static str, String, &'static str)>);

impl Cases {
    fn add(&mut self, table: &'static str, sql: String, of: &'static str) {
        self.0.push((table, sql, of));
    }

    /// A change of all rows of a table.
    fn set(&mut self, table: &'static str, assignments: impl AsRef<str>, of: &'static str) {
        self.add(table, format!("UPDATE {{}}.{table} SET {}", assignments.as_ref()), of);
    }
}

fn texts_and_ids(cases: &mut Cases) {
    let long = |count: usize| "x".repeat(count);
    for entity in Entity::ALL {
        let table = entity.table();
        cases.set(table, "id = gen_random_uuid()", "id");
        cases.set(table, "created_at = created_at + interval '1 microsecond'", "created_at");
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
        cases.set(table, format!("{column} = '{}'", long(most + 1)), column);
        for bad in ["E' \\t\\n'", "E'a\\nb'", "E'a\\tb'", "E'a\\u0007b'", "E'a\\u0085b'", "E'a\\u007fb'"] {
            cases.set(table, format!("{column} = {bad}"), column);
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
        cases.set(table, format!("{column} = '{}'", long(most + 1)), column);
        for bad in ["E'a\\u0001b'", "E'a\\rb'", "E'a\\u009fb'"] {
            cases.set(table, format!("{column} = {bad}"), column);
        }
        if needed {
            cases.set(table, format!("{column} = E' \\r\\n '"), column);
        }
    }
    for bad in ["x", "@x.org", "x@", "x@y", "a b@x.org", "\"a b\"@x.org", "a@b@x.org", "a@[127.0.0.1]", "A <a@x.org>"] {
        cases.set("users", format!("email = '{bad}'"), "email");
    }
}

fn money_and_times(cases: &mut Cases) {
    for (table, money) in [("customer_services", "price"), ("customer_service_requests", "price")] {
        for bad in ["0.001", "-1", "1000000000.01", "'NaN'", "'infinity'", "1e300"] {
            cases.set(table, format!("{money} = {bad}"), "price");
        }
        for bad in ["EURO", "eur", "ABC", "", "ÄÖÜ"] {
            cases.set(table, format!("currency = '{bad}'"), "currency");
        }
        // What it costs has decimals that this currency lacks.
        cases.set(table, "currency = 'JPY'", "price");
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
            cases.set(table, format!("{state}{column} = {bad}"), constraint);
        }
    }
}

fn states_and_links(cases: &mut Cases) {
    cases.set("tickets", "number = number + 1", "number");
    cases.set("customer_service_requests", "number = 0", "number");
    cases.set("tickets", "resolved_at = now()", "resolved_at");
    cases.set("tickets", "status = 'resolved', closed_at = now()", "closed_at");
    cases.set("tickets", "priority = 'low', priority_overridden = NULL, impact = NULL", "impact");
    cases.set("tickets", "reopen_count = -1", "tickets_reopen_count_check");
    cases.set("tickets", "reopen_count = 4294967296", "tickets_reopen_count_check");
    // No phase follows from it, which the server tells first.
    cases.set("tickets", "status = 'lost'", "phase");
    cases.set("users", "role = 'owner'", "users_role_check");
    cases.set("customer_ratings", "rating = 6", "customer_ratings_rating_check");
    cases.set("customer_service_requests", "status = 'in_progress', rated = false", "rated");
    cases.set("customer_service_requests", "rated = false", "rated");
    cases.set("customer_service_requests", "status = 'in_progress'", "rated");
    let unrated = "rated = false, rating_id = NULL";
    cases.set("customer_service_requests", format!("{unrated}, status = 'scheduled'"), "scheduled_for");
    cases.set("customer_service_requests", format!("{unrated}, status = 'approved'"), "status");
    cases.set(
        "customer_service_requests",
        format!("{unrated}, status = 'submitted', fulfilled_at = now()"),
        "fulfilled_at",
    );
    // A rating is of the request's service, by its customer.
    cases.set("customer_service_requests", format!("customer_id = '{}'", user(2).id), "rating_id");
    cases.set("customer_ratings", format!("customer_id = '{}'", user(2).id), "service_id");
    // A request and its ticket name each other.
    cases.set("tickets", format!("request_id = '{}'", id(4)), "request_id");
    cases.set("customer_service_requests", format!("ticket_id = '{}'", id(5)), "ticket_id");
}

fn new_rows(cases: &mut Cases) {
    let user = |columns: &str, values: &str| {
        format!(
            "INSERT INTO {{}}.users ({columns}, full_name, email, role, active) VALUES ({values}, 'Kim', 'kim@x.org', 'agent', true)"
        )
    };
    cases.add("users", user("id", "gen_random_uuid()"), "id");
    cases.add("users", user("id", "'018bcfe5-6801-7000-c000-000000000001'"), "id");
    cases.add("users", user("id, created_at", "'018bcfe5-6801-7000-8000-000000000001', now()"), "created_at");
    cases.add("users", user("created_at", "'1969-12-31'"), "created_at");
    cases.add("users", user("created_at", "'10000-01-01'"), "users_times_check");
    let ticket = |columns: &str, values: &str| {
        format!(
            "INSERT INTO {{}}.tickets (title, description, status, impact, urgency, channel, created_by, reopen_count, {columns}) \
             VALUES ('A', '', 'new', 'low', 'low', 'other', '{}', 0, {values})",
            id(2)
        )
    };
    for number in ["0", "-1", "100", "4294967296"] {
        cases.add("tickets", ticket("number", number), "number");
    }
    cases.add("tickets", ticket("number", "1"), "tickets_number_key");
    cases.add("tickets", ticket("priority, priority_overridden", "'high', false"), "priority");
    cases.add("tickets", ticket("request_id", &format!("'{}'", id(4))), "request_id");
    cases.add("tickets", ticket("resolved_at", "now()"), "resolved_at");
}

#[tokio::test]
async fn what_a_desk_would_not_let_in_is_refused_and_changes_nothing() {
    in_schema("hand_rules", |place| async move {
        let store = one_of_each(&place).await;
        let before = contents(&place).await;
        let mut cases = Cases::default();
        for room in [texts_and_ids, money_and_times, states_and_links, new_rows] {
            room(&mut cases);
        }
        for (table, sql, of) in &cases.0 {
            let refusal = place.refused(sql).await;
            assert_eq!((refusal.table.as_str(), refusal.of.as_str()), (*table, *of), "{sql}: {refusal:?}");
            assert!(["23514", "23505", "23502"].contains(&refusal.code.as_str()), "{sql}: {refusal:?}");
        }
        assert!(cases.0.len() > 200, "{}", cases.0.len());
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
async fn what_is_written_by_hand_is_brought_into_the_desks_form() {
    in_schema("hand_form", |place| async move {
        let store = one_of_each(&place).await;
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
async fn email_addresses_are_those_of_the_core() {
    in_schema("hand_email", |place| async move {
        let store = place.open().await;
        store.health().await.expect("is well");
        let mut texts: Vec<String> = Vec::new();
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut roll = |sides: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % sides as u64).expect("is small")
        };
        // Pieces of what may stand in one and what may not, mostly where pieces of one stand.
        let mut piece = |most: usize| -> String {
            let marks: &[u8] = if roll(4) == 0 { b"a0-_.@\"[]<>(),:;\\!x&' d" } else { b"abc-d0e_.f" };
            (0..=roll(most)).map(|_| char::from(marks[roll(marks.len())])).collect()
        };
        for n in 0..20_000 {
            let (one, two, three) = (piece(3), piece(3), piece(3));
            texts.push(if n % 4 == 0 { one + &two + &three } else { format!("{one}@{two}.{three}") });
        }
        for (local, label) in [(64, 63), (65, 63), (64, 64), (1, 1)] {
            texts.push(format!("{}@{}.org", "x".repeat(local), "y".repeat(label)));
        }
        let core: Vec<bool> = texts.iter().map(|text| bsm_core::rules::text::email(text).is_ok()).collect();
        let sql = format!("SELECT {}.bsm_is_email(btrim(text)) FROM unnest($1::text[]) AS text", place.schema);
        let server: Vec<bool> =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(&texts).fetch_all(&place.pool).await.expect("answers");
        for ((text, core), server) in texts.iter().zip(&core).zip(server) {
            assert_eq!(server, *core, "{text:?}");
        }
        let good = core.iter().filter(|good| **good).count();
        assert!((500..15_000).contains(&good), "{good}");
    })
    .await;
}

#[tokio::test]
async fn a_request_and_its_ticket_are_linked_within_a_transaction() {
    in_schema("hand_linked", |place| async move {
        let store = one_of_each(&place).await;
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

/// What commands write past the rules of one row is theirs: a store takes what it is given.
#[tokio::test]
async fn commands_are_not_held_to_what_holds_by_hand() {
    in_schema("hand_commands", |place| async move {
        let store = one_of_each(&place).await;
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
