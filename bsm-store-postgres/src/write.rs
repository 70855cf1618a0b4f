//! The statements that write: rows, numbers, history, counters, the feed. One for each table, however many rows.
//!
//! Called by [`crate::commit`], within its transaction and after its checks.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bsm_core::Error;
use bsm_core::model::{Actor, Entity, FieldChange, HistoryEntry, Key, Row, Timestamp, UserId, Version};
use bsm_core::store::ChangeSet;
use serde::Serialize;
use serde_json::{Value as Json, json};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::address::Triggers;
use crate::apply::{Numbers, Rows};
use crate::fault::Fault;
use crate::names::Statement;
use crate::record::Written;
use crate::store::Desk;
use crate::tally::Tally;
use crate::{bulk, feed};

/// Takes numbers for new rows. They rise, and are not given again should the command fail.
pub(crate) async fn take_numbers(
    desk: &Desk,
    connection: &mut PgConnection,
    needed: HashMap<Entity, usize>,
) -> Result<Numbers, Fault> {
    let mut numbers = Numbers::new();
    for (entity, count) in needed {
        let count = i64::try_from(count).map_err(|source| desk.unavailable(source))?;
        let taken = desk.names.table(entity).numbers.query().bind(count).fetch_all(&mut *connection).await?;
        let taken = taken.iter().map(|row| {
            let number: i64 = row.try_get(0)?;
            u32::try_from(number).map_err(|source| Fault::from(desk.unavailable(source)))
        });
        numbers.insert(entity, taken.collect::<Result<VecDeque<_>, _>>()?);
    }
    Ok(numbers)
}

/// What is done to one table.
#[derive(Default)]
struct Work<'r> {
    insert: Vec<&'r Row>,
    update: Vec<Written<'r>>,
    delete: Vec<Uuid>,
}

/// The order in which tables are written: what a row names stands before it, but for a request, which names the ticket that
/// was made from it, and which that ticket names. Rows go in the order from behind.
///
/// Constraints are checked when all is written, so on Postgres no order is needed. Some servers don't know how to wait
/// (docs/scale.md), and with this one they have to for few commands.
const ORDER: [Entity; 7] =
    [Entity::User, Entity::Service, Entity::Rating, Entity::Ticket, Entity::Request, Entity::Article, Entity::Note];

/// Whose rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A command's: few, and what is deleted goes behind all that is written.
    Command,
    /// An import's: many new ones, and what is deleted goes before. What is written then and names it is refused at the end, and
    /// not emptied by the server.
    Import,
}

/// Writes the rows as they are left.
pub(crate) async fn rows(desk: &Desk, connection: &mut PgConnection, rows: &Rows, by: By) -> Result<(), Fault> {
    let mut tables: BTreeMap<Entity, Work<'_>> = BTreeMap::new();
    for touched in rows.iter() {
        let work = tables.entry(touched.key.entity).or_default();
        match (&touched.before, &touched.after) {
            (None, Some(row)) => work.insert.push(row),
            (Some(_), Some(row)) => work.update.push(Written(row)),
            (Some(_), None) => work.delete.push(touched.key.id),
            (None, None) => {}
        }
    }
    if by == By::Import {
        delete(desk, connection, &mut tables).await?;
    }
    for entity in ORDER {
        let Some(work) = tables.get_mut(&entity) else { continue };
        let (insert, update) = (std::mem::take(&mut work.insert), std::mem::take(&mut work.update));
        let table = desk.names.table(entity);
        let new: Vec<Written<'_>> = match by {
            By::Command => insert.into_iter().map(Written).collect(),
            By::Import => {
                if !insert.is_empty() {
                    bulk::rows(desk, connection, entity, &insert).await?;
                }
                Vec::new()
            }
        };
        for (statement, rows) in [(&table.insert, new), (&table.update, update)] {
            let count = rows.len();
            if count > 0 {
                let done = statement.query().bind(text(desk, &rows)?).execute(&mut *connection).await?;
                all_of(desk, count, done)?;
            }
        }
    }
    if by == By::Command {
        delete(desk, connection, &mut tables).await?;
    }
    Ok(())
}

async fn delete(
    desk: &Desk,
    connection: &mut PgConnection,
    tables: &mut BTreeMap<Entity, Work<'_>>,
) -> Result<(), Fault> {
    for entity in ORDER.into_iter().rev() {
        let ids = tables.get_mut(&entity).map(|work| std::mem::take(&mut work.delete)).unwrap_or_default();
        let count = ids.len();
        if count > 0 {
            let done = desk.names.table(entity).delete.query().bind(ids).execute(&mut *connection).await?;
            all_of(desk, count, done)?;
        }
    }
    Ok(())
}

/// What is written, as the JSON text that the server takes.
fn text(desk: &Desk, written: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(written).map_err(|source| desk.unavailable(source))
}

/// The rows are locked, so all of them are written. A rule or trigger of the database's owner could say otherwise.
pub(crate) fn all_of(desk: &Desk, asked: usize, done: u64) -> Result<(), Error> {
    if u64::try_from(asked).is_ok_and(|asked| asked == done) {
        return Ok(());
    }
    Err(desk.unavailable(format!("{done} rows were written of {asked}")))
}

