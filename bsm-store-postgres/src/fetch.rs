//! Rows by id, whoever needs them: commands, reads, pages.

use std::collections::{BTreeMap, HashMap};

use bsm_core::model::{Entity, Key, Row};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::fault::Fault;
use crate::record;
use crate::store::Desk;

/// The rows of those keys that are there. One statement for each entity among them.
pub(crate) async fn rows(
    desk: &Desk,
    connection: &mut PgConnection,
    keys: impl IntoIterator<Item = Key>,
) -> Result<HashMap<Key, Row>, Fault> {
    let mut found = HashMap::new();
    for (entity, ids) in by_entity(keys) {
        let select = desk.names.table(entity).select.query().bind(ids);
        for row in select.fetch_all(&mut *connection).await? {
            let row = record::from_columns(&desk.name, entity, &row)?;
            found.insert(row.key(), row);
        }
    }
    Ok(found)
}

/// Keys, entity by entity.
pub(crate) fn by_entity(keys: impl IntoIterator<Item = Key>) -> BTreeMap<Entity, Vec<Uuid>> {
    let mut by_entity: BTreeMap<Entity, Vec<Uuid>> = BTreeMap::new();
    for key in keys {
        by_entity.entry(key.entity).or_default().push(key.id);
    }
    by_entity
}
