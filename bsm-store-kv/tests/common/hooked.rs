//! A memory engine on which something happens just before a view is taken by a reader: the interleavings of reads and
//! commands that races hit by chance, every time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bsm_store_kv::engine::{Batch, Engine, EngineResult, Head, View};
use bsm_store_kv::{KvOptions, KvStore, MemoryEngine};

type Action = Box<dyn FnOnce() + Send>;

/// How many views are taken before something happens, and what.
#[derive(Default)]
struct Planned {
    behind: usize,
    action: Option<Action>,
}

#[derive(Default)]
pub struct HookedEngine {
    inner: MemoryEngine,
    planned: Mutex<Planned>,
}

impl HookedEngine {
    /// Before the next view of a reader but `behind`, `action` happens. Until then no view is had without waiting.
    pub fn before_view(&self, behind: usize, action: impl FnOnce() + Send + 'static) {
        *self.planned.lock().unwrap_or_else(PoisonError::into_inner) =
            Planned { behind, action: Some(Box::new(action)) };
    }

    fn next(&self) -> Option<Action> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        if planned.behind == 0 {
            return planned.action.take();
        }
        planned.behind -= 1;
        None
    }
}

/// A store on it, and the engine.
pub fn hooked() -> (Arc<HookedEngine>, Arc<KvStore>) {
    let engine = Arc::new(HookedEngine::default());
    let store = KvStore::open(Arc::clone(&engine), KvOptions::default()).expect("a store");
    (engine, Arc::new(store))
}

impl fmt::Debug for HookedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookedEngine").finish_non_exhaustive()
    }
}

impl Engine for HookedEngine {
    fn name(&self) -> String {
        "hooked:".to_owned()
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        let is_reader = std::thread::current().name().is_none_or(|name| !name.starts_with("bsm-commit"));
        if is_reader && let Some(action) = self.next() {
            action();
        }
        self.inner.view()
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        if self.planned.lock().unwrap_or_else(PoisonError::into_inner).action.is_some() {
            return Ok(None);
        }
        self.inner.try_view()
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        self.inner.apply(batch)
    }

    fn sync(&self, head: Head) -> EngineResult<()> {
        self.inner.sync(head)
    }
}
