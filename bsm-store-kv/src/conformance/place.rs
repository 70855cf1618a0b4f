//! Where a case takes place: one empty engine, made by whoever wrote it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bsm_core::{Error, Source};

use crate::engine::{Engine, EngineError, EngineResult};
use crate::{KvOptions, KvStore, MemoryEngine};

type Opening = dyn Fn() -> Result<Arc<dyn Engine>, Source> + Send + Sync;

/// An empty engine for one case. Any engine turns into one; a durable one has to say how it is opened again, with
/// [`reopened_by`](Self::reopened_by), or fails the cases of durable engines.
///
/// ```
/// # use bsm_store_kv::{MemoryEngine as MyEngine, conformance::Place};
/// # fn open(folder: &std::path::Path) -> bsm_core::Result<MyEngine> { Ok(MyEngine::default()) }
/// # fn temporary_folder() -> std::path::PathBuf { std::path::PathBuf::new() }
/// fn fresh() -> Place {
///     let folder = temporary_folder();
///     let engine = open(&folder).expect("an engine");
///     let again = folder.clone();
///     Place::new(engine).keeping(folder).reopened_by(move || open(&again))
/// }
/// # fresh();
/// ```
pub struct Place {
    engine: Arc<dyn Engine>,
    again: Option<Arc<Opening>>,
    /// Dropped after the engine.
    kept: Vec<Box<dyn Any + Send>>,
}

impl Place {
    /// The place of an engine, which must be empty.
    pub fn new(engine: impl Engine) -> Self {
        Self { engine: Arc::new(engine), again: None, kept: Vec::new() }
    }

    /// With something that must live as long as the engine does, for instance its folder.
    pub fn keeping(mut self, thing: impl Any + Send) -> Self {
        self.kept.push(Box::new(thing));
        self
    }

    /// With a way to open the same engine once more: the one that its users have, with its errors. It is used after the
    /// engine was dropped, and once while it is open, which must be refused with [`Error::InUse`].
    pub fn reopened_by<E: Engine, F: Into<Source>>(
        mut self,
        open: impl Fn() -> Result<E, F> + Send + Sync + 'static,
    ) -> Self {
        self.again = Some(Arc::new(move || match open() {
            Ok(engine) => Ok(Arc::new(engine)),
            Err(error) => Err(error.into()),
        }));
        self
    }

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// A desk on the engine, for [`bsm_core::conformance`].
    ///
    /// # Panics
    /// If no store can be opened on it.
    pub fn into_desk(self) -> bsm_core::conformance::Place {
        let Self { engine, again, kept } = self;
        let name = engine.name();
        let store = KvStore::open(engine, KvOptions::default());
        let store = store.unwrap_or_else(|error| panic!("no desk can be opened on {name}: {error} ({error:?})"));
        let place = bsm_core::conformance::Place::new(Arc::new(store)).keeping(kept);
        let Some(again) = again else { return place };
        place.reopened_by(move || {
            let engine = again().map_err(|source| match source.downcast::<Error>() {
                Ok(error) => *error,
                Err(source) => Error::Unavailable { store: name.clone(), source },
            });
            let store = engine.and_then(|engine| KvStore::open(engine, KvOptions::default()));
            async { Ok(Arc::new(store?) as Arc<dyn bsm_core::store::Store>) }
        })
    }

    /// Whether the same engine can be opened once more.
    pub(crate) const fn can_be_reopened(&self) -> bool {
        self.again.is_some()
    }

    /// Drops the engine, and opens it once more.
    pub(crate) fn reopen(&mut self) -> EngineResult<()> {
        // Something has to stand here while the engine is gone.
        drop(std::mem::replace(&mut self.engine, Arc::new(MemoryEngine::default())));
        let Some(again) = &self.again else {
            return Err(EngineError::Other("nobody said how to open it again".into()));
        };
        self.engine = again().map_err(EngineError::Other)?;
        Ok(())
    }

    /// Opens it once more while it is open, and drops what that gives. `None` if nobody said how.
    pub(crate) fn open_beside(&self) -> Option<Result<(), Source>> {
        self.again.as_ref().map(|again| again().map(drop))
    }
}

impl<E: Engine> From<E> for Place {
    fn from(engine: E) -> Self {
        Self::new(engine)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("engine", &self.engine)
            .field("can_be_reopened", &self.can_be_reopened())
            .finish_non_exhaustive()
    }
}
