//! Finds the programs of Postgres: the newest on the machine, else those of the Python wheel.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt, fs};

use super::wheel;
use crate::failure::{Failure, Result};
use crate::process::Interrupts;

/// Chooses where the programs come from, `system` or `wheel`; unset, the system comes first.
const CHOICE_VARIABLE: &str = "BSM_TEST_POSTGRES";

/// The oldest release that is used. Older ones lack options of `initdb` that we give.
const OLDEST_MAJOR: u32 = 14;

/// Where Debian lays every release it has, in a folder named by its major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A set of Postgres' programs.
pub(super) struct Installation {
    /// The folder of `initdb` and `postgres`.
    pub(super) bin: PathBuf,
    /// The folder that holds all it needs, if it may be copied as a whole.
    pub(super) movable: Option<PathBuf>,
    pub(super) version: Version,
}

impl fmt::Display for Installation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PostgreSQL {} of {}", self.version, self.bin.display())
    }
}

/// A release. Ordered by age; a beta counts as the zeroth minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// Reads what `postgres --version` prints: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    fn parse(printed: &str) -> Option<Self> {
        let number = printed.split_once("(PostgreSQL) ")?.1;
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        let major = digits(number)?;
        let minor = number.split_once('.').and_then(|(_, minor)| digits(minor)).unwrap_or(0);
        Some(Self { major, minor })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

/// The programs to use. A wheel that has to be installed first goes into `cache`.
pub(super) fn find(cache: &Path, interrupts: &Interrupts) -> Result<Installation> {
    match env::var_os(CHOICE_VARIABLE).as_deref().map(|choice| choice.to_string_lossy()).as_deref() {
        None => newest(candidates()).map_or_else(|| wheel::installed(cache, interrupts), Ok),
        Some("wheel") => wheel::installed(cache, interrupts),
        Some("system") => newest(candidates())
            .ok_or_else(|| Failure::Because(format!("there is no PostgreSQL {OLDEST_MAJOR} or newer on this machine"))),
        Some(other) => Err(Failure::Because(format!("{CHOICE_VARIABLE} is {other:?}, neither system nor wheel"))),
    }
}

/// The installation whose programs lie in `bin`; None if that is none, or one too old.
pub(super) fn at(bin: PathBuf) -> Option<Installation> {
    let postgres = bin.join("postgres");
    if !bin.join("initdb").is_file() || !postgres.is_file() {
        return None;
    }
    let output = Command::new(postgres).arg("--version").output().ok()?;
    let version = Version::parse(&String::from_utf8_lossy(&output.stdout))?;
    (version.major >= OLDEST_MAJOR).then_some(Installation { bin, movable: None, version })
}

fn newest(candidates: BTreeSet<PathBuf>) -> Option<Installation> {
    candidates.into_iter().filter_map(at).max_by_key(|installation| installation.version)
}

/// The folders of this machine that may hold the programs, each once.
fn candidates() -> BTreeSet<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Some(path) = env::var_os("PATH") {
        // `initdb` may be a link there, alone.
        let found = env::split_paths(&path).filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok());
        folders.extend(found.filter_map(|initdb| initdb.parent().map(Path::to_owned)));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    if let Ok(releases) = fs::read_dir(DEBIAN) {
        folders.extend(releases.flatten().map(|release| release.path().join("bin")));
    }
    folders.into_iter().filter_map(|folder| fs::canonicalize(folder).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        let debian = Version::parse("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n");
        let beta = Version::parse("postgres (PostgreSQL) 18beta1\n");
        let plain = Version::parse("postgres (PostgreSQL) 9.6.24\n");
        assert_eq!(debian, Some(Version { major: 15, minor: 18 }));
        assert_eq!(beta, Some(Version { major: 18, minor: 0 }));
        assert_eq!(plain, Some(Version { major: 9, minor: 6 }));
        assert!(beta > debian && debian > plain);
        assert_eq!(Version::parse("postgres: command not found"), None);
    }

    #[test]
    fn a_folder_without_the_programs_is_no_installation() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(at(folder.path().to_owned()).is_none());
        assert!(newest(BTreeSet::from([folder.path().to_owned(), PathBuf::from("/nowhere")])).is_none());
    }
}
