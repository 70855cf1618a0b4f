//! The rules.

pub mod limits;
