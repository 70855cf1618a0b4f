//! The suite for engines finds what it says it finds: an engine with one flaw fails the cases that are about it, and the
//! same engine without a flaw passes them all.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bsm_core::Error;
use bsm_store_kv::MemoryEngine;
use bsm_store_kv::conformance::{Place, cases};
use bsm_store_kv::engine::{Batch, Bytes, Direction, Engine, EngineError, EngineResult, Head, Op, Pairs, View};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    /// A batch is applied in two halves.
    Halves,
    /// Views see what is applied after them.
    Restless,
    /// Keys are compared as signed bytes.
    Signed,
    /// Bounds that are excluded are included.
    Generous,
    /// A range that can't be panics.
    Strict,
    /// Keys are cut at 255 bytes.
    ShortKeys,
    /// Values are cut at 255 bytes.
    ShortValues,
    /// Empty values are not there.
    NoEmpty,
    /// Deletions are forgotten when it is opened again.
    Undead,
    /// The last batch of a sync is not on disk.
    Late,
    /// A batch that no sync covered is lost, the one after it is not.
    Gap,
    /// Of a batch that no sync covered the half is lost.
    Torn,
    /// The head of the first sync stays.
    OldHead,
    /// It can be opened twice at once.
    Twice,
    /// Opened a second time, it refuses, and does not say why.
    Vague,
    /// It is open for ever.
    Clinging,
}

/// What is left of an engine when it is dropped.
#[derive(Default)]
struct Disk {
    open: bool,
    batches: Vec<Batch>,
    synced: usize,
    head: Option<Head>,
}

struct Flawed {
    flaw: Flaw,
    map: MemoryEngine,
    disk: Arc<Mutex<Disk>>,
}

impl std::fmt::Debug for Flawed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.flaw.fmt(f)
    }
}

impl Flawed {
    fn open(flaw: Flaw, shared: &Arc<Mutex<Disk>>) -> bsm_core::Result<Self> {
        let unavailable = |error: EngineError| Error::Unavailable { store: "flawed:".to_owned(), source: error.into() };
        let mut disk = shared.lock().expect("nobody panicked");
        match flaw {
            Flaw::Twice => {}
            Flaw::Vague if disk.open => return Err(unavailable(EngineError::Other("it can't be locked".into()))),
            _ if disk.open => return Err(Error::InUse { place: "flawed:".into() }),
            _ => {}
        }
        let synced = disk.synced;
        let unsynced = disk.batches.len() - synced;
        match flaw {
            Flaw::Late if synced > 0 => drop(disk.batches.remove(synced - 1)),
            Flaw::Gap if unsynced > 1 => drop(disk.batches.remove(synced)),
            Flaw::Torn if unsynced > 0 => {
                let last = disk.batches.pop().expect("there is one").into_ops();
                disk.batches.push(Batch::new(last[..last.len() / 2].to_vec()));
            }
            _ => {}
        }
        let map = MemoryEngine::default();
        for batch in &disk.batches {
            let kept = |op: &&Op| flaw != Flaw::Undead || matches!(op, Op::Put(..));
            map.apply(Batch::new(batch.ops().iter().filter(kept).cloned().collect())).map_err(unavailable)?;
        }
        disk.synced = disk.batches.len();
        disk.open = true;
        drop(disk);
        Ok(Self { flaw, map, disk: Arc::clone(shared) })
    }

    fn key(&self, key: &[u8]) -> Vec<u8> {
        let mut key = key.to_vec();
        match self.flaw {
            Flaw::Signed => key.iter_mut().for_each(|byte| *byte ^= 0x80),
            Flaw::ShortKeys => key.truncate(255),
            _ => {}
        }
        key
    }
}

impl Drop for Flawed {
    fn drop(&mut self) {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).open = self.flaw == Flaw::Clinging;
    }
}

impl Engine for Flawed {
    fn name(&self) -> String {
        format!("flawed:{:?}", self.flaw)
    }

    fn max_value_len(&self) -> usize {
        4_096
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        let still = if self.flaw == Flaw::Restless { None } else { Some(self.map.view()?) };
        Ok(Box::new(FlawedView { engine: self, still }))
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        if self.flaw == Flaw::Restless {
            return self.view().map(Some);
        }
        let Some(still) = self.map.try_view()? else { return Ok(None) };
        Ok(Some(Box::new(FlawedView { engine: self, still: Some(still) })))
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        let op = |op: Op| match op {
            Op::Put(_, value) if self.flaw == Flaw::NoEmpty && value.is_empty() => None,
            Op::Put(key, value) if self.flaw == Flaw::ShortValues => {
                Some(Op::Put(key, value.slice(..value.len().min(255))))
            }
            Op::Put(key, value) => Some(Op::Put(self.key(&key).into(), value)),
            Op::Delete(key) => Some(Op::Delete(self.key(&key).into())),
        };
        let batch = Batch::new(batch.into_ops().into_iter().filter_map(op).collect());
        if self.flaw == Flaw::Halves {
            let (first, second) = batch.ops().split_at(batch.ops().len() / 2);
            self.map.apply(Batch::new(first.to_vec()))?;
            std::thread::yield_now();
            self.map.apply(Batch::new(second.to_vec()))?;
        } else {
            self.map.apply(batch.clone())?;
        }
        self.disk.lock().expect("nobody panicked").batches.push(batch);
        Ok(())
    }

