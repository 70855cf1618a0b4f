//! Keys: where everything lies in the engine's one ordered map.
//!
//! A key is a table's tag, then parts. Every part's encoding keeps the order of its values and ends by itself, so no key
//! of a table is the beginning of another, and a range of values is a range of bytes. Everything that touches the engine
//! builds its keys here; `docs/format.md` tells the same for people.

use std::ops::Bound;

use bsm_core::model::{Entity, Key, Row, Timestamp, UserId, Value, Version};
use bsm_core::schema::{Column, Counter, CounterSpec, Field, IndexSpec, columns, counters};
use bytes::Bytes;
use uuid::Uuid;

pub(crate) use crate::part::WrongKind;
use crate::part::{push_int, push_part, push_text};

/// The tables. Tags are part of the format: appended to, never renumbered. [`tag::PIECE`] stays the greatest, so that
/// pieces come last in a batch.
pub(crate) mod tag {
    /// Facts about the store itself.
    pub(crate) const META: u8 = 1;
    /// Rows by entity and id.
    pub(crate) const ROW: u8 = 2;
    /// Index entries.
    pub(crate) const INDEX: u8 = 3;
    /// Unique values.
    pub(crate) const UNIQUE: u8 = 4;
    /// Counters.
    pub(crate) const COUNTER: u8 = 5;
    /// History entries.
    pub(crate) const HISTORY: u8 = 6;
    /// One record per commit.
    pub(crate) const FEED: u8 = 7;
    /// Commands that carried an idempotency key.
    pub(crate) const REMEMBERED: u8 = 8;
    /// The same by the time until which they are kept.
    pub(crate) const EXPIRY: u8 = 9;
    /// Customers' feeds: the position of each event of theirs, by its place.
    pub(crate) const CUSTOMER_FEED: u8 = 10;
    /// Pieces of values that are too long for the engine.
    pub(crate) const PIECE: u8 = 255;
}

/// The longest key that engines must take. A test builds the longest of ours.
#[cfg(test)]
const KEY_MAX: usize = 300;

const META_FORMAT: u8 = 1;
const META_EPOCH: u8 = 2;
const META_NUMBER: u8 = 3;
const META_IMPORT: u8 = 4;
const META_FEED_EPOCH: u8 = 5;

/// Under which the format's name stands.
pub(crate) const FORMAT: &[u8] = &[tag::META, META_FORMAT];
/// Under which the epoch stands.
pub(crate) const EPOCH: &[u8] = &[tag::META, META_EPOCH];

/// Under which stands how far an import has come, until it ends.
pub(crate) const IMPORT: &[u8] = &[tag::META, META_IMPORT];
/// Under which the feed's epoch stands, if that is another than the store's.
pub(crate) const FEED_EPOCH: &[u8] = &[tag::META, META_FEED_EPOCH];

/// The number given last to a row of `entity`.
pub(crate) fn number(entity: Entity) -> Bytes {
    Bytes::copy_from_slice(&[tag::META, META_NUMBER, entity.code()])
}

/// All rows of an entity.
pub(crate) fn rows(entity: Entity) -> Vec<u8> {
    vec![tag::ROW, entity.code()]
}

/// A row.
pub(crate) fn row(key: Key) -> Bytes {
    with_id(rows(key.entity), key.id).into()
}

/// The entry of `row` in an index; `None` if its first field is empty, so that the row does not stand there.
pub(crate) fn index_entry(spec: &IndexSpec, row: &Row) -> Result<Option<Bytes>, WrongKind> {
    if spec.fields.first().is_none_or(|first| row.value(*first).is_null()) {
        return Ok(None);
    }
    let mut key = index(spec.entity, spec.tag);
    for field in spec.fields {
        push_part(&mut key, column(spec.entity, *field)?, &row.value(*field))?;
    }
    Ok(Some(with_id(key, row.key().id).into()))
}

