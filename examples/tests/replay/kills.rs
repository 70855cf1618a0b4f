//! A replay that is killed goes on where it was, and ends as one that was not.
//!
//! The program is stopped by `--step` after some rows, let go, and killed a moment later. It can't get past its next
//! stop, so wherever the kill hits, and however slow the machine, it hits a replay at work: how far that came is known
//! within a step, and nothing is told by the clock.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::logs::{Log, own, real};
use crate::run::{self, Replay};
use crate::{folder, oracle};

/// Set for the tests that take longer.
const FULL_VARIABLE: &str = "BSM_TEST_FULL";

/// When to kill a run.
#[derive(Clone, Copy, Debug)]
struct Kill {
    /// After this many rows it stops, and is let go for as many more at most.
    step: u64,
    /// How long after that it is killed, in microseconds. 0 is a kill while it is likely to be at its first row.
    after: u64,
}

/// Moments by chance, such that the log is not at its end after all of them.
fn chance(kills: u64, events: u64) -> Vec<Kill> {
    let most = (events - 1) / (2 * kills);
    let random = |below: u64| RandomState::new().build_hasher().finish() % below;
    (0..kills)
        .map(|_| {
            let step = 1 + random(most);
            Kill { step, after: random(1_000 * step) }
        })
        .collect()
}

fn start(log: &Log, store: &str, step: u64) -> Child {
    let mut command = run::program(&["--json", "--store", store, "--step", &step.to_string()]);
    command.arg(&log.path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("starts")
}

/// Waits until the program has stopped by itself.
fn await_stop(child: &mut Child) {
    let mut line = String::new();
    let stderr = child.stderr.as_mut().expect("is piped");
    BufReader::new(stderr).read_line(&mut line).expect("can be read");
    assert!(line.contains("rows applied"), "{line}");
}

/// Ends the program with SIGKILL, and asserts that this is what ended it.
fn kill(mut child: Child) {
    child.kill().expect("can be killed");
    let status = child.wait().expect("ends");
    #[cfg(unix)]
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "it ended by itself: {status}");
    #[cfg(not(unix))]
    assert!(!status.success(), "it ended by itself: {status}");
}

fn killed_again_and_again(log: &Log, kills: u64) {
    let folder = folder();
    let store = run::sled(&folder);
    let moments = chance(kills, log.events);
    println!("replaying {}, killed at {moments:?}", log.name);
    for moment in &moments {
        let mut child = start(log, &store, moment.step);
        await_stop(&mut child);
        let stdin = child.stdin.as_mut().expect("is piped");
        stdin.write_all(b"\n").and_then(|()| stdin.flush()).expect("takes a line");
        std::thread::sleep(Duration::from_micros(moment.after));
        kill(child);
    }
    let before: u64 = moments.iter().map(|moment| moment.step).sum();
    let finished = Replay::of(&log.path, &store).run();
    let applied = finished.number("applied");
    assert!(
        applied <= log.events - before,
        "{applied} applied by the last run, {before} or more by the others: {moments:?}"
    );
    // None of them got past its second stop.
    assert!(applied >= log.events - 2 * before, "{applied} applied by the last run: {moments:?}");
    finished.has(&[("history_entries", log.events), ("mismatches", 0), ("reopened", log.reopened)]);
    assert_eq!(finished.dump(), oracle::dump(log), "{moments:?}");
    Replay::of(&log.path, &store).run().has(&[("applied", 0), ("history_entries", log.events)]);
}

#[test]
fn a_replay_that_is_killed_goes_on() {
    for _ in 0..3 {
        killed_again_and_again(&own(), 3);
    }
}

#[test]
fn a_replay_that_is_killed_ten_times_goes_on_with_the_real_log() {
    match (real(), std::env::var_os(FULL_VARIABLE)) {
        (Some(log), Some(_)) => killed_again_and_again(&log, 10),
        (None, _) => println!("not run: the real log was not found"),
        (_, None) => println!("not run: it takes longer, and {FULL_VARIABLE} is not set"),
    }
}

/// The first moments make the folder, the first admin and the first people: no row tells of them.
#[test]
fn a_replay_that_is_killed_while_it_starts_starts_again() {
    let (log, folder) = (own(), folder());
    let store = run::sled(&folder);
    for moment in chance(6, 120) {
        let child = start(&log, &store, 1);
        std::thread::sleep(Duration::from_micros(moment.after));
        kill(child);
    }
    let last = Replay::of(&log.path, &store).run();
    last.has(&[("history_entries", log.events), ("mismatches", 0)]);
    assert_eq!(last.dump(), oracle::dump(&log));
}

#[test]
fn a_replay_can_be_stepped_through() {
    let (log, folder) = (own(), folder());
    let store = run::sled(&folder);
    let mut child = start(&log, &store, 25);
    await_stop(&mut child);
    // While it waits, the desk is its own.
    let refused = Replay::of(&log.path, &store).fail();
    assert!(refused.contains("is open elsewhere"), "{refused}");
    // At the end of standard input it goes on to its end.
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["applied"], log.events);
}
