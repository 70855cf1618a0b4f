//! The bsm service desk in a `PostgreSQL` database.
//!
//! [`PostgresStore`] keeps a desk in a schema of its own, under the tables and columns that
//! [`bsm_core::schema`] names, with foreign keys, unique constraints and checks, and with the four views
//! `unified_tickets_view`, `admin_customer_service_requests`, `admin_customer_ratings` and `admin_customer_summary` for
//! whoever asks in SQL. It answers, and refuses, as every other store does.
//!
//! # Commands
//!
//! A command is one call of a function on the server, and one commit: one round trip. Commands that wait at the same moment
//! go as one call, in which each succeeds or fails alone; a lone one waits for nobody. The call is about success: what a
//! command did not find as it expected is found out alone, in several statements, and told as by every other store.
//!
//! If a connection breaks, or the server restarts, a command is sent again until the desk's patience ends
//! (`patience=30s` in the address). That is safe: the ids and versions in it let it happen once. Only if no try could tell
//! does the caller get [`Error::OutcomeUnknown`](bsm_core::Error::OutcomeUnknown).
//!
//! # Who waits for the feed
//!
//! Commits of other processes are noticed by looking every 250 ms while somebody waits, not by `NOTIFY`, for which commits
//! would queue. Those of the same store value wake at once.
//!
//! # Replicas
//!
//! `postgres://…?read=postgres%3A%2F%2F…` names hot standbys that reads may go to. What this store value acknowledged, or told
//! of the feed, each of its later reads sees: a standby that is behind is waited for, a tenth of a second at most, and
//! then the primary is asked. What others did may be seen later, unless a read carries their [stamp]. Commands are
//! decided at the primary, and the feed is read there. Nothing that a standby does is an error of a read.
//! `docs/scale.md` says more.
//!
//! [stamp]: bsm_core::store::Stamp
//!
//! # Poolers
//!
//! A pooler in transaction mode, such as `PgBouncer`, gives a connection of the server's to somebody else between two messages.
//! Behind one the address says how the server itself is reached, percent-encoded:
//!
//! ```text
//! postgres://bsm:secret@pooler:6432/desks?schema=acme&direct=postgres%3A%2F%2Fbsm%3Asecret%40db%3A5432%2Fdesks
//! ```
//!
//! Then every statement that goes through the pooler is one message, with what it is given in its text, and leaves nothing
//! behind; a command and a read take one round trip, as ever. What is long goes past it: making the desk, an import, a recount. Without
//! `direct`, statements of different clients mix there: some calls fail, and some are told what others asked for.
//! docs/scale.md says how to set the pooler up, and what is known of servers that are not Postgres.
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
//! # Writing by hand
//!
//! The tables may be written with psql, or by any other program, and the desk stays whole. Triggers of its schema see to it:
//!
//! * **Everything is counted**, what is done by hand once for each statement. Commands count by themselves, so a trigger of
//!   yours must not change, or leave out, what a command writes of a status, a role or another field that is counted.
//! * **Versions rise** with every row that is written by hand, so whoever decided on what stood before is told. `updated_at` is
//!   the server's clock. Whatever is said of both counts for nothing.
//! * **It is told**: an entry of history by the desk itself, with the fields that changed, as a command would write it, and
//!   an event of the feed for each row. One a row and not one a statement, so that a page of the feed costs the same
//!   after somebody changed twenty thousand tickets at once, and a customer reads only what is theirs.
//! * **Rows keep to their form**: texts are trimmed and checked, prices have the decimals of their currency; the priority
//!   follows; `resolved_at`, `closed_at`, `fulfilled_at` and `published_at` come and go with the status unless they are given.
//!   What no import would take is refused, with a hint. `id`, `created_at` and `number` may be left out of a new row, and are
//!   never changed. An id is a UUID of version 7, which carries the time of creation. A request and its ticket name each
//!   other when the transaction ends, and a rating is of its request's service and customer.
//!
//! ```sql
//! UPDATE acme.tickets SET status = 'resolved' WHERE number = 42;
//! ```
//!
//! What stays the portals': who may do what, which move follows which, and what follows from it for *other* rows. Whoever
//! resolves a ticket by hand fulfils its request by hand.
//!
//! `TRUNCATE` is refused. Other tables of the schema (`history`, `counters`, `feed`, …) are the desk's own, and nobody writes
//! them; the functions run as their owner, so a role needs `UPDATE` on `tickets` alone to change tickets. Whoever says
//! `SET bsm.command = 'on'` takes all of it on themself, as the desk's own transactions do: to load rows from elsewhere, for
//! instance, with their versions and their history. (Through a pooler in transaction mode only by `SET LOCAL`, within a
//! transaction: else it stays for whoever gets the connection next.) A schema that was made can't be renamed: its functions
//! know its name.
//! With `session_replication_role = replica` no trigger is asked.
//!
//! A transaction that is left open keeps commands from its rows, as ever, and from nothing else: the counters lie in sixteen
//! shards, and each transaction takes one for itself. One of a stricter level than `READ COMMITTED` may be told to begin
//! again (SQLSTATE 40001), since others were counted in its shard before.
//!
//! # Without triggers
//!
//! Some servers lack triggers with transition tables (Citus and `CockroachDB` among them). There a desk is made with
//! `postgres://…?triggers=off`: commands count themselves. It is settled when the desk is made, for all who open it;
//! an address that says otherwise later is [`Error::InvalidAddress`](bsm_core::Error::InvalidAddress). A desk of an
//! earlier release is asked when it is brought up to date.
//!
//! Nothing then keeps in step what is written by hand, so nobody may: the desk takes the right to write from `PUBLIC`, and the
//! rest is yours. Let a role of its own make and own the desk, which no person uses, and give others the right to read:
//!
//! ```sql
//! CREATE ROLE acme_desk LOGIN PASSWORD '…';         -- in the address of the desk
//! CREATE SCHEMA acme AUTHORIZATION acme_desk;
//! CREATE ROLE acme_readers;                         -- for people and reports
//! GRANT USAGE ON SCHEMA acme TO acme_readers;
//! ALTER DEFAULT PRIVILEGES FOR ROLE acme_desk IN SCHEMA acme GRANT SELECT ON TABLES TO acme_readers;
//! ```
//!
//! Checks that hold there too: every word, number, time and price is one that the desk can read, and relations and unique
//! fields hold.
//!
//! # Rooms
//!
//! | module | what it does |
//! |---|---|
//! | `store`, `gate` | the store as its users see it; opening and closing |
//! | `address`, `connect`, `pool` | from a URL to servers and a schema; to the one that takes writes; connections that are kept |
//! | `migrate` | the tables, from `migrations/` |
//! | `names`, `query` | statements, with the desk's schema in them; what they are given, and how they are sent |
//! | `record`, `fetch` | rows, to the server and back |
//! | `part`, `call`, `coalesce` | what a command brings to a call; a call; which commands go together |
//! | `commit` | a command alone, from its locks to its commit: the long way |
//! | `lock`, `apply`, `check`, `write`, `remember` | its steps |
//! | `read`, `scan`, `history` | a read set, and the pages in it |
//! | `together` | reads by id that wait together |
//! | `replica`, `mark` | when a read goes to a standby; what it must find there |
//! | `feed` | the page of a feed; giving positions, and trimming |
//! | `poll`, `reach` | waiting for the feed to go on: by looking, and by what this store value does |
//! | `import`, `bulk` | taking a whole desk in; what is new of it, by `COPY` |
//! | `verify` | recounting everything, by the server |
//! | `fault`, `retry` | the server's errors as the desk's; sending a call again |

mod address;
mod apply;
mod bulk;
mod call;
mod check;
mod coalesce;
mod commit;
mod connect;
mod counts;
mod fault;
mod feed;
mod fetch;
mod gate;
mod history;
mod import;
mod literal;
mod lock;
mod mark;
mod migrate;
mod names;
mod part;
#[cfg(test)]
mod plans;
mod poll;
mod pool;
mod query;
mod reach;
mod read;
mod record;
mod remember;
mod replica;
mod retry;
mod scan;
mod settings;
mod store;
mod tally;
mod together;
mod verify;
mod wide;
mod write;

pub use names::DEFAULT_SCHEMA;
pub use store::PostgresStore;
