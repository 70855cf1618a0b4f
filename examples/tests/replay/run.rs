//! Runs the program and reads what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The program with these arguments.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.args(arguments);
    command
}

/// The address of a desk in a folder of its own.
pub(crate) fn sled(folder: &TempDir) -> String {
    format!("sled:{}", folder.path().join("desk").display())
}

/// The same, for tests that are not about what a sudden end leaves: without a sync for each command.
pub(crate) fn sled_relaxed(folder: &TempDir) -> String {
    sled(folder) + "?durability=relaxed"
}

/// A file of these lines.
pub(crate) fn file(folder: &TempDir, name: &str, lines: &[String]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, lines.join("\n") + "\n").expect("the file can be written");
    path
}

/// One run on a log and a store, with `--json` and `--dump`.
pub(crate) struct Replay {
    dump: TempDir,
    command: Command,
}

/// What a run said.
pub(crate) struct Replayed {
    pub(crate) report: Value,
    dump: String,
}

impl Replay {
    pub(crate) fn of(log: &Path, store: &str) -> Self {
        let dump = super::folder();
        let mut command = program(&["--json", "--store", store]);
        command.arg(log).arg("--dump").arg(dump.path().join("dump"));
        Self { dump, command }
    }

    /// Runs it to its good end.
    pub(crate) fn run(mut self) -> Replayed {
        let Output { status, stdout, stderr } = self.command.output().expect("runs");
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{stderr}");
        let report = serde_json::from_slice(&stdout).expect("one JSON object on standard output");
        let dump = std::fs::read_to_string(self.dump.path().join("dump")).expect("a dump");
        Replayed { report, dump }
    }

    /// Runs it to a bad end, and gives the line that names the fault.
    pub(crate) fn fail(mut self) -> String {
        let Output { status, stdout, stderr } = self.command.output().expect("runs");
        let stderr = String::from_utf8(stderr).expect("text");
        assert_eq!(status.code(), Some(1), "{stderr}");
        assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
        let mut lines = stderr.lines();
        let line = lines.next().expect("a line").to_owned();
        assert_eq!(lines.next(), None, "more than one line: {stderr}");
        line
    }
}

impl Replayed {
    /// Asserts these numbers of the report.
    pub(crate) fn has(&self, expected: &[(&str, u64)]) {
        for (name, number) in expected {
            assert_eq!(self.report[name], *number, "{name} of {:#}", self.report);
        }
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.report[name].as_u64().expect("a number")
    }

    /// The dump, as it was written.
    pub(crate) fn dumped(&self) -> &str {
        &self.dump
    }

    /// The dump, line by line.
    pub(crate) fn dump(&self) -> Vec<Value> {
        self.dump.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}
