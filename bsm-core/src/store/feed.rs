//! The feed, as a store keeps it: one event for each commit that history tells of, in one order, which is that of the
//! commits: whoever saw one commit and made another finds them in this order.
//!
//! A **place** counts events, from 1, without gaps: in the desk's own feed all of them, in a customer's feed those that
//! are theirs. So a customer's places tell nothing of what others do. Readers ask for what lies behind a place; a reader
//! that is told of nothing [waits](super::Store::wait) and asks again.

use crate::model::{Entity, HistoryEntry, Key, Row, UserId};

/// How far a reader of a feed has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedPlace {
    /// Whose numbering it is: another after the desk was made anew, for instance by an import, and the same for as long as
    /// the desk stands, however often it is opened.
    pub epoch: u64,
    /// The last event that the reader knows of; 0 before the first.
    pub place: u64,
}

/// A page of a feed.
///
/// Of a customer's feed those commits are events that brought an entry of history whose
/// [subject](HistoryEntry::subject) they are, whatever entities are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedQuery {
    /// The customer whose feed it is; `None` for the desk's.
    pub customer: Option<UserId>,
    /// Begins behind this place; `None`: with the oldest event that is kept. Behind the newest there is nothing, and so
    /// there is behind a place that lies before [the oldest](FeedPage::oldest): the next event is gone.
    pub after: Option<u64>,
    /// Only what happened to rows of these; none named: of all.
    pub entities: Vec<Entity>,
    /// The most events that are looked at, also those of which nothing is left by `entities`. 0, to be told only where the
    /// feed stands.
    pub limit: usize,
    /// Whether the rows that the events changed are told as well, as they stand at the moment of the read. What else the
    /// read set answers may hold commits that are not durable yet; to agree with it, the page then goes as far as they
    /// do. For whoever copies a desk, of the desk's own feed and of all entities only; of any other it may be ignored.
    pub rows: bool,
}

/// The answer to a [`FeedQuery`]. Holds only what is durable, if the store is: an event that was shown is never taken
/// back. (Save for a query with [`rows`](FeedQuery::rows).)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// The feed's epoch.
    pub epoch: u64,
    /// The place before the oldest event that is kept: 0 until something is trimmed. Who asks for what lies behind an
    /// earlier place has missed events, and is given none.
    pub oldest: u64,
    /// The place of the newest event; `oldest` if there is none.
    pub newest: u64,
    /// The place of the last event that was looked at, from where to go on; where the query begins ([`FeedQuery::after`],
    /// else `oldest`) if it was none.
    pub resume: u64,
    /// The events, in order. One of which nothing is left by the query is left out.
    pub events: Vec<FeedEvent>,
    /// If they were asked for, the rows that these events changed, each once, in no order; `None` for one that is gone.
    pub rows: Vec<(Key, Option<Row>)>,
}

/// What one commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Its place in the feed that was asked for.
    pub place: u64,
    /// What history tells of it, in the order of the change set, as far as the query asks for it: of a customer's feed
    /// the entries whose [subject](HistoryEntry::subject) they are.
    pub entries: Vec<HistoryEntry>,
}
