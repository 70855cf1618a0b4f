//! Whether a desk is empty, found out by reading: a store itself looks again when an import begins.

use crate::Result;
use crate::model::{Entity, TimeRange};
use crate::schema::Index;
use crate::store::{Branch, LogQuery, Order, ReadSet, Scan, Store};

/// Whether there are no rows, and no history of any.
pub(super) async fn is_empty(store: &dyn Store) -> Result<bool> {
    for entity in Entity::ALL {
        let rows = Scan {
            branches: vec![Branch { index: Index::primary(*entity), values: Vec::new(), conditions: Vec::new() }],
            within: TimeRange::ALL,
            order: Order::OldestFirst,
            after: None,
            limit: 1,
            budget: 1,
        };
        let log = LogQuery { entity: *entity, after: None, limit: 1 };
        let set = ReadSet { scan: Some(rows), log: Some(log), current: true, ..ReadSet::default() };
        let found = store.read(set).await?;
        if !found.log.is_empty() || found.scanned.is_some_and(|scanned| !scanned.rows.is_empty()) {
            return Ok(false);
        }
    }
    Ok(true)
}
