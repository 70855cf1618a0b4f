//! What may happen: the status tables, the priority matrix, the limits, and what a text may hold.
//!
//! Pure functions over the model. They read nothing and write nothing; portals call them to decide.

pub mod limits;
pub mod priority;
pub mod request_status;
pub mod text;
pub mod ticket_status;
