//! The stores that come with the desk, as kinds of addresses.

#[cfg(any(feature = "memory", feature = "sled", feature = "postgres"))]
use std::sync::Arc;

#[cfg(any(feature = "memory", feature = "sled", feature = "postgres"))]
use bsm_core::{Result, store::Store};

#[cfg(any(feature = "memory", feature = "sled", feature = "postgres"))]
use crate::{Address, Factory};

/// `memory:`, a fresh desk that ends with its last handle.
#[cfg(feature = "memory")]
pub(crate) struct Memory;

#[cfg(feature = "memory")]
#[async_trait::async_trait]
impl Factory for Memory {
    async fn open(&self, address: &Address) -> Result<Arc<dyn Store>> {
        address.only_options(&[])?;
        if !address.place().is_empty() {
            return Err(crate::address::invalid("of a desk in memory names no place: it is memory:"));
        }
        Ok(Arc::new(bsm_store_kv::memory()?))
    }
}

/// `sled:FOLDER`, with the options `durability` (`sync` or `relaxed`) and `cache_bytes`.
#[cfg(feature = "sled")]
pub(crate) struct Sled;

#[cfg(feature = "sled")]
#[async_trait::async_trait]
impl Factory for Sled {
    async fn open(&self, address: &Address) -> Result<Arc<dyn Store>> {
        use bsm_store_sled::{Durability, SledOptions};

        use crate::address::invalid;

        address.only_options(&["durability", "cache_bytes"])?;
        if address.place().is_empty() {
            return Err(invalid("of a desk in a folder names none: it is sled:FOLDER"));
        }
        let durability = match address.option("durability") {
            None | Some("sync") => Durability::Sync,
            Some("relaxed") => Durability::Relaxed,
            Some(_) => return Err(invalid("has a durability that is neither sync nor relaxed")),
        };
        let mut options = SledOptions { durability, ..SledOptions::default() };
        if let Some(bytes) = address.option("cache_bytes") {
            options.cache_bytes = bytes.parse().map_err(|_| invalid("has a cache_bytes that is no number"))?;
        }
        Ok(Arc::new(bsm_store_sled::open(address.place().as_ref(), &options).await?))
    }
}
