//! Feeds, read to their end.

use std::collections::HashMap;

use bsm_core::model::{Key, Ticket, User, UserId, Version};
use bsm_core::store::{ChangeSet, FeedEvent, FeedPage, FeedPlace, FeedQuery, ReadSet, Store, Write};

use super::rows::*;

/// A page of a feed.
pub(crate) async fn page(store: &dyn Store, customer: Option<UserId>, after: Option<u64>, limit: usize) -> FeedPage {
    let feed = Some(FeedQuery { customer, after, entities: Vec::new(), limit, rows: false });
    store.read(ReadSet { feed, ..ReadSet::default() }).await.expect("reads").feed.expect("is a page")
}

/// Where a feed stands.
pub(crate) async fn stands(store: &dyn Store, customer: Option<UserId>) -> FeedPlace {
    let page = page(store, customer, None, 0).await;
    FeedPlace { epoch: page.epoch, place: page.newest }
}

/// All events that are kept; their places follow each other.
pub(crate) async fn all(store: &dyn Store, customer: Option<UserId>) -> Vec<FeedEvent> {
    let mut events: Vec<FeedEvent> = Vec::new();
    let mut after = None;
    loop {
        let page = page(store, customer, after, 50).await;
        let first = after.unwrap_or(page.oldest);
        let places: Vec<u64> = page.events.iter().map(|event| event.place).collect();
        assert_eq!(places, (first + 1..=page.resume).collect::<Vec<_>>());
        events.extend(page.events);
        after = Some(page.resume);
        if page.resume >= page.newest {
            return events;
        }
    }
}

/// Asserts that every row's versions rise along the events, one by one.
pub(crate) fn assert_causal(events: &[FeedEvent]) {
    let mut last: HashMap<Key, Version> = HashMap::new();
    for entry in events.iter().flat_map(|event| &event.entries) {
        let before = last.insert(entry.key, entry.version).unwrap_or(Version(0));
        assert_eq!(entry.version, before.next(), "{}", entry.key);
    }
}

/// Asserts that nothing is wrong.
pub(crate) async fn assert_sound(store: &dyn Store) {
    let found = store.verify().await.expect("recounts");
    assert!(found.is_clean(), "{:#?}", found.differences);
}

/// A ticket of a customer's.
pub(crate) fn theirs(n: u32, by: &User, customer: &User) -> Ticket {
    Ticket { requested_for: Some(customer.id), ..ticket(n, by) }
}

/// The next version of a row, whatever others do meanwhile.
pub(crate) async fn touch(store: &dyn Store, key: impl Into<Key>) {
    let key = key.into();
    loop {
        let row = get(store, key).await.expect("is there");
        let change: ChangeSet = change(vec![Write::Update(next(row, 5))]);
        match store.commit(change).await {
            Ok(_) => return,
            Err(bsm_core::Error::Conflict { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error:?}"),
        }
    }
}
