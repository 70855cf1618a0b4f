//! The desk in a folder: the embedded default, kept by [sled](https://docs.rs/sled/0.34.7) 0.34.
//!
//! The facade opens it for `sled:FOLDER`; a program may also call [`open`] itself. This is the only crate that names
//! sled. It implements [`bsm_store_kv::engine::Engine`]; keys, values and commands are `bsm-store-kv`'s.
//!
//! ```
//! use bsm_core::Error;
//! use bsm_core::store::Store;
//! use bsm_store_sled::{SledOptions, open};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let parent = tempfile::tempdir()?;
//! let folder = parent.path().join("desk");
//! let store = open(&folder, &SledOptions::default()).await?;
//! store.health().await?;
//!
//! let second = open(&folder, &SledOptions::default()).await;
//! assert!(matches!(second, Err(Error::InUse { .. })));
//!
//! store.close().await?;
//! open(&folder, &SledOptions::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The folder
//!
//! | name | what it is |
//! |---|---|
//! | `FORMAT` | what this folder is, and in which format: `bsm-sled 1`. Written last when a desk is made |
//! | `LOCK` | locked while the desk is open |
//! | `HEAD` | what was acknowledged last, in two slots with checksums |
//! | `data/` | sled's own files |
//!
//! A desk is backed up by copying the whole folder while it is closed; no part of it is of use alone.
//!
//! # What sled can and can't promise
//!
//! * **The end of the process** (kill -9, a panic, an abort) takes nothing back that was acknowledged, with
//!   [`Durability::Sync`].
//! * **A power cut can cost data.** This crate syncs sled's files itself, since sled's own flush does not ask the disk to.
//!   But between two syncs sled also moves old data about, in an order that it does not make safe against a power cut. So
//!   a loss is looked for, not prevented: what was acknowledged stands in `HEAD`, and when the desk is opened, its feed
//!   must reach that far and be the same there; else it is [`Error::Damaged`].
//! * **That look is at the end of the feed, not at all the data.** A value that was altered is found out when it is read:
//!   it has a checksum. Records that sled leaves out among older data, over a flipped bit or a power cut, are not
//!   missed when the desk is opened; [`verify`](bsm_core::store::Store::verify) tells of them where what is left
//!   contradicts them.
//! * **Opening repairs, and a repair can destroy.** sled overwrites what it takes for torn. Copy a folder that is
//!   `Damaged` before you try anything with it.
//! * sled answers some damage with a panic. It is caught, and becomes `Damaged`; its message still goes to where the
//!   process sends panic messages. A program built with `panic = "abort"` ends there instead.
//! * One process at a time has a desk open. sled's batches take a lock that all desks of the process share, so desks side
//!   by side in one process write one after another.
//! * A full disk stops the store with a typed error, and loses nothing that was acknowledged. The folder takes several
//!   times the size of its live data, and some space must be free to open it again.

mod call;
mod disk;
mod engine;
mod head;
mod place;
mod remove;

use std::path::Path;

use bsm_core::{Error, Result};
use bsm_store_kv::{KvOptions, KvStore};
use tokio::runtime::Handle;

pub use bsm_store_kv::{Durability, RELAXED_LAG};
pub use engine::{MIN_CACHE_BYTES, SledEngine};
pub use remove::remove_blocking;

/// How a desk in a folder is opened.
///
/// ```
/// use bsm_store_sled::{Durability, SledOptions};
///
/// let options = SledOptions { durability: Durability::Relaxed, ..SledOptions::default() };
/// assert_eq!(options.cache_bytes, 64 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SledOptions {
    /// How much of the data sled keeps in memory, in bytes: 64 MiB unless told, at least [`MIN_CACHE_BYTES`]. sled counts
    /// what the pages take on disk; in memory they take more.
    pub cache_bytes: u64,
    /// When a command is acknowledged.
    pub durability: Durability,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, durability: Durability::Sync }
    }
}

/// Opens the desk in a folder, or makes one in a folder that is empty or missing. A missing folder's parent must be there.
///
/// Works off the async runtime's threads under tokio, and in place elsewhere. Costs what [`open_blocking`] does. Who drops
/// the future gives the result up: the folder is let go again as soon as the opening has ended.
///
/// # Errors
/// As [`open_blocking`].
pub async fn open(path: &Path, options: &SledOptions) -> Result<KvStore> {
    let Ok(runtime) = Handle::try_current() else {
        return open_blocking(path, options);
    };
    let (folder, options) = (path.to_owned(), *options);
    let opening = runtime.spawn_blocking(move || open_blocking(&folder, &options));
    opening.await.map_err(|source| Error::Unavailable { store: engine::name_of(path), source: source.into() })?
}

/// Deletes the desk in a folder, as [`remove_blocking`] does, off the async runtime's threads under tokio.
///
/// # Errors
/// As [`remove_blocking`].
pub async fn remove(path: &Path) -> Result<()> {
    let Ok(runtime) = Handle::try_current() else {
        return remove_blocking(path);
    };
    let folder = path.to_owned();
    let removing = runtime.spawn_blocking(move || remove_blocking(&folder));
    removing.await.map_err(|source| Error::Unavailable { store: engine::name_of(path), source: source.into() })?
}

/// As [`open`], on the thread of the caller, for as long as it takes: some disk syncs, and sled's reading of what was
/// written since the desk was last opened.
///
/// # Errors
/// [`Error::Invalid`] for a cache that is too small; [`Error::UnusablePlace`] for a folder that is a file, can't be
/// written or holds other data; [`Error::InUse`]; [`Error::UnknownFormat`]; [`Error::Damaged`] if something of what was
/// acknowledged is not there; [`Error::Unavailable`] if the operating system fails otherwise.
pub fn open_blocking(path: &Path, options: &SledOptions) -> Result<KvStore> {
    let engine = SledEngine::open(path, options.cache_bytes)?;
    KvStore::open(engine, KvOptions { durability: options.durability, ..KvOptions::default() })
}
