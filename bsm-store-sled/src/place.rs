//! The folder of a desk: whose it is, whether it is whole, and who has it open.
//!
//! The engine comes here first, and touches nothing in the folder before [`Place::take`] has let it in. A desk is made in
//! this order, each step on disk before the next: the lock with its mark, `HEAD` (nothing was acknowledged), sled's
//! files, and `FORMAT` last. A folder without `FORMAT` is then a desk that nobody was ever given, and is made anew; but
//! only if the lock's mark and `HEAD` both say so, since sled's files are deleted for that.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{self, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use bsm_core::{Error, PlaceFault, Result};

use crate::engine::name_of;
use crate::head::{HeadFile, Mark};

/// What `FORMAT` holds. The number goes up with every change of the folder's layout, of `HEAD`, or of sled's own format.
const FORMAT: &str = "bsm-sled 1\n";
/// What `FORMAT` begins with in every format.
pub(crate) const FORMAT_KIND: &str = "bsm-sled ";
/// What `LOCK` holds: tells a desk's from the locks of other programs.
pub(crate) const LOCK_MARK: &str = "bsm-sled lock\n";
/// The most that is read of a file to tell what it is.
const MOST_TEXT: u64 = 64;

pub(crate) const FORMAT_FILE: &str = "FORMAT";
/// `FORMAT`, before it gets its name.
pub(crate) const FORMAT_DRAFT: &str = "FORMAT.new";
pub(crate) const LOCK_FILE: &str = "LOCK";
pub(crate) const HEAD_FILE: &str = "HEAD";
pub(crate) const DATA_FOLDER: &str = "data";
/// What may stand in a folder in which a desk is being made.
const MADE: [&str; 4] = [LOCK_FILE, HEAD_FILE, DATA_FOLDER, FORMAT_DRAFT];

/// How long opening waits for sled to let go of its file: threads of its own may have it for a moment after it was
/// closed.
const SLED_LAG: Duration = Duration::from_secs(5);
const SLED_LAG_STEP: Duration = Duration::from_millis(2);

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// No desk yet.
    Nothing,
    /// A desk, with all its parts.
    Desk,
}

/// A folder that is ours to use. Dropping it lets others in.
#[derive(Debug)]
pub(crate) struct Place {
    /// As it was given, for errors.
    folder: PathBuf,
    /// The same, wherever the process goes.
    root: PathBuf,
    lock: File,
}

impl Place {
    /// Makes the folder if it is missing, checks what it holds, and locks it. A half-made desk is cleared away.
    pub(crate) fn take(folder: &Path) -> Result<(Self, Contents)> {
        make_folder(folder)?;
        // Looked at before anything is put into it: a foreign folder stays as it is.
        look(folder)?;
        let root = path::absolute(folder).map_err(|source| cant_reach(folder, source))?;
        let place = Self { folder: folder.to_owned(), root, lock: lock(folder)? };
        // Whoever had the lock before may have made a desk since.
        let contents = look(folder)?;
        place.can_grow()?;
        match contents {
            Contents::Nothing => place.clear()?,
            Contents::Desk => place.is_whole()?,
        }
        place.wait_for_sled()?;
        Ok((place, contents))
    }

    /// The path of `HEAD`.
    pub(crate) fn head(&self) -> PathBuf {
        self.root.join(HEAD_FILE)
    }

