//! What a portal asks of a store: one read set, answered as of one moment, in one round trip.

use uuid::Uuid;

use crate::model::{Entity, HistoryEntry, Key, Row, TimeRange, Timestamp, UserId, Value, Version};
use crate::schema::{Counter, Field, Index, Relation};

use super::{FeedPage, FeedQuery, Stamp};

/// A row by a unique field: the whole value, byte for byte. No row has a value of another kind than the field's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueValue {
    /// Whose row.
    pub entity: Entity,
    /// One of the entity's [unique fields](crate::schema::uniques).
    pub field: Field,
    /// The value looked for; never [`Value::Null`].
    pub value: Value<'static>,
}

/// One run of rows that stand by id: a group of an index, or all rows of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The index.
    pub index: Index,
    /// Values for all its fields, in its order; none for the primary key. (An index that the schema does not have is without
    /// [fields](Index::fields), too: a store tells it by its tag, and refuses it.) In a branch whose first value is
    /// [`Value::Null`] no row stands; any other value, Null too, is compared as it is.
    pub values: Vec<Value<'static>>,
    /// What its rows must have besides, all of it. Rows that don't are examined and left out.
    pub conditions: Vec<Condition>,
}

impl Branch {
    /// Whether the row, which stands in this branch, is let through.
    pub fn lets_through(&self, row: &Row) -> bool {
        self.conditions.iter().all(|condition| condition.holds(row))
    }
}

/// A field must have this value; [`Value::Null`] for an empty field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// The value.
    pub value: Value<'static>,
}

impl Condition {
    /// Whether the row has the value.
    pub fn holds(&self, row: &Row) -> bool {
        row.value(self.field) == self.value
    }
}

/// In which order rows come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// The last created first.
    #[default]
    NewestFirst,
    /// The first created first.
    OldestFirst,
}

impl Order {
    /// The other one.
    pub const fn reversed(self) -> Self {
        match self {
            Self::NewestFirst => Self::OldestFirst,
            Self::OldestFirst => Self::NewestFirst,
        }
    }
}

/// A page of rows: the merge of some branches by id. (Conditions belong to a branch, since tickets and requests call the
/// same thing by other names.)
///
/// The rows of all branches that lie [between its ids](Scan::ids) are looked at one after another in the order of their
/// ids, whichever branch they stand in; ids are unique over all entities. Each that is looked at counts towards the budget,
/// and each that its branch [lets through](Branch::lets_through) is returned and counts towards the limit. The scan ends
/// when either is used up and a row lies behind, or else at the end. Without branches there are no rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// What is merged. No row stands in two of them.
    pub branches: Vec<Branch>,
    /// When rows were created.
    pub within: TimeRange,
    /// In which order.
    pub order: Order,
    /// Begins behind this id, in that order.
    pub after: Option<Uuid>,
    /// The most rows that are returned.
    pub limit: usize,
    /// The most rows that are looked at: what keeps a scan whose conditions hardly any row fulfils from taking long.
    pub budget: usize,
}

impl Scan {
    /// The ids between which it looks, both included; `None` if there are none.
    pub fn ids(&self) -> Option<(Uuid, Uuid)> {
        let TimeRange { from, to } = self.within;
        // An open end takes every id, also one that no clock of ours made.
        let (first, last) = self.within.ids();
        let first = if from.is_some() { first } else { Uuid::nil() };
        let last = if to.is_some() { last } else { Uuid::max() };
        let (first, last) = match (self.after, self.order) {
            (None, _) => (first, last),
            (Some(after), Order::OldestFirst) => (first.max(Uuid::from_u128(after.as_u128().checked_add(1)?)), last),
            (Some(after), Order::NewestFirst) => (first, last.min(Uuid::from_u128(after.as_u128().checked_sub(1)?))),
        };
        (first <= last).then_some((first, last))
    }
}

/// The answer to a [`Scan`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// Where to go on: the last id that was looked at, returned or not (or [`Scan::after`], if its limit or budget of 0 let
    /// it look at none); `None` if no row of its branches lies behind it, be it one that would not be let through.
    pub resume: Option<Uuid>,
    /// How many rows were looked at, returned or not; at most the budget. The one behind, to which a store looks ahead to
    /// know whether there is more, is never counted.
    pub examined: usize,
}

