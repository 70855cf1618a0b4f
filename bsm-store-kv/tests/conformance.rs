//! The promises of a desk, on the key-value layout in memory.

use std::sync::Arc;

use bsm_core::store::Store;

#[expect(clippy::unused_async, reason = "the suite takes stores that open asynchronously")]
async fn fresh() -> Arc<dyn Store> {
    Arc::new(bsm_store_kv::memory().expect("a desk in memory"))
}

bsm_core::conformance_tests!(fresh = fresh);
