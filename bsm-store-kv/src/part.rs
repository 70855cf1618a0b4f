//! Parts of keys: one value each, in bytes that keep the order of the values and end by themselves.
//!
//! [`crate::key`] puts them together. Pure functions.

use bsm_core::model::Value;
use bsm_core::schema::{Column, Kind};
use xxhash_rust::xxh3::xxh3_128;

/// The most bytes of a text, escaped, that stand in a key. A longer one is cut there and goes on with its digest: texts
/// that long, alike so far, are told apart but not ordered.
const TEXT_MAX: usize = 224;

const SIGN: u64 = 1 << 63;

/// A value was to stand in a key, and is not of its column's kind (or of a kind that no key holds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongKind;

/// Appends a value of a column, in an encoding that keeps the order of the values and ends by itself.
pub(crate) fn push_part(out: &mut Vec<u8>, column: Column, value: &Value<'_>) -> Result<(), WrongKind> {
    if value.is_null() {
        return if column.optional {
            out.push(0);
            Ok(())
        } else {
            Err(WrongKind)
        };
    }
    if column.optional {
        out.push(1);
    }
    match (column.kind, value) {
        (Kind::Token, Value::Token { code, .. }) => out.push(*code),
        (Kind::Bool, Value::Bool(value)) => out.push(u8::from(*value)),
        (Kind::Int, Value::Int(value)) => push_int(out, *value),
        (Kind::Time, Value::Time(value)) => push_int(out, value.micros()),
        (Kind::Id, Value::Id(value)) => out.extend_from_slice(value.as_bytes()),
        (Kind::Text, Value::Text(value)) => push_text(out, value),
        _ => return Err(WrongKind),
    }
    Ok(())
}

/// With its sign flipped, a number's bytes stand in the order of the numbers.
pub(crate) fn push_int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&(value.cast_unsigned() ^ SIGN).to_be_bytes());
}

/// The bytes, ended by 0. A 0 or 1 inside is written as 1 1 or 1 2, so that the end comes before whatever else may
/// follow. A text longer than [`TEXT_MAX`] is cut there, and ends with 1 0 and its digest.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    for byte in text.bytes() {
        if byte <= 1 {
            out.extend_from_slice(&[1, byte + 1]);
        } else {
            out.push(byte);
        }
        if out.len() - start > TEXT_MAX {
            out.truncate(start + TEXT_MAX);
            out.extend_from_slice(&[1, 0]);
            out.extend_from_slice(&xxh3_128(text.as_bytes()).to_be_bytes());
            return;
        }
    }
    out.push(0);
}

#[cfg(test)]
mod tests {
    use bsm_core::model::{Entity, Timestamp};
    use bsm_core::schema::{Field, columns};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn part(kind: Kind, optional: bool, value: &Value<'_>) -> Vec<u8> {
        let column = Column { field: Field::Id, kind, optional, personal: false, in_history: false };
        let mut out = Vec::new();
        push_part(&mut out, column, value).expect("of its kind");
        out
    }

    fn short_text() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![Just('\0'), Just('\u{1}'), Just('\u{2}'), Just('a'), any::<char>()],
            0..24,
        )
        .prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn ints_stand_in_their_order(a: i64, b: i64) {
            let key = |value| part(Kind::Int, false, &Value::Int(value));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }

        #[test]
        fn ids_stand_in_their_order(a: u128, b: u128) {
            let (a, b) = (Uuid::from_u128(a), Uuid::from_u128(b));
            let key = |value| part(Kind::Id, false, &Value::Id(value));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }

        #[test]
        fn texts_stand_in_their_order_whatever_follows(a in short_text(), b in short_text(), x: [u8; 16], y: [u8; 16]) {
            let key = |text: &str, id: &[u8]| {
                let mut key = part(Kind::Text, false, &Value::from(text));
                key.extend_from_slice(id);
                key
            };
            let order = a.as_bytes().cmp(b.as_bytes()).then(x.cmp(&y));
            prop_assert_eq!(key(&a, &x).cmp(&key(&b, &y)), order);
        }

        #[test]
        fn long_texts_stay_apart_and_short_enough(a in "[ab\0]{200,600}", b in "[ab\0]{200,600}") {
            let key = |text: &str| part(Kind::Text, false, &Value::from(text));
            prop_assert_eq!(key(&a) == key(&b), a == b);
            prop_assert!(key(&a).len() <= TEXT_MAX + 18);
        }

        #[test]
        fn an_empty_value_comes_before_every_other(a in proptest::option::of(short_text()), b in proptest::option::of(short_text())) {
            let key = |text: &Option<String>| part(Kind::Text, true, &text.as_ref().into());
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.as_ref().map(String::as_bytes).cmp(&b.as_ref().map(String::as_bytes)));
        }
    }

    #[test]
    fn times_and_bools_and_tokens_stand_in_their_order() {
        let time = |micros| part(Kind::Time, false, &Value::Time(Timestamp::MIN.plus_micros(micros)));
        assert!(time(0) < time(1) && time(255) < time(256) && time(i64::from(u32::MAX)) < time(1 << 40));
        let yes = |value| part(Kind::Bool, false, &Value::Bool(value));
        assert!(yes(false) < yes(true));
        let token = |code| part(Kind::Token, false, &Value::Token { code, text: "" });
        assert!(token(1) < token(2));
    }

    #[test]
    fn a_value_of_another_kind_makes_no_key() {
        let mut out = Vec::new();
        let email = *columns(Entity::User).iter().find(|column| column.field == Field::Email).expect("a column");
        assert_eq!(push_part(&mut out, email, &Value::Int(1)), Err(WrongKind));
        assert_eq!(push_part(&mut out, email, &Value::Null), Err(WrongKind));
    }
}
