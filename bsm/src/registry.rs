//! The kinds of stores that can be opened by address.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bsm_core::store::Store;
use bsm_core::{Desk, Result};

use crate::address::{Address, invalid};

/// Opens stores of one kind.
#[async_trait]
pub trait Factory: Send + Sync + 'static {
    /// Opens the store at an address of this kind.
    ///
    /// # Errors
    /// What keeps it from being opened. No error may carry a password of the address.
    async fn open(&self, address: &Address) -> Result<Arc<dyn Store>>;

    /// Deletes the desk at an address of this kind, and nothing else. Nothing there is fine.
    ///
    /// # Errors
    /// [`Unsupported`](bsm_core::Error::Unsupported) for a kind that can't, as here; what keeps it from being deleted.
    async fn remove(&self, address: &Address) -> Result<()> {
        let what = "deleting a desk";
        Err(bsm_core::Error::Unsupported { store: format!("{}:", address.scheme()), what })
    }
}

/// The kinds of stores, by the scheme of their addresses.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<String, Arc<dyn Factory>>,
}

impl Registry {
    /// No kinds at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The kinds that this build has: those of its features.
    pub fn standard() -> Self {
        #[allow(unused_mut, reason = "a build without any store has nothing to register")]
        let mut registry = Self::empty();
        #[cfg(feature = "memory")]
        registry.register("memory", crate::stores::Memory);
        #[cfg(feature = "sled")]
        registry.register("sled", crate::stores::Sled);
        #[cfg(feature = "postgres")]
        {
            registry.register("postgres", crate::stores::Postgres);
            registry.register("postgresql", crate::stores::Postgres);
        }
        registry
    }

    /// Adds a kind, or replaces the one of that scheme.
    pub fn register(&mut self, scheme: impl Into<String>, factory: impl Factory) -> &mut Self {
        self.kinds.insert(scheme.into(), Arc::new(factory));
        self
    }

    /// Opens the store at an address.
    ///
    /// # Errors
    /// [`InvalidAddress`](bsm_core::Error::InvalidAddress) for a scheme that is not known; else what the kind says.
    pub async fn open_store(&self, address: &str) -> Result<Arc<dyn Store>> {
        let address = Address::parse(address)?;
        self.kind(&address)?.open(&address).await
    }

    /// Deletes the desk at an address, with everything that is on it, and nothing else. Nothing there is fine.
    ///
    /// # Errors
    /// As [`open_store`](Self::open_store), and [`Unsupported`](bsm_core::Error::Unsupported) for a kind that can't.
    pub async fn remove(&self, address: &str) -> Result<()> {
        let address = Address::parse(address)?;
        self.kind(&address)?.remove(&address).await
    }

    fn kind(&self, address: &Address) -> Result<&Arc<dyn Factory>> {
        self.kinds.get(address.scheme()).ok_or_else(|| {
            let known = self.kinds.keys().map(|scheme| format!("{scheme}:")).collect::<Vec<_>>().join(", ");
            let hint = "others come with the feature of their name, or are registered";
            invalid(format!("names no kind of store that this build has ({known}; {hint})"))
        })
    }

    /// Opens the desk at an address.
    ///
    /// # Errors
    /// As [`open_store`](Self::open_store).
    pub async fn open(&self, address: &str) -> Result<Desk> {
        self.open_store(address).await.map(Desk::new)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}
