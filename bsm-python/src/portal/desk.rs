//! The desk: opened by address, and what the application itself does with it.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use bsm::NewUser;
use bsm::model::{Role, UserId};
use bsm::transfer::{TransferError, export_to, import_from};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{Admin, Agent, AsyncAdmin, AsyncAgent, AsyncCustomer, Customer, handles, watches};
use crate::arguments::{Limit, Moment};
use crate::call::{Call, Outcome};
use crate::errors::{FileFault, Raise};
use crate::feed::{Begin, Only, asked, begin};
use crate::ground::Ground;
use crate::handle::{Answers, Handle, methods};
use crate::ids::Row;
use crate::watch::{AsyncWatch, Watch};

handles! {
    /// A service desk over a store. It is a context manager that closes itself.
    Desk as "Desk" in "bsm", false: bsm::Desk;
    /// A service desk over a store. It is an async context manager that closes itself.
    AsyncDesk as "Desk" in "bsm.aio", true: bsm::Desk;
}

/// Opens the desk at an address: "memory:", "sled:FOLDER", or "postgres://…". It is closed by `close()`, at the end of a
/// `with`, and at the end of the program.
#[pyfunction]
#[pyo3(signature = (address))]
pub(crate) fn open(py: Python<'_>, address: String) -> PyResult<Desk> {
    let ground = Ground::open(py, address)?;
    Ok(Desk(Handle::new(ground.desk(py)?.clone(), ground)))
}

/// Opens the desk at an address, as `bsm.aio.open`.
#[pyfunction]
#[pyo3(signature = (address))]
pub(crate) fn open_later(py: Python<'_>, address: String) -> PyResult<Call> {
    let (handle, opening) = Ground::open_later(py, address)?;
    let pending = Box::pin(async move {
        let opened = opening.await;
        Box::new(move |py: Python<'_>| {
            let ground = opened.or_raise(py)?.ground(py);
            let desk = AsyncDesk(Handle::new(ground.desk(py)?.clone(), ground));
            Ok(Py::new(py, desk)?.into_any())
        }) as Outcome
    });
    Ok(Call::new("open", handle, pending))
}

/// Deletes the desk at an address, with everything that is on it, and nothing else. Nothing there is fine.
#[pyfunction]
#[pyo3(signature = (address))]
pub(crate) fn remove(py: Python<'_>, address: String) -> PyResult<()> {
    Ground::remove(py, address)
}

