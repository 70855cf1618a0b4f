//! Errors of the desk as exceptions: the class of the same name in `bsm._errors`, with what the error tells.

use std::path::{Path, PathBuf};

use bsm::Error;
use bsm::transfer::TransferError;
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule};

use crate::ids;
use crate::show::Show;

/// An exception for an error.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error).unwrap_or_else(|fault| fault)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let classes = CLASSES.get_or_try_init(py, || py.import("bsm._errors").map(Bound::unbind))?.bind(py);
    let class = classes.getattr(error.name())?;
    let exception = class.call((error.to_string(),), Some(&facts(py, error)?))?;
    // Its own text says what the desk makes of it; what the store's library said is for whoever looks after the store.
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        exception.call_method1("add_note", (format!("the store said: {cause}"),))?;
        source = cause.source();
    }
    Ok(PyErr::from_value(exception))
}

/// What the error tells, as far as it tells anything.
fn facts<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyDict>> {
    let told = error.facts();
    let facts = PyDict::new(py);
    let id = match (told.entity, told.id) {
        (Some(entity), Some(id)) => ids::show(py, entity, id)?,
        _ => py.None().into_bound(py),
    };
    let all = [
        ("entity", told.entity.show(py)?),
        ("id", id),
        ("field", told.field.show(py)?),
        ("reason", told.reason.show(py)?),
        ("wanted", told.wanted.show(py)?),
        ("min", told.min.show(py)?),
        ("max", told.max.show(py)?),
        ("most", told.most.show(py)?),
        ("now", told.now.show(py)?),
        ("other", told.other.show(py)?),
        ("needs", told.needs.show(py)?),
        ("expected", told.expected.show(py)?),
        ("found", told.found.show(py)?),
        ("relation", told.relation.show(py)?),
        ("from_", told.from.show(py)?),
        ("to", told.to.show(py)?),
        ("legal", told.legal.show(py)?),
        ("ticket", told.ticket.show(py)?),
        ("rating", told.rating.show(py)?),
        ("resume", told.resume.show(py)?),
    ];
    for (name, value) in all {
        if !value.is_none() {
            facts.set_item(name, value)?;
        }
    }
    Ok(facts)
}

/// What can go wrong in a call.
pub(crate) trait Fault: Send + 'static {
    /// The exception for it.
    fn raise(self, py: Python<'_>) -> PyErr;
}

impl Fault for Error {
    fn raise(self, py: Python<'_>) -> PyErr {
        raise(py, &self)
    }
}

/// Why a desk did not get into a file, or out of it.
pub(crate) struct FileFault {
    pub(crate) fault: TransferError,
    pub(crate) path: PathBuf,
}

impl Fault for FileFault {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self.fault {
            TransferError::Desk(error) => raise(py, &error),
            // With the number of the error, Python finds the class, as of a file of its own.
            TransferError::Write(error) | TransferError::Read(error) => match error.raw_os_error() {
                Some(number) => of_system(py, number, &self.path).unwrap_or_else(|fault| fault),
                None => error.into(),
            },
            other => PyRuntimeError::new_err(other.to_string()),
        }
    }
}

/// The exception of an error of the operating system, about a file.
fn of_system(py: Python<'_>, number: i32, path: &Path) -> PyResult<PyErr> {
    let text = py.import("os")?.call_method1("strerror", (number,))?;
    Ok(PyErr::from_value(py.get_type::<PyOSError>().call1((number, text, path.as_os_str()))?))
}

/// A result whose error is raised.
pub(crate) trait Raise<T> {
    /// The value, or the exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T, E: Fault> Raise<T> for Result<T, E> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| error.raise(py))
    }
}

/// For what can't happen while the module is whole.
pub(crate) fn broken(what: &str) -> PyErr {
    PyRuntimeError::new_err(format!("the module bsm is broken: {what}"))
}
