//! `PgBouncer`, for the tests that put it before the server: the one on this machine, else Debian's packages, unpacked.
//!
//! Packages are fetched and unpacked into the target directory, with apt's own lists and caches there if the machine's don't
//! do; nothing is installed. Where it can't be had, those tests are not run, and the report says why.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt};

use super::account::Account;
use super::folder::Folder;
use super::postgres_command;
use crate::failure::{Failure, Result, While};
use crate::process::{Interrupts, run_quietly};

/// The package, and its program.
const NAME: &str = "pgbouncer";

/// Where Debian lays the program, which is in nobody's path but root's.
const DEBIAN: &str = "/usr/sbin";

/// A program that the server's user can run.
pub(crate) struct Pooler {
    pub(crate) program: PathBuf,
    version: String,
}

impl fmt::Display for Pooler {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {}", self.version, self.program.display())
    }
}

/// The program to use. Packages that have to be fetched first go into `cache`.
pub(super) fn find(
    cache: &Path,
    account: Option<&Account>,
    folder: &Folder,
    interrupts: &Interrupts,
) -> Result<Pooler> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([DEBIAN.into()]);
    let runs = |program| runs(program, account, folder);
    if let Some(found) = folders.map(|folder| folder.join(NAME)).find_map(runs) {
        return Ok(found);
    }
    let unpacked = unpacked(cache, interrupts)?;
    let program = within_reach(&unpacked, folder, interrupts)?;
    let other = || Failure::Because(format!("what Debian's packages of {NAME} hold does not run on this machine"));
    self::runs(program, account, folder).ok_or_else(other)
}

/// The program, if it is there and runs.
fn runs(program: PathBuf, account: Option<&Account>, folder: &Folder) -> Option<Pooler> {
    if !program.is_file() {
        return None;
    }
    let output = postgres_command(&program, account, folder).arg("--version").output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.lines().next().filter(|_| output.status.success())?.to_owned();
    Some(Pooler { program, version })
}

/// What the packages hold, unpacked.
fn unpacked(cache: &Path, interrupts: &Interrupts) -> Result<PathBuf> {
    let place = cache.join(NAME);
    if !place.is_dir() {
        println!("no PgBouncer found on this machine: fetching Debian's package {NAME}");
        fs::create_dir_all(cache).while_(|| format!("cannot make {}", cache.display()))?;
        let staging = tempfile::tempdir_in(cache).while_(|| format!("cannot make a folder in {}", cache.display()))?;
        let content = staging.path().join("content");
        for package in fetched(staging.path(), interrupts)? {
            run_quietly(Command::new("dpkg").arg("--extract").arg(package).arg(&content), interrupts)?;
        }
        match fs::rename(&content, &place) {
            // Another run was faster.
            Err(_) if place.is_dir() => {}
            other => other.while_(|| format!("cannot move the packages to {}", place.display()))?,
        }
    }
    Ok(place)
}

/// The files of the package, and of those it needs that this machine lacks.
fn fetched(staging: &Path, interrupts: &Interrupts) -> Result<Vec<PathBuf>> {
    let (archives, lists) = (staging.join("archives"), staging.join("lists"));
    for folder in [archives.join("partial"), lists.join("partial")] {
        fs::create_dir_all(&folder).while_(|| format!("cannot make {}", folder.display()))?;
    }
    let apt = |own_lists: bool| {
        let mut apt = Command::new("apt-get");
        // No lock but ours is needed, since nothing of the machine's is written.
        apt.args(["-q", "-y", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"]);
        apt.arg("-o").arg(format!("Dir::Cache::archives={}", archives.display()));
        if own_lists {
            apt.arg("-o").arg(format!("Dir::State::lists={}", lists.display()));
            apt.arg("-o").arg(format!("Dir::Cache::pkgcache={}", staging.join("pkgcache").display()));
            apt.arg("-o").arg(format!("Dir::Cache::srcpkgcache={}", staging.join("srcpkgcache").display()));
        }
        apt
    };
    let download = ["install", "--download-only", "--no-install-recommends", NAME];
    // The lists of a machine are often absent, or older than what the mirrors have.
    if let Err(failure) = run_quietly(apt(false).args(download), interrupts) {
        if let Failure::Interrupted = failure {
            return Err(failure);
        }
        run_quietly(apt(true).arg("update"), interrupts)?;
        run_quietly(apt(true).args(download), interrupts)?;
    }
    let files = fs::read_dir(&archives).while_(|| format!("cannot read {}", archives.display()))?;
    let files = files.flatten().map(|file| file.path());
    Ok(files.filter(|file| file.extension().is_some_and(|ending| ending == "deb")).collect())
}

/// A program in the server's folder, which its user can reach: it runs a copy of what was unpacked, with the libraries there.
fn within_reach(unpacked: &Path, folder: &Folder, interrupts: &Interrupts) -> Result<PathBuf> {
    let place = folder.path().join(NAME);
    run_quietly(Command::new("cp").arg("-R").arg(unpacked).arg(&place), interrupts)?;
    run_quietly(Command::new("chmod").args(["-R", "a+rX"]).arg(&place), interrupts)?;
    let path = place.join("run");
    let text = format!(
        "#!/bin/sh\nfor folder in '{0}'/lib/*-linux-* '{0}'/usr/lib/*-linux-*; do\n    \
         LD_LIBRARY_PATH=\"$folder:$LD_LIBRARY_PATH\"\ndone\nexport LD_LIBRARY_PATH\nexec '{0}/usr/sbin/{NAME}' \"$@\"\n",
        place.display()
    );
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::Permissions::from_mode(0o755))
    });
    written.while_(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
