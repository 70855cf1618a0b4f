//! The engine without a disk: a sorted map behind a lock. For tests, demonstrations, and desks that live as long as their
//! process.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, TryLockError};

use bytes::Bytes;

use crate::engine::{Batch, Direction, Engine, EngineError, EngineResult, Head, Op, Pairs, View};

type Map = BTreeMap<Bytes, Bytes>;

/// An [`Engine`] on a [`BTreeMap`]. A view holds the map's read lock; applying a batch waits for the views.
///
/// ```
/// use bsm_store_kv::engine::{Batch, Engine, Op};
/// use bsm_store_kv::MemoryEngine;
///
/// let engine = MemoryEngine::default();
/// engine.apply(Batch::new(vec![Op::Put("key".into(), "value".into())]))?;
/// assert_eq!(engine.view()?.get(b"key")?.as_deref(), Some(b"value".as_slice()));
/// # Ok::<(), bsm_store_kv::engine::EngineError>(())
/// ```
#[derive(Default)]
pub struct MemoryEngine {
    map: RwLock<Map>,
}

impl fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEngine").finish_non_exhaustive()
    }
}

impl Engine for MemoryEngine {
    fn name(&self) -> String {
        "memory:".to_owned()
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        self.map.read().map(boxed).map_err(half_written)
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        match self.map.try_read() {
            Ok(map) => Ok(Some(boxed(map))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Poisoned(poison)) => Err(half_written(poison)),
        }
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        let mut map = self.map.write().map_err(half_written)?;
        for op in batch.into_ops() {
            match op {
                Op::Put(key, value) => {
                    map.insert(key, value);
                }
                Op::Delete(key) => {
                    map.remove(&key);
                }
            }
        }
        Ok(())
    }

    fn sync(&self, _head: Head) -> EngineResult<()> {
        Ok(())
    }
}

fn boxed<'a>(map: RwLockReadGuard<'a, Map>) -> Box<dyn View + 'a> {
    Box::new(MemoryView { map })
}

/// A panic while a batch was applied left it half applied: nothing is read from here on.
fn half_written<T>(_poison: PoisonError<T>) -> EngineError {
    EngineError::Damaged("a batch was left half applied".to_owned())
}

struct MemoryView<'a> {
    map: RwLockReadGuard<'a, Map>,
}

impl View for MemoryView<'_> {
    fn get(&self, key: &[u8]) -> EngineResult<Option<Bytes>> {
        Ok(self.map.get(key).cloned())
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, direction: Direction) -> Pairs<'_> {
        if holds_nothing(from, to) {
            return Box::new(std::iter::empty());
        }
        let pairs = self.map.range::<[u8], _>((from, to)).map(|(key, value)| Ok((key.clone(), value.clone())));
        match direction {
            Direction::Forward => Box::new(pairs),
            Direction::Backward => Box::new(pairs.rev()),
        }
    }
}

/// Whether no key can lie between the bounds: [`BTreeMap::range`] panics on such.
fn holds_nothing(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    use Bound::{Excluded, Included};
    match (from, to) {
        (Included(from), Included(to)) => from > to,
        (Included(from) | Excluded(from), Excluded(to)) | (Excluded(from), Included(to)) => from >= to,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(keys: &[u8]) -> MemoryEngine {
        let engine = MemoryEngine::default();
        let ops = keys.iter().map(|key| Op::Put(vec![*key].into(), Bytes::new())).collect();
        engine.apply(Batch::new(ops)).expect("applied");
        engine
    }

    fn bound() -> impl Strategy<Value = Bound<u8>> {
        prop_oneof![Just(Bound::Unbounded), (0..10_u8).prop_map(Bound::Included), (0..10_u8).prop_map(Bound::Excluded)]
    }

    proptest! {
        #[test]
        fn a_scan_gives_what_lies_between_its_bounds(
            mut keys in proptest::collection::vec(0..10_u8, 0..10), from in bound(), to in bound(), back: bool,
        ) {
            let engine = filled(&keys);
            let view = engine.view().expect("a view");
            let (low, high) = (from.map(|byte| [byte]), to.map(|byte| [byte]));
            let direction = if back { Direction::Backward } else { Direction::Forward };
            let found: Vec<u8> = view
                .scan(low.as_ref().map(<[u8; 1]>::as_slice), high.as_ref().map(<[u8; 1]>::as_slice), direction)
                .map(|pair| pair.expect("a pair").0[0])
                .collect();
            keys.sort_unstable();
            keys.dedup();
            keys.retain(|key| {
                (match from { Bound::Included(from) => *key >= from, Bound::Excluded(from) => *key > from, Bound::Unbounded => true })
                    && (match to { Bound::Included(to) => *key <= to, Bound::Excluded(to) => *key < to, Bound::Unbounded => true })
            });
            if back {
                keys.reverse();
            }
            prop_assert_eq!(found, keys);
        }
    }

    #[test]
    fn no_view_is_had_without_waiting_while_a_batch_is_applied() {
        let engine = filled(&[1]);
        let writing = engine.map.write().expect("nobody reads");
        assert!(engine.try_view().expect("no failure").is_none());
        drop(writing);
        assert!(engine.try_view().expect("no failure").is_some());
    }

    #[test]
    fn a_half_applied_batch_is_never_read() {
        let engine = filled(&[1]);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _writing = engine.map.write().expect("nobody reads");
            std::panic::resume_unwind(Box::new("in the middle of a batch"));
        }));
        assert!(panicked.is_err());
        assert!(matches!(engine.view().err(), Some(EngineError::Damaged(_))));
        assert!(matches!(engine.try_view().err(), Some(EngineError::Damaged(_))));
        assert!(matches!(engine.apply(Batch::default()).err(), Some(EngineError::Damaged(_))));
    }
}
