//! The desk: a store, a clock, a source of ids, and the doors to the portals.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::DeskTime;
use crate::model::{
    Actor, Entity, Key, Role, Row, Ticket, TicketId, TicketStatus, TimeRange, Timestamp, User, UserId, Value, Version,
    uuid_at,
};
use crate::rules::ticket_status::Mover;
use crate::rules::{limits, text};
use crate::schema::Field;
use crate::store::{Guard, Order, ReadSet, Scan, Store, UniqueValue, Verification};
use crate::view::{Listing, WorkFilter, WorkListing};
use crate::{Clock, Error, IdSource, Result, SystemClock, SystemIds};

use super::cache::Cache;
use super::change::Edit;
use super::run::{Call, Needs};
use super::{Admin, Agent, Customer, NewUser, Portal, TicketChange};

/// A service desk over a store. Cheap to clone; all clones are the same desk.
///
/// Everything goes through the portals, save two things that no person does: making the first admin, and closing what
/// was resolved long enough ago.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Desk").field(&format_args!("{}", self.inner.store)).finish()
    }
}

struct Inner {
    store: Arc<dyn Store>,
    time: DeskTime,
    ids: Arc<dyn IdSource>,
    /// Where commands queue that another got in between of: one permit each, so that they don't trip over each other
    /// again. Rows share them by hash. A permit guards nothing; whoever drops a command's future lets it go.
    turns: [Semaphore; TURNS],
    /// Users and services, for commands.
    cache: Cache,
}

/// How many queues there are for commands that lost a race. More of them let commands on different rows pass each other.
const TURNS: usize = 64;

/// Puts a [`Desk`] together.
#[derive(Debug)]
pub struct DeskBuilder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl DeskBuilder {
    /// With another clock than the system's.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// With another source of ids than the system's randomness.
    pub fn ids(self, ids: Arc<dyn IdSource>) -> Self {
        Self { ids, ..self }
    }

    /// The desk.
    pub fn build(self) -> Desk {
        let turns = std::array::from_fn(|_| Semaphore::new(1));
        let time = DeskTime::new(self.clock);
        Desk { inner: Arc::new(Inner { store: self.store, time, ids: self.ids, turns, cache: Cache::default() }) }
    }
}

