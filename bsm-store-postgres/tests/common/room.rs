//! A small room on disk, to run full: a file system in memory, which only programs that are started in it see.
//!
//! It needs the right to mount, which root has, and whoever may make user namespaces. Without it a test fails and says so.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The room. It goes with its test, also if that is killed.
pub(crate) struct Room {
    /// A process that keeps the mount.
    keeper: Child,
    path: PathBuf,
    root: bool,
}

impl Room {
    /// A room of so many mebibytes at `path`, for an account if whoever runs this is root.
    pub(crate) fn make(path: &Path, mebibytes: u32, account: Option<(u32, u32)>) -> Self {
        fs::create_dir(path).expect("a folder");
        let mut options = format!("size={mebibytes}m,mode=0700");
        if let Some((user, group)) = account {
            let owner = format!(",uid={user},gid={group}");
            options.push_str(&owner);
        }
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "unshare", "--mount"]);
        if account.is_none() {
            command.args(["--user", "--map-current-user", "--keep-caps"]);
        }
        command.args(["sh", "-c", "mount -t tmpfs -o \"$1\" tmpfs \"$2\" && echo there && exec sleep 1000000", "sh"]);
        command.arg(&options).arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = command.process_group(0).spawn().expect("setpriv is there");
        let mut said = String::new();
        let out = keeper.stdout.take().expect("is piped");
        BufReader::new(out).read_line(&mut said).expect("is read");
        if said != "there\n" {
            let mut why = String::new();
            drop(keeper.stderr.take().expect("is piped").read_to_string(&mut why));
            panic!("this test mounts a small file system to run full, which is not permitted here: {why}");
        }
        Self { keeper, path: path.to_owned(), root: account.is_some() }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is to be put before a program and its arguments, so that it sees the room.
    pub(crate) fn within(&self) -> Vec<String> {
        let mut within: Vec<String> =
            ["nsenter", "--mount", "--target", &self.keeper.id().to_string()].map(str::to_owned).into();
        if !self.root {
            within.extend(["--user", "--preserve-credentials"].map(str::to_owned));
        }
        within
    }

    /// Runs a line of shell in it.
    pub(crate) fn shell(&self, line: &str) {
        let within = self.within();
        let mut command = Command::new(&within[0]);
        let output = command.args(&within[1..]).args(["sh", "-c", line]).current_dir("/").output().expect("is run");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(self.keeper.kill());
        drop(self.keeper.wait());
        drop(fs::remove_dir(&self.path));
    }
}
