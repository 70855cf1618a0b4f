//! An embeddable service desk.
//!
//! One dependency, and your program has users, tickets, a knowledge base, a catalogue of services, requests and ratings,
//! with their rules, and a portal for each role over one store. No server is needed.
//!
//! ```
//! use bsm::model::{Money, Role, Stars};
//! use bsm::{NewService, NewUser, SubmitRequest, TicketFromRequest};
//!
//! # #[cfg(feature = "memory")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> bsm::Result<()> {
//! let desk = bsm::open("memory:").await?;
//! let root = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin)).await?;
//! let admin = desk.admin(root.id);
//! let ada = admin.create_user(NewUser::new("Ada Lovelace", "ada@example.org", Role::Customer)).await?;
//! let laptop = NewService::new("New laptop", "Hardware", "1200.00 EUR".parse::<Money>()?);
//! let laptop = admin.create_service(laptop).await?;
//!
//! let customer = desk.customer(ada.id);
//! let request = customer.submit_request(SubmitRequest::new(laptop.id)).await?;
//! let ticket = admin.make_ticket(request.id, TicketFromRequest::default()).await?;
//! admin.resolve_ticket(ticket.id).await?;
//! customer.rate(request.id, Stars::Five, "It flies.").await?;
//!
//! let summary = admin.summary().await?;
//! assert_eq!(summary.ratings.count(), 1);
//! assert_eq!(summary.revenue[0].amount.to_string(), "1200.00");
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! ```
//!
//! [`open`] takes the address of a store: `memory:`, `sled:FOLDER`, `postgres://…` with the feature of that name. A
//! store of your own joins them through a [`Registry`]. A program without an async runtime uses [`blocking`], which has
//! the same desk.
//!
//! Everything in `bsm_core` is re-exported here; a program that embeds a desk needs no other crate of the family. Where an
//! example says `bsm_core::`, write `bsm::`.
//!
//! [`transfer`] writes a whole desk to a file, and takes one in.
//!
//! | portal | made by | for |
//! |---|---|---|
//! | [`Admin`] | [`Desk::admin`] | everything; alone: users, services, approving requests |
//! | [`Agent`] | [`Desk::agent`] | everybody's tickets, requests, articles; reading everything. Admins may use it too |
//! | [`Customer`] | [`Desk::customer`] | one's own tickets, requests and ratings; the catalogue; published articles |

mod address;
pub mod blocking;
mod registry;
mod stores;
pub mod transfer;

pub use address::Address;
pub use bsm_core::*;
pub use registry::{Factory, Registry};

/// Opens the desk at an address, with the stores that this build has.
///
/// | address | option | values |
/// |---|---|---|
/// | `memory:` | none | |
/// | `sled:FOLDER` | `durability` | `sync` (unless told): a command is acknowledged once it is on disk; `relaxed`: once it is applied, and a crash may take back the last tenth of a second |
/// | | `cache` | how much of the data is kept in memory: `64MiB` unless told, at least `1MiB`. A number of bytes, or of `KiB`, `MiB`, `GiB` |
/// | `postgres://…` | `schema` | the desk's schema: `bsm` unless told. What else a Postgres address may say is passed on |
/// | | `triggers` | `on` (unless told) or `off`, when the desk is made: whether the tables can be written by hand, for servers that lack triggers. Later it must say the same, or nothing |
///
/// As in `sled:desk.db?durability=relaxed&cache=256MiB`. An option that a store does not know is an error, so that a
/// misspelt one is not silently without effect; one that is given twice counts as given last.
///
/// Takes a moment proportional to what the store must read to open, not to the desk's size.
///
/// A desk in a folder or in memory needs no runtime of any kind: its futures may be polled by any executor. Under tokio, of
/// either flavour, what takes long goes to the runtime's blocking threads; elsewhere it is done in place. A Postgres store
/// needs tokio with its I/O and time drivers, as `#[tokio::main]` has them. Without async, use [`blocking::open`].
///
/// # Errors
/// [`Error::InvalidAddress`], [`Error::InUse`], [`Error::UnusablePlace`], [`Error::UnknownFormat`],
/// [`Error::Damaged`], [`Error::Unavailable`].
pub async fn open(address: &str) -> Result<Desk> {
    Registry::standard().open(address).await
}

/// The README's code, compiled and run.
#[cfg(all(doctest, feature = "memory"))]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The code of the page for authors of stores, likewise.
#[cfg(all(doctest, feature = "memory"))]
#[doc = include_str!("../../docs/writing-a-store.md")]
struct WritingAStore;
