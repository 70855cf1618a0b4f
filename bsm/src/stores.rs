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

    /// A desk in memory is gone with its last handle, and no address leads to it before.
    async fn remove(&self, _: &Address) -> Result<()> {
        Ok(())
    }
}

/// `sled:FOLDER`, with the options `durability` (`sync` or `relaxed`) and `cache` (a size).
#[cfg(feature = "sled")]
pub(crate) struct Sled;

#[cfg(feature = "sled")]
#[async_trait::async_trait]
impl Factory for Sled {
    async fn open(&self, address: &Address) -> Result<Arc<dyn Store>> {
        use bsm_store_sled::{Durability, MIN_CACHE_BYTES, SledOptions};

        use crate::address::invalid;

        let folder = folder(address)?;
        let durability = match address.option("durability") {
            None | Some("sync") => Durability::Sync,
            Some("relaxed") => Durability::Relaxed,
            Some(_) => return Err(invalid("has a durability that is neither sync nor relaxed")),
        };
        let mut options = SledOptions { durability, ..SledOptions::default() };
        if let Some(bytes) = address.size("cache")? {
            // Refused here, where the option has its name.
            if bytes < MIN_CACHE_BYTES {
                return Err(invalid(format!(
                    "has a cache that is too small: the least is {}KiB",
                    MIN_CACHE_BYTES >> 10
                )));
            }
            options.cache_bytes = bytes;
        }
        Ok(Arc::new(bsm_store_sled::open(folder, &options).await?))
    }

    async fn remove(&self, address: &Address) -> Result<()> {
        bsm_store_sled::remove(folder(address)?).await
    }
}

#[cfg(feature = "sled")]
fn folder(address: &Address) -> Result<&std::path::Path> {
    address.only_options(&["durability", "cache"])?;
    if address.place().is_empty() {
        return Err(crate::address::invalid("of a desk in a folder names none: it is sled:FOLDER"));
    }
    if address.place().starts_with("//") {
        return Err(crate::address::invalid("of a folder has no // before it: it is sled:FOLDER"));
    }
    Ok(address.place().as_ref())
}

/// `postgres://…?schema=NAME`: a server that several processes share.
#[cfg(feature = "postgres")]
pub(crate) struct Postgres;

#[cfg(feature = "postgres")]
#[async_trait::async_trait]
impl Factory for Postgres {
    async fn open(&self, address: &Address) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(bsm_store_postgres::PostgresStore::connect(address.as_given()).await?))
    }
}