/// The statements that are the same for every command.
#[derive(Debug)]
pub(crate) struct Statements {
    history: Statement,
    counters: Statement,
    feed: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        Self {
            // An id that was deleted and made anew begins its history anew.
            history: statement(
                "INSERT INTO {}.history \
                 SELECT given.* FROM jsonb_populate_recordset(NULL::{}.history, $1::jsonb) AS given \
                 ON CONFLICT (entity, row_id, version) DO UPDATE SET action = excluded.action, actor = excluded.actor, \
                 occurred_at = excluded.occurred_at, recorded_at = excluded.recorded_at, subject = excluded.subject, \
                 changes = excluded.changes",
            ),
            // In the order of their keys, so that two commands never wait for each other.
            counters: statement(
                "INSERT INTO {}.counters AS old (family, names, shard, amount, scale) \
                 SELECT family, names, (pg_backend_pid() % 16)::smallint, amount, scale \
                 FROM jsonb_populate_recordset(NULL::{}.counters, $1::jsonb) AS given ORDER BY family, names \
                 ON CONFLICT (family, names, shard) DO UPDATE SET amount = old.amount + excluded.amount",
            ),
            feed: statement(
                "INSERT INTO {}.feed (recorded_at, changes, subjects) SELECT recorded_at, changes, subjects \
                 FROM jsonb_to_record($1::jsonb) AS told (recorded_at timestamptz, changes jsonb, subjects uuid[])",
            ),
        }
    }
}

/// Writes history. Of two entries for one version of a row the last stays.
pub(crate) async fn history(desk: &Desk, connection: &mut PgConnection, entries: &[HistoryEntry]) -> Result<(), Fault> {
    let entries: BTreeMap<(Key, Version), &HistoryEntry> =
        entries.iter().map(|entry| ((entry.key, entry.version), entry)).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let told: Vec<Entry<'_>> = entries.into_values().map(Entry::of).collect();
    desk.writes.history.query().bind(text(desk, &told)?).execute(connection).await?;
    Ok(())
}

/// An entry of history, as a row of its table.
#[derive(Debug, Serialize)]
struct Entry<'e> {
    entity: &'static str,
    row_id: Uuid,
    version: Version,
    action: &'static str,
    actor: Option<UserId>,
    occurred_at: Timestamp,
    recorded_at: Timestamp,
    subject: Option<UserId>,
    changes: &'e [FieldChange],
}

impl<'e> Entry<'e> {
    fn of(entry: &'e HistoryEntry) -> Self {
        Self {
            entity: entry.key.entity.as_str(),
            row_id: entry.key.id,
            version: entry.version,
            action: entry.action.as_str(),
            actor: match entry.actor {
                Actor::System => None,
                Actor::User(user) => Some(user),
            },
            occurred_at: entry.occurred_at,
            recorded_at: entry.recorded_at,
            subject: entry.subject,
            changes: &entry.changes,
        }
    }
}

/// Adds to the counters what the rows contribute now, less what they did; where triggers don't do that.
pub(crate) async fn counters(desk: &Desk, connection: &mut PgConnection, rows: &Rows) -> Result<(), Fault> {
    if desk.triggers == Triggers::On {
        return Ok(());
    }
    let mut tally = Tally::default();
    let counted = rows.iter().try_for_each(|touched| {
        touched.before.as_ref().map_or(Some(()), |row| tally.take(row))?;
        touched.after.as_ref().map_or(Some(()), |row| tally.add(row))
    });
    counted.ok_or_else(|| desk.damaged("a counter leaves its range".to_owned()))?;
    let changed: Vec<Json> = tally
        .sums()
        .map(|(family, names, sum, scale)| {
            json!({ "family": family, "names": names, "amount": sum.to_string(), "scale": scale })
        })
        .collect();
    if !changed.is_empty() {
        desk.writes.counters.query().bind(text(desk, &changed)?).execute(connection).await?;
    }
    Ok(())
}

/// Writes the command's line in the feed. Its position is given by whoever reads the feed first.
pub(crate) async fn feed(
    desk: &Desk,
    connection: &mut PgConnection,
    change: &ChangeSet,
    rows: &Rows,
) -> Result<(), Fault> {
    let written = rows.iter().map(|touched| (touched.key, touched.version)).collect();
    if let Some(event) = Event::of(change, written) {
        desk.writes.feed.query().bind(text(desk, &event)?).execute(connection).await?;
    }
    Ok(())
}

/// A command's event, as a row of the feed: what it changes, and whom it concerns.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) recorded_at: Timestamp,
    pub(crate) changes: Vec<Changed>,
    pub(crate) subjects: Vec<UserId>,
}

/// One change that an event tells of.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    entity: &'static str,
    id: Uuid,
    version: Version,
}

impl Event {
    /// The event of a command that wrote these rows; `None` if nothing changes.
    pub(crate) fn of(change: &ChangeSet, written: Vec<(Key, Version)>) -> Option<Self> {
        let told = change.history.iter().map(|entry| (entry.key, entry.version));
        let told: Vec<(Key, Version)> = told.filter(|told| !written.contains(told)).collect();
        let one = |(key, version): (Key, Version)| Changed { entity: key.entity.as_str(), id: key.id, version };
        let changes: Vec<Changed> = written.into_iter().chain(told).map(one).collect();
        let event =
            |changes| Self { recorded_at: change.recorded_at, changes, subjects: feed::subjects(&change.history) };
        (!changes.is_empty()).then(|| event(changes))
    }
}

#[cfg(test)]
mod tests {
    use bsm_core::schema::{Relation, relations};

    use super::*;

    #[test]
    fn every_table_is_written_behind_what_its_rows_name() {
        let place = |entity| ORDER.iter().position(|other| *other == entity).expect("every entity is written");
        assert!(Entity::ALL.iter().all(|entity| place(*entity) < ORDER.len()));
        let unordered = relations().iter().filter(|spec| place(spec.from) <= place(spec.to));
        let unordered: Vec<Relation> = unordered.map(|spec| spec.relation).collect();
        assert_eq!(unordered, [Relation::TicketRequest, Relation::TicketFollowUpOf]);
    }
}
