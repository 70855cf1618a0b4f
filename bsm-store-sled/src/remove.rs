//! Deleting a desk, and nothing else.
//!
//! A folder is emptied only if it says that it is a desk, holds nothing but the parts of one, and nobody has it open. The
//! facade calls this; nothing else in the crate does.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use bsm_core::{Error, PlaceFault, Result};

use crate::place::{
    DATA_FOLDER, FORMAT_DRAFT, FORMAT_FILE, FORMAT_KIND, HEAD_FILE, LOCK_FILE, LOCK_MARK, cant_reach, cant_write,
    text_of, unusable,
};

/// The files that a desk has besides sled's.
const FILES: [&str; 4] = [LOCK_FILE, HEAD_FILE, FORMAT_DRAFT, FORMAT_FILE];

/// Deletes the desk in a folder, of whatever format. The folder itself and its lock stay, since whoever waits for the
/// lock must find that one. Nothing there, or an empty folder, is fine. Blocks; stopped half-way, it can be run again.
///
/// # Errors
/// [`Error::UnusablePlace`] for a folder that is no desk, or holds anything besides one (a link, for instance): then
/// nothing was deleted. [`Error::InUse`] for a desk that is open.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let parent = tempfile::tempdir()?;
/// let folder = parent.path().join("desk");
/// drop(bsm_store_sled::open_blocking(&folder, &Default::default())?);
/// bsm_store_sled::remove_blocking(&folder)?;
/// assert!(!folder.join("data").exists());
/// bsm_store_sled::remove_blocking(parent.path()).expect_err("holds a folder that is no part of a desk");
/// # Ok(())
/// # }
/// ```
pub fn remove_blocking(folder: &Path) -> Result<()> {
    if !is_desk(folder)? {
        return Ok(());
    }
    let lock = OpenOptions::new().read(true).write(true).open(folder.join(LOCK_FILE));
    let lock = lock.map_err(|source| cant_write(folder, source))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::InUse { place: folder.to_owned() }),
        Err(TryLockError::Error(source)) => return Err(cant_reach(folder, source)),
    }
    let removed = remove_locked(folder);
    // By name, as when a desk is closed: a process that is just being started may hold the file as well.
    let unlocked = lock.unlock().map_err(|source| cant_reach(folder, source));
    removed.and(unlocked)
}

fn remove_locked(folder: &Path) -> Result<()> {
    // Looked at again, now that nobody else can change it.
    if is_desk(folder)? {
        let deleted = gone(fs::remove_dir_all(folder.join(DATA_FOLDER)));
        // FORMAT goes last: stopped before that, this is a desk still, if a damaged one, and can be deleted again.
        let files = [HEAD_FILE, FORMAT_DRAFT, FORMAT_FILE].map(|name| folder.join(name));
        let deleted = files.iter().fold(deleted, |before, file| before.and_then(|()| gone(fs::remove_file(file))));
        deleted.map_err(|source| cant_write(folder, source))?;
    }
    Ok(())
}

/// Whether the folder is a desk. Nothing there, or nothing in it, is none; anything else is refused.
fn is_desk(folder: &Path) -> Result<bool> {
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(unusable(folder, PlaceFault::NotAFolder, None));
        }
        Err(source) => return Err(cant_reach(folder, source)),
    };
    for entry in &entries {
        let kind = entry.file_type().map_err(|source| cant_reach(folder, source))?;
        let name = entry.file_name();
        let is_file = FILES.iter().any(|file| name == OsStr::new(file));
        // A link is neither: what it leads to is not the desk's.
        let ours = (is_file && kind.is_file()) || (name == OsStr::new(DATA_FOLDER) && kind.is_dir());
        if !ours {
            return Err(foreign(folder, &format!("{} is no part of a desk", name.to_string_lossy().escape_debug())));
        }
    }
    let has = |name: &str| entries.iter().any(|entry| entry.file_name() == OsStr::new(name));
    if !has(FORMAT_FILE) {
        // Empty, or a desk that was never finished, or was deleted before: opening makes it anew, or says why not.
        return Ok(false);
    }
    for (name, beginning) in [(FORMAT_FILE, FORMAT_KIND), (LOCK_FILE, LOCK_MARK)] {
        let text = if has(name) { text_of(&folder.join(name)) } else { Ok(String::new()) };
        if !text.map_err(|source| cant_reach(folder, source))?.starts_with(beginning) {
            return Err(foreign(folder, &format!("its {name} is not a desk's")));
        }
    }
    Ok(true)
}

/// What is not there need not be deleted.
fn gone(deleted: io::Result<()>) -> io::Result<()> {
    deleted.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn foreign(folder: &Path, detail: &str) -> Error {
    unusable(folder, PlaceFault::ForeignData, Some(io::Error::other(detail.to_owned())))
}
