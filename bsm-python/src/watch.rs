//! Waiting for what happens next, as an iterator of either kind.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use crate::call::{Call, Outcome, Unheard};
use crate::ending::Inside;
use crate::errors::Raise;
use crate::feed::{Beginning, Shared, Stepped, patience};
use crate::fork::Kept;
use crate::ground::Ground;
use crate::show::Show;

/// A watch in one process.
struct Handle {
    shared: Kept<Arc<Shared>>,
    ground: Arc<Ground>,
}

impl Handle {
    fn new(beginning: Beginning, ground: Arc<Ground>) -> Self {
        Self { shared: Kept::new(Arc::new(Shared::new(beginning))), ground }
    }

    fn shared(&self, py: Python<'_>) -> PyResult<Arc<Shared>> {
        self.ground.here(py, &self.shared).cloned()
    }

    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.shared(py)?.position().show(py)
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
        let _inside = Inside::enter(py);
        let shared = self.0.shared(py)?;
        match self.0.ground.wait(py, async move { shared.next(None).await })? {
            Stepped::Event(told) => (told.event)(py),
            Stepped::Late | Stepped::Closed => Err(PyStopIteration::new_err(())),
        }
    }

    /// The next event; waits for it, for `timeout` seconds at most. `None` if nothing happened in time, or once it is
    /// closed. Nothing is lost by giving up.
    #[pyo3(signature = (timeout=None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Py<PyAny>>> {
        let _inside = Inside::enter(py);
        let (shared, patience) = (self.0.shared(py)?, patience(timeout)?);
        match self.0.ground.wait(py, async move { shared.next(patience).await })? {
            Stepped::Event(told) => (told.event)(py).map(Some),
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
    fn __exit__(&self, py: Python<'_>, _why: &Bound<'_, PyTuple>) -> PyResult<()> {
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
        let (owner, stood) = (Arc::clone(&shared), Arc::new(OnceLock::new()));
        let stands = Arc::clone(&stood);
        let pending = Box::pin(async move {
            let stepped = shared.next(patience).await;
            Box::new(move |py: Python<'_>| {
                let told = match stepped.or_raise(py)? {
                    Stepped::Event(told) => {
                        let event = (told.event)(py)?;
                        // A call is told one event.
                        let _ = stands.set(told.before);
                        Some(event)
                    }
                    Stepped::Late => None,
                    Stepped::Closed => ended()?,
                };
                Ok(told.unwrap_or_else(|| py.None()))
            }) as Outcome
        });
        let unheard: Unheard = Arc::new(move |event| {
            if let Some(before) = stood.get() {
                owner.take_back(event, before.clone());
            }
        });
        Bound::new(py, Call::new("watch", self.0.ground.handle(py)?.clone(), pending).unless_heard(unheard))
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
    fn __aexit__<'py>(&self, py: Python<'py>, _why: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
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
