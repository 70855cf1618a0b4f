//! Waiting for what happens next, as an iterator of either kind.

use std::sync::Arc;
use std::time::Duration;

use bsm::Error;
use bsm::feed::{self, EventQuery, Position, Since, Told};
use bsm::model::Entity;
use pyo3::Borrowed;
use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;
use tokio::sync::{Mutex, Notify};

use crate::call::{Call, Outcome};
use crate::errors::Raise;
use crate::fork::Kept;
use crate::ground::Ground;
use crate::handle::Boxed;
use crate::show::{Show, Tell};
use crate::words::Of;

/// Where reading a feed begins: "now", "oldest", or behind a position.
#[derive(Clone, Debug)]
pub(crate) struct Begin(pub(crate) Since);

impl<'py> FromPyObject<'_, 'py> for Begin {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = given.cast::<PyString>()?.to_cow()?.into_owned();
        Ok(Self(match text.as_str() {
            "now" => Since::Now,
            "oldest" => Since::Oldest,
            _ => Since::After(Position::new(text)),
        }))
    }
}

/// The entities that are asked for: one, or several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Only(pub(crate) Vec<Entity>);

impl<'py> FromPyObject<'_, 'py> for Only {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyString>() {
            return Ok(Self(vec![given.extract::<Of<Entity>>()?.0]));
        }
        let entities = given.try_iter()?.map(|entity| Ok(entity?.extract::<Of<Entity>>()?.0));
        entities.collect::<PyResult<_>>().map(Self)
    }
}

/// How long to wait: seconds, or for ever.
fn patience(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    let Some(seconds) = timeout else { return Ok(None) };
    if seconds.is_nan() {
        return Err(PyValueError::new_err("timeout is not a number"));
    }
    // A time that is too long to be told has no end.
    Ok(Duration::try_from_secs_f64(seconds.max(0.0)).ok())
}

/// Events of either kind of feed, told alike.
trait Feed: Send {
    fn next(&mut self, patience: Option<Duration>) -> Next<'_>;
    fn position(&self) -> Position;
}

type Next<'a> = std::pin::Pin<Box<dyn Future<Output = bsm::Result<Option<Outcome>>> + Send + 'a>>;

