//! How what the desk answers is shown in Python: one trait, over everything that a field or an answer may be.

use std::collections::BTreeMap;

use bsm::feed::Position;
use bsm::model::{Currency, RequestNumber, Stars, TicketNumber, Timestamp, Version};
use bsm::rust_decimal::Decimal;
use bsm::store::{Difference, Stamp};
use bsm::view::{Cursor, WorkStatus};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyString, PyTuple};

/// Something that has a form in Python.
pub(crate) trait Show {
    /// That form.
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// What is shown as a value of its own, rather than by reference: rows move into the objects that stand for them.
pub(crate) trait Tell: Send + 'static {
    /// Its form in Python.
    fn tell(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

/// Types that are told as they are shown.
macro_rules! told_as_shown {
    ($($type:ty),+ $(,)?) => {$(
        impl Tell for $type {
            fn tell(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                self.show(py)
            }
        }
    )+};
}

impl Tell for () {
    fn tell(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(py.None().into_bound(py))
    }
}

told_as_shown!(usize, u64);

impl<T: Tell> Tell for Vec<T> {
    fn tell(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let rows = self.into_iter().map(|row| row.tell(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyTuple::new(py, rows)?.into_any())
    }
}

impl Show for String {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyString::new(py, self).into_any())
    }
}

impl Show for &'static str {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyString::new(py, self).into_any())
    }
}

impl Show for bool {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyBool::new(py, *self).to_owned().into_any())
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {$(
        impl Show for $type {
            fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                Ok(PyInt::new(py, *self).into_any())
            }
        }
    )+};
}
whole_numbers!(u32, u64, i64, usize);

impl Show for Version {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.show(py)
    }
}

impl Show for Stars {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        u32::from(self.code()).show(py)
    }
}

/// Types that Python has as their text.
macro_rules! texts {
    ($($type:ty),+) => {$(
        impl Show for $type {
            fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.to_string().show(py)
            }
        }
    )+};
}
texts!(TicketNumber, RequestNumber, Currency, Position, Cursor, Difference);

impl Show for Timestamp {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.to_datetime().into_pyobject(py)?.into_any())
    }
}

impl Show for Decimal {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.into_pyobject(py)?.into_any())
    }
}

impl Show for Stamp {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyBytes::new(py, self.as_bytes()).into_any())
    }
}

impl Show for WorkStatus {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Ticket(status) => status.show(py),
            Self::Request(status) => status.show(py),
            _ => self.as_str().show(py),
        }
    }
}

impl<T: Show> Show for Option<T> {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.as_ref().map_or_else(|| Ok(py.None().into_bound(py)), |value| value.show(py))
    }
}

impl<T: Show> Show for Vec<T> {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.as_slice().show(py)
    }
}

impl<T: Show, const N: usize> Show for [T; N] {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.as_slice().show(py)
    }
}

impl<T: Show> Show for [T] {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let items = self.iter().map(|item| item.show(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyTuple::new(py, items)?.into_any())
    }
}

impl<K: Show, V: Show> Show for BTreeMap<K, V> {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let dict = PyDict::new(py);
        for (key, value) in self {
            dict.set_item(key.show(py)?, value.show(py)?)?;
        }
        Ok(dict.into_any())
    }
}
