//! Rows, and what follows from each: its entries in indexes, its unique values, its parents, its history.

use bsm_core::model::{Action, Entity, Key, Row, Version};
use bsm_core::schema::{Field, Index, IndexSpec, indexes, relations_from, uniques};
use bsm_core::store::{Place, Verification};
use bsm_core::{Error, Result};
use bytes::Bytes;

use super::place_of;
use crate::engine::Direction;
use crate::snapshot::Snapshot;
use crate::{key, record};

/// The row that stands under a key.
pub(super) fn row_of(snapshot: &Snapshot<'_>, key: &Bytes, raw: &Bytes) -> Result<Row> {
    let entity = key.get(1).and_then(|code| Entity::from_code(*code));
    let (Some(entity), Some(id)) = (entity, key::trailing_id(key)) else {
        return Err(record::damaged(snapshot.store(), key, "it is not as it is written"));
    };
    snapshot.row_at(Key { entity, id }, key, raw)
}

/// Looks at a row, and whether all that follows from it is there.
pub(super) fn row(snapshot: &Snapshot<'_>, key: &Bytes, raw: &Bytes, found: &mut Verification) -> Result<()> {
    found.rows += 1;
    let row = row_of(snapshot, key, raw)?;
    let of = row.key();
    let wrong_kind = |_| record::damaged(snapshot.store(), key, "a field holds a value of another kind");
    for spec in indexes(of.entity) {
        let entry = key::index_entry(spec, &row).map_err(wrong_kind)?;
        if let Some(entry) = entry
            && !snapshot.has(&entry)?
        {
            let index = Index { entity: of.entity, tag: spec.tag };
            found.differs(Place::Index(index, of), "the row does not stand in the index");
        }
    }
    for field in uniques(of.entity) {
        let Some(unique) = key::unique(of.entity, *field, &row.value(*field)).map_err(wrong_kind)? else { continue };
        let holder = snapshot.get(&unique)?.map(|found| record::id(snapshot.store(), &unique, &found.payload));
        match holder.transpose()? {
            Some(id) if id == of.id => {}
            Some(id) => found.differs(Place::Unique(*field, of), format!("{} {id} is found by it", of.entity)),
            None => found.differs(Place::Unique(*field, of), "the row is not found by it"),
        }
    }
    for relation in relations_from(of.entity) {
        let Some(id) = row.value(relation.field).as_id() else { continue };
        let parent = Key { entity: relation.to, id };
        if !snapshot.has(&key::row(parent))? {
            found.differs(Place::Row(of), format!("{} names {parent}, which is not there", relation.relation));
        }
    }
    let version = row.version();
    if !snapshot.has(&key::history(of, version))? {
        found.differs(Place::History(of, version), "history does not tell of the row's version");
    }
    if snapshot.has(&key::history(of, version.next()))? {
        found.differs(Place::History(of, version.next()), format!("the row is at version {version} only"));
    }
    Ok(())
}

/// Looks at an entry of an index, and whether its row belongs there.
pub(super) fn index_entry(snapshot: &Snapshot<'_>, key: &Bytes, raw: &Bytes, found: &mut Verification) -> Result<()> {
    let Place::Index(index, of) = place_of(key) else {
        found.differs(place_of(key), "it is not as it is written");
        return Ok(());
    };
    let spec: Option<&IndexSpec> = indexes(index.entity).iter().find(|spec| spec.tag == index.tag);
    let Some(row) = snapshot.row(of)? else {
        found.differs(place_of(key), "the row that it names is not there");
        return Ok(());
    };
    let entry = spec.and_then(|spec| key::index_entry(spec, &row).ok().flatten());
    if entry.as_ref() != Some(key) || !raw.is_empty() {
        found.differs(place_of(key), "the row that it names does not belong there");
    }
    Ok(())
}

/// Looks at a unique value, and whether its row has it.
pub(super) fn unique(snapshot: &Snapshot<'_>, key: &Bytes, raw: &Bytes, found: &mut Verification) -> Result<()> {
    let id = record::id(snapshot.store(), key, &snapshot.open(key, raw)?.payload)?;
    let entity = key.get(1).and_then(|code| Entity::from_code(*code));
    let field = key.get(2).and_then(|code| Field::from_code(*code));
    let (Some(entity), Some(field)) = (entity, field) else {
        found.differs(place_of(key), "it is not as it is written");
        return Ok(());
    };
    let of = Key { entity, id };
    let row = snapshot.row(of)?;
    let has = row.and_then(|row| key::unique(entity, field, &row.value(field)).ok().flatten());
    match has {
        Some(has) if has == key => {}
        Some(_) => found.differs(Place::Unique(field, of), "the row has another value"),
        None => found.differs(Place::Unique(field, of), "no row has the value"),
    }
    Ok(())
}

/// The histories, one row after another.
#[derive(Default)]
pub(super) struct Histories {
    last: Option<(Key, Version)>,
}

impl Histories {
    /// Looks at an entry, and whether none is missing before it.
    pub(super) fn entry(
        &mut self,
        snapshot: &Snapshot<'_>,
        key: &Bytes,
        raw: &Bytes,
        found: &mut Verification,
    ) -> Result<()> {
        found.history += 1;
        let entry = record::entry(snapshot.store(), key, &snapshot.open(key, raw)?.payload)?;
        let before = match self.last {
            Some((of, version)) if of == entry.key => version,
            _ => {
                self.end(snapshot, found)?;
                Version(0)
            }
        };
        if entry.version != before.next() {
            found.differs(Place::History(entry.key, before.next()), "it is missing");
        }
        self.last = Some((entry.key, entry.version));
        Ok(())
    }

    /// The end of a row's history: a row that is gone was deleted.
    pub(super) fn end(&mut self, snapshot: &Snapshot<'_>, found: &mut Verification) -> Result<()> {
        let Some((of, version)) = self.last.take() else { return Ok(()) };
        if snapshot.has(&key::row(of))? {
            return Ok(());
        }
        // Looked up anew: the row may have gone since its history was read.
        let Some(last) = snapshot.keys_under(&key::histories(of), Direction::Backward).next().transpose()? else {
            return Ok(());
        };
        let payload = snapshot.get(&last)?.map(|found| found.payload).unwrap_or_default();
        let entry = match record::entry(snapshot.store(), &last, &payload) {
            Ok(entry) => entry,
            // Told where it was read.
            Err(Error::Damaged { .. }) => return Ok(()),
            Err(other) => return Err(other),
        };
        if entry.action != Action::Deleted {
            found.differs(Place::Row(of), format!("it is not there, and was not deleted after version {version}"));
        }
        Ok(())
    }
}
