//! Stores around a store: what happens before, after or instead of its calls.
//!
//! A [`Layer`] says what; [`Layered`] is the store. Layers stack, and the desk above can't tell: it is how calls are traced,
//! and how an application finds out what it does when its store fails or is slow.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument as _;

use crate::model::{Timestamp, UserId};
use crate::{Error, Result, Source};

use super::{
    Answers, Capabilities, ChangeSet, Committed, FeedPlace, ImportMark, ImportStep, ReadSet, Store, Verification,
};

/// A call of a store that a layer can look at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Call<'a> {
    /// [`Store::commit`].
    Commit(&'a ChangeSet),
    /// [`Store::read`].
    Read(&'a ReadSet),
    /// [`Store::wait`].
    Wait(FeedPlace),
    /// [`Store::trim`].
    Trim(Timestamp),
    /// [`Store::import`].
    Import(&'a ImportStep),
    /// [`Store::expire_positions`].
    ExpirePositions,
    /// [`Store::verify`].
    Verify,
    /// [`Store::health`].
    Health,
    /// [`Store::close`].
    Close,
}

impl Call<'_> {
    /// The call's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Commit(_) => "commit",
            Self::Read(_) => "read",
            Self::Wait(_) => "wait",
            Self::Trim(_) => "trim",
            Self::Import(_) => "import",
            Self::ExpirePositions => "expire_positions",
            Self::Verify => "verify",
            Self::Health => "health",
            Self::Close => "close",
        }
    }

    /// Whether the call changes what the store keeps.
    pub const fn writes(&self) -> bool {
        matches!(self, Self::Commit(_) | Self::Trim(_) | Self::Import(_) | Self::ExpirePositions)
    }
}

/// Something around a store.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use bsm_core::Result;
/// use bsm_core::store::{Call, Layer, Layered, Store};
///
/// /// Counts what is asked of a store.
/// #[derive(Debug, Default)]
/// struct Counting(AtomicU64);
///
/// impl Layer for Counting {
///     async fn around<T: Send>(
///         &self,
///         _store: &dyn Store,
///         _call: Call<'_>,
///         inner: impl Future<Output = Result<T>> + Send,
///     ) -> Result<T> {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         inner.await
///     }
/// }
///
/// fn counted(store: Arc<dyn Store>) -> Arc<Layered<Counting>> {
///     Arc::new(Layered::new(store, Counting::default()))
/// }
/// ```
pub trait Layer: fmt::Debug + Send + Sync + 'static {
    /// Does `call`, which `inner` does, once or not at all: a future that is dropped unpolled has done nothing.
    fn around<T: Send>(
        &self,
        store: &dyn Store,
        call: Call<'_>,
        inner: impl Future<Output = Result<T>> + Send,
    ) -> impl Future<Output = Result<T>> + Send;
}

/// A store around a store.
#[derive(Debug)]
pub struct Layered<L> {
    inner: Arc<dyn Store>,
    layer: L,
}

impl<L: Layer> Layered<L> {
    /// Puts `layer` around `inner`.
    pub fn new(inner: Arc<dyn Store>, layer: L) -> Self {
        Self { inner, layer }
    }

    /// The layer.
    pub const fn layer(&self) -> &L {
        &self.layer
    }
}

impl<L> fmt::Display for Layered<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

#[async_trait]
impl<L: Layer> Store for Layered<L> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn commit(&self, change: ChangeSet) -> Result<Committed> {
        // Copied, since the layer may look at it while the store below has it.
        let given = change.clone();
        self.layer.around(&*self.inner, Call::Commit(&change), self.inner.commit(given)).await
    }

    async fn read(&self, set: ReadSet) -> Result<Answers> {
        let given = set.clone();
        self.layer.around(&*self.inner, Call::Read(&set), self.inner.read(given)).await
    }

    async fn wait(&self, customer: Option<UserId>, after: FeedPlace) -> Result<()> {
        self.layer.around(&*self.inner, Call::Wait(after), self.inner.wait(customer, after)).await
    }

    async fn trim(&self, before: Timestamp, most: usize) -> Result<usize> {
        self.layer.around(&*self.inner, Call::Trim(before), self.inner.trim(before, most)).await
    }

    async fn import(&self, step: ImportStep) -> Result<ImportMark> {
        let given = step.clone();
        self.layer.around(&*self.inner, Call::Import(&step), self.inner.import(given)).await
    }

    async fn expire_positions(&self) -> Result<()> {
        self.layer.around(&*self.inner, Call::ExpirePositions, self.inner.expire_positions()).await
    }

    async fn verify(&self) -> Result<Verification> {
        self.layer.around(&*self.inner, Call::Verify, self.inner.verify()).await
    }

    async fn health(&self) -> Result<()> {
        self.layer.around(&*self.inner, Call::Health, self.inner.health()).await
    }

    async fn close(&self) -> Result<()> {
        self.layer.around(&*self.inner, Call::Close, self.inner.close()).await
    }
}

