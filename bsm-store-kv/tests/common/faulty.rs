//! A memory engine that claims to be durable, counts what is asked of it, keeps a head, and fails or waits on demand.

use std::io;
use std::ops::Bound;
use std::panic;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use bsm_core::store::{Committed, Store};
use bsm_store_kv::engine::{Batch, Direction, Engine, EngineError, EngineResult, Head, Op, View};
use bsm_store_kv::{Durability, KvOptions, KvStore, MemoryEngine};
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

/// Where the calls of one kind pass.
#[derive(Clone, Copy, Debug, Default)]
struct Gate {
    /// How many came so far.
    arrived: usize,
    /// They wait for as long as this test holds them.
    held: Option<ThreadId>,
    /// What then happens to them.
    fate: Fate,
}

/// What the test set, and what came.
#[derive(Clone, Copy, Debug, Default)]
struct Settings {
    applies: Gate,
    syncs: Gate,
    /// Of those who may wait: `try_view` does not come here.
    views: Gate,
    /// No view is had without waiting.
    no_try_view: bool,
    head: Option<Head>,
}

#[derive(Debug)]
pub struct FaultyEngine {
    pub inner: MemoryEngine,
    max_value_len: usize,
    durable: bool,
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

/// How often a call that is held looks whether its test is still there.
const LOOK: Duration = Duration::from_millis(20);
/// The threads whose test failed. What they held goes on, so that the store can be dropped, and the test ends.
static PANICKED: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

fn is_held_by(holder: ThreadId) -> bool {
    !PANICKED.lock().unwrap_or_else(PoisonError::into_inner).contains(&holder)
}

/// Who holds a gate from now on: this thread, until it panics.
fn holder(held: bool) -> Option<ThreadId> {
    static NOTED: Once = Once::new();
    NOTED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICKED.lock().unwrap_or_else(PoisonError::into_inner).push(thread::current().id());
            before(info);
        }));
    });
    held.then(|| thread::current().id())
}

impl FaultyEngine {
    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait_until(&self, over: impl Fn(&Settings) -> bool) -> MutexGuard<'_, Settings> {
        let mut settings = self.lock();
        while !over(&settings) {
            // Looked at now and then, since a test that panics tells nobody.
            settings = self.changed.wait_timeout(settings, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        settings
    }

    /// A call comes to its gate, waits there if it must, and meets its fate.
    fn pass(&self, gate: fn(&mut Settings) -> &mut Gate) -> EngineResult<()> {
        self.set(|settings| gate(settings).arrived += 1);
        let mut settings = *self.wait_until(|settings| !gate(&mut settings.clone()).held.is_some_and(is_held_by));
        meet(gate(&mut settings).fate)
    }

    pub fn on_apply(&self, fate: Fate) {
        self.set(|settings| settings.applies.fate = fate);
    }

    pub fn on_sync(&self, fate: Fate) {
        self.set(|settings| settings.syncs.fate = fate);
    }

    pub fn on_view(&self, fate: Fate) {
        self.set(|settings| settings.views.fate = fate);
    }

    pub fn hold_applies(&self, held: bool) {
        let holder = holder(held);
        self.set(|settings| settings.applies.held = holder);
    }

    pub fn hold_syncs(&self, held: bool) {
        let holder = holder(held);
        self.set(|settings| settings.syncs.held = holder);
    }

    pub fn hold_views(&self, held: bool) {
        let holder = holder(held);
        self.set(|settings| settings.views.held = holder);
    }

    pub fn refuse_try_view(&self) {
        self.set(|settings| settings.no_try_view = true);
    }

    /// How many batches came so far.
    pub fn applies(&self) -> usize {
        self.lock().applies.arrived
    }

    /// How many syncs came so far.
    pub fn syncs(&self) -> usize {
        self.lock().syncs.arrived
    }

    /// How many views were asked for so far by those who may wait.
    pub fn views(&self) -> usize {
        self.lock().views.arrived
    }

    /// Blocks until so many batches in all have come.
    pub fn wait_for_applies(&self, count: usize) {
        drop(self.wait_until(|settings| settings.applies.arrived >= count));
    }

    /// Blocks until so many syncs in all have come.
    pub fn wait_for_syncs(&self, count: usize) {
        drop(self.wait_until(|settings| settings.syncs.arrived >= count));
    }

    /// Blocks until so many views in all were asked for.
    pub fn wait_for_views(&self, count: usize) {
        drop(self.wait_until(|settings| settings.views.arrived >= count));
    }

    pub fn head(&self) -> Option<Head> {
        self.lock().head
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
        self.pass(|settings| &mut settings.views)?;
        self.inner.view()
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        let settings = *self.lock();
        meet(settings.views.fate)?;
        if settings.no_try_view { Ok(None) } else { self.inner.try_view() }
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
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
        self.pass(|settings| &mut settings.applies)?;
        self.inner.apply(batch)
    }

    fn sync(&self, head: Head) -> EngineResult<()> {
        self.pass(|settings| &mut settings.syncs)?;
        self.set_head(Some(head));
        Ok(())
    }

    fn acknowledged(&self) -> EngineResult<Option<Head>> {
        Ok(self.head())
    }
}

fn of(op: &Op) -> &Bytes {
    match op {
        Op::Put(key, _) | Op::Delete(key) => key,
    }
}

/// A store on an engine that the test keeps a hold of.
pub fn open(engine: &Arc<FaultyEngine>, durability: Durability) -> KvStore {
    KvStore::open(Arc::clone(engine), KvOptions { durability, epoch: None }).expect("a store")
}

/// An engine that claims to be durable, and a store on it.
pub fn durable() -> (Arc<FaultyEngine>, KvStore) {
    let engine = Arc::new(FaultyEngine::default());
    let store = open(&engine, Durability::Sync);
    (engine, store)
}

/// A commit under way.
pub type Commit<'s> = Pin<Box<dyn Future<Output = bsm_core::Result<Committed>> + Send + 's>>;

/// A commit of user `n`, begun, and held while it is applied until the test lets [applies](FaultyEngine::hold_applies) go on:
/// what is commanded meanwhile gathers behind it, as one group.
pub fn begin_and_hold<'s>(engine: &FaultyEngine, store: &'s KvStore, n: u32) -> Commit<'s> {
    engine.hold_applies(true);
    let applies = engine.applies();
    let mut commit = store.commit(super::insert([super::user(n).into()]));
    assert!(super::poll_once(&mut commit).is_none());
    engine.wait_for_applies(applies + 1);
    commit
}

/// A commit of user `n` that is applied, and held in its sync until the test lets [syncs](FaultyEngine::hold_syncs) go on.
pub fn apply_and_hold<'s>(engine: &FaultyEngine, store: &'s KvStore, n: u32) -> Commit<'s> {
    engine.hold_syncs(true);
    let syncs = engine.syncs();
    let mut commit = store.commit(super::insert([super::user(n).into()]));
    assert!(super::poll_once(&mut commit).is_none());
    engine.wait_for_syncs(syncs + 1);
    commit
}
