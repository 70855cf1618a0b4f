//! A memory engine that claims to be durable, counts what is asked of it, keeps a head, and fails or waits on demand.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use bsm_store_kv::MemoryEngine;
use bsm_store_kv::engine::{Batch, Direction, Engine, EngineError, EngineResult, Head, Op, View};
use bytes::Bytes;

/// What happens to one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It works.
    #[default]
    Works,
    /// It fails.
    Fails,
    /// It panics.
    Panics,
}

/// What the test set.
#[derive(Clone, Copy, Debug, Default)]
struct Settings {
    apply: Fate,
    sync: Fate,
    view: Fate,
    /// Syncs wait until this is over.
    held: bool,
    /// Syncs that arrived at the gate so far.
    arrived: usize,
    /// No view is had without waiting.
    no_try_view: bool,
    head: Option<Head>,
}

#[derive(Debug)]
pub struct FaultyEngine {
    pub inner: MemoryEngine,
    max_value_len: usize,
    durable: bool,
    applies: AtomicUsize,
    settings: Mutex<Settings>,
    changed: Condvar,
}

impl Default for FaultyEngine {
    fn default() -> Self {
        Self::new(true, usize::MAX)
    }
}

impl FaultyEngine {
    pub fn new(durable: bool, max_value_len: usize) -> Self {
        Self {
            inner: MemoryEngine::default(),
            max_value_len,
            durable,
            applies: AtomicUsize::new(0),
            settings: Mutex::default(),
            changed: Condvar::new(),
        }
    }
}

fn failure() -> EngineError {
    EngineError::Io(io::Error::other("the disk is gone"))
}

fn meet(fate: Fate) -> EngineResult<()> {
    match fate {
        Fate::Works => Ok(()),
        Fate::Fails => Err(failure()),
        Fate::Panics => std::panic::resume_unwind(Box::new("the engine broke")),
    }
}

impl FaultyEngine {
    fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn settings(&self) -> Settings {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn on_apply(&self, fate: Fate) {
        self.set(|settings| settings.apply = fate);
    }

    pub fn on_sync(&self, fate: Fate) {
        self.set(|settings| settings.sync = fate);
    }

    pub fn on_view(&self, fate: Fate) {
        self.set(|settings| settings.view = fate);
    }

    /// Lets syncs wait, or go on.
    pub fn hold_syncs(&self, held: bool) {
        self.set(|settings| settings.held = held);
    }

    pub fn refuse_try_view(&self) {
        self.set(|settings| settings.no_try_view = true);
    }

    /// How many batches came so far.
    pub fn applies(&self) -> usize {
        self.applies.load(Ordering::SeqCst)
    }

    /// How many syncs came so far.
    pub fn syncs(&self) -> usize {
        self.settings().arrived
    }

    /// Blocks until `count` syncs in all have come to the gate.
    pub fn wait_for_syncs(&self, count: usize) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        while settings.arrived < count {
            settings = self.changed.wait(settings).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn head(&self) -> Option<Head> {
        self.settings().head
    }

    pub fn set_head(&self, head: Option<Head>) {
        self.set(|settings| settings.head = head);
    }

    /// All pairs, as they lie there.
    pub fn dump(&self) -> Vec<(Bytes, Bytes)> {
        let view = self.inner.view().expect("a view");
        view.scan(Bound::Unbounded, Bound::Unbounded, Direction::Forward).collect::<EngineResult<_>>().expect("pairs")
    }

    /// Writes behind the store's back.
    pub fn put(&self, key: &Bytes, value: &Bytes) {
        self.inner.apply(Batch::new(vec![Op::Put(key.clone(), value.clone())])).expect("applied");
    }

    /// Deletes behind the store's back.
    pub fn remove(&self, key: &Bytes) {
        self.inner.apply(Batch::new(vec![Op::Delete(key.clone())])).expect("applied");
    }

    /// An engine with the same pairs and head.
    pub fn copy(&self) -> Self {
        let copy = Self::new(self.durable, self.max_value_len);
        let ops = self.dump().into_iter().map(|(key, value)| Op::Put(key, value)).collect();
        copy.inner.apply(Batch::new(ops)).expect("applied");
        copy.set_head(self.head());
        copy
    }
}

impl Engine for FaultyEngine {
    fn name(&self) -> String {
        "faulty:".to_owned()
    }

    fn is_durable(&self) -> bool {
        self.durable
    }

    fn max_value_len(&self) -> usize {
        self.max_value_len
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        meet(self.settings().view)?;
        self.inner.view()
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        let settings = self.settings();
        meet(settings.view)?;
        if settings.no_try_view { Ok(None) } else { self.inner.try_view() }
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        self.applies.fetch_add(1, Ordering::SeqCst);
        assert!(batch.ops().is_sorted_by(|a, b| of(a) < of(b)), "in order, each key once");
        for op in batch.ops() {
            if let Op::Put(key, value) = op {
                assert!(
                    key.len() <= 300 && value.len() <= self.max_value_len.max(512),
                    "{} {}",
                    key.len(),
                    value.len()
                );
            }
        }
        meet(self.settings().apply)?;
        self.inner.apply(batch)
    }

    fn sync(&self, head: Head) -> EngineResult<()> {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.arrived += 1;
        self.changed.notify_all();
        while settings.held {
            settings = self.changed.wait(settings).unwrap_or_else(PoisonError::into_inner);
        }
        meet(settings.sync)?;
        settings.head = Some(head);
        Ok(())
    }

    fn acknowledged(&self) -> EngineResult<Option<Head>> {
        Ok(self.settings().head)
    }
}

fn of(op: &Op) -> &Bytes {
    match op {
        Op::Put(key, _) | Op::Delete(key) => key,
    }
}