impl<E: Told + Tell + Sync> Feed for feed::Watch<E> {
    fn next(&mut self, patience: Option<Duration>) -> Next<'_> {
        Box::pin(async move {
            let event = match patience {
                None => Some(Self::next(self).await?),
                // One look is taken whatever the time: what is there already is told.
                Some(patience) => match self.try_next().await? {
                    Some(event) => Some(event),
                    None if patience.is_zero() => None,
                    None => tokio::time::timeout(patience, Self::next(self)).await.ok().transpose()?,
                },
            };
            Ok(event.map(|event| Box::new(|py: Python<'_>| event.tell(py).map(Bound::unbind)) as Outcome))
        })
    }

    fn position(&self) -> Position {
        Self::position(self).clone()
    }
}

/// A watch that was not begun.
pub(crate) type Beginning = Boxed<bsm::Result<Begun>>;

/// A watch that was begun.
pub(crate) struct Begun(Box<dyn Feed>);

/// Begins a watch once it is asked.
pub(crate) fn begin<E, F>(beginning: F) -> Beginning
where
    E: Told + Tell + Sync,
    F: Future<Output = bsm::Result<feed::Watch<E>>> + Send + 'static,
{
    Box::pin(async move { beginning.await.map(|watch| Begun(Box::new(watch))) })
}

enum Step {
    Waits(Beginning),
    Runs(Begun),
    /// It could not be begun.
    Failed,
}

/// What a watch shares with the calls that are under way.
struct Shared {
    step: Mutex<Step>,
    position: std::sync::Mutex<Option<Position>>,
    closed: Notify,
    is_closed: std::sync::atomic::AtomicBool,
}

/// What a step comes to.
enum Stepped {
    Event(Outcome),
    /// Nothing happened in time.
    Late,
    /// The watch or the desk was closed.
    Closed,
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.is_closed.load(std::sync::atomic::Ordering::Acquire)
    }

    fn close(&self) {
        self.is_closed.store(true, std::sync::atomic::Ordering::Release);
        self.closed.notify_waiters();
    }

    /// Does something with the watch, unless it is closed.
    async fn unless_closed<T>(&self, work: impl Future<Output = bsm::Result<T>>) -> bsm::Result<Option<T>> {
        let closed = self.closed.notified();
        tokio::pin!(closed);
        // From here on a `close` is noticed, whenever it comes.
        closed.as_mut().enable();
        if self.is_closed() {
            return Ok(None);
        }
        tokio::select! {
            biased;
            () = closed => Ok(None),
            done = work => match done {
                Err(Error::Closed { .. }) => Ok(None),
                done => done.map(Some),
            },
        }
    }

    async fn begun(&self) -> bsm::Result<()> {
        let mut step = self.step.lock().await;
        if let Step::Waits(beginning) = &mut *step {
            let begun = beginning.await;
            match begun {
                Ok(begun) => {
                    self.tell_position(&begun);
                    *step = Step::Runs(begun);
                }
                Err(error) => {
                    *step = Step::Failed;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn tell_position(&self, begun: &Begun) {
        let position = Some(begun.0.position());
        *self.position.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = position;
    }

    async fn next(&self, patience: Option<Duration>) -> bsm::Result<Stepped> {
        let stepped = self.unless_closed(async {
            self.begun().await?;
            let mut step = self.step.lock().await;
            let Step::Runs(begun) = &mut *step else { return Ok(Stepped::Closed) };
            let event = begun.0.next(patience).await?;
            self.tell_position(begun);
            Ok(event.map_or(Stepped::Late, Stepped::Event))
        });
        Ok(stepped.await?.unwrap_or(Stepped::Closed))
    }
}

/// A watch in one process.
struct Handle {
    shared: Kept<Arc<Shared>>,
    ground: Arc<Ground>,
}

impl Handle {
    fn new(beginning: Beginning, ground: Arc<Ground>) -> Self {
        let shared = Shared {
            step: Mutex::new(Step::Waits(beginning)),
            position: std::sync::Mutex::new(None),
            closed: Notify::new(),
            is_closed: false.into(),
        };
        Self { shared: Kept::new(Arc::new(shared)), ground }
    }

    fn shared(&self, py: Python<'_>) -> PyResult<Arc<Shared>> {
        self.ground.here(py, &self.shared).cloned()
    }

    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let shared = self.shared(py)?;
        let position = shared.position.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        position.show(py)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.shared(py)?.close();
        Ok(())
    }
}

/// Everything that happens, one event after another: an iterator that waits.
///
/// It ends when it or the desk is closed, and behind an error. It is a context manager that closes itself.
#[pyclass(frozen, generic, module = "bsm")]
pub(crate) struct Watch(Handle);

impl Watch {
    /// Begins a watch.
    pub(crate) fn begin(py: Python<'_>, beginning: Beginning, ground: &Arc<Ground>) -> PyResult<Self> {
        let handle = Handle::new(beginning, Arc::clone(ground));
        let shared = handle.shared(py)?;
        ground.wait(py, async move { shared.begun().await })?;
        Ok(Self(handle))
    }
}

#[pymethods]
impl Watch {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let shared = self.0.shared(py)?;
        match self.0.ground.wait(py, async move { shared.next(None).await })? {
            Stepped::Event(event) => event(py),
            Stepped::Late | Stepped::Closed => Err(PyStopIteration::new_err(())),
        }
    }

    /// The next event; waits for it, for `timeout` seconds at most. `None` if nothing happened in time, or once it is
    /// closed. Nothing is lost by giving up.
    #[pyo3(signature = (timeout=None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Py<PyAny>>> {
        let (shared, patience) = (self.0.shared(py)?, patience(timeout)?);
        match self.0.ground.wait(py, async move { shared.next(patience).await })? {
            Stepped::Event(event) => event(py).map(Some),
            Stepped::Late | Stepped::Closed => Ok(None),
        }
    }

    /// Behind the last event that was told: give it as `since` to go on there, later and elsewhere.
    #[getter]
    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.position(py)
    }

    /// Ends it, also for a thread that waits for its next event.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.0.close(py)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_why))]
    fn __exit__(&self, py: Python<'_>, _why: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("<bsm.Watch of {}>", self.0.ground.place())
    }
}

/// Everything that happens, one event after another: an async iterator.
///
/// It begins when it is first awaited, entered or iterated over. It ends when it or the desk is closed, and behind an error.
#[pyclass(frozen, generic, name = "Watch", module = "bsm.aio")]
pub(crate) struct AsyncWatch(Handle);

impl AsyncWatch {
    /// A watch to be begun.
    pub(crate) fn new(beginning: Beginning, ground: &Arc<Ground>) -> Self {
        Self(Handle::new(beginning, Arc::clone(ground)))
    }

