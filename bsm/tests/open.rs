//! Opening desks by address, as an application does.

use bsm::model::Role;
use bsm::{Error, NewUser};

#[tokio::test]
async fn what_is_no_address_of_a_known_store_is_refused() {
    for bad in ["", "desk.db", "mysql://host/desk", "memory:somewhere", "memory:?x=1", "sled:"] {
        let refused = bsm::open(bad).await;
        assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{bad}: {refused:?}");
    }
}

#[tokio::test]
async fn no_error_tells_the_password_of_an_address() {
    let refused = bsm::open("mysql://root:secret@host/desk").await.expect_err("is not known");
    assert!(!format!("{refused:?} {refused}").contains("secret"));
}

#[cfg(feature = "sled")]
#[tokio::test]
async fn a_desk_in_a_folder_is_there_when_it_is_opened_again() {
    let parent = tempfile::tempdir().expect("a folder for the test");
    let address = format!("sled:{}", parent.path().join("desk").display());
    let desk = bsm::open(&address).await.expect("opens");
    let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
    let again = bsm::open(&address).await;
    assert!(matches!(again, Err(Error::InUse { .. })), "{again:?}");
    desk.close().await.expect("closes");
    let closed = desk.admin(root.id).summary().await;
    assert!(matches!(closed, Err(Error::Closed { .. })), "{closed:?}");

    let desk = bsm::open(&address).await.expect("opens again");
    assert_eq!(desk.admin(root.id).user(root.id).await.expect("is still there"), root);
    let second = desk.bootstrap(NewUser::new("Other", "other@example.org", Role::Admin)).await;
    assert!(matches!(second, Err(Error::AlreadyBootstrapped)), "{second:?}");
}

#[cfg(feature = "sled")]
#[tokio::test]
async fn options_of_a_folder_are_checked() {
    let parent = tempfile::tempdir().expect("a folder for the test");
    let place = parent.path().join("desk");
    for bad in
        ["durability=never", "cache=much", "cache=1MB", "cache=1023KiB", "cash=1", "cache_bytes=8388608", "durability"]
    {
        let refused = bsm::open(&format!("sled:{}?{bad}", place.display())).await;
        assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{bad}: {refused:?}");
        assert!(!place.exists(), "{bad} made a folder");
    }
    for good in ["durability=relaxed&cache=8388608", "durability=sync&cache=8MiB", "cache=1024KiB", ""] {
        let address = format!("sled:{}?{good}", place.display());
        bsm::open(&address).await.expect("opens").close().await.expect("closes");
    }
}

/// Polls on this thread, as any executor might, with no tokio anywhere.
#[cfg(any(feature = "memory", feature = "sled"))]
fn without_tokio<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

#[cfg(any(feature = "memory", feature = "sled"))]
async fn a_life(address: String) -> bsm::Result<()> {
    let desk = bsm::open(&address).await?;
    let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await?;
    let admin = desk.admin(root.id);
    let mut watch = admin.watch(bsm::feed::Since::Now).await?;
    for n in 0..300 {
        admin.open_ticket(bsm::NewTicket::new(format!("No. {n}"))).await?;
    }
    // More rows than are read in place where there is a runtime.
    let query = bsm::view::Query::of(bsm::view::WorkListing::All).limit(300);
    assert_eq!(admin.tickets(&query).await?.rows.len(), 300);
    assert_eq!(watch.next().await?.entries.len(), 1);
    desk.close().await
}

/// Reads and writes of files are done in place where no runtime is.
#[cfg(feature = "memory")]
#[test]
fn a_desk_is_moved_without_a_runtime() {
    without_tokio(async {
        let desk = bsm::open("memory:").await.expect("opens");
        desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
        let (text, progress) = bsm::transfer::export_to(&desk, Vec::new(), |_| {}).await.expect("exported");
        let copy = bsm::open("memory:").await.expect("opens");
        let imported = bsm::transfer::import_from(&copy, std::io::Cursor::new(text), |_| {}).await.expect("taken in");
        assert_eq!(imported.progress, progress);
    });
}

#[cfg(feature = "memory")]
#[tokio::test]
async fn a_desk_is_short_in_logs() {
    let desk = bsm::open("memory:").await.expect("opens");
    let root = desk.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first");
    assert_eq!(format!("{desk:?}"), "Desk(memory:)");
    assert!(format!("{:?}", desk.admin(root.id)).len() < 300);
}

#[cfg(feature = "memory")]
#[test]
fn a_desk_in_memory_needs_no_runtime() -> bsm::Result<()> {
    without_tokio(a_life("memory:".to_owned()))
}

#[cfg(feature = "sled")]
#[test]
fn a_desk_in_a_folder_needs_no_runtime() -> bsm::Result<()> {
    let parent = tempfile::tempdir().expect("a folder for the test");
    without_tokio(a_life(format!("sled:{}?durability=relaxed", parent.path().join("desk").display())))
}
