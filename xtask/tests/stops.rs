//! However a run ends, nothing of its server stays.
//!
//! Each test gives the program a temporary folder of its own, which must be empty in the end, and has a command print
//! the server's process id, which must then be nobody's.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;

/// Prints the server's process id, if it is given the server's URL.
const TELL: &str = "test -n \"$BSM_TEST_POSTGRES_URL\" && head -n 1 $TMPDIR/*/data/postmaster.pid";

/// A folder for the server's folder. Its user, who may be another than ours, must be able to pass through.
fn place() -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    fs::set_permissions(place.path(), Permissions::from_mode(0o711)).expect("its permissions");
    place
}

/// Starts `cargo xtask postgres -- sh -c script`, with a server of its own.
fn start(place: &Path, script: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["postgres", "--", "sh", "-c", script]).env("TMPDIR", place).env_remove("BSM_TEST_POSTGRES_URL");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts")
}

/// The server's process id, which the script printed as its first line.
fn server(child: &mut Child) -> Pid {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("it is piped")).read_line(&mut line).expect("a line");
    line.trim().parse().ok().and_then(Pid::from_raw).expect("a process id")
}

fn assert_nothing_stays(place: &Path, server: Pid) {
    let left: Vec<_> = fs::read_dir(place).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(test_kill_process(server).is_err(), "{server:?} still runs");
}

#[test]
fn after_a_command_that_ends_nothing_stays_and_its_exit_code_is_passed_on() {
    let place = place();
    let mut child = start(place.path(), &format!("{TELL}; exit 7"));
    let server = server(&mut child);
    assert_eq!(child.wait().expect("it ends").code(), Some(7));
    assert_nothing_stays(place.path(), server);
}

#[test]
fn after_a_signal_nothing_stays() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = place();
        let mut child = start(place.path(), &format!("{TELL}; sleep 1000"));
        let server = server(&mut child);
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(130), "{signal:?}");
        assert_nothing_stays(place.path(), server);
    }
}

/// Debian's `setpriv` tells the server of our end, though kill -9 lets us do nothing any more.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_takes_its_server_along_and_the_next_run_removes_its_folder() {
    let place = place();
    let mut killed = start(place.path(), &format!("{TELL}; while kill -0 $PPID; do sleep 0.1; done"));
    server(&mut killed);
    kill_process(Pid::from_child(&killed), Signal::KILL).expect("it runs");
    killed.wait().expect("it ends");
    let left = fs::read_dir(place.path()).expect("the folder").next().expect("its folder stays").expect("its name");
    let lock = fs::File::open(left.path().join("lock")).expect("its lock");
    lock.lock().expect("its server ends, and then the lock is free");
    drop(lock);

    let mut next = start(place.path(), TELL);
    let successor = server(&mut next);
    assert!(next.wait().expect("it ends").success());
    assert_nothing_stays(place.path(), successor);
}
