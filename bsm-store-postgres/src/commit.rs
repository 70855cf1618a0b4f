//! A command: one transaction at READ COMMITTED, whose isolation comes from its locks.
//!
//! It fails with the first of these that does not hold, as the key-value store does:
//!
//! 1. the idempotency key (known with this digest: answered, nothing is written; with another: `KeyReused`);
//! 2. the guards, in their order;
//! 3. the writes, in their order: ids that must be new, versions that must stand;
//! 4. unique fields that were set or changed, by write and then by the schema's order of fields;
//! 5. foreign keys that were set or changed, by write and then by the schema's order of relations;
//! 6. children of deleted rows, by write and then by the schema's order of relations.
//!
//! **Locks come first, and every look at a row is a later statement**: at READ COMMITTED each statement sees what was
//! committed when it began, so one that had waited for a lock itself would decide on what stood before.
//!
//! Several statements for now, one round trip each. They are to become one call of a function on the server: it takes the
//! same JSON, and does the same in the same order.

use std::collections::HashSet;

use bsm_core::model::Key;
use bsm_core::store::{ChangeSet, Committed, Guard, Stamp, Write};
use sqlx::PgConnection;

use crate::apply::Rows;
use crate::fault::Fault;
use crate::lock::Locks;
use crate::store::Desk;
use crate::{check, fetch, remember, write};

/// How often a command is tried when others get in between. Each time at least one of those is done.
const ATTEMPTS: usize = 8;

/// Checks and applies all of `change`, or nothing of it.
pub(crate) async fn commit(desk: &Desk, change: &ChangeSet) -> bsm_core::Result<Committed> {
    let mut attempt = 1;
    loop {
        match once(desk, change).await {
            Ok(committed) => return Ok(committed),
            Err(fault) if fault.got_between() && attempt < ATTEMPTS => attempt += 1,
            Err(fault) => return Err(fault.of_command(&desk.name, change)),
        }
    }
}

/// One try. A transaction that is dropped, or fails before the last line, is rolled back.
async fn once(desk: &Desk, change: &ChangeSet) -> Result<Committed, Fault> {
    let mut transaction = desk.begin_with(desk.begin).await?;
    match perform(desk, &mut transaction, change).await {
        Ok((committed, true)) => {
            transaction.commit().await.map_err(Fault::AtCommit)?;
            Ok(committed)
        }
        Ok((committed, false)) => {
            transaction.rollback().await?;
            Ok(committed)
        }
        Err(fault) => {
            // What went wrong before is what is told. A connection that can't roll back is not used again.
            drop(transaction.rollback().await);
            Err(fault)
        }
    }
}

/// Everything between beginning and commit. Returns whether there is anything to commit.
async fn perform(desk: &Desk, connection: &mut PgConnection, change: &ChangeSet) -> Result<(Committed, bool), Fault> {
    check::keepable(desk, &change.writes)?;
    if let Some(idempotency) = &change.idempotency
        && let Some(answer) = remember::claim(desk, connection, idempotency, change.recorded_at).await?
    {
        return Ok((Committed { stamp: stamp(), numbers: Vec::new(), repeated: Some(answer) }, false));
    }
    let there = Locks::of(change).take(connection, &desk.names).await?;
    let current = fetch::rows(desk, connection, looked_at(change)).await?;
    for guard in &change.guards {
        check::guard(desk, connection, guard, &current).await?;
    }
    let mut rows = Rows::of(&desk.name, &change.writes, &current)?;
    let numbers = rows.number(write::take_numbers(desk, connection, rows.numbers_needed()).await?);
    check::uniques(desk, connection, &rows).await?;
    check::parents(&rows, &there)?;
    check::children(desk, connection, &rows).await?;

    write::rows(desk, connection, &rows).await?;
    write::history(desk, connection, &change.history).await?;
    write::feed(desk, connection, change, &rows).await?;
    // Last, since others may wait for the same counters. (Triggers count sooner, and keep nobody waiting.)
    write::counters(desk, connection, &rows).await?;
    sqlx::query("SET CONSTRAINTS ALL IMMEDIATE").execute(connection).await?;
    Ok((Committed { stamp: stamp(), numbers, repeated: None }, true))
}

/// The rows that the command relies on or writes.
fn looked_at(change: &ChangeSet) -> HashSet<Key> {
    let guarded = change.guards.iter().filter_map(|guard| match guard {
        Guard::Version { key, .. } => Some(*key),
        _ => None,
    });
    let written = change.writes.iter().filter_map(|write| match write {
        Write::Insert(row) | Write::Update(row) => Some(row.key()),
        Write::Delete { key, .. } => Some(*key),
        _ => None,
    });
    guarded.chain(written).collect()
}

/// What one server has committed, every later read of it sees: stamps need to say nothing while there are no replicas.
fn stamp() -> Stamp {
    Stamp::from_bytes([])
}
