//! What commands on tickets do to the plain desk: how they begin, change and are followed up.

use super::command::Door;
use super::ground::Ground;
use super::moves::{Who, priority, ticket_moves};
use super::state::Effect;
use crate::model::{
    Action, Channel, Entity, Impact, Note, NoteId, RequestStatus, Role, ServiceRequest, Ticket, TicketId, TicketNumber,
    TicketStatus, UserId, Version,
};
use crate::rules::limits;
use crate::schema::{Field, Relation};
use crate::{Error, FollowUp, NewTicket, OwnTicket, Patch, PriorityChange, Reason, TicketChange};

const CATEGORY: usize = limits::CATEGORY_CHARS;

impl Ground<'_> {
    /// Work is given to active staff alone.
    pub(super) fn assignable(&mut self, id: UserId) {
        let Some(user) = self.named(id, Relation::TicketAssignedTo) else { return };
        if !user.active || user.role == Role::Customer {
            self.faults.invalid(Entity::Ticket, "assigned_to", Reason::WrongRole { needs: Role::Agent });
        }
    }

    /// A new ticket as it is asked for, which is `person`'s.
    fn new_ticket(&mut self, new: &NewTicket, person: Option<UserId>) -> Ticket {
        let opened = new.opened_at.unwrap_or(self.occurred());
        if self.is_future(opened) {
            self.faults.invalid(Entity::Ticket, "opened_at", Reason::InTheFuture { now: self.now });
        }
        if matches!(new.status, TicketStatus::Closed | TicketStatus::Cancelled) {
            self.faults.invalid(Entity::Ticket, "status", Reason::NotAnOpening);
        }
        if let Some(worker) = new.assigned_to {
            self.assignable(worker);
        }
        if let Some(user) = new.requested_for
            && let Some(user) = self.named(user, Relation::TicketRequestedFor)
            && !user.active
        {
            self.faults.invalid(Entity::Ticket, "requested_for", Reason::WrongRole { needs: user.role });
        }
        let by = new.created_by.unwrap_or(self.actor());
        if by != self.actor()
            && let Some(user) = self.named(by, Relation::TicketCreatedBy)
            && user.role == Role::Customer
            && person != Some(by)
        {
            self.faults.invalid(Entity::Ticket, "created_by", Reason::WrongRole { needs: Role::Agent });
        }
        let faults = &mut self.faults;
        let outer = new.external_ref.as_ref();
        let outer = faults.maybe(Entity::Ticket, Field::ExternalRef, outer, limits::EXTERNAL_REF_CHARS);
        let mut own = |field, text: &Option<String>| faults.maybe(Entity::Ticket, field, text.as_ref(), CATEGORY);
        let (category, subcategory) = (own(Field::Category, &new.category), own(Field::Subcategory, &new.subcategory));
        let group = own(Field::Group, &new.group);
        let taken = self.plain.tickets.values().any(|ticket| outer.is_some() && ticket.external_ref == outer);
        self.unshared(Entity::Ticket, taken, Field::ExternalRef);
        let (title, story) = (&new.title, &new.description);
        Ticket {
            id: TicketId::from_uuid(self.fresh),
            number: TicketNumber::new(self.number),
            title: self.faults.line(Entity::Ticket, Field::Title, title, limits::TITLE_CHARS),
            description: self.faults.lines(Entity::Ticket, Field::Description, story, limits::DESCRIPTION_CHARS),
            status: new.status,
            impact: new.impact,
            urgency: new.urgency,
            priority: new.priority.unwrap_or(priority(new.impact, new.urgency)),
            priority_overridden: new.priority.is_some(),
            category,
            subcategory,
            channel: new.channel,
            group,
            assigned_to: new.assigned_to,
            created_by: by,
            requested_for: person,
            request_id: None,
            follow_up_of: None,
            reopen_count: 0,
            resolved_at: (new.status == TicketStatus::Resolved).then(|| self.occurred().max(opened)),
            closed_at: None,
            external_ref: outer,
            version: Version::FIRST,
            updated_at: self.now,
        }
    }

    pub(super) fn open_ticket(&mut self, new: &NewTicket) {
        let ticket = self.new_ticket(new, new.requested_for);
        self.insert(ticket, new.opened_at.unwrap_or(self.occurred()));
    }

    fn finished(&mut self, of: TicketId) -> Option<Ticket> {
        let first = self.target::<Ticket>(of)?;
        if !first.status.is_final() {
            self.faults.add(&Error::NotFinished { key: of.into(), status: first.status.as_str() });
        }
        Some(first)
    }

    pub(super) fn follow_up(&mut self, of: TicketId, new: &NewTicket) {
        let Some(first) = self.finished(of) else { return };
        if new.requested_for.is_some() && first.requested_for.is_some() && new.requested_for != first.requested_for {
            let reason = Reason::Contradicts { other: "follow_up_of" };
            self.faults.invalid(Entity::Ticket, "requested_for", reason);
        }
        let mut ticket = self.new_ticket(new, first.requested_for.or(new.requested_for));
        ticket.follow_up_of = Some(of);
        self.reach("a finished ticket was followed up");
        self.insert(ticket, new.opened_at.unwrap_or(self.occurred()));
    }

    pub(super) fn open_own(&mut self, new: &OwnTicket, of: Option<TicketId>) {
        let as_new = NewTicket {
            description: new.description.clone(),
            category: new.category.clone(),
            impact: Impact::Low,
            urgency: new.urgency,
            channel: Channel::Portal,
            requested_for: Some(self.actor()),
            ..NewTicket::new(new.title.clone())
        };
        let mut ticket = self.new_ticket(&as_new, Some(self.actor()));
        ticket.follow_up_of = of;
        self.insert(ticket, self.occurred());
    }

    pub(super) fn follow_up_own(&mut self, new: &FollowUp) {
        if self.finished(new.of).is_some() {
            self.reach("a customer followed up");
            self.open_own(&new.ticket, Some(new.of));
        }
    }

    fn patched(&mut self, field: Field, old: Option<String>, patch: &Patch<String>) -> Option<String> {
        match patch {
            Patch::Keep => old,
            Patch::Clear => None,
            Patch::Set(text) => Some(self.faults.line(Entity::Ticket, field, text, CATEGORY)),
        }
    }

    /// Moves a ticket, if it may go there, and its request with it.
    fn go(&mut self, ticket: &mut Ticket, to: TicketStatus) {
        let who = if self.call.door == Door::Customer { Who::Customer } else { Who::Staff };
        let from = ticket.status;
        let legal = ticket_moves(from, who);
        if !legal.contains(&to) {
            self.faults.add(&Error::IllegalMove {
                key: ticket.id.into(),
                from: from.as_str(),
                to: to.as_str(),
                legal: legal.into_iter().map(TicketStatus::as_str).collect(),
            });
            return;
        }
        ticket.status = to;
        match to {
            TicketStatus::Resolved => ticket.resolved_at = Some(self.occurred()),
            TicketStatus::Closed => ticket.closed_at = Some(self.occurred()),
            TicketStatus::InProgress if from == TicketStatus::Resolved => {
                ticket.resolved_at = None;
                ticket.reopen_count += 1;
            }
            _ => {}
        }
        let Some(mut request) = ticket.request_id.and_then(|id| self.plain.requests.get(&id).cloned()) else { return };
        match (from, to) {
            (_, TicketStatus::Resolved) if request.status == RequestStatus::InProgress => {
                request.fulfilled_at = Some(self.occurred());
                self.follows(request, RequestStatus::Fulfilled, "a resolved ticket fulfilled its request");
            }
            (TicketStatus::Resolved, TicketStatus::InProgress) if !request.rated => {
                request.fulfilled_at = None;
                self.follows(request, RequestStatus::InProgress, "a reopened ticket took its request back");
            }
            (TicketStatus::Resolved, TicketStatus::InProgress) => self.reach("a rated request stayed fulfilled"),
            (_, TicketStatus::Cancelled) => self.reach("a cancelled ticket left its request"),
            _ => {}
        }
    }

    fn follows(&mut self, mut request: ServiceRequest, to: RequestStatus, what: &'static str) {
        request.status = to;
        self.reach(what);
        self.change(request);
    }

    pub(super) fn change_ticket(&mut self, id: TicketId, change: &TicketChange) {
        let Some(before) = self.target::<Ticket>(id) else { return };
        let mut ticket = before.clone();
        if let Some(title) = &change.title {
            ticket.title = self.faults.line(Entity::Ticket, Field::Title, title, limits::TITLE_CHARS);
        }
        if let Some(story) = &change.description {
            let most = limits::DESCRIPTION_CHARS;
            ticket.description = self.faults.lines(Entity::Ticket, Field::Description, story, most);
        }
        ticket.impact = change.impact.unwrap_or(ticket.impact);
        ticket.urgency = change.urgency.unwrap_or(ticket.urgency);
        match change.priority {
            PriorityChange::Override(by_hand) => (ticket.priority, ticket.priority_overridden) = (by_hand, true),
            PriorityChange::Follow => ticket.priority_overridden = false,
            PriorityChange::Keep => {}
        }
        if !ticket.priority_overridden {
            ticket.priority = priority(ticket.impact, ticket.urgency);
        }
        ticket.category = self.patched(Field::Category, ticket.category, &change.category);
        ticket.subcategory = self.patched(Field::Subcategory, ticket.subcategory, &change.subcategory);
        ticket.group = self.patched(Field::Group, ticket.group, &change.group);
        match change.assigned_to {
            Patch::Keep => {}
            Patch::Clear => ticket.assigned_to = None,
            Patch::Set(user) => {
                // Who has it keeps it, whatever became of them.
                if ticket.assigned_to != Some(user) {
                    self.assignable(user);
                }
                ticket.assigned_to = Some(user);
            }
        }
        if let Some(to) = change.status.filter(|to| *to != before.status) {
            self.go(&mut ticket, to);
        }
        if before.status.is_final() && (ticket != before || change.status.is_some_and(|to| to != before.status)) {
            self.faults.add(&Error::Finished { key: id.into(), status: before.status.as_str() });
        }
        if before.status.is_final() {
            self.reach("a finished ticket was touched");
        }
        self.answer_with(ticket);
    }

    pub(super) fn move_ticket(&mut self, id: TicketId, to: TicketStatus) {
        let Some(mut ticket) = self.target::<Ticket>(id) else { return };
        self.go(&mut ticket, to);
        self.answer_with(ticket);
    }

    pub(super) fn reopen(&mut self, id: TicketId) {
        let Some(mut ticket) = self.target::<Ticket>(id) else { return };
        if ticket.status == TicketStatus::Resolved {
            self.go(&mut ticket, TicketStatus::InProgress);
            self.answer_with(ticket);
        } else {
            self.faults.add(&Error::NotResolved { key: id.into(), status: ticket.status.as_str() });
        }
    }

    pub(super) fn move_own(&mut self, id: TicketId, to: TicketStatus) {
        if to == TicketStatus::InProgress { self.reopen(id) } else { self.move_ticket(id, to) }
    }

    pub(super) fn add_note(&mut self, id: TicketId, body: &str) {
        let Some(ticket) = self.target::<Ticket>(id) else { return };
        let note = Note {
            id: NoteId::from_uuid(self.fresh),
            ticket_id: id,
            author_id: self.actor(),
            body: self.faults.some_lines(Entity::Note, Field::Body, body, limits::DESCRIPTION_CHARS),
            version: Version::FIRST,
            updated_at: self.now,
        };
        if ticket.status.is_final() {
            self.reach("a note on a finished ticket");
        }
        self.effects.push(Effect::Write(ticket.into(), Action::Noted));
        self.insert(note, self.occurred());
    }
}
