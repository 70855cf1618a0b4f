//! Taking a whole desk in, step by step: one transaction for all of it, held between the steps.
//!
//! So an import that is given up or killed leaves nothing, and nobody sees a part of one: this store value refuses
//! meanwhile, and others wait with what they write and read the desk as it was, empty. A step that fails, or whose caller
//! gives it up, ends the import.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use bsm_core::model::{Entity, Key, Row};
use bsm_core::schema::{OnDelete, Relation, relations, uniques};
use bsm_core::store::{Difference, ImportMark, ImportPart, ImportStep, Place};
use bsm_core::{Error, Result};
use sqlx::{PgConnection, Row as _};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::apply::{Rows, Touched};
use crate::bulk::Seen;
use crate::fault::{self, Fault};
use crate::mark::Mark;
use crate::names::{Names, Statement};
use crate::pool::Transaction;
use crate::store::{Desk, PostgresStore};
use crate::write::By;
use crate::{bulk, feed, fetch, record, retry, verify, write};

/// How long an import may be left alone between two steps, in milliseconds: five minutes.
const IDLE_MILLIS: u32 = 300_000;

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    lock: Statement,
    any_history: Statement,
    empty_feed: Statement,
    empty_places: Statement,
    analyze: Statement,
    uniques_now: Statement,
    uniques_later: Statement,
}

impl Statements {
    pub(crate) fn new(names: &Names) -> Self {
        let tables: Vec<&str> = Entity::ALL.iter().map(|entity| names.table(*entity).name.as_str()).collect();
        let tables = tables.join(", ");
        let unique = Entity::ALL.iter().flat_map(|entity| {
            uniques(*entity).iter().map(|field| format!("{{}}.{}", fault::unique_name(*entity, *field)))
        });
        let unique = unique.collect::<Vec<_>>().join(", ");
        Self {
            lock: names.statement(&format!(
                "LOCK TABLE {tables}, {{}}.history, {{}}.feed, {{}}.customer_feed IN SHARE ROW EXCLUSIVE MODE"
            )),
            any_history: names.statement("SELECT EXISTS (SELECT FROM {}.history)"),
            empty_feed: names.statement("DELETE FROM {}.feed"),
            empty_places: names.statement("DELETE FROM {}.customer_feed"),
            analyze: names.statement(&format!("ANALYZE {tables}, {{}}.history, {{}}.counters")),
            uniques_now: names.statement(&format!("SET CONSTRAINTS {unique} IMMEDIATE")),
            uniques_later: names.statement(&format!("SET CONSTRAINTS {unique} DEFERRED")),
        }
    }
}

/// The import of a store value, if one is under way.
#[derive(Debug, Default)]
pub(crate) struct Import {
    under_way: Mutex<Option<UnderWay>>,
    /// Whether the desk is shut meanwhile. Looked at without waiting for a step.
    shut: AtomicBool,
}

/// An import between two steps.
#[derive(Debug)]
struct UnderWay {
    transaction: Transaction,
    mark: ImportMark,
    emptied: Emptied,
    /// What marks its commit on replicas: the last entry of history that it brought.
    told: Option<Mark>,
    seen: Seen,
}

/// Rows whose reference the server emptied when the row that it named went: by which relation, and what it named. They are
/// to be brought again, as they were left; if not, they named what is not there.
type Emptied = BTreeMap<Key, (Relation, Key)>;

impl Import {
    /// Whether an import is under way, so that the desk is shut.
    pub(crate) fn is_under_way(&self) -> bool {
        self.shut.load(Ordering::SeqCst)
    }

    /// Gives up the import, if one is under way.
    pub(crate) async fn give_up(&self) {
        let mut under_way = self.under_way.lock().await;
        let _open = Opens(&self.shut);
        if let Some(UnderWay { transaction, .. }) = under_way.take() {
            // A connection that can't roll back is closed, and the server does it.
            drop(transaction.rollback().await);
        }
    }
}

/// Opens the desk again when the import ends, however it does.
struct Opens<'a>(&'a AtomicBool);

