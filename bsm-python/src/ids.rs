//! Ids as types that print as UUIDs, and whatever may stand for one in a call.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use bsm::model::{self, Entity, Key};
use bsm::uuid::Uuid;
use bsm::{Error, Reason};
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::errors::raise;
use crate::records;
use crate::show::Show;

/// Something that identifies rows of one entity.
pub(crate) trait RowId: Sized {
    /// Of which.
    const ENTITY: Entity;

    /// From a bare UUID.
    fn of(id: Uuid) -> Self;

    /// From an object of the id's class or of its row's, if it is one.
    fn of_object(given: &Borrowed<'_, '_, PyAny>) -> Option<Self>;
}

/// A row, as an argument: the row itself, its id, a `uuid.UUID`, or the text of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<T>(pub(crate) T);

impl<'py, T: RowId> FromPyObject<'_, 'py> for Row<T> {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Some(id) = T::of_object(&given) {
            return Ok(Self(id));
        }
        uuid(given, T::ENTITY).map(|id| Self(T::of(id)))
    }
}

fn uuid(given: Borrowed<'_, '_, PyAny>, entity: Entity) -> PyResult<Uuid> {
    if let Ok(text) = given.cast::<PyString>() {
        return Uuid::parse_str(&text.to_cow()?).map_err(|_| {
            raise(given.py(), &Error::invalid_of(entity, "id", Reason::Malformed { expected: "a UUID" }))
        });
    }
    given.extract::<Uuid>().map_err(|_| {
        let class = given.get_type().name().map_or_else(|_| "this".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("{class} is no {entity}, no id of one, no uuid.UUID and no str"))
    })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident of $row:ident, $entity:ident;)+) => {
        $(
            $(#[$doc])*
            #[pyclass(frozen, eq, ord, hash, module = "bsm")]
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub(crate) struct $name(pub(crate) model::$name);

            #[pymethods]
            impl $name {
                #[new]
                #[pyo3(signature = (value, /))]
                fn new(value: Row<model::$name>) -> Self {
                    Self(value.0)
                }

                /// The id as a plain UUID.
                #[getter]
                fn uuid(&self) -> Uuid {
                    self.0.as_uuid()
                }

                /// When the row was created: the time that the id carries.
                #[getter]
                fn created_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    self.0.created_at().show(py)
                }

                fn __str__(&self) -> String {
                    self.0.to_string()
                }

                fn __repr__(&self) -> String {
                    format!("{}('{}')", stringify!($name), self.0)
                }

                fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (String,)) {
                    (py.get_type::<Self>(), (self.0.to_string(),))
                }
            }

            impl RowId for model::$name {
                const ENTITY: Entity = Entity::$entity;

                fn of(id: Uuid) -> Self {
                    Self::from_uuid(id)
                }

                fn of_object(given: &Borrowed<'_, '_, PyAny>) -> Option<Self> {
                    if let Ok(id) = given.cast::<$name>() {
                        return Some(id.get().0);
                    }
                    given.cast::<records::$row>().ok().map(|row| row.get().0.id)
                }
            }

            impl Show for model::$name {
                fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    Ok(Bound::new(py, $name(*self))?.into_any())
                }
            }
        )+

        /// An id of an entity's rows, as an object of its class.
        pub(crate) fn show(py: Python<'_>, entity: Entity, id: Uuid) -> PyResult<Bound<'_, PyAny>> {
            match entity {
                $(Entity::$entity => model::$name::from_uuid(id).show(py),)+
                _ => Ok(id.into_pyobject(py)?.into_any()),
            }
        }

        /// Adds the classes to the module.
        pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_class::<$name>()?;)+
            Ok(())
        }

        impl<'py> FromPyObject<'_, 'py> for AnyRow {
            type Error = PyErr;

            fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
                $(if let Some(id) = model::$name::of_object(&given) {
                    return Ok(Self(id.into()));
                })+
                if let Ok(key) = given.cast::<records::Key>() {
                    return Ok(Self(key.get().0));
                }
                let class = given.get_type().name()?;
                Err(PyTypeError::new_err(format!("{class} is no row, no id of one and no Key")))
            }
        }
    };
}

/// A row of whatever entity, as an argument: the row itself, its id, or its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnyRow(pub(crate) Key);

ids! {
    /// Identifies a user.
    UserId of User, User;
    /// Identifies a ticket.
    TicketId of Ticket, Ticket;
    /// Identifies an article of the knowledge base.
    ArticleId of Article, Article;
    /// Identifies a service of the catalogue.
    ServiceId of Service, Service;
    /// Identifies a service request.
    RequestId of ServiceRequest, Request;
    /// Identifies a rating.
    RatingId of Rating, Rating;
    /// Identifies a note on a ticket.
    NoteId of Note, Note;
}

/// A hash of what can be written down.
pub(crate) fn hash_of(written: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    written.hash(&mut hasher);
    hasher.finish()
}
