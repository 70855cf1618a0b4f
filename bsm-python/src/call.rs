//! An awaited call: a coroutine that is begun when it is first awaited, and done by a task of the desk's runtime.
//!
//! The loop's thread does nothing of it: it makes an `asyncio.Future`, waits for that, and is told the answer by
//! `call_soon_threadsafe`. Cancelling it cancels the task. Once the interpreter or the loop is gone, nobody is told.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::ending;
use crate::fork::Kept;

/// What a call comes to, still to be told in Python.
pub(crate) type Outcome = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Py<PyAny>> + Send>;

/// What becomes of an answer that came when its call was cancelled already.
pub(crate) type Unheard = Arc<dyn Fn(Py<PyAny>) + Send + Sync>;

/// A call that was not begun.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A call to be awaited, once. Cancelling what awaits it cancels it.
#[pyclass(frozen, module = "bsm.aio")]
pub(crate) struct Call {
    name: &'static str,
    state: Mutex<State>,
    unheard: Option<Unheard>,
}

enum State {
    /// Nobody awaited it yet.
    New(Kept<(Handle, Pending)>),
    /// The iterator of the future that the loop waits for, and that future.
    Running {
        steps: Py<PyAny>,
        future: Py<PyAny>,
    },
    Ended,
}

impl Call {
    pub(crate) fn new(name: &'static str, handle: Handle, pending: Pending) -> Self {
        Self { name, state: Mutex::new(State::New(Kept::new((handle, pending)))), unheard: None }
    }

    /// The same call, whose answer must not be lost: `unheard` is given it if nobody hears it.
    pub(crate) fn unless_heard(mut self, unheard: Unheard) -> Self {
        self.unheard = Some(unheard);
        self
    }

    /// Rescues the answer of a future that is done, and that nobody is going to ask.
    fn rescue(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = future.py();
        let Some(unheard) = &self.unheard else { return Ok(()) };
        let told = future.call_method0(intern!(py, "done"))?.is_truthy()?
            && !future.call_method0(intern!(py, "cancelled"))?.is_truthy()?
            && future.call_method0(intern!(py, "exception"))?.is_none();
        if told {
            unheard(future.call_method0(intern!(py, "result"))?.unbind());
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the loop waits for; begins the call if nobody did.
    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut state = self.state();
        if let State::Running { steps, .. } = &*state {
            return Ok(steps.bind(py).clone());
        }
        let State::New(kept) = std::mem::replace(&mut *state, State::Ended) else {
            return Err(PyRuntimeError::new_err(format!("cannot reuse already awaited {}()", self.name)));
        };
        drop(state);
        let (handle, pending) = kept.into_inner().ok_or_else(|| {
            PyRuntimeError::new_err(format!("{}() was made before this process was forked", self.name))
        })?;
        let future = begin(py, &handle, pending, self.unheard.clone())?;
        let steps = future.call_method0(intern!(py, "__await__"))?;
        *self.state() = State::Running { steps: steps.clone().unbind(), future: future.unbind() };
        Ok(steps)
    }

    /// Remembers that there is no next step, if there is none.
    fn stepped<'py>(&self, step: PyResult<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        if step.is_err() {
            *self.state() = State::Ended;
        }
        step
    }
}

/// Begins a call as a task, and gives the future that is told what comes of it.
fn begin<'py>(
    py: Python<'py>,
    handle: &Handle,
    pending: Pending,
    unheard: Option<Unheard>,
) -> PyResult<Bound<'py, PyAny>> {
    static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if ending::has_begun() {
        return Err(PyRuntimeError::new_err("cannot await a desk while the interpreter ends"));
    }
    let event_loop = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
    let future = event_loop.call_method0(intern!(py, "create_future"))?;
    let (to, told) = (event_loop.unbind(), future.clone().unbind());
    let task = handle.spawn(async move {
        let outcome = pending.await;
        // An interpreter that is ending is told nothing.
        ending::attach(|py| tell(py, &to, told, outcome, unheard));
    });
    future.call_method1(intern!(py, "add_done_callback"), (Abort(task.abort_handle()),))?;
    Ok(future)
}

