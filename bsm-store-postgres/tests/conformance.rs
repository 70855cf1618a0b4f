//! The promises of a desk, each in a schema of its own.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bsm_core::conformance::Place;
use bsm_core::store::Store;
use bsm_store_postgres::PostgresStore;

static CASES: AtomicU32 = AtomicU32::new(0);

/// Drops the schema of a case when the case is over, passed or not.
struct Schema(common::Place);

impl Drop for Schema {
    fn drop(&mut self) {
        let place = self.0.clone();
        // The case's runtime can't be waited for from within it.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(place.drop_alone());
        });
        assert!(dropping.join().is_ok() || std::thread::panicking(), "the schema could not be dropped");
    }
}

async fn fresh() -> Place {
    let place = common::place(&format!("case_{}", CASES.fetch_add(1, Ordering::Relaxed))).await;
    let url = place.url();
    let store = place.open().await;
    Place::new(store).keeping(Schema(place)).reopened_by(move || {
        let url = url.clone();
        async move { Ok(Arc::new(PostgresStore::connect(&url).await?) as Arc<dyn Store>) }
    })
}

bsm_core::conformance_tests!(fresh = fresh);
