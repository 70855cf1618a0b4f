//! The desks: made in their schemas by bsm itself, filled by SQL, and emptied again between rounds. Not measured.
//!
//! bsm's desk and the peers' lie in one database, in schemas that were made by the same migrations and filled by the same
//! statements: the same tables, indexes, foreign keys, triggers and rows.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bsm_core::Desk;
use bsm_core::model::UserId;
use bsm_core::view::{Cursor, Query, WorkListing};
use bsm_store_postgres::PostgresStore;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::deed::{Outcome, PAGE, Place, id_at, refused};
use crate::ground::Ground;
use crate::peer::Counting;

/// A text of SQL with places for names and numbers.
#[derive(Clone, Copy, Debug)]
pub struct Script(&'static str);

impl Script {
    /// Counts what a schema holds.
    pub const COUNT: Self = Self(include_str!("../sql/count.sql"));
    const FILL: Self = Self(include_str!("../sql/fill.sql"));
    const EMPTY: Self = Self(include_str!("../sql/empty.sql"));
    const STOCK: Self = Self(include_str!("../sql/stock.sql"));
    const FUNCTIONS: Self = Self(include_str!("../sql/functions.sql"));

    /// The text for a schema. What is put in is ours.
    pub fn text(self, schema: &str, more: &[(&str, &str)]) -> String {
        let text = self.0.replace("{schema}", schema);
        more.iter().fold(text, |text, (place, value)| text.replace(&format!("{{{place}}}"), value))
    }
}

/// The tables that grow.
const GROWING: &str =
    "users customer_services customer_ratings customer_service_requests tickets history counters feed";

/// Connects for what is not measured.
pub async fn connect(url: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Opens the desk of a schema, or makes it.
pub async fn open(url: &str, schema: &str) -> Outcome<Desk> {
    let glue = if url.contains('?') { '&' } else { '?' };
    let store = PostgresStore::connect(&format!("{url}{glue}schema={schema}")).await?;
    Ok(Desk::new(Arc::new(store)))
}

/// Makes an empty desk, whatever stood in the schema.
pub async fn make(client: &Client, url: &str, schema: &str) -> Outcome {
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
    open(url, schema).await?.close().await?;
    Ok(())
}

/// Removes a desk.
pub async fn remove(client: &Client, schema: &str) -> Outcome {
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
    Ok(())
}

/// Makes a desk and fills it with what would have been made before `micros`.
pub async fn fill(client: &Client, url: &str, schema: &str, rows: u64, micros: i64) -> Outcome {
    make(client, url, schema).await?;
    let fill = Script::FILL.text(schema, &[("rows", &rows.to_string()), ("micros", &micros.to_string())]);
    let count = Script::COUNT.text(schema, &[]);
    let functions = Script::FUNCTIONS.text(schema, &[]);
    let kept = format!("CREATE TABLE {schema}.bench_counters AS TABLE {schema}.counters");
    client.batch_execute(&format!("BEGIN; {fill}; {count}; {functions}; {kept}; COMMIT")).await?;
    tidy(client, schema).await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

/// Leaves the tables as a server leaves them that has had time: visible, and known to the planner.
async fn tidy(client: &Client, schema: &str) -> Outcome {
    for table in GROWING.split(' ') {
        client.batch_execute(&format!("VACUUM (ANALYZE) {schema}.{table}")).await?;
    }
    Ok(())
}

/// Takes away what was made since `micros`.
pub async fn empty(client: &Client, schema: &str, micros: i64) -> Outcome {
    let mark = id_at(micros, u64::MAX).to_string();
    let empty = Script::EMPTY.text(schema, &[("mark", &mark)]);
    let back = "DELETE FROM counters; INSERT INTO counters SELECT * FROM bench_counters";
    client.batch_execute(&format!("BEGIN; {empty}; {back}; COMMIT")).await?;
    tidy(client, schema).await
}

/// Puts `count` requests in stock that can be made into tickets, and returns their ids.
pub async fn stock(client: &Client, schema: &str, count: usize) -> Outcome<Vec<Uuid>> {
    let micros = now_micros()?;
    let stock = Script::STOCK.text(schema, &[("count", &count.to_string()), ("micros", &micros.to_string())]);
    client.batch_execute(&format!("BEGIN; {stock}; COMMIT")).await?;
    let made = format!("SELECT id FROM {schema}.customer_service_requests WHERE id > $1 ORDER BY id LIMIT $2");
    let rows = client.query(&made, &[&id_at(micros, u64::MAX), &i64::try_from(count)?]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The present, in microseconds since 1970.
pub fn now_micros() -> Outcome<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

/// Whether the tables have triggers of their own.
pub async fn has_triggers(client: &Client, schema: &str) -> Outcome<bool> {
    let any = "SELECT EXISTS (SELECT FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = to_regclass($1))";
    Ok(client.query_one(any, &[&format!("{schema}.tickets")]).await?.get(0))
}

/// Lets the triggers of a schema's tables work, or not.
pub async fn let_triggers(client: &Client, schema: &str, counting: Counting) -> Outcome {
    let how = match counting {
        Counting::Own => "DISABLE",
        Counting::Triggers => "ENABLE",
    };
    let with_triggers = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid \
                         WHERE NOT tgisinternal AND relnamespace = to_regnamespace($1)";
    for row in client.query(with_triggers, &[&schema]).await? {
        let table: String = row.get(0);
        client.batch_execute(&format!("ALTER TABLE {table} {how} TRIGGER USER")).await?;
    }
    Ok(())
}

/// Some places in the middle of the list of everything, one after another.
pub async fn middle(url: &str, schema: &str, ground: &Ground, rows: u64) -> Outcome<Vec<Place>> {
    let desk = open(url, schema).await?;
    let agent = desk.agent(UserId::from_uuid(ground.reader));
    let mut query = Query::of(WorkListing::All).limit(500);
    let (mut seen, mut places) = (0, Vec::new());
    while places.len() < 32 {
        if seen >= rows / 2 {
            query = query.limit(PAGE);
        }
        let page = agent.unified(&query).await?;
        seen += u64::try_from(page.rows.len())?;
        let last = page.rows.last().map(|row| match row.source {
            bsm_core::view::Source::Request => row.request_id.map(Uuid::from),
            _ => row.ticket_id.map(Uuid::from),
        });
        let (Some(Some(behind)), Some(next)) = (last, page.next) else { return refused("the list is too short") };
        if seen >= rows / 2 {
            places.push(Place { behind, cursor: Cursor::to_string(&next) });
        }
        query = query.cursor(next);
    }
    desk.close().await?;
    Ok(places)
}

/// A schema's desk as bsm exports it.
pub async fn export(url: &str, schema: &str) -> Outcome<String> {
    let desk = open(url, schema).await?;
    let mut export = desk.export();
    let mut text = String::new();
    while let Some(lines) = export.next().await? {
        text.push_str(&lines);
    }
    desk.close().await?;
    Ok(text)
}

/// Has bsm recount a schema's desk.
pub async fn verify(url: &str, schema: &str) -> Outcome {
    let desk = open(url, schema).await?;
    let found = desk.verify().await?;
    desk.close().await?;
    match found.differences.first() {
        None => Ok(()),
        Some(first) => Err(format!("{schema} does not hold together: {first}").into()),
    }
}
