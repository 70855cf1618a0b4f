//! Tickets, as staff handle them.

use crate::model::{
    Channel, Entity, HoldReason, Key, Note, NoteId, Role, Ticket, TicketId, TicketNumber, TicketStatus, User, UserId,
    Value, Version,
};
use crate::rules::priority::priority_of;
use crate::rules::ticket_status::{Mover, may_open_in};
use crate::rules::{limits, text};
use crate::schema::{Field, Relation};
use crate::{Error, Reason, Result};

use super::change::{Edit, assignable};
use super::command::Command;
use super::run::Needs;
use super::work::Work;
use super::{NewTicket, Patch, Portal, StaffRole, TicketChange};

impl<R: StaffRole> Portal<R> {
    /// Opens a ticket, for somebody or for nobody, now or in the past, in any status but closed and cancelled.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field; [`Error::MissingParent`] for a person who does not exist;
    /// [`Error::Duplicate`] for an `external_ref` that another ticket has.
    ///
    /// ```no_run
    /// # async fn example(desk: bsm_core::Desk, agent: bsm_core::model::UserId, ada: bsm_core::model::UserId) -> bsm_core::Result<()> {
    /// use bsm_core::NewTicket;
    ///
    /// let ticket = desk.agent(agent).open_ticket(NewTicket {
    ///     requested_for: Some(ada),
    ///     ..NewTicket::new("Screen stays black")
    /// }).await?;
    /// println!("{}", ticket.number);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open_ticket(&self, new: NewTicket) -> Result<Ticket> {
        let people = [new.assigned_to, new.requested_for, new.created_by];
        let needs = Needs::keys(people.into_iter().flatten().map(Key::from));
        self.run(&("open_ticket", &new), needs, |work| new.open(work, self.actor)).await
    }

    /// Opens a ticket that follows up a finished one. It is the same person's; only a ticket that was nobody's can be
    /// followed up for somebody.
    ///
    /// # Errors
    /// As [`open_ticket`](Self::open_ticket); [`Error::NotFinished`]; [`Error::Invalid`] of field `requested_for` for
    /// another person.
    pub async fn follow_up(&self, of: TicketId, new: NewTicket) -> Result<Ticket> {
        let people = [new.assigned_to, new.requested_for, new.created_by];
        let needs = Needs::keys(people.into_iter().flatten().map(Key::from)).and([of.into()]);
        self.run(&("follow_up", of, &new), needs, |work| {
            let first = finished(work, of)?;
            // Somebody else would learn of a ticket that is not theirs.
            if new.requested_for.is_some_and(|other| first.requested_for.is_some_and(|person| person != other)) {
                let reason = Reason::Contradicts { other: Field::FollowUpOf.as_str() };
                return Err(Error::invalid_of(Entity::Ticket, Field::RequestedFor.as_str(), reason));
            }
            // The same person's, active or not: their finished ticket is followed up whoever they are by now.
            let mut ticket = new.ticket(work, self.actor, new.requested_for.or(first.requested_for))?;
            ticket.follow_up_of = Some(of);
            let id = ticket.id;
            work.insert(ticket);
            Ok(id)
        })
        .await
    }

    /// Changes several fields of a ticket at once: one commit, one history entry.
    ///
    /// # Errors
    /// [`Error::IllegalMove`] with the moves that are legal; [`Error::Finished`] for a closed or cancelled ticket;
    /// [`Error::Invalid`] naming the field; [`Error::NotFound`]; [`Error::Conflict`] if a version was expected.
    pub async fn change_ticket(&self, id: TicketId, change: TicketChange) -> Result<Ticket> {
        self.edit_ticket(&("change_ticket", id, &change), id, &change).await
    }

    /// Changes a ticket by a command of that name.
    async fn edit_ticket(
        &self,
        command: &(impl Command + Sync),
        id: TicketId,
        change: &TicketChange,
    ) -> Result<Ticket> {
        let mut needs = Needs::ticket(id);
        if let Patch::Set(user) = change.assigned_to {
            needs = needs.and([user.into()]);
        }
        self.run(command, needs, |work| Edit { mover: Mover::Staff, change, must_move: false }.apply(work, id)).await
    }

    /// Moves a ticket, and nothing else, by a command of that name.
    async fn move_ticket(&self, command: &'static str, id: TicketId, to: TicketStatus) -> Result<Ticket> {
        let change = TicketChange::to(to);
        self.run(&(command, id, to), Needs::ticket(id), |work| {
            Edit { mover: Mover::Staff, change: &change, must_move: true }.apply(work, id)
        })
        .await
    }

    /// Marks a ticket as handled, without changing it. Finished ones can be touched too.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn touch_ticket(&self, id: TicketId) -> Result<Ticket> {
        self.edit_ticket(&("touch_ticket", id), id, &TicketChange::default()).await
    }

    /// Gives a ticket to a member of staff.
    ///
    /// # Errors
    /// As [`change_ticket`](Self::change_ticket); [`Error::Invalid`] of field `assigned_to` for somebody inactive or a
    /// customer.
    pub async fn assign_ticket(&self, id: TicketId, to: UserId) -> Result<Ticket> {
        let change = TicketChange { assigned_to: Patch::Set(to), ..TicketChange::default() };
        self.edit_ticket(&("assign_ticket", id, to), id, &change).await
    }

    /// Takes a ticket from whoever works on it.
    ///
    /// # Errors
    /// As [`change_ticket`](Self::change_ticket).
    pub async fn unassign_ticket(&self, id: TicketId) -> Result<Ticket> {
        let change = TicketChange { assigned_to: Patch::Clear, ..TicketChange::default() };
        self.edit_ticket(&("unassign_ticket", id), id, &change).await
    }

    /// Begins, or goes on with, the work on a ticket.
    ///
    /// # Errors
    /// As [`change_ticket`](Self::change_ticket).
    pub async fn start_ticket(&self, id: TicketId) -> Result<Ticket> {
        self.move_ticket("start_ticket", id, TicketStatus::InProgress).await
    }

    /// Lets a ticket wait.
    ///
    /// # Errors
    /// As [`change_ticket`](Self::change_ticket).
    pub async fn hold_ticket(&self, id: TicketId, reason: HoldReason) -> Result<Ticket> {
        self.move_ticket("hold_ticket", id, TicketStatus::OnHold(reason)).await
    }

    /// Resolves a ticket. If it was made from a request, that is fulfilled in the same commit.
    ///
    /// # Errors
    /// As [`change_ticket`](Self::change_ticket).
    pub async fn resolve_ticket(&self, id: TicketId) -> Result<Ticket> {
        self.move_ticket("resolve_ticket", id, TicketStatus::Resolved).await
    }

    /// Reopens a resolved ticket. If it was made from a request that is not rated yet, that is in progress again.
    ///
    /// # Errors
    /// [`Error::NotResolved`] from any other status; else as [`change_ticket`](Self::change_ticket).
    pub async fn reopen_ticket(&self, id: TicketId) -> Result<Ticket> {
        let change = TicketChange::to(TicketStatus::InProgress);
        self.run(&("reopen_ticket", id), Needs::ticket(id), |work| {
            only_resolved(work, id)?;
            Edit { mover: Mover::Staff, change: &change, must_move: true }.apply(work, id)
        })
        .await
    }

    /// Closes a resolved ticket for good.
    ///
    /// # Errors
    /// As [`change_ticket`](Self::change_ticket).
    pub async fn close_ticket(&self, id: TicketId) -> Result<Ticket> {
        self.move_ticket("close_ticket", id, TicketStatus::Closed).await
    }

    /// Gives a ticket up. Its request, if it was made from one, stays as it is.
    ///
    /// # Errors
    /// As [`change_ticket`](Self::change_ticket).
    pub async fn cancel_ticket(&self, id: TicketId) -> Result<Ticket> {
        self.move_ticket("cancel_ticket", id, TicketStatus::Cancelled).await
    }

    /// Writes a note on a ticket, open or finished. Customers don't see it.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `body`; [`Error::NotFound`].
    pub async fn add_note(&self, ticket: TicketId, body: impl Into<String> + Send) -> Result<Note> {
        let body = body.into();
        self.run(&("add_note", ticket, &body), Needs::keys([ticket.into()]), |work| {
            let on: Ticket = work.target(ticket)?;
            let note = Note {
                id: NoteId::from_uuid(work.fresh()?),
                ticket_id: ticket,
                author_id: self.actor,
                body: text::required_lines(Entity::Note, Field::Body, &body, limits::DESCRIPTION_CHARS)?,
                version: Version::FIRST,
                updated_at: work.now(),
            };
            let id = note.id;
            work.noted(on);
            work.insert(note);
            Ok(id)
        })
        .await
    }

    /// A ticket.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn ticket(&self, id: TicketId) -> Result<Ticket> {
        self.get(id).await
    }

    /// A ticket by the number people say aloud.
    ///
    /// # Errors
    /// [`Error::NoneWith`].
    pub async fn ticket_by_number(&self, number: TicketNumber) -> Result<Ticket> {
        self.find(Field::Number, Value::Int(number.get().into())).await
    }

    /// A ticket by its id elsewhere.
    ///
    /// # Errors
    /// [`Error::NoneWith`].
    pub async fn ticket_by_external_ref(&self, external_ref: &str) -> Result<Ticket> {
        self.find(Field::ExternalRef, Value::from(external_ref.trim()).into_owned()).await
    }
}

