//! How a wish becomes a command: what it is about, and what it is given.

use super::command::{Command, Door};
use super::moves::{Who, request_moves};
use super::wish::{Kind, Maker, past};
use crate::model::{
    ArticleId, ArticleStatus, Channel, Entity, HoldReason, Impact, Priority, RatingId, RequestId, RequestStatus, Role,
    Row, ServiceId, ServiceRequest, Stars, Ticket, TicketId, TicketStatus, Timestamp, Urgency, UserId,
};
use crate::{
    ArticleChange, FollowUp, NewArticle, NewRequest, NewService, NewTicket, NewUser, OwnTicket, Patch, PriorityChange,
    ServiceChange, SubmitRequest, TicketChange, TicketFromRequest, UserChange,
};

const STAFF: &[Role] = &[Role::Agent, Role::Admin];

fn is_open(ticket: &Ticket) -> bool {
    !ticket.status.is_final() && ticket.status != TicketStatus::Resolved
}

fn is_resolved(ticket: &Ticket) -> bool {
    ticket.status == TicketStatus::Resolved
}

impl Maker<'_> {
    pub(super) fn command(&mut self, kind: Kind, door: Door) -> Command {
        match kind {
            Kind::Again | Kind::OpenTicket => Command::OpenTicket(self.new_ticket()),
            Kind::OpenOwn => Command::OpenOwn(self.own_ticket()),
            Kind::StartTicket => self.ticket_to(TicketStatus::InProgress, is_open),
            Kind::HoldTicket => {
                let reason = self.dice.one_of(HoldReason::ALL).unwrap_or(HoldReason::Customer);
                self.ticket_to(TicketStatus::OnHold(reason), is_open)
            }
            Kind::ResolveTicket => {
                let made_from_request = self.dice.byte() < 160;
                self.ticket_to(TicketStatus::Resolved, |ticket| {
                    is_open(ticket) && (!made_from_request || ticket.request_id.is_some())
                })
            }
            Kind::CloseTicket => self.ticket_to(TicketStatus::Closed, is_resolved),
            Kind::CancelTicket => self.ticket_to(TicketStatus::Cancelled, is_open),
            Kind::ReopenTicket => Command::Reopen(self.ticket(is_resolved)),
            Kind::ChangeTicket => Command::ChangeTicket(self.ticket(is_open), self.change()),
            Kind::Touch => Command::Touch(self.ticket(|_| true)),
            Kind::Assign => Command::Assign(self.ticket(is_open), self.person(STAFF)),
            Kind::Unassign => Command::Unassign(self.ticket(|ticket| ticket.assigned_to.is_some())),
            Kind::AddNote => Command::AddNote(self.ticket(|_| true), self.dice.title()),
            Kind::FollowUp => Command::FollowUp(self.ticket(|ticket| ticket.status.is_final()), self.new_ticket()),
            Kind::ReopenOwn => Command::MoveOwn(self.own(is_resolved), TicketStatus::InProgress),
            Kind::CloseOwn => Command::MoveOwn(self.own(is_resolved), TicketStatus::Closed),
            Kind::WithdrawOwn => Command::MoveOwn(self.own(is_open), TicketStatus::Cancelled),
            Kind::FollowUpOwn => {
                let of = self.own(|ticket| ticket.status.is_final());
                Command::FollowUpOwn(FollowUp { of, ticket: self.own_ticket() })
            }
            Kind::CloseResolved => Command::CloseResolved(match self.dice.byte() {
                byte if byte < 160 => self.plain.now.plus_micros(1_000_000),
                byte => past(self.plain.now, byte),
            }),
            Kind::Submit
            | Kind::SubmitFor
            | Kind::MakeTicket
            | Kind::Approve
            | Kind::Schedule
            | Kind::StartRequest
            | Kind::Fulfil
            | Kind::Reject
            | Kind::CancelRequest
            | Kind::CancelOwn
            | Kind::Rate
            | Kind::DeleteRating => self.on_request(kind, door),
            _ => self.on_people_and_texts(kind),
        }
    }

    fn ticket(&mut self, likely: impl Fn(&Ticket) -> bool) -> TicketId {
        TicketId::from_uuid(self.pick(Entity::Ticket, |row| matches!(row, Row::Ticket(ticket) if likely(ticket))))
    }

    /// A ticket of a customer's.
    fn own(&mut self, likely: impl Fn(&Ticket) -> bool) -> TicketId {
        self.ticket(|ticket| ticket.requested_for.is_some() && likely(ticket))
    }

    fn ticket_to(&mut self, to: TicketStatus, likely: impl Fn(&Ticket) -> bool) -> Command {
        Command::MoveTicket(self.ticket(|ticket| likely(ticket) && ticket.status != to), to)
    }

    fn request(&mut self, likely: impl Fn(&ServiceRequest) -> bool) -> RequestId {
        let fits = |row: &Row| matches!(row, Row::Request(request) if likely(request));
        RequestId::from_uuid(self.pick(Entity::Request, fits))
    }

    fn service(&mut self) -> ServiceId {
        ServiceId::from_uuid(self.pick(Entity::Service, |row| matches!(row, Row::Service(service) if service.active)))
    }

    fn on_request(&mut self, kind: Kind, door: Door) -> Command {
        let who = if door == Door::Admin { Who::Admin } else { Who::Staff };
        let moved = |to| move |request: &ServiceRequest| request_moves(request, who).contains(&to);
        match kind {
            Kind::Submit => {
                Command::Submit(SubmitRequest { service: self.service(), details: self.dice.lines(20_000) })
            }
            Kind::SubmitFor => Command::SubmitFor(NewRequest {
                service: self.service(),
                customer: self.person(&[Role::Customer]),
                details: self.dice.lines(20_000),
                external_ref: self.dice.outer_id(),
            }),
            Kind::MakeTicket => {
                let to = RequestStatus::InProgress;
                let fits = |request: &ServiceRequest| {
                    request.ticket_id.is_none() && (request.status == to || request_moves(request, who).contains(&to))
                };
                Command::MakeTicket(self.request(fits), self.conversion())
            }
            Kind::Schedule => Command::Schedule(self.request(moved(RequestStatus::Scheduled)), self.day()),
            Kind::Approve => self.request_to(RequestStatus::Approved, moved(RequestStatus::Approved)),
            Kind::StartRequest => self.request_to(RequestStatus::InProgress, moved(RequestStatus::InProgress)),
            Kind::Fulfil => {
                let moved = moved(RequestStatus::Fulfilled);
                self.request_to(RequestStatus::Fulfilled, |request| request.ticket_id.is_none() && moved(request))
            }
            Kind::Reject => self.request_to(RequestStatus::Rejected, moved(RequestStatus::Rejected)),
            Kind::CancelRequest => self.request_to(RequestStatus::Cancelled, moved(RequestStatus::Cancelled)),
            Kind::CancelOwn => Command::CancelOwn(self.request(moved(RequestStatus::Cancelled))),
            Kind::Rate => {
                let fits = |request: &ServiceRequest| request.status == RequestStatus::Fulfilled && !request.rated;
                let stars = self.dice.one_of(Stars::ALL).unwrap_or(Stars::Three);
                Command::Rate(self.request(fits), stars, self.dice.lines(4_000))
            }
            _ => Command::DeleteRating(RatingId::from_uuid(self.pick(Entity::Rating, |_| true))),
        }
    }

    fn request_to(&mut self, to: RequestStatus, likely: impl Fn(&ServiceRequest) -> bool) -> Command {
        Command::MoveRequest(self.request(likely), to)
    }

    /// One of a few days.
    fn day(&mut self) -> Timestamp {
        let begun = Timestamp::MIN.plus_micros(1_780_000_000_000_000);
        begun.plus_micros(i64::from(self.dice.byte() % 4) * 86_400_000_000)
    }

    fn conversion(&mut self) -> TicketFromRequest {
        let plain = TicketFromRequest::default();
        TicketFromRequest {
            impact: self.dice.one_of(Impact::ALL).unwrap_or(plain.impact),
            urgency: self.dice.one_of(Urgency::ALL).unwrap_or(plain.urgency),
            group: self.dice.maybe_word(),
            assigned_to: (self.dice.byte() > 127).then(|| self.person(STAFF)),
        }
    }

    fn own_ticket(&mut self) -> OwnTicket {
        OwnTicket {
            title: self.dice.title(),
            description: self.dice.lines(20_000),
            category: self.dice.maybe_word(),
            urgency: self.dice.one_of(Urgency::ALL).unwrap_or(Urgency::Medium),
        }
    }

    fn new_ticket(&mut self) -> NewTicket {
        let of = self.owner;
        let all: &[Role] = &[Role::Customer, Role::Customer, Role::Agent];
        let requested_for = match self.dice.byte() {
            0..=60 => None,
            61..=120 => of,
            _ => Some(self.person(all)),
        };
        let created_by = match self.dice.byte() {
            0..=215 => None,
            216..=235 => of.or(requested_for),
            _ => Some(self.person(STAFF)),
        };
        let opened_at = match self.dice.byte() {
            255 => Some(self.plain.now.plus_micros(3_600_000_000)),
            byte if byte > 215 => Some(past(self.plain.now, byte)),
            _ => None,
        };
        let status = match self.dice.byte() {
            255 => TicketStatus::Closed,
            254 => TicketStatus::Cancelled,
            byte if byte > 200 => TicketStatus::Resolved,
            byte if byte > 180 => TicketStatus::OnHold(HoldReason::Vendor),
            byte if byte > 160 => TicketStatus::InProgress,
            _ => TicketStatus::New,
        };
        NewTicket {
            description: self.dice.lines(20_000),
            status,
            impact: self.dice.one_of(Impact::ALL).unwrap_or(Impact::Medium),
            urgency: self.dice.one_of(Urgency::ALL).unwrap_or(Urgency::Medium),
            priority: if self.dice.once_in(5) { self.dice.one_of(Priority::ALL) } else { None },
            category: self.dice.maybe_word(),
            channel: self.dice.one_of(Channel::ALL).unwrap_or(Channel::Other),
            assigned_to: (self.dice.byte() > 150).then(|| self.person(STAFF)),
            requested_for,
            created_by,
            opened_at,
            external_ref: self.dice.outer_id(),
            ..NewTicket::new(self.dice.title())
        }
    }

    fn patch(&mut self) -> Patch<String> {
        match self.dice.byte() {
            0..=150 => Patch::Keep,
            151..=180 => Patch::Clear,
            _ => Patch::Set(self.dice.word()),
        }
    }

    fn change(&mut self) -> TicketChange {
        let dice = &mut self.dice;
        let priority = match dice.byte() {
            0..=160 => PriorityChange::Keep,
            161..=200 => PriorityChange::Follow,
            _ => dice.one_of(Priority::ALL).map_or(PriorityChange::Keep, PriorityChange::Override),
        };
        TicketChange {
            status: if dice.byte() > 128 { dice.one_of(TicketStatus::ALL) } else { None },
            title: (dice.byte() > 190).then(|| dice.title()),
            description: (dice.byte() > 200).then(|| dice.lines(20_000)),
            impact: if dice.byte() > 160 { dice.one_of(Impact::ALL) } else { None },
            urgency: if dice.byte() > 160 { dice.one_of(Urgency::ALL) } else { None },
            priority,
            category: self.patch(),
            group: self.patch(),
            subcategory: Patch::Keep,
            assigned_to: match self.dice.byte() {
                0..=150 => Patch::Keep,
                151..=180 => Patch::Clear,
                _ => Patch::Set(self.person(STAFF)),
            },
        }
    }

    fn on_people_and_texts(&mut self, kind: Kind) -> Command {
        match kind {
            Kind::CreateArticle => {
                let (title, body) = (self.dice.title(), self.dice.line(&["A body", "Two\r\nlines"], 100_000));
                Command::CreateArticle(NewArticle { category: self.dice.maybe_word(), ..NewArticle::new(title, body) })
            }
            Kind::ChangeArticle => Command::ChangeArticle(
                self.article(&[]),
                ArticleChange {
                    title: (self.dice.byte() > 128).then(|| self.dice.title()),
                    body: (self.dice.byte() > 128).then(|| self.dice.lines(100_000)),
                    category: self.patch(),
                },
            ),
            Kind::PublishArticle => {
                let few = [ArticleStatus::Draft, ArticleStatus::Archived];
                Command::SetArticle(self.article(&few), ArticleStatus::Published)
            }
            Kind::ArchiveArticle => Command::SetArticle(self.article(&[]), ArticleStatus::Archived),
            Kind::WithdrawArticle => Command::SetArticle(self.article(&[]), ArticleStatus::Draft),
            Kind::CreateService => Command::CreateService(self.new_service()),
            Kind::ChangeService => Command::ChangeService(
                self.service(),
                ServiceChange {
                    name: (self.dice.byte() > 128).then(|| self.dice.title()),
                    description: (self.dice.byte() > 200).then(|| self.dice.lines(20_000)),
                    category: (self.dice.byte() > 160).then(|| self.dice.word()),
                    price: if self.dice.byte() > 128 { self.dice.price() } else { None },
                    needs_approval: (self.dice.byte() > 160).then(|| self.dice.once_in(2)),
                    active: (self.dice.byte() > 200).then(|| self.dice.once_in(2)),
                },
            ),
            Kind::RetireService => Command::RetireService(self.service()),
            Kind::DeleteService => {
                let used: Vec<ServiceId> = self.plain.requests.values().map(|request| request.service_id).collect();
                let unused = |row: &Row| matches!(row, Row::Service(service) if !used.contains(&service.id));
                Command::DeleteService(ServiceId::from_uuid(self.pick(Entity::Service, unused)))
            }
            Kind::ChangeUser => Command::ChangeUser(
                self.user(|_| true),
                UserChange {
                    full_name: (self.dice.byte() > 128).then(|| self.dice.name()),
                    email: (self.dice.byte() > 128).then(|| self.dice.email()),
                    external_ref: match self.dice.byte() {
                        0..=150 => Patch::Keep,
                        151..=180 => Patch::Clear,
                        _ => self.dice.outer_id().map_or(Patch::Keep, Patch::Set),
                    },
                },
            ),
            Kind::ChangeRole => Command::ChangeRole(self.user(|_| true), self.role()),
            Kind::Deactivate => Command::SetActive(self.person(Role::ALL), false),
            Kind::Reactivate => {
                let sleeping = |row: &Row| matches!(row, Row::User(user) if !user.active);
                Command::SetActive(self.user(sleeping), true)
            }
            Kind::DeleteUser => {
                let plain = self.plain;
                let unnamed = move |row: &Row| {
                    let Row::User(user) = row else { return false };
                    let id = user.id;
                    !plain.tickets.values().any(|one| one.created_by == id || one.requested_for == Some(id))
                        && !plain.requests.values().any(|one| one.customer_id == id)
                };
                Command::DeleteUser(self.user(unnamed))
            }
            Kind::Bootstrap => Command::Bootstrap(NewUser::new("Root", "root@desk.example", self.role())),
            _ => {
                let (name, email, role) = (self.dice.name(), self.dice.email(), self.role());
                Command::CreateUser(NewUser { external_ref: self.dice.outer_id(), ..NewUser::new(name, email, role) })
            }
        }
    }

    fn user(&mut self, likely: impl Fn(&Row) -> bool) -> UserId {
        UserId::from_uuid(self.pick(Entity::User, likely))
    }

    fn role(&mut self) -> Role {
        self.dice.one_of(&[Role::Customer, Role::Agent, Role::Customer, Role::Admin]).unwrap_or(Role::Customer)
    }

    /// An article, likely one of a few statuses.
    fn article(&mut self, of: &[ArticleStatus]) -> ArticleId {
        let fits = |row: &Row| matches!(row, Row::Article(one) if of.is_empty() || of.contains(&one.status));
        ArticleId::from_uuid(self.pick(Entity::Article, fits))
    }

    fn new_service(&mut self) -> NewService {
        let (name, category) = (self.dice.title(), self.dice.word());
        let price = self.dice.price().or_else(|| "1 EUR".parse().ok());
        // (Every price among which the dice choose is one.)
        let Some(price) = price else { unreachable!("1 EUR is a price") };
        NewService {
            description: self.dice.lines(20_000),
            needs_approval: self.dice.once_in(3),
            ..NewService::new(name, category, price)
        }
    }
}
