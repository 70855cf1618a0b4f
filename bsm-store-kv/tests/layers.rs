//! Stores around a store: the desk above can't tell, and an application finds out what it does when its store fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bsm_core::model::{Role, Version};
use bsm_core::store::{Fate, FaultyStore, Order, SlowStore, Store, TracedStore};
use bsm_core::view::{Query, WorkListing};
use bsm_core::{Admin, Desk, Error, NewTicket, NewUser};

fn memory() -> Arc<dyn Store> {
    Arc::new(bsm_store_kv::memory().expect("a desk in memory"))
}

async fn layered() -> Arc<dyn Store> {
    let faulty = Arc::new(FaultyStore::faulty(memory(), |_| Fate::Works));
    let slow = Arc::new(SlowStore::slow(faulty, |_| tokio::task::yield_now()));
    Arc::new(TracedStore::traced(slow))
}

/// Layers stack, and keep every promise of the store beneath.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_traced_slow_faulty_store_keeps_the_promises() {
    let tally = bsm_core::conformance::run_all(layered).await;
    assert!(tally.passed > 150, "{tally:?}");
}

/// A desk whose writes meet `fate` while the switch is on.
async fn desk(fate: Fate) -> (Admin, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&broken);
    let judge = move |call: &bsm_core::store::Call<'_>| {
        if call.writes() && switch.load(Ordering::SeqCst) { fate } else { Fate::Works }
    };
    let desk = Desk::new(Arc::new(FaultyStore::faulty(memory(), judge)));
    let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
    (desk.admin(root.id), broken)
}

/// What an idempotency key is for: the answer to a command was lost, and nobody knows whether it happened.
#[tokio::test]
async fn a_command_whose_answer_was_lost_is_sent_again_and_happens_once() {
    let (admin, broken) = desk(Fate::AnswerLost).await;
    let keyed = admin.keyed("order-7");
    broken.store(true, Ordering::SeqCst);
    let lost = keyed.open_ticket(NewTicket::new("Fan is loud")).await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
    broken.store(false, Ordering::SeqCst);

    let ticket = keyed.open_ticket(NewTicket::new("Fan is loud")).await.expect("is answered");
    assert_eq!((ticket.title.as_str(), ticket.version), ("Fan is loud", Version::FIRST));
    let history = admin.history(ticket.id, Order::OldestFirst, None, 10).await.expect("has a history");
    assert_eq!(history.entries.len(), 1, "nothing was changed by asking again");
    let all = admin.tickets(&Query::of(WorkListing::All)).await.expect("a page");
    assert_eq!(all.rows, [ticket]);
}

/// Without a key, sending it again would make a second one: the fault is not a made-up one.
#[tokio::test]
async fn without_a_key_it_happens_twice() {
    let (admin, broken) = desk(Fate::AnswerLost).await;
    broken.store(true, Ordering::SeqCst);
    assert!(admin.open_ticket(NewTicket::new("Fan is loud")).await.is_err());
    broken.store(false, Ordering::SeqCst);
    admin.open_ticket(NewTicket::new("Fan is loud")).await.expect("opens");
    assert_eq!(admin.tickets(&Query::of(WorkListing::All)).await.expect("a page").rows.len(), 2);
}

#[tokio::test]
async fn a_command_that_failed_changed_nothing() {
    let (admin, broken) = desk(Fate::Fails).await;
    broken.store(true, Ordering::SeqCst);
    let failed = admin.keyed("order-7").open_ticket(NewTicket::new("Fan is loud")).await;
    assert!(matches!(failed, Err(Error::Unavailable { .. })), "{failed:?}");
    assert!(admin.tickets(&Query::of(WorkListing::All)).await.expect("a page").rows.is_empty());
    broken.store(false, Ordering::SeqCst);
    let ticket = admin.keyed("order-7").open_ticket(NewTicket::new("Fan is loud")).await.expect("opens");
    assert_eq!(admin.tickets(&Query::of(WorkListing::All)).await.expect("a page").rows, [ticket]);
}

/// A read can fail too, and then a command does not begin; a lost answer to a read is no unknown outcome.
#[tokio::test]
async fn a_read_that_fails_is_no_unknown_outcome() {
    let desk = Desk::new(Arc::new(FaultyStore::faulty(memory(), |_| Fate::AnswerLost)));
    let refused = desk.user_by_email("root@example.org").await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
}
