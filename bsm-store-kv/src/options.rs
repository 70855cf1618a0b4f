//! What a store on a key-value engine can be told when it is opened.

use std::time::Duration;

/// When a command is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Once it is on disk. The end of the process takes nothing back that was acknowledged; commands that wait at the
    /// same moment share one sync.
    #[default]
    Sync,
    /// Once it is applied. It is on disk after [`RELAXED_LAG`] at most and a sync, and when the store is closed: a crash in
    /// between takes back the last commands, whole and from the end. The feed shows only what is on disk, so events come
    /// that much later than with [`Sync`](Self::Sync).
    Relaxed,
}

/// How long a command that was acknowledged before its sync waits for it at most: so much later, and the time of a sync, it
/// is on disk, and its event is shown.
pub const RELAXED_LAG: Duration = Duration::from_millis(100);

/// Options of [`KvStore::open`](crate::KvStore::open).
///
/// ```
/// use bsm_store_kv::{Durability, KvOptions};
///
/// let options = KvOptions { durability: Durability::Relaxed, ..KvOptions::default() };
/// assert_eq!(options.epoch, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KvOptions {
    /// When a command is acknowledged. Without meaning on an engine that keeps nothing.
    pub durability: Durability,
    /// The epoch of a desk that is made now, for tests that must repeat exactly; else it is random. A desk that is there
    /// keeps its own.
    pub epoch: Option<u64>,
}
