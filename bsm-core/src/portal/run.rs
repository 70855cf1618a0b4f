//! How a call runs: admit the actor, read, decide, commit, and decide anew when another got in between.

use tracing::Instrument as _;
use xxhash_rust::xxh3::xxh3_128;

use crate::model::{Actor, Entity, Key, Record, Role, Row, TicketId, Timestamp, Value};
use crate::rules::{limits, text};
use crate::schema::{Field, Relation};
use crate::store::{Answers, ChangeSet, Idempotency, ReadSet, Scan, Store, UniqueValue};
use crate::{ActorName, Error, Reason, Result};

use super::command::{Command, ended};
use super::desk::SYSTEM;
use super::scope::Scope;
use super::settings::Settings;
use super::work::Work;
use super::{Desk, Portal, PortalRole};

/// What a command reads before it decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Rows by id. One that is not there is simply not given.
    pub(super) keys: Vec<Key>,
    /// Rows by a unique field.
    pub(super) find: Vec<UniqueValue>,
    /// Rows of a listing.
    pub(super) scan: Option<Scan>,
    /// Rows that those name, by these foreign keys, as of the same moment.
    pub(super) follow: Vec<Relation>,
}

impl Needs {
    pub(super) fn keys(keys: impl IntoIterator<Item = Key>) -> Self {
        Self { keys: keys.into_iter().collect(), ..Self::default() }
    }

    /// A ticket, and the request that it was made from.
    pub(super) fn ticket(id: TicketId) -> Self {
        Self { follow: vec![Relation::TicketRequest], ..Self::keys([id.into()]) }
    }

    pub(super) fn and(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.keys.extend(keys);
        self
    }

    pub(super) fn following(mut self, relation: Relation) -> Self {
        self.follow.push(relation);
        self
    }

    pub(super) fn find(entity: Entity, field: Field, value: Value<'static>) -> Self {
        Self { find: vec![UniqueValue { entity, field, value }], ..Self::default() }
    }
}

/// One call by one actor.
#[derive(Debug)]
pub(super) struct Call<'a> {
    desk: &'a Desk,
    actor: Actor,
    needs_role: Role,
    admits: fn(Role) -> bool,
    settings: Settings,
}

/// Somebody who calls, apart from the handle that they call by: for what outlives one call.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    desk: Desk,
    actor: Actor,
    needs_role: Role,
    admits: fn(Role) -> bool,
    settings: Settings,
}

impl Caller {
    /// The desk itself.
    pub(super) fn system(desk: &Desk) -> Self {
        Self {
            desk: desk.clone(),
            actor: SYSTEM,
            needs_role: Role::Admin,
            admits: |_| true,
            settings: Settings::default(),
        }
    }

    /// Reads `set`, and refuses an actor who may not use the portal any more.
    pub(crate) async fn read(&self, set: ReadSet) -> Result<Answers> {
        let Self { desk, actor, needs_role, admits, settings } = self;
        let call = Call { desk, actor: *actor, needs_role: *needs_role, admits: *admits, settings: settings.clone() };
        call.read(set).await
    }

    /// The store beneath.
    pub(crate) fn store(&self) -> &dyn Store {
        &**self.desk.store()
    }
}

impl<R: PortalRole> Portal<R> {
    /// This portal's actor, apart from the portal.
    pub(super) fn caller(&self) -> Caller {
        Caller {
            desk: self.desk.clone(),
            actor: Actor::User(self.actor),
            needs_role: R::NEEDS,
            admits: R::admits,
            settings: self.settings.clone(),
        }
    }

