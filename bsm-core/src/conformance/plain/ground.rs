//! The ground on which a call is decided: who gives it, what is wrong with it, and what it does if nothing is.

use uuid::Uuid;

use super::command::{Call, Command, Door};
use super::faults::Faults;
use super::state::{Answer, Effect, Plain, Reply, fresh_id};
use crate::model::{Action, Actor, Entity, Key, Role, Row, Timestamp, User, UserId, Version};
use crate::schema::Relation;
use crate::{ActorName, Error, Reason};

/// How far the clocks of callers may be ahead: 5 minutes.
const AHEAD_MICROS: i64 = 5 * 60 * 1_000_000;

/// A call that is being decided.
pub(crate) struct Ground<'a> {
    pub(crate) plain: &'a Plain,
    pub(crate) call: &'a Call,
    /// The id of what is new, if something is.
    pub(crate) fresh: Uuid,
    /// The number of what is new.
    pub(crate) number: u32,
    /// When the desk recorded it; if it refused, about now.
    pub(crate) now: Timestamp,
    pub(crate) faults: Faults,
    pub(crate) effects: Vec<Effect>,
    /// The row that answers.
    pub(crate) answer: Option<Key>,
    /// What is worth telling of it.
    pub(crate) reached: Vec<&'static str>,
}

impl<'a> Ground<'a> {
    pub(crate) fn new(plain: &'a Plain, call: &'a Call, reply: &Reply) -> Self {
        let (number, now) = match reply {
            Ok(Answer::Row(row)) => (row.number().unwrap_or(0), row.updated_at()),
            Ok(Answer::Gone(at)) => (0, *at),
            _ => (0, plain.now),
        };
        Self {
            plain,
            call,
            fresh: fresh_id(reply),
            number,
            now,
            faults: Faults::default(),
            effects: Vec::new(),
            answer: None,
            reached: Vec::new(),
        }
    }

    /// When the actor says that it happened.
    pub(crate) fn occurred(&self) -> Timestamp {
        self.call.at.unwrap_or(self.now)
    }

    /// Whether a moment that a caller names lies further ahead than clocks differ.
    pub(crate) fn is_future(&self, at: Timestamp) -> bool {
        at > self.now.plus_micros(AHEAD_MICROS)
    }

    /// Whether somebody stands at this door who may, with a key that is one.
    pub(crate) fn admit(&mut self) -> bool {
        if let Some(key) = &self.call.key {
            let trimmed = key.trim();
            if trimmed.is_empty() {
                self.faults.add(&Error::invalid("idempotency_key", Reason::Empty));
            }
        }
        let (needs, roles): (Role, &[Role]) = match self.call.door {
            Door::Desk => return self.faults.is_empty(),
            Door::Admin => (Role::Admin, &[Role::Admin]),
            Door::Agent => (Role::Agent, &[Role::Admin, Role::Agent]),
            Door::Customer => (Role::Customer, &[Role::Customer]),
        };
        let actor = self.call.actor;
        if !self.plain.users.get(&actor).is_some_and(|user| user.active && roles.contains(&user.role)) {
            self.faults.add(&Error::NotAllowed { actor: ActorName(Actor::User(actor)), needs });
        }
        self.faults.is_empty()
    }