/// Refuses to reopen what is not resolved: from a hold, the same move would be a start.
pub(super) fn only_resolved(work: &mut Work<'_>, id: TicketId) -> Result<()> {
    let ticket: Ticket = work.read(id)?;
    if ticket.status == TicketStatus::Resolved {
        Ok(())
    } else {
        Err(Error::NotResolved { key: id.into(), status: ticket.status.as_str() })
    }
}

/// A ticket that can be followed up.
pub(super) fn finished(work: &mut Work<'_>, id: TicketId) -> Result<Ticket> {
    let ticket: Ticket = work.target(id)?;
    if ticket.status.is_final() {
        Ok(ticket)
    } else {
        Err(Error::NotFinished { key: id.into(), status: ticket.status.as_str() })
    }
}

impl NewTicket {
    fn open(&self, work: &mut Work<'_>, actor: UserId) -> Result<TicketId> {
        let ticket = self.ticket(work, actor, self.requested_for)?;
        let id = ticket.id;
        work.insert(ticket);
        Ok(id)
    }

    /// The ticket that is asked for, checked. It is `person`'s, who need not be named in it: a follow-up is the same person's.
    pub(super) fn ticket(&self, work: &mut Work<'_>, actor: UserId, person: Option<UserId>) -> Result<Ticket> {
        let opened_at = self.opened_at.unwrap_or(work.occurred_at());
        if opened_at > work.now().plus_micros(limits::CLOCK_SKEW_MICROS) {
            return Err(Error::invalid_of(Entity::Ticket, "opened_at", Reason::InTheFuture { now: work.now() }));
        }
        if !may_open_in(self.status) {
            return Err(Error::invalid_of(Entity::Ticket, "status", Reason::NotAnOpening));
        }
        if let Some(user) = self.assigned_to {
            assignable(work, user)?;
        }
        if let Some(user) = self.requested_for {
            served(work, user)?;
        }
        let resolved = self.status == TicketStatus::Resolved;
        Ok(Ticket {
            id: TicketId::from_uuid(work.fresh_at(opened_at)?),
            number: TicketNumber::PENDING,
            title: text::line(Entity::Ticket, Field::Title, &self.title, limits::TITLE_CHARS)?,
            description: text::lines(Entity::Ticket, Field::Description, &self.description, limits::DESCRIPTION_CHARS)?,
            status: self.status,
            impact: self.impact,
            urgency: self.urgency,
            priority: self.priority.unwrap_or(priority_of(self.impact, self.urgency)),
            priority_overridden: self.priority.is_some(),
            category: text::category(Entity::Ticket, Field::Category, self.category.as_deref())?,
            subcategory: text::category(Entity::Ticket, Field::Subcategory, self.subcategory.as_deref())?,
            channel: self.channel,
            group: text::category(Entity::Ticket, Field::Group, self.group.as_deref())?,
            assigned_to: self.assigned_to,
            created_by: self.taken_by(work, actor, person)?,
            requested_for: person,
            request_id: None,
            follow_up_of: None,
            reopen_count: 0,
            // An import may tell of both at once, in either order.
            resolved_at: resolved.then(|| work.occurred_at().max(opened_at)),
            closed_at: None,
            external_ref: text::external_ref(Entity::Ticket, self.external_ref.as_deref())?,
            version: Version::FIRST,
            updated_at: work.now(),
        })
    }

