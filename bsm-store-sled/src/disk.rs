//! Making durable what sled has, and what sled does not: its files through handles of ours, its blobs not at all, and
//! `HEAD` after both.
//!
//! sled 0.34 ends a flush with `sync_file_range`, which does not ask the disk to empty its cache (its issue 1452).
//! `fdatasync` through any handle of the same file does. Besides `db`, sled writes `conf` and `snap.*` while it opens,
//! and never later; and it puts nodes near 128 KB into files of their own under `blobs/`, which it never syncs. Values
//! of at most [`MAX_VALUE_LEN`] bytes keep nodes well below that, and [`Disk::sync`] refuses if they do not.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use bsm_store_kv::engine::{EngineError, EngineResult, Head};

use crate::call::guarded;
use crate::head::{HeadFile, Mark};
use crate::place::sync_folder;

/// The longest value that keeps sled's nodes out of `blobs/`: about 17 values share a node, and 128 KB is too much.
pub(crate) const MAX_VALUE_LEN: usize = 4096;

/// sled's files and `HEAD`, as far as syncing goes.
#[derive(Debug)]
pub(crate) struct Disk {
    /// sled's log. Opened once and kept: a handle that is opened after a write failed is not told of the failure.
    log: File,
    blobs: PathBuf,
    head: HeadFile,
    /// A sync was begun and did not succeed. What reached the disk is unknown, and another try would not tell: the
    /// system forgets what it failed to write.
    failed: bool,
}

impl Disk {
    /// Puts on disk what sled wrote while it opened, and stands ready to sync what follows.
    pub(crate) fn open(data: &Path, head: HeadFile) -> io::Result<Self> {
        for entry in fs::read_dir(data)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                OpenOptions::new().read(true).write(true).open(entry.path())?.sync_all()?;
            }
        }
        let log = OpenOptions::new().read(true).write(true).open(data.join("db"))?;
        let blobs = data.join("blobs");
        sync_folder(&blobs)?;
        sync_folder(data)?;
        Ok(Self { log, blobs, head, failed: false })
    }

    /// What was acknowledged last.
    pub(crate) fn mark(&self) -> Mark {
        self.head.mark()
    }

    /// Flushes sled, syncs its file, and then writes `HEAD`. After an error every later call fails too.
    pub(crate) fn sync(&mut self, sled: &sled::Db, head: Head) -> EngineResult<()> {
        if self.failed {
            return Err(EngineError::Other("an earlier sync failed".into()));
        }
        self.failed = true;
        guarded(|| sled.flush())?;
        self.log.sync_data()?;
        if fs::read_dir(&self.blobs)?.next().is_some() {
            return Err(EngineError::Other("sled put a value into blobs/, which it never syncs".into()));
        }
        self.head.write(Mark::Acknowledged(head))?;
        self.failed = false;
        Ok(())
    }

    /// Writes down that sled may have half a batch, so that the next opening refuses.
    pub(crate) fn condemn(&mut self) -> io::Result<()> {
        self.failed = true;
        self.head.write(Mark::HalfApplied)
    }
}
