//! `service-desk` as a person runs it: its JSON, its exit codes, and what `--fresh` may and may not delete.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_service-desk"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program starts")
}

/// What a run that must go well prints.
fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), complaint.as_ref()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn report(arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(arguments)).expect("one JSON object")
}

/// What a run that must not go well says, in one line, with nothing on standard output.
fn complaint(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let complaint = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(code), &[][..]), "{arguments:?}: {complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint
}

fn sled(folder: &Path) -> String {
    format!("sled:{}", folder.display())
}

fn assert_facts(report: &Value) {
    let counts = json!({
        "users": 9, "tickets": 20, "articles": 9, "services": 16, "requests": 9, "ratings": 6,
        "unified": 29, "foreign_keys": 8, "records": 69,
    });
    assert_eq!(report["counts"], counts);
    assert_eq!(report["mean_rating"], json!(4.33));
    let after = &report["counts_after"];
    assert_eq!(
        [&after["requests"], &after["tickets"], &after["unified"], &after["ratings"]],
        [&json!(10), &json!(21), &json!(31), &json!(7)]
    );
}

fn assert_flow(report: &Value) {
    let steps = report["flow"].as_array().expect("steps");
    assert_eq!(steps.len(), 6);
    let statuses = |side: &str| -> Vec<Vec<String>> {
        let rows = |step: &Value| step[side]["rows"].as_array().expect("rows").clone();
        let status = |row: &Value| format!("{} {}", row["source"], row["status"]).replace('"', "");
        steps.iter().map(|step| rows(step).iter().map(status).collect()).collect()
    };
    let seen = [
        vec!["request submitted"],
        vec!["request submitted"],
        vec!["ticket new", "request in_progress"],
        vec!["ticket new", "request in_progress"],
        vec!["ticket resolved", "request fulfilled"],
        vec!["ticket resolved", "request fulfilled"],
    ];
    assert_eq!(statuses("admin_sees"), seen);
    assert_eq!(statuses("customer_sees"), seen);
    for step in steps {
        assert!(step["commands"].as_array().is_some_and(|commands| !commands.is_empty()));
        assert!(step["ids"]["request"].is_string());
    }
    // Each side is told of what the other did, once and in order.
    let told = |side: &str| -> Vec<Vec<&str>> {
        let notices = steps.iter().flat_map(|step| step["told"][side].as_array().expect("notices"));
        let mut ranks = 0..;
        notices
            .map(|notice| {
                assert_eq!(notice["rank"].as_u64(), ranks.next().map(|rank| rank + 1));
                notice["rows"].as_array().expect("rows").iter().map(|row| row.as_str().expect("a row")).collect()
            })
            .collect()
    };
    let expected = [
        vec!["request created"],
        vec!["ticket created", "request changed"],
        vec!["request changed", "ticket changed"],
        vec!["rating created", "request changed"],
    ];
    assert_eq!((told("admin"), told("customer")), (expected.clone().into(), expected.into()));
    let made = &steps[2];
    assert_eq!(made["admin_sees"]["rows"][0]["category"], "customer_request");
    // Each half of the pair names the other.
    let pair = made["admin_sees"]["rows"].as_array().expect("rows");
    assert!(pair.iter().all(|row| row["ticket_id"] == made["ids"]["ticket"]));
    assert!(pair.iter().all(|row| row["request_id"] == made["ids"]["request"]));
    let totals = |step: usize| &steps[step]["admin_sees"]["summary"];
    assert_ne!(totals(3)["revenue"], totals(5)["revenue"]);
    assert_eq!(steps[5]["admin_sees"]["mean_rating"], json!(4.43));
    let of_request = |rating: &Value| rating["id"] == steps[4]["ids"]["rating"];
    assert!(steps[5]["customer_sees"]["ratings"].as_array().expect("ratings").iter().any(of_request));
}

#[test]
fn in_memory_it_shows_what_the_desk_holds_and_how_a_request_goes() {
    let report = report(&["--json"]);
    assert_facts(&report);
    assert_flow(&report);
}

#[test]
fn in_a_folder_a_seed_gives_the_same_bytes_as_in_memory() {
    let parent = tempfile::tempdir().expect("a folder");
    let (first, second) = (sled(&parent.path().join("first")), sled(&parent.path().join("second")));
    let in_folder = printed(&["--json", "--seed", "7", "--store", &first]);
    assert_eq!(in_folder, printed(&["--json", "--seed", "7", "--store", &second]));
    assert_eq!(in_folder, printed(&["--json", "--seed", "7"]));
    let report = serde_json::from_str(&in_folder).expect("JSON");
    assert_facts(&report);
    assert_flow(&report);
}

#[test]
fn another_seed_gives_other_texts_and_the_same_counts() {
    let (one, other) = (report(&["--json", "--seed", "1"]), report(&["--json", "--seed", "2"]));
    assert_facts(&one);
    assert_facts(&other);
    let texts = |report: &Value, list: &str, field: &str| -> Vec<Value> {
        report["desk"][list].as_array().expect("a list").iter().map(|row| row[field].clone()).collect()
    };
    for (list, field) in [("users", "full_name"), ("tickets", "title"), ("articles", "title")] {
        assert_ne!(texts(&one, list, field), texts(&other, list, field), "{list}");
    }
}