    /// The folder of sled's files.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join(DATA_FOLDER)
    }

    /// Puts the folder's entries on disk.
    pub(crate) fn sync(&self) -> Result<()> {
        sync_folder(&self.root).map_err(|source| cant_write(&self.folder, source))
    }

    /// Declares the desk made.
    pub(crate) fn declare(&self) -> Result<()> {
        let (draft, format) = (self.root.join(FORMAT_DRAFT), self.root.join(FORMAT_FILE));
        write_whole(&draft, FORMAT)
            .and_then(|()| fs::rename(draft, format))
            .map_err(|e| cant_write(&self.folder, e))?;
        self.sync()
    }

    /// Whether files can be made in the folder. Tried, since neither modes nor mounts tell it for sure.
    fn can_grow(&self) -> Result<()> {
        let draft = self.root.join(FORMAT_DRAFT);
        File::create(&draft).and_then(|_| fs::remove_file(&draft)).map_err(|source| cant_write(&self.folder, source))
    }

    /// Clears away what is left of a desk that was being made.
    fn clear(&self) -> Result<()> {
        let mark = match HeadFile::open(&self.head()) {
            Ok(file) => file.map(|file| file.mark()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(cant_write(&self.folder, source)),
        };
        let data = self.data();
        let has_data = exists(&data).map_err(|source| cant_reach(&self.folder, source))?;
        match mark {
            Some(Mark::Nothing) if has_data => fs::remove_dir_all(data).map_err(|e| cant_write(&self.folder, e)),
            None if has_data => Err(self.damaged("FORMAT is missing, and HEAD is missing or can't be read")),
            Some(Mark::Acknowledged(_) | Mark::HalfApplied) => Err(self.damaged("FORMAT is missing")),
            Some(Mark::Nothing) | None => Ok(()),
        }
    }

    /// Whether a desk has its parts. Their content is looked at by those who open them.
    fn is_whole(&self) -> Result<()> {
        for part in [self.head(), self.data(), self.sled_file()] {
            if !exists(&part).map_err(|source| cant_reach(&self.folder, source))? {
                let part = part.strip_prefix(&self.root).unwrap_or(&part);
                return Err(self.damaged(&format!("{} is missing", part.display())));
            }
        }
        Ok(())
    }

    /// sled locks this file, besides our lock.
    fn sled_file(&self) -> PathBuf {
        self.data().join("db")
    }

    /// Waits until sled has let go of its file. After it was closed in this process, its threads may hold the file for a
    /// moment, and may still cut it shorter; and so may a process that is just being started.
    fn wait_for_sled(&self) -> Result<()> {
        let file = match File::open(self.sled_file()) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(cant_reach(&self.folder, source)),
        };
        let until = Instant::now() + SLED_LAG;
        loop {
            match file.try_lock() {
                // Unlocked by name: see `drop`.
                Ok(()) => return file.unlock().map_err(|source| cant_reach(&self.folder, source)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(SLED_LAG_STEP),
                Err(TryLockError::WouldBlock) => return Err(Error::InUse { place: self.folder.clone() }),
                Err(TryLockError::Error(source)) => return Err(cant_reach(&self.folder, source)),
            }
        }
    }

    /// The error for a desk that is not as it was.
    pub(crate) fn damaged(&self, detail: &str) -> Error {
        Error::Damaged { store: name_of(&self.folder), detail: detail.to_owned() }
    }

    /// The error for something that the operating system did not let us do while the folder was being opened.
    pub(crate) fn refused(&self, source: io::Error) -> Error {
        if is_read_only(&source) {
            return cant_write(&self.folder, source);
        }
        Error::Unavailable { store: name_of(&self.folder), source: source.into() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Closing would do, but for other threads that start processes: until such a process runs its own program, it
        // has this file open, too, and with it the lock. If unlocking fails, closing is still to come.
        let _ = self.lock.unlock();
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    let found = match fs::metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::create_dir(folder) {
            Ok(()) => {
                let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
                return sync_folder(parent.unwrap_or(Path::new("."))).map_err(|source| cant_reach(folder, source));
            }
            // Somebody else was quicker.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => fs::metadata(folder),
            Err(source) if source.kind() == ErrorKind::NotFound && !folder.as_os_str().is_empty() => {
                return Err(unusable(folder, PlaceFault::NoParent, Some(source)));
            }
            Err(source) => return Err(cant_write(folder, source)),
        },
        found => found,
    };
    match found {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(unusable(folder, PlaceFault::NotAFolder, None)),
        Err(source) => Err(cant_reach(folder, source)),
    }
}

/// What the folder holds, going by names and marks. Changes nothing.
fn look(folder: &Path) -> Result<Contents> {
    let unreachable = |source| cant_reach(folder, source);
    // The names first: a desk that is declared while we look is then seen by its FORMAT.
    let names = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(unreachable)?;
    let names: Vec<_> = names.into_iter().map(|entry| entry.file_name()).collect();
    match text_of(&folder.join(FORMAT_FILE)) {
        Ok(format) if format == FORMAT => return Ok(Contents::Desk),
        Ok(format) if format.starts_with(FORMAT_KIND) => {
            return Err(Error::UnknownFormat {
                place: folder.display().to_string(),
                found: format.trim_end().escape_debug().to_string(),
                supported: FORMAT.trim_end().to_owned(),
            });
        }
        Ok(_) => return Err(unusable(folder, PlaceFault::ForeignData, None)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            return Err(unusable(folder, PlaceFault::ForeignData, Some(error)));
        }
        Err(source) => return Err(unreachable(source)),
    }
    if names.is_empty() {
        return Ok(Contents::Nothing);
    }
    let lock = match text_of(&folder.join(LOCK_FILE)) {
        Ok(text) => Some(text),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => None,
        Err(source) => return Err(unreachable(source)),
    };
    let ours = match lock.as_deref() {
        Some(LOCK_MARK) => names.iter().all(|name| MADE.iter().any(|made| name == OsStr::new(made))),
        // The lock was made, and what follows was not begun.
        Some(begun) => names.len() == 1 && LOCK_MARK.starts_with(begun),
        None => false,
    };
    if ours { Ok(Contents::Nothing) } else { Err(unusable(folder, PlaceFault::ForeignData, None)) }
}

fn lock(folder: &Path) -> Result<File> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(LOCK_FILE));
    let mut file = opened.map_err(|source| cant_write(folder, source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::InUse { place: folder.to_owned() }),
        Err(TryLockError::Error(source)) => return Err(cant_reach(folder, source)),
    }
    let marked = file.metadata().map(|metadata| metadata.len() == LOCK_MARK.len() as u64);
    if !marked.map_err(|source| cant_reach(folder, source))? {
        let written = file.set_len(0).and_then(|()| file.write_all(LOCK_MARK.as_bytes()));
        written
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_folder(folder))
            .map_err(|source| cant_write(folder, source))?;
    }
    Ok(file)
}

/// The beginning of a file, as text.
pub(crate) fn text_of(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_TEXT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Whether there is something of this name, be it a link to nothing.
fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Puts a folder's entries on disk. Only Unix lets a program ask for that.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn is_read_only(source: &io::Error) -> bool {
    matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// The error for a folder in which something could not be written.
pub(crate) fn cant_write(folder: &Path, source: io::Error) -> Error {
    let reason = if is_read_only(&source) { PlaceFault::ReadOnly } else { PlaceFault::Io };
    unusable(folder, reason, Some(source))
}

/// The error for a folder that could not be looked at.
pub(crate) fn cant_reach(folder: &Path, source: io::Error) -> Error {
    unusable(folder, PlaceFault::Io, Some(source))
}

pub(crate) fn unusable(folder: &Path, reason: PlaceFault, source: Option<io::Error>) -> Error {
    Error::UnusablePlace { place: folder.to_owned(), reason, source }
}