/// A store whose calls are spans of [`tracing`], of target `bsm::store`: `commit` with the number of its writes and guards,
/// `read`, and the others by name. A call that fails leaves an event at level `DEBUG` in its span. Nothing of a row is told.
pub type TracedStore = Layered<Traced>;

/// The layer of a [`TracedStore`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Traced;

impl Layered<Traced> {
    /// Traces the calls of `inner`.
    pub fn traced(inner: Arc<dyn Store>) -> Self {
        Self::new(inner, Traced)
    }
}

impl Layer for Traced {
    async fn around<T: Send>(
        &self,
        store: &dyn Store,
        call: Call<'_>,
        inner: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        // A span's name is written where the span is.
        macro_rules! plain {
            ($name:literal) => {
                tracing::debug_span!(target: "bsm::store", $name, %store)
            };
        }
        let span = match call {
            Call::Commit(change) => tracing::debug_span!(
                target: "bsm::store", "commit", %store, writes = change.writes.len(), guards = change.guards.len()
            ),
            Call::Read(set) => tracing::debug_span!(
                target: "bsm::store", "read", %store, keys = set.get.len(), scans = set.scan.is_some()
            ),
            Call::Wait(_) => plain!("wait"),
            Call::Trim(_) => plain!("trim"),
            Call::Import(_) => plain!("import"),
            Call::ExpirePositions => plain!("expire_positions"),
            Call::Verify => plain!("verify"),
            Call::Health => plain!("health"),
            Call::Close => plain!("close"),
        };
        async {
            let done = inner.await;
            if let Err(error) = &done {
                tracing::debug!(target: "bsm::store", %error, "failed");
            }
            done
        }
        .instrument(span)
        .await
    }
}

/// What happens to a call of a [`FaultyStore`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    #[default]
    Works,
    /// It fails with [`Error::Unavailable`], and nothing is done.
    Fails,
    /// It is done, and fails with [`Error::OutcomeUnknown`], as when a connection breaks before the answer. A call that
    /// changes nothing fails with [`Error::Unavailable`].
    AnswerLost,
}

/// A store whose calls fail when somebody says so: to see what an application does then.
pub type FaultyStore = Layered<Faulty>;

type Judge = Box<dyn Fn(&Call<'_>) -> Fate + Send + Sync>;

/// The layer of a [`FaultyStore`].
pub struct Faulty {
    judge: Judge,
}

impl Layered<Faulty> {
    /// Asks `judge` about every call of `inner`.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use bsm_core::store::Store;
    /// use bsm_core::store::{Fate, FaultyStore};
    ///
    /// # fn example(store: Arc<dyn Store>) -> FaultyStore {
    /// FaultyStore::faulty(store, |call| if call.writes() { Fate::AnswerLost } else { Fate::Works })
    /// # }
    /// ```
    pub fn faulty(inner: Arc<dyn Store>, judge: impl Fn(&Call<'_>) -> Fate + Send + Sync + 'static) -> Self {
        Self::new(inner, Faulty { judge: Box::new(judge) })
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

impl Layer for Faulty {
    async fn around<T: Send>(
        &self,
        store: &dyn Store,
        call: Call<'_>,
        inner: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let fate = (self.judge)(&call);
        let source = || Source::from("a fault that was asked for");
        match fate {
            Fate::Works => inner.await,
            Fate::AnswerLost if call.writes() => {
                inner.await?;
                Err(Error::OutcomeUnknown { store: store.to_string(), source: source() })
            }
            Fate::Fails | Fate::AnswerLost => Err(Error::Unavailable { store: store.to_string(), source: source() }),
        }
    }
}

/// A store whose calls take longer: to see what an application does on a slow one.
pub type SlowStore = Layered<Slow>;

type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;
type Pausing = Box<dyn Fn(&Call<'_>) -> Pause + Send + Sync>;

/// The layer of a [`SlowStore`].
pub struct Slow {
    pausing: Pausing,
}

impl Layered<Slow> {
    /// Waits, before every call of `inner`, for the future that `pause` gives: a timer of the application's runtime.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use bsm_core::store::Store;
    /// use bsm_core::store::SlowStore;
    ///
    /// # fn example(store: Arc<dyn Store>) -> SlowStore {
    /// SlowStore::slow(store, |_call| tokio::time::sleep(std::time::Duration::from_millis(20)))
    /// # }
    /// ```
    pub fn slow<F>(inner: Arc<dyn Store>, pause: impl Fn(&Call<'_>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::new(inner, Slow { pausing: Box::new(move |call| Box::pin(pause(call))) })
    }
}

impl fmt::Debug for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slow").finish_non_exhaustive()
    }
}

impl Layer for Slow {
    async fn around<T: Send>(
        &self,
        _store: &dyn Store,
        call: Call<'_>,
        inner: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        // Made in a statement of its own: what a call names is not held while it waits.
        let pause = (self.pausing)(&call);
        pause.await;
        inner.await
    }
}
