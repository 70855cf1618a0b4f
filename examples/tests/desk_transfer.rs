//! `desk-transfer` as a person runs it: a desk out of one folder and into another, its JSON and its exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().expect("the program starts")
}

fn transfer(arguments: &[&str]) -> Output {
    run(env!("CARGO_BIN_EXE_desk-transfer"), arguments)
}

/// What a run that must go well tells as JSON.
fn told(arguments: &[&str]) -> Value {
    let output = transfer(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// What a run that must not go well says, in one line.
fn complaint(arguments: &[&str], code: i32) -> String {
    let output = transfer(arguments);
    let complaint = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), complaint.lines().count()), (Some(code), 1), "{arguments:?}: {complaint}");
    complaint
}

fn sled(folder: &Path) -> String {
    format!("sled:{}", folder.display())
}

#[test]
fn a_desk_moves_from_folder_to_folder() {
    let parent = tempfile::tempdir().expect("a folder for the test");
    let at = |name: &str| parent.path().join(name);
    let (first, second) = (sled(&at("first")), sled(&at("second")));
    let (file, again) = (at("desk.jsonl"), at("again.jsonl"));
    let (file, again) = (file.to_str().expect("UTF-8"), again.to_str().expect("UTF-8"));
    let filled = run(env!("CARGO_BIN_EXE_service-desk"), &["--store", &first, "--no-flow", "--seed", "1"]);
    assert_eq!(filled.status.code(), Some(0), "{}", String::from_utf8_lossy(&filled.stderr));

    let exported = told(&["export", "--store", &first, file]);
    assert!(exported["rows"].as_u64() >= Some(69), "{exported}");
    let imported = told(&["import", "--store", &second, file]);
    assert_eq!([&imported["rows"], &imported["lines"]], [&exported["rows"], &exported["lines"]]);
    let verified = told(&["verify", "--store", &second]);
    assert_eq!(verified["rows"], exported["rows"]);
    assert_eq!(verified["differences"].as_array().map(Vec::len), Some(0));
    told(&["export", "--store", &second, again]);
    assert_eq!(fs::read(file).expect("read"), fs::read(again).expect("read"), "equal to the byte");

    assert!(complaint(&["import", "--store", &second, file], 2).contains("has a desk already"));
    assert!(complaint(&["import", "--store", "memory:", "/nowhere/at/all"], 1).contains("the file"));
    assert!(complaint(&["verify", "--store", "desk.db"], 2).contains("address"));
    let text = fs::read_to_string(file).expect("read");
    fs::write(again, &text[..text.len() / 2]).expect("written");
    assert!(complaint(&["import", "--store", "memory:", again], 1).contains("line"));
    assert!(fs::read_dir(parent.path()).expect("listed").count() == 4, "nothing else is left");

    // An address that is mistyped leads to a new desk: no backup of that takes the place of one.
    let mistyped = sled(&at("frist"));
    let before = fs::read(file).expect("read");
    assert!(complaint(&["export", "--store", &mistyped, file], 2).contains("nothing on this desk"));
    assert_eq!(fs::read(file).expect("read"), before);
    assert!(complaint(&["verify", "--store", &mistyped], 2).contains("nothing on this desk"));
    assert!(complaint(&["copy", "--store", &mistyped, "--to", "memory:"], 2).contains("nothing on this desk"));
}
