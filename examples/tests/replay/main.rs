//! The `replay` example, run as a person runs it: as a program, on a file and a store.
//!
//! Every test runs on the small log of our own making; those that [`logs::logs`] feeds run on the real one besides, where
//! it is found, and print which they ran. What the desk must say comes from [`oracle`], which reads the log on its own.

mod faults;
mod kills;
mod logs;
mod oracle;
mod run;

use logs::{Log, logs, own};
use run::Replay;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_log_ends_as_its_own_last_rows_say() {
    for log in logs() {
        let folder = folder();
        for store in ["memory:".to_owned(), run::sled_relaxed(&folder)] {
            let replayed = Replay::of(&log.path, &store).run();
            replayed.has(&[
                ("incidents", log.incidents),
                ("events", log.events),
                ("applied", log.events),
                ("history_entries", log.events),
                ("reopened", log.reopened),
                ("reopened_tickets", log.reopened_tickets),
                ("mismatches", 0),
                ("closing_time_differences", log.closing_time_differences),
                ("reassignment_differences", log.reassignment_differences),
                ("kept_as_opened", 0),
                ("priorities_by_hand", 0),
            ]);
            assert_eq!(replayed.report["tickets"], oracle::tickets(&log), "{}", log.name);
            assert_eq!(replayed.dump(), oracle::dump(&log), "{} on {store}", log.name);
            let resolved = replayed.report["time_to_resolve"].as_object().expect("an object").values();
            let counted: u64 = resolved.map(|times| times["count"].as_u64().expect("a count")).sum();
            assert_eq!(counted, log.resolved, "{}", log.name);
        }
    }
}

/// Whoever plays the log by other means compares what came of it with this file; so does the replay in Python.
#[test]
fn the_dump_of_our_own_log_is_the_one_that_is_checked_in() {
    let log = logs().swap_remove(0);
    let kept = std::fs::read_to_string(log.path.with_extension("dump.jsonl")).expect("a dump is checked in");
    assert_eq!(Replay::of(&log.path, "memory:").run().dumped(), kept);
}

#[test]
fn a_second_run_changes_nothing() {
    for log in logs() {
        let folder = folder();
        let store = run::sled(&folder);
        let first = Replay::of(&log.path, &store).run();
        let second = Replay::of(&log.path, &store).run();
        second.has(&[("applied", 0), ("history_entries", log.events), ("mismatches", 0)]);
        assert_eq!(second.dump(), first.dump(), "{}", log.name);
        assert_eq!(second.report["time_to_resolve"], first.report["time_to_resolve"]);
    }
}

#[test]
fn one_altered_count_of_reopenings_is_one_mismatch() {
    for log in logs() {
        let folder = folder();
        let store = run::sled_relaxed(&folder);
        let altered = alter_last_reopen_count(&log, &folder);
        let fresh = Replay::of(&altered, &store).run();
        fresh.has(&[("applied", log.events), ("mismatches", 1)]);
        assert_eq!(fresh.report["mismatched"][0]["field"], "reopenings");
        // A desk that has the log already finds the same.
        Replay::of(&altered, &store).run().has(&[("applied", 0), ("mismatches", 1)]);
        Replay::of(&log.path, &store).run().has(&[("applied", 0), ("mismatches", 0)]);
    }
}

/// A copy of the log whose last row says that its incident was reopened nine times.
fn alter_last_reopen_count(log: &Log, folder: &TempDir) -> std::path::PathBuf {
    let mut lines = log.lines();
    let last = lines.last_mut().expect("has rows");
    let mut fields: Vec<&str> = last.split(',').collect();
    fields[4] = "9";
    *last = fields.join(",");
    run::file(folder, "altered.csv", &lines)
}

#[test]
fn every_field_of_the_last_row_is_compared() {
    let folder = folder();
    let store = run::sled_relaxed(&folder);
    Replay::of(&own().path, &store).run();
    // INC0000025, whose last row is the last but one.
    let cases = [
        ("Active", "New", "status"),
        ("3 - Low,2 - Medium", "2 - Medium,2 - Medium", "impact"),
        ("3 - Low,2 - Medium", "3 - Low,3 - Low", "urgency"),
        ("4 - Low", "3 - Moderate", "priority"),
        ("Group 1", "Group 9", "group"),
        ("Group 1", "?", "group"),
        ("Resolver 3", "Resolver 5", "assigned_to"),
        ("Resolver 3", "Resolver 77", "assigned_to"),
        ("Resolver 3", "?", "assigned_to"),
        ("TRUE,0,0,", "TRUE,0,1,", "reopenings"),
    ];
    for (from, to, field) in cases {
        let mut lines = own().lines();
        let row = lines.len() - 2;
        assert!(lines[row].contains(from), "{}", lines[row]);
        lines[row] = lines[row].replacen(from, to, 1);
        let replayed = Replay::of(&run::file(&folder, "altered.csv", &lines), &store).run();
        replayed.has(&[("applied", 0), ("mismatches", 1)]);
        assert_eq!(replayed.report["mismatched"][0]["field"], field, "{from} to {to}");
    }
}

#[test]
fn a_priority_that_does_not_follow_is_taken_as_set_by_hand() {
    let folder = folder();
    let mut lines = own().lines();
    // INC0000025: opened so, then following again, then set by hand again.
    let last = lines.len() - 2;
    for row in [last - 2, last] {
        assert!(lines[row].contains("4 - Low"), "{}", lines[row]);
        lines[row] = lines[row].replacen("4 - Low", "1 - Critical", 1);
    }
    let replayed = Replay::of(&run::file(&folder, "by-hand.csv", &lines), "memory:").run();
    replayed.has(&[("applied", 60), ("mismatches", 0), ("priorities_by_hand", 1)]);
}

#[test]
fn a_ticket_keeps_who_called_and_how_and_the_report_says_so() {
    let folder = folder();
    let mut lines = own().lines();
    let row = lines.len() - 2;
    lines[row] = lines[row].replacen("Walk-in", "Email", 1).replacen("Caller 17", "Caller 18", 1);
    let replayed = Replay::of(&run::file(&folder, "other-caller.csv", &lines), "memory:").run();
    replayed.has(&[("applied", 60), ("mismatches", 0), ("kept_as_opened", 1)]);
}

#[test]
fn without_a_file_the_own_log_is_replayed_and_told_in_tables() {
    let output = run::program(&[]).output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "The head of the unified view",
        "Incident INC0000026",
        "Tickets on the desk: 13",
        "Time from opening to resolution",
        "The log: 13 incidents, 60 rows",
        "Applied now: 60 rows in",
        "Reopenings: 3, of 2 tickets",
        "Mismatches with the log's last rows: 0",
        "closing times 1, reassignments 1",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}
