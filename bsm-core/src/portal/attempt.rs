//! How a command runs: gather what it needs, decide, commit; and decide anew when another got in between, or when what it
//! was decided on may have been stale.
//!
//! A command is decided on one read of all that it needs, its actor and its key included; or, where the desk's
//! [`Cache`](super::cache::Cache) has all that it needs, on that, and then nothing is read. (Never on some of each: a refusal
//! would need the read as well.) A command that succeeds is right all the same, since the commit checks the version of every
//! row that it was decided on, and looks for the key. One that is refused may be so only for a row that has changed since, or
//! because it had happened before under its key: so what was decided on the cache alone is told to nobody, but decided anew.
//! It is also why a command through a handle that [sees](super::Portal::seeing) a stamp needs no more: its commit is checked
//! against what the stamp marks and all that came since, and its refusals are decided on a read with the stamp.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use crate::model::{Actor, Entity, Key, Record, Row, Timestamp, Version};
use crate::rules::{limits, text};
use crate::schema::{Field, Relation};
use crate::store::{ChangeSet, Idempotency, ReadSet, Remembered, Write};
use crate::{Error, Reason, Result};

use super::cache::Cache;
use super::command::{Command, ended};
use super::run::{Call, Needs};
use super::scope::Scope;
use super::work::Work;

/// The idempotency key that a command was sent under, if it was, and what stands for the command then.
struct Keyed {
    key: Option<String>,
    digest: [u8; 16],
}

/// What an attempt is decided on.
struct Basis {
    rows: Vec<Arc<Row>>,
    /// What the key was used for.
    used: Option<Remembered>,
    /// Whether the store said so; else the rows came from the cache, and the key was not looked for.
    certain: bool,
}

/// What an attempt came to.
enum Decision {
    /// This is to be committed, and leaves these rows.
    Commit { change: ChangeSet, answer: Key, rows: Vec<Row> },
    /// The command had happened before.
    HappenedBefore { answer: Key },
}

/// How a command ended.
enum Outcome {
    /// It happened now, and left these rows.
    Done { answer: Key, rows: Vec<Row>, numbers: Vec<(Key, u32)> },
    /// It had happened before, under the same idempotency key.
    DoneBefore { answer: Key },
}

