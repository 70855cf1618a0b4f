//! `--fresh`: deletes the desk in a folder, and nothing else.
//!
//! Called before the store is opened. A folder is emptied only if it says that it is a desk, holds nothing but the parts
//! of one, and nobody has it open. The names are those of the folder's layout, which `bsm-store-sled` documents. A desk
//! in memory is fresh anyway; one behind a server is not ours to delete.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use bsm::{Address, Error};

use crate::fault::Fault;

/// Says that the folder is a desk; in each format it begins so.
const FORMAT: (&str, &str) = ("FORMAT", "bsm-sled ");
/// Is locked while the desk is open, and says whose lock it is.
const LOCK: (&str, &str) = ("LOCK", "bsm-sled lock\n");
/// sled's files, in a folder of their own.
const DATA: &str = "data";
/// Plain files that a desk has besides.
const FILES: [&str; 2] = ["HEAD", "FORMAT.new"];
/// The most that is read of a file to tell what it is.
const MOST_TEXT: u64 = 64;

/// Deletes the desk at an address, if it is one that this program can delete and there is one.
pub(crate) async fn clear(address: &str) -> Result<(), Fault> {
    let address = Address::parse(address)?;
    if address.scheme() != "sled" || address.place().is_empty() {
        return Ok(());
    }
    let folder = PathBuf::from(address.place());
    let clearing = tokio::task::spawn_blocking({
        let folder = folder.clone();
        move || clear_folder(&folder)
    });
    clearing.await.map_err(|source| at(&folder, source.into()))?
}

fn clear_folder(folder: &Path) -> Result<(), Fault> {
    if !is_desk(folder)? {
        return Ok(());
    }
    let path = folder.join(LOCK.0);
    let lock = OpenOptions::new().read(true).write(true).open(&path).map_err(|source| at(&path, source))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Fault::Desk(Error::InUse { place: folder.to_owned() })),
        Err(TryLockError::Error(source)) => return Err(at(&path, source)),
    }
    // Looked at again, now that nobody else can change it. The lock itself stays: who waits for it must find this one.
    if is_desk(folder)? {
        // FORMAT goes last: stopped before that, this is a desk still, if a damaged one, and can be deleted again.
        let data = folder.join(DATA);
        gone(fs::remove_dir_all(&data)).map_err(|source| at(&data, source))?;
        for name in FILES.iter().chain(&[FORMAT.0]) {
            let path = folder.join(name);
            gone(fs::remove_file(&path)).map_err(|source| at(&path, source))?;
        }
    }
    Ok(())
}

/// Whether the folder is a desk. Nothing there, or nothing in it, is none; anything else is refused.
fn is_desk(folder: &Path) -> Result<bool, Fault> {
    let names = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(names) => names,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(refused(folder, "it is no folder")),
        Err(source) => return Err(at(folder, source)),
    };
    if names.is_empty() {
        return Ok(false);
    }
    for entry in &names {
        let kind = entry.file_type().map_err(|source| at(&entry.path(), source))?;
        let name = entry.file_name();
        let is_file = [FORMAT.0, LOCK.0].iter().chain(&FILES).any(|file| name == OsStr::new(file));
        // A link is neither: what it leads to is not the desk's.
        let ours = (is_file && kind.is_file()) || (name == OsStr::new(DATA) && kind.is_dir());
        if !ours {
            return Err(refused(folder, &format!("{} is no part of a desk", name.to_string_lossy().escape_debug())));
        }
    }
    let has = |name: &str| names.iter().any(|entry| entry.file_name() == OsStr::new(name));
    if !has(FORMAT.0) {
        // One that was never finished, or was deleted before. Opening it makes it anew, or says why not.
        return Ok(false);
    }
    for (name, beginning) in [FORMAT, LOCK] {
        if !has(name) || !begins(&folder.join(name), beginning)? {
            return Err(refused(folder, &format!("its {name} is not a desk's")));
        }
    }
    Ok(true)
}

fn begins(path: &Path, beginning: &str) -> Result<bool, Fault> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_TEXT).read_to_end(&mut bytes));
    read.map_err(|source| at(path, source))?;
    Ok(bytes.starts_with(beginning.as_bytes()))
}

/// What is not there need not be deleted.
fn gone(deleted: io::Result<()>) -> io::Result<()> {
    deleted.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn at(path: &Path, source: io::Error) -> Fault {
    Fault::Folder { path: path.to_owned(), source }
}

fn refused(folder: &Path, reason: &str) -> Fault {
    Fault::NotADesk { folder: folder.to_owned(), reason: reason.to_owned() }
}
