//! The bsm service desk in a `PostgreSQL` database.
//!
//! [`PostgresStore`] keeps a desk in a schema of its own, under the tables and columns that
//! [`bsm_core::schema`] names, with foreign keys, unique constraints and checks, and with the four views
//! `unified_tickets_view`, `admin_customer_service_requests`, `admin_customer_ratings` and `admin_customer_summary` for
//! whoever asks in SQL. It answers, and refuses, as every other store does.
//!
//! # What it does not do yet
//!
//! * Commands take several round trips each, one after another, and are not coalesced.
//! * Commits of other processes are noticed by looking every 250 ms while somebody waits for the feed: there is no `NOTIFY`
//!   yet. Those of the same store value wake at once.
//! * What somebody changes with psql gets no new version, no history and is not counted. Read with psql, but don't write.
//! * `PgBouncer` and other poolers in transaction mode are not supported, nor are replicas and Citus.
//!
//! # The feed
//!
//! Commands write what they did to the table `feed`, without a position; whoever reads the feed first gives positions to
//! what is committed by then, and customers' places with them, in a short transaction of its own. So a reader needs a role
//! that may write, and a server that is no standby.
//!
//! A whole desk is taken in by one transaction, which needs a connection from its first step to its last; nothing is kept of
//! one that does not end.
//!
//! What the server can't keep is refused as [`Error::Unsupported`](bsm_core::Error::Unsupported): the character NUL in a
//! text.
//!
//! # Rooms
//!
//! | module | what it does |
//! |---|---|
//! | `store`, `gate` | the store as its users see it; opening and closing |
//! | `address`, `connect`, `pool` | from a URL to servers and a schema; to the one that takes writes; connections that are kept |
//! | `migrate` | the tables, from `migrations/` |
//! | `names` | statements, with the desk's schema in them |
//! | `record`, `fetch` | rows, to the server and back |
//! | `commit` | a command, from its locks to its commit |
//! | `lock`, `apply`, `check`, `write`, `remember` | its steps |
//! | `read`, `scan`, `history` | a read set, and the pages in it |
//! | `feed` | the page of a feed; giving positions, and trimming |
//! | `poll`, `reach` | waiting for the feed to go on: by looking, and by what this store value does |
//! | `import` | taking a whole desk in |
//! | `verify` | recounting everything, by the server |
//! | `fault`, `retry` | the server's errors as the desk's; sending a call again |

mod address;
mod apply;
mod call;
mod check;
mod coalesce;
mod commit;
mod connect;
mod fault;
mod feed;
mod fetch;
mod gate;
mod history;
mod import;
mod lock;
mod migrate;
mod names;
mod part;
mod poll;
mod pool;
mod reach;
mod read;
mod record;
mod remember;
mod retry;
mod scan;
mod store;
mod verify;
mod write;

pub use names::DEFAULT_SCHEMA;
pub use store::PostgresStore;
