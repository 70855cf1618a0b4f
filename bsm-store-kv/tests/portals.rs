//! What portals make of a store whose commits wait for a disk: repeated commands, and crowds on one row.

mod common;

use std::sync::Arc;

use bsm_core::model::{Role, Timestamp, Version};
use bsm_core::store::Store;
use bsm_core::{Admin, Desk, Error, NewTicket, NewUser};
use bsm_store_kv::engine::{Batch, Engine, EngineResult, Head, Op, View};
use bsm_store_kv::{KvOptions, KvStore, MemoryEngine};
use common::faulty::{FaultyEngine, durable};
use common::poll_once;

async fn desk() -> (Arc<FaultyEngine>, Admin) {
    let (engine, store) = durable();
    let store: Arc<dyn Store> = Arc::new(store);
    let desk = Desk::new(store);
    let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
    (engine, desk.admin(root.id))
}

/// Proves that a known key is answered through the committer. Answered from a read, it would come before the sync that
/// makes the first command durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_command_is_answered_no_sooner_than_the_first_is_durable() {
    let (engine, admin) = desk().await;
    let keyed = admin.keyed("once");
    let syncs = engine.syncs();
    engine.hold_syncs(true);
    let first = tokio::spawn({
        let keyed = keyed.clone();
        async move { keyed.open_ticket(NewTicket::new("One")).await }
    });
    let waiting = Arc::clone(&engine);
    tokio::task::spawn_blocking(move || waiting.wait_for_syncs(syncs + 1)).await.expect("no panic");
    let mut again = Box::pin(keyed.open_ticket(NewTicket::new("One")));
    let answered = poll_once(&mut again);
    engine.hold_syncs(false);
    assert!(answered.is_none(), "answered before it was durable: {answered:?}");
    let first = first.await.expect("no panic").expect("opened");
    assert_eq!(again.await.expect("is answered again"), first);
    assert!(keyed.last_stamp().is_some());
}

/// Proves that commands which lost a race take turns. All at once, each round would let one of them through, and more
/// than there are rounds would be refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_commands_on_one_row_get_through() {
    const CROWD: u64 = 100;
    let (engine, admin) = desk().await;
    let ticket = admin.open_ticket(NewTicket::new("One")).await.expect("opened").id;
    engine.hold_syncs(true);
    let tasks: Vec<_> = (0..CROWD)
        .map(|_| {
            let admin = admin.clone();
            tokio::spawn(async move { admin.touch_ticket(ticket).await })
        })
        .collect();
    // All of them decide on the first version before any is answered.
    tokio::task::yield_now().await;
    engine.hold_syncs(false);
    for task in tasks {
        task.await.expect("no panic").expect("touched");
    }
    assert_eq!(admin.ticket(ticket).await.expect("is there").version, Version(CROWD + 1));
}

/// An engine that deletes nothing, and does not say so.
#[derive(Debug, Default)]
struct Hoarder(MemoryEngine);

impl Engine for Hoarder {
    fn name(&self) -> String {
        "hoarder:".to_owned()
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        self.0.view()
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        self.0.try_view()
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        let puts = batch.into_ops().into_iter().filter(|op| matches!(op, Op::Put(..)));
        self.0.apply(Batch::new(puts.collect()))
    }

    fn sync(&self, head: Head) -> EngineResult<()> {
        self.0.sync(head)
    }
}

/// Proves that trimming ends when the store only says that it forgot something.
#[tokio::test]
async fn trimming_ends_where_nothing_is_forgotten() {
    let desk = Desk::new(Arc::new(KvStore::open(Hoarder::default(), KvOptions::default()).expect("opened")));
    let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
    let admin = desk.admin(root.id);
    let ticket = admin.open_ticket(NewTicket::new("One")).await.expect("opened").id;
    for _ in 0..bsm_core::rules::limits::TRIM_BATCH {
        admin.touch_ticket(ticket).await.expect("touched");
    }
    let trimmed = desk.trim(Timestamp::MAX).await;
    assert!(matches!(trimmed, Err(Error::Damaged { .. })), "{trimmed:?}");
}
