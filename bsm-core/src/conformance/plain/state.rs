//! The plain desk: maps of the model's structs, and lists of what happened. No store, no versions to guard, no index.
//!
//! [`Plain::judge`] takes a call and what a real desk answered, and says whether a plain desk would have answered so. From
//! the answer it takes only what nobody can foretell: fresh ids, numbers, and the moment at which the desk recorded it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::command::{Call, Command, Door};
use super::diff::{changes, owner};
use super::faults::Faults;
use super::ground::Ground;
use crate::model::{
    Action, Actor, Article, ArticleId, ArticleStatus, Entity, HistoryEntry, Key, Note, NoteId, Rating, RatingId,
    RequestId, Row, Service, ServiceId, ServiceRequest, Ticket, TicketId, TicketStatus, Timestamp, User, UserId,
    Version,
};

/// What a desk answered to a command that succeeded.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// With a row.
    Row(Box<Row>),
    /// With nothing: it deleted a row, at this moment by its history.
    Gone(Timestamp),
    /// With how many tickets it closed; and all that had to be closed, as they stand now.
    Closed(usize, Vec<Ticket>),
}

/// What a desk answered; an error as it is compared.
pub(crate) type Reply = Result<Answer, String>;

/// An idempotency key that was used.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    pub(crate) call: Call,
    answer: Key,
    until: Timestamp,
}

/// How long a key is kept: 7 days.
const KEPT_MICROS: i64 = 7 * 24 * 3600 * 1_000_000;

/// The plain desk.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    pub(crate) users: BTreeMap<UserId, User>,
    pub(crate) tickets: BTreeMap<TicketId, Ticket>,
    pub(crate) articles: BTreeMap<ArticleId, Article>,
    pub(crate) services: BTreeMap<ServiceId, Service>,
    pub(crate) requests: BTreeMap<RequestId, ServiceRequest>,
    pub(crate) ratings: BTreeMap<RatingId, Rating>,
    pub(crate) notes: BTreeMap<NoteId, Note>,
    /// Every row that ever was, in the order in which they were made.
    pub(crate) made: Vec<Key>,
    /// All that happened to each of them.
    pub(crate) history: BTreeMap<Key, Vec<HistoryEntry>>,
    /// What each command that changed something left in history, in the order of the commands.
    pub(crate) events: Vec<Vec<HistoryEntry>>,
    /// How many of them came before the desk's feed began: an import leaves them behind.
    pub(crate) feed_begins: usize,
    pub(crate) used: Vec<Used>,
    /// The last numbers that were given.
    numbers: BTreeMap<Entity, u32>,
    /// A moment that is past, and not long ago.
    pub(crate) now: Timestamp,
    /// How often something worth telling happened.
    pub(crate) reached: BTreeMap<&'static str, usize>,
}

/// Reads, puts and removes a row of any entity.
macro_rules! tables {
    ($($entity:ident: $table:ident of $id:ident),+) => {
        /// The row, as it stands.
        pub(crate) fn row(&self, key: Key) -> Option<Row> {
            match key.entity {
                $(Entity::$entity => self.$table.get(&$id::from_uuid(key.id)).cloned().map(Row::from)),+
            }
        }

        /// All rows of an entity, by id.
        pub(crate) fn rows(&self, entity: Entity) -> Vec<Row> {
            match entity {
                $(Entity::$entity => self.$table.values().cloned().map(Row::from).collect()),+
            }
        }

        fn put(&mut self, row: Row) {
            match row {
                $(Row::$entity(row) => { self.$table.insert(row.id, row); })+
            }
        }

        fn remove(&mut self, key: Key) {
            match key.entity {
                $(Entity::$entity => { self.$table.remove(&$id::from_uuid(key.id)); })+
            }
        }
    };
}

