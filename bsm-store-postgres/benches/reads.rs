//! What reading together is worth:
//! `cargo xtask postgres -- cargo bench -p bsm-store-postgres --bench reads`.
//!
//! Callers side by side read tickets by id, each waiting for its own before it asks for the next. They do so through a store;
//! past it, through a pool of sqlx with sixteen connections, one statement for each ticket; and through sixteen bare
//! connections that nobody looks after, the floor of what a read costs that shares nothing. All run in turns, against the
//! same server and over the same rows, so that what disturbs one disturbs the others; what is printed first are the ratios of
//! reads per second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bsm_core::model::{Key, Role, Row, TicketId};
use bsm_core::store::{ReadSet, Store};
use bsm_core::{Desk, NewTicket, NewUser};
use bsm_store_postgres::PostgresStore;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool, Postgres, Row as _};
use tokio::sync::Mutex;
use uuid::Uuid;

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const TICKETS: usize = 1_000;
/// Reads in a turn, and turns.
const READS: usize = 16_000;
const TURNS: usize = 7;
const CONNECTIONS: usize = 16;

/// Connections past the store, and the text of the one statement.
struct Bare {
    pool: PgPool,
    connections: Vec<Mutex<PgConnection>>,
    select: Arc<str>,
}

impl Bare {
    async fn open(url: &str, schema: &str) -> Fallible<Self> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.disable_statement_logging();
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Mutex::new(options.connect().await?));
        }
        let pool = PgPoolOptions::new().max_connections(u32::try_from(CONNECTIONS)?).test_before_acquire(false);
        let pool = pool.connect_with(options).await?;
        let select = format!("SELECT * FROM {schema}.tickets WHERE id = $1");
        Ok(Self { pool, connections, select: select.into() })
    }

    fn select(&self, id: TicketId) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(Arc::clone(&self.select))).bind(id.as_uuid())
    }

    async fn through_pool(&self, id: TicketId) -> Fallible<usize> {
        look_at(&self.select(id).fetch_one(&self.pool).await?)
    }

    async fn through_connection(&self, caller: usize, id: TicketId) -> Fallible<usize> {
        let row = self.select(id).fetch_one(&mut *self.connections[caller % CONNECTIONS].lock().await).await?;
        look_at(&row)
    }
}

/// Looks at each column of a ticket, as a store has to.
fn look_at(row: &PgRow) -> Fallible<usize> {
    let mut seen = 0;
    for text in ["title", "description", "status", "impact", "urgency", "priority", "channel"] {
        seen += row.try_get::<String, _>(text)?.len();
    }
    for text in ["category", "subcategory", "assignment_group", "external_ref"] {
        seen += row.try_get::<Option<String>, _>(text)?.map_or(0, |text| text.len());
    }
    for id in ["id", "assigned_to", "created_by", "requested_for", "request_id", "follow_up_of"] {
        seen += usize::from(row.try_get::<Option<Uuid>, _>(id)?.is_some());
    }
    for time in ["updated_at", "resolved_at", "closed_at"] {
        seen += usize::from(row.try_get::<Option<DateTime<Utc>>, _>(time)?.is_some());
    }
    for number in ["number", "version", "reopen_count"] {
        seen += usize::from(row.try_get::<i64, _>(number)? > 0);
    }
    Ok(seen + usize::from(row.try_get::<bool, _>("priority_overridden")?))
}

async fn through_store(store: &dyn Store, id: TicketId) -> Fallible<usize> {
    let answers = store.read(ReadSet { get: vec![Key::from(id)], ..ReadSet::default() }).await?;
    match answers.got.first() {
        Some(Some(Row::Ticket(ticket))) => Ok(ticket.title.len()),
        _ => Err("a ticket is gone".into()),
    }
}

/// Reads per second of so many callers.
async fn turn<R, F>(callers: usize, tickets: &Arc<Vec<TicketId>>, read: R) -> Fallible<f64>
where
    R: Fn(usize, TicketId) -> F + Clone + Send + 'static,
    F: Future<Output = Fallible<usize>> + Send,
{
    // A lone caller takes longer for each.
    let each = if callers == 1 { READS / 4 } else { READS / callers };
    let begun = Instant::now();
    let tasks = (0..callers).map(|caller| {
        let (read, tickets) = (read.clone(), Arc::clone(tickets));
        tokio::spawn(async move {
            for step in 0..each {
                // Some place or other: steps of a prime, from a place of one's own.
                read(caller, tickets[(caller * 31 + step * 7919) % tickets.len()]).await?;
            }
            Fallible::Ok(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    Ok((each * callers) as f64 / begun.elapsed().max(Duration::from_nanos(1)).as_secs_f64())
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

async fn compare(url: &str, schema: &str) -> Fallible<()> {
    let sign = if url.contains('?') { '&' } else { '?' };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(&format!("{url}{sign}schema={schema}")).await?);
    let desk = Desk::new(Arc::clone(&store));
    let admin = desk.bootstrap(NewUser::new("Ada Admin", "ada@example.org", Role::Admin)).await?;
    let desk_admin = desk.admin(admin.id);
    let mut tickets = Vec::new();
    for n in 0..TICKETS {
        tickets.push(desk_admin.open_ticket(NewTicket::new(format!("Ticket {n}"))).await?.id);
    }
    let (tickets, bare) = (Arc::new(tickets), Arc::new(Bare::open(url, schema).await?));
    for callers in [1, 4, 16, 32, 64] {
        let (mut together, mut pooled, mut bare_connections) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let other = Arc::clone(&store);
            let read = move |_, id| {
                let store = Arc::clone(&other);
                async move { through_store(&*store, id).await }
            };
            together.push(turn(callers, &tickets, read).await?);
            let other = Arc::clone(&bare);
            let read = move |_, id| {
                let bare = Arc::clone(&other);
                async move { bare.through_pool(id).await }
            };
            pooled.push(turn(callers, &tickets, read).await?);
            let other = Arc::clone(&bare);
            let read = move |caller, id| {
                let bare = Arc::clone(&other);
                async move { bare.through_connection(caller, id).await }
            };
            bare_connections.push(turn(callers, &tickets, read).await?);
        }
        let ratio = |others: &[f64]| median(together.iter().zip(others).map(|(one, other)| one / other).collect());
        println!(
            "{callers:>3} callers: {:.2} of a pool's, {:.2} of bare connections' ({:.0}/s, {:.0}/s, {:.0}/s)",
            ratio(&pooled),
            ratio(&bare_connections),
            median(together.clone()),
            median(pooled),
            median(bare_connections),
        );
    }
    store.close().await?;
    Ok(())
}

fn main() -> Fallible<()> {
    // Cargo runs benches with `--bench`, and tests of all targets without: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let url = std::env::var("BSM_TEST_POSTGRES_URL").map_err(|_| "BSM_TEST_POSTGRES_URL names no server")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let schema = format!("bsm_bench_reads_{}", std::process::id());
        let outcome = compare(&url, &schema).await;
        let options: PgConnectOptions = url.parse()?;
        let drop_schema = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {schema} CASCADE");
        sqlx::raw_sql(AssertSqlSafe(drop_schema)).execute(&mut options.connect().await?).await?;
        outcome
    })
}
