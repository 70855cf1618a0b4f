//! Who calls, and how a call reads: together with its actor, who is admitted in the same moment. How a command runs is told
//! in [`attempt`](super::attempt).

use crate::model::{Actor, Entity, Key, Record, Role, Row, TicketId, Value};
use crate::schema::{Field, Relation};
use crate::store::{Answers, ReadSet, Scan, Store, UniqueValue};
use crate::{ActorName, Error, Result};

use super::command::Command;
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
    pub(super) desk: &'a Desk,
    pub(super) actor: Actor,
    pub(super) needs_role: Role,
    admits: fn(Role) -> bool,
    pub(super) settings: Settings,
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
        self.admit(answers.got.pop().flatten().as_ref())?;
        Ok(answers)
    }

    /// Refuses an actor of whom this is the row, unless they may use the portal.
    pub(super) fn admit(&self, actor: Option<&Row>) -> Result<()> {
        match actor {
            Some(Row::User(user)) if user.active && (self.admits)(user.role) => Ok(()),
            _ => Err(Error::NotAllowed { actor: ActorName(self.actor), needs: self.needs_role }),
        }
    }
}