impl Drop for Opens<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// Does a step.
pub(crate) async fn step(store: &PostgresStore, step: ImportStep) -> Result<ImportMark> {
    let desk = &store.desk;
    let mut slot = store.import.under_way.lock().await;
    // Of two imports at once only one gets any further; the other must begin anew.
    let after = match &step {
        ImportStep::Restore(part) => Some(part.after),
        ImportStep::Finish(end) => Some(end.after),
        ImportStep::Begin => None,
    };
    if let (Some(after), Some(under_way)) = (after, &*slot)
        && after != under_way.mark
    {
        return Err(Error::ImportUnfinished { store: desk.name.clone() });
    }
    // Taken out for the step: unless it is put back, the import ends here, and the server rolls back.
    let opens = Opens(&store.import.shut);
    let under_way = match (step, slot.take()) {
        (ImportStep::Begin, stale) => {
            if let Some(UnderWay { transaction, .. }) = stale {
                drop(transaction.rollback().await);
            }
            UnderWay {
                transaction: begin(desk).await?,
                mark: ImportMark::default(),
                emptied: Emptied::new(),
                told: None,
                seen: Seen::default(),
            }
        }
        (_, None) => return Err(Error::NoImport { store: desk.name.clone() }),
        (ImportStep::Restore(part), Some(UnderWay { mut transaction, mut emptied, told, mut seen, .. })) => {
            let mark = part.mark;
            let told = part.history.last().map(|entry| Mark::of_entry(entry.key, entry.version)).or(told);
            match restore(desk, &mut transaction, part, &mut emptied, &mut seen).await {
                Ok(()) => UnderWay { transaction, mark, emptied, told, seen },
                Err(fault) => return Err(ended(desk, transaction, fault).await),
            }
        }
        (ImportStep::Finish(end), Some(UnderWay { mut transaction, mark, emptied, told, .. })) => {
            if let Err(fault) = finish(desk, &mut transaction, &end.numbers, &emptied).await {
                return Err(ended(desk, transaction, fault).await);
            }
            let going = desk.begins(told);
            let done = transaction.commit().await.map_err(|error| Fault::AtCommit(error).of_import(&desk.name));
            drop(opens);
            // Else it may have happened.
            if done.is_ok() {
                going.happened(told);
            }
            // Whoever waits in the epoch before has nothing more to wait for.
            store.reach.wake_all();
            return done.map(|()| mark);
        }
    };
    let mark = under_way.mark;
    *slot = Some(under_way);
    std::mem::forget(opens);
    store.import.shut.store(true, Ordering::SeqCst);
    Ok(mark)
}

/// What is told of an import that failed.
async fn ended(desk: &Desk, transaction: Transaction, fault: Fault) -> Error {
    // What went wrong before is what is told. A connection that can't roll back is not used again.
    drop(transaction.rollback().await);
    fault.of_import(&desk.name)
}

async fn begin(desk: &Desk) -> Result<Transaction> {
    let begun = retry::long(desk, async || {
        let mut transaction = desk.sessions.begin_with(&desk.begin).await?;
        shut(desk, &mut transaction).await?;
        Ok(transaction)
    });
    begun.await.map_err(|fault| fault.into_error(&desk.name))
}

