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
//! Most commands are done by a call, which is one round trip and may hold several of them ([`coalesce`]); it does the same
//! in the same order, but can only say that something did not hold. What did not, and whatever a call can't do, is done
//! here, in several statements of one round trip each: **the long way**.

use std::collections::HashSet;
use std::sync::Arc;

use bsm_core::Error;
use bsm_core::model::Key;
use bsm_core::store::{ChangeSet, Committed, Guard, Write};
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use crate::address::Triggers;
use crate::apply::Rows;
use crate::coalesce::{self, Outcome};
use crate::fault::Fault;
use crate::lock::Locks;
use crate::mark::Mark;
use crate::part::Part;
use crate::retry::Happened;
use crate::store::Desk;
use crate::write::By;
use crate::{check, fetch, remember, retry, write};

/// Checks and applies all of `change`, or nothing of it.
pub(crate) async fn commit(desk: &Arc<Desk>, change: &ChangeSet) -> bsm_core::Result<Committed> {
    check::keepable(desk, &change.writes)?;
    let mark = Mark::of(change);
    let going = desk.begins(mark);
    // A call counts by itself, but for what it deletes, which it leaves to triggers.
    let has_calls = desk.triggers == Triggers::On;
    let tried = match has_calls.then(|| Part::of(&desk.names, change)).flatten() {
        None => None,
        Some(part) => match coalesce::commit(desk, part).await {
            Outcome::Done(numbers) => {
                going.over();
                return Ok(Committed { stamp: Mark::stamp(mark), numbers, repeated: None });
            }
            Outcome::Not => None,
            Outcome::Failed(tried) => Some(tried),
        },
    };
    let outcome = retry::command(desk, change, tried).await;
    match &outcome {
        Ok(Happened::Now(_)) => going.happened(mark),
        // A repeated command's stamp holds no mark: it was some commit, by whomever.
        Ok(Happened::Before(committed)) => going.had_happened(Mark::of_stamp(&committed.stamp)),
        // Dropped, it may have happened.
        Err(Error::OutcomeUnknown { .. }) => {}
        Err(_) => going.over(),
    }
    outcome.map(|(Happened::Now(committed) | Happened::Before(committed))| committed)
}

/// The long way: one try, which [`crate::retry`] makes again where that helps. It waits for the end of the call whose
/// `fence` this is, and for the server until `until`.
pub(crate) async fn once(
    desk: &Desk,
    change: &ChangeSet,
    fence: Option<Uuid>,
    until: Instant,
) -> Result<Committed, Fault> {
    let performed = async {
        let mut transaction = desk.begin_with(&desk.begin_command).await?;
        match perform(desk, &mut transaction, change, fence).await {
            Ok(committed) => Ok((transaction, committed)),
            Err(fault) => {
                // What went wrong before is what is told. A connection that can't roll back is not used again.
                drop(transaction.rollback().await);
                Err(fault)
            }
        }
    };
    let (transaction, committed) = retry::within(until, performed).await?;
    // Of a repeated command as well, whose look at its key waited for nothing: what is answered must be as durable.
    retry::committing(until, transaction.commit()).await?;
    Ok(committed)
}

/// Everything between beginning and commit.
async fn perform(
    desk: &Desk,
    connection: &mut PgConnection,
    change: &ChangeSet,
    call: Option<Uuid>,
) -> Result<Committed, Fault> {
    if let Some(call) = call {
        retry::fence(desk, connection, call).await?;
    }
    if let Some(idempotency) = &change.idempotency
        && let Some(answer) = remember::claim(desk, connection, idempotency, change.recorded_at).await?
    {
        return Ok(Committed { stamp: Mark::stamp(None), numbers: Vec::new(), repeated: Some(answer) });
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

    write::rows(desk, connection, &rows, By::Command).await?;
    write::history(desk, connection, &change.history).await?;
    write::feed(desk, connection, change, &rows).await?;
    // Last, since others may wait for the same counters. (Triggers count sooner, and keep nobody waiting.)
    write::counters(desk, connection, &rows).await?;
    sqlx::raw_sql("SET CONSTRAINTS ALL IMMEDIATE").execute(connection).await?;
    Ok(Committed { stamp: Mark::stamp(Mark::of(change)), numbers, repeated: None })
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
