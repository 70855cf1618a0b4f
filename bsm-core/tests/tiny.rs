//! The store in the documentation of `Store` keeps every promise that it need not claim.

use std::future::ready;
use std::sync::Arc;

use bsm_core::model::{Role, UserId};
use bsm_core::store::{FeedPlace, FeedQuery, ReadSet, Store};
use bsm_core::uuid::Uuid;
use bsm_core::{Desk, Error, NewUser};

#[expect(unreachable_pub, reason = "it is written as a crate of its own would be")]
#[path = "../docs/tiny-store.rs"]
mod tiny_store;

use tiny_store::TinyStore;

fn fresh() -> impl Future<Output = Arc<TinyStore>> {
    ready(Arc::new(TinyStore::new().expect("the system has randomness")))
}

bsm_core::conformance_tests!(fresh = fresh);

/// Who waits is woken by what they wait for, and by the end of the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn waiting_ends() {
    let store = fresh().await;
    let feed = |customer| {
        let query = FeedQuery { customer, after: None, entities: Vec::new(), limit: 1, rows: false };
        let set = ReadSet { feed: Some(query), ..ReadSet::default() };
        let store = Arc::clone(&store);
        async move { store.read(set).await.expect("read").feed.expect("was asked for") }
    };
    let begin = FeedPlace { epoch: feed(None).await.epoch, place: 0 };
    let waiting = |customer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.wait(customer, begin).await })
    };
    let (everybody, nobody) = (waiting(None), waiting(Some(UserId::from_uuid(Uuid::nil()))));
    let desk = Desk::new(Arc::clone(&store) as Arc<dyn Store>);
    desk.bootstrap(NewUser::new("Grace", "grace@example.org", Role::Admin)).await.expect("is the first");
    everybody.await.expect("no panic").expect("there is an event");
    let page = feed(None).await;
    assert_eq!((page.oldest, page.newest, page.resume, page.events.len()), (0, 1, 1, 1));
    assert!(!nobody.is_finished(), "nothing is theirs");
    store.wait(None, FeedPlace { epoch: begin.epoch ^ 1, place: 9 }).await.expect("another epoch is not waited for");
    store.close().await.expect("closes");
    assert!(matches!(nobody.await.expect("no panic"), Err(Error::Closed { .. })));
}