impl Desk {
    /// The desk that `store` keeps, with the system's clock and randomness.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::builder(store).build()
    }

    /// The desk that `store` keeps, to be put together.
    pub fn builder(store: Arc<dyn Store>) -> DeskBuilder {
        DeskBuilder { store, clock: Arc::new(SystemClock), ids: Arc::new(SystemIds) }
    }

    /// The portal of an admin.
    pub fn admin(&self, actor: UserId) -> Admin {
        Portal::new(self.clone(), actor)
    }

    /// The portal of an agent; an admin may use it too.
    pub fn agent(&self, actor: UserId) -> Agent {
        Portal::new(self.clone(), actor)
    }

    /// The portal of a customer.
    pub fn customer(&self, actor: UserId) -> Customer {
        Portal::new(self.clone(), actor)
    }

    /// The store beneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    pub async fn health(&self) -> Result<()> {
        self.inner.store.health().await
    }

    /// Recounts everything that the store keeps, and tells each thing that does not hold together: rows against indexes,
    /// unique fields, relations and counters, history against versions, the feed against history. Commands go on
    /// meanwhile, and may wait for parts of it.
    ///
    /// For the application itself, now and then or after a crash. Costs O(everything · log n).
    ///
    /// # Errors
    /// What keeps the store from reading. What it finds is told in the [`Verification`], and is no error.
    ///
    /// ```
    /// # async fn example(desk: bsm_core::Desk) -> bsm_core::Result<()> {
    /// let found = desk.verify().await?;
    /// for difference in &found.differences {
    ///     eprintln!("{difference}");
    /// }
    /// assert!(found.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify(&self) -> Result<Verification> {
        self.inner.store.verify().await
    }

    /// Waits for the commands under way and lets go of the store: of all clones of this desk.
    ///
    /// Whoever drops the future before it is done calls it again, and waits for the same end: the desk may take no more
    /// calls by then, and its store may still be open, so that another handle meets [`Error::InUse`].
    ///
    /// # Errors
    /// What went wrong while the last commits were made durable.
    pub async fn close(&self) -> Result<()> {
        self.inner.store.close().await
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.time.now()
    }

    pub(super) fn observe(&self, recorded: Timestamp) {
        self.inner.time.observe(recorded);
    }

    /// A turn for a command that lost a race for `key`. (The semaphores are never closed, so there always is one.)
    pub(super) async fn turn(&self, key: Key) -> Option<SemaphorePermit<'_>> {
        let (_, low) = key.id.as_u64_pair();
        let place = usize::try_from(low % TURNS as u64).unwrap_or(0);
        self.inner.turns[place].acquire().await.ok()
    }

    /// A fresh id for something that was created at `at`.
    pub(super) fn fresh(&self, at: Timestamp) -> Result<uuid::Uuid> {
        Ok(uuid_at(at, self.inner.ids.bits()?))
    }

    /// Makes the first admin. Works once, on a desk without users.
    ///
    /// # Errors
    /// [`Error::AlreadyBootstrapped`] ever after; [`Error::Invalid`] for a name or address that is none, or another role
    /// than admin.
    pub async fn bootstrap(&self, first: NewUser) -> Result<User> {
        if first.role != Role::Admin {
            return Err(Error::invalid_of(Entity::User, "role", crate::Reason::WrongRole { needs: Role::Admin }));
        }
        let call = Call::by_system(self);
        call.run(&("bootstrap", &first), Needs::default(), |work| {
            work.guard(Guard::Empty(Entity::User));
            let user = first.to_user(work)?;
            work.insert(user.clone());
            Ok(user.id)
        })
        .await
    }

    /// The person who has this email address, whatever its case: for the application itself, which lets people in. (Staff
    /// ask their portal.)
    ///
    /// # Errors
    /// [`Error::NoneWith`]; [`Error::Invalid`] for what is no address.
    pub async fn user_by_email(&self, email: &str) -> Result<User> {
        let value = Value::from(&text::email(email)?).into_owned();
        let find = vec![UniqueValue { entity: Entity::User, field: Field::Email, value }];
        let found = self.inner.store.read(ReadSet { find, ..ReadSet::default() }).await?.found;
        match found.into_iter().flatten().next() {
            Some(Row::User(user)) => Ok(user),
            _ => Err(Error::NoneWith { entity: Entity::User, field: Field::Email }),
        }
    }

    /// Closes every ticket that was resolved at or before `before`, as the system, one command each; returns how many.
    ///
    /// Costs O(log n) for each resolved ticket, closed or not. A ticket that somebody reopens meanwhile stays open.
    /// Stopped half-way, it can be called again.
    ///
    /// # Errors
    /// What the store says; what was closed by then stays closed.
    pub async fn close_resolved(&self, before: Timestamp) -> Result<usize> {
        let resolved = WorkListing::TicketStatus(TicketStatus::Resolved);
        let nobody = UserId::from_uuid(uuid::Uuid::nil());
        let branches = resolved.branches(&WorkFilter::default(), &[Entity::Ticket], nobody)?;
        let (mut closed, mut after) = (0, None);
        loop {
            let scan = Scan {
                branches: branches.clone(),
                within: TimeRange::ALL,
                order: Order::OldestFirst,
                after,
                limit: limits::CLOSE_BATCH,
                budget: limits::CLOSE_BATCH,
            };
            let set = ReadSet { scan: Some(scan), current: true, ..ReadSet::default() };
            let scanned = self.inner.store.read(set).await?.scanned.unwrap_or_default();
            for row in scanned.rows {
                if let Row::Ticket(ticket) = row
                    && is_due(&ticket, before)
                    && self.close_one(ticket.id, before).await?
                {
                    closed += 1;
                }
            }
            match scanned.resume {
                Some(id) => after = Some(id),
                None => return Ok(closed),
            }
        }
    }

    /// Closes one ticket as the system, if it still is to be closed by then.
    async fn close_one(&self, id: TicketId, before: Timestamp) -> Result<bool> {
        let change = TicketChange::to(TicketStatus::Closed);
        let mut stays = false;
        let closed = Call::by_system(self)
            .run::<Ticket, _>(&("close_resolved", id), Needs::ticket(id), |work| {
                let ticket: Ticket = work.read(id)?;
                stays = !is_due(&ticket, before);
                if stays {
                    return Err(Error::NotResolved { key: id.into(), status: ticket.status.as_str() });
                }
                Edit { mover: Mover::System, change: &change, must_move: true }.apply(work, id)
            })
            .await;
        match closed {
            Err(_) if stays => Ok(false),
            closed => closed.map(|_| true),
        }
    }
}

/// Whether a ticket was resolved long enough ago.
fn is_due(ticket: &Ticket, before: Timestamp) -> bool {
    ticket.status == TicketStatus::Resolved && ticket.resolved_at.is_some_and(|at| at <= before)
}

impl NewUser {
    /// The user that is asked for, checked.
    pub(super) fn to_user(&self, work: &super::work::Work<'_>) -> Result<User> {
        Ok(User {
            id: UserId::from_uuid(work.fresh()?),
            full_name: text::line(Entity::User, Field::FullName, &self.full_name, limits::FULL_NAME_CHARS)?,
            email: text::email(&self.email)?,
            role: self.role,
            active: true,
            external_ref: text::external_ref(Entity::User, self.external_ref.as_deref())?,
            version: Version::FIRST,
            updated_at: work.now(),
        })
    }
}

/// Who is named as the actor of what the desk does by itself.
pub(super) const SYSTEM: Actor = Actor::System;
