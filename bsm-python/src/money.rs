//! Money: an exact amount of a currency.

use bsm::model;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use crate::arguments::{Amount, Price};
use crate::errors::Raise;
use crate::show::Show;

/// An amount of one currency, never negative, with the currency's own number of decimals.
#[pyclass(frozen, eq, hash, module = "bsm")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Money(pub(crate) model::Money);

#[pymethods]
impl Money {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("amount", "currency")
    }

    #[new]
    fn new(py: Python<'_>, amount: Amount, currency: &str) -> PyResult<Self> {
        amount.of(currency).map(Self).or_raise(py)
    }

    /// Reads an amount and a currency code: "49.90 EUR".
    #[staticmethod]
    fn parse(text: Price) -> Self {
        Self(text.0)
    }

    /// The amount, in the currency's unit.
    #[getter]
    fn amount<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.amount().show(py)
    }

    /// The currency's code of ISO 4217.
    #[getter]
    fn currency(&self) -> String {
        self.0.currency().to_string()
    }

    /// The amount and the currency as plain values.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("amount", self.0.amount().to_string())?;
        dict.set_item("currency", self.currency())?;
        Ok(dict)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Money('{}', '{}')", self.0.amount(), self.0.currency())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (String, String)) {
        (py.get_type::<Self>(), (self.0.amount().to_string(), self.currency()))
    }
}

impl Show for model::Money {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(Bound::new(py, Money(*self))?.into_any())
    }
}
