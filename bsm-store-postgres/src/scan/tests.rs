//! How many rows the server looks at for a page, as it says itself. Needs the server of the crate's other tests.

use bsm_core::model::{Entity, Phase, Priority, TicketStatus, TimeRange, UserId, Value};
use bsm_core::schema::{Field, Index};
use bsm_core::store::{Branch, Condition, Order, Scan};
use serde_json::Value as Json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::statement;
use crate::PostgresStore;

const ROWS: usize = 20_000;

/// The rows that leave the scans of tables in a plan, those that they remove included; and whether each used an index.
fn looked_at(plan: &Json, total: &mut u64, indexed: &mut bool) {
    let number = |name: &str| plan.get(name).and_then(Json::as_f64).unwrap_or(0.0);
    if let Some(kind) = plan.get("Node Type").and_then(Json::as_str).filter(|_| plan.get("Relation Name").is_some()) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of rows")]
        let rows = ((number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops")) as u64;
        *total += rows;
        *indexed &= kind.starts_with("Index");
    }
    for part in plan.get("Plans").and_then(Json::as_array).into_iter().flatten() {
        looked_at(part, total, indexed);
    }
}

async fn cost(store: &PostgresStore, scan: &Scan) -> (u64, bool) {
    let (statement, parameters) = statement(&store.desk, scan, scan.budget).expect("is known").expect("has branches");
    let (from, to) = scan.ids().expect("are some");
    let explained = statement.explained();
    let mut query = explained.query().bind(from).bind(to).bind(i64::try_from(scan.limit).expect("is small"));
    for text in parameters {
        query = query.bind(text);
    }
    let row = query.fetch_one(&mut *store.desk.pool.acquire().await.expect("connects")).await.expect("is explained");
    let plan: String = sqlx::Row::try_get_unchecked(&row, 0).expect("is text");
    let plan: Json = serde_json::from_str(&plan).expect("is JSON");
    let (mut total, mut indexed) = (0, true);
    looked_at(&plan[0]["Plan"], &mut total, &mut indexed);
    (total, indexed)
}

fn branch(entity: Entity, fields: &[Field], values: Vec<Value<'static>>, conditions: Vec<Condition>) -> Branch {
    Branch { index: Index::by(entity, fields).expect("is an index"), values, conditions }
}

fn page(branches: Vec<Branch>, order: Order, after: Option<Uuid>) -> Scan {
    Scan { branches, within: TimeRange::ALL, order, after, limit: 20, budget: 300 }
}

#[tokio::test]
async fn a_page_costs_its_own_rows_and_never_more_than_the_budget() {
    let url =
        std::env::var("BSM_TEST_POSTGRES_URL").expect("BSM_TEST_POSTGRES_URL names a server: see CONTRIBUTING.md");
    let schema = format!("bsm_test_scan_{}", std::process::id());
    let sign = if url.contains('?') { '&' } else { '?' };
    let store = PostgresStore::connect(&format!("{url}{sign}schema={schema}")).await.expect("opens");
    let fill = format!(
        "SET search_path TO {schema}; SET bsm.command = on;
        INSERT INTO users SELECT lpad(to_hex(n), 32, '0')::uuid, now(), 'a', 'p' || n, 'agent', true, NULL, 1, now()
            FROM generate_series(1, 10) AS n;
        INSERT INTO customer_services VALUES (lpad('a', 32, '0')::uuid, now(), 'a', '', 'b', 1.00, 'EUR', false, true, 1, now());
        INSERT INTO tickets (id, created_at, title, description, status, impact, urgency, priority, priority_overridden,
            channel, created_by, assigned_to, reopen_count, version, updated_at)
            SELECT lpad(to_hex(n) || '0', 32, '0')::uuid, now(), 'a', '', (ARRAY['new', 'in_progress', 'closed'])[1 + n % 3],
            'low', 'low', 'low', false, 'email', lpad('1', 32, '0')::uuid, lpad(to_hex(1 + n % 10), 32, '0')::uuid, 0, 1, now()
            FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO customer_service_requests (id, created_at, service_id, customer_id, details, status, needs_approval,
            price, currency, rated, version, updated_at)
            SELECT lpad(to_hex(n) || '1', 32, '0')::uuid, now(), lpad('a', 32, '0')::uuid, lpad('1', 32, '0')::uuid, '',
            'submitted', false, 1.00, 'EUR', false, 1, now() FROM generate_series(1, {ROWS}) AS n;
        RESET search_path; RESET bsm.command; ANALYZE {schema}.tickets, {schema}.customer_service_requests"
    );
    let pool = store.desk.pool.clone();
    let costs = tokio::spawn(async move {
        sqlx::raw_sql(AssertSqlSafe(fill))
            .execute(&mut *store.desk.pool.acquire().await.expect("connects"))
            .await
            .expect("fills");
        costs(&store).await
    });
    // Whatever happened, the schema goes.
    let costs = costs.await;
    let drop_schema = format!("SET client_min_messages = warning; DROP SCHEMA {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop_schema))
        .execute(&mut *pool.acquire().await.expect("connects"))
        .await
        .expect("is dropped");
    let costs = costs.expect("costs are told");
    assert!(costs.iter().all(|cost| cost.rows <= cost.most && cost.indexed), "{costs:#?}");
}

/// What one page cost.
#[derive(Debug)]
#[expect(dead_code, reason = "what is not compared is told when a test fails")]
struct Cost {
    page: &'static str,
    order: Order,
    rows: u64,
    most: u64,
    indexed: bool,
}

/// What pages of several lists cost, and what they may.
async fn costs(store: &PostgresStore) -> Vec<Cost> {
    let both = |conditions: &[Condition]| {
        [Entity::Ticket, Entity::Request].map(|entity| branch(entity, &[], Vec::new(), conditions.to_vec())).to_vec()
    };
    let somebody = UserId::from_uuid(Uuid::from_u128(3));
    let statuses = TicketStatus::ALL.iter().filter(|status| status.phase() == Phase::Open);
    let open = statuses.map(|status| branch(Entity::Ticket, &[Field::Status], vec![(*status).into()], Vec::new()));
    let mine = |phase: Phase| {
        let values = vec![somebody.into(), phase.into()];
        branch(Entity::Ticket, &[Field::AssignedTo, Field::Phase], values, Vec::new())
    };
    let never = Condition { field: Field::Priority, value: Priority::Critical.into() };
    let middle = Some(Uuid::from_u128(16 * ROWS as u128 / 2));
    let mut costs = Vec::new();
    for order in [Order::NewestFirst, Order::OldestFirst] {
        for (page_of, branches, after, most) in [
            ("all", both(&[]), None, 25),
            ("all, from the middle", both(&[]), middle, 25),
            ("open", open.clone().collect(), middle, 30),
            ("somebody's", Phase::ALL.iter().map(|phase| mine(*phase)).collect(), None, 30),
            ("what none has", both(std::slice::from_ref(&never)), None, 305),
        ] {
            let (rows, indexed) = cost(store, &page(branches, order, after)).await;
            costs.push(Cost { page: page_of, order, rows, most, indexed });
        }
    }
    costs
}
