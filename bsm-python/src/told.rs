//! Answers that Python has as its own small classes, in `bsm._pages`.

use bsm::feed::EventPage;
use bsm::store::Verification;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::show::{Show, Tell};

impl<E: Tell> Tell for EventPage<E> {
    fn tell(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let class = CLASS.import(py, "bsm._pages", "EventPage")?;
        class.call1((self.events.tell(py)?, self.position.show(py)?, self.more))
    }
}

impl Tell for Verification {
    fn tell(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let class = CLASS.import(py, "bsm._pages", "Verification")?;
        let counts = (self.rows, self.history, self.counters, self.events, self.differences.show(py)?, self.more);
        class.call1(counts)
    }
}