/// Keeps others from writing until the transaction ends, and makes sure that nobody did.
async fn shut(desk: &Desk, connection: &mut PgConnection) -> Result<(), Fault> {
    // Whoever leaves an import lying must not keep everybody else out: the server ends it.
    let patience = format!("SET LOCAL idle_in_transaction_session_timeout = {IDLE_MILLIS}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(patience)).execute(&mut *connection).await?;
    // First, as whoever gives positions takes it: they wait here, and then find the events gone.
    feed::position::lock(desk, connection).await?;
    desk.imports.lock.query().execute(&mut *connection).await?;
    let tables = Entity::ALL.iter().map(|entity| &desk.names.table(*entity).any);
    for any in tables.chain([&desk.imports.any_history]) {
        if any.query().fetch_one(&mut *connection).await?.try_get(0)? {
            return Err(Error::NotEmpty { store: desk.name.clone() }.into());
        }
    }
    // What a command leaves that writes no row and no history.
    desk.imports.empty_feed.query().execute(&mut *connection).await?;
    desk.imports.empty_places.query().execute(&mut *connection).await?;
    desk.imports.uniques_now.query().execute(&mut *connection).await?;
    Ok(())
}

async fn restore(
    desk: &Desk,
    connection: &mut PgConnection,
    part: ImportPart,
    emptied: &mut Emptied,
    seen: &mut Seen,
) -> Result<(), Fault> {
    let told = part.history.iter().flat_map(|entry| &entry.changes);
    let is_told = told.flat_map(|change| [&change.from, &change.to]).flatten().all(|text| !text.contains('\0'));
    if !is_told || !part.rows.iter().all(record::is_keepable) {
        return Err(desk.unsupported("the character NUL in a text").into());
    }
    let is_history_new = seen.history_is_new(&part);
    let mut current = HashMap::new();
    if !seen.rows_are_new(&part) {
        let keys: Vec<Key> = part.rows.iter().map(Row::key).chain(part.gone.iter().copied()).collect();
        current = fetch::rows(desk, connection, keys).await?;
    }
    let rows = Rows::restored(part.rows, &part.gone, &current);
    note_emptied(desk, connection, &rows, emptied).await?;
    // A value may pass from one row to another within a part, so then only its end counts. Foreign keys are checked when
    // all rows are there. (To begin checking costs a look at everything that is put off, so new rows do without.)
    let replaces = !current.is_empty();
    if replaces {
        desk.imports.uniques_later.query().execute(&mut *connection).await?;
    }
    write::rows(desk, connection, &rows, By::Import).await?;
    if replaces {
        desk.imports.uniques_now.query().execute(&mut *connection).await?;
    }
    if is_history_new {
        bulk::history(desk, connection, &part.history).await?;
    } else {
        write::history(desk, connection, &part.history).await?;
    }
    write::counters(desk, connection, &rows).await?;
    Ok(())
}

/// Notes the rows whose reference the server is about to empty, which is never put off, and forgets those that come anew.
async fn note_emptied(
    desk: &Desk,
    connection: &mut PgConnection,
    rows: &Rows,
    emptied: &mut Emptied,
) -> Result<(), Fault> {
    for spec in relations().iter().filter(|spec| spec.on_delete == OnDelete::SetNull) {
        let goes = |touched: &&Touched| touched.key.entity == spec.to && touched.after.is_none();
        let gone: Vec<Uuid> = rows.iter().filter(goes).map(|touched| touched.key.id).collect();
        if gone.is_empty() {
            continue;
        }
        let (field, table) = (spec.field, &desk.names.table(spec.from).name);
        let children = desk.names.made(format!("SELECT id, {field} FROM {table} WHERE {field} = ANY($1)"));
        for row in children.query().bind(gone).fetch_all(&mut *connection).await? {
            let child = Key { entity: spec.from, id: row.try_get(0)? };
            emptied.insert(child, (spec.relation, Key { entity: spec.to, id: row.try_get(1)? }));
        }
    }
    for touched in rows.iter() {
        emptied.remove(&touched.key);
    }
    Ok(())
}

async fn finish(
    desk: &Desk,
    connection: &mut PgConnection,
    numbers: &[(Entity, u32)],
    emptied: &Emptied,
) -> Result<(), Fault> {
    if let Some((child, (relation, parent))) = emptied.first_key_value() {
        let detail = format!("{relation} names {parent}, which is not there");
        let difference = Difference { at: Place::Row(*child), detail };
        return Err(Error::Inconsistent { store: desk.name.clone(), difference }.into());
    }
    // The planner knows nothing of the rows yet, and they are all to be looked at.
    desk.imports.analyze.query().execute(&mut *connection).await?;
    let found = verify::everything(desk, connection).await?;
    if let Some(difference) = found.differences.into_iter().next() {
        return Err(Error::Inconsistent { store: desk.name.clone(), difference }.into());
    }
    sqlx::raw_sql("SET CONSTRAINTS ALL IMMEDIATE").execute(&mut *connection).await?;
    feed::position::begin_epoch(desk, connection).await?;
    // Last, since sequences keep what they are told, whatever becomes of the transaction.
    for entity in Entity::ALL.iter().copied().filter(|entity| entity.is_numbered()) {
        let given = numbers.iter().find(|(numbered, _)| *numbered == entity).map_or(0, |(_, number)| *number);
        desk.names.table(entity).raise_numbers.query().bind(i64::from(given)).execute(&mut *connection).await?;
    }
    Ok(())
}
