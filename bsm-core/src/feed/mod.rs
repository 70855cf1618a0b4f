//! The live feed: every change of the desk in order, from a position to go on from.
//!
//! One command makes one [`Event`]. Portals give pages of them ([`Portal::events`](crate::Portal::events)) and a
//! [`Watch`] that waits for more; this room holds what they are made of. The feed lies in the store: a watch keeps a page
//! at most, so one that nobody reads costs nothing, and none is cut off for being slow. Only what an app
//! [trims](crate::Desk::trim) is gone, and whoever had not read it is told so.

mod watch;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::model::{Action, Actor, Entity, FieldChange, HistoryEntry, Key, Timestamp, UserId, Version};
use crate::rules::limits;
use crate::schema::Field;
use crate::store::{FeedEvent, FeedPlace};
use crate::{Error, Result, sealed};

pub(crate) use watch::Reader;
pub use watch::{EventStream, Watch};

/// Tells this layout of a position from later ones, and from other sealed texts.
const KIND: u64 = 0x6273_6d02;

/// A place in a feed, to go on from. Opaque: keep it, send it, give it back to the same feed.
///
/// A customer's counts what is theirs and nothing else, so it tells nothing of what others do.
///
/// It is good for the desk that gave it, for as long as that goes on from its own files. Of a desk that was restored from a
/// copy of them, positions that were given after the copy are void, and the desk can't tell: call
/// [`Desk::expire_positions`](crate::Desk::expire_positions) once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Position(String);

impl Position {
    /// Takes a text that [`Display`](fmt::Display) gave. Whether it is a position shows when a feed reads it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes a place of a customer's feed, or of the desk's.
    pub(crate) fn write(customer: Option<UserId>, at: FeedPlace) -> Self {
        let mut body = [0; 16];
        body[..8].copy_from_slice(&at.epoch.to_be_bytes());
        body[8..].copy_from_slice(&at.place.to_be_bytes());
        Self(sealed::seal(KIND, home(customer), &body))
    }

    /// Reads the place, if it is one of that feed.
    pub(crate) fn read(&self, customer: Option<UserId>) -> Result<FeedPlace> {
        let body = u128::from_be_bytes(sealed::open(KIND, home(customer), &self.0).map_err(Error::InvalidPosition)?);
        let (epoch, place) = uuid::Uuid::from_u128(body).as_u64_pair();
        Ok(FeedPlace { epoch, place })
    }
}

/// Stands for a feed, in its positions.
fn home(customer: Option<UserId>) -> u64 {
    customer.map_or(0, |customer| xxh3_64(customer.as_uuid().as_bytes()))
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Position {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

/// Where reading a feed begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// With what happens from now on.
    #[default]
    Now,
    /// With the oldest event that is kept.
    Oldest,
    /// Behind a position: the one of the last event that was dealt with.
    After(Position),
}

/// What is asked of a feed. Made from a [`Since`] or a [`Position`] where nothing else matters: that one has no filter, and
/// the usual limit. To go on with the same question, set its [`since`](Self::since).
///
/// ```
/// use bsm_core::feed::{EventQuery, Since};
/// use bsm_core::model::Entity;
///
/// let mut query = EventQuery::since(Since::Oldest).only([Entity::Ticket]).limit(100);
/// query.since = Since::Now;
/// assert_eq!((&*query.entities, query.limit), (&[Entity::Ticket][..], 100));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct EventQuery {
    /// Where it begins.
    pub since: Since,
    /// Only what happened to rows of these; none named: of all.
    pub entities: Vec<Entity>,
    /// The most events that a page holds, from 1 to [`PAGE_SIZE_MAX`](limits::PAGE_SIZE_MAX). So many are looked at,
    /// whether they belong in the page or not. A watch has pages of its own.
    pub limit: usize,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self { since: Since::default(), entities: Vec::new(), limit: limits::PAGE_SIZE_DEFAULT }
    }
}

impl EventQuery {
    /// Everything since then.
    pub fn since(since: Since) -> Self {
        Self { since, ..Self::default() }
    }

    /// Only what happens to rows of these.
    pub fn only(self, entities: impl IntoIterator<Item = Entity>) -> Self {
        Self { entities: entities.into_iter().collect(), ..self }
    }

