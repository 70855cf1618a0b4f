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
//! store of your own joins them through a [`Registry`].
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
mod registry;
mod stores;
pub mod transfer;

pub use address::Address;
pub use bsm_core::*;
pub use registry::{Factory, Registry};

/// Opens the desk at an address, with the stores that this build has.
///
/// Takes a moment proportional to what the store must read to open, not to the desk's size. Must be called on a tokio
/// runtime, as everything that a desk does.
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
