//! Faults are told in one line that names the place, and what was applied before them stays.

use crate::folder;
use crate::logs::own;
use crate::run::{self, Replay};

#[test]
fn a_word_that_the_desk_does_not_have_changes_nothing() {
    let folder = folder();
    let store = run::sled(&folder);
    let mut lines = own().lines();
    let row = lines.len() - 1;
    lines[row] = lines[row].replacen(",New,", ",Asleep,", 1);
    let file = run::file(&folder, "asleep.csv", &lines);
    let fault = Replay::of(&file, &store).fail();
    for part in [file.to_str().expect("text"), "line 61", "column incident_state", "\"Asleep\"", "Awaiting Vendor"] {
        assert!(fault.contains(part), "{part} is missing: {fault}");
    }
    // Nothing of the rows before it was applied.
    Replay::of(&own().path, &store).run().has(&[("applied", 60)]);
}

#[test]
fn a_move_that_the_desk_does_not_allow_is_told_and_the_rows_before_it_stay() {
    let folder = folder();
    let store = run::sled(&folder);
    let mut lines = own().lines();
    // The fourth row of the first incident, skipped over: from Active to Closed.
    assert!(lines[4].contains(",Resolved,"), "{}", lines[4]);
    lines[4] = lines[4].replacen(",Resolved,", ",Closed,", 1);
    let fault = Replay::of(&run::file(&folder, "skipped.csv", &lines), &store).fail();
    for part in ["skipped.csv, line 5", "INC0000007", "can't go from in_progress to closed", "resolved"] {
        assert!(fault.contains(part), "{part} is missing: {fault}");
    }
    // The log as it should be goes on from there.
    Replay::of(&own().path, &store).run().has(&[("applied", 57), ("history_entries", 60), ("mismatches", 0)]);
}

#[test]
fn a_change_of_what_is_closed_is_told() {
    let folder = folder();
    let mut lines = own().lines();
    // INC0000011 is touched once when it is closed; here it is given to another group.
    let touch = lines.iter().rposition(|line| line.starts_with("INC0000011")).expect("is there");
    lines[touch] = lines[touch].replacen("Group 1", "Group 2", 1);
    let fault = Replay::of(&run::file(&folder, "changed.csv", &lines), "memory:").fail();
    assert!(fault.contains(&format!("line {}", touch + 1)) && fault.contains("is closed"), "{fault}");
}

#[test]
fn a_ticket_that_others_changed_is_told() {
    let folder = folder();
    let store = run::sled(&folder);
    Replay::of(&own().path, &store).run();
    let mut lines = own().lines();
    let touch = lines.iter().rposition(|line| line.starts_with("INC0000011")).expect("is there");
    lines.remove(touch);
    let fault = Replay::of(&run::file(&folder, "shorter.csv", &lines), &store).fail();
    assert!(fault.contains("INC0000011 has 7 history entries, but the log only 6 rows"), "{fault}");
}

#[test]
fn a_file_or_a_store_that_is_not_there_is_told() {
    let folder = folder();
    let fault = Replay::of(&folder.path().join("nothing.csv"), "memory:").fail();
    assert!(fault.contains("nothing.csv"), "{fault}");
    let fault = Replay::of(&own().path, "cupboard:desk").fail();
    assert!(fault.contains("store address"), "{fault}");
}

#[test]
fn bad_usage_ends_with_2() {
    for arguments in [&["--step", "0"][..], &["--shop", "memory:"], &["a.csv", "b.csv"]] {
        let output = run::program(arguments).output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
