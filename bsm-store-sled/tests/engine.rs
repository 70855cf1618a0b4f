//! What the key-value layout relies on, on sled: the suite for every engine, and besides values that stay out of the files
//! that sled does not sync.

mod common;

use std::collections::BTreeMap;
use std::fs;

use bsm_store_kv::conformance::Place;
use bsm_store_kv::engine::{Batch, Engine, EngineError, Head, Op};
use bsm_store_sled::{MIN_CACHE_BYTES, SledEngine};
use common::Dice;

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
