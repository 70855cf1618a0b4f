//! What the tests of this crate share: desks with people in them, and children of the test program.

#![allow(dead_code, reason = "each test program uses its part of it")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bsm_core::conformance::Place;
use bsm_core::model::{Role, UserId};
use bsm_core::store::Store;
use bsm_core::{Desk, NewUser, Result};
use bsm_store_sled::{SledOptions, open, open_blocking};

/// Tells a child of a test program that it is one, and where to work.
const PLACE: &str = "BSM_SLED_TEST_PLACE";

/// Where to work, in a child.
pub(crate) fn child_place() -> Option<PathBuf> {
    env::var_os(PLACE).map(PathBuf::from)
}

/// The running test program.
pub(crate) fn program() -> PathBuf {
    env::current_exe().expect("the test program has a path")
}

/// The arguments by which a test program runs this test alone.
pub(crate) fn only(test: &str) -> [&str; 4] {
    ["--exact", test, "--nocapture", "--test-threads=1"]
}

/// A child that runs this test with a place to work in.
pub(crate) fn child(program: &Path, test: &str, place: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(only(test)).env(PLACE, place);
    command
}

/// As [`child`], in a shell that does something first.
pub(crate) fn child_after(shell: &str, test: &str, place: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{shell}; exec \"$0\" \"$@\"")).arg(program()).args(only(test)).env(PLACE, place);
    command
}

/// Whether a full run was asked for.
pub(crate) fn full() -> bool {
    env::var_os("BSM_TEST_FULL").is_some_and(|value| value == "1")
}

/// How often to do something that is done at random, by default and in a full run.
pub(crate) fn rounds(usual: u64, in_full: u64) -> u64 {
    if full() { in_full } else { usual }
}

/// The same numbers in every run: xorshift.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

pub(crate) fn options() -> SledOptions {
    SledOptions { cache_bytes: 8 << 20, ..SledOptions::default() }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}

/// A desk in the folder, and the store under it, to be closed.
pub(crate) fn desk(folder: &Path) -> Result<(Desk, Arc<dyn Store>)> {
    let store: Arc<dyn Store> = Arc::new(open_blocking(folder, &options())?);
    Ok((Desk::new(Arc::clone(&store)), store))
}

async fn store(folder: PathBuf) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(open(&folder, &SledOptions::default()).await?))
}

/// An empty desk in a folder of its own, for suites: with every command synced.
pub(crate) async fn fresh() -> Place {
    let parent = tempfile::tempdir().expect("a folder for the test");
    let folder = parent.path().join("desk");
    let made = store(folder.clone()).await.expect("a desk in an empty folder");
    Place::new(made).keeping(parent).reopened_by(move || store(folder.clone()))
}

pub(crate) const ADMIN: &str = "root@example.org";

/// The first admin of the desk, who is made if there is none.
pub(crate) async fn admin(desk: &Desk) -> UserId {
    match desk.bootstrap(NewUser::new("Root", ADMIN, Role::Admin)).await {
        Ok(user) => user.id,
        Err(bsm_core::Error::AlreadyBootstrapped) => panic!("the admin of a desk that has one must be passed on"),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn person(number: u64) -> NewUser {
    NewUser::new(format!("Person {number}"), email(number), Role::Customer)
}

pub(crate) fn email(number: u64) -> String {
    format!("person{number}@example.org")
}

/// Makes a desk with so many people, closes it, and tells its admin.
pub(crate) fn make_desk(folder: &Path, people: std::ops::Range<u64>) -> UserId {
    runtime().block_on(async {
        let (desk, store) = desk(folder).expect("made");
        let root = admin(&desk).await;
        for number in people {
            desk.admin(root).create_user(person(number)).await.expect("created");
        }
        store.close().await.expect("closed");
        root
    })
}

/// Adds people to a desk, and closes it.
pub(crate) fn add_people(folder: &Path, root: UserId, people: std::ops::Range<u64>) {
    runtime().block_on(async {
        let (desk, store) = desk(folder).expect("opened");
        for number in people {
            desk.admin(root).create_user(person(number)).await.expect("created");
        }
        store.close().await.expect("closed");
    });
}

/// Copies a folder and all that it holds.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("has a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}
