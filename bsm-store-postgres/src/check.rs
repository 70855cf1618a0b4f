//! What must hold: guards, unique fields, foreign keys. The order in which they are checked is [`crate::commit`]'s.
//!
//! Every row that matters is locked by then. Rows that the command writes are looked at as it leaves them, all others as
//! the server has them; where somebody can still get in between, the server's own constraints refuse.

use std::collections::{HashMap, HashSet};

use bsm_core::Error;
use bsm_core::model::{Entity, Key, Row, Version};
use bsm_core::schema::{Field, RelationSpec, relations_from, relations_to, uniques as unique_fields};
use bsm_core::store::{Guard, Write};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::apply::{Rows, Touched};
use crate::fault::Fault;
use crate::names::{Statement, sql_type};
use crate::record;
use crate::store::Desk;

/// Checks one guard. `current` has the rows that guards name.
pub(crate) async fn guard(
    desk: &Desk,
    connection: &mut PgConnection,
    guard: &Guard,
    current: &HashMap<Key, Row>,
) -> Result<(), Fault> {
    match *guard {
        Guard::Version { key, version: expected } => {
            let found = current.get(&key).map_or(Version(0), Row::version);
            if found == expected { Ok(()) } else { Err(Error::Conflict { key, expected, found }.into()) }
        }
        Guard::NoChildren { relation, parent } => {
            no_children(desk, connection, *relation.spec(), parent, &Rows::default()).await
        }
        Guard::Empty(entity) => {
            let any = &desk.names.table(entity).any;
            if exists(connection, any, None, &[]).await? { Err(Error::AlreadyBootstrapped.into()) } else { Ok(()) }
        }
        _ => Err(desk.unsupported("a guard of this kind").into()),
    }
}

/// Checks the unique fields that were set or changed.
///
/// Only the end counts: a value may pass from one row to another within a change set.
pub(crate) async fn uniques(desk: &Desk, connection: &mut PgConnection, rows: &Rows) -> Result<(), Fault> {
    // How many rows of this change set end with a value.
    let mut holders: HashMap<(Entity, Field, String), usize> = HashMap::new();
    let mut taken = Vec::new();
    for touched in rows.iter() {
        let Key { entity, .. } = touched.key;
        for field in unique_fields(entity) {
            let value = |row: &Option<Row>| row.as_ref().and_then(|row| row.value(*field).to_text());
            let Some(new) = value(&touched.after) else { continue };
            *holders.entry((entity, *field, new.clone())).or_default() += 1;
            // Numbers come from a sequence; the constraint keeps whoever writes them by hand from taking one twice.
            if *field != Field::Number && value(&touched.before).as_ref() != Some(&new) {
                taken.push((entity, *field, new));
            }
        }
    }
    hold(desk, connection, &taken).await?;
    for value in taken {
        let within = holders.get(&value).is_some_and(|count| *count > 1);
        let (entity, field, text) = value;
        if within || others_hold(desk, connection, entity, field, &text, rows).await? {
            return Err(Error::Duplicate { entity, field }.into());
        }
    }
    Ok(())
}

/// Keeps values for this command until it ends. Two commands that took one value at the same moment would else both find
/// it free, write it, and then wait for each other: deferred constraints look for others only at the end.
///
/// Always behind the locks of rows, and in one order, so that nobody waits in a circle.
async fn hold(desk: &Desk, connection: &mut PgConnection, values: &[(Entity, Field, String)]) -> Result<(), Fault> {
    if values.is_empty() {
        return Ok(());
    }
    let names = values.iter().map(|(entity, field, value)| desk.names.of_value(*entity, *field, value));
    let lock = "SELECT count(pg_advisory_xact_lock(place)) FROM (SELECT DISTINCT hashtextextended(name, 0) AS place \
                FROM unnest($1::text[]) AS name ORDER BY place OFFSET 0) AS places";
    desk.names.statement(lock).query().bind(names.collect::<Vec<_>>()).execute(connection).await?;
    Ok(())
}

