//! A batch happens whole or not at all, and a view sees one moment.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::Outcome;
use super::stock::{batch, everything, has, key, put};
use crate::engine::{Batch, Direction, Engine, EngineResult, View};

/// A key that is put again has the new value, be it longer, shorter, or empty.
pub fn a_put_replaces(engine: &dyn Engine) -> Outcome {
    for length in [10, 500, 0, 1, 512, 3] {
        put(engine, [(b"key".as_slice(), vec![1; length]), (b"other", vec![2])])?;
        let expected = [(b"key".to_vec(), vec![1; length]), (b"other".to_vec(), vec![2])];
        has(engine, &BTreeMap::from(expected))?;
    }
    Ok(())
}

/// Deleting a key that is not there is fine, in an empty engine and beside keys that begin like it.
pub fn a_deletion_of_nothing_is_fine(engine: &dyn Engine) -> Outcome {
    let gone = || batch([(b"k".as_slice(), None), (b"key", None), (b"keys", None)]);
    engine.apply(gone())?;
    has(engine, &BTreeMap::new())?;
    put(engine, [(b"ke", vec![1])])?;
    engine.apply(gone())?;
    engine.apply(gone())?;
    has(engine, &BTreeMap::from([(b"ke".to_vec(), vec![1])]))
}

/// A batch of nothing is applied like any other.
pub fn an_empty_batch_is_fine(engine: &dyn Engine) -> Outcome {
    engine.apply(Batch::default())?;
    put(engine, [(b"key", vec![1])])?;
    engine.apply(Batch::default())?;
    has(engine, &BTreeMap::from([(b"key".to_vec(), vec![1])]))
}

/// 10,000 keys are one batch.
pub fn a_large_batch_is_one_batch(engine: &dyn Engine) -> Outcome {
    let pairs = |byte| (0..10_000).map(move |number| (key(number).to_vec(), vec![byte; 200]));
    put(engine, pairs(1))?;
    has(engine, &pairs(1).collect())?;
    put(engine, pairs(2))?;
    has(engine, &pairs(2).collect())?;
    engine.apply(batch(pairs(2).map(|(key, _)| (key, None))))?;
    has(engine, &BTreeMap::new())
}

const KEYS: u64 = 100;
const LOOKERS: usize = 3;
/// How often each looks at least, while batches are applied.
const LOOKS: u64 = 40;

/// Moves all keys to `number`; the last is there at odd ones only.
fn step(number: u64) -> Batch {
    let value = Some(number.to_be_bytes().to_vec());
    batch((0..KEYS).map(|at| (key(at), if at + 1 == KEYS && number.is_multiple_of(2) { None } else { value.clone() })))
}

/// Looks at all keys, and asserts that they are at one number. Returns it.
fn look(view: &dyn View) -> EngineResult<u64> {
    let first = view.get(&key(0))?.unwrap_or_default();
    let number = first[..].try_into().map_or_else(|_| panic!("a key lost its value"), u64::from_be_bytes);
    let stock = everything(view)?;
    assert!(stock.iter().all(|(_, value)| *value == first), "a view saw a batch in part");
    assert_eq!(stock.len() as u64, KEYS - u64::from(number.is_multiple_of(2)), "a view saw a batch in part");
    assert_eq!(view.get(&key(0))?.unwrap_or_default(), first, "a view changed");
    Ok(number)
}

/// While one thread moves all keys on, batch by batch, every view that others take sees all of them at one number, and
/// never a lower one than before.
pub fn a_batch_is_seen_whole_or_not_at_all(engine: &dyn Engine) -> Outcome {
    engine.apply(step(0))?;
    let done = AtomicBool::new(false);
    let looks: [AtomicU64; LOOKERS] = Default::default();
    thread::scope(|scope| {
        let lookers: Vec<_> = looks
            .iter()
            .enumerate()
            .map(|(place, looks)| {
                let done = &done;
                scope.spawn(move || -> Outcome {
                    let mut before = 0;
                    while !done.load(Ordering::SeqCst) {
                        // Some wait for their view, some do not.
                        let view = if place == 0 { Some(engine.view()?) } else { engine.try_view()? };
                        if let Some(view) = view {
                            let number = look(&*view)?;
                            assert!(number >= before, "a later view saw an earlier state");
                            before = number;
                            looks.fetch_add(1, Ordering::SeqCst);
                        }
                        thread::yield_now();
                    }
                    Ok(())
                })
            })
            .collect();
        let stepping = (|| -> Outcome {
            let mut number = 0;
            // Who looks must be seen to look; one that fails stops looking.
            let looking = || looks.iter().any(|looks| looks.load(Ordering::SeqCst) < LOOKS);
            while number < 100 || (looking() && !lookers.iter().any(thread::ScopedJoinHandle::is_finished)) {
                number += 1;
                engine.apply(step(number))?;
                // Whoever applies a batch sees it.
                assert_eq!(look(&*engine.view()?)?, number, "a batch that was applied is not seen");
            }
            Ok(())
        })();
        done.store(true, Ordering::SeqCst);
        for looker in lookers {
            looker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        stepping
    })
}

/// A view does not see what is applied after it was taken, nor does a scan that had begun. (The batch may have to wait
/// for the view.)
pub fn a_view_stands_still(engine: &dyn Engine) -> Outcome {
    engine.apply(step(1))?;
    for number in 1..20 {
        let view = engine.view()?;
        let begun = AtomicBool::new(false);
        thread::scope(|scope| {
            let mut scan = view.scan(Bound::Unbounded, Bound::Unbounded, Direction::Forward);
            let first = scan.next().transpose()?;
            let applying = scope.spawn(|| {
                begun.store(true, Ordering::SeqCst);
                engine.apply(step(number + 1))
            });
            while !begun.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            for _ in 0..5 {
                assert_eq!(look(&*view)?, number, "a view saw what came after it");
                thread::yield_now();
            }
            let rest: Result<Vec<_>, _> = first.map(Ok).into_iter().chain(scan).collect();
            let rest = rest?;
            assert_eq!(rest.len() as u64, KEYS - u64::from(number.is_multiple_of(2)), "a scan saw what came after it");
            assert!(rest.iter().all(|(_, value)| **value == number.to_be_bytes()), "a scan saw what came after it");
            drop(view);
            applying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        assert_eq!(look(&*engine.view()?)?, number + 1);
    }
    Ok(())
}
