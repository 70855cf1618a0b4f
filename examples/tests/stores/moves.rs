//! A desk goes from store to store, and its export stays the same to the byte.

use std::fs;
use std::path::Path;

use bsm::transfer::{export_to, import_from};
use bsm::{Desk, Result};
use serde_json::Value;

use crate::place::Place;
use crate::run::{replay, service_desk, sled, text, transfer};

/// Every store takes a desk from every store, its own kind included.
const WAYS: [[Kind; 2]; 9] = {
    use Kind::{Memory, Postgres, Sled};
    [
        [Memory, Sled],
        [Sled, Postgres],
        [Postgres, Memory],
        [Memory, Postgres],
        [Postgres, Sled],
        [Sled, Memory],
        [Memory, Memory],
        [Sled, Sled],
        [Postgres, Postgres],
    ]
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    Sled,
    Postgres,
}

/// The export of the desk at an address.
async fn exported(desk: &Desk) -> Vec<u8> {
    export_to(desk, Vec::new(), |_| {}).await.expect("is exported").0
}

/// Takes the text into a new desk of each kind by the ways above, and asserts that it comes out again.
async fn goes_round(text: &[u8], name: &str) -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    for (nth, [from, to]) in WAYS.into_iter().enumerate() {
        let (mut places, mut told) = (Vec::new(), text.to_vec());
        for (step, kind) in [from, to].into_iter().enumerate() {
            let name = format!("{name}_{nth}_{step}");
            let address = match kind {
                Kind::Memory => "memory:".to_owned(),
                Kind::Sled => sled(folder.path(), &name),
                Kind::Postgres => {
                    places.push(Place::new(&name).await);
                    places.last().expect("was made").url()
                }
            };
            let desk = bsm::open(&address).await?;
            import_from(&desk, std::io::Cursor::new(told), |_| {}).await.expect("is taken in");
            let found = desk.verify().await?;
            assert!(found.is_clean(), "{kind:?}: {:#?}", found.differences);
            told = exported(&desk).await;
            assert!(told == text, "from {from:?} to {to:?}, the text differs");
            desk.close().await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demonstration_stays_the_same_from_store_to_store() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, file) = (sled(folder.path(), "desk"), folder.path().join("desk.jsonl"));
    service_desk(&["--store", &store, "--seed", "5"]);
    transfer(&["export", "--store", &store, text(&file)]);
    goes_round(&fs::read(&file).expect("is there"), "round").await
}

/// A desk that was made on Postgres: with tickets of the past, touches, and users who are made as they are named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_log_stays_the_same_from_store_to_store() -> Result<()> {
    let place = Place::new("replayed").await;
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/incident_log.csv");
    replay(&["--json", "--store", &place.url(), text(&log)]);
    let desk = bsm::open(&place.url()).await?;
    let told = exported(&desk).await;
    desk.close().await?;
    goes_round(&told, "log_round").await
}

#[tokio::test]
async fn desk_transfer_copies_by_address_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let (there, again) = (Place::new("copy").await, Place::new("copy_again").await);
    let (first, last) = (sled(folder.path(), "first"), sled(folder.path(), "last"));
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    service_desk(&["--store", &first, "--seed", "6", "--no-flow"]);
    transfer(&["export", "--store", &first, text(&before)]);
    for [from, to] in [[&first, &there.url()], [&there.url(), &again.url()], [&again.url(), &last]] {
        let told = transfer(&["copy", "--store", from, "--to", to, "--json"]);
        let told: Value = serde_json::from_str(&told).expect("one JSON object");
        assert_eq!((&told["what"], &told["resumed_after"]), (&"copied".into(), &0.into()));
        transfer(&["verify", "--store", to]);
    }
    transfer(&["export", "--store", &last, text(&after)]);
    assert!(fs::read(before).expect("is there") == fs::read(after).expect("is there"), "the text differs");
    let refused =
        crate::run::output(env!("CARGO_BIN_EXE_desk-transfer"), &["copy", "--store", &first, "--to", &there.url()]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
}
