//! Keys and values come back as they were written, of every length that they may have.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::Outcome;
use super::stock::{KEY_MAX, batch, everything, has, key, put, range, value};
use crate::engine::{Direction, Engine};

/// More is not tried of an engine that takes values of any length.
const LONG: usize = 1 << 20;

/// The longest value that the engine is given.
fn longest(engine: &dyn Engine) -> usize {
    engine.max_value_len().clamp(512, LONG)
}

/// A fresh engine has no key, and was told of no commit.
pub fn an_empty_engine_has_nothing(engine: &dyn Engine) -> Outcome {
    assert_eq!(engine.acknowledged()?, None);
    let view = engine.view()?;
    assert_eq!(everything(&*view)?, []);
    assert_eq!(view.get(b"key")?, None);
    assert_eq!(range(&*view, Bound::Included(b"a"), Bound::Excluded(b"z"), Direction::Backward)?, []);
    assert!(!engine.name().is_empty(), "errors name the engine");
    Ok(())
}

/// Keys of 1 to 300 bytes are kept, and each is another than those that begin like it.
pub fn keys_of_every_length_are_kept(engine: &dyn Engine) -> Outcome {
    let lengths = 1..=KEY_MAX;
    let pairs = |byte: u8| lengths.clone().map(move |length| (vec![byte; length], length.to_be_bytes().to_vec()));
    let expected: BTreeMap<_, _> = pairs(0x00).chain(pairs(0xff)).chain(pairs(b'k')).collect();
    put(engine, expected.clone())?;
    has(engine, &expected)
}

/// Values of 0 bytes up to the longest that the engine names are kept, bit for bit.
pub fn values_of_every_length_are_kept(engine: &dyn Engine) -> Outcome {
    let longest = longest(engine);
    let lengths = [0, 1, 2, 255, 256, 511, 512, 1_000, 4_095, 4_096, 65_536, longest - 1, longest];
    let mut expected = BTreeMap::new();
    for length in lengths.into_iter().filter(|length| *length <= longest) {
        expected.insert(key(length as u64).to_vec(), value(length as u64, length));
    }
    expected.insert(b"zeroes".to_vec(), vec![0; longest]);
    put(engine, expected.clone())?;
    has(engine, &expected)
}

/// Many of the longest values under the longest keys, in one batch and over many, replaced and deleted.
pub fn the_longest_keys_have_the_longest_values(engine: &dyn Engine) -> Outcome {
    let longest = longest(engine).min(16 << 10);
    let long = |number: u64| [vec![b'k'; KEY_MAX - 8], key(number).to_vec()].concat();
    let mut expected = BTreeMap::new();
    for round in 0..4 {
        let pairs = (0..100).filter(|number| number % 4 != round).map(|number| (long(number), value(round, longest)));
        expected.extend(pairs.clone());
        put(engine, pairs)?;
        let gone = (0..100).filter(|number| number % 7 == round).map(long);
        engine.apply(batch(gone.clone().map(|key| (key, None))))?;
        gone.for_each(|key| drop(expected.remove(&key)));
        has(engine, &expected)?;
    }
    Ok(())
}

/// What was read stays as it was, when its view is gone and the key has another value.
pub fn what_was_read_outlives_its_view(engine: &dyn Engine) -> Outcome {
    let long = value(1, longest(engine).min(2_000));
    put(engine, [(b"empty".as_slice(), Vec::new()), (b"long", long.clone())])?;
    let (read, scanned) = {
        let view = engine.view()?;
        let scanned: Result<Vec<_>, _> = view.scan(Bound::Unbounded, Bound::Unbounded, Direction::Forward).collect();
        (view.get(b"long")?, scanned?)
    };
    engine.apply(batch([(b"empty".as_slice(), None), (b"long", Some(vec![2]))]))?;
    put(engine, (0..1_000).map(|number| (key(number), vec![3; 100])))?;
    assert_eq!(read.as_deref(), Some(long.as_slice()));
    let scanned: Vec<(&[u8], &[u8])> = scanned.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(scanned, [(b"empty".as_slice(), b"".as_slice()), (b"long", &long)]);
    Ok(())
}