async fn others_hold(
    desk: &Desk,
    connection: &mut PgConnection,
    entity: Entity,
    field: Field,
    value: &str,
    rows: &Rows,
) -> Result<bool, Fault> {
    exists(connection, &with_value(desk, entity, field)?, Some(value), &rows.ids(entity)).await
}

/// Checks the foreign keys that were set or changed. `there` has the parents that were found and locked.
pub(crate) fn parents(rows: &Rows, there: &HashSet<Key>) -> Result<(), Error> {
    for touched in rows.iter() {
        let Some(after) = &touched.after else { continue };
        for spec in relations_from(touched.key.entity) {
            let Some(id) = after.value(spec.field).as_id() else { continue };
            if touched.before.as_ref().is_some_and(|before| before.value(spec.field).as_id() == Some(id)) {
                continue;
            }
            let parent = Key { entity: spec.to, id };
            let found = rows.get(parent).map_or_else(|| there.contains(&parent), |other| other.after.is_some());
            if !found {
                return Err(Error::MissingParent { relation: spec.relation, parent });
            }
        }
    }
    Ok(())
}

/// Checks that nobody names a deleted row. (Where a deletion empties the references, the change set does so itself.)
pub(crate) async fn children(desk: &Desk, connection: &mut PgConnection, rows: &Rows) -> Result<(), Fault> {
    for touched in rows.iter().filter(|touched| is_deleted(touched)) {
        for spec in relations_to(touched.key.entity) {
            no_children(desk, connection, *spec, touched.key, rows).await?;
        }
    }
    Ok(())
}

fn is_deleted(touched: &Touched) -> bool {
    touched.before.is_some() && touched.after.is_none()
}

/// Whether nobody names `parent`: neither a row as `rows` leaves it, nor any other.
async fn no_children(
    desk: &Desk,
    connection: &mut PgConnection,
    spec: RelationSpec,
    parent: Key,
    rows: &Rows,
) -> Result<(), Fault> {
    let names_it = |row: &Row| row.entity() == spec.from && row.value(spec.field).as_id() == Some(parent.id);
    let within = rows.iter().any(|touched| touched.after.as_ref().is_some_and(names_it));
    let children = with_value(desk, spec.from, spec.field)?;
    if within || exists(connection, &children, Some(&parent.id.to_string()), &rows.ids(spec.from)).await? {
        return Err(Error::StillReferenced { key: parent, relation: spec.relation }.into());
    }
    Ok(())
}

/// Whether a row of `entity` whose id is not in `$2` has the value `$1` in a field.
fn with_value(desk: &Desk, entity: Entity, field: Field) -> Result<Statement, Error> {
    let column =
        record::column(entity, field).ok_or_else(|| desk.unsupported("a field that the entity does not have"))?;
    let (table, cast) = (&desk.names.table(entity).name, sql_type(column));
    Ok(desk.names.made(format!("SELECT EXISTS (SELECT FROM {table} WHERE {field} = $1::{cast} AND id <> ALL($2))")))
}

async fn exists(
    connection: &mut PgConnection,
    statement: &Statement,
    value: Option<&str>,
    but: &[Uuid],
) -> Result<bool, Fault> {
    let mut query = statement.query();
    if let Some(value) = value {
        query = query.bind(value.to_owned()).bind(but.to_vec());
    }
    Ok(query.fetch_one(connection).await?.try_get(0)?)
}

/// Refuses rows that the server could not keep, before anything is asked of it.
pub(crate) fn keepable(desk: &Desk, writes: &[Write]) -> Result<(), Error> {
    let keepable = writes.iter().all(|write| match write {
        Write::Insert(row) | Write::Update(row) => record::is_keepable(row),
        _ => true,
    });
    if keepable { Ok(()) } else { Err(desk.unsupported("the character NUL in a text")) }
}
