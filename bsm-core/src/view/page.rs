//! Pages: from a query to a scan, and from what was scanned to a page with its cursors.

use serde::Serialize;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::model::{Entity, Row, TimeRange, UserId};
use crate::rules::limits;
use crate::store::{Order, Scan, Scanned};
use crate::{Error, Reason, Result};

use super::cursor::Place;
use super::{Cursor, Listing};

/// What to list, in which order, and how much of it.
///
/// The listing has an index: its page costs O(log n + page), whatever n. The filter is looked at row by row: a call
/// examines at most [`limits::EXAMINE_BUDGET`] rows, and may return a short page, even an empty one, with a cursor to go
/// on. The list is at its end when [`Page::next`] is `None`, and not before.
///
/// ```
/// use bsm_core::model::Phase;
/// use bsm_core::view::{Query, WorkListing};
///
/// let open = Query::of(WorkListing::Phase(Phase::Open)).limit(20);
/// assert_eq!(open.limit, 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<L: Listing> {
    /// By what.
    pub listing: L,
    /// What is asked of its rows besides.
    pub filter: L::Filter,
    /// When the rows were created.
    pub within: TimeRange,
    /// In which order. Newest first unless said otherwise.
    pub order: Order,
    /// The most rows on the page, from 1 to [`limits::PAGE_SIZE_MAX`].
    pub limit: usize,
    /// From where; from the beginning if not said.
    pub cursor: Option<Cursor>,
}

impl<L: Listing + Default> Default for Query<L> {
    fn default() -> Self {
        Self::of(L::default())
    }
}

impl<L: Listing> Query<L> {
    /// The first page of a listing, unfiltered, newest first.
    pub fn of(listing: L) -> Self {
        Self {
            listing,
            filter: L::Filter::default(),
            within: TimeRange::ALL,
            order: Order::NewestFirst,
            limit: limits::PAGE_SIZE_DEFAULT,
            cursor: None,
        }
    }

    /// With a filter.
    pub fn filter(self, filter: L::Filter) -> Self {
        Self { filter, ..self }
    }

    /// Only what was created within `range`.
    pub fn within(self, within: TimeRange) -> Self {
        Self { within, ..self }
    }

    /// In this order.
    pub fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// At most this many rows.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Going on from a cursor of the same query.
    pub fn cursor(self, cursor: impl Into<Option<Cursor>>) -> Self {
        Self { cursor: cursor.into(), ..self }
    }
}

/// One page of a list. All its rows are of one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows, in the query's order.
    pub rows: Vec<T>,
    /// Goes on behind the last row; `None` at the end.
    pub next: Option<Cursor>,
    /// Goes back before the first row; `None` at the beginning.
    pub previous: Option<Cursor>,
}

impl<T> Page<T> {
    /// The page with every row turned into something else.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(turn).collect(), next: self.next, previous: self.previous }
    }
}

/// A checked page size.
pub(crate) fn page_size(limit: usize) -> Result<usize> {
    if (1..=limits::PAGE_SIZE_MAX).contains(&limit) {
        Ok(limit)
    } else {
        let max = limits::PAGE_SIZE_MAX.to_string();
        Err(Error::invalid("limit", Reason::OutOfRange { min: "1".to_owned(), max }))
    }
}

/// One walk along a list: knows how to scan, and how to make a page of what was scanned.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Stands for the list, in its cursors.
    list: u64,
    place: Option<Place>,
    order: Order,
}

impl Walk {
    /// The scan that a query of the list `name`, as `actor` sees it, asks for.
    pub(crate) fn begin<L: Listing>(
        name: &'static str,
        actor: UserId,
        query: &Query<L>,
        sources: &[Entity],
    ) -> Result<(Self, Scan)> {
        let limit = page_size(query.limit)?;
        let branches = query.listing.branches(&query.filter, sources, actor)?;
        // An unreadable part would let a cursor of one list pass in another, so a failure here is an error, not a default.
        let identity = (name, actor, &query.listing, &query.filter, query.within, query.order == Order::OldestFirst);
        let identity = postcard::to_stdvec(&identity)
            .map_err(|source| Error::Unavailable { store: "the cursor's writer".to_owned(), source: source.into() })?;
        let list = xxh3_64(&identity);
        let place = query.cursor.as_ref().map(|cursor| cursor.read(list)).transpose()?;
        let backward = place.is_some_and(|place| place.backward);
        let scan = Scan {
            branches,
            within: query.within,
            order: if backward { query.order.reversed() } else { query.order },
            after: place.map(|place| place.behind),
            limit,
            budget: limits::EXAMINE_BUDGET,
        };
        Ok((Self { list, place, order: query.order }, scan))
    }

    /// The page of what was scanned.
    pub(crate) fn end(&self, scanned: Scanned) -> Page<Row> {
        let Scanned { mut rows, resume, .. } = scanned;
        let cursor = |behind, backward| Some(Cursor::write(self.list, Place { behind, backward }));
        match self.place {
            Some(Place { behind, backward: true }) => {
                rows.reverse();
                let next = rows.last().map_or_else(|| before(behind, self.order), |row| row.key().id);
                Page { next: cursor(next, false), previous: resume.and_then(|id| cursor(id, true)), rows }
            }
            place => {
                let next = resume.and_then(|id| cursor(id, false));
                let previous = place.and_then(|place| {
                    let first = rows.first().map(|row| row.key().id);
                    cursor(first.unwrap_or_else(|| before(place.behind, self.order.reversed())), true)
                });
                Page { rows, next, previous }
            }
        }
    }
}

/// The id just before `id` in `order`: behind it begins with `id` itself.
fn before(id: Uuid, order: Order) -> Uuid {
    let number = id.as_u128();
    Uuid::from_u128(match order {
        Order::NewestFirst => number.saturating_add(1),
        Order::OldestFirst => number.saturating_sub(1),
    })
}
