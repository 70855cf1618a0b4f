//! An empty desk for a case of bsm-core's suites, in a schema of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bsm_core::conformance::Place;
use bsm_core::store::Store;
use bsm_store_postgres::PostgresStore;

static CASES: AtomicU32 = AtomicU32::new(0);

/// Drops the schema of a case when the case is over, passed or not.
struct Schema(super::Place);

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

/// An empty desk, which can be opened again.
pub(crate) async fn fresh() -> Place {
    make(super::Place::url).await
}

/// The same of a desk without triggers.
pub(crate) async fn fresh_without_triggers() -> Place {
    make(super::Place::url_without_triggers).await
}

/// The same at whatever address.
pub(crate) async fn make(url: impl Fn(&super::Place) -> String) -> Place {
    let place = super::place(&format!("case_{}", CASES.fetch_add(1, Ordering::Relaxed))).await;
    let url = url(&place);
    let store = Arc::new(PostgresStore::connect(&url).await.expect("opens"));
    Place::new(store).keeping(Schema(place)).reopened_by(move || {
        let url = url.clone();
        async move { Ok(Arc::new(PostgresStore::connect(&url).await?) as Arc<dyn Store>) }
    })
}