    /// At most this many events.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}

impl From<Since> for EventQuery {
    fn from(since: Since) -> Self {
        Self::since(since)
    }
}

impl From<Position> for EventQuery {
    fn from(position: Position) -> Self {
        Self::since(Since::After(position))
    }
}

/// What one command did, as staff and the application itself are told. Holds ids, names of fields, states and numbers;
/// personal text stays in its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Event {
    /// Where it stands in the feed: to be given back to go on behind it.
    pub position: Position,
    /// What changed: an entry for each row, in one order. Not empty.
    pub entries: Vec<HistoryEntry>,
}

/// What one command did to what is a customer's, as they are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct OwnEvent {
    /// Where it stands in the customer's feed.
    pub position: Position,
    /// What changed: one for each row of theirs. Not empty.
    pub updates: Vec<OwnUpdate>,
}

/// Who did what a customer is told of. Staff are not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UpdatedBy {
    /// The customer.
    You,
    /// Somebody at the desk.
    Desk,
}

/// What a customer is told of a change of a row of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct OwnUpdate {
    /// The row.
    pub key: Key,
    /// The row's version after it.
    pub version: Version,
    /// What happened. That staff noted something is a touch.
    pub action: Action,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Who did it.
    pub by: UpdatedBy,
    /// What changed, of what customers are told: where things stand, what they are about and when, never who works on
    /// them. Empty if somebody worked on it otherwise.
    pub changes: Vec<FieldChange>,
}

/// The fields whose changes customers are told of.
const TOLD: &[Field] = &[
    Field::Status,
    Field::Priority,
    Field::Category,
    Field::Subcategory,
    Field::ResolvedAt,
    Field::ClosedAt,
    Field::ScheduledFor,
    Field::FulfilledAt,
    Field::TicketId,
    Field::RatingId,
    Field::Rated,
    Field::Stars,
    Field::FullName,
    Field::Email,
    Field::Active,
];

impl OwnUpdate {
    /// What `customer` is told of an entry.
    pub(crate) fn of(entry: HistoryEntry, customer: UserId) -> Self {
        Self {
            key: entry.key,
            version: entry.version,
            action: if entry.action == Action::Noted { Action::Touched } else { entry.action },
            occurred_at: entry.occurred_at,
            by: if entry.actor == Actor::User(customer) { UpdatedBy::You } else { UpdatedBy::Desk },
            changes: entry.changes.into_iter().filter(|change| TOLD.contains(&change.field)).collect(),
        }
    }
}

/// A page of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct EventPage<E> {
    /// The events, in order. May be fewer than the limit, or none, though there are more.
    pub events: Vec<E>,
    /// Behind what was looked at: where the next page begins.
    pub position: Position,
    /// Whether something lies behind it by now.
    pub more: bool,
}

/// An event as one of a feed's readers is told of it.
pub trait Told: Sized + Send + 'static + sealed_told::Sealed {
    #[doc(hidden)]
    fn of(customer: Option<UserId>, position: Position, event: FeedEvent) -> Self;

    /// Where it stands.
    fn position(&self) -> &Position;
}

mod sealed_told {
    pub trait Sealed {}
    impl Sealed for super::Event {}
    impl Sealed for super::OwnEvent {}
}

impl Told for Event {
    fn of(_: Option<UserId>, position: Position, event: FeedEvent) -> Self {
        Self { position, entries: event.entries }
    }

    fn position(&self) -> &Position {
        &self.position
    }
}

impl Told for OwnEvent {
    fn of(customer: Option<UserId>, position: Position, event: FeedEvent) -> Self {
        // Without a customer nothing is theirs.
        let told = |entry| customer.map(|customer| OwnUpdate::of(entry, customer));
        Self { position, updates: event.entries.into_iter().filter_map(told).collect() }
    }

    fn position(&self) -> &Position {
        &self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CursorFault;

    #[test]
    fn a_position_comes_back_only_to_its_feed() -> Result<()> {
        let (ada, ben) = (UserId::from_uuid(uuid::Uuid::from_u128(1)), UserId::from_uuid(uuid::Uuid::from_u128(2)));
        let at = FeedPlace { epoch: u64::MAX, place: 7 };
        for home in [None, Some(ada), Some(ben)] {
            let position: Position =
                Position::write(home, at).to_string().parse().unwrap_or_else(|never| match never {});
            for other in [None, Some(ada), Some(ben)] {
                if other == home {
                    assert_eq!(position.read(other)?, at);
                } else {
                    let refused = position.read(other);
                    assert!(matches!(refused, Err(Error::InvalidPosition(CursorFault::Foreign))), "{refused:?}");
                }
            }
        }
        assert!(matches!(Position::new("").read(None), Err(Error::InvalidPosition(CursorFault::Damaged))));
        Ok(())
    }
}
