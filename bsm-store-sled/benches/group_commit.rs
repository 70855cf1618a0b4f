//! What group commit costs beside the bare engine: `cargo bench -p bsm-store-sled --bench group_commit`.
//!
//! Callers side by side submit requests to a desk on sled, each waiting until its own is durable. Every batch that reaches
//! the engine is recorded. Then bare sled, in another folder, is given the same keys and values in the same groups (all
//! that one sync covered is a group): `apply_batch`, `flush`, `fdatasync` of its file, and a small file written and
//! synced, as `HEAD` is. Both run in turns, on the same disk, so that what disturbs one disturbs the other; what is
//! printed first is the ratio of their commands per second.
//!
//! The bare engine decides nothing, reads nothing and answers nobody: it is the floor.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bsm_core::model::{Role, ServiceId, UserId};
use bsm_core::{Desk, NewService, NewUser, SubmitRequest};
use bsm_store_kv::engine::{Batch, Engine, EngineResult, Head, Op, View};
use bsm_store_kv::{KvOptions, KvStore};
use bsm_store_sled::SledEngine;

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CACHE: u64 = 64 << 20;
/// Commands in a turn, and turns.
const COMMANDS: usize = 3_200;
const TURNS: usize = 5;

/// What one sync covered.
#[derive(Clone, Debug, Default)]
struct Group {
    ops: Vec<Op>,
    batches: usize,
}

/// What reached the engine, and how long it took there.
#[derive(Debug, Default)]
struct Record {
    open: Group,
    closed: Vec<Group>,
    syncing: Duration,
    applying: Duration,
}

/// sled, and a record of what it is given.
#[derive(Debug)]
struct Recorded {
    sled: SledEngine,
    record: Mutex<Record>,
}

impl Recorded {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Recorded {
    fn name(&self) -> String {
        self.sled.name()
    }

    fn max_value_len(&self) -> usize {
        self.sled.max_value_len()
    }

    fn view(&self) -> EngineResult<Box<dyn View + '_>> {
        self.sled.view()
    }

    fn try_view(&self) -> EngineResult<Option<Box<dyn View + '_>>> {
        self.sled.try_view()
    }

    fn apply(&self, batch: Batch) -> EngineResult<()> {
        let ops = batch.ops().to_vec();
        let begun = Instant::now();
        self.sled.apply(batch)?;
        let mut record = self.record();
        record.applying += begun.elapsed();
        record.open.ops.extend(ops);
        record.open.batches += 1;
        Ok(())
    }

    fn sync(&self, head: Head) -> EngineResult<()> {
        {
            let mut record = self.record();
            let group = std::mem::take(&mut record.open);
            record.closed.push(group);
        }
        let begun = Instant::now();
        self.sled.sync(head)?;
        self.record().syncing += begun.elapsed();
        Ok(())
    }

    fn acknowledged(&self) -> EngineResult<Option<Head>> {
        self.sled.acknowledged()
    }
}

/// Bare sled, synced as the desk's is.
struct Bare {
    sled: sled::Db,
    log: File,
    head: File,
    syncing: Duration,
}

impl Bare {
    fn open(folder: &Path) -> Fallible<Self> {
        let data = folder.join("data");
        let sled = sled::Config::new().path(&data).cache_capacity(CACHE).flush_every_ms(None).open()?;
        let log = OpenOptions::new().read(true).write(true).open(data.join("db"))?;
        let mut head = OpenOptions::new().write(true).create(true).truncate(true).open(folder.join("HEAD"))?;
        head.write_all(&[0; 8192])?;
        head.sync_all()?;
        Ok(Self { sled, log, head, syncing: Duration::ZERO })
    }

    fn write(&mut self, group: &Group) -> Fallible<()> {
        let mut batch = sled::Batch::default();
        for op in &group.ops {
            match op {
                Op::Put(key, value) => batch.insert(&**key, &**value),
                Op::Delete(key) => batch.remove(&**key),
            }
        }
        self.sled.apply_batch(batch)?;
        let begun = Instant::now();
        self.sled.flush()?;
        self.log.sync_data()?;
        self.head.seek(SeekFrom::Start(0))?;
        self.head.write_all(&[1; 64])?;
        self.head.sync_data()?;
        self.syncing += begun.elapsed();
        Ok(())
    }
}

