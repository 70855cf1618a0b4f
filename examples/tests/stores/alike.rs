//! `service-desk` and `replay` say the same, to the byte, whatever their store.

use std::path::Path;

use serde_json::Value;

use crate::place::Place;
use crate::run::{output, replay, service_desk, sled, synced, text};

#[tokio::test]
async fn a_seed_gives_the_same_bytes_on_every_store() {
    let place = Place::new("seed").await;
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [&["--json", "--seed", "7"][..], &["--seed", "7"]] {
        let in_memory = service_desk(arguments);
        let name = arguments.len().to_string();
        let in_folder = service_desk(&[arguments, &["--store", &synced(folder.path(), &name)]].concat());
        assert!(in_folder == in_memory, "in a folder it differs");
        let there = Place::new(&format!("seed_{name}")).await;
        let on_postgres = service_desk(&[arguments, &["--store", &there.url()]].concat());
        assert!(on_postgres == in_memory, "on Postgres it differs");
    }
    // What is there is not filled twice, and not deleted.
    let url = place.url();
    service_desk(&["--store", &url, "--no-flow"]);
    for more in [&["--store", &url][..], &["--store", &url, "--fresh"]] {
        let refused = output(env!("CARGO_BIN_EXE_service-desk"), more);
        let complaint = String::from_utf8(refused.stderr).expect("UTF-8");
        assert_eq!((refused.status.code(), complaint.lines().count()), (Some(2), 1), "{complaint}");
        assert!(!complaint.contains("postgres://"), "it may hold a password");
    }
}

/// The small log, twice on each store: the second run has nothing to apply.
#[tokio::test]
async fn a_log_gives_the_same_report_and_the_same_dump_on_every_store() {
    let place = Place::new("log").await;
    let folder = tempfile::tempdir().expect("a folder");
    let (in_folder, on_postgres) = (sled(folder.path(), "desk"), place.url());
    let first = ["memory:", &in_folder, &on_postgres].map(|store| replayed(folder.path(), store));
    assert!(first[0].1.lines().count() > 10, "{}", first[0].1);
    for told in &first[1..] {
        assert_eq!(told.0, first[0].0);
        assert!(told.1 == first[0].1, "the dumps differ");
    }
    for store in [&in_folder, &on_postgres] {
        let (report, dump) = replayed(folder.path(), store);
        assert_eq!(report["applied"], 0);
        assert!(dump == first[0].1, "the dumps differ");
    }
}

/// The report, but for the time that it took, and the dump.
fn replayed(folder: &Path, store: &str) -> (Value, String) {
    let dump = folder.join("dump");
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/incident_log.csv");
    let report = replay(&["--json", "--store", store, "--dump", text(&dump), text(&log)]);
    let mut report: Value = serde_json::from_str(&report).expect("one JSON object");
    for taken in ["seconds", "rate"] {
        report.as_object_mut().and_then(|report| report.remove(taken)).expect("how long it took");
    }
    (report, std::fs::read_to_string(dump).expect("a dump"))
}
