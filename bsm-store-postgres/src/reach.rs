//! How far the feed is known to go, and who waits for it to go further.
//!
//! Commits of this store value and the poller (see [`crate::poll`]) tell what they know; waiters sleep here. A customer is
//! woken by what is theirs, so a commit costs nothing for those whom it does not concern. Knows nothing of the server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bsm_core::model::UserId;
use bsm_core::store::FeedPlace;
use tokio::sync::{Notify, watch};

/// What is known of the desk's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    /// Where it stood when it was last looked at.
    stands: Option<FeedPlace>,
    /// How often it went on since by what this store value did.
    steps: u64,
    open: bool,
}

/// The reach of a desk's feed, as far as one store value knows it.
#[derive(Debug)]
pub(crate) struct Reach {
    known: watch::Sender<Known>,
    customers: Mutex<HashMap<UserId, (usize, Arc<Notify>)>>,
}

impl Default for Reach {
    fn default() -> Self {
        let known = Known { stands: None, steps: 0, open: true };
        Self { known: watch::Sender::new(known), customers: Mutex::default() }
    }
}

impl Reach {
    /// Where the feed stood when it was last looked at.
    pub(crate) fn stands(&self) -> Option<FeedPlace> {
        self.known.borrow().stands
    }

    /// Whether waiting is over for good.
    pub(crate) fn is_closed(&self) -> bool {
        !self.known.borrow().open
    }

    /// A commit of this store value went into the feed: wakes whoever waits for the desk's feed, or one of these
    /// customers'.
    pub(crate) fn went_on(&self, customers: &[UserId]) {
        self.known.send_modify(|known| known.steps = known.steps.wrapping_add(1));
        self.wake(customers);
    }

    /// The feed was looked at. Wakes those whom it has something for behind where they wait, and these customers; all of
    /// them, if it is not told which.
    pub(crate) fn looked_at(&self, stands: FeedPlace, customers: Option<&[UserId]>) {
        self.known.send_if_modified(|known| known.stands.replace(stands) != Some(stands));
        match customers {
            Some(customers) => self.wake(customers),
            None => self.wake_customers(),
        }
    }

    /// Wakes everybody, to look for themselves.
    pub(crate) fn wake_all(&self) {
        self.known.send_modify(|known| known.steps = known.steps.wrapping_add(1));
        self.wake_customers();
    }

    /// Wakes everybody: there is nothing more to wait for.
    pub(crate) fn close(&self) {
        self.known.send_modify(|known| known.open = false);
        self.wake_customers();
    }

    fn wake(&self, customers: &[UserId]) {
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

    fn wake_customers(&self) {
        let all: Vec<Arc<Notify>> = self.waiting().values().map(|(_, notify)| Arc::clone(notify)).collect();
        wake(&all);
    }

    /// Begins to wait for the desk's feed: from here on nothing is missed.
    pub(crate) fn of_desk(&self) -> Beyond {
        let known = self.known.subscribe();
        let before = *known.borrow();
        Beyond { known, before }
    }

    /// Begins to wait for what is a customer's.
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

/// Somebody who waits for the desk's feed.
#[derive(Debug)]
pub(crate) struct Beyond {
    known: watch::Receiver<Known>,
    /// What was known when they began.
    before: Known,
}

impl Beyond {
    /// Waits until the feed may go beyond a place, or the store is closed.
    pub(crate) async fn place(mut self, after: FeedPlace) {
        let before = self.before;
        let over = |known: &Known| {
            let further = match known.stands {
                Some(stands) if stands.epoch == after.epoch => stands.place > after.place,
                // What was known before may be older than where the waiter stands.
                other => other != before.stands,
            };
            !known.open || known.steps != before.steps || further
        };
        // It ends by a word, or with the store.
        let _ = self.known.wait_for(over).await;
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

/// Wakes, under no lock: wakers are not ours, and may take locks of their own.
fn wake(all: &[Arc<Notify>]) {
    for notify in all {
        notify.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is over at once.
    async fn is_over(waiting: impl Future<Output = ()>) -> bool {
        tokio::select! {
            biased;
            () = waiting => true,
            () = tokio::task::yield_now() => false,
        }
    }

    #[tokio::test]
    async fn nobody_who_stopped_waiting_is_remembered() {
        let reach = Reach::default();
        let ada = UserId::from_uuid(uuid::Uuid::from_u128(1));
        let (first, second) = (reach.of(ada), reach.of(ada));
        drop(first);
        assert_eq!(reach.waiting().len(), 1, "somebody still waits");
        drop(second);
        assert!(reach.waiting().is_empty());
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_what_lies_behind() {
        let reach = Reach::default();
        let at = |epoch, place| FeedPlace { epoch, place };
        reach.looked_at(at(1, 5), None);
        assert!(is_over(reach.of_desk().place(at(1, 4))).await);
        assert!(!is_over(reach.of_desk().place(at(1, 5))).await);
        // Who knows of a later epoch than this store does waits for that one.
        assert!(!is_over(reach.of_desk().place(at(2, 0))).await);
        let waiting = reach.of_desk();
        reach.looked_at(at(2, 0), None);
        assert!(!is_over(waiting.place(at(2, 0))).await);
        let waiting = reach.of_desk();
        reach.went_on(&[]);
        assert!(is_over(waiting.place(at(2, 0))).await);
        let waiting = reach.of_desk();
        reach.close();
        assert!(is_over(waiting.place(at(2, 0))).await);
    }
}
