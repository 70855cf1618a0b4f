//! Servers that restart, fall silent, run full, or give way to their standby: what callers are told, and that everything
//! that was acknowledged is there. Each test has a server of its own.

mod common;

mod own_servers {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use bsm_core::Error;
    use bsm_core::model::{Row, User};
    use bsm_core::store::Store;
    use bsm_store_postgres::PostgresStore;

    use super::common::load::Load;
    use super::common::proxy::{Fate, Point, Proxy, Unit, Way};
    use super::common::rows::*;
    use super::common::server::{Server, Stop};
    use super::common::{feeds, full};

    async fn open(url: &str) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::connect(url).await.unwrap_or_else(|error| panic!("{error} {error:?}")))
    }

    async fn with_anna(url: &str) -> (Arc<PostgresStore>, User) {
        let (store, anna) = (open(url).await, user(1));
        store.commit(insert([anna.clone().into()])).await.expect("base");
        (store, anna)
    }

    /// A server that stops at once, as if it had crashed, and comes back, in the middle of everything.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_restarts_loses_nothing_and_refuses_nobody() {
        let mut server = Server::start(&[]);
        let (store, anna) = with_anna(&server.url()).await;
        let mut load = Load::of(&store, &anna, 6);
        for how in [Stop::Immediate, Stop::Fast, Stop::Immediate] {
            load.goes_on().await;
            server.stop(how);
            server.go();
        }
        load.goes_on().await;
        let told = load.ends().await;
        assert_eq!(told.failed, Vec::<String>::new(), "it was away for less than a call waits");
        told.assert_kept(&*store).await;
        store.health().await.expect("is well");
    }
}
