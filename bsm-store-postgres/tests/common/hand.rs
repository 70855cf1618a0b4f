//! Writing past the desk, as somebody with psql does: over connections that know nothing of its schema.

use std::sync::Arc;

use bsm_core::Desk;
use bsm_core::demo::{self, Demo, DemoOptions};
use bsm_core::model::{
    Entity, FieldChange, HistoryEntry, Key, RequestStatus, Role, Row, ServiceRequest, Ticket, User, Value,
};
use bsm_core::schema::{Field, columns};
use bsm_core::store::{HistoryQuery, Order, ReadSet, Store};
use bsm_store_postgres::PostgresStore;
use sqlx::postgres::PgDatabaseError;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres};

use super::Place;
use super::rows::*;

/// With what the server refuses.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) table: String,
    /// The column; of a constraint its name.
    pub(crate) of: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Refusal {
    fn of(error: &sqlx::Error) -> Self {
        let Some(error) = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        else {
            panic!("not refused by the server: {error:?}")
        };
        Self {
            code: error.code().to_owned(),
            table: error.table().unwrap_or_default().to_owned(),
            of: error.column().or(error.constraint()).unwrap_or_default().to_owned(),
            message: error.message().to_owned(),
            hint: error.hint().unwrap_or_default().to_owned(),
        }
    }
}

/// Does something by hand over a connection, and tells how many rows were written.
pub(crate) async fn by_hand(connection: &mut PgConnection, place: &Place, sql: &str) -> Result<u64, Refusal> {
    run(connection, place, sql).await
}

async fn run<'c>(on: impl Executor<'c, Database = Postgres>, place: &Place, sql: &str) -> Result<u64, Refusal> {
    let sql = sql.replace("{}", &place.schema);
    let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(on).await;
    done.map(|done| done.rows_affected()).map_err(|error| Refusal::of(&error))
}

impl Place {
    /// A connection that ends with the test, and whatever it has begun with it.
    pub(crate) async fn alone(&self) -> PgConnection {
        self.pool.acquire().await.expect("connects").detach()
    }

    /// Does something by hand, and tells how many rows were written; `{}` stands for the schema.
    pub(crate) async fn hand(&self, sql: &str) -> u64 {
        run(&self.pool, self, sql).await.unwrap_or_else(|refusal| panic!("{refusal:?}: {sql}"))
    }

    /// Something by hand that is refused.
    pub(crate) async fn refused(&self, sql: &str) -> Refusal {
        match run(&self.pool, self, sql).await {
            Err(refusal) => refusal,
            Ok(rows) => panic!("{rows} rows were written: {sql}"),
        }
    }

    /// One text.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let sql = sql.replace("{}", &self.schema);
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pool).await.expect("answers")
    }
}

/// All of a row's history, the oldest first.
pub(crate) async fn history(store: &dyn Store, key: impl Into<Key>) -> Vec<HistoryEntry> {
    let query = HistoryQuery { key: key.into(), order: Order::OldestFirst, after: None, limit: 1_000 };
    store.read(ReadSet { history: Some(query), ..ReadSet::default() }).await.expect("reads").history
}

/// The last of a row's history.
pub(crate) async fn last(store: &dyn Store, key: impl Into<Key>) -> HistoryEntry {
    history(store, key).await.pop().expect("has some")
}

/// What history tells when a row becomes another: what the schema says, written down once more.
pub(crate) fn told(before: Option<&Row>, after: Option<&Row>) -> Vec<FieldChange> {
    let Some(entity) = before.or(after).map(Row::entity) else { return Vec::new() };
    let value = |row: Option<&Row>, field: Field| row.map_or(Value::Null, |row| row.value(field).into_owned());
    let columns = columns(entity).iter().filter(|column| column.in_history);
    let changed = columns.filter(|column| value(before, column.field) != value(after, column.field));
    changed
        .map(|column| {
            let text = |row| if column.personal { None } else { value(row, column.field).to_text() };
            FieldChange { field: column.field, from: text(before), to: text(after) }
        })
        .collect()
}

/// The demonstration desk: rows of every entity, in many states.
pub(crate) async fn demonstration(place: &Place) -> (Arc<PostgresStore>, Desk, Demo) {
    let store = place.open().await;
    let options = DemoOptions { seed: 3 };
    let desk = options.desk(Arc::clone(&store) as Arc<dyn Store>);
    let demo = demo::populate(&desk, &options).await.expect("fills the desk");
    (store, desk, demo)
}

/// The rows of an entity whose ids are such.
pub(crate) async fn rows(place: &Place, store: &dyn Store, entity: Entity, such: &str) -> Vec<Row> {
    let sql = format!("SELECT id FROM {}.{} WHERE {such} ORDER BY id", place.schema, entity.table());
    let ids = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&place.pool).await.expect("reads");
    let get = ids.into_iter().map(|id| Key { entity, id }).collect();
    let set = ReadSet { get, ..ReadSet::default() };
    store.read(set).await.expect("reads").got.into_iter().map(|row| row.expect("is there")).collect()
}

/// The desk is moved into another store, which looks at every row as if a person had said it, and is the same there.
pub(crate) async fn assert_movable(desk: &Desk) {
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

/// A row of every entity.
pub(crate) async fn one_of_each(place: &Place) -> Arc<PostgresStore> {
    let store = place.open().await;
    let (customer, agent, offered) = (User { role: Role::Customer, ..user(1) }, user(2), service(3));
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
