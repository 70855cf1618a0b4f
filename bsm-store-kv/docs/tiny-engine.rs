//! A whole engine, as small as one can be: a sorted map that is copied when a batch meets a view.
//!
//! It passes the whole suite, so it tells what an engine must do; its comments tell what a real one does otherwise.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use bsm_store_kv::engine::{Batch, Bytes, Direction, Engine, EngineResult, Head, Op, Pairs, View};

type Map = BTreeMap<Bytes, Bytes>;

/// A map in memory.
#[derive(Debug, Default)]
pub struct TinyEngine {
    map: Mutex<Arc<Map>>,
}

impl Engine for TinyEngine {
    // A real one has an `open` of its own besides, which locks the place, makes what is missing (named tables, too: they
    // are read before the first batch), and fails with a `bsm_core::Error`.

    fn name(&self) -> String {
        // A real one says where it is: `mine:/var/lib/desk`.
        "tiny:".to_owned()
    }

    fn is_durable(&self) -> bool {
        // A real one leaves this out: it says yes unless told otherwise. It can be opened again, then, with everything
        // that was synced.
        false
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        // The view has a map of its own, which no batch changes. A real engine has snapshots; one that has none may hold
        // a lock in its view, which keeps batches waiting.
        let map = Arc::clone(&self.map.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Box::new(TinyView(map)))
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        // Whatever `view` may wait for is only tried here. A look into a file is fine.
        match self.map.try_lock() {
            Ok(map) => Ok(Some(Box::new(TinyView(Arc::clone(&map))))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Poisoned(poison)) => Ok(Some(Box::new(TinyView(Arc::clone(&poison.into_inner()))))),
        }
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        // A real one may wait here for a sync under way, if it has one writer at a time: before it takes what views need.
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        // Copied only if somebody has a view of it. A real engine writes a log first, with a mark behind the batch: after
        // a crash, what has no mark never was.
        let next = Arc::make_mut(&mut map);
        for op in batch.into_ops() {
            match op {
                Op::Put(key, value) => drop(next.insert(key, value)),
                Op::Delete(key) => drop(next.remove(&key)),
            }
        }
        Ok(())
    }

    fn sync(&self, _head: Head) -> EngineResult<()> {
        // A real one has its log on the disk when this returns, and then `head`, so that `acknowledged` can tell it. One in
        // one file, whose transactions are on disk when its library says so, makes one such here and ignores `head`.
        Ok(())
    }
}

struct TinyView(Arc<Map>);

impl View for TinyView {
    fn get(&self, key: &[u8]) -> EngineResult<Option<Bytes>> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, direction: Direction) -> Pairs<'_> {
        use Bound::{Excluded, Included};
        // A range of a BTreeMap panics where nothing can lie between the bounds.
        if let (Included(low) | Excluded(low), Included(high) | Excluded(high)) = (from, to)
            && (low > high || (low == high && !matches!((from, to), (Included(_), Included(_)))))
        {
            return Box::new(std::iter::empty());
        }
        let pairs = self.0.range::<[u8], _>((from, to)).map(|(key, value)| Ok((key.clone(), value.clone())));
        match direction {
            Direction::Forward => Box::new(pairs),
            Direction::Backward => Box::new(pairs.rev()),
        }
    }
}
