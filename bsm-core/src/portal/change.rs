//! Changes of a ticket: several fields at once, one history entry, and what follows for its request.

use serde::{Deserialize, Serialize};

use crate::model::{
    Entity, Impact, Priority, RequestStatus, Role, ServiceRequest, Ticket, TicketId, TicketStatus, Urgency, User,
    UserId,
};
use crate::rules::priority::priority_of;
use crate::rules::ticket_status::{self, Mover};
use crate::rules::{limits, request_status, text};
use crate::schema::Field;
use crate::{Error, Reason, Result};

use super::work::Work;

/// What happens to a field that may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It becomes this.
    Set(T),
    /// It becomes empty.
    Clear,
}

impl<T> From<Option<T>> for Patch<T> {
    /// `Some` sets, `None` clears.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

impl<T: Clone> Patch<T> {
    /// What `old` becomes.
    fn of(&self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Set(value) => Some(value.clone()),
            Self::Clear => None,
        }
    }

    /// What `old` becomes, where a new value must be checked first.
    pub(super) fn checked(&self, old: Option<T>, check: impl FnOnce(&T) -> Result<T>) -> Result<Option<T>> {
        match self {
            Self::Keep => Ok(old),
            Self::Set(value) => check(value).map(Some),
            Self::Clear => Ok(None),
        }
    }
}

/// What happens to a ticket's priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriorityChange {
    /// It follows impact and urgency if it did, and stays if it was set by hand.
    #[default]
    Keep,
    /// It is set by hand, and no longer follows.
    Override(Priority),
    /// It follows impact and urgency again.
    Follow,
}

/// A change of a ticket: any number of fields, one commit, one history entry. A field that is not named stays. One that
/// changes nothing is a touch, which a finished ticket takes too.
///
/// ```
/// use bsm_core::TicketChange;
/// use bsm_core::model::{Impact, TicketStatus};
///
/// let change = TicketChange { status: Some(TicketStatus::InProgress), impact: Some(Impact::High), ..Default::default() };
/// # assert_ne!(change, TicketChange::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TicketChange {
    /// Where it goes.
    pub status: Option<TicketStatus>,
    /// One line.
    pub title: Option<String>,
    /// The whole story.
    pub description: Option<String>,
    /// How much it touches.
    pub impact: Option<Impact>,
    /// How long it can wait.
    pub urgency: Option<Urgency>,
    /// In what order it is worked on.
    pub priority: PriorityChange,
    /// What it is about.
    pub category: Patch<String>,
    /// What it is about, more closely.
    pub subcategory: Patch<String>,
    /// The group that works on it.
    #[serde(rename = "assignment_group")]
    pub group: Patch<String>,
    /// The member of staff who works on it.
    pub assigned_to: Patch<UserId>,
}

impl TicketChange {
    /// A change of the status alone.
    pub fn to(status: TicketStatus) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
}

/// A change of a ticket by somebody.
pub(super) struct Edit<'a> {
    pub(super) mover: Mover,
    pub(super) change: &'a TicketChange,
    /// Whether the status that is named must be a move. In a change of many fields the status may be named as it is;
    /// resolving what is resolved is a mistake.
    pub(super) must_move: bool,
}

impl Edit<'_> {
    /// Makes the change, and what follows from it for the request that the ticket was made from.
    pub(super) fn apply(&self, work: &mut Work<'_>, id: TicketId) -> Result<TicketId> {
        let before: Ticket = work.target(id)?;
        let mut after = self.fields(work, &before)?;
        if let Some(to) = self.change.status.filter(|to| self.must_move || *to != before.status) {
            ticket_status::check(id, before.status, to, self.mover)?;
            move_to(&mut after, to, work);
        }
        if before.status.is_final() && after != before {
            return Err(Error::Finished { key: id.into(), status: before.status.as_str() });
        }
        follow_in_request(work, &before, &after)?;
        work.update(after);
        Ok(id)
    }

    fn fields(&self, work: &mut Work<'_>, before: &Ticket) -> Result<Ticket> {
        let Self { change, .. } = self;
        let mut after = before.clone();
        if let Some(title) = &change.title {
            after.title = text::line(Entity::Ticket, Field::Title, title, limits::TITLE_CHARS)?;
        }
        if let Some(description) = &change.description {
            after.description =
                text::lines(Entity::Ticket, Field::Description, description, limits::DESCRIPTION_CHARS)?;
        }
        after.impact = change.impact.unwrap_or(before.impact);
        after.urgency = change.urgency.unwrap_or(before.urgency);
        (after.priority, after.priority_overridden) = match change.priority {
            PriorityChange::Override(priority) => (priority, true),
            PriorityChange::Keep if before.priority_overridden => (before.priority, true),
            PriorityChange::Keep | PriorityChange::Follow => (priority_of(after.impact, after.urgency), false),
        };
        let vocabulary = |field| move |text: &String| text::line(Entity::Ticket, field, text, limits::CATEGORY_CHARS);
        after.category = change.category.checked(after.category, vocabulary(Field::Category))?;
        after.subcategory = change.subcategory.checked(after.subcategory, vocabulary(Field::Subcategory))?;
        after.group = change.group.checked(after.group, vocabulary(Field::Group))?;
        after.assigned_to = change.assigned_to.of(before.assigned_to);
        if after.assigned_to != before.assigned_to
            && let Some(user) = after.assigned_to
        {
            assignable(work, user)?;
        }
        Ok(after)
    }
}

/// Somebody to whom a ticket can be assigned: active, and staff.
pub(super) fn assignable(work: &mut Work<'_>, id: UserId) -> Result<()> {
    let field = Field::AssignedTo.as_str();
    match work.find::<User>(id)? {
        Some(user) if user.active && user.role != Role::Customer => Ok(()),
        Some(_) => Err(Error::invalid_of(Entity::Ticket, field, Reason::WrongRole { needs: Role::Agent })),
        None => Err(Error::MissingParent { relation: crate::schema::Relation::TicketAssignedTo, parent: id.into() }),
    }
}

/// Moves a ticket along a move that was checked, and keeps the times and the count that go with it.
pub(super) fn move_to(ticket: &mut Ticket, to: TicketStatus, work: &Work<'_>) {
    match to {
        TicketStatus::Resolved => ticket.resolved_at = Some(work.occurred_at()),
        TicketStatus::Closed => ticket.closed_at = Some(work.occurred_at()),
        TicketStatus::InProgress if ticket.status == TicketStatus::Resolved => {
            ticket.resolved_at = None;
            ticket.reopen_count = ticket.reopen_count.saturating_add(1);
        }
        _ => {}
    }
    ticket.status = to;
}

/// What a move of a ticket does to its request: resolving fulfils it, reopening puts it back in progress unless it was
/// rated. Cancelling the ticket leaves the request for staff to decide.
fn follow_in_request(work: &mut Work<'_>, before: &Ticket, after: &Ticket) -> Result<()> {
    let Some(id) = after.request_id.filter(|_| before.status != after.status) else {
        return Ok(());
    };
    let to = match (before.status, after.status) {
        (_, TicketStatus::Resolved) => RequestStatus::Fulfilled,
        (TicketStatus::Resolved, TicketStatus::InProgress) => RequestStatus::InProgress,
        _ => return Ok(()),
    };
    let mut request: ServiceRequest = work.read(id)?;
    if request_status::check(&request, to, request_status::Mover::Ticket).is_ok() {
        request.status = to;
        request.fulfilled_at = (to == RequestStatus::Fulfilled).then(|| work.occurred_at());
        work.update(request);
    }
    Ok(())
}
