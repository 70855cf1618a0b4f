//! The desk laid out on any ordered key-value engine: keys, indexes, counters, history, the feed, and the one committer.
//!
//! Whoever brings an embedded engine implements [`engine::Engine`] and opens a [`KvStore`] on it. The layout follows from
//! the [schema](bsm_core::schema); nothing here knows what a ticket is. `docs/format.md` describes keys and values.
//!
//! ```
//! use bsm_core::model::{Entity, Timestamp};
//! use bsm_core::store::{ChangeSet, ReadSet, Store};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> bsm_core::Result<()> {
//! let store = bsm_store_kv::memory()?;
//! assert_eq!(store.to_string(), "memory:");
//! store.read(ReadSet::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms
//!
//! | module | what it does |
//! |---|---|
//! | [`engine`] | the seam to an engine |
//! | `memory` | the engine without a disk |
//! | `key`, `part`, `value`, `record` | what lies where, and how |
//! | `snapshot` | stored data as of one moment, verified |
//! | `stage` | what a group of commands writes before it is written |
//! | `work`: `apply`, `check`, `remember`; `trim`; `import` | what one command does to a stage |
//! | `group`, `pace`, `committer`, `hands` | from the queue to the disk |
//! | `read`, `scan`, `feed` | from the disk to an answer |
//! | `reach` | how far the feed is shown, and who waits for more |
//! | `verify` | recounting everything |
//! | `conformance` | what every engine must do, behind the feature of that name |
//! | `open`, `store`, `options` | the store as its users see it |

mod apply;
mod check;
mod committer;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod engine;
mod feed;
mod group;
mod hands;
mod import;
mod key;
mod memory;
mod open;
mod options;
mod pace;
mod part;
mod reach;
mod read;
mod record;
mod remember;
mod scan;
mod snapshot;
mod stage;
mod store;
mod trim;
mod value;
mod verify;
mod work;

pub use memory::MemoryEngine;
pub use options::{Durability, KvOptions, RELAXED_LAG};
pub use store::KvStore;

/// For the code that [`engine_tests!`] writes.
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub use bsm_core as __core;

/// A fresh desk in memory: `memory:`. It is gone when the store is dropped.
///
/// # Errors
/// [`Error::Unavailable`](bsm_core::Error::Unavailable) if the system has no thread or no randomness to give.
pub fn memory() -> bsm_core::Result<KvStore> {
    KvStore::open(MemoryEngine::default(), KvOptions::default())
}
