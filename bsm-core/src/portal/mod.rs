//! Who may do what: the desk, and a portal for each role.
//!
//! A portal method checks the actor, gathers what its rule needs, decides, and commits one change set. What a role may not
//! do has no method on its portal.

mod articles;
mod attempt;
mod cache;
mod catalogue;
mod change;
mod command;
mod customer;
mod desk;
mod feed;
mod input;
mod insight;
mod lists;
mod people;
mod requests;
mod run;
mod scope;
mod settings;
mod tickets;
mod work;

use std::fmt;
use std::marker::PhantomData;

pub use change::{Patch, PriorityChange, TicketChange};
pub use customer::FollowUp;
pub use desk::{Desk, DeskBuilder};
pub use input::{
    ArticleChange, NewArticle, NewRequest, NewService, NewTicket, NewUser, OwnTicket, ServiceChange, SubmitRequest,
    TicketFromRequest, UserChange,
};
pub use insight::{HistoryPage, NotesOf};
pub(crate) use run::Caller;
pub use tickets::CUSTOMER_REQUEST;

use crate::model::{Role, UserId};
use crate::rules::request_status::Mover;
use settings::Settings;

/// The roles, as types: what a [`Portal`] is for.
pub mod role {
    /// An admin's portal.
    #[derive(Clone, Copy, Debug)]
    pub enum Admin {}
    /// An agent's portal.
    #[derive(Clone, Copy, Debug)]
    pub enum Agent {}
    /// A customer's portal.
    #[derive(Clone, Copy, Debug)]
    pub enum Customer {}
}

/// A role that has a portal. Sealed: there are three.
pub trait PortalRole: sealed::Sealed + Send + Sync + 'static {
    /// The role that errors name.
    const NEEDS: Role;

    /// Whether somebody of this role may use the portal.
    fn admits(role: Role) -> bool;
}

/// A role of those who work at the desk.
pub trait StaffRole: PortalRole {
    /// How the table of request moves calls it.
    const MOVER: Mover;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::role::Admin {}
    impl Sealed for super::role::Agent {}
    impl Sealed for super::role::Customer {}
}

impl PortalRole for role::Admin {
    const NEEDS: Role = Role::Admin;

    fn admits(role: Role) -> bool {
        role == Role::Admin
    }
}

impl PortalRole for role::Agent {
    const NEEDS: Role = Role::Agent;

    fn admits(role: Role) -> bool {
        matches!(role, Role::Admin | Role::Agent)
    }
}

impl PortalRole for role::Customer {
    const NEEDS: Role = Role::Customer;

    fn admits(role: Role) -> bool {
        role == Role::Customer
    }
}

impl StaffRole for role::Admin {
    const MOVER: Mover = Mover::Admin;
}

impl StaffRole for role::Agent {
    const MOVER: Mover = Mover::Agent;
}

/// A desk as one person sees it. Cheap to make and to clone; holds no connection and no lock.
///
/// Whether the person may use it is checked with every call: of a read in the same moment as what it reads, of a command in
/// its commit. So somebody who is deactivated has no time left, but for what a [`Watch`](crate::feed::Watch) had read
/// before. Made by [`Desk::admin`], [`Desk::agent`] and [`Desk::customer`].
///
/// Commands can be qualified, each for the calls made through the handle that it returns: [`at`](Portal::at),
/// [`keyed`](Portal::keyed), [`expecting`](Portal::expecting).
pub struct Portal<R> {
    desk: Desk,
    actor: UserId,
    settings: Settings,
    role: PhantomData<fn() -> R>,
}

/// The portal of an admin.
pub type Admin = Portal<role::Admin>;
/// The portal of an agent, which an admin may use too.
pub type Agent = Portal<role::Agent>;
/// The portal of a customer.
pub type Customer = Portal<role::Customer>;

impl<R> Clone for Portal<R> {
    fn clone(&self) -> Self {
        Self { desk: self.desk.clone(), actor: self.actor, settings: self.settings.clone(), role: PhantomData }
    }
}

impl<R: PortalRole> fmt::Debug for Portal<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal").field("role", &R::NEEDS).field("actor", &self.actor).finish_non_exhaustive()
    }
}

impl<R: PortalRole> Portal<R> {
    fn new(desk: Desk, actor: UserId) -> Self {
        Self { desk, actor, settings: Settings::default(), role: PhantomData }
    }

    /// Whose portal it is.
    pub const fn actor(&self) -> UserId {
        self.actor
    }
}
