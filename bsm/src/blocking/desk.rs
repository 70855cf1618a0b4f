//! The desk, for a thread that waits.

use std::fmt;
use std::sync::Arc;

use bsm_core::feed::{Event, EventPage, EventQuery};
use bsm_core::model::{Timestamp, User, UserId};
use bsm_core::store::{Store, Verification};
use bsm_core::{NewUser, Result};

use super::runtime::Runtime;
use super::table::{as_of, handles, mirror, watches};
use super::{Admin, Agent, Customer, Watch};

/// A service desk over a store, as [`bsm::Desk`](crate::Desk), whose calls wait. Cheap to clone; all clones are the same
/// desk, on the same runtime. Made by [`open`](super::open), or [from an async one](Self::from_async).
#[derive(Clone)]
pub struct Desk {
    // In this order: a store that is dropped finishes what it does, for which it may need the runtime.
    pub(super) inner: bsm_core::Desk,
    pub(super) runtime: Runtime,
}

mirror! {
    impl Desk as Desk {
        health() -> Result<()>;
        close() -> Result<()>;
        bootstrap(first: NewUser) -> Result<User>;
        user_by_email(email: &str) -> Result<User>;
        close_resolved(before: Timestamp) -> Result<usize>;
        events(query: &EventQuery) -> Result<EventPage<Event>>;
        trim(before: Timestamp) -> Result<usize>;
        expire_positions() -> Result<()>;
        verify() -> Result<Verification>;
    }
}

watches! {
    impl Desk as Desk {
        watch(query: impl Into<EventQuery> + Send) -> Result<Watch<Event>>;
    }
}

handles! {
    impl Desk as Desk {
        admin(actor: UserId) -> Admin;
        agent(actor: UserId) -> Agent;
        customer(actor: UserId) -> Customer;
    }
}

impl Desk {
    pub(super) fn on(inner: bsm_core::Desk, runtime: Runtime) -> Self {
        Self { inner, runtime }
    }

    /// The same desk, for threads that wait, on a runtime that is begun for it.
    ///
    /// See [where it may be called](super#where-it-may-be-called) if the desk's store is Postgres.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if the system has no threads to give.
    pub fn from_async(desk: crate::Desk) -> Result<Self> {
        Ok(Self::on(desk, Runtime::start()?))
    }

    /// The same desk, for async code. Clones of it see what this one does.
    ///
    /// One that was opened by [`blocking::open`](super::open) on Postgres needs a handle of this desk to be kept for as
    /// long as it is used, since connections live on the runtime that opened them.
    pub const fn inner(&self) -> &crate::Desk {
        &self.inner
    }

    /// The store beneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        self.inner.store()
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("blocking::Desk").field(&self.inner).finish()
    }
}
