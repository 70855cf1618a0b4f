//! How a struct of the desk becomes a frozen Python class: it is wrapped as it is, and its fields are shown when they are
//! read, so that a page of rows costs little.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::Value;

/// Plain Python values of what serde writes as JSON.
pub(crate) fn plain<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into_pyobject(py)?.into_any(),
            (None, Some(number)) => number.into_pyobject(py)?.into_any(),
            (None, None) => number.as_f64().into_pyobject(py)?.into_any(),
        },
        Value::String(text) => text.into_pyobject(py)?.into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(plain(py, item)?)?;
            }
            list.into_any()
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            for (name, member) in members {
                dict.set_item(name, plain(py, member)?)?;
            }
            dict.into_any()
        }
    })
}

/// Frozen classes, a line for each field: `field`, or `field: |it, py| …` for one that is read in another way. What follows
/// from the others stands behind the plus. A `row` has, besides, the time when it was created.
macro_rules! records {
    (@read $it:expr, $py:ident, $field:ident) => { $it.$field.show($py) };
    (@read $it:expr, $py:ident, $field:ident, $model:ty, $reading:expr) => {{
        let read: for<'a> fn(&'a $model, Python<'py>) -> PyResult<Bound<'py, PyAny>> = $reading;
        read(&$it, $py)
    }};
    (@created of, $it:expr, $py:ident, $dict:ident) => {};
    (@created row, $it:expr, $py:ident, $dict:ident) => {
        $dict.set_item("created_at", $it.id.created_at().to_string())?;
    };
    (@row of $name:ident) => {};
    (@row row $name:ident) => {
        #[pymethods]
        impl $name {
            /// When the row was created: the time that its id carries.
            #[getter]
            fn created_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.0.id.created_at().show(py)
            }
        }
    };
    ($(
        $(#[$doc:meta])*
        $name:ident $kind:ident $model:ty {
            $($(#[$field_doc:meta])* $field:ident $(: $reading:expr)?,)*
        } $(+ {
            $($(#[$more_doc:meta])* $more:ident: $compute:expr,)*
        })?
    )+) => {
        $(
            $(#[$doc])*
            #[pyclass(frozen, eq, module = "bsm")]
            #[derive(Clone, PartialEq, Eq)]
            pub(crate) struct $name(pub(crate) $model);

            #[pymethods]
            impl $name {
                #[classattr]
                fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                    let names: &[&str] = &[$(stringify!($field)),*];
                    PyTuple::new(py, names)
                }

                $(
                    $(#[$field_doc])*
                    #[getter]
                    fn $field<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                        $crate::record::records!(@read self.0, py, $field $(, $model, $reading)?)
                    }
                )*

                $($(
                    $(#[$more_doc])*
                    #[getter]
                    fn $more<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                        $crate::record::records!(@read self.0, py, $more, $model, $compute)
                    }
                )*)?

                /// All of it as plain values, as JSON has them.
                fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    let dict = $crate::record::plain(py, &written(serde_json::to_value(&self.0))?)?;
                    $crate::record::records!(@created $kind, self.0, py, dict);
                    Ok(dict)
                }

                fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                    let fields: &[(&str, Bound<'_, PyAny>)] = &[$((stringify!($field), self.$field(py)?)),*];
                    let shown = fields.iter().map(|(name, value)| Ok(format!("{name}={}", value.repr()?)));
                    Ok(format!("{}({})", stringify!($name), shown.collect::<PyResult<Vec<_>>>()?.join(", ")))
                }

                fn __hash__(&self) -> PyResult<u64> {
                    Ok($crate::ids::hash_of(&written(serde_json::to_vec(&self.0))?))
                }

                fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
                    let bytes = written(serde_json::to_vec(&self.0))?;
                    Ok((py.get_type::<Self>().getattr("_restore")?, (PyBytes::new(py, &bytes),)))
                }

                /// For `pickle`.
                #[staticmethod]
                fn _restore(written: &[u8]) -> PyResult<Self> {
                    serde_json::from_slice(written).map(Self).map_err(|error| PyValueError::new_err(error.to_string()))
                }
            }

            $crate::record::records!(@row $kind $name);

            impl Show for $model {
                fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    self.clone().tell(py)
                }
            }

            impl Tell for $model {
                fn tell(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    Ok(Bound::new(py, $name(self))?.into_any())
                }
            }
        )+

        /// Adds the classes to the module.
        pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_class::<$name>()?;)+
            Ok(())
        }
    };
}
pub(crate) use records;