struct Turn {
    desk: Duration,
    bare: Duration,
    bare_syncing: Duration,
    record: Record,
}

async fn commands(desk: &Desk, customer: UserId, service: ServiceId, callers: usize, count: usize) -> Fallible<()> {
    let each = count / callers;
    let calls: Vec<_> = (0..callers)
        .map(|_| {
            let customer = desk.customer(customer);
            tokio::spawn(async move {
                for _ in 0..each {
                    customer.submit_request(SubmitRequest::new(service)).await?;
                }
                Ok::<(), bsm_core::Error>(())
            })
        })
        .collect();
    for call in calls {
        call.await??;
    }
    Ok(())
}

async fn measure(callers: usize) -> Fallible<Vec<Turn>> {
    let folders = tempfile::tempdir()?;
    let ours = folders.path().join("desk");
    let theirs = folders.path().join("bare");
    std::fs::create_dir(&theirs)?;
    let engine = Arc::new(Recorded { sled: SledEngine::open(&ours, CACHE)?, record: Mutex::default() });
    let store = Arc::new(KvStore::open(Arc::clone(&engine), KvOptions::default())?);
    let desk = Desk::new(store);
    let admin = desk.bootstrap(NewUser::new("Admin", "admin@example.org", Role::Admin)).await?;
    let admin = desk.admin(admin.id);
    let customer = admin.create_user(NewUser::new("Customer", "customer@example.org", Role::Customer)).await?;
    let service = admin.create_service(NewService::new("Service", "bench", "10 EUR".parse()?)).await?;
    let mut bare = Bare::open(&theirs)?;
    let mut turns = Vec::new();
    // The first turn, and what made the desk, warm both up.
    for turn in 0..=TURNS {
        let count = if turn == 0 { callers * 4 } else { COMMANDS.min(callers * 200) };
        let begun = Instant::now();
        commands(&desk, customer.id, service.id, callers, count).await?;
        let ours = begun.elapsed();
        let record = std::mem::take(&mut *engine.record());
        bare.syncing = Duration::ZERO;
        let begun = Instant::now();
        for group in &record.closed {
            bare.write(group)?;
        }
        let turn_of_bare = begun.elapsed();
        if turn > 0 {
            turns.push(Turn { desk: ours, bare: turn_of_bare, bare_syncing: bare.syncing, record });
        }
    }
    desk.close().await?;
    Ok(turns)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench are small")]
fn report(callers: usize, mut turns: Vec<Turn>) {
    let count = COMMANDS.min(callers * 200) as f64;
    let ratio = |turn: &Turn| turn.bare.as_secs_f64() / turn.desk.as_secs_f64();
    turns.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let ratios: Vec<String> = turns.iter().map(|turn| format!("{:.2}", ratio(turn))).collect();
    let Some(turn) = turns.get(turns.len() / 2) else { return };
    let syncs = turn.record.closed.len() as f64;
    let batches: usize = turn.record.closed.iter().map(|group| group.batches).sum();
    let keys: usize = turn.record.closed.iter().map(|group| group.ops.len()).sum();
    let micros = |time: Duration, parts: f64| time.as_secs_f64() * 1e6 / parts;
    println!("{callers:>3} callers: {:.2} of bare sled (turns: {})", ratio(turn), ratios.join(", "));
    println!(
        "    desk {:>6.0} commands/s, bare {:>6.0}/s; {:.3} syncs a command; a sync covers {:.1} commands in {:.1} batches; {:.1} keys a command",
        count / turn.desk.as_secs_f64(),
        count / turn.bare.as_secs_f64(),
        syncs / count,
        count / syncs,
        batches as f64 / syncs,
        keys as f64 / count,
    );
    println!(
        "    one sync takes {:.0} us in the desk, {:.0} us bare; applying a key {:.1} us in the desk, {:.1} us bare",
        micros(turn.record.syncing, syncs),
        micros(turn.bare_syncing, syncs),
        micros(turn.record.applying, keys as f64),
        micros(turn.bare.saturating_sub(turn.bare_syncing), keys as f64),
    );
}

fn main() -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for callers in [1, 8, 32, 128] {
        report(callers, runtime.block_on(measure(callers))?);
    }
    Ok(())
}
