//! What staff see: the four views, the summary, and history.

use serde::Serialize;

use crate::model::{
    Entity, HistoryEntry, Key, Note, Rating, RatingId, ServiceId, ServiceRequest, Ticket, TicketId, Value, Version,
};
use crate::schema::{Counter, Field, Relation};
use crate::store::{CountQuery, HistoryQuery, Order, ReadSet};
use crate::view::{
    Listing, NoFilter, Page, Query, RatingFigures, RatingListing, RatingRow, RequestRow, Summary, UNIFIED,
    UnifiedTicket, WorkListing,
};
use crate::{Error, Result};

use super::catalogue::by_stars;
use super::run::Needs;
use super::scope::Scope;
use super::{Portal, PortalRole, StaffRole};

/// What the unified view names.
pub(super) const UNIFIED_JOINS: &[Relation] =
    &[Relation::TicketRequestedFor, Relation::TicketAssignedTo, Relation::RequestCustomer, Relation::RequestService];
const REQUEST_JOINS: &[Relation] = &[Relation::RequestCustomer, Relation::RequestService];
const RATING_JOINS: &[Relation] = &[Relation::RatingCustomer, Relation::RatingService];

/// A page of a row's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct HistoryPage {
    /// The entries, in the order that was asked for.
    pub entries: Vec<HistoryEntry>,
    /// The version behind which the next page begins; `None` at the end.
    pub next: Option<Version>,
}

impl<R: PortalRole> Portal<R> {
    pub(super) async fn history_page(
        &self,
        key: Key,
        order: Order,
        after: Option<Version>,
        limit: usize,
    ) -> Result<HistoryPage> {
        let limit = crate::view::page_size(limit)?;
        let history = Some(HistoryQuery { key, order, after, limit });
        let answers = self.read(ReadSet { get: vec![key], history, ..ReadSet::default() }).await?;
        let scope = self.scope();
        let seen = answers.got.into_iter().flatten().any(|row| scope.sees(&row));
        let mut entries = answers.history;
        // Of a row that was deleted the history stays, for those who see everything.
        if !seen && !(scope == Scope::Desk && (!entries.is_empty() || self.has_history(key).await?)) {
            return Err(Error::NotFound { key });
        }
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|entry| entry.version);
        Ok(HistoryPage { entries, next })
    }

    /// Whether there ever was a row. Asked only about one that is gone, behind its last entry.
    async fn has_history(&self, key: Key) -> Result<bool> {
        let history = Some(HistoryQuery { key, order: Order::OldestFirst, after: None, limit: 1 });
        Ok(!self.read(ReadSet { history, ..ReadSet::default() }).await?.history.is_empty())
    }
}

impl<R: StaffRole> Portal<R> {
    /// The totals of the desk. Costs the same at any size.
    ///
    /// # Errors
    /// What the store says.
    pub async fn summary(&self) -> Result<Summary> {
        let answers = self.read(ReadSet { counts: Summary::queries(), ..ReadSet::default() }).await?;
        Ok(Summary::from_counts(&answers.counts))
    }

