//! What was synced is there when the engine is opened again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bsm_core::Error;

use super::stock::{Dice, batch, everything, has, head, keep, key, put, random_writes, value};
use super::{Outcome, Place};
use crate::engine::Head;

/// What was applied and synced is there again, to the last byte, and can be written on.
pub fn what_was_synced_is_there_again(place: &mut Place) -> Outcome {
    let longest = place.engine().max_value_len().clamp(512, 1 << 16);
    let mut expected = BTreeMap::new();
    for round in 0..5_u64 {
        let pairs = [(vec![b'a'; 300], longest), (b"empty".to_vec(), 0), (key(round).to_vec(), 100)];
        let pairs = pairs.map(|(key, length)| (key, value(round, length)));
        put(place.engine(), pairs.clone())?;
        expected.extend(pairs);
        place.engine().sync(head(round))?;
        place.reopen()?;
        has(place.engine(), &expected)?;
    }
    Ok(())
}

/// After any number of batches, syncs and openings an engine has what a sorted map would have.
pub fn a_sorted_map_stays_one(place: &mut Place) -> Outcome {
    let mut dice = Dice::new(5);
    let mut model = BTreeMap::new();
    for round in 0..12 {
        for _ in 0..dice.below(6) {
            let writes = random_writes(&mut dice);
            keep(&mut model, &writes);
            place.engine().apply(batch(writes))?;
        }
        place.engine().sync(head(round))?;
        if dice.below(2) == 0 {
            place.reopen()?;
        }
        has(place.engine(), &model)?;
    }
    Ok(())
}

/// What was deleted stays gone.
pub fn what_was_deleted_stays_gone(place: &mut Place) -> Outcome {
    put(place.engine(), (0..100).map(|number| (key(number), vec![1; 50])))?;
    place.engine().sync(head(1))?;
    place.engine().apply(batch((0..99).map(|number| (key(number), None))))?;
    place.engine().sync(head(2))?;
    place.reopen()?;
    has(place.engine(), &BTreeMap::from([(key(99).to_vec(), vec![1; 50])]))
}

/// An engine that keeps the head tells the one that was synced last, before and after it is opened again, whatever
/// numbers it has; one that keeps none never does.
pub fn the_head_that_was_synced_last_is_acknowledged(place: &mut Place) -> Outcome {
    let last = Head { epoch: u64::MAX, position: u64::MAX, digest: u128::MAX };
    place.engine().sync(head(1))?;
    let keeps = place.engine().acknowledged()?.is_some();
    for synced in [head(2), head(3), last, Head { epoch: 0, position: 0, digest: 0 }, head(4)] {
        put(place.engine(), [(b"key", vec![1])])?;
        place.engine().sync(synced)?;
        assert_eq!(place.engine().acknowledged()?, keeps.then_some(synced));
        place.reopen()?;
        assert_eq!(place.engine().acknowledged()?, keeps.then_some(synced), "after it was opened again");
    }
    // What is only applied is not acknowledged.
    put(place.engine(), [(b"key", vec![2])])?;
    place.reopen()?;
    assert_eq!(place.engine().acknowledged()?, keeps.then_some(head(4)));
    Ok(())
}

/// Of the batches that no sync covered the first few are there, or all, or none: each whole, and none without those
/// before it.
pub fn what_was_not_synced_is_a_beginning_of_whole_batches(place: &mut Place) -> Outcome {
    const KEYS: u64 = 50;
    put(place.engine(), [(b"synced", vec![1])])?;
    place.engine().sync(head(1))?;
    for number in 1..=20 {
        put(place.engine(), (0..KEYS).map(|at| (key(number * KEYS + at), vec![1; 100])))?;
    }
    place.reopen()?;
    let stock = everything(&*place.engine().view()?)?;
    let (synced, rest): (Vec<_>, Vec<_>) = stock.into_iter().partition(|(key, _)| key == b"synced");
    assert_eq!(synced.len(), 1, "what was synced is gone");
    let beginning = (0..).map(|at| key(KEYS + at).to_vec()).take(rest.len());
    assert!(rest.iter().map(|(key, _)| key.clone()).eq(beginning), "batches are there without those before them");
    assert!((rest.len() as u64).is_multiple_of(KEYS), "a batch is there in part");
    Ok(())
}

/// A sync covers all that was applied before it was called, while batches go on being applied.
pub fn a_sync_covers_what_was_applied_before_it(place: &mut Place) -> Outcome {
    const BATCHES: u64 = 100;
    let applied = AtomicU64::new(0);
    let engine = place.engine();
    let synced = thread::scope(|scope| {
        let applying = scope.spawn(|| -> Outcome {
            for number in 1..=BATCHES {
                put(engine, [(key(number), vec![1; 300])])?;
                applied.store(number, Ordering::SeqCst);
            }
            Ok(())
        });
        let mut synced = 0;
        while synced < BATCHES / 2 && !applying.is_finished() {
            synced = applied.load(Ordering::SeqCst);
            engine.sync(head(synced))?;
        }
        applying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok::<_, crate::engine::EngineError>(synced)
    })?;
    place.reopen()?;
    let view = place.engine().view()?;
    for number in 1..=synced {
        assert!(view.get(&key(number))?.is_some(), "batch {number} of {synced} that were synced is gone");
    }
    Ok(())
}

/// An engine that was dropped, synced or not, has let go of its place: it can be opened at once, as often as one likes.
pub fn an_engine_that_was_dropped_lets_go_of_its_place(place: &mut Place) -> Outcome {
    for round in 0..10_u64 {
        put(place.engine(), [(key(round), vec![1])])?;
        if round.is_multiple_of(2) {
            place.engine().sync(head(round))?;
        }
        place.reopen()?;
        assert_eq!(place.engine().view()?.get(b"no such key")?, None);
    }
    Ok(())
}

/// While an engine is open its place is refused to everybody else with [`Error::InUse`], as often as somebody tries, and
/// the one that is open goes on as if nobody had.
pub fn a_place_that_is_open_is_not_opened_twice(place: &mut Place) -> Outcome {
    let mut expected = BTreeMap::new();
    for round in 0..3_u64 {
        match place.open_beside() {
            Some(Ok(())) => {
                panic!("it was opened twice at once; two stores on one map overwrite each other's commands")
            }
            Some(Err(error)) => assert!(
                matches!(error.downcast_ref(), Some(Error::InUse { .. })),
                "the second time must be refused with bsm_core::Error::InUse, not with {error:?}"
            ),
            None => {}
        }
        expected.insert(key(round).to_vec(), vec![1]);
        put(place.engine(), [(key(round), vec![1])])?;
        place.engine().sync(head(round))?;
        has(place.engine(), &expected)?;
    }
    place.reopen()?;
    has(place.engine(), &expected)
}