/// Has the loop tell a future what came of its call.
fn tell(py: Python<'_>, event_loop: &Py<PyAny>, future: Py<PyAny>, outcome: Outcome, unheard: Option<Unheard>) {
    let (value, error) = match outcome(py) {
        Ok(value) => (Some(value), None),
        Err(error) => (None, Some(error.into_value(py))),
    };
    let settle = Settle { future, unheard: unheard.clone() };
    let kept = value.as_ref().map(|value| value.clone_ref(py));
    let told = event_loop.call_method1(py, intern!(py, "call_soon_threadsafe"), (settle, value, error));
    // A loop that was closed meanwhile refuses, and has nobody who waits for it.
    if let (Err(_), Some(value), Some(unheard)) = (told, kept, unheard) {
        unheard(value);
    }
}

/// Called by the loop: gives a future its result, if it was not cancelled.
#[pyclass(frozen, module = "bsm.aio")]
struct Settle {
    future: Py<PyAny>,
    unheard: Option<Unheard>,
}

#[pymethods]
impl Settle {
    #[pyo3(signature = (value, error))]
    fn __call__(&self, py: Python<'_>, value: Option<Py<PyAny>>, error: Option<Py<PyAny>>) -> PyResult<()> {
        let future = self.future.bind(py);
        if future.call_method0(intern!(py, "done"))?.is_truthy()? {
            if let (Some(value), Some(unheard)) = (value, &self.unheard) {
                unheard(value);
            }
            return Ok(());
        }
        match error {
            Some(error) => future.call_method1(intern!(py, "set_exception"), (error,))?,
            None => future.call_method1(intern!(py, "set_result"), (value,))?,
        };
        Ok(())
    }
}

/// Called when a future is done: ends the task of one that was cancelled.
#[pyclass(frozen, module = "bsm.aio")]
struct Abort(AbortHandle);

#[pymethods]
impl Abort {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if future.call_method0(intern!(future.py(), "cancelled"))?.is_truthy()? {
            self.0.abort();
        }
        Ok(())
    }
}

#[pymethods]
impl Call {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let step = self.steps(py)?.call_method1(intern!(py, "send"), (py.None(),));
        self.stepped(step)
    }

    fn send<'py>(&self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        let step = self.steps(py)?.call_method1(intern!(py, "send"), (value,));
        self.stepped(step)
    }

    #[pyo3(signature = (typ, val=None, tb=None))]
    fn throw<'py>(
        &self,
        py: Python<'py>,
        typ: Bound<'py, PyAny>,
        val: Option<Bound<'py, PyAny>>,
        tb: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let running = match &*self.state() {
            State::Running { steps, future } => Some((steps.bind(py).clone(), future.bind(py).clone())),
            State::New(_) | State::Ended => None,
        };
        let Some((steps, future)) = running else {
            *self.state() = State::Ended;
            return Err(thrown(typ, val)?);
        };
        self.rescue(&future)?;
        let one = intern!(py, "throw");
        let step = match (val, tb) {
            (None, None) => steps.call_method1(one, (typ,)),
            (val, tb) => steps.call_method1(one, (typ, val, tb)),
        };
        self.stepped(step)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let state = std::mem::replace(&mut *self.state(), State::Ended);
        if let State::Running { future, .. } = state {
            self.rescue(future.bind(py))?;
            future.call_method0(py, intern!(py, "cancel"))?;
        }
        Ok(())
    }

    /// What `asyncio` calls it when it shows a task.
    #[getter]
    fn __name__(&self) -> &'static str {
        self.name
    }

    #[getter]
    fn __qualname__(&self) -> &'static str {
        self.name
    }

    fn __repr__(&self) -> String {
        format!("<bsm.aio call of {}()>", self.name)
    }
}

/// The exception that `throw` was given.
fn thrown(typ: Bound<'_, PyAny>, val: Option<Bound<'_, PyAny>>) -> PyResult<PyErr> {
    if !typ.is_instance_of::<PyType>() {
        return Ok(PyErr::from_value(typ));
    }
    match val {
        Some(val) if val.is_instance(&typ)? => Ok(PyErr::from_value(val)),
        Some(val) => Ok(PyErr::from_value(typ.call1((val,))?)),
        None => Ok(PyErr::from_value(typ.call0()?)),
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if matches!(&*self.state(), State::New(_)) {
            Python::try_attach(|py| {
                let said = std::ffi::CString::new(format!("{}() was never awaited", self.name)).unwrap_or_default();
                let warning = py.get_type::<PyRuntimeWarning>();
                if let Err(error) = PyErr::warn(py, &warning, &said, 1) {
                    error.write_unraisable(py, None);
                }
            });
        }
    }
}
