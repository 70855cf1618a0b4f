//! Who may call what while another thread calls something else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Outcome;
use super::stock::{everything, has, head, key, put};
use crate::engine::{Engine, EngineError};

/// After which somebody who waits has waited for ever. No engine's speed is judged by it.
const FOR_EVER: Duration = Duration::from_secs(30);

/// Asking for a view without waiting returns while a view is out and a batch is being applied, whatever it gives.
pub fn whoever_asks_for_a_view_without_waiting_does_not_wait(engine: &dyn Engine) -> Outcome {
    put(engine, [(b"key", vec![0])])?;
    for round in 1..10_u8 {
        let held = engine.view()?;
        let begun = AtomicBool::new(false);
        thread::scope(|scope| {
            let applying = scope.spawn(|| {
                begun.store(true, Ordering::SeqCst);
                put(engine, [(b"key", vec![round])])
            });
            while !begun.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            // The batch is waiting for our view by now, or is being applied, or is about to.
            thread::sleep(Duration::from_millis(2));
            let (said, heard) = mpsc::channel();
            scope.spawn(move || {
                let asked = (0..100).try_for_each(|_| {
                    thread::yield_now();
                    engine.try_view().map(drop)
                });
                // Nobody hears it if it comes too late.
                let _ = said.send(asked);
            });
            let asked = heard.recv_timeout(FOR_EVER);
            // Before anything can panic: who waits for this view could never be joined.
            drop(held);
            applying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            asked.unwrap_or_else(|_| panic!("try_view waits for a batch"))
        })?;
        assert_eq!(engine.view()?.get(b"key")?.as_deref(), Some([round].as_slice()));
    }
    Ok(())
}

/// While nothing is applied, a view is to be had without waiting, also beside others.
pub fn an_engine_at_rest_has_a_view_without_waiting(engine: &dyn Engine) -> Outcome {
    put(engine, [(b"key", vec![1])])?;
    let mut held = Vec::new();
    for _ in 0..3 {
        // An engine may be busy with itself for a moment.
        let view = (0..1_000).find_map(|_| {
            let view = engine.try_view().transpose();
            if view.is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            view
        });
        let Some(view) = view.transpose()? else { panic!("no view is to be had of an engine at rest") };
        assert_eq!(view.get(b"key")?.as_deref(), Some([1].as_slice()));
        held.push(view);
    }
    Ok(())
}

/// While one thread applies batches, another syncs: neither fails, and the head that was synced last is told, if the
/// engine keeps it.
pub fn a_sync_may_run_while_a_batch_is_applied(engine: &dyn Engine) -> Outcome {
    const BATCHES: u64 = 200;
    let applied = AtomicU64::new(0);
    thread::scope(|scope| {
        let applying = scope.spawn(|| -> Outcome {
            for number in 1..=BATCHES {
                put(engine, (0..10).map(|place| (key(number * 10 + place), vec![1; 400])))?;
                applied.store(number, Ordering::SeqCst);
            }
            Ok(())
        });
        loop {
            // Asked before, so that an end which was seen is synced.
            let ended = applying.is_finished();
            let number = applied.load(Ordering::SeqCst);
            engine.sync(head(number))?;
            let kept = engine.acknowledged()?;
            assert!(kept.is_none_or(|kept| kept == head(number)), "{kept:?} is not the head that was synced last");
            if ended {
                break;
            }
        }
        applying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    assert_eq!(everything(&*engine.view()?)?.len() as u64, BATCHES * 10);
    Ok(())
}

/// Batches, syncs and views come from one thread after another.
pub fn any_thread_may_call(engine: &dyn Engine) -> Outcome {
    let mut expected = BTreeMap::new();
    for number in 0..8_u64 {
        expected.insert(key(number).to_vec(), vec![2]);
        thread::scope(|scope| {
            let calling = scope.spawn(|| {
                put(engine, [(key(number), vec![2])])?;
                engine.sync(head(number))?;
                has(engine, &expected)
            });
            calling.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
    }
    Ok::<(), EngineError>(())
}
