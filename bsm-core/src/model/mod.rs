//! What a desk holds: the entities, their ids and states, money, time, and the history of changes.
//!
//! Plain data. What may happen to it is [`crate::rules`]' business; how it refers to itself is [`crate::schema`]'s.

mod article;
mod enums;
mod history;
mod id;
mod money;
mod note;
#[cfg(feature = "openapi")]
pub(crate) mod openapi;
mod rating;
mod request;
mod row;
mod service;
pub(crate) mod spelled;
mod ticket;
mod time;
mod user;
mod value;

pub use article::Article;
pub use enums::{
    Action, ArticleStatus, Channel, Entity, HoldReason, Impact, Phase, Priority, RequestStatus, Role, Stars,
    TicketStatus, Urgency,
};
pub(crate) use history::changes;
pub use history::{Actor, FieldChange, HistoryEntry};
pub(crate) use id::uuid_at;
pub use id::{ArticleId, Key, NoteId, RatingId, RequestId, ServiceId, TicketId, UserId, Version};
pub(crate) use money::from_minor_units;
pub use money::{Currency, Money};
pub use note::Note;
pub use rating::Rating;
pub use request::{RequestNumber, ServiceRequest};
pub use row::{Record, Row};
pub use service::Service;
pub use ticket::{Ticket, TicketNumber};
pub use time::{TimeRange, Timestamp};
pub use user::User;
pub use value::Value;