#[test]
fn without_the_flow_it_stops_at_the_demonstration() {
    let report = report(&["--json", "--no-flow"]);
    assert_eq!(report["counts"]["unified"], 29);
    assert_eq!(report["desk"]["unified"].as_array().map(Vec::len), Some(29));
    assert!(report.get("flow").is_none() && report.get("counts_after").is_none());
}

#[test]
fn for_a_person_it_prints_tables_without_colours_into_a_pipe() {
    let text = printed(&["--seed", "3"]);
    for wanted in ["69 records", "29 rows in the unified view", "TKT-000020", "REQ-000009", "Step 6", "72 records"] {
        assert!(text.contains(wanted), "{wanted}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn a_reader_who_goes_away_is_no_fault() {
    let mut child = command(&["--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[][..]));
}

#[test]
fn a_desk_that_is_not_empty_is_refused_and_left_as_it_is() {
    let parent = tempfile::tempdir().expect("a folder");
    let store = sled(&parent.path().join("desk"));
    printed(&["--no-flow", "--store", &store]);
    assert!(complaint(&["--store", &store], 2).contains("--fresh"));
    // Still the first one: refused again, and not half filled with another.
    assert!(complaint(&["--json", "--store", &store], 2).contains("not empty"));
}

#[test]
fn fresh_deletes_the_desk_and_makes_it_anew() {
    let parent = tempfile::tempdir().expect("a folder");
    let store = sled(&parent.path().join("desk"));
    // Where there is none, there is nothing to delete.
    let first = printed(&["--json", "--seed", "1", "--fresh", "--store", &store]);
    assert_eq!(printed(&["--json", "--seed", "1", "--fresh", "--store", &store]), first);
    let other = report(&["--json", "--seed", "2", "--fresh", "--store", &store]);
    assert_facts(&other);
    assert_facts(&report(&["--json", "--fresh"]));
}

#[test]
fn fresh_goes_on_where_it_was_stopped() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("desk");
    let store = sled(&folder);
    printed(&["--no-flow", "--store", &store]);
    fs::remove_dir_all(folder.join("data")).expect("removed");
    complaint(&["--store", &store], 1);
    fs::remove_file(folder.join("HEAD")).expect("removed");
    assert_facts(&report(&["--json", "--fresh", "--store", &store]));
}

#[test]
fn fresh_deletes_nothing_that_is_not_a_desk_s() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("desk");
    let store = sled(&folder);
    printed(&["--no-flow", "--store", &store]);

    let letter = folder.join("letter.txt");
    fs::write(&letter, "Dear Ada").expect("written");
    assert!(complaint(&["--fresh", "--store", &store], 2).contains("letter.txt"));
    assert_eq!(fs::read_to_string(&letter).expect("still there"), "Dear Ada");
    fs::remove_file(&letter).expect("removed");

    let format = folder.join("FORMAT");
    let kept = fs::read(&format).expect("a format");
    fs::write(&format, "something else\n").expect("written");
    assert!(complaint(&["--fresh", "--store", &store], 2).contains("FORMAT"));
    fs::write(&format, kept).expect("written");
    assert!(complaint(&["--store", &store], 2).contains("not empty"), "the desk is whole");

    let file = parent.path().join("file");
    fs::write(&file, "text").expect("written");
    complaint(&["--fresh", "--store", &sled(&file)], 2);
    assert_eq!(fs::read_to_string(&file).expect("still there"), "text");
}

#[cfg(unix)]
#[test]
fn fresh_follows_no_link_out_of_the_desk() {
    let parent = tempfile::tempdir().expect("a folder");
    let (folder, elsewhere) = (parent.path().join("desk"), parent.path().join("elsewhere"));
    let store = sled(&folder);
    printed(&["--no-flow", "--store", &store]);
    fs::rename(folder.join("data"), &elsewhere).expect("moved");
    std::os::unix::fs::symlink(&elsewhere, folder.join("data")).expect("linked");
    assert!(complaint(&["--fresh", "--store", &store], 2).contains("data"));
    assert!(elsewhere.join("db").is_file());
}

#[tokio::test]
async fn fresh_leaves_a_desk_alone_that_somebody_has_open() -> bsm::Result<()> {
    let parent = tempfile::tempdir().expect("a folder");
    let store = sled(&parent.path().join("desk"));
    printed(&["--no-flow", "--store", &store]);
    let desk = bsm::open(&store).await?;
    assert!(complaint(&["--fresh", "--store", &store], 1).contains("open elsewhere"));
    desk.health().await?;
    desk.close().await?;
    assert!(complaint(&["--store", &store], 2).contains("not empty"));
    Ok(())
}

#[test]
fn bad_usage_and_faults_are_told_apart_by_the_exit_code() {
    assert!(complaint(&["--store", "nowhere"], 2).contains("store address"));
    assert!(complaint(&["--store", "carrier-pigeon:x"], 2).contains("memory:"));
    assert_eq!(run(&["--seed", "many"]).status.code(), Some(2));
    assert_eq!(run(&["--colour"]).status.code(), Some(2));
    let parent = tempfile::tempdir().expect("a folder");
    complaint(&["--store", &sled(&parent.path().join("no").join("such").join("parent"))], 1);
}
