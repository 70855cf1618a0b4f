//! How far the feed may be shown, and who waits for it to go further.
//!
//! The committer moves the reach on when something has become durable; watchers sleep here. A customer is woken by what is
//! theirs only, so a commit costs nothing for those whom it does not concern, however many they are.
//!
//! Whoever is woken is woken by a waker that is not ours: under no lock of ours, since it may take locks of its own, and
//! where it panics nothing of ours is left half done.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bsm_core::model::UserId;
use bsm_core::store::FeedPlace;
use tokio::sync::{Notify, watch};

/// Where the feed may be shown to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    epoch: u64,
    position: u64,
    open: bool,
}

/// The reach of a desk's feed.
#[derive(Debug)]
pub(crate) struct Reach {
    shown: watch::Sender<Shown>,
    /// Those who wait for something of a customer's, and how many they are.
    customers: Mutex<HashMap<UserId, (usize, Arc<Notify>)>>,
}

impl Reach {
    /// A feed all of which may be shown.
    pub(crate) fn new(epoch: u64, position: u64) -> Self {
        Self { shown: watch::Sender::new(Shown { epoch, position, open: true }), customers: Mutex::default() }
    }

    /// Whose numbering positions are.
    pub(crate) fn epoch(&self) -> u64 {
        self.shown.borrow().epoch
    }

    /// Begins another numbering; whoever waits in the old one is woken.
    pub(crate) fn begin_epoch(&self, epoch: u64) {
        quietly(|| self.shown.send_modify(|shown| shown.epoch = epoch));
        self.wake_all();
    }

    /// The last position that may be shown. Asked before a view is taken, it is one that the view has.
    pub(crate) fn position(&self) -> u64 {
        self.shown.borrow().position
    }

    /// Moves on, and wakes whom it concerns.
    pub(crate) fn advance(&self, position: u64, customers: &[UserId]) {
        quietly(|| {
            self.shown.send_if_modified(|shown| {
                let further = position > shown.position;
                shown.position = shown.position.max(position);
                further
            });
        });
        if customers.is_empty() {
            return;
        }
        let theirs: Vec<Arc<Notify>> = {
            let waiting = self.waiting();
            customers
                .iter()
                .filter_map(|customer| waiting.get(customer))
                .map(|(_, notify)| Arc::clone(notify))
                .collect()
        };
        wake(&theirs);
    }

    /// Wakes everybody: there is nothing more to wait for.
    pub(crate) fn close(&self) {
        quietly(|| self.shown.send_modify(|shown| shown.open = false));
        self.wake_all();
    }

    fn wake_all(&self) {
        let all: Vec<Arc<Notify>> = self.waiting().values().map(|(_, notify)| Arc::clone(notify)).collect();
        wake(&all);
    }

    /// Waits until the desk's feed goes beyond a place, or the store is closed.
    pub(crate) async fn beyond(&self, after: FeedPlace) {
        let mut shown = self.shown.subscribe();
        let over = |shown: &Shown| !shown.open || shown.epoch != after.epoch || shown.position > after.place;
        // The sender lives as long as `self`, so this ends by the committer's word only.
        let _ = shown.wait_for(over).await;
    }

    /// A place to wait for what is a customer's.
    pub(crate) fn of(&self, customer: UserId) -> Waiting<'_> {
        let mut waiting = self.waiting();
        let (count, notify) = waiting.entry(customer).or_default();
        *count += 1;
        Waiting { reach: self, customer, notify: Arc::clone(notify) }
    }

    /// Nothing panics while they are locked.
    fn waiting(&self) -> MutexGuard<'_, HashMap<UserId, (usize, Arc<Notify>)>> {
        self.customers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for what is a customer's. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    reach: &'a Reach,
    customer: UserId,
    pub(crate) notify: Arc<Notify>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.reach.waiting();
        if let Some((count, _)) = waiting.get_mut(&self.customer) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.customer);
            }
        }
    }
}

fn wake(all: &[Arc<Notify>]) {
    for notify in all {
        quietly(|| notify.notify_waiters());
    }
}

/// Calls what may call somebody else's waker.
pub(crate) fn quietly(call: impl FnOnce()) {
    drop(catch_unwind(AssertUnwindSafe(call)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_who_stopped_waiting_is_remembered() {
        let reach = Reach::new(1, 0);
        let ada = UserId::from_uuid(uuid::Uuid::from_u128(1));
        let (first, second) = (reach.of(ada), reach.of(ada));
        drop(first);
        assert_eq!(reach.waiting().len(), 1, "somebody still waits");
        drop(second);
        assert!(reach.waiting().is_empty());
        drop(reach.of(ada));
        assert!(reach.waiting().is_empty());
    }

    #[tokio::test]
    async fn the_reach_never_goes_back() {
        let reach = Reach::new(1, 5);
        reach.advance(3, &[]);
        assert_eq!(reach.position(), 5);
        reach.beyond(FeedPlace { epoch: 1, place: 4 }).await;
        reach.beyond(FeedPlace { epoch: 2, place: 9 }).await;
        reach.close();
        reach.beyond(FeedPlace { epoch: 1, place: 9 }).await;
    }
}