    /// Who typed it in: staff, active or not (an import tells of people who left), or the person whose ticket it is.
    fn taken_by(&self, work: &mut Work<'_>, actor: UserId, person: Option<UserId>) -> Result<UserId> {
        let Some(by) = self.created_by.filter(|by| *by != actor) else { return Ok(actor) };
        match work.find::<User>(by)? {
            Some(user) if user.role != Role::Customer || person == Some(by) => Ok(by),
            Some(_) => {
                let reason = Reason::WrongRole { needs: Role::Agent };
                Err(Error::invalid_of(Entity::Ticket, Field::CreatedBy.as_str(), reason))
            }
            None => Err(Error::MissingParent { relation: Relation::TicketCreatedBy, parent: by.into() }),
        }
    }
}

/// Somebody for whom a ticket can be opened: active, of any role.
fn served(work: &mut Work<'_>, id: UserId) -> Result<()> {
    match work.find::<User>(id)? {
        Some(user) if user.active => Ok(()),
        Some(user) => {
            let reason = Reason::WrongRole { needs: user.role };
            Err(Error::invalid_of(Entity::Ticket, Field::RequestedFor.as_str(), reason))
        }
        None => Err(Error::MissingParent { relation: Relation::TicketRequestedFor, parent: id.into() }),
    }
}

/// The category of tickets that were made from requests.
pub const CUSTOMER_REQUEST: &str = "customer_request";

/// The channel of tickets that customers open, or that are made from their requests.
pub(super) const OWN_CHANNEL: Channel = Channel::Portal;
