//! The whole desk for programs without a runtime: every call waits, on the thread that makes it.
//!
//! [`open`] gives a [`Desk`], and that the portals [`Admin`], [`Agent`] and [`Customer`]. They have the methods of their
//! namesakes under the same names, with the same arguments, answers, errors and costs. Whole desks go to files and come
//! from them by [`Desk::export_to`] and [`Desk::import_from`].
//!
//! ```
//! use bsm::NewUser;
//! use bsm::blocking;
//! use bsm::model::Role;
//!
//! # #[cfg(feature = "memory")]
//! fn main() -> bsm::Result<()> {
//!     let desk = blocking::open("memory:")?;
//!     let root = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin))?;
//!     let admin = desk.admin(root.id);
//!     let mut watch = admin.watch(bsm::feed::Since::Now)?;
//!
//!     let teller = std::thread::spawn({
//!         let admin = admin.clone();
//!         move || admin.open_ticket(bsm::NewTicket::new("Fan is loud"))
//!     });
//!     let event = watch.next().expect("a watch waits until there is one")?;
//!     assert_eq!(event.entries.len(), 1);
//!     # drop(teller);
//!     desk.close()
//! }
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! ```
//!
//! # What is beneath
//!
//! A desk owns a tokio runtime of two threads, which its store works on; all handles that come from it share that, and it
//! is shut down when the last of them goes. A call is done on the thread that makes it, and costs no change of threads.
//! Handles are `Send`, `Sync` and cheap to clone; any number of threads may call at once, through one handle or many.
//!
//! # Where it may be called
//!
//! Anywhere, also where a runtime is running: there a call does what every blocking call does, it holds up the thread of
//! that runtime until it is done; it does not panic, and the last handle may be dropped there. Such a call costs the
//! making of a thread besides, since no future can be polled where another is. An application that has a
//! runtime does better with [`bsm::Desk`](crate::Desk), which [`Desk::inner`] gives, and [`Desk::from_async`] takes.
//!
//! Of a desk that was opened on *another* runtime and given to [`from_async`](Desk::from_async), a store in a folder or in
//! memory does not care. A Postgres store's connections stay with that runtime, which must then go on running on a thread
//! of its own: held up by the very call that waits for them, it would never answer.

mod desk;
mod portals;
mod runtime;
mod table;
mod transfer;
mod watch;

pub use desk::Desk;
pub use portals::{Admin, Agent, Customer};
pub use transfer::{Export, Import};
pub use watch::Watch;

use crate::{Registry, Result};

/// Opens the desk at an address, as [`bsm::open`](crate::open) does, with the same addresses and options.
///
/// # Errors
/// As [`bsm::open`](crate::open), and [`Error::Unavailable`](crate::Error::Unavailable) if the system has no threads to
/// give.
pub fn open(address: &str) -> Result<Desk> {
    open_with(&Registry::standard(), address)
}

/// Opens the desk at an address, with the kinds of stores that `registry` has.
///
/// ```
/// # #[cfg(feature = "memory")]
/// # fn main() -> bsm::Result<()> {
/// let desk = bsm::blocking::open_with(&bsm::Registry::standard(), "memory:")?;
/// desk.health()?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "memory"))]
/// # fn main() {}
/// ```
///
/// # Errors
/// As [`Registry::open`], and [`Error::Unavailable`](crate::Error::Unavailable) if the system has no threads to give.
pub fn open_with(registry: &Registry, address: &str) -> Result<Desk> {
    let runtime = runtime::Runtime::start()?;
    let desk = runtime.wait(registry.open(address))?;
    Ok(Desk::on(desk, runtime))
}

#[cfg(test)]
mod tests;
