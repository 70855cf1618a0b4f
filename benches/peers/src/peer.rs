//! What every contender does: the operations that are measured, by one trait.
//!
//! A contender is opened once for a process, with a pool of its own; its calls are made by any number of callers at once.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bulk::Bulk;
use crate::deed::{Conversion, Outcome, Place, Submission};
use crate::peers::{bsm, diesel, function, seaorm, sqlx, tokio_postgres};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[value(rename_all = "kebab-case")]
pub enum Contender {
    /// The desk.
    Bsm,
    /// tokio-postgres, calling one plpgsql function for each command.
    Function,
    /// tokio-postgres, with statements that are pipelined where they can be.
    TokioPostgres,
    /// sqlx.
    Sqlx,
    /// Diesel, by way of diesel-async.
    Diesel,
    /// `SeaORM`.
    SeaOrm,
}

impl Contender {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] = [Self::Bsm, Self::Function, Self::TokioPostgres, Self::Sqlx, Self::Diesel, Self::SeaOrm];

    /// The schema that it works in.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Bsm => "bench_bsm",
            _ => "bench_peers",
        }
    }

    /// Whether it does this operation. A function would do a read as a single statement does it.
    pub const fn does(self, task: Task) -> bool {
        match self {
            Self::Function => matches!(task, Task::Submit | Task::Convert),
            _ => true,
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bsm => "bsm",
            Self::Function => "function",
            Self::TokioPostgres => "tokio-postgres",
            Self::Sqlx => "sqlx",
            Self::Diesel => "diesel",
            Self::SeaOrm => "sea-orm",
        })
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[value(rename_all = "kebab-case")]
pub enum Task {
    /// One ticket by its id.
    Get,
    /// The first page of everything.
    First,
    /// The page in the middle of everything.
    Middle,
    /// A page of a status, of which one row in seven passes a filter that no index serves.
    Filtered,
    /// The totals of the desk.
    Summary,
    /// A customer asks for a service.
    Submit,
    /// A request is made into a ticket.
    Convert,
    /// A whole desk is loaded.
    Load,
}

impl Task {
    /// All of them: what only reads comes first, so that it finds the desk as it was filled.
    pub const ALL: [Self; 8] =
        [Self::Get, Self::First, Self::Middle, Self::Filtered, Self::Summary, Self::Submit, Self::Convert, Self::Load];

    /// Whether it leaves rows behind.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Submit | Self::Convert)
    }

    /// What the table calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Get => "get one ticket",
            Self::First => "first page of 50",
            Self::Middle => "page of 50 in the middle",
            Self::Filtered => "filtered page of 50",
            Self::Summary => "summary",
            Self::Submit => "submit a request",
            Self::Convert => "request into ticket",
            Self::Load => "load a desk",
        }
    }
}

/// Who keeps the counters when a peer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// The peer, by a statement of its own.
    Own,
    /// The triggers of the desk's tables.
    Triggers,
}

/// How a contender is opened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// The server. Holds a password.
    pub url: String,
    /// The schema with the tables.
    pub schema: String,
    /// How many connections its pool may open.
    pub connections: u32,
    /// Whether the pool asks a connection whether it lives whenever it hands it out: the default of most of them.
    pub checked: bool,
    /// Who counts.
    pub counting: Counting,
}

/// The operations. Each checks that it did what it is there for, and fails else.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Asks for a service, and returns the request's number.
    async fn submit(&self, what: Submission) -> Outcome<i64>;

    /// Makes a request into a ticket, and returns the ticket's number.
    async fn convert(&self, what: Conversion) -> Outcome<i64>;

    /// Reads a ticket, and returns its number.
    async fn ticket(&self, actor: Uuid, ticket: Uuid) -> Outcome<i64>;

    /// Reads a page of everything, with names, and returns how many rows it has.
    async fn page(&self, actor: Uuid, behind: Option<&Place>) -> Outcome<usize>;

    /// Reads a filtered page, with names, and returns how many rows it has.
    async fn filtered(&self, actor: Uuid) -> Outcome<usize>;

    /// Reads the totals, and returns how many tickets there are.
    async fn summary(&self, actor: Uuid) -> Outcome<i64>;

    /// Loads a whole desk into empty tables, in one transaction.
    async fn load(&self, bulk: &Bulk) -> Outcome;

    /// Closes the pool.
    async fn close(&self);
}

/// Opens a contender.
pub async fn open(contender: Contender, opening: &Opening) -> Outcome<Arc<dyn Peer>> {
    Ok(match contender {
        Contender::Bsm => Arc::new(bsm::Bsm::open(opening).await?),
        Contender::Function => Arc::new(function::Function::open(opening)?),
        Contender::TokioPostgres => Arc::new(tokio_postgres::ByHand::open(opening)?),
        Contender::Sqlx => Arc::new(sqlx::Sqlx::open(opening)?),
        Contender::Diesel => Arc::new(diesel::Diesel::open(opening)?),
        Contender::SeaOrm => Arc::new(seaorm::SeaOrm::open(opening).await?),
    })
}