    /// A call by this portal's actor.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            desk: &self.desk,
            actor: Actor::User(self.actor),
            needs_role: R::NEEDS,
            admits: R::admits,
            settings: self.settings.clone(),
        }
    }

    /// Runs a command: `decide` is given what `needs` names, and returns the id of the row that answers.
    pub(super) async fn run<T, I>(
        &self,
        command: &impl Command,
        needs: Needs,
        decide: impl FnMut(&mut Work<'_>) -> Result<I> + Send,
    ) -> Result<T>
    where
        T: Record + TryFrom<Row> + Send,
        I: Into<Key>,
    {
        self.call().run(command, needs, decide).await
    }

    /// Reads as this portal's actor.
    pub(super) async fn read(&self, set: ReadSet) -> Result<Answers> {
        self.call().read(set).await
    }

    /// A row that this portal's actor may see.
    pub(super) async fn get<T>(&self, id: impl Into<Key>) -> Result<T>
    where
        T: Record + TryFrom<Row>,
    {
        let key = id.into();
        let mut answers = self.read(ReadSet { get: vec![key], ..ReadSet::default() }).await?;
        self.visible(answers.got.pop().flatten()).ok_or(Error::NotFound { key })
    }

    /// A row that this portal's actor may see, by a unique field.
    pub(super) async fn find<T>(&self, field: Field, value: Value<'static>) -> Result<T>
    where
        T: Record + TryFrom<Row>,
    {
        let find = vec![UniqueValue { entity: T::ENTITY, field, value }];
        let mut answers = self.read(ReadSet { find, ..ReadSet::default() }).await?;
        self.visible(answers.found.pop().flatten()).ok_or(Error::NoneWith { entity: T::ENTITY, field })
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::of(Actor::User(self.actor), R::NEEDS)
    }

    fn visible<T: TryFrom<Row>>(&self, row: Option<Row>) -> Option<T> {
        row.filter(|row| self.scope().sees(row)).and_then(|row| T::try_from(row).ok())
    }
}

impl<'a> Call<'a> {
    /// A call by the desk itself.
    pub(super) fn by_system(desk: &'a Desk) -> Self {
        Self { desk, actor: SYSTEM, needs_role: Role::Admin, admits: |_| true, settings: Settings::default() }
    }

    /// Reads `set` and the actor in one go, and refuses an actor who may not use the portal.
    pub(super) async fn read(&self, mut set: ReadSet) -> Result<Answers> {
        set.at_least.clone_from(&self.settings.at_least);
        let Actor::User(actor) = self.actor else {
            return self.desk.store().read(set).await;
        };
        set.get.push(actor.into());
        let mut answers = self.desk.store().read(set).await?;
        let admitted = match answers.got.pop().flatten() {
            Some(Row::User(user)) => user.active && (self.admits)(user.role),
            _ => false,
        };
        if admitted {
            Ok(answers)
        } else {
            Err(Error::NotAllowed { actor: ActorName(self.actor), needs: self.needs_role })
        }
    }

    pub(super) async fn run<T, I>(
        &self,
        command: &impl Command,
        needs: Needs,
        decide: impl FnMut(&mut Work<'_>) -> Result<I> + Send,
    ) -> Result<T>
    where
        T: Record + TryFrom<Row> + Send,
        I: Into<Key>,
    {
        match self.execute(command, needs, decide).await? {
            Outcome::Done { answer, rows, numbers } => answer_of(answer, rows, &numbers),
            Outcome::DoneBefore { answer } => self.repeated(answer).await,
        }
    }

    /// Runs a command after which the row that it was about is gone.
    pub(super) async fn run_deletion<I: Into<Key>>(
        &self,
        command: &impl Command,
        needs: Needs,
        decide: impl FnMut(&mut Work<'_>) -> Result<I> + Send,
    ) -> Result<()> {
        self.execute(command, needs, decide).await.map(|_| ())
    }

    /// Runs a command in its span.
    async fn execute<I: Into<Key>>(
        &self,
        command: &impl Command,
        needs: Needs,
        decide: impl FnMut(&mut Work<'_>) -> Result<I> + Send,
    ) -> Result<Outcome> {
        let span = command.span(self.actor);
        let mut attempts = 0;
        let done = self.attempt(command, needs, decide, &mut attempts).instrument(span.clone()).await;
        ended(&span, attempts, &done);
        done
    }

    /// Attempts a command until it is done or can't be, and counts how often.
    async fn attempt<I: Into<Key>>(
        &self,
        command: &impl Command,
        needs: Needs,
        mut decide: impl FnMut(&mut Work<'_>) -> Result<I> + Send,
        attempts: &mut usize,
    ) -> Result<Outcome> {
        let key = self.key()?;
        let digest = match key {
            Some(_) => self.digest(command)?,
            None => [0; 16],
        };
        let mut turn = None;
        loop {
            *attempts += 1;
            let (rows, answered) = self.gather(&needs, key.as_deref(), digest).await?;
            if let Some(answer) = answered {
                return self.confirm(key.as_deref(), digest, answer).await;
            }
            for row in &rows {
                self.desk.observe(row.updated_at());
            }
            let now = self.desk.now();
            self.check_time(now)?;
            let scope = Scope::of(self.actor, self.needs_role);
            let mut work = Work::new(self.desk, self.actor, scope, now, self.settings.at, self.settings.expected, rows);
            if let Actor::User(actor) = self.actor {
                work.read::<crate::model::User>(actor)?;
            }
            let answer = decide(&mut work)?.into();
            if self.settings.expected.is_some() && !work.has_target() {
                return Err(Error::invalid("expected_version", Reason::Inapplicable));
            }
            let (mut change, rows) = work.finish();
            change.idempotency = self.idempotency(key.as_deref(), digest, answer, now);
            match self.commit(change).await {
                Ok((Some(answer), _)) => return Ok(Outcome::DoneBefore { answer }),
                Ok((None, numbers)) => return Ok(Outcome::Done { answer, rows, numbers }),
                // Somebody got in between. What they did is seen by the next attempt, which decides anew; one at a time
                // where many want the same row, so that each round does not let only one of them through.
                Err(Error::Conflict { key, .. }) if *attempts < limits::COMMAND_ATTEMPTS => {
                    drop(turn.take());
                    turn = self.desk.turn(key).await;
                }
                // A ticket was assigned meanwhile to the user who is being deleted: the next attempt finds it.
                Err(Error::StillReferenced { relation: Relation::TicketAssignedTo, .. })
                    if needs.scan.is_some() && *attempts < limits::COMMAND_ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers a command that had happened before. The store is asked to commit it once more, which it will not: so the
    /// answer comes no sooner than what it answers is as durable as any acknowledged command.
    async fn confirm(&self, key: Option<&str>, digest: [u8; 16], answer: Key) -> Result<Outcome> {
        let now = self.desk.now();
        let mut change = ChangeSet::new(now);
        change.idempotency = self.idempotency(key, digest, answer, now);
        let (repeated, _) = self.commit(change).await?;
        Ok(Outcome::DoneBefore { answer: repeated.unwrap_or(answer) })
    }

    async fn commit(&self, change: ChangeSet) -> Result<(Option<Key>, Vec<(Key, u32)>)> {
        let committed = self.desk.store().commit(change).await?;
        self.settings.committed(committed.stamp);
        Ok((committed.repeated, committed.numbers))
    }

    fn key(&self) -> Result<Option<String>> {
        let key = self.settings.key.as_deref();
        let most = limits::IDEMPOTENCY_KEY_CHARS;
        let checked = key.map(|key| text::line(Entity::User, Field::ExternalRef, key, most)).transpose();
        checked.map_err(|error| match error {
            Error::Invalid { reason, .. } => Error::invalid("idempotency_key", reason),
            other => other,
        })
    }

    /// What stands for the command and everything that was given with it.
    fn digest(&self, command: &impl Command) -> Result<[u8; 16]> {
        let whole = (command, self.settings.at, self.settings.expected, self.needs_role);
        let bytes = postcard::to_stdvec(&whole)
            .map_err(|source| Error::Unavailable { store: "the command's digest".to_owned(), source: source.into() })?;
        Ok(xxh3_128(&bytes).to_be_bytes())
    }

    fn idempotency(&self, key: Option<&str>, digest: [u8; 16], answer: Key, now: Timestamp) -> Option<Idempotency> {
        match (self.actor, key) {
            (Actor::User(actor), Some(key)) => Some(Idempotency {
                actor,
                key: key.to_owned(),
                digest,
                answer,
                keep_until: now.plus_micros(limits::IDEMPOTENCY_KEPT_MICROS),
            }),
            _ => None,
        }
    }

    fn check_time(&self, now: Timestamp) -> Result<()> {
        match self.settings.at {
            Some(at) if at > now.plus_micros(limits::CLOCK_SKEW_MICROS) => {
                Err(Error::invalid("occurred_at", Reason::InTheFuture { now }))
            }
            _ => Ok(()),
        }
    }

    /// Reads what a command needs; and whether its key answers it already.
    async fn gather(&self, needs: &Needs, key: Option<&str>, digest: [u8; 16]) -> Result<(Vec<Row>, Option<Key>)> {
        let Needs { keys, find, scan, follow } = needs;
        let actor = match self.actor {
            Actor::User(actor) => Some(actor),
            Actor::System => None,
        };
        let mut get = keys.clone();
        get.extend(actor.map(Key::from));
        let used = actor.zip(key.map(str::to_owned));
        let (find, scan, follow) = (find.clone(), scan.clone(), follow.clone());
        let set = ReadSet { get, find, scan, follow, used, ..ReadSet::default() };
        let answers = self.read(set).await?;
        // One that is past its time is not known any more, though the store may not have forgotten it yet.
        if let Some(used) = answers.used.filter(|used| used.keep_until > self.desk.now()) {
            return if used.digest == digest { Ok((Vec::new(), Some(used.answer))) } else { Err(Error::KeyReused) };
        }
        let scanned = answers.scanned.map(|scanned| scanned.rows).unwrap_or_default();
        let rows = answers.got.into_iter().chain(answers.found).flatten().chain(scanned).chain(answers.followed);
        Ok((rows.collect(), None))
    }

    /// The row that a command made or changed when it was first sent, as it stands now.
    async fn repeated<T: Record + TryFrom<Row>>(&self, key: Key) -> Result<T> {
        let mut answers = self.read(ReadSet { get: vec![key], ..ReadSet::default() }).await?;
        let scope = Scope::of(self.actor, self.needs_role);
        let row = answers.got.pop().flatten().filter(|row| scope.sees(row)).ok_or(Error::NotFound { key })?;
        T::try_from(row).map_err(|_| Error::KeyReused)
    }
}

/// How a command ended.
enum Outcome {
    /// It happened now, and left these rows.
    Done { answer: Key, rows: Vec<Row>, numbers: Vec<(Key, u32)> },
    /// It had happened before, under the same idempotency key.
    DoneBefore { answer: Key },
}

/// The row that answers a command that was just committed.
fn answer_of<T: TryFrom<Row>>(answer: Key, after: Vec<Row>, numbers: &[(Key, u32)]) -> Result<T> {
    let mut row = after.into_iter().find(|row| row.key() == answer).ok_or(Error::NotFound { key: answer })?;
    if let Some((_, number)) = numbers.iter().find(|(key, _)| *key == answer) {
        row.set_number(*number);
    }
    T::try_from(row).map_err(|_| Error::NotFound { key: answer })
}
