//! The desk laid out on any ordered key-value engine.

pub mod engine;
