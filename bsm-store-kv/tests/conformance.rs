//! The promises of a desk, on the key-value layout in memory.

use std::sync::Arc;

use bsm_core::store::Store;

async fn fresh() -> Arc<dyn Store> {
    Arc::new(bsm_store_kv::memory().expect("a desk in memory"))
}

bsm_core::conformance_tests!(fresh = fresh);

/// The one call runs what the tests run; of a store in memory, which ends with its process, the cases of durable and
/// shared stores are named as not run.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_call_runs_them_all() {
    let tally = bsm_core::conformance::run_all(fresh).await;
    assert!(tally.passed > 150, "{tally:?}");
    let rooms: Vec<&str> = tally.not_run.iter().filter_map(|(case, _)| case.split("::").next()).collect();
    assert_eq!(rooms, ["reopening", "reopening", "sharing", "sharing"]);
}
