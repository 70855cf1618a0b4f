//! The temporary folder of one cluster, and the removal of those that a killed run has left.
//!
//! The folder is locked for as long as its run or its server lives. One that can be locked has lost both, and goes.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::account::Account;
use crate::failure::{Result, While};

const PREFIX: &str = "bsm-test-postgres-";
const LOCK: &str = "lock";

/// A folder that only the server's user and root may enter.
pub(super) struct Folder {
    directory: TempDir,
    owner: Option<(u32, u32)>,
    /// Locked until the last process that holds it open has ended.
    lock: File,
}

impl Folder {
    /// Makes one for `account`, or for whoever runs this program.
    pub(super) fn create(account: Option<&Account>) -> Result<Self> {
        let place = std::env::temp_dir();
        let owner = account.map(|account| (account.uid, account.gid));
        let sweeper = owner.map_or(rustix::process::geteuid().as_raw(), |(uid, _)| uid);
        if let Err(error) = sweep(&place, sweeper) {
            // It is in nobody's way but the disk's.
            eprintln!("cargo xtask: cannot remove what a killed run left in {}: {error}", place.display());
        }
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir().and_then(|directory| {
            // Locked before it has its name, so that no sweep can find it unlocked.
            let unnamed = directory.path().join("unlocked");
            let lock = File::create(&unnamed)?;
            lock.lock()?;
            fs::rename(&unnamed, directory.path().join(LOCK))?;
            give(directory.path(), owner)?;
            Ok(Self { directory, owner, lock })
        });
        made.while_(|| format!("cannot make a folder in {}", place.display()))
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Where the cluster lies.
    pub(super) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Where the server writes its log.
    pub(super) fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    /// A folder in it for servers that tests start. It goes with all that they leave there.
    pub(super) fn others(&self) -> Result<PathBuf> {
        let path = self.path().join("others");
        let made = fs::create_dir(&path).and_then(|()| give(&path, self.owner));
        made.while_(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// What keeps the lock for a child that has it as its standard input, which is empty.
    pub(super) fn share_lock(&self) -> Result<File> {
        self.lock.try_clone().while_(|| "cannot share a lock".to_owned())
    }

    /// Writes a file that nobody but the server's user can read.
    pub(super) fn write_secret(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
            file.write_all(content.as_bytes())?;
            give(&path, self.owner)
        });
        written.while_(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Removes it with all that is in it.
    pub(super) fn remove(self) -> Result<()> {
        let path = self.path().display().to_string();
        self.directory.close().while_(|| format!("cannot remove {path}"))
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(out)
    }
}

fn give(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    owner.map_or(Ok(()), |(uid, gid)| chown(path, Some(uid), Some(gid)))
}

/// Removes the folders in `place` that belong to `owner` and whose run is dead.
fn sweep(place: &Path, owner: u32) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            match remove_if_dead(&entry.path(), owner) {
                // Another run that sweeps or ends at the same moment was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
    }
    Ok(())
}

fn remove_if_dead(folder: &Path, owner: u32) -> io::Result<()> {
    let metadata = fs::symlink_metadata(folder)?;
    if !metadata.is_dir() || metadata.uid() != owner {
        return Ok(());
    }
    let lock = File::open(folder.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => fs::remove_dir_all(folder),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
