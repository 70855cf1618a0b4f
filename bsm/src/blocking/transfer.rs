//! A whole desk to a file and from a file, on the thread that asks.

use std::io::{Read, Write};
use std::iter::FusedIterator;

use bsm_core::Result;

use super::Desk;
use super::runtime::Runtime;
use crate::transfer::{self, Imported, Progress, READ_BYTES, TransferError, read_some};

impl Desk {
    /// As [`transfer::export_to`](crate::transfer::export_to), and waits: writes the whole desk to `to`, flushes it, and
    /// gives it back. `progress` is called after each page.
    ///
    /// ```
    /// # #[cfg(feature = "memory")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let desk = bsm::blocking::open("memory:")?;
    /// # desk.bootstrap(bsm::NewUser::new("Grace Hopper", "grace@example.org", bsm::model::Role::Admin))?;
    /// let (file, progress) = desk.export_to(Vec::new(), |_| {})?; // or a `File`, a pipe, a compressor
    /// assert_eq!(progress.bytes, file.len() as u64);
    ///
    /// let copy = bsm::blocking::open("memory:")?;
    /// let imported = copy.import_from(file.as_slice(), |progress| println!("{} rows", progress.rows))?;
    /// assert_eq!(imported.progress, progress);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "memory"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// The same.
    pub fn export_to<W: Write>(
        &self,
        mut to: W,
        mut progress: impl FnMut(&Progress),
    ) -> Result<(W, Progress), TransferError> {
        let mut export = self.export();
        while let Some(lines) = export.next() {
            to.write_all(lines?.as_bytes()).map_err(TransferError::Write)?;
            progress(export.progress());
        }
        to.flush().map_err(TransferError::Write)?;
        Ok((to, *export.progress()))
    }

    /// As [`transfer::import_from`](crate::transfer::import_from), and waits: takes a whole desk in from `from`, read to its
    /// end. `progress` is called after each buffer that was read.
    ///
    /// # Errors
    /// The same.
    pub fn import_from<R: Read>(
        &self,
        mut from: R,
        mut progress: impl FnMut(&Progress),
    ) -> Result<Imported, TransferError> {
        let mut import = self.import()?;
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = read_some(&mut from, &mut buffer).map_err(TransferError::Read)?;
            if read == 0 {
                return Ok(import.finish()?);
            }
            import.write(&buffer[..read])?;
            progress(import.progress());
        }
    }

    /// As [`Desk::export`](crate::Desk::export), and gives an export that is an iterator.
    pub fn export(&self) -> Export {
        Export { inner: self.inner.export(), runtime: self.runtime.clone(), failed: false }
    }

    /// As [`Desk::import`](crate::Desk::import), and waits for its answer. Errors and costs are the same.
    pub fn import(&self) -> Result<Import> {
        let inner = self.runtime.wait(self.inner.import())?;
        Ok(Import { inner, runtime: self.runtime.clone() })
    }
}

/// As [`transfer::Export`](crate::transfer::Export): a whole desk as lines, chunk after chunk, as an iterator that waits. It
/// ends behind the last chunk, and behind its first error.
///
/// ```
/// # fn example(desk: bsm::blocking::Desk, other: bsm::blocking::Desk) -> bsm::Result<()> {
/// let mut import = other.import()?;
/// for lines in desk.export() {
///     import.write(lines?.as_bytes())?;
/// }
/// import.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Export {
    inner: transfer::Export,
    runtime: Runtime,
    failed: bool,
}

impl Export {
    /// How far it is.
    pub const fn progress(&self) -> &Progress {
        self.inner.progress()
    }
}

impl Iterator for Export {
    type Item = Result<String>;

    /// The next lines, whole, each with its line break.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let lines = self.runtime.wait(self.inner.next());
        self.failed = lines.is_err();
        lines.transpose()
    }
}

impl FusedIterator for Export {}

/// As [`transfer::Import`](crate::transfer::Import), whose calls wait.
#[derive(Debug)]
pub struct Import {
    inner: transfer::Import,
    runtime: Runtime,
}

impl Import {
    /// As [`Import::resumes_after`](crate::transfer::Import::resumes_after).
    pub fn resumes_after(&self) -> u64 {
        self.inner.resumes_after()
    }

    /// How far it is, the lines that are read again included.
    pub const fn progress(&self) -> &Progress {
        self.inner.progress()
    }

    /// As [`Import::write`](crate::transfer::Import::write), and waits.
    ///
    /// # Errors
    /// The same.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.runtime.wait(self.inner.write(bytes))
    }

    /// As [`Import::finish`](crate::transfer::Import::finish), and waits.
    ///
    /// # Errors
    /// The same.
    pub fn finish(self) -> Result<Imported> {
        let Self { inner, runtime } = self;
        runtime.wait(inner.finish())
    }
}
