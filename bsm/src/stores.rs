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
