//! What the layout relies on, and the promises of a desk, on the engine in memory and on the one in the documentation of
//! `Engine`.

#[expect(unreachable_pub, reason = "it is written as a crate of its own would be")]
#[path = "../docs/tiny-engine.rs"]
mod tiny_engine;

mod tiny {
    use super::tiny_engine::TinyEngine;

    bsm_store_kv::engine_tests!(fresh = TinyEngine::default);
}

/// Its desk has tests of its own.
mod memory {
    use bsm_store_kv::MemoryEngine;

    bsm_store_kv::engine_tests!(fresh = MemoryEngine::default, engine only);
}

/// The one call runs what the tests run; of engines in memory those of durable ones are named as not run.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_call_runs_them_all() {
    let tally = bsm_store_kv::conformance::run_all(tiny_engine::TinyEngine::default).await;
    assert!(tally.passed > 170, "{tally:?}");
    let rooms = tally.not_run.iter().filter_map(|(case, _)| case.split("::").next());
    assert_eq!(rooms.filter(|room| *room == "reopening").count(), 8 + 2, "{tally:?}");
}