/// Deletes the desk at an address, as `bsm.aio.remove`.
#[pyfunction]
#[pyo3(signature = (address))]
pub(crate) fn remove_later(py: Python<'_>, address: String) -> PyResult<Call> {
    let (handle, removal) = Ground::remove_later(py, address)?;
    let pending = Box::pin(async move {
        let removed = removal.await;
        Box::new(move |py: Python<'_>| removed.or_raise(py).map(|()| py.None())) as Outcome
    });
    Ok(Call::new("remove", handle, pending))
}

methods! { [Desk AsyncDesk] {
    /// Whether the store answers; an error if it does not.
    fn health [] () |desk| desk.health();
    /// Waits for the commands under way and lets go of the store. Everything that is called on the desk afterwards is `Closed`.
    fn close [] () |desk| desk.close();
    /// Makes the first admin. Works once, on a desk without users.
    fn bootstrap [full_name, email, *, external_ref=None] (full_name: String, email: String, external_ref: Option<String>)
        |desk| desk.bootstrap(NewUser { external_ref, ..NewUser::new(full_name, email, Role::Admin) });
    /// The person who has this email address, whatever its case: for the application itself, which lets people in.
    fn user_by_email [email] (email: String) |desk| desk.user_by_email(&email);
    /// Closes every ticket that was resolved at or before this time, one command each; gives how many.
    fn close_resolved [before] (before: Moment) |desk| desk.close_resolved(before.0);
    /// A page of what happened on the desk, in order: from the oldest event that is kept, behind a position, or "now", which
    /// has no events and a position. At most `limit` events (50), of the entities that `only` names.
    fn events [*, since=Begin::oldest(), only=Only::default(), limit=Limit::default()] (
        since: Begin,
        only: Only,
        limit: Limit,
    ) |desk| async move { desk.events(&asked(since, only).limit(limit.0)).await };
    /// Forgets the events that were recorded before this time; gives how many. The newest is always kept, and history stays.
    fn trim [before] (before: Moment) |desk| desk.trim(before.0);
    /// Makes every position that was given before expired. For a desk that was restored from a copy of its files.
    fn expire_positions [] () |desk| desk.expire_positions();
    /// Recounts everything that the store keeps, and tells each thing that does not hold together.
    fn verify [] () |desk| desk.verify();
    /// Writes the whole desk to a new file, as lines of JSON; gives how many rows it has. It holds personal text.
    fn export_to [path] (path: PathBuf) |desk| async move {
        let written = async {
            let file = File::create_new(&path).map_err(TransferError::Write)?;
            export_to(&desk, BufWriter::new(file), |_| {}).await
        };
        written.await.map(|(_, progress)| progress.rows).map_err(|fault| FileFault { fault, path: path.clone() })
    };
    /// Takes a whole desk in from a file, into this one, which must be empty; gives how many rows it has. Where it stopped
    /// half-way, it goes on if it is called again.
    fn import_from [path] (path: PathBuf) |desk| async move {
        let read = async {
            let file = File::open(&path).map_err(TransferError::Read)?;
            import_from(&desk, file, |_| {}).await
        };
        read.await.map(|imported| imported.progress.rows).map_err(|fault| FileFault { fault, path: path.clone() })
    };
} }

watches!(Desk Watch waits "Follows what happens on the desk, for the application itself.");
watches!(AsyncDesk AsyncWatch awaits "Follows what happens on the desk, for the application itself.");

/// The doors to the portals.
macro_rules! doors {
    ($($class:ident: $admin:ident $agent:ident $customer:ident;)+) => {$(
        #[pymethods]
        impl $class {
            /// The portal of an admin.
            fn admin(&self, py: Python<'_>, user: Row<UserId>) -> PyResult<$admin> {
                Ok($admin(Handle::new(self.0.inner(py)?.admin(user.0), Arc::clone(&self.0.ground))))
            }

            /// The portal of an agent; an admin may use it too.
            fn agent(&self, py: Python<'_>, user: Row<UserId>) -> PyResult<$agent> {
                Ok($agent(Handle::new(self.0.inner(py)?.agent(user.0), Arc::clone(&self.0.ground))))
            }

            /// The portal of a customer.
            fn customer(&self, py: Python<'_>, user: Row<UserId>) -> PyResult<$customer> {
                Ok($customer(Handle::new(self.0.inner(py)?.customer(user.0), Arc::clone(&self.0.ground))))
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                Ok(format!("<{} of {}>", py.get_type::<Self>().fully_qualified_name()?, self.0.ground.place()))
            }
        }
    )+};
}

doors! {
    Desk: Admin Agent Customer;
    AsyncDesk: AsyncAdmin AsyncAgent AsyncCustomer;
}

#[pymethods]
impl Desk {
    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_why))]
    fn __exit__(&self, py: Python<'_>, _why: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py).map(drop)
    }
}

#[pymethods]
impl AsyncDesk {
    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Call> {
        let this = slf.clone().unbind();
        let handle = slf.get().0.ground.handle(slf.py())?.clone();
        let pending = Box::pin(async move { Box::new(move |_: Python<'_>| Ok(this.into_any())) as Outcome });
        Ok(Call::new("__aenter__", handle, pending))
    }

    #[pyo3(signature = (*_why))]
    fn __aexit__<'py>(&self, py: Python<'py>, _why: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.close(py)
    }
}