    /// What a plain desk does with it.
    pub(crate) fn decide(&mut self) {
        if self.call.at.is_some_and(|at| self.is_future(at)) {
            let reason = Reason::InTheFuture { now: self.now };
            self.faults.add(&Error::invalid("occurred_at", reason));
            return;
        }
        if let (Some(expected), None) = (self.call.expecting, self.call.command.target()) {
            let _: Version = expected;
            self.faults.add(&Error::invalid("expected_version", Reason::Inapplicable));
        }
        let call = self.call;
        match &call.command {
            Command::Bootstrap(new) => self.bootstrap(new),
            // Judged by itself: it is many commands.
            Command::CloseResolved(_) => {}
            Command::CreateUser(new) => self.create_user(new),
            Command::ChangeUser(id, change) => self.change_user(*id, change),
            Command::ChangeRole(id, role) => self.change_role(*id, *role),
            Command::SetActive(id, active) => self.set_active(*id, *active),
            Command::DeleteUser(id) => self.delete_user(*id),
            Command::CreateService(new) => self.create_service(new),
            Command::ChangeService(id, change) => self.change_service(*id, change),
            Command::DeleteService(id) => self.delete_service(*id),
            Command::CreateArticle(new) => self.create_article(new),
            Command::ChangeArticle(id, change) => self.change_article(*id, change),
            Command::SetArticle(id, status) => self.set_article(*id, *status),
            Command::OpenTicket(new) => self.open_ticket(new),
            Command::FollowUp(of, new) => self.follow_up(*of, new),
            Command::ChangeTicket(id, change) => self.change_ticket(*id, change),
            Command::MoveTicket(id, to) => self.move_ticket(*id, *to),
            Command::Reopen(id) => self.reopen(*id),
            Command::AddNote(id, body) => self.add_note(*id, body),
            Command::SubmitFor(new) => self.submit(new),
            Command::Schedule(id, day) => self.schedule(*id, *day),
            Command::MoveRequest(id, to) => self.move_request(*id, *to),
            Command::MakeTicket(id, how) => self.make_ticket(*id, how),
            Command::DeleteRating(id) => self.delete_rating(*id),
            Command::Submit(new) => self.submit_own(new),
            Command::CancelOwn(id) => self.move_request(*id, crate::model::RequestStatus::Cancelled),
            Command::OpenOwn(new) => self.open_own(new, None),
            Command::FollowUpOwn(new) => self.follow_up_own(new),
            Command::MoveOwn(id, to) => self.move_own(*id, *to),
            Command::Rate(id, stars, review) => self.rate(*id, *stars, review),
            short @ (Command::RetireService(_) | Command::Touch(_) | Command::Assign(..) | Command::Unassign(_)) => {
                match short.in_full() {
                    Command::ChangeService(id, change) => self.change_service(id, &change),
                    Command::ChangeTicket(id, change) => self.change_ticket(id, &change),
                    _ => {}
                }
            }
        }
    }

    /// The row that the call is about: if it is there, and the actor's to see.
    pub(crate) fn target<T: TryFrom<Row>>(&mut self, id: impl Into<Key>) -> Option<T> {
        let key = id.into();
        let row =
            self.plain.row(key).filter(|row| self.call.door != Door::Customer || Plain::shows(self.call.actor, row));
        let Some(row) = row else {
            self.faults.not_found(key);
            return None;
        };
        if let Some(expected) = self.call.expecting.filter(|expected| *expected != row.version()) {
            self.faults.add(&Error::Conflict { key, expected, found: row.version() });
        }
        T::try_from(row).ok()
    }

    /// The actor, where only a person gets.
    pub(crate) const fn actor(&self) -> UserId {
        self.call.actor
    }

    /// A person whom a field names.
    pub(crate) fn named(&mut self, id: UserId, relation: Relation) -> Option<User> {
        let user = self.plain.users.get(&id).cloned();
        if user.is_none() {
            self.faults.add(&Error::MissingParent { relation, parent: id.into() });
        }
        user
    }

    /// No two rows of an entity share an outer id.
    pub(crate) fn unshared(&mut self, entity: Entity, taken: bool, field: crate::schema::Field) {
        if taken {
            self.faults.add(&Error::Duplicate { entity, field });
        }
    }

    /// Makes a row, which answers.
    pub(crate) fn insert(&mut self, row: impl Into<Row>, created: Timestamp) {
        let row = row.into();
        self.answer = Some(row.key());
        self.effects.push(Effect::Insert(row, created));
    }

    /// Changes the row that answers.
    pub(crate) fn answer_with(&mut self, row: impl Into<Row>) {
        let row = row.into();
        self.answer = Some(row.key());
        self.change(row);
    }

    /// Changes a row that does not answer.
    pub(crate) fn change(&mut self, row: impl Into<Row>) {
        self.effects.push(Effect::Write(row.into(), Action::Changed));
    }

    /// Deletes the row that the call is about.
    pub(crate) fn delete(&mut self, id: impl Into<Key>) {
        let key = id.into();
        self.answer = Some(key);
        self.effects.push(Effect::Delete(key));
    }

    pub(crate) fn reach(&mut self, what: &'static str) {
        self.reached.push(what);
    }
}