    fn sync(&self, head: Head) -> EngineResult<()> {
        let mut disk = self.disk.lock().expect("nobody panicked");
        disk.synced = disk.batches.len();
        if self.flaw != Flaw::OldHead || disk.head.is_none() {
            disk.head = Some(head);
        }
        Ok(())
    }

    fn acknowledged(&self) -> EngineResult<Option<Head>> {
        Ok(self.disk.lock().expect("nobody panicked").head)
    }
}

struct FlawedView<'a> {
    engine: &'a Flawed,
    still: Option<Box<dyn View + 'a>>,
}

impl FlawedView<'_> {
    fn with<T>(&self, look: impl FnOnce(&dyn View) -> T) -> EngineResult<T> {
        match &self.still {
            Some(still) => Ok(look(&**still)),
            None => Ok(look(&*self.engine.map.view()?)),
        }
    }
}

impl View for FlawedView<'_> {
    fn get(&self, key: &[u8]) -> EngineResult<Option<Bytes>> {
        self.with(|view| view.get(&self.engine.key(key)))?
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, direction: Direction) -> Pairs<'_> {
        let flaw = self.engine.flaw;
        let bound = |bound: Bound<&[u8]>| match bound {
            Bound::Excluded(key) if flaw == Flaw::Generous => Bound::Included(self.engine.key(key)),
            bound => bound.map(|key| self.engine.key(key)),
        };
        let (from, to) = (bound(from), bound(to));
        if let (Flaw::Strict, Bound::Included(low), Bound::Included(high)) = (flaw, &from, &to) {
            assert!(low <= high, "a range that can't be");
        }
        let read = self.with(|view| {
            let pairs = view.scan(from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice), direction);
            pairs.map(|pair| pair.map(|(key, value)| (Bytes::from(self.engine.key(&key)), value))).collect::<Vec<_>>()
        });
        match read {
            Ok(pairs) => Box::new(pairs.into_iter()),
            Err(error) => Box::new(std::iter::once(Err::<(Bytes, Bytes), EngineError>(error))),
        }
    }
}

fn fresh(flaw: Flaw) -> Place {
    let disk = Arc::new(Mutex::new(Disk::default()));
    let engine = Flawed::open(flaw, &disk).expect("an empty disk");
    Place::new(engine).reopened_by(move || Flawed::open(flaw, &disk))
}

/// The cases that an engine with this flaw fails.
fn failed(flaw: Flaw) -> BTreeSet<&'static str> {
    failed_in(|| fresh(flaw))
}

/// The cases that fail in these places.
fn failed_in(fresh: impl Fn() -> Place) -> BTreeSet<&'static str> {
    let fails = |place: &mut Place, case: &bsm_store_kv::conformance::Case| {
        catch_unwind(AssertUnwindSafe(|| case.run(place))).is_err()
    };
    cases().iter().filter(|case| fails(&mut fresh(), case)).map(|case| case.name).collect()
}

#[test]
fn every_flaw_is_found_by_its_case() {
    let expected = [
        (Flaw::Halves, "batches::a_batch_is_seen_whole_or_not_at_all"),
        (Flaw::Restless, "batches::a_view_stands_still"),
        (Flaw::Signed, "order::keys_come_in_the_order_of_their_bytes"),
        (Flaw::Generous, "order::every_kind_of_bound_is_kept"),
        (Flaw::Strict, "order::bounds_with_nothing_between_them_give_nothing"),
        (Flaw::ShortKeys, "values::keys_of_every_length_are_kept"),
        (Flaw::ShortValues, "values::values_of_every_length_are_kept"),
        (Flaw::NoEmpty, "batches::a_put_replaces"),
        (Flaw::Undead, "reopening::what_was_deleted_stays_gone"),
        (Flaw::Late, "reopening::what_was_synced_is_there_again"),
        (Flaw::Gap, "reopening::what_was_not_synced_is_a_beginning_of_whole_batches"),
        (Flaw::Torn, "reopening::what_was_not_synced_is_a_beginning_of_whole_batches"),
        (Flaw::OldHead, "reopening::the_head_that_was_synced_last_is_acknowledged"),
        (Flaw::Twice, "reopening::a_place_that_is_open_is_not_opened_twice"),
        (Flaw::Vague, "reopening::a_place_that_is_open_is_not_opened_twice"),
        (Flaw::Clinging, "reopening::an_engine_that_was_dropped_lets_go_of_its_place"),
    ];
    for (flaw, case) in expected {
        let failed = failed(flaw);
        assert!(failed.contains(case), "{flaw:?} fails {failed:?}");
    }
}

/// What is not tried must not look as if it had passed.
#[test]
fn a_durable_engine_that_nobody_opens_again_fails() {
    let failed = failed_in(|| Flawed::open(Flaw::None, &Arc::default()).expect("an empty disk").into());
    let durable = cases().iter().map(|case| case.name).filter(|name| name.starts_with("reopening::")).collect();
    assert_eq!(failed, durable);
}

fn without_a_flaw() -> Place {
    fresh(Flaw::None)
}

bsm_store_kv::engine_tests!(fresh = without_a_flaw);
