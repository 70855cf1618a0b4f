//! The contenders, one file each.

pub mod bsm;
pub mod diesel;
pub mod function;
pub mod rows;
pub mod seaorm;
pub mod sqlx;
pub mod statements;
pub mod tokio_postgres;
