//! What happens beside a read, a recount, an export or a wait: each interleaving is made, not hoped for.

mod common;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use bsm_core::model::{Action, HistoryEntry, Role, Row, Timestamp, UserId};
use bsm_core::store::{ChangeSet, FeedPage, FeedPlace, FeedQuery, ImportMark, ImportPart, ImportStep, ReadSet, Store};
use bsm_core::{Desk, Error, NewUser, UserChange};
use bsm_store_kv::{KvOptions, KvStore};
use common::faulty::durable;
use common::hooked::hooked;
use common::{entry, insert, user, user_id};
use tokio::runtime::Handle;

/// Makes a user, and tells somebody of it.
fn told(n: u32, subject: Option<UserId>) -> ChangeSet {
    let row = Row::from(user(n));
    let history = vec![HistoryEntry { action: Action::Created, subject, ..entry(row.key(), 1) }];
    ChangeSet { history, ..insert([row]) }
}

async fn feed(store: &KvStore, customer: Option<UserId>, after: Option<u64>) -> FeedPage {
    let feed = Some(FeedQuery { customer, after, entities: vec![], limit: 10, rows: false });
    store.read(ReadSet { feed, ..ReadSet::default() }).await.expect("a read").feed.expect("a page")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recount_beside_a_trim_finds_nothing() {
    let (engine, store) = hooked();
    for n in 1..=4_000 {
        store.commit(told(n, Some(user_id(1 + n % 3)))).await.expect("committed");
    }
    // Through more views than it takes: the trim comes before each of them.
    for behind in 0..14 {
        let (other, runtime) = (Arc::clone(&store), Handle::current());
        engine.before_view(behind, move || {
            runtime.block_on(other.trim(Timestamp::MAX, 250)).expect("trimmed");
        });
        let found = store.verify().await.expect("recounted");
        assert!(found.is_clean(), "behind {behind} views: {:?}", found.differences);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_missed_nothing_is_not_told_so() {
    let (engine, store) = hooked();
    store.commit(told(1, Some(user_id(1)))).await.expect("committed");
    store.commit(told(2, None)).await.expect("committed");
    let (other, runtime) = (Arc::clone(&store), Handle::current());
    engine.before_view(0, move || {
        runtime.block_on(async {
            other.commit(told(3, Some(user_id(1)))).await.expect("committed");
            other.commit(told(4, None)).await.expect("committed");
            other.trim(Timestamp::MAX, 2).await.expect("trimmed");
        });
    });
    let raced = feed(&store, Some(user_id(1)), Some(1)).await;
    assert!((raced.oldest..=raced.newest).contains(&1), "{raced:?}");
    assert_eq!(feed(&store, Some(user_id(1)), Some(1)).await.events.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_half_an_import() {
    let (engine, store) = hooked();
    let (other, runtime) = (Arc::clone(&store), Handle::current());
    engine.before_view(0, move || {
        runtime.block_on(async {
            other.import(ImportStep::Begin).await.expect("begun");
            let mark = ImportMark { lines: 1, digest: 1 };
            let part = ImportPart { rows: vec![user(1).into()], mark, ..ImportPart::default() };
            other.import(ImportStep::Restore(part)).await.expect("taken in");
        });
    });
    let seen = store.read(ReadSet { get: vec![user(1).id.into()], ..ReadSet::default() }).await;
    assert!(matches!(seen, Err(Error::ImportUnfinished { .. })), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_lost_is_told() {
    let from = Desk::new(Arc::new(bsm_store_kv::memory().expect("a store")));
    from.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("made");
    let (engine, store) = durable();
    let empty = engine.copy();
    let to = Desk::new(Arc::new(store));
    copy(&from, &to).await.expect("taken in");
    // The files lost what was acknowledged; the head did not.
    empty.set_head(engine.head());
    let opened = KvStore::open(Arc::new(empty), KvOptions::default());
    assert!(matches!(opened, Err(Error::Damaged { .. })), "{opened:?}");
}

async fn copy(from: &Desk, to: &Desk) -> bsm_core::Result<()> {
    let (mut export, mut import) = (from.export(), to.import().await?);
    while let Some(lines) = export.next().await? {
        import.write(lines.as_bytes()).await?;
    }
    import.finish().await.map(drop)
}

/// A value that passes from one row to another, more events behind than a page of an export follows at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_far_behind_can_be_taken_in() -> bsm_core::Result<()> {
    let desk = Desk::new(Arc::new(bsm_store_kv::memory()?));
    let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await?;
    let admin = desk.admin(root.id);
    let new = |name: &str| NewUser::new(name, format!("{name}@example.org"), Role::Customer);
    let (ada, ben) = (admin.create_user(new("ada")).await?, admin.create_user(new("ben")).await?);
    let mut others = Vec::new();
    for n in 0..700 {
        others.push(admin.create_user(new(&format!("other{n}"))).await?.id);
    }
    let (mut export, mut text) = (desk.export(), String::new());
    while export.progress().rows < 703 {
        text += &export.next().await?.expect("more");
    }
    let name = |name: String| UserChange { full_name: Some(name), ..UserChange::default() };
    let email = |email: &str| UserChange { email: Some(email.to_owned()), ..UserChange::default() };
    admin.change_user(ada.id, name("Ada Lovelace".to_owned())).await?;
    for other in others.iter().take(250) {
        admin.change_user(*other, name(format!("Another {other}"))).await?;
    }
    admin.change_user(ben.id, email("other@example.org")).await?;
    admin.change_user(ada.id, email("ben@example.org")).await?;
    while let Some(lines) = export.next().await? {
        text += &lines;
    }
    let to = Desk::new(Arc::new(bsm_store_kv::memory()?));
    let mut import = to.import().await?;
    import.write(text.as_bytes()).await?;
    import.finish().await?;
    assert_eq!(to.user_by_email("ben@example.org").await?.id, ada.id);
    Ok(())
}

/// A waker that is not ours, and breaks.
struct Breaks;

impl Wake for Breaks {
    fn wake(self: Arc<Self>) {
        std::panic::resume_unwind(Box::new("somebody else's waker"));
    }
}

/// Leaves somebody waiting who breaks when they are woken.
async fn breaking(store: &Arc<KvStore>, customer: Option<UserId>) -> Pin<Box<impl Future>> {
    let stands = feed(store, customer, None).await;
    let (store, after) = (Arc::clone(store), FeedPlace { epoch: stands.epoch, place: stands.newest });
    let mut wait = Box::pin(async move { store.wait(customer, after).await });
    let waker = Waker::from(Arc::new(Breaks));
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    wait
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_breaks_takes_nobody_with_it() {
    let (_engine, on_disk) = durable();
    for store in [Arc::new(bsm_store_kv::memory().expect("a store")), Arc::new(on_disk)] {
        let waits = [breaking(&store, None).await, breaking(&store, Some(user_id(1))).await];
        store.commit(told(1, Some(user_id(1)))).await.expect("committed");
        store.commit(told(2, Some(user_id(1)))).await.expect("committed");
        assert_eq!(feed(&store, None, None).await.newest, 2);
        drop(waits);
        let _waits = breaking(&store, None).await;
        store.close().await.expect("closed");
    }
}

/// Somebody without a runtime, who sleeps until they are woken.
struct Thread(std::thread::Thread);

impl Wake for Thread {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    let waker = Waker::from(Arc::new(Thread(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

#[test]
fn closing_lets_go_of_the_engine_without_a_runtime_too() {
    for _ in 0..100 {
        let (engine, store) = durable();
        engine.refuse_try_view();
        let store = Arc::new(store);
        let reads = Arc::clone(&store);
        let reader = std::thread::spawn(move || while block_on(reads.read(ReadSet::default())).is_ok() {});
        std::thread::sleep(std::time::Duration::from_micros(300));
        block_on(store.close()).expect("closed");
        assert_eq!(Arc::strong_count(&engine), 1, "a read still holds it");
        reader.join().expect("no panic");
    }
}
