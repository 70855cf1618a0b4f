//! What the key-value layout relies on, on sled: the suite for every engine, and besides values that stay out of the files
//! that sled does not sync.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Bound;

use bsm_store_kv::conformance::Place;
use bsm_store_kv::engine::{Batch, Direction, Engine, EngineError, Head, Op};
use bsm_store_sled::{MIN_CACHE_BYTES, SledEngine};
use common::Dice;
use proptest::prelude::*;

fn engine() -> (tempfile::TempDir, SledEngine) {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = SledEngine::open(folder.path(), MIN_CACHE_BYTES).expect("opened");
    (folder, engine)
}

fn fresh() -> Place {
    let (folder, engine) = engine();
    let again = folder.path().to_owned();
    Place::new(engine).keeping(folder).reopened_by(move || SledEngine::open(&again, MIN_CACHE_BYTES))
}

// The promises of a desk are tested in conformance.rs, on stores as this crate opens them.
bsm_store_kv::engine_tests!(fresh = fresh, engine only);

fn head(position: u64) -> Head {
    Head { epoch: 1, position, digest: 0 }
}

/// Keys that are near each other, share beginnings, and are now and then as long as keys may be.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0_u8), Just(1), Just(0x7f), Just(0xff)];
    (0..8_usize, proptest::collection::vec(byte, 0..4), prop::bool::weighted(0.1)).prop_map(|(pad, mut key, long)| {
        key.extend(std::iter::repeat_n(7, if long { 296 } else { pad }));
        key
    })
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![Just(Bound::Unbounded), key().prop_map(Bound::Included), key().prop_map(Bound::Excluded)]
}

fn within(key: &[u8], from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    let low = match from {
        Bound::Included(from) => key >= from.as_slice(),
        Bound::Excluded(from) => key > from.as_slice(),
        Bound::Unbounded => true,
    };
    let high = match to {
        Bound::Included(to) => key <= to.as_slice(),
        Bound::Excluded(to) => key < to.as_slice(),
        Bound::Unbounded => true,
    };
    low && high
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if common::full() { 256 } else { 24 }, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_sorted_map_and_stays_one_when_reopened(
        batches in proptest::collection::vec(
            proptest::collection::btree_map(key(), proptest::option::weighted(0.8, 0..4096_usize), 0..60), 1..6),
        ranges in proptest::collection::vec((bound(), bound(), any::<bool>()), 1..30),
    ) {
        let (folder, mut engine) = engine();
        let mut model = BTreeMap::new();
        for (number, batch) in batches.into_iter().enumerate() {
            let mut ops = Vec::new();
            for (key, len) in batch {
                if let Some(len) = len {
                    let value = vec![u8::try_from(number).expect("few"); len];
                    ops.push(Op::Put(key.clone().into(), value.clone().into()));
                    model.insert(key, value);
                } else {
                    model.remove(&key);
                    ops.push(Op::Delete(key.into()));
                }
            }
            engine.apply(Batch::new(ops)).expect("applied");
        }
        for reopened in [false, true] {
            if reopened {
                drop(engine);
                engine = SledEngine::open(folder.path(), MIN_CACHE_BYTES).expect("opened");
            }
            let view = engine.view().expect("a view");
            for (from, to, back) in &ranges {
                let direction = if *back { Direction::Backward } else { Direction::Forward };
                let (low, high) = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
                let found: Vec<_> = view.scan(low, high, direction)
                    .map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())).expect("a pair"))
                    .collect();
                let mut expected: Vec<_> = model.iter()
                    .filter(|(key, _)| within(key, from, to))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                if *back {
                    expected.reverse();
                }
                prop_assert_eq!(found, expected);
            }
            for (key, value) in &model {
                let found = view.get(key).expect("read");
                prop_assert_eq!(found.as_deref(), Some(value.as_slice()));
            }
            prop_assert_eq!(view.get(b"no such key").expect("read"), None);
        }
    }
}

/// The longest keys and values, put and removed in every order: a sync would refuse if sled made a blob of them.
#[test]
fn the_longest_values_make_no_blobs() {
    let (folder, engine) = engine();
    let mut dice = Dice::new(17);
    for round in 0..common::rounds(120, 1_200) {
        let ops: BTreeMap<_, _> = (0..30)
            .map(|_| {
                let mut key = vec![b'k'; 300 - 8];
                key.extend_from_slice(&dice.below(2_000).to_be_bytes());
                (key, dice.below(4) > 0)
            })
            .collect();
        let value = vec![u8::try_from(round % 251).expect("small"); engine.max_value_len()];
        let ops = ops
            .into_iter()
            .map(|(key, put)| if put { Op::Put(key.into(), value.clone().into()) } else { Op::Delete(key.into()) });
        engine.apply(Batch::new(ops.collect())).expect("applied");
        engine.sync(head(round)).expect("synced");
    }
    assert_eq!(fs::read_dir(folder.path().join("data/blobs")).expect("listed").count(), 0);
}

#[test]
fn a_blob_stops_the_syncs() {
    let (folder, engine) = engine();
    engine.sync(head(1)).expect("synced");
    // What the engine promises not to be given.
    let value = vec![1; 40_000];
    let ops = (0..16_u8).map(|key| Op::Put(vec![key].into(), value.clone().into()));
    engine.apply(Batch::new(ops.collect())).expect("applied");
    assert!(matches!(engine.sync(head(2)), Err(EngineError::Other(_))));
    // And not only once: nobody knows what is on disk.
    fs::remove_dir_all(folder.path().join("data/blobs"))
        .and_then(|()| fs::create_dir(folder.path().join("data/blobs")))
        .expect("emptied");
    assert!(matches!(engine.sync(head(3)), Err(EngineError::Other(_))));
    assert_eq!(engine.acknowledged().expect("is whole"), Some(head(1)));
}

/// What was read stays when sled itself is gone: its bytes are counted, and ours hold them.
#[test]
fn values_outlive_their_engine() {
    let (_folder, engine) = engine();
    let long = vec![3; 2_000];
    engine.apply(Batch::new(vec![Op::Put("long".into(), long.clone().into())])).expect("applied");
    let kept = engine.view().expect("a view").get(b"long").expect("read");
    drop(engine);
    assert_eq!(kept.as_deref(), Some(long.as_slice()));
}
