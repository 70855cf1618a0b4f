//! Where a case takes place: one empty desk, made by whoever wrote the store.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;
use crate::store::Store;

type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn Store>>> + Send>>;

/// An empty desk for one case. An `Arc<dyn Store>` turns into one; with [`reopened_by`](Self::reopened_by) the cases of
/// durable and shared stores can run as well.
///
/// ```
/// # use std::sync::Arc;
/// # use bsm_core::{Result, conformance::Place, store::Store};
/// # async fn open(folder: &std::path::Path) -> Result<Arc<dyn Store>> { unimplemented!() }
/// # fn temporary_folder() -> std::path::PathBuf { unimplemented!() }
/// async fn fresh() -> Place {
///     let folder = temporary_folder();
///     let store = open(&folder).await.expect("a desk");
///     let again = folder.clone();
///     Place::new(store).keeping(folder).reopened_by(move || {
///         let folder = again.clone();
///         async move { open(&folder).await }
///     })
/// }
/// ```
pub struct Place {
    store: Arc<dyn Store>,
    again: Option<Box<dyn Fn() -> Opening + Send + Sync>>,
    /// Other empty desks of the same kind.
    beside: Mutex<Vec<Place>>,
    /// Dropped after the store.
    kept: Vec<Box<dyn Any + Send>>,
}

impl Place {
    /// The desk that `store` keeps, which must be empty.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, again: None, beside: Mutex::default(), kept: Vec::new() }
    }

    /// With something that must live as long as the store does, for instance its folder.
    pub fn keeping(mut self, thing: impl Any + Send) -> Self {
        self.kept.push(Box::new(thing));
        self
    }

    /// With a way to open the same desk once more. It is used after the store was closed, and, of a store whose
    /// [capabilities](crate::store::Capabilities) say that it is shared, also before.
    pub fn reopened_by<F>(mut self, open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Arc<dyn Store>>> + Send + 'static,
    {
        self.again = Some(Box::new(move || Box::pin(open())));
        self
    }

    /// With one more empty desk of the same kind, for the cases in which a desk goes from one store to another. They take
    /// up to [`Case::places_beside`](super::Case::places_beside) of them; [`conformance_tests!`](crate::conformance_tests)
    /// and [`run_all`](super::run_all) see to it.
    pub fn beside(mut self, other: impl Into<Self>) -> Self {
        self.beside.get_mut().unwrap_or_else(PoisonError::into_inner).push(other.into());
        self
    }

    /// The store.
    pub const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Whether the same desk can be opened once more.
    pub(crate) const fn can_be_reopened(&self) -> bool {
        self.again.is_some()
    }

    /// How many empty desks there are besides.
    pub(crate) fn count_beside(&self) -> usize {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Another empty desk of the same kind.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) if there is none left.
    pub(crate) fn another(&self) -> Result<Self> {
        let other = self.beside.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let what = "having another empty desk beside it";
        other.ok_or_else(|| crate::Error::Unsupported { store: self.store.to_string(), what })
    }

    /// The same desk, opened once more.
    ///
    /// # Errors
    /// What the opening says; [`Error::Unsupported`](crate::Error::Unsupported) if nobody said how.
    pub(crate) async fn again(&self) -> Result<Arc<dyn Store>> {
        match &self.again {
            Some(open) => open().await,
            None => Err(crate::Error::Unsupported { store: self.store.to_string(), what: "being opened again" }),
        }
    }
}

impl<S: Store> From<Arc<S>> for Place {
    fn from(store: Arc<S>) -> Self {
        Self::new(store)
    }
}

impl From<Arc<dyn Store>> for Place {
    fn from(store: Arc<dyn Store>) -> Self {
        Self::new(store)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("store", &self.store)
            .field("can_be_reopened", &self.can_be_reopened())
            .finish_non_exhaustive()
    }
}
