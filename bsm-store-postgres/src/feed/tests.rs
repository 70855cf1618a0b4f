//! How many rows the server looks at for a page of a feed, as it says itself, however wrong its statistics are. Needs the
//! server of the crate's other tests.

use bsm_core::model::{Entity, Key, Version};
use serde_json::Value as Json;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use crate::PostgresStore;
use crate::names::Statement;
use crate::{history, plans};

const EVENTS: i64 = 20_000;
const CUSTOMERS: i64 = 200;

type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// What a statement cost, and what it may.
#[derive(Debug)]
#[expect(dead_code, reason = "what is not compared is told when a test fails")]
struct Cost {
    what: &'static str,
    statistics: &'static str,
    rows: u64,
    most: u64,
    unindexed: Vec<String>,
}

/// Does a statement in a transaction that is rolled back, and tells what it cost.
async fn cost<'q>(
    store: &PostgresStore,
    statement: &Statement,
    bind: impl FnOnce(Bound<'q>) -> Bound<'q>,
) -> (u64, Vec<String>) {
    let mut transaction = store.desk.begin_with("BEGIN").await.expect("begins");
    let row = bind(statement.explained().query()).fetch_one(&mut *transaction).await.expect("is explained");
    transaction.rollback().await.expect("ends");
    let plan: String = sqlx::Row::try_get_unchecked(&row, 0).expect("is text");
    let plan: Json = serde_json::from_str(&plan).expect("is JSON");
    let told = plans::Cost::of(&plan);
    (told.rows, told.unindexed)
}

async fn run(store: &PostgresStore, text: &str) {
    let text = text.replace("{}", store.desk.names.quoted());
    sqlx::raw_sql(AssertSqlSafe(text))
        .execute(&mut *store.desk.pool.acquire().await.expect("connects"))
        .await
        .expect("runs");
}

/// What the statements cost while the server believes what it does.
async fn costs(store: &PostgresStore, statistics: &'static str) -> Vec<Cost> {
    let desk = &store.desk;
    let someone = Uuid::from_u128(7);
    let middle = EVENTS / 2;
    let theirs = EVENTS / CUSTOMERS;
    let mut costs = Vec::new();
    let mut note = |what, most, (rows, unindexed)| costs.push(Cost { what, statistics, rows, most, unindexed });
    note("whether any waits", 1, cost(store, &desk.positions.any_without, |query| query).await);
    note("where the desk's stands", 2, cost(store, &desk.feeds.stands, |query| query).await);
    let page = cost(store, &desk.feeds.of_desk, |query| query.bind(middle).bind(EVENTS).bind(50_i64));
    note("a page of the desk's", 50, page.await);
    let stands = cost(store, &desk.feeds.stands_of_customer, |query| query.bind(someone));
    // And the desk's last position, for replicas.
    note("where a customer's stands", 4, stands.await);
    let page =
        cost(store, &desk.feeds.of_customer, |query| query.bind(theirs / 2).bind(theirs).bind(20_i64).bind(someone));
    note("a page of a customer's", 40, page.await);
    let asked = (0..50).map(|n| (Key { entity: Entity::Ticket, id: Uuid::from_u128(1000 + n) }, Version(1)));
    let asked = history::by_key(desk, &asked.collect::<Vec<_>>()).expect("is asked");
    let mut connection = plans::connect().await;
    let told = plans::Prepared::new(&mut connection, "entries", &asked).await.cost(&mut connection).await;
    note("what history tells of a page", 50, (told.rows, told.unindexed));
    let looks = cost(store, &desk.polls.concerned, |query| query.bind(EVENTS - 20).bind(EVENTS));
    // And the oldest, to know whether some of them were trimmed.
    note("whom what came concerns", 21, looks.await);
    let give = cost(store, &desk.positions.give, |query| query.bind(10_000_i64));
    note("giving no positions", 1, give.await);
    let more = "INSERT INTO {}.feed (recorded_at, changes, subjects) SELECT recorded_at, changes, subjects \
                FROM {}.feed WHERE position <= 10";
    run(store, more).await;
    let give = cost(store, &desk.positions.give, |query| query.bind(10_000_i64));
    // Those that wait, in their index and in the table, the last position, and for each customer the last place.
    note("giving ten positions", 10 + 10 + 1 + 10, give.await);
    run(store, "DELETE FROM {}.feed WHERE position IS NULL").await;
    let trim = cost(store, &desk.trims.forget, |query| query.bind(chrono::Utc::now()).bind(30_i64));
    // The oldest, those that go, the newest, and for each customer the places that go and the last.
    note("trimming", 30 + 30 + 1 + 30 * 2 + 30, trim.await);
    costs
}

#[tokio::test]
async fn what_is_asked_of_the_feed_costs_its_own_events() {
    let url =
        std::env::var("BSM_TEST_POSTGRES_URL").expect("BSM_TEST_POSTGRES_URL names a server: see CONTRIBUTING.md");
    let schema = format!("bsm_test_feed_{}", std::process::id());
    let sign = if url.contains('?') { '&' } else { '?' };
    let store = PostgresStore::connect(&format!("{url}{sign}schema={schema}")).await.expect("opens");
    let pool = store.desk.pool.clone();
    let fill = format!(
        "INSERT INTO {{}}.history SELECT 'ticket', lpad(to_hex(n), 32, '0')::uuid, 1, 'created', NULL, now(), now(), \
         lpad(to_hex(n % {CUSTOMERS}), 32, '0')::uuid, '[]' FROM generate_series(1, {EVENTS}) AS n; \
         INSERT INTO {{}}.feed (recorded_at, changes, subjects) SELECT '2020-01-01', jsonb_build_array(jsonb_build_object(\
         'entity', 'ticket', 'id', lpad(to_hex(n), 32, '0'), 'version', 1)), \
         ARRAY[lpad(to_hex(n % {CUSTOMERS}), 32, '0')::uuid] FROM generate_series(1, {EVENTS}) AS n; \
         ANALYZE {{}}.feed, {{}}.history, {{}}.customer_feed"
    );
    let costs = tokio::spawn(async move {
        run(&store, &fill).await;
        super::position::give(&store.desk).await.expect("gives positions");
        // It was told of the feed when no event had a position, and no customer a place.
        let mut all = costs(&store, "before positions were given").await;
        run(&store, "VACUUM ANALYZE {}.feed, {}.customer_feed").await;
        all.extend(costs(&store, "of now").await);
        all
    });
    // Whatever happened, the schema goes.
    let costs = costs.await;
    let drop_schema = format!("SET client_min_messages = warning; DROP SCHEMA {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop_schema))
        .execute(&mut *pool.acquire().await.expect("connects"))
        .await
        .expect("is dropped");
    let costs = costs.expect("costs are told");
    assert!(costs.iter().all(|cost| cost.rows <= cost.most && cost.unindexed.is_empty()), "{costs:#?}");
}
