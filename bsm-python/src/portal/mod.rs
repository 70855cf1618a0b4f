//! The desk and its portals, each as two classes: one whose calls wait, and one whose calls are awaited.
//!
//! The tables hold a line for each method of the core's portals, which `tests/test_surface.py` compares with their source.
//! What stands behind a method's name in brackets is its signature in Python.

mod admin;
mod customer;
mod desk;
mod staff;

pub(crate) use desk::{AsyncDesk, Desk, open, open_later, remove, remove_later};

use std::sync::Arc;

use pyo3::prelude::*;

use crate::arguments::{At, Moment};
use crate::feed::{Begin, Only, asked, begin};
use crate::handle::{Answers, Handle};
use crate::show::Show;
use crate::watch::{AsyncWatch, Watch};

/// A class of handles.
macro_rules! handles {
    ($($(#[$doc:meta])* $class:ident as $name:literal in $module:literal, $awaited:literal: $inner:ty;)+) => {$(
        $(#[$doc])*
        #[pyclass(frozen, name = $name, module = $module)]
        pub(crate) struct $class(pub(crate) Handle<$inner>);

        impl Answers for $class {
            const AWAITED: bool = $awaited;
            type Inner = $inner;

            fn handle(&self) -> &Handle<$inner> {
                &self.0
            }
        }
    )+};
}
pub(crate) use handles;

handles! {
    /// A desk as an admin sees it.
    Admin as "Admin" in "bsm", false: bsm::Admin;
    /// A desk as an admin sees it.
    AsyncAdmin as "Admin" in "bsm.aio", true: bsm::Admin;
    /// A desk as an agent sees it, and an admin who works as one.
    Agent as "Agent" in "bsm", false: bsm::Agent;
    /// A desk as an agent sees it, and an admin who works as one.
    AsyncAgent as "Agent" in "bsm.aio", true: bsm::Agent;
    /// A desk as a customer sees it: what is theirs, and what is for everyone.
    Customer as "Customer" in "bsm", false: bsm::Customer;
    /// A desk as a customer sees it: what is theirs, and what is for everyone.
    AsyncCustomer as "Customer" in "bsm.aio", true: bsm::Customer;
}

/// What all portals have and that waits for nothing.
macro_rules! qualified {
    ($($class:ident $watch:ident $begins:ident;)+) => {$(
        #[pymethods]
        impl $class {
            /// Whose portal it is.
            #[getter]
            fn actor<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.0.inner(py)?.actor().show(py)
            }

            /// Marks the last command that was acknowledged through this handle or one made from it, for `seeing`.
            #[getter]
            fn last_stamp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.0.inner(py)?.last_stamp().show(py)
            }

            /// The same portal, for commands that tell of something that happened at this time. It may lie in the past.
            #[pyo3(signature = (at, /))]
            fn at(&self, py: Python<'_>, at: Moment) -> PyResult<Self> {
                Ok(Self(Handle::new(self.0.inner(py)?.at(at.0), Arc::clone(&self.0.ground))))
            }

            /// The same portal, for one command that must not happen twice: sent again with this key, it answers with the row as
            /// it stands by then, and changes nothing.
            #[pyo3(signature = (key, /))]
            fn keyed(&self, py: Python<'_>, key: String) -> PyResult<Self> {
                Ok(Self(Handle::new(self.0.inner(py)?.keyed(key), Arc::clone(&self.0.ground))))
            }

            /// The same portal, for a command on a row that was seen at this version: if it was changed since, the command is
            /// `Conflict`.
            #[pyo3(signature = (version, /))]
            fn expecting(&self, py: Python<'_>, version: At) -> PyResult<Self> {
                Ok(Self(Handle::new(self.0.inner(py)?.expecting(version.0), Arc::clone(&self.0.ground))))
            }

            /// The same portal, whose reads see at least the command that the stamp marks.
            #[pyo3(signature = (stamp, /))]
            fn seeing(&self, py: Python<'_>, stamp: Vec<u8>) -> PyResult<Self> {
                let stamp = bsm::store::Stamp::from_bytes(stamp);
                Ok(Self(Handle::new(self.0.inner(py)?.seeing(stamp), Arc::clone(&self.0.ground))))
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let (name, actor) = (py.get_type::<Self>().fully_qualified_name()?, self.0.inner(py)?.actor());
                Ok(format!("<{name} {actor} of {}>", self.0.ground.place()))
            }
        }

        watches!($class $watch $begins "Follows what happens, one event after another, as far as the portal may know of it.");
    )+};
}

/// A watch of a class of handles.
macro_rules! watches {
    ($class:ident $watch:ident $begins:ident $doc:literal) => {
        #[pymethods]
        impl $class {
            #[doc = $doc]
            ///
            /// It begins with what happens from now on, unless `since` is "oldest" (the oldest event that is kept) or a position;
            /// `only` names the entities that are asked for: one or several, all if none is named.
            #[pyo3(signature = (*, since=Begin::now(), only=Only::default()))]
            fn watch(&self, py: Python<'_>, since: Begin, only: Only) -> PyResult<$watch> {
                let (inner, query) = (self.0.inner(py)?, asked(since, only));
                watches!(@ $begins $watch, py, begin(async move { inner.watch(query).await }), &self.0.ground)
            }
        }
    };
    (@ waits $watch:ident, $py:ident, $beginning:expr, $ground:expr) => { $watch::begin($py, $beginning, $ground) };
    (@ awaits $watch:ident, $py:ident, $beginning:expr, $ground:expr) => { Ok($watch::new($beginning, $ground)) };
}
pub(crate) use watches;

qualified! {
    Admin Watch waits;
    AsyncAdmin AsyncWatch awaits;
    Agent Watch waits;
    AsyncAgent AsyncWatch awaits;
    Customer Watch waits;
    AsyncCustomer AsyncWatch awaits;
}

/// Adds the classes to the module.
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Desk>()?;
    module.add_class::<Admin>()?;
    module.add_class::<Agent>()?;
    module.add_class::<Customer>()?;
    module.add_class::<Watch>()?;
    // The classes of either kind have one name, each in its own module.
    for (name, class) in [
        ("AsyncDesk", module.py().get_type::<AsyncDesk>()),
        ("AsyncAdmin", module.py().get_type::<AsyncAdmin>()),
        ("AsyncAgent", module.py().get_type::<AsyncAgent>()),
        ("AsyncCustomer", module.py().get_type::<AsyncCustomer>()),
        ("AsyncWatch", module.py().get_type::<AsyncWatch>()),
    ] {
        module.add(name, class)?;
    }
    Ok(())
}
