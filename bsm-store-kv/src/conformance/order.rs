//! An engine is a map whose keys stand in the order of their bytes.

use std::collections::BTreeMap;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use super::Outcome;
use super::stock::{Dice, KEY_MAX, Stock, batch, everything, has, keep, put, random_writes, range};
use crate::engine::{Direction, Engine};

/// Keys that are near each other: beginnings of one another, with bytes at both ends of their range.
fn near() -> Vec<Vec<u8>> {
    let bytes = [0x00, 0x01, 0x7f, 0x80, 0xff];
    let one = bytes.iter().map(|byte| vec![*byte]);
    let two = bytes.iter().flat_map(|first| bytes.iter().map(move |second| vec![*first, *second]));
    let long = bytes.iter().map(|byte| vec![*byte; KEY_MAX]);
    let mut keys: Vec<Vec<u8>> = one.chain(two).chain(long).collect();
    keys.sort_unstable();
    keys
}

/// What lies between two bounds, told by comparing.
fn between(stock: &Stock, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Stock {
    let behind = |key: &[u8]| match from {
        Included(from) => key >= from,
        Excluded(from) => key > from,
        Unbounded => true,
    };
    let before = |key: &[u8]| match to {
        Included(to) => key <= to,
        Excluded(to) => key < to,
        Unbounded => true,
    };
    stock.iter().filter(|(key, _)| behind(key) && before(key)).cloned().collect()
}

/// Keys are compared byte by byte, as numbers without a sign, and one that is the beginning of another stands before it.
pub fn keys_come_in_the_order_of_their_bytes(engine: &dyn Engine) -> Outcome {
    let sorted = near();
    // Every third key first, so that the order of writing is another.
    for part in 0..3 {
        put(engine, sorted.iter().skip(part).step_by(3).map(|key| (key, key[..1].to_vec())))?;
    }
    let found: Vec<Vec<u8>> = everything(&*engine.view()?)?.into_iter().map(|(key, _)| key).collect();
    assert_eq!(found, sorted);
    Ok(())
}

/// A scan keeps to its bounds, of every kind, in both directions, whether a key stands at a bound or not.
pub fn every_kind_of_bound_is_kept(engine: &dyn Engine) -> Outcome {
    let stock: Stock = near().into_iter().step_by(2).map(|key| (key.clone(), key)).collect();
    put(engine, stock.iter().cloned())?;
    let all = near();
    let bounds: Vec<Bound<&[u8]>> =
        all.iter().flat_map(|key| [Included(key.as_slice()), Excluded(key.as_slice())]).chain([Unbounded]).collect();
    let view = engine.view()?;
    for from in &bounds {
        for to in &bounds {
            let mut expected = between(&stock, *from, *to);
            assert_eq!(range(&*view, *from, *to, Direction::Forward)?, expected, "{from:?} to {to:?}");
            expected.reverse();
            assert_eq!(range(&*view, *from, *to, Direction::Backward)?, expected, "{from:?} to {to:?}, backward");
        }
    }
    Ok(())
}

/// Bounds with nothing between them, and bounds that are the wrong way round, give nothing, and no panic.
pub fn bounds_with_nothing_between_them_give_nothing(engine: &dyn Engine) -> Outcome {
    put(engine, [(b"b", vec![1]), (b"d", vec![2])])?;
    let view = engine.view()?;
    let (b, c, d) = (b"b".as_slice(), b"c".as_slice(), b"d".as_slice());
    let bounds = [
        (Included(d), Included(b)),
        (Included(d), Excluded(b)),
        (Excluded(d), Included(b)),
        (Excluded(d), Excluded(b)),
        (Excluded(b), Excluded(b)),
        (Included(b), Excluded(b)),
        (Excluded(b), Included(b)),
        (Excluded(b), Excluded(d)),
        (Included(c), Included(c)),
        (Unbounded, Excluded(b)),
        (Excluded(d), Unbounded),
    ];
    for (from, to) in bounds {
        for direction in [Direction::Forward, Direction::Backward] {
            assert_eq!(range(&*view, from, to, direction)?, Stock::new(), "{from:?} to {to:?}");
        }
    }
    Ok(())
}

/// After any number of batches an engine has what a sorted map would have.
pub fn it_is_a_sorted_map(engine: &dyn Engine) -> Outcome {
    let mut dice = Dice::new(3);
    let mut model = BTreeMap::new();
    for _ in 0..40 {
        let writes = random_writes(&mut dice);
        keep(&mut model, &writes);
        engine.apply(batch(writes))?;
    }
    has(engine, &model)
}
