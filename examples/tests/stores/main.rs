//! The programs on all three stores: what they say and what they leave is the same in memory, in a folder and on Postgres.
//!
//! They need a server, which `BSM_TEST_POSTGRES_URL` names: `cargo xtask test` starts one, and so does
//! `cargo xtask postgres -- cargo nextest run -p bsm-examples`. Each test has a schema of its own in it.

mod alike;
mod by_hand;
mod moves;
mod place;
mod run;
