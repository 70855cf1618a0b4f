//! A page of rows: the merge of some branches by id. Part of answering a read set.

use std::ops::Bound;

use bsm_core::Result;
use bsm_core::model::{Key, Row};
use bsm_core::store::{Branch, Order, Scan, Scanned};
use bytes::Bytes;
use uuid::Uuid;

use crate::engine::Direction;
use crate::read::{Reader, Stop};
use crate::snapshot::Items;
use crate::{key, record};

/// A branch under way: its next place, and those behind.
struct Run<'a> {
    branch: &'a Branch,
    next: Option<Place>,
    pairs: Items<'a, (Bytes, Bytes)>,
}

/// A place in a branch: the row that stands there, and the pair that says so. (In the primary key that is the row.)
struct Place {
    id: Uuid,
    key: Bytes,
    raw: Bytes,
}

/// Answers a scan.
///
/// Rows are looked at in the order of their ids, whichever branch they stand in, and each counts towards the budget,
/// whether it is let through or not. The scan ends at the limit or the budget if a row lies behind, else at the end.
pub(crate) fn scan(reader: &Reader<'_, '_>, scan: &Scan) -> Result<Scanned, Stop> {
    let mut answer = Scanned { resume: scan.after, ..Scanned::default() };
    let Some((from, to)) = scan.ids() else {
        answer.resume = None;
        return Ok(answer);
    };
    let mut runs = Vec::with_capacity(scan.branches.len());
    for branch in &scan.branches {
        runs.extend(begin(reader, branch, scan.order, from, to)?);
    }
    while let Some(run) = first(&mut runs, scan.order) {
        if answer.rows.len() >= scan.limit || answer.examined >= scan.budget {
            return Ok(answer);
        }
        let Some(place) = run.next.take() else { break };
        let row = row(reader, run.branch, &place)?;
        answer.examined += 1;
        answer.resume = Some(place.id);
        if run.branch.lets_through(&row) {
            answer.rows.push(row);
        }
        run.next = step(reader, &mut run.pairs)?;
    }
    answer.resume = None;
    Ok(answer)
}

/// Begins a branch; `None` if nothing can stand in it.
fn begin<'a>(
    reader: &'a Reader<'_, '_>,
    branch: &'a Branch,
    order: Order,
    from: Uuid,
    to: Uuid,
) -> Result<Option<Run<'a>>, Stop> {
    let index = branch.index;
    let fields = index.fields();
    if fields.len() != branch.values.len() {
        return Err(reader.unsupported("a branch without a value for each field of its index"));
    }
    let group = if index.tag == 0 {
        key::rows(index.entity)
    } else {
        if fields.is_empty() {
            return Err(reader.unsupported("an index that the schema does not have"));
        }
        // A row whose first field is empty does not stand in the index, and none has a value of the wrong kind.
        if branch.values[0].is_null() {
            return Ok(None);
        }
        match key::index_group(index.entity, index.tag, fields, &branch.values) {
            Ok(group) => group,
            Err(key::WrongKind) => return Ok(None),
        }
    };
    let (low, high) = (key::with_id(group.clone(), from), key::with_id(group, to));
    let direction = match order {
        Order::OldestFirst => Direction::Forward,
        Order::NewestFirst => Direction::Backward,
    };
    let mut pairs = reader.snapshot.raw_pairs(Bound::Included(&low), Bound::Included(&high), direction);
    let next = step(reader, &mut pairs)?;
    Ok(Some(Run { branch, next, pairs }))
}

/// The next place of a branch.
fn step(reader: &Reader<'_, '_>, pairs: &mut Items<'_, (Bytes, Bytes)>) -> Result<Option<Place>, Stop> {
    reader.pace()?;
    let Some((key, raw)) = pairs.next().transpose()? else { return Ok(None) };
    match key::trailing_id(&key) {
        Some(id) => Ok(Some(Place { id, key, raw })),
        None => Err(record::damaged(reader.snapshot.store(), &key, "it names no row").into()),
    }
}

/// The branch whose next row comes first. Branches are few, so looking at all of them is quick.
fn first<'r, 'a>(runs: &'r mut [Run<'a>], order: Order) -> Option<&'r mut Run<'a>> {
    let waiting = runs.iter_mut().filter(|run| run.next.is_some());
    let id = |run: &&mut Run<'a>| run.next.as_ref().map(|place| place.id);
    match order {
        Order::OldestFirst => waiting.min_by_key(id),
        Order::NewestFirst => waiting.max_by_key(id),
    }
}

/// The row at a place of a branch, which must stand there.
fn row(reader: &Reader<'_, '_>, branch: &Branch, place: &Place) -> Result<Row, Stop> {
    let Branch { index, values, .. } = branch;
    let of = Key { entity: index.entity, id: place.id };
    if index.tag == 0 {
        return Ok(reader.snapshot.row_at(of, &place.key, &place.raw)?);
    }
    let damaged = |fault| record::damaged(reader.snapshot.store(), &place.key, fault);
    let row = reader.snapshot.row(of)?.ok_or_else(|| damaged("the row that it names is not there"))?;
    if index.fields().iter().zip(values).any(|(field, value)| row.value(*field) != *value) {
        return Err(damaged("the row that it names does not belong there").into());
    }
    Ok(row)
}