    /// A page of `unified_tickets_view`: tickets and requests together.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    ///
    /// ```no_run
    /// # async fn example(admin: bsm_core::Admin) -> bsm_core::Result<()> {
    /// use bsm_core::model::Phase;
    /// use bsm_core::view::{Query, WorkListing};
    ///
    /// let mut query = Query::of(WorkListing::Phase(Phase::Open));
    /// loop {
    ///     let page = admin.unified(&query).await?;
    ///     for row in page.rows {
    ///         println!("{} {}", row.number, row.title);
    ///     }
    ///     let Some(next) = page.next else { break };
    ///     query = query.cursor(next);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn unified(&self, query: &Query<WorkListing>) -> Result<Page<UnifiedTicket>> {
        self.page("unified", query, UNIFIED, UNIFIED_JOINS, crate::view::Related::unified).await
    }

    /// A page of tickets.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`, or of field `listing` for one that only requests have;
    /// [`Error::InvalidCursor`].
    pub async fn tickets(&self, query: &Query<WorkListing>) -> Result<Page<Ticket>> {
        self.list("tickets", query, Entity::Ticket).await
    }

    /// A page of requests.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`, or of field `listing` for one that only tickets have;
    /// [`Error::InvalidCursor`].
    pub async fn requests(&self, query: &Query<WorkListing>) -> Result<Page<ServiceRequest>> {
        self.list("requests", query, Entity::Request).await
    }

    /// A page of `admin_customer_service_requests`: requests with service and customer.
    ///
    /// # Errors
    /// As [`requests`](Self::requests).
    pub async fn request_rows(&self, query: &Query<WorkListing>) -> Result<Page<RequestRow>> {
        self.page("request_rows", query, &[Entity::Request], REQUEST_JOINS, crate::view::Related::request).await
    }

    /// A page of `admin_customer_ratings`: ratings with service and customer.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn rating_rows(&self, query: &Query<RatingListing>) -> Result<Page<RatingRow>> {
        self.page("rating_rows", query, &[Entity::Rating], RATING_JOINS, crate::view::Related::rating).await
    }

    /// A rating.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn rating(&self, id: RatingId) -> Result<Rating> {
        self.get(id).await
    }

    /// How customers rate one service, or all. Costs the same at any size.
    ///
    /// # Errors
    /// What the store says. A service that does not exist has no ratings.
    pub async fn rating_figures(&self, service: Option<ServiceId>) -> Result<RatingFigures> {
        let query = match service {
            Some(id) => CountQuery { counter: Counter::ServiceRatings, prefix: vec![id.into()] },
            None => CountQuery { counter: Counter::Ratings, prefix: Vec::new() },
        };
        let answers = self.read(ReadSet { counts: vec![query], ..ReadSet::default() }).await?;
        Ok(answers.counts.first().map(|counts| by_stars(counts)).unwrap_or_default())
    }

    /// A page of the history of any row, in the order of its versions or against it, from behind `after`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a row that never was; [`Error::Invalid`] of field `limit`.
    pub async fn history(
        &self,
        of: impl Into<Key> + Send,
        order: Order,
        after: Option<Version>,
        limit: usize,
    ) -> Result<HistoryPage> {
        self.history_page(of.into(), order, after, limit).await
    }

    /// A page of the notes on a ticket, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn notes(&self, query: &Query<NotesOf>) -> Result<Page<Note>> {
        self.list("notes", query, Entity::Note).await
    }
}

/// The notes on a ticket, as a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct NotesOf(pub TicketId);

impl Listing for NotesOf {
    type Filter = NoFilter;

    fn branches(&self, _: &NoFilter, _: &[Entity], _: crate::model::UserId) -> Result<Vec<crate::store::Branch>> {
        let index = crate::schema::Index::by(Entity::Note, &[Field::TicketId]);
        let branch = |index| crate::store::Branch { index, values: vec![self.0.into()], conditions: Vec::new() };
        Ok(index.map(branch).into_iter().collect())
    }
}

impl<R: StaffRole> Portal<R> {
    /// Deletes a rating, for instance one that insults. Its request stays marked as rated: there is no second one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] if a version was expected.
    pub async fn delete_rating(&self, id: RatingId) -> Result<()> {
        let of = Needs::find(Entity::Request, Field::RatingId, Value::Id(id.as_uuid()));
        self.call()
            .run_deletion(&("delete_rating", id), of.and([id.into()]), |work| {
                let rating: Rating = work.target(id)?;
                for row in work.all(|row| row.value(Field::RatingId) == Value::Id(id.as_uuid())) {
                    let mut request: ServiceRequest = work.read(row.key())?;
                    request.rating_id = None;
                    work.update(request);
                }
                work.delete(rating.id);
                Ok(id)
            })
            .await
    }
}
