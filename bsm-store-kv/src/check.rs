//! What must hold: guards, unique fields, foreign keys. The order in which they are checked is [`crate::apply`]'s.

use std::collections::HashMap;

use bsm_core::model::{Key, Row, Value, Version};
use bsm_core::schema::{Field, RelationSpec, indexes, relations_from, relations_to, uniques as unique_fields};
use bsm_core::store::Guard;
use bsm_core::{Error, Result};
use bytes::Bytes;
use uuid::Uuid;

use crate::apply::Rows;
use crate::stage::Stage;
use crate::{key, record};

/// Checks one guard.
pub(crate) fn guard(stage: &Stage<'_, '_>, guard: &Guard) -> Result<()> {
    match *guard {
        Guard::Version { key, version: expected } => {
            let found = stage.row(key)?.map_or(Version(0), |(row, _)| row.version());
            if found == expected { Ok(()) } else { Err(Error::Conflict { key, expected, found }) }
        }
        Guard::NoChildren { relation, parent } => no_children(stage, *relation.spec(), parent),
        Guard::Empty(entity) => {
            if stage.any_under(&key::rows(entity))? {
                Err(Error::AlreadyBootstrapped)
            } else {
                Ok(())
            }
        }
        _ => Err(Error::Unsupported { store: stage.store().to_owned(), what: "a guard of this kind" }),
    }
}

/// Checks the unique fields that were set or changed, and stages them.
///
/// Only the end counts: a value may pass from one row to another within a change set.
pub(crate) fn uniques(stage: &mut Stage<'_, '_>, rows: &Rows) -> Result<()> {
    let mut given_up = Vec::new();
    let mut taken = Vec::new();
    // How many rows of this change set end with a value.
    let mut holders: HashMap<Bytes, usize> = HashMap::new();
    for touched in rows.iter() {
        for field in unique_fields(touched.key.entity) {
            let old = unique_key(stage, touched.before.as_ref(), *field)?;
            let new = unique_key(stage, touched.after.as_ref(), *field)?;
            if let Some(new) = &new {
                *holders.entry(new.clone()).or_default() += 1;
            }
            if old != new {
                given_up.extend(old);
                taken.extend(new.map(|new| (new, touched.key, *field)));
            }
        }
    }
    for (unique, Key { entity, .. }, field) in &taken {
        let within = holders.get(unique).is_some_and(|count| *count > 1);
        // A holder that this change set writes is among those counted, or has given the value up.
        let others = holder(stage, unique)?.is_some_and(|id| rows.get(Key { entity: *entity, id }).is_none());
        if within || others {
            return Err(Error::Duplicate { entity: *entity, field: *field });
        }
    }
    for key in given_up {
        stage.remove(key, 0);
    }
    for (unique, Key { id, .. }, _) in taken {
        stage.put(unique, id.as_bytes().to_vec(), 0);
    }
    Ok(())
}

fn unique_key(stage: &Stage<'_, '_>, row: Option<&Row>, field: Field) -> Result<Option<Bytes>> {
    row.map_or(Ok(None), |row| key::unique(row.entity(), field, &row.value(field)))
        .map_err(|kind| stage.wrong_kind(kind))
}

fn holder(stage: &Stage<'_, '_>, unique: &[u8]) -> Result<Option<Uuid>> {
    stage.get(unique)?.map(|found| record::id(stage.store(), unique, &found.payload)).transpose()
}

/// Checks the foreign keys that were set or changed.
pub(crate) fn parents(stage: &Stage<'_, '_>, rows: &Rows) -> Result<()> {
    for touched in rows.iter() {
        let Some(after) = &touched.after else { continue };
        for spec in relations_from(touched.key.entity) {
            let Some(id) = after.value(spec.field).as_id() else { continue };
            if touched.before.as_ref().is_some_and(|before| before.value(spec.field).as_id() == Some(id)) {
                continue;
            }
            let parent = Key { entity: spec.to, id };
            let there = match rows.get(parent) {
                Some(other) => other.after.is_some(),
                None => stage.has(&key::row(parent))?,
            };
            if !there {
                return Err(Error::MissingParent { relation: spec.relation, parent });
            }
        }
    }
    Ok(())
}

/// Checks that nobody names a deleted row. (Where a deletion empties the references, the change set does so itself.)
pub(crate) fn children(stage: &Stage<'_, '_>, rows: &Rows) -> Result<()> {
    for touched in rows.iter().filter(|touched| touched.before.is_some() && touched.after.is_none()) {
        for spec in relations_to(touched.key.entity) {
            no_children(stage, *spec, touched.key)?;
        }
    }
    Ok(())
}

/// Looks for children where the schema promises that they are found: under an index that begins with the relation's
/// field, or as the holder of a unique value.
fn no_children(stage: &Stage<'_, '_>, spec: RelationSpec, parent: Key) -> Result<()> {
    let id = Value::Id(parent.id);
    let index = indexes(spec.from).iter().find(|index| index.fields.first() == Some(&spec.field));
    let any = if let Some(index) = index {
        let group = key::index_group(spec.from, index.tag, &index.fields[..1], &[id]);
        stage.any_under(&group.map_err(|kind| stage.wrong_kind(kind))?)?
    } else if unique_fields(spec.from).contains(&spec.field) {
        let unique = key::unique(spec.from, spec.field, &id).map_err(|kind| stage.wrong_kind(kind))?;
        unique.map_or(Ok(false), |key| stage.has(&key))?
    } else {
        return Err(Error::Unsupported { store: stage.store().to_owned(), what: "children that no index lists" });
    };
    if any { Err(Error::StillReferenced { key: parent, relation: spec.relation }) } else { Ok(()) }
}