    /// A step of it, as a call to be awaited, that gives `ended` once it is closed.
    fn step<'py>(
        &self,
        py: Python<'py>,
        patience: Option<Duration>,
        ended: fn() -> PyResult<Option<Py<PyAny>>>,
    ) -> PyResult<Bound<'py, Call>> {
        let shared = self.0.shared(py)?;
        let pending = Box::pin(async move {
            let stepped = shared.next(patience).await;
            Box::new(move |py: Python<'_>| {
                let told = match stepped.or_raise(py)? {
                    Stepped::Event(event) => Some(event(py)?),
                    Stepped::Late => None,
                    Stepped::Closed => ended()?,
                };
                Ok(told.unwrap_or_else(|| py.None()))
            }) as Outcome
        });
        Bound::new(py, Call::new("watch", self.0.ground.handle(py)?.clone(), pending))
    }

    fn beginning<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Call>> {
        let (py, this) = (slf.py(), slf.clone().unbind());
        let shared = slf.get().0.shared(py)?;
        let pending = Box::pin(async move {
            let begun = shared.unless_closed(shared.begun()).await;
            Box::new(move |py: Python<'_>| {
                begun.or_raise(py)?;
                Ok(this.into_any())
            }) as Outcome
        });
        Bound::new(py, Call::new("watch", slf.get().0.ground.handle(py)?.clone(), pending))
    }
}

#[pymethods]
impl AsyncWatch {
    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Call>> {
        Self::beginning(slf)
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Call>> {
        self.step(py, None, || Err(PyStopAsyncIteration::new_err(())))
    }

    /// The next event; waits for it, for `timeout` seconds at most. `None` if nothing happened in time, or once it is
    /// closed. Nothing is lost by giving up.
    #[pyo3(signature = (timeout=None))]
    fn next<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, Call>> {
        self.step(py, patience(timeout)?, || Ok(None))
    }

    /// Behind the last event that was told: give it as `since` to go on there, later and elsewhere. `None` before it begins.
    #[getter]
    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.position(py)
    }

    /// Ends it, also for a task that waits for its next event.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.0.close(py)
    }

    fn __aenter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Call>> {
        Self::beginning(slf)
    }

    #[pyo3(signature = (*_why))]
    fn __aexit__<'py>(&self, py: Python<'py>, _why: &Bound<'py, pyo3::types::PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.close(py)?;
        nothing(py)
    }

    fn __repr__(&self) -> String {
        format!("<bsm.aio.Watch of {}>", self.0.ground.place())
    }
}

/// Something to await that is done already.
fn nothing(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static NOTHING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    NOTHING.import(py, "bsm._pages", "nothing")?.call0()
}

/// What a feed is asked.
pub(crate) fn asked(since: Begin, only: Only) -> EventQuery {
    EventQuery::since(since.0).only(only.0)
}

impl Begin {
    /// With what happens from now on.
    pub(crate) const fn now() -> Self {
        Self(Since::Now)
    }

    /// With the oldest event that is kept.
    pub(crate) const fn oldest() -> Self {
        Self(Since::Oldest)
    }
}
