//! What every room of the suite uses.

pub(super) use std::sync::Arc;

pub(super) use super::dump::{Dump, audit, every_entry};
pub(super) use super::outcome::{Failed, Outcome, refused, refused_like};
pub(super) use super::race::{both, given_up, in_step, one_wins, race};
pub(super) use super::world::World;
pub(super) use crate::feed::{Event, EventQuery, OwnEvent, Position, Since, UpdatedBy};
pub(super) use crate::model::*;
pub(super) use crate::rules::limits;
pub(super) use crate::schema::{Field, Relation};
pub(super) use crate::store::{Order, Store};
pub(super) use crate::view::*;
pub(super) use crate::{
    ActorName, ArticleChange, CursorFault, Error, FollowUp, NewArticle, NewRequest, NewService, NewTicket, NewUser,
    NotesOf, OwnTicket, Patch, PriorityChange, Reason, Result, ServiceChange, SubmitRequest, TicketChange,
    TicketFromRequest, UserChange,
};
