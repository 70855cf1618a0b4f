//! However a run ends, nothing of its server stays.
//!
//! Each test gives the program a temporary folder of its own, which must be empty in the end, and has a command print
//! the server's URL, whose port must then be free.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

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

/// The port in the URL that the script printed as its first line.
fn port(child: &mut Child) -> u16 {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("it is piped")).read_line(&mut line).expect("a line");
    let port = line.rsplit_once(':').and_then(|(_, rest)| rest.split_once('/')).map(|(port, _)| port);
    port.expect("a port").parse().expect("a number")
}

fn assert_nothing_stays(place: &Path, port: u16) {
    let left: Vec<_> = fs::read_dir(place).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
    TcpListener::bind(("127.0.0.1", port)).expect("nobody listens there any more");
}

#[test]
fn after_a_command_that_ends_nothing_stays_and_its_exit_code_is_passed_on() {
    let place = place();
    let mut child = start(place.path(), "echo $BSM_TEST_POSTGRES_URL; exit 7");
    let port = port(&mut child);
    assert_eq!(child.wait().expect("it ends").code(), Some(7));
    assert_nothing_stays(place.path(), port);
}

#[test]
fn after_a_signal_nothing_stays() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = place();
        let mut child = start(place.path(), "echo $BSM_TEST_POSTGRES_URL; sleep 1000");
        let port = port(&mut child);
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(130), "{signal:?}");
        assert_nothing_stays(place.path(), port);
    }
}

/// Debian's `setpriv` tells the server of our end, though kill -9 lets us do nothing any more.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_takes_its_server_along_and_the_next_run_removes_its_folder() {
    let place = place();
    let mut killed = start(place.path(), "echo $BSM_TEST_POSTGRES_URL; while kill -0 $PPID; do sleep 0.1; done");
    port(&mut killed);
    kill_process(Pid::from_child(&killed), Signal::KILL).expect("it runs");
    killed.wait().expect("it ends");
    let left = fs::read_dir(place.path()).expect("the folder").next().expect("its folder stays").expect("its name");
    let lock = fs::File::open(left.path().join("lock")).expect("its lock");
    lock.lock().expect("its server ends, and then the lock is free");
    drop(lock);

    let mut next = start(place.path(), "echo $BSM_TEST_POSTGRES_URL");
    let port = port(&mut next);
    assert!(next.wait().expect("it ends").success());
    assert_nothing_stays(place.path(), port);
}
