//! The model, rules, views and portals of the bsm service desk, over a pluggable store.
//!
//! This crate knows no engine, no runtime, no HTTP and no Python. Who embeds a desk depends on `bsm-desk` instead, which
//! re-exports all of this; who writes a store depends on this crate and implements [`store::Store`].
//!
//! # A tour
//!
//! | room | what stands there |
//! |---|---|
//! | [`model`] | what a desk holds: users, tickets, articles, services, requests, ratings, notes; ids, states, money, time, history |
//! | [`schema`] | the model as data: columns, foreign keys, unique keys, indexes, counters. Stores are generic over it |
//! | [`rules`] | what may happen: the two status tables, the priority matrix, the limits, what a text may hold |
//! | [`view`] | what is shown: listings, filters, pages, the rows and figures of the four views |
//! | [`feed`] | what happens, as it happens: events, positions, watches |
//! | [`store`] | the seam to a store: one change set, one read set |
//! | [`transfer`] | a whole desk as a stream of lines, out and in |
//! | [`Desk`], [`Portal`] | who may do what: [`Admin`], [`Agent`] and [`Customer`] |
//! | [`Error`] | the one error tree |
//!
//! # How a command goes
//!
//! A method of a portal gathers the actor and what its rule needs, decides, and hands the store one
//! [`ChangeSet`](store::ChangeSet) with a guard for every row that the decision relied on. The store applies all of it or
//! nothing. If another command got in between, the decision is made anew, a bounded number of times. So commands are
//! serializable on every store, and none holds a lock while it thinks.
//!
//! Users and services that a desk has met need not be read again for that: it keeps [some](rules::limits::CACHED_ROWS), and
//! since the guards are checked in the commit, what another process changed meanwhile costs a second round, and decides
//! nothing. Whatever else a command needs it reads at once. So a command takes two round trips at most while nobody interferes,
//! and one that is about users and services alone (a request of a service) takes one.

mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "demo")]
pub mod demo;
mod error;
pub mod feed;
pub mod model;
mod portal;
pub mod rules;
pub mod schema;
mod sealed;
pub mod store;
pub mod transfer;
pub mod view;

pub use {chrono, rust_decimal, uuid};

pub use clock::{Clock, IdSource, SeededIds, SteppingClock, SystemClock, SystemIds};
pub use error::{ActorName, CursorFault, Error, Facts, ImportFault, PlaceFault, Reason, Result, Source};
pub use portal::{
    Admin, Agent, ArticleChange, CUSTOMER_REQUEST, Customer, Desk, DeskBuilder, FollowUp, HistoryPage, NewArticle,
    NewRequest, NewService, NewTicket, NewUser, NotesOf, OwnTicket, Patch, Portal, PortalRole, PriorityChange,
    ServiceChange, StaffRole, SubmitRequest, TicketChange, TicketFromRequest, UserChange, role,
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs spawn commands as tasks, so their futures must be `Send`. This test is done when it compiles.
    #[test]
    fn the_futures_of_portals_can_be_spawned() {
        fn spawnable(_: impl Future + Send) {}
        fn check(desk: &Desk, admin: &Admin, customer: &Customer, ticket: model::TicketId, request: model::RequestId) {
            spawnable(desk.close_resolved(model::Timestamp::MIN));
            spawnable(admin.open_ticket(NewTicket::new("x")));
            spawnable(admin.resolve_ticket(ticket));
            spawnable(admin.approve_request(request));
            spawnable(admin.make_ticket(request, TicketFromRequest::default()));
            spawnable(admin.delete_user(admin.actor()));
            spawnable(customer.rate(request, model::Stars::Five, ""));
            spawnable(async { admin.unified(&view::Query::default()).await });
            spawnable(async { admin.history(ticket, store::Order::OldestFirst, None, 1).await });
        }
        let _: fn(&Desk, &Admin, &Customer, model::TicketId, model::RequestId) = check;
    }
}
