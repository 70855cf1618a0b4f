//! Random commands on a desk in memory and on a plain one.

use std::sync::Arc;

use bsm_core::Result;
use bsm_core::conformance::Place;
use bsm_core::store::Store;
use bsm_store_kv::{KvOptions, KvStore, MemoryEngine};

fn desk(engine: &Arc<MemoryEngine>) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(KvStore::open(Arc::clone(engine), KvOptions::default())?))
}

/// A desk in memory that outlives its store, so that it can be opened again.
async fn fresh() -> Place {
    let engine = Arc::new(MemoryEngine::default());
    let store = desk(&engine).expect("a desk in memory");
    Place::new(store).reopened_by(move || std::future::ready(desk(&engine)))
}

bsm_core::plain_model_tests!(fresh = fresh);
