//! What the cases put into engines, and how they look at it.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::engine::{Batch, Direction, Engine, EngineResult, Head, Op, View};

/// The longest key that engines must take.
pub(crate) const KEY_MAX: usize = 300;

/// Keys and values, as a view gives them.
pub(crate) type Stock = Vec<(Vec<u8>, Vec<u8>)>;

/// A batch: the keys with what they have from then on; `None` deletes.
pub(crate) fn batch<K: AsRef<[u8]>>(writes: impl IntoIterator<Item = (K, Option<Vec<u8>>)>) -> Batch {
    // In the order of their keys, each once, as the layout gives them.
    let writes: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
        writes.into_iter().map(|(key, value)| (key.as_ref().to_vec(), value)).collect();
    let op = |(key, value): (Vec<u8>, Option<Vec<u8>>)| match value {
        Some(value) => Op::Put(key.into(), value.into()),
        None => Op::Delete(key.into()),
    };
    Batch::new(writes.into_iter().map(op).collect())
}

/// Puts keys.
pub(crate) fn put<K: AsRef<[u8]>>(
    engine: &dyn Engine,
    pairs: impl IntoIterator<Item = (K, Vec<u8>)>,
) -> EngineResult<()> {
    engine.apply(batch(pairs.into_iter().map(|(key, value)| (key, Some(value)))))
}

/// A head that says so much and no more.
pub(crate) fn head(position: u64) -> Head {
    Head { epoch: 1, position, digest: u128::from(position) << 64 }
}

/// A range, read to its end.
pub(crate) fn range(
    view: &dyn View,
    from: Bound<&[u8]>,
    to: Bound<&[u8]>,
    direction: Direction,
) -> EngineResult<Stock> {
    view.scan(from, to, direction).map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
}

/// All that a view has, after a look from both ends, and at each key alone.
pub(crate) fn everything(view: &dyn View) -> EngineResult<Stock> {
    let stock = range(view, Bound::Unbounded, Bound::Unbounded, Direction::Forward)?;
    let mut backward = range(view, Bound::Unbounded, Bound::Unbounded, Direction::Backward)?;
    backward.reverse();
    assert!(stock == backward, "a scan backward gives something else than one forward");
    for (key, value) in &stock {
        assert_eq!(view.get(key)?.as_deref(), Some(value.as_slice()), "get and scan differ about {key:?}");
    }
    Ok(stock)
}

/// Asserts that an engine has these pairs and no other.
#[track_caller]
pub(crate) fn has(engine: &dyn Engine, expected: &BTreeMap<Vec<u8>, Vec<u8>>) -> EngineResult<()> {
    let found = everything(&*engine.view()?)?;
    let lengths = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.len());
    let told = found.iter().map(|(key, value)| lengths((key, value))).collect::<Vec<_>>();
    // Lengths first: they are readable.
    assert_eq!(told, expected.iter().map(lengths).collect::<Vec<_>>());
    assert!(found.iter().map(|(key, value)| (key, value)).eq(expected), "values differ");
    Ok(())
}

/// A value of this length that says which it is.
pub(crate) fn value(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..length).map(|_| dice.byte()).collect()
}

/// Writes of keys that are near each other, now and then as long as keys may be; some delete.
pub(crate) fn random_writes(dice: &mut Dice) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut writes = Vec::new();
    for _ in 0..dice.below(60) {
        let mut key: Vec<u8> = (0..=dice.below(3)).map(|_| dice.byte() & 0x8f).collect();
        if dice.below(10) == 0 {
            key.resize(KEY_MAX, 7);
        }
        let value = (dice.below(4) > 0).then(|| vec![dice.byte(); dice.below(513)]);
        // Else one key would have several values in one batch.
        if writes.iter().all(|(written, _)| *written != key) {
            writes.push((key, value));
        }
    }
    writes
}

/// Does to a map what a batch of these writes does.
pub(crate) fn keep(map: &mut BTreeMap<Vec<u8>, Vec<u8>>, writes: &[(Vec<u8>, Option<Vec<u8>>)]) {
    for (key, value) in writes {
        match value {
            Some(value) => drop(map.insert(key.clone(), value.clone())),
            None => drop(map.remove(key)),
        }
    }
}

/// A key of [`Bytes`] that the layout could have.
pub(crate) fn key(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// The same numbers in every run: xorshift.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % end.max(1)
    }
}
