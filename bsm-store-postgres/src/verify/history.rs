//! History against versions, in both directions: every version of every row is told of, and none that never was.

use bsm_core::model::{Action, Entity, Key};
use bsm_core::store::Place;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Recount, key, nothing, version};
use crate::fault::Fault;

/// Versions that are missing before one that is there.
const MISSING: &str = "SELECT entity, row_id, before + 1 AS version FROM (SELECT entity, row_id, version, \
    lag(version, 1, 0::bigint) OVER (PARTITION BY entity, row_id ORDER BY version) AS before FROM {}.history) AS told \
    WHERE version <> before + 1";

/// Compares history with the rows.
pub(super) async fn compare(recount: &mut Recount<'_>) -> Result<(), Fault> {
    recount.found.history = recount.count("SELECT count(*) FROM {}.history").await?;
    let missing = |row: &PgRow| {
        let version = version(row, "version")?;
        let place = key(row)?.map_or_else(|place| place, |key| Place::History(key, version));
        Ok((place, "it is missing".to_owned()))
    };
    recount.differences(MISSING, nothing, missing).await?;
    let tables: Vec<&str> = Entity::ALL.iter().map(|entity| entity.as_str()).collect();
    let unknown = |row: &PgRow| {
        let place = key(row)?.map_or_else(|place| place, Place::Row);
        Ok((place, "history tells of what the desk does not have".to_owned()))
    };
    let strangers = "SELECT entity, row_id FROM {}.history WHERE entity <> ALL ($2::text[])";
    recount.differences(strangers, |query| query.bind(tables), unknown).await?;
    for entity in Entity::ALL {
        of_entity(recount, *entity).await?;
    }
    Ok(())
}

async fn of_entity(recount: &mut Recount<'_>, entity: Entity) -> Result<(), Fault> {
    let table = entity.table();
    let key = |row: &PgRow| Ok::<_, sqlx::Error>(Key { entity, id: row.try_get("row_id")? });
    let out_of_step = format!(
        "SELECT found.id AS row_id, found.version, told.version AS told FROM {{}}.{table} AS found \
         LEFT JOIN (SELECT row_id, max(version) AS version FROM {{}}.history WHERE entity = $2 GROUP BY row_id) AS told \
         ON told.row_id = found.id WHERE told.version IS DISTINCT FROM found.version"
    );
    let tell = |row: &PgRow| {
        let (stands, told) = (version(row, "version")?, version(row, "told")?);
        Ok((Place::History(key(row)?, told), format!("the row is at version {stands}, history at {told}")))
    };
    recount.differences(&out_of_step, |query| query.bind(entity.as_str()), tell).await?;
    let vanished = format!(
        "SELECT row_id, version FROM (SELECT row_id, version, action, \
         lead(version) OVER (PARTITION BY row_id ORDER BY version) AS next FROM {{}}.history WHERE entity = $2) AS told \
         WHERE next IS NULL AND action <> $3 AND NOT EXISTS (SELECT FROM {{}}.{table} AS found WHERE found.id = row_id)"
    );
    let tell = |row: &PgRow| {
        let last = version(row, "version")?;
        Ok((Place::Row(key(row)?), format!("it is not there, and was not deleted after {last}")))
    };
    let bind = |query: super::Query| query.bind(entity.as_str()).bind(Action::Deleted.as_str());
    recount.differences(&vanished, bind, tell).await
}
