//! Runs the programs.

use std::path::Path;
use std::process::{Command, Output};

/// A program's output, however it ended.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().expect("the program starts")
}

/// What a run that must go well prints.
pub(crate) fn printed(program: &str, arguments: &[&str]) -> String {
    let output = output(program, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), complaint.as_ref()), (Some(0), ""), "{program}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// `service-desk`.
pub(crate) fn service_desk(arguments: &[&str]) -> String {
    printed(env!("CARGO_BIN_EXE_service-desk"), arguments)
}

/// `desk-transfer`.
pub(crate) fn transfer(arguments: &[&str]) -> String {
    printed(env!("CARGO_BIN_EXE_desk-transfer"), arguments)
}

/// `replay`.
pub(crate) fn replay(arguments: &[&str]) -> String {
    printed(env!("CARGO_BIN_EXE_replay"), arguments)
}

/// The address of a desk in a folder.
pub(crate) fn synced(folder: &Path, name: &str) -> String {
    format!("sled:{}", folder.join(name).display())
}

/// The same without a sync for each command. Then it tells later what happened: who watches for a moment only sees less.
pub(crate) fn sled(folder: &Path, name: &str) -> String {
    synced(folder, name) + "?durability=relaxed"
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