impl Plain {
    /// An empty desk, at a moment.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            users: BTreeMap::new(),
            tickets: BTreeMap::new(),
            articles: BTreeMap::new(),
            services: BTreeMap::new(),
            requests: BTreeMap::new(),
            ratings: BTreeMap::new(),
            notes: BTreeMap::new(),
            made: Vec::new(),
            history: BTreeMap::new(),
            events: Vec::new(),
            feed_begins: 0,
            used: Vec::new(),
            numbers: BTreeMap::new(),
            now,
            reached: BTreeMap::new(),
        }
    }

    tables! {
        User: users of UserId,
        Ticket: tickets of TicketId,
        Article: articles of ArticleId,
        Service: services of ServiceId,
        Request: requests of RequestId,
        Rating: ratings of RatingId,
        Note: notes of NoteId
    }

    /// Whether a customer may see the row.
    pub(crate) fn shows(customer: UserId, row: &Row) -> bool {
        match row {
            Row::Service(_) => true,
            Row::Article(article) => article.status == ArticleStatus::Published,
            Row::User(user) => user.id == customer,
            Row::Note(_) => false,
            Row::Ticket(_) | Row::Request(_) | Row::Rating(_) => owner(row) == Some(customer),
        }
    }

    /// The tickets that the desk closes by itself if it is told to close what was resolved by `before`.
    pub(crate) fn due(&self, before: Timestamp) -> Vec<TicketId> {
        let due = |ticket: &&Ticket| {
            ticket.status == TicketStatus::Resolved && ticket.resolved_at.is_some_and(|at| at <= before)
        };
        self.tickets.values().filter(due).map(|ticket| ticket.id).collect()
    }

    /// Judges what a desk answered, and does what it did. Returns the rows that were written.
    ///
    /// # Errors
    /// What a plain desk would have done instead. The plain desk is of no use after that.
    pub(crate) fn judge(&mut self, call: &Call, reply: &Reply) -> Result<Vec<Key>, String> {
        if let Command::CloseResolved(before) = &call.command {
            return self.close_resolved(*before, reply);
        }
        let mut ground = Ground::new(self, call, reply);
        if !ground.admit() {
            return refused(&ground.faults, reply);
        }
        if let Some(key) = &call.key {
            let known = |used: &&Used| {
                used.call.actor == call.actor && used.call.key.as_deref() == Some(key) && used.until > self.now
            };
            if let Some(used) = self.used.iter().rev().find(known) {
                return self.judge_repetition(used, call, reply);
            }
        }
        ground.decide();
        if !ground.faults.is_empty() {
            return refused(&ground.faults, reply);
        }
        if let Err(refusal) = reply {
            return Err(format!("was refused with {refusal}, and nothing is wrong with it"));
        }
        let Ground { effects, answer, now, reached, .. } = ground;
        let Some(answer) = answer else { return Err("does nothing".to_owned()) };
        for what in reached {
            *self.reached.entry(what).or_default() += 1;
        }
        let by = if call.door == Door::Desk { Actor::System } else { Actor::User(call.actor) };
        let written = self.write(effects, by, call.at, now)?;
        if call.key.is_some() {
            self.used.push(Used { call: call.clone(), answer, until: now.plus_micros(KEPT_MICROS) });
        }
        match reply {
            Ok(Answer::Row(row)) if self.row(answer).as_ref() != Some(row) => {
                Err(format!("answered\n  {row:?}, not\n  {:?}", self.row(answer)))
            }
            _ => Ok(written),
        }
    }

    /// The same command again changes nothing, and is answered with the row as it stands now.
    fn judge_repetition(&self, used: &Used, call: &Call, reply: &Reply) -> Result<Vec<Key>, String> {
        if !used.call.repeats(call) {
            return refused(&Faults::one(&crate::Error::KeyReused), reply);
        }
        let row = self.row(used.answer).filter(|row| call.door != Door::Customer || Self::shows(call.actor, row));
        match (row, reply) {
            (_, Ok(Answer::Gone(_))) if call.command.deletes() => Ok(Vec::new()),
            (Some(row), Ok(Answer::Row(found))) if row == **found => Ok(Vec::new()),
            (None, reply) if !call.command.deletes() => {
                refused(&Faults::one(&crate::Error::NotFound { key: used.answer }), reply)
            }
            (row, reply) => Err(format!("was repeated and answered {reply:?}, not {row:?}")),
        }
    }

    fn close_resolved(&mut self, before: Timestamp, reply: &Reply) -> Result<Vec<Key>, String> {
        let due = self.due(before);
        let Ok(Answer::Closed(count, rows)) = reply else { return Err(format!("answered {reply:?}")) };
        if *count != due.len() || rows.len() != due.len() {
            return Err(format!("closed {count} tickets and not {due:?}"));
        }
        let mut written = Vec::new();
        for closed in rows {
            let Some(mut ticket) = self.tickets.get(&closed.id).cloned() else { return Err("no such ticket".into()) };
            ticket.status = TicketStatus::Closed;
            ticket.closed_at = Some(closed.updated_at);
            let effect = Effect::Write(ticket.into(), Action::Changed);
            written.extend(self.write(vec![effect], Actor::System, None, closed.updated_at)?);
            *self.reached.entry("the desk closed a resolved ticket").or_default() += 1;
        }
        Ok(written)
    }

    /// Writes what one command does, as one event of history.
    fn write(
        &mut self,
        effects: Vec<Effect>,
        actor: Actor,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Vec<Key>, String> {
        let mut event = Vec::new();
        for effect in effects {
            let (key, after, action) = match effect {
                Effect::Insert(row, created) => {
                    self.is_new(&row, created)?;
                    self.made.push(row.key());
                    (row.key(), Some(row), Action::Created)
                }
                Effect::Write(row, action) => (row.key(), Some(row), action),
                Effect::Delete(key) => (key, None, Action::Deleted),
            };
            let before = self.row(key);
            let version = before.as_ref().map_or(Version::FIRST, |row| row.version().next());
            if before.as_ref().is_some_and(|row| row.updated_at() >= now) {
                return Err(format!("recorded at {now}, which is not after {before:?}"));
            }
            let after = after.map(|mut row| {
                row.stamp(version, now);
                row
            });
            let changes = changes(before.as_ref(), after.as_ref());
            let touched = action == Action::Changed && changes.is_empty();
            event.push(HistoryEntry {
                key,
                version,
                action: if touched { Action::Touched } else { action },
                actor,
                occurred_at: at.unwrap_or(now),
                recorded_at: now,
                subject: after.as_ref().or(before.as_ref()).and_then(owner),
                changes,
            });
            match after {
                Some(row) => self.put(row),
                None => self.remove(key),
            }
        }
        for entry in &event {
            self.history.entry(entry.key).or_default().push(entry.clone());
        }
        let written = event.iter().map(|entry| entry.key).collect();
        self.events.push(event);
        self.now = self.now.max(now);
        Ok(written)
    }

    /// A new row has an id that nothing had before and that carries its creation, and a number above all earlier ones.
    fn is_new(&mut self, row: &Row, created: Timestamp) -> Result<(), String> {
        let key = row.key();
        if self.made.contains(&key) {
            return Err(format!("{key} was used before"));
        }
        let carried = UserId::from_uuid(key.id).created_at();
        if carried != created {
            return Err(format!("{key} carries {carried}, and not {created}"));
        }
        if matches!(key.entity, Entity::Ticket | Entity::Request) {
            let last = self.numbers.entry(key.entity).or_default();
            let number = row.number().unwrap_or(0);
            if number <= *last {
                return Err(format!("{key} got number {number} after {last}"));
            }
            *last = number;
        }
        Ok(())
    }
}

/// Whether a refusal names one of the faults.
fn refused(faults: &Faults, reply: &Reply) -> Result<Vec<Key>, String> {
    match reply {
        Err(refusal) if faults.hold(refusal) => Ok(Vec::new()),
        reply => Err(format!("answered\n  {reply:?}, and must be refused by one of\n  {faults:?}")),
    }
}

/// What a command does to one row.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Makes it, as created at a moment.
    Insert(Row, Timestamp),
    /// Leaves it like this.
    Write(Row, Action),
    /// Deletes it.
    Delete(Key),
}

/// What nobody can foretell of a new row: its id.
pub(crate) fn fresh_id(reply: &Reply) -> Uuid {
    match reply {
        Ok(Answer::Row(row)) => row.key().id,
        _ => Uuid::nil(),
    }
}
