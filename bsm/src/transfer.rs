//! A whole desk to a file and from a file, or whatever else can be written and read.
//!
//! What an export is, and what an import promises, is told in [`bsm_core::transfer`], which is all of it for programs
//! with a transport of their own. Here it is joined to [`std::io`]: files, pipes and compressors are written and read a
//! page or a buffer at a time. Under tokio that is done on the runtime's blocking threads, while the async workers go on;
//! elsewhere in place, on the thread that polls. (Not `tokio::io`: its files do
//! the same underneath, and compressors speak `std::io`.) Without async, there are
//! [`blocking::Desk::export_to`](crate::blocking::Desk::export_to) and
//! [`import_from`](crate::blocking::Desk::import_from).
//!
//! ```
//! # #[cfg(feature = "memory")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use bsm::NewUser;
//! use bsm::model::Role;
//! use bsm::transfer::{export_to, import_from};
//!
//! let desk = bsm::open("memory:").await?;
//! desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin)).await?;
//! let (file, progress) = export_to(&desk, Vec::new(), |_| {}).await?;
//! assert_eq!(progress.rows, 1);
//!
//! let copy = bsm::open("memory:").await?;
//! let imported = import_from(&copy, std::io::Cursor::new(file), |progress| println!("{} rows", progress.rows)).await?;
//! assert_eq!(imported.progress, progress);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! ```

use std::io::{self, Read, Write};

pub use bsm_core::transfer::*;
use bsm_core::{Desk, Error};
use tokio::runtime::Handle;

/// How much of a file is read at a time.
pub(crate) const READ_BYTES: usize = 256 << 10;

/// Why a desk did not get into a file, or out of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The desk, or the text.
    #[error(transparent)]
    Desk(#[from] Error),
    /// What the export was to be written to.
    #[error("the export can't be written: {0}")]
    Write(#[source] io::Error),
    /// What the export was to be read from.
    #[error("the export can't be read: {0}")]
    Read(#[source] io::Error),
}

/// Writes the whole desk to `to`, flushes it, and gives it back. `progress` is called after each page.
///
/// The file holds personal text. To be sure of it after a power cut, sync it: that is not done here. Holds a page in
/// memory. Of a dropped future the file's end is missing, which an import tells.
///
/// # Errors
/// As [`Export::next`]; [`TransferError::Write`].
pub async fn export_to<W: Write + Send + 'static>(
    desk: &Desk,
    mut to: W,
    mut progress: impl FnMut(&Progress),
) -> Result<(W, Progress), TransferError> {
    let mut export = desk.export();
    while let Some(lines) = export.next().await? {
        let write = move || to.write_all(lines.as_bytes()).map(|()| to);
        to = elsewhere(write).await.map_err(TransferError::Write)?;
        progress(export.progress());
    }
    let to = elsewhere(move || to.flush().map(|()| to)).await.map_err(TransferError::Write)?;
    Ok((to, *export.progress()))
}

/// Takes a whole desk in from `from`, read to its end, into `desk`, which must be empty. `progress` is called after each
/// buffer that was read.
///
/// Where it stopped half-way, for whatever reason, call it again with the same text from its beginning: it goes on.
///
/// # Errors
/// As [`Desk::import`], [`Import::write`] and [`Import::finish`]; [`TransferError::Read`].
pub async fn import_from<R: Read + Send + 'static>(
    desk: &Desk,
    mut from: R,
    mut progress: impl FnMut(&Progress),
) -> Result<Imported, TransferError> {
    let mut import = desk.import().await?;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read;
        (from, buffer, read) = elsewhere(move || {
            let read = read_some(&mut from, &mut buffer)?;
            Ok((from, buffer, read))
        })
        .await
        .map_err(TransferError::Read)?;
        if read == 0 {
            return Ok(import.finish().await?);
        }
        import.write(&buffer[..read]).await?;
        progress(import.progress());
    }
}

/// Reads something; nothing only at the end.
pub(crate) fn read_some(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Does something that may block, off the async workers if there are any.
async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let Ok(runtime) = Handle::try_current() else { return work() };
    match runtime.spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime shuts down.
        Err(error) => Err(io::Error::other(error)),
    }
}
