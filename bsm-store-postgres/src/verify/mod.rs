//! Recounting everything: the server compares, and returns only what differs, so it takes no memory here however large the
//! desk is.
//!
//! All of it is of one moment: one transaction whose snapshot stays, while commands go on. What the server's own
//! constraints and indexes keep is theirs, but for relations, since those can be switched off. An import asks the same
//! before it ends. Writes nothing, but that events of the feed are given their positions.

mod feed;
mod history;
mod rows;
mod sums;

use bsm_core::model::{Entity, Key, Version};
use bsm_core::store::{DIFFERENCES_MAX, Place, Verification};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::fault::Fault;
use crate::names::Statement;
use crate::query::Query;
use crate::store::Desk;

/// Begins a recount.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Recounts everything.
pub(crate) async fn verify(desk: &Desk) -> Result<Verification, Fault> {
    crate::feed::position::give(desk, &desk.sessions).await?;
    let mut transaction = desk.sessions.begin_with(BEGIN).await?;
    let found = everything(desk, &mut transaction).await?;
    transaction.commit().await?;
    Ok(found)
}

/// Recounts everything that `connection` sees.
pub(crate) async fn everything(desk: &Desk, connection: &mut PgConnection) -> Result<Verification, Fault> {
    let mut recount = Recount { desk, connection, found: Verification::default() };
    rows::compare(&mut recount).await?;
    history::compare(&mut recount).await?;
    sums::compare(&mut recount).await?;
    feed::compare(&mut recount).await?;
    Ok(recount.found)
}

/// A recount under way.
struct Recount<'r> {
    desk: &'r Desk,
    connection: &'r mut PgConnection,
    found: Verification,
}

impl Recount<'_> {
    /// The one number that a statement gives; `{}` stands for the schema.
    async fn count(&mut self, text: &str) -> Result<u64, Fault> {
        let statement = self.desk.names.statement(text);
        let count: i64 = statement.query().once().fetch_one(&mut *self.connection).await?.try_get(0)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Notes what differs: the rows of the query `text`, in which `{}` stands for the schema, and whose parameters are
    /// given by `bind`, from `$2` on. Reads no more of them than are told.
    async fn differences(
        &mut self,
        text: &str,
        bind: impl FnOnce(Query) -> Query,
        tell: impl Fn(&PgRow) -> Result<(Place, String), sqlx::Error>,
    ) -> Result<(), Fault> {
        let text = format!("SELECT count(*) OVER () AS differing, wrong.* FROM ({text}) AS wrong LIMIT $1");
        let statement: Statement = self.desk.names.statement(&text);
        // One at least: it says how many there are.
        let room = DIFFERENCES_MAX.saturating_sub(self.found.differences.len()).max(1);
        let query = statement.query().once().bind(i64::try_from(room).unwrap_or(i64::MAX));
        let query = bind(query);
        let rows = query.fetch_all(&mut *self.connection).await?;
        for row in &rows {
            let (place, detail) = tell(row)?;
            self.found.differs(place, detail);
        }
        if let Some(row) = rows.first() {
            let all = u64::try_from(row.try_get::<i64, _>("differing")?).unwrap_or(0);
            self.found.more += all.saturating_sub(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}

/// Parameters for a query that has none.
fn nothing(query: Query) -> Query {
    query
}

/// A number of the server's as ours; those that no store gives become 0.
fn number(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<Option<i64>, _>(column)?.unwrap_or(0)).unwrap_or(0))
}

/// A version as history or the feed has it.
fn version(row: &PgRow, column: &str) -> Result<Version, sqlx::Error> {
    number(row, column).map(Version)
}

/// The row that `entity` and `row_id` name; a name that no entity has is told as it is.
fn key(row: &PgRow) -> Result<Result<Key, Place>, sqlx::Error> {
    let (entity, id): (&str, Uuid) = (row.try_get("entity")?, row.try_get("row_id")?);
    let known: Option<Entity> = entity.parse().ok();
    Ok(known.map(|entity| Key { entity, id }).ok_or_else(|| Place::Own(format!("history of {entity} {id}"))))
}