impl Call<'_> {
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
        match self.execute(command, needs, decide).await? {
            Outcome::Done { .. } => Ok(()),
            // Nothing is told of it but that; still not to somebody who may not ask any more.
            Outcome::DoneBefore { .. } => self.read(ReadSet { current: true, ..ReadSet::default() }).await.map(drop),
        }
    }

    /// Runs a command in its span.
    async fn execute<I: Into<Key>>(
        &self,
        command: &impl Command,
        needs: Needs,
        decide: impl FnMut(&mut Work<'_>) -> Result<I> + Send,
    ) -> Result<Outcome> {
        use tracing::Instrument as _;
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
        let keyed = self.keyed(command)?;
        let mut turn = None;
        // Those that were decided on what the store said: the one before them, if there is one, takes none of their number.
        let mut counted = 0;
        loop {
            let fresh = *attempts > 0;
            *attempts += 1;
            let basis = self.gather(&needs, &keyed, fresh).await?;
            let certain = basis.certain;
            counted += usize::from(certain);
            let more = counted < limits::COMMAND_ATTEMPTS;
            match self.decide(&basis, &keyed, &mut decide) {
                Ok(Decision::HappenedBefore { answer }) => return self.confirm(&keyed, answer).await,
                Ok(Decision::Commit { change, answer, rows }) => match self.commit(change, &rows).await {
                    Ok((Some(answer), _)) => return Ok(Outcome::DoneBefore { answer }),
                    Ok((None, numbers)) => return Ok(Outcome::Done { answer, rows, numbers }),
                    // Nobody got in between: what was cached was stale. Of a deletion, and of a guard against children, the
                    // store may tell before it comes to the version; and of the key, before it comes to the actor's.
                    Err(Error::Conflict { .. } | Error::StillReferenced { .. } | Error::KeyReused) if !certain => {}
                    // Somebody got in between. What they did is seen by the next attempt, which decides anew; one at a time
                    // where many want the same row, so that each round does not let only one of them through.
                    Err(Error::Conflict { key, .. }) if more => {
                        drop(turn.take());
                        turn = self.desk.turn(key).await;
                    }
                    // A ticket was assigned meanwhile to the user who is being deleted: the next attempt finds it.
                    Err(Error::StillReferenced { relation: Relation::TicketAssignedTo, .. })
                        if needs.scan.is_some() && more => {}
                    Err(error) => return Err(error),
                },
                Err(error) if certain => return Err(error),
                // It may be refused for something stale, or because it has happened.
                Err(_) => {}
            }
            if !certain {
                for row in &basis.rows {
                    self.desk.cache().forget(row.key(), row.version());
                }
            }
        }
    }

    /// Gathers what a command needs: from the cache, if that has it all and it need not be `fresh`; else in one read, as of
    /// one moment.
    async fn gather(&self, needs: &Needs, keyed: &Keyed, fresh: bool) -> Result<Basis> {
        let Needs { keys, find, scan, follow } = needs;
        let actor = match self.actor {
            Actor::User(actor) => Some(actor),
            Actor::System => None,
        };
        let mut get: Vec<Key> = keys.iter().copied().chain(actor.map(Key::from)).collect();
        get.sort_unstable();
        get.dedup();
        if find.is_empty() && scan.is_none() {
            if get.is_empty() {
                return Ok(Basis { rows: Vec::new(), used: None, certain: true });
            }
            let cached = if fresh { None } else { self.desk.cache().get(&get) };
            if let Some(rows) = cached {
                return Ok(Basis { rows, used: None, certain: false });
            }
        }
        let used = actor.zip(keyed.key.clone());
        let (find, scan, follow) = (find.clone(), scan.clone(), follow.clone());
        let at_least = self.settings.at_least.clone();
        let set = ReadSet { get, find, scan, follow, used, at_least, current: true, ..ReadSet::default() };
        let answers = self.desk.store().read(set).await?;
        let scanned = answers.scanned.map(|scanned| scanned.rows).unwrap_or_default();
        let read = answers.got.into_iter().chain(answers.found).flatten().chain(scanned).chain(answers.followed);
        let rows: Vec<Arc<Row>> = read.map(Arc::new).collect();
        self.desk.cache().put(&rows);
        Ok(Basis { rows, used: answers.used, certain: true })
    }

    /// Decides on what was gathered.
    fn decide<I: Into<Key>>(
        &self,
        basis: &Basis,
        keyed: &Keyed,
        decide: &mut impl FnMut(&mut Work<'_>) -> Result<I>,
    ) -> Result<Decision> {
        if let Actor::User(actor) = self.actor {
            let actor = Key::from(actor);
            self.admit(basis.rows.iter().find(|row| row.key() == actor).map(AsRef::as_ref))?;
        }
        // One that is past its time is not known any more, though the store may not have forgotten it yet.
        if let Some(used) = basis.used.as_ref().filter(|used| used.keep_until > self.desk.now()) {
            let same = used.digest == keyed.digest;
            return if same { Ok(Decision::HappenedBefore { answer: used.answer }) } else { Err(Error::KeyReused) };
        }
        for row in &basis.rows {
            self.desk.observe(row.updated_at());
        }
        let now = self.desk.now();
        self.check_time(now)?;
        let scope = Scope::of(self.actor, self.needs_role);
        let rows = basis.rows.iter().cloned();
        let mut work = Work::new(self.desk, self.actor, scope, now, self.settings.at, self.settings.expected, rows);
        if let Actor::User(actor) = self.actor {
            work.rely_on(actor.into());
        }
        let answer = decide(&mut work)?.into();
        if self.settings.expected.is_some() && !work.has_target() {
            return Err(Error::invalid("expected_version", Reason::Inapplicable));
        }
        let (mut change, rows) = work.finish();
        change.idempotency = self.idempotency(keyed, answer, now);
        Ok(Decision::Commit { change, answer, rows })
    }

    /// Answers a command that had happened before. The store is asked to commit it once more, which it will not: so the
    /// answer comes no sooner than what it answers is as durable as any acknowledged command.
    async fn confirm(&self, keyed: &Keyed, answer: Key) -> Result<Outcome> {
        let now = self.desk.now();
        let mut change = ChangeSet::new(now);
        change.idempotency = self.idempotency(keyed, answer, now);
        let (repeated, _) = self.commit(change, &[]).await?;
        Ok(Outcome::DoneBefore { answer: repeated.unwrap_or(answer) })
    }

    /// Commits a change set that leaves these rows, and lets the cache know of them.
    async fn commit(&self, change: ChangeSet, rows: &[Row]) -> Result<(Option<Key>, Vec<(Key, u32)>)> {
        let deleted = change.writes.iter().filter_map(|write| match write {
            Write::Delete { key, expected } => Some((*key, *expected)),
            _ => None,
        });
        let deleted: Vec<(Key, Version)> = deleted.collect();
        let committed = self.desk.store().commit(change).await?;
        self.settings.committed(committed.stamp);
        if committed.repeated.is_none() {
            let written = rows.iter().filter(|row| Cache::keeps(row.entity())).cloned().map(Arc::new);
            self.desk.cache().put(&written.collect::<Vec<_>>());
            for (key, version) in deleted {
                self.desk.cache().forget(key, version);
            }
        }
        Ok((committed.repeated, committed.numbers))
    }

    /// The key that the command is sent under, checked, and what stands for it and everything that was given with it.
    fn keyed(&self, command: &impl Command) -> Result<Keyed> {
        let Some(key) = self.settings.key.as_deref() else { return Ok(Keyed { key: None, digest: [0; 16] }) };
        let most = limits::IDEMPOTENCY_KEY_CHARS;
        let key = text::line(Entity::User, Field::ExternalRef, key, most).map_err(|error| match error {
            Error::Invalid { reason, .. } => Error::invalid("idempotency_key", reason),
            other => other,
        })?;
        let whole = (command, self.settings.at, self.settings.expected, self.needs_role);
        let bytes = postcard::to_stdvec(&whole)
            .map_err(|source| Error::Unavailable { store: "the command's digest".to_owned(), source: source.into() })?;
        Ok(Keyed { key: Some(key), digest: xxh3_128(&bytes).to_be_bytes() })
    }

    fn idempotency(&self, keyed: &Keyed, answer: Key, now: Timestamp) -> Option<Idempotency> {
        match (self.actor, &keyed.key) {
            (Actor::User(actor), Some(key)) => Some(Idempotency {
                actor,
                key: key.clone(),
                digest: keyed.digest,
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

    /// The row that a command made or changed when it was first sent, as it stands now.
    async fn repeated<T: Record + TryFrom<Row>>(&self, key: Key) -> Result<T> {
        // Whoever sent it first may have done so through another process.
        let mut answers = self.read(ReadSet { get: vec![key], current: true, ..ReadSet::default() }).await?;
        let scope = Scope::of(self.actor, self.needs_role);
        let row = answers.got.pop().flatten().filter(|row| scope.sees(row)).ok_or(Error::NotFound { key })?;
        T::try_from(row).map_err(|_| Error::KeyReused)
    }
}

/// The row that answers a command that was just committed.
fn answer_of<T: TryFrom<Row>>(answer: Key, after: Vec<Row>, numbers: &[(Key, u32)]) -> Result<T> {
    let mut row = after.into_iter().find(|row| row.key() == answer).ok_or(Error::NotFound { key: answer })?;
    if let Some((_, number)) = numbers.iter().find(|(key, _)| *key == answer) {
        row.set_number(*number);
    }
    T::try_from(row).map_err(|_| Error::NotFound { key: answer })
}
