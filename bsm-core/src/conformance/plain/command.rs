//! Commands as data: everything that a desk can be told through its portals, with the qualifications of the call.
//!
//! Plain data that is made by a [`Wish`](super::wish::Wish), done by [`drive`](super::drive), and judged by
//! [`Plain`](super::state::Plain).

use crate::model::{
    ArticleId, ArticleStatus, Key, RatingId, RequestId, RequestStatus, Role, ServiceId, Stars, TicketId, TicketStatus,
    Timestamp, UserId, Version,
};
use crate::{
    ArticleChange, FollowUp, NewArticle, NewRequest, NewService, NewTicket, NewUser, OwnTicket, Patch, ServiceChange,
    SubmitRequest, TicketChange, TicketFromRequest, UserChange,
};

/// Through which door a command comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The desk itself.
    Desk,
    /// The portal of an admin.
    Admin,
    /// The portal of an agent, which an admin may use too.
    Agent,
    /// The portal of a customer.
    Customer,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    // Of the desk.
    Bootstrap(NewUser),
    CloseResolved(Timestamp),
    // Of admins.
    CreateUser(NewUser),
    ChangeUser(UserId, UserChange),
    ChangeRole(UserId, Role),
    SetActive(UserId, bool),
    DeleteUser(UserId),
    CreateService(NewService),
    ChangeService(ServiceId, ServiceChange),
    RetireService(ServiceId),
    DeleteService(ServiceId),
    // Of staff; approval of admins alone.
    CreateArticle(NewArticle),
    ChangeArticle(ArticleId, ArticleChange),
    SetArticle(ArticleId, ArticleStatus),
    OpenTicket(NewTicket),
    FollowUp(TicketId, NewTicket),
    ChangeTicket(TicketId, TicketChange),
    Touch(TicketId),
    Assign(TicketId, UserId),
    Unassign(TicketId),
    /// Start, hold, resolve, close or cancel.
    MoveTicket(TicketId, TicketStatus),
    Reopen(TicketId),
    AddNote(TicketId, String),
    SubmitFor(NewRequest),
    Schedule(RequestId, Timestamp),
    /// Approve, start, fulfil, reject or cancel.
    MoveRequest(RequestId, RequestStatus),
    MakeTicket(RequestId, TicketFromRequest),
    DeleteRating(RatingId),
    // Of customers.
    Submit(SubmitRequest),
    CancelOwn(RequestId),
    OpenOwn(OwnTicket),
    FollowUpOwn(FollowUp),
    /// Reopen, close or withdraw.
    MoveOwn(TicketId, TicketStatus),
    Rate(RequestId, Stars, String),
}

impl Command {
    /// The row that the command is about, which the caller may expect at a version.
    pub(crate) fn target(&self) -> Option<Key> {
        match self {
            Self::Bootstrap(_)
            | Self::CloseResolved(_)
            | Self::CreateUser(_)
            | Self::CreateService(_)
            | Self::CreateArticle(_)
            | Self::OpenTicket(_)
            | Self::SubmitFor(_)
            | Self::Submit(_)
            | Self::OpenOwn(_) => None,
            Self::ChangeUser(id, _) | Self::ChangeRole(id, _) | Self::SetActive(id, _) | Self::DeleteUser(id) => {
                Some((*id).into())
            }
            Self::ChangeService(id, _) | Self::RetireService(id) | Self::DeleteService(id) => Some((*id).into()),
            Self::ChangeArticle(id, _) | Self::SetArticle(id, _) => Some((*id).into()),
            Self::FollowUp(id, _)
            | Self::ChangeTicket(id, _)
            | Self::Touch(id)
            | Self::Assign(id, _)
            | Self::Unassign(id)
            | Self::MoveTicket(id, _)
            | Self::Reopen(id)
            | Self::AddNote(id, _)
            | Self::MoveOwn(id, _) => Some((*id).into()),
            Self::FollowUpOwn(new) => Some(new.of.into()),
            Self::Schedule(id, _)
            | Self::MoveRequest(id, _)
            | Self::MakeTicket(id, _)
            | Self::CancelOwn(id)
            | Self::Rate(id, ..) => Some((*id).into()),
            Self::DeleteRating(id) => Some((*id).into()),
        }
    }

    /// Whether there is nothing left to answer with.
    pub(crate) const fn deletes(&self) -> bool {
        matches!(self, Self::DeleteUser(_) | Self::DeleteService(_) | Self::DeleteRating(_))
    }

    /// The same command in its longest form: some methods are short for a change of one field.
    pub(crate) fn in_full(&self) -> Self {
        let assigned_to = |assigned_to| TicketChange { assigned_to, ..TicketChange::default() };
        match self {
            Self::RetireService(id) => {
                Self::ChangeService(*id, ServiceChange { active: Some(false), ..ServiceChange::default() })
            }
            Self::Touch(id) => Self::ChangeTicket(*id, TicketChange::default()),
            Self::Assign(id, user) => Self::ChangeTicket(*id, assigned_to(Patch::Set(*user))),
            Self::Unassign(id) => Self::ChangeTicket(*id, assigned_to(Patch::Clear)),
            other => other.clone(),
        }
    }
}

/// A command with who gives it, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) door: Door,
    /// Nobody in particular at the desk's own door.
    pub(crate) actor: UserId,
    pub(crate) command: Command,
    pub(crate) at: Option<Timestamp>,
    pub(crate) key: Option<String>,
    pub(crate) expecting: Option<Version>,
}

impl Call {
    /// An unqualified call.
    pub(crate) const fn new(door: Door, actor: UserId, command: Command) -> Self {
        Self { door, actor, command, at: None, key: None, expecting: None }
    }

    /// Whether both calls, sent under one key, are one command.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        self.door == other.door
            && self.at == other.at
            && self.expecting == other.expecting
            && self.command.in_full() == other.command.in_full()
    }
}
