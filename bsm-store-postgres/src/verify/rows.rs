//! Rows, and the rows that they name.

use bsm_core::model::{Entity, Key};
use bsm_core::schema::relations;
use bsm_core::store::Place;
use sqlx::Row as _;

use super::{Recount, nothing};
use crate::fault::Fault;

/// Counts rows, and finds those that name what is not there.
pub(super) async fn compare(recount: &mut Recount<'_>) -> Result<(), Fault> {
    for entity in Entity::ALL {
        recount.found.rows += recount.count(&format!("SELECT count(*) FROM {{}}.{}", entity.table())).await?;
    }
    for spec in relations() {
        let (from, field, to) = (spec.from.table(), spec.field, spec.to.table());
        let orphans = format!(
            "SELECT child.id, child.{field} AS parent FROM {{}}.{from} AS child \
             LEFT JOIN {{}}.{to} AS parent ON parent.id = child.{field} \
             WHERE child.{field} IS NOT NULL AND parent.id IS NULL"
        );
        let tell = |row: &sqlx::postgres::PgRow| {
            let parent = Key { entity: spec.to, id: row.try_get("parent")? };
            let place = Place::Row(Key { entity: spec.from, id: row.try_get("id")? });
            Ok((place, format!("{} names {parent}, which is not there", spec.relation)))
        };
        recount.differences(&orphans, nothing, tell).await?;
    }
    Ok(())
}
