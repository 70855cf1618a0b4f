//! Following what happens: pages and watches of the desk's feed, and of a customer's own.

use crate::feed::{Event, EventPage, EventQuery, OwnEvent, Reader, Since, Watch};
use crate::model::{Entity, Timestamp};
use crate::rules::limits;
use crate::{Error, Result};

use super::run::Caller;
use super::{Customer, Desk, Portal, StaffRole};

impl<R: StaffRole> Portal<R> {
    /// A page of what happened on the desk, one event for each command, in order.
    ///
    /// Costs O(log n + page). All of it is durable, if the store is.
    ///
    /// # Errors
    /// [`Error::PositionExpired`](crate::Error::PositionExpired) behind what was trimmed; [`Error::InvalidPosition`](crate::Error::InvalidPosition); [`Error::Invalid`](crate::Error::Invalid) of field `limit`.
    ///
    /// ```no_run
    /// # async fn example(admin: bsm_core::Admin) -> bsm_core::Result<()> {
    /// use bsm_core::feed::{EventQuery, Since};
    /// use bsm_core::model::Entity;
    ///
    /// let mut query = EventQuery::since(Since::Oldest).only([Entity::Ticket]).limit(100);
    /// loop {
    ///     let page = admin.events(&query).await?;
    ///     println!("{} events", page.events.len());
    ///     if !page.more {
    ///         break;
    ///     }
    ///     // The same question from there on: a position alone has neither the filter nor the limit.
    ///     query.since = Since::After(page.position);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn events(&self, query: &EventQuery) -> Result<EventPage<Event>> {
        Reader::new(self.caller(), None, query.entities.clone()).events(query).await
    }

    /// Follows what happens on the desk: see [`Watch`].
    ///
    /// # Errors
    /// [`Error::PositionExpired`](crate::Error::PositionExpired) behind what was trimmed; [`Error::InvalidPosition`](crate::Error::InvalidPosition).
    pub async fn watch(&self, query: impl Into<EventQuery> + Send) -> Result<Watch<Event>> {
        let EventQuery { since, entities, limit: _ } = query.into();
        Watch::begin(Reader::new(self.caller(), None, entities), &since).await
    }
}

impl Customer {
    /// A page of what happened to what is the customer's, in order.
    ///
    /// Costs O(log n + page): what is others' is not looked at, and positions do not count it.
    ///
    /// # Errors
    /// [`Error::PositionExpired`](crate::Error::PositionExpired) behind what was trimmed; [`Error::InvalidPosition`](crate::Error::InvalidPosition), also for another's;
    /// [`Error::Invalid`](crate::Error::Invalid) of field `limit`.
    pub async fn events(&self, query: &EventQuery) -> Result<EventPage<OwnEvent>> {
        Reader::new(self.caller(), Some(self.actor()), query.entities.clone()).events(query).await
    }

    /// Follows what happens to what is the customer's: see [`Watch`].
    ///
    /// # Errors
    /// [`Error::PositionExpired`](crate::Error::PositionExpired) behind what was trimmed; [`Error::InvalidPosition`](crate::Error::InvalidPosition), also for another's.
    pub async fn watch(&self, query: impl Into<EventQuery> + Send) -> Result<Watch<OwnEvent>> {
        let EventQuery { since, entities, limit: _ } = query.into();
        Watch::begin(Reader::new(self.caller(), Some(self.actor()), entities), &since).await
    }
}

impl Desk {
    /// A page of what happened on the desk, for the application itself. (People ask their portal.)
    ///
    /// # Errors
    /// As [`Portal::events`].
    pub async fn events(&self, query: &EventQuery) -> Result<EventPage<Event>> {
        self.feed(query.entities.clone()).events(query).await
    }

    /// Follows what happens on the desk, for the application itself: see [`Watch`].
    ///
    /// # Errors
    /// As [`Portal::watch`].
    pub async fn watch(&self, query: impl Into<EventQuery> + Send) -> Result<Watch<Event>> {
        let EventQuery { since, entities, limit: _ } = query.into();
        Watch::begin(self.feed(entities), &since).await
    }

    /// Makes every position that was given before [expired](crate::Error::PositionExpired), so that whoever comes back with
    /// one is told that they may have missed something, and goes on from the oldest event. For a desk that was restored
    /// from a copy of its files, or of its database: commands that came after the copy are gone, those that come now get the same places again,
    /// and a position from between would skip some of them in silence. (A desk that was imported does it by itself.)
    ///
    /// Watches under way are told the same. Costs a commit.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) by a store that can't; what else the store says.
    pub async fn expire_positions(&self) -> Result<()> {
        self.store().expire_positions().await
    }

    fn feed(&self, entities: Vec<Entity>) -> Reader {
        Reader::new(Caller::system(self), None, entities)
    }

    /// Forgets the oldest events of the feed, up to the first that was recorded at `before` or later; returns how many.
    /// The newest is always kept. History stays as it is.
    ///
    /// How long events are kept is the application's choice: as long as its slowest reader may be away. One that comes back
    /// later gets [`Error::PositionExpired`](crate::Error::PositionExpired). Costs O(log n) for each event; stopped half-way, it can be called again.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) by a store that can't; [`Error::Damaged`](crate::Error::Damaged)
    /// by one whose events are still there after it forgot them; what else the store says.
    pub async fn trim(&self, before: Timestamp) -> Result<usize> {
        let feed = self.feed(Vec::new());
        let (mut trimmed, mut reached) = (0, None);
        loop {
            let now = self.store().trim(before, limits::TRIM_BATCH).await?;
            trimmed += now;
            if now < limits::TRIM_BATCH {
                return Ok(trimmed);
            }
            // A store that takes nothing away would forget the same events for ever.
            let oldest = Some(feed.begin(&Since::Oldest).await?);
            if oldest == reached {
                let detail = "events that were trimmed are still there".to_owned();
                return Err(Error::Damaged { store: self.store().to_string(), detail });
            }
            reached = oldest;
        }
    }
}