/// A page of a row's history, which outlives the row. Of a row that never was it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The row.
    pub key: Key,
    /// In which order.
    pub order: Order,
    /// Begins behind the entry of this version, in that order.
    pub after: Option<Version>,
    /// The most entries that are returned. The store returns one more if there is one.
    pub limit: usize,
}

/// A page of the history of all rows of an entity, those that are gone included: by id, and by version within it, as
/// [`Key`] and [`Version`] are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Whose rows.
    pub entity: Entity,
    /// Begins behind the entry of this row and version.
    pub after: Option<(Uuid, Version)>,
    /// The most entries that are returned. Fewer mean that there are no more.
    pub limit: usize,
}

/// Counters of a family: those whose leading values are `prefix`. Each is the sum of what rows
/// [contribute](crate::schema::contributions) at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountQuery {
    /// The family.
    pub counter: Counter,
    /// The leading values; none for the whole family. More than the family has fields are
    /// [`Error::Unsupported`](crate::Error::Unsupported).
    pub prefix: Vec<Value<'static>>,
}

/// Everything that one portal call reads, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSet {
    /// Rows by id.
    pub get: Vec<Key>,
    /// Rows by a unique field.
    pub find: Vec<UniqueValue>,
    /// A page.
    pub scan: Option<Scan>,
    /// The rows that those name by these foreign keys come as well: those got, those found, and those on the page. One of
    /// another entity's rows means nothing to a row; an empty field names none. What is named by a row that was itself
    /// followed does not come, nor what a row of the feed names.
    pub follow: Vec<Relation>,
    /// A page of history.
    pub history: Option<HistoryQuery>,
    /// A page of an entity's whole history.
    pub log: Option<LogQuery>,
    /// Counters.
    pub counts: Vec<CountQuery>,
    /// Which numbers were given last.
    pub numbers: bool,
    /// A page of a feed.
    pub feed: Option<FeedQuery>,
    /// Whether an actor used this idempotency key.
    pub used: Option<(UserId, String)>,
    /// The read must see at least this commit, which this store value or another of the same desk made.
    pub at_least: Option<Stamp>,
    /// The read must see every commit that was acknowledged to anybody before it began: something is decided on it. Without
    /// it, a store that has copies of its desk may answer from one that is behind, as long as that has what was acknowledged
    /// through this store value, and `at_least`. One that has none has nothing to tell apart.
    pub current: bool,
}

/// What is kept of a command that carried an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Stands for the command.
    pub digest: [u8; 16],
    /// The row that answered it.
    pub answer: Key,
    /// Until when it is kept. A store may give one that is past its time: the reader compares.
    pub keep_until: Timestamp,
}

/// The answers to a [`ReadSet`], part by part and in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The rows; `None` for one that is not there.
    pub got: Vec<Option<Row>>,
    /// The rows found; `None` where there is none.
    pub found: Vec<Option<Row>>,
    /// The page.
    pub scanned: Option<Scanned>,
    /// The rows that were followed, each once, in no order; also one that the set gave otherwise.
    pub followed: Vec<Row>,
    /// The history; one entry more than the limit if there is more.
    pub history: Vec<HistoryEntry>,
    /// The entity's history.
    pub log: Vec<HistoryEntry>,
    /// For each query its counters that are not zero: the [text forms](Value::to_text) of the values behind the prefix (of
    /// [`Value::Null`] an empty text), and the sum. In no order. A prefix of all values gives one counter, without texts,
    /// or none.
    pub counts: Vec<Vec<(Vec<String>, i128)>>,
    /// The number that was given last to a row of each numbered entity, by entity; 0 if none was.
    pub numbers: Vec<(Entity, u32)>,
    /// The page of the feed.
    pub feed: Option<FeedPage>,
    /// The command that the idempotency key stands for, if it was used and was not forgotten.
    pub used: Option<Remembered>,
}
