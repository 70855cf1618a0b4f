//! Writing past the desk, as somebody with psql does: over connections that know nothing of its schema.

use bsm_core::model::{FieldChange, HistoryEntry, Key, Row, Value};
use bsm_core::schema::{Field, columns};
use bsm_core::store::{HistoryQuery, Order, ReadSet, Store};
use sqlx::postgres::PgDatabaseError;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres};

use super::Place;

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
