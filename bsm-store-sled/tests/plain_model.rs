//! Random commands on a desk in a folder, kept by sled, and on a plain one.

use std::path::PathBuf;
use std::sync::Arc;

use bsm_core::Result;
use bsm_core::conformance::Place;
use bsm_core::store::Store;
use bsm_store_sled::{SledOptions, open};

async fn desk(folder: PathBuf) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(open(&folder, &SledOptions::default()).await?))
}

async fn fresh() -> Place {
    let parent = tempfile::tempdir().expect("a folder for the test");
    let folder = parent.path().join("desk");
    let store = desk(folder.clone()).await.expect("a desk in an empty folder");
    Place::new(store).keeping(parent).reopened_by(move || desk(folder.clone()))
}

bsm_core::plain_model_tests!(fresh = fresh);