/// The entries of an index whose leading fields have these values.
pub(crate) fn index_group(
    entity: Entity,
    tag: u8,
    fields: &[Field],
    values: &[Value<'_>],
) -> Result<Vec<u8>, WrongKind> {
    let mut key = index(entity, tag);
    for (field, value) in fields.iter().zip(values) {
        push_part(&mut key, column(entity, *field)?, value)?;
    }
    Ok(key)
}

fn index(entity: Entity, tag: u8) -> Vec<u8> {
    vec![tag::INDEX, entity.code(), tag]
}

/// A unique value; `None` for an empty one, which is not unique.
pub(crate) fn unique(entity: Entity, field: Field, value: &Value<'_>) -> Result<Option<Bytes>, WrongKind> {
    if value.is_null() {
        return Ok(None);
    }
    let mut key = vec![tag::UNIQUE, entity.code(), field.code()];
    push_part(&mut key, column(entity, field)?, value)?;
    Ok(Some(key.into()))
}

/// The counters of a family whose leading values these are. All of them: one counter.
pub(crate) fn counter(spec: &CounterSpec, values: &[Value<'_>]) -> Result<Vec<u8>, WrongKind> {
    let mut key = vec![tag::COUNTER, spec.counter.code()];
    for (field, value) in spec.by.iter().zip(values) {
        push_part(&mut key, column(spec.entity, *field)?, value)?;
    }
    Ok(key)
}

/// What the schema says of a family of counters.
pub(crate) fn counter_spec(counter: Counter) -> Option<&'static CounterSpec> {
    counters().iter().find(|spec| spec.counter == counter)
}

/// The history of all rows of an entity.
pub(crate) fn histories_of(entity: Entity) -> Vec<u8> {
    vec![tag::HISTORY, entity.code()]
}

/// A row's history.
pub(crate) fn histories(key: Key) -> Vec<u8> {
    with_id(histories_of(key.entity), key.id)
}

/// An entry of a row's history.
pub(crate) fn history(key: Key, version: Version) -> Bytes {
    let mut out = histories(key);
    out.extend_from_slice(&version.0.to_be_bytes());
    out.into()
}

/// The record of a commit.
pub(crate) fn feed(position: u64) -> Bytes {
    let mut key = vec![tag::FEED];
    key.extend_from_slice(&position.to_be_bytes());
    key.into()
}

/// The position in a key that [`feed`] made.
pub(crate) fn position(key: &[u8]) -> Option<u64> {
    match key.split_first() {
        Some((&tag::FEED, rest)) => rest.try_into().ok().map(u64::from_be_bytes),
        _ => None,
    }
}

/// A customer's feed.
pub(crate) fn customer_feeds(customer: UserId) -> Vec<u8> {
    with_id(vec![tag::CUSTOMER_FEED], customer.as_uuid())
}

/// The position of an event of a customer's feed.
pub(crate) fn customer_feed(customer: UserId, place: u64) -> Bytes {
    let mut key = customer_feeds(customer);
    key.extend_from_slice(&place.to_be_bytes());
    key.into()
}

/// The place in a key that [`customer_feed`] made.
pub(crate) fn customer_place(key: &[u8]) -> Option<u64> {
    match key.split_first() {
        Some((&tag::CUSTOMER_FEED, rest)) => rest.get(size_of::<Uuid>()..)?.try_into().ok().map(u64::from_be_bytes),
        _ => None,
    }
}

/// The command that an actor's idempotency key stands for.
pub(crate) fn remembered(actor: UserId, key: &str) -> Bytes {
    let mut out = vec![tag::REMEMBERED];
    push_remembered(&mut out, actor, key);
    out.into()
}

/// The same, by when it is forgotten.
pub(crate) fn expiry(until: Timestamp, actor: UserId, key: &str) -> Bytes {
    let mut out = expiries_until(until);
    push_remembered(&mut out, actor, key);
    out.into()
}

/// What every expiry key of this moment begins with. A moment's keys lie behind those of every earlier one.
pub(crate) fn expiries_until(until: Timestamp) -> Vec<u8> {
    let mut key = vec![tag::EXPIRY];
    push_int(&mut key, until.micros());
    key
}

/// The key of the command whose expiry this is: what follows the time is the same in both.
pub(crate) fn remembered_of_expiry(expiry: &[u8]) -> Option<Bytes> {
    let rest = expiry.get(1 + size_of::<i64>()..)?;
    let mut key = vec![tag::REMEMBERED];
    key.extend_from_slice(rest);
    Some(key.into())
}

/// The expiry of the command that stands under a key that [`remembered`] made.
pub(crate) fn expiry_of_remembered(until: Timestamp, remembered: &[u8]) -> Bytes {
    let mut out = expiries_until(until);
    out.extend_from_slice(remembered.get(1..).unwrap_or_default());
    out.into()
}

fn push_remembered(out: &mut Vec<u8>, actor: UserId, key: &str) {
    out.extend_from_slice(actor.as_uuid().as_bytes());
    push_text(out, key);
}

/// A piece of the value of `key`.
pub(crate) fn piece(key: &[u8], number: u32) -> Bytes {
    let mut out = Vec::with_capacity(key.len() + 5);
    out.push(tag::PIECE);
    out.extend_from_slice(key);
    out.extend_from_slice(&number.to_be_bytes());
    out.into()
}

/// The id at the end of a row's key or an index entry's.
pub(crate) fn trailing_id(key: &[u8]) -> Option<Uuid> {
    key.last_chunk().map(|bytes| Uuid::from_bytes(*bytes))
}

/// Appends an id.
pub(crate) fn with_id(mut key: Vec<u8>, id: Uuid) -> Vec<u8> {
    key.extend_from_slice(id.as_bytes());
    key
}

/// Where the keys that begin with `prefix` end.
pub(crate) fn prefix_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

fn column(entity: Entity, field: Field) -> Result<Column, WrongKind> {
    columns(entity).iter().find(|column| column.field == field).copied().ok_or(WrongKind)
}

/// What a key is of, for errors. Tells ids and names of fields, never the texts in keys, which may be personal.
pub(crate) fn describe(key: &[u8]) -> String {
    let entity = key.get(1).and_then(|code| Entity::from_code(*code)).map_or("unknown entity", Entity::as_str);
    let id = key.get(2..18).and_then(|bytes| Uuid::from_slice(bytes).ok()).unwrap_or_default();
    match key.first().copied() {
        Some(tag::META) => "the store's own record".to_owned(),
        Some(tag::ROW) => format!("{entity} {id}"),
        Some(tag::INDEX) => {
            format!("index {} of {entity}, entry of {}", key.get(2).unwrap_or(&0), trailing_id(key).unwrap_or_default())
        }
        Some(tag::UNIQUE) => {
            let field = key.get(2).and_then(|code| Field::from_code(*code)).map_or("field", Field::as_str);
            format!("unique {field} of {entity}")
        }
        Some(tag::COUNTER) => {
            let counter = key.get(1).and_then(|code| Counter::from_code(*code)).map_or("family", Counter::as_str);
            format!("counter of {counter}")
        }
        Some(tag::HISTORY) => {
            let version = key.get(18..26).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
            format!("history of {entity} {id} at version {version}")
        }
        Some(tag::FEED) => format!("feed at position {}", position(key).unwrap_or(0)),
        Some(tag::CUSTOMER_FEED) => {
            let customer = key.get(1..17).and_then(|bytes| Uuid::from_slice(bytes).ok()).unwrap_or_default();
            format!("feed of customer {customer} at {}", customer_place(key).unwrap_or(0))
        }
        Some(tag::REMEMBERED | tag::EXPIRY) => "a remembered idempotency key".to_owned(),
        Some(tag::PIECE) => format!("a piece of {}", describe(&key[1..])),
        _ => "an unknown key".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bsm_core::schema::{Kind, indexes, uniques};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_prefix_ends_where_its_keys_end(prefix: Vec<u8>, key: Vec<u8>) {
            let end = prefix_end(&prefix);
            let behind_start = key >= prefix;
            let before_end = match &end { Bound::Excluded(end) => key < *end, _ => true };
            prop_assert_eq!(behind_start && before_end, key.starts_with(&prefix));
        }
    }

    #[test]
    fn every_key_of_the_schema_can_be_built_and_is_short_enough() {
        let longest = "\u{10ffff}".repeat(400);
        let value = |column: Column| match column.kind {
            Kind::Text => Value::from(longest.as_str()),
            Kind::Id => Value::Id(Uuid::max()),
            Kind::Token => Value::Token { code: 1, text: "word" },
            Kind::Int => Value::Int(i64::MAX),
            Kind::Bool => Value::Bool(true),
            Kind::Time => Value::Time(Timestamp::MAX),
            Kind::Decimal => panic!("no key holds a decimal"),
            _ => panic!("a kind that keys don't know"),
        };
        let values = |entity, fields: &[Field]| -> Vec<Value<'_>> {
            fields.iter().map(|field| value(column(entity, *field).expect("a column"))).collect()
        };
        let mut lengths = Vec::new();
        for entity in Entity::ALL {
            for spec in indexes(*entity) {
                let group = index_group(*entity, spec.tag, spec.fields, &values(*entity, spec.fields)).expect("a key");
                lengths.push(group.len() + 16);
            }
            for field in uniques(*entity) {
                let only = &values(*entity, &[*field])[0];
                lengths.push(unique(*entity, *field, only).expect("a key").expect("not empty").len());
            }
        }
        for spec in counters() {
            lengths.push(counter(spec, &values(spec.entity, spec.by)).expect("a key").len());
        }
        lengths.push(expiry(Timestamp::MAX, UserId::from_uuid(Uuid::max()), &longest).len());
        assert!(lengths.iter().all(|length| length + 5 <= KEY_MAX), "{lengths:?}");
    }

    #[test]
    fn an_expiry_leads_to_its_command() {
        let actor = UserId::from_uuid(Uuid::from_u128(7));
        let expiry = expiry(Timestamp::MAX, actor, "again");
        assert_eq!(remembered_of_expiry(&expiry), Some(remembered(actor, "again")));
    }

    #[test]
    fn descriptions_tell_no_text() {
        let key =
            unique(Entity::User, Field::Email, &Value::from("ada@example.org")).expect("a key").expect("not empty");
        assert_eq!(describe(&key), "unique email of user");
        for length in 0..key.len() {
            assert!(!describe(&key[..length]).contains("ada"));
            describe(&piece(&key[..length], 1));
        }
    }
}
