//! The model, rules, views and portals of the bsm service desk, over a pluggable store.

mod clock;
mod error;
pub mod model;
pub mod rules;
pub mod schema;
pub mod store;
pub mod view;

pub use clock::{Clock, IdSource, SeededIds, SteppingClock, SystemClock, SystemIds};
pub use error::{ActorName, CursorFault, Error, PlaceFault, Reason, Result, Source};
