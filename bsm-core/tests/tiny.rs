//! The store in the documentation of `Store` keeps every promise that it need not claim.

use std::future::ready;
use std::sync::Arc;

#[expect(unreachable_pub, reason = "it is written as a crate of its own would be")]
#[path = "../docs/tiny-store.rs"]
mod tiny_store;

use tiny_store::TinyStore;

fn fresh() -> impl Future<Output = Arc<TinyStore>> {
    ready(Arc::new(TinyStore::new().expect("the system has randomness")))
}

bsm_core::conformance_tests!(fresh = fresh);
