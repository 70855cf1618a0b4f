//! The kinds of stores that can be opened by address.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bsm_core::store::Store;
use bsm_core::{Desk, Error, Reason, Result};

use crate::address::{Address, SCHEME, invalid, is_scheme};

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
        Err(Error::Unsupported { store: format!("{}:", address.scheme()), what })
    }
}

/// The kinds of stores, by the scheme of their addresses.
///
/// A kind of your own is opened as any other, here one that is around another:
///
/// ```
/// use std::sync::Arc;
///
/// use bsm::store::{Store, TracedStore};
/// use bsm::{Address, Factory, Registry};
///
/// /// `traced:` before any other address.
/// struct Traced(Registry);
///
/// #[async_trait::async_trait]
/// impl Factory for Traced {
///     async fn open(&self, address: &Address) -> bsm::Result<Arc<dyn Store>> {
///         let beneath = address.as_given().trim_start_matches("traced:");
///         Ok(Arc::new(TracedStore::traced(self.0.open_store(beneath).await?)))
///     }
/// }
///
/// # #[cfg(feature = "memory")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> bsm::Result<()> {
/// let mut registry = Registry::standard();
/// registry.register("traced", Traced(Registry::standard()))?;
/// registry.open("traced:memory:").await?.health().await?;
///
/// // The same without async:
/// bsm::blocking::open_with(&registry, "traced:memory:")?.health()?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "memory"))]
/// # fn main() {}
/// ```
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
        registry.insert("memory", crate::stores::Memory);
        #[cfg(feature = "sled")]
        registry.insert("sled", crate::stores::Sled);
        #[cfg(feature = "postgres")]
        {
            registry.insert("postgres", crate::stores::Postgres);
            registry.insert("postgresql", crate::stores::Postgres);
        }
        registry
    }

    /// Adds a kind, or replaces the one of that scheme: a lower-case letter, and then such letters, digits, `+`, `-` and
    /// `.`.
    ///
    /// # Errors
    /// [`Invalid`](bsm_core::Error::Invalid) of field `scheme` for another, which no address could begin with.
    pub fn register(&mut self, scheme: impl Into<String>, factory: impl Factory) -> Result<&mut Self> {
        let scheme = scheme.into();
        if !is_scheme(&scheme) {
            return Err(Error::invalid("scheme", Reason::Malformed { expected: SCHEME }));
        }
        self.insert(scheme, factory);
        Ok(self)
    }

    fn insert(&mut self, scheme: impl Into<String>, factory: impl Factory) {
        self.kinds.insert(scheme.into(), Arc::new(factory));
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

#[cfg(all(test, feature = "memory"))]
mod tests {
    use std::sync::Mutex;

    use bsm_core::NewUser;
    use bsm_core::model::Role;

    use super::*;

    /// A place and a size.
    type Asked = (String, Option<String>);

    /// Opens desks in memory, and keeps what it was asked for.
    #[derive(Clone, Default)]
    struct Mine(Arc<Mutex<Vec<Asked>>>);

    #[async_trait]
    impl Factory for Mine {
        async fn open(&self, address: &Address) -> Result<Arc<dyn Store>> {
            address.only_options(&["size"])?;
            let asked = (address.place().to_owned(), address.option("size").map(str::to_owned));
            self.0.lock().expect("no panic").push(asked);
            Ok(Arc::new(bsm_store_kv::memory()?))
        }
    }

    fn with_mine() -> (Registry, Mine) {
        let mine = Mine::default();
        let mut registry = Registry::standard();
        registry.register("mine", mine.clone()).expect("is a scheme");
        (registry, mine)
    }

    fn root() -> NewUser {
        NewUser::new("Root", "root@example.org", Role::Admin)
    }

    #[test]
    fn what_no_address_can_begin_with_is_not_registered() {
        let mut registry = Registry::empty();
        for bad in ["", "Mine", "my_store", "a:b", "3s", "Weird Scheme!", " mine", "ü"] {
            let refused = registry.register(bad, Mine::default()).map(drop);
            assert!(matches!(refused, Err(Error::Invalid { field: "scheme", .. })), "{bad}: {refused:?}");
        }
        for good in ["mine", "my-store", "my+x", "s3", "my.x", "x"] {
            registry.register(good, Mine::default()).expect("is one");
            assert!(Address::parse(&format!("{good}:")).is_ok(), "{good}");
        }
    }

    #[tokio::test]
    async fn a_foreign_kind_opens_by_its_scheme() -> Result<()> {
        let (registry, mine) = with_mine();
        let desk = registry.open("mine:here?size=3").await?;
        let first = desk.bootstrap(root()).await?;
        assert_eq!(desk.admin(first.id).user(first.id).await?, first);
        assert_eq!(*mine.0.lock().expect("no panic"), [("here".to_owned(), Some("3".to_owned()))]);
        // It has what it says it has, and can't what it does not say; the others are still there.
        let refused = registry.open("mine:here?sise=3").await;
        assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{refused:?}");
        let refused = registry.remove("mine:here").await;
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
        registry.open("memory:").await.map(drop)
    }

    #[test]
    fn it_opens_without_a_runtime_too() -> Result<()> {
        let (registry, mine) = with_mine();
        let desk = crate::blocking::open_with(&registry, "mine:there")?;
        let first = desk.bootstrap(root())?;
        assert_eq!(desk.admin(first.id).user(first.id)?, first);
        assert_eq!(*mine.0.lock().expect("no panic"), [("there".to_owned(), None)]);
        let unknown = crate::blocking::open("mine:there");
        assert!(matches!(unknown, Err(Error::InvalidAddress { .. })), "{unknown:?}");
        Ok(())
    }
}
