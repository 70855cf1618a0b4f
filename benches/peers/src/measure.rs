//! One measurement: some callers, each of whom calls again as soon as it is answered, for a time or a number of calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::deed::{Outcome, PAGE};
use crate::ground::Ground;
use crate::peer::{Peer, Task};

/// How long a measurement goes on: whichever comes first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Length {
    /// The time.
    pub seconds: f64,
    /// The calls, of all callers together.
    pub operations: Option<u64>,
}

impl Length {
    /// What goes before, that nobody measures: statements are prepared, connections opened.
    pub fn of_warm_up(self) -> Self {
        let seconds = (self.seconds / 4.0).max(0.25);
        Self { seconds, operations: self.operations.map(|operations| operations.div_ceil(4).max(200)) }
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Job {
    /// What.
    pub task: Task,
    /// By how many at once.
    pub callers: usize,
    /// For how long.
    pub length: Length,
    /// On what.
    pub ground: Arc<Ground>,
    /// The requests that can be made into tickets, each once.
    pub stock: Arc<Stock>,
    /// Where the dice begin.
    pub seed: u64,
}

/// Requests that can be made into tickets.
#[derive(Debug, Default)]
pub struct Stock {
    ids: Vec<Uuid>,
    taken: AtomicUsize,
}

impl Stock {
    /// A stock of those.
    pub fn new(ids: Vec<Uuid>) -> Self {
        Self { ids, taken: AtomicUsize::new(0) }
    }

    fn take(&self) -> Option<Uuid> {
        self.ids.get(self.taken.fetch_add(1, Ordering::Relaxed)).copied()
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sample {
    /// How many calls were answered.
    pub done: u64,
    /// In what time.
    pub seconds: f64,
    /// How long each took, in microseconds.
    pub micros: Vec<u32>,
}

impl Sample {
    /// Calls in a second.
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.done as f64 / self.seconds } else { 0.0 }
    }
}

/// Measures.
pub async fn measure(peer: &Arc<dyn Peer>, job: &Job) -> Outcome<Sample> {
    let mut callers = JoinSet::new();
    let enough = Arc::new(AtomicBool::new(false));
    let begun = Arc::new(AtomicU64::new(0));
    let since = Instant::now();
    for caller in 0..job.callers {
        let seed = job.seed.wrapping_mul(1_000_003).wrapping_add(u64::try_from(caller)?);
        callers.spawn(call(Arc::clone(peer), job.clone(), Arc::clone(&enough), Arc::clone(&begun), seed));
    }
    let mut sample = Sample::default();
    while let Some(micros) = callers.join_next().await {
        let micros = micros?.inspect_err(|_| enough.store(true, Ordering::Relaxed))?;
        sample.done += u64::try_from(micros.len())?;
        sample.micros.extend(micros);
    }
    sample.seconds = since.elapsed().as_secs_f64();
    Ok(sample)
}

/// One caller.
async fn call(
    peer: Arc<dyn Peer>,
    job: Job,
    enough: Arc<AtomicBool>,
    begun: Arc<AtomicU64>,
    seed: u64,
) -> Outcome<Vec<u32>> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let end = Instant::now() + Duration::from_secs_f64(job.length.seconds);
    let mut micros = Vec::new();
    loop {
        let since = Instant::now();
        let left = job.length.operations.is_none_or(|most| begun.fetch_add(1, Ordering::Relaxed) < most);
        if since >= end || !left || enough.load(Ordering::Relaxed) {
            return Ok(micros);
        }
        if !once(&*peer, &job, &mut dice).await? {
            // The stock is used up: all stop, so that nobody is measured alone.
            enough.store(true, Ordering::Relaxed);
            return Ok(micros);
        }
        micros.push(u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}

/// One call. Returns whether there was anything to do.
async fn once(peer: &dyn Peer, job: &Job, dice: &mut fastrand::Rng) -> Outcome<bool> {
    let ground = &*job.ground;
    let as_asked = match job.task {
        Task::Submit => peer.submit(ground.submission(dice)).await? > 0,
        Task::Convert => match job.stock.take() {
            Some(request) => peer.convert(ground.conversion(dice, request)).await? > 0,
            None => return Ok(false),
        },
        Task::Get => {
            let (actor, ticket) = ground.reading(dice);
            peer.ticket(actor, ticket).await? > 0
        }
        Task::First => peer.page(ground.reader, None).await? == PAGE,
        Task::Middle => peer.page(ground.reader, ground.place(dice)).await? == PAGE,
        Task::Filtered => peer.filtered(ground.reader).await? == PAGE,
        Task::Summary => peer.summary(ground.reader).await? > 0,
        Task::Load => false,
    };
    if as_asked { Ok(true) } else { Err(format!("{} did not give what was asked", job.task.title()).into()) }
}
