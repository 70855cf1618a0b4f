//! Many tasks at one moment, and one command in the middle of another.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;

use super::outcome::refused;
use crate::store::{Call, Layer, Layered, Store};
use crate::{Error, Result};

/// Runs `tasks` tasks, which begin together, and returns what they returned, in order.
pub(crate) async fn race<T, F>(tasks: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(tasks));
    let spawn = |number| {
        let (start, run) = (Arc::clone(&start), task(number));
        tokio::spawn(async move {
            start.wait().await;
            run.await
        })
    };
    let running: Vec<_> = (0..tasks).map(spawn).collect();
    let mut results = Vec::with_capacity(tasks);
    for task in running {
        match task.await {
            Ok(result) => results.push(result),
            // Nobody aborts these tasks, so this is what one of them panicked with.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    results
}

/// Asserts that of many commands exactly one succeeded, and that all others were refused for its sake, and returns what
/// the one did.
#[track_caller]
pub(crate) fn one_wins<T: fmt::Debug>(results: Vec<Result<T>>, refusal: impl Fn(&T) -> Error) -> T {
    let (made, refusals): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1, "exactly one succeeds: {made:?}, {refusals:?}");
    let Some(Ok(winner)) = made.into_iter().next() else { unreachable!("one is there") };
    let expected = refusal(&winner);
    for result in refusals {
        refused(result, &expected);
    }
    winner
}

/// Runs two tasks, which begin together.
pub(crate) async fn both<A, B>(
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let start = Arc::new(Barrier::new(2));
    let other = Arc::clone(&start);
    let first = tokio::spawn(async move {
        start.wait().await;
        first.await
    });
    let second = tokio::spawn(async move {
        other.wait().await;
        second.await
    });
    match (first.await, second.await) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Polls a future at most `times` times, then drops it, as a caller does who gives up. Returns whether it was done.
pub(crate) async fn given_up<T>(times: usize, future: impl Future<Output = T>) -> bool {
    let mut future = Box::pin(future);
    for _ in 0..times {
        let poll = std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context))).await;
        if poll.is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// How long commands wait for each other before the first of them commits.
const PATIENCE: Duration = Duration::from_secs(2);

/// A store whose first commit waits until as many others have come to theirs, so that all of them were decided on the
/// same state. If some never come, it goes on without them: a race that is none proves less, and hangs nobody.
#[derive(Debug)]
struct InStep {
    patience: Duration,
    waited: AtomicBool,
    arrived: Arc<AtomicUsize>,
    expected: usize,
}

/// As many stores over one store, each of which waits with its first commit for the others.
pub(crate) fn in_step(store: &Arc<dyn Store>, expected: usize) -> Vec<Arc<dyn Store>> {
    in_step_for(store, expected, PATIENCE)
}

/// As [`in_step`], where some of the others may well never come: with another patience.
pub(crate) fn in_step_for(store: &Arc<dyn Store>, expected: usize, patience: Duration) -> Vec<Arc<dyn Store>> {
    let arrived = Arc::new(AtomicUsize::new(0));
    let one = |_| {
        let layer = InStep { patience, waited: AtomicBool::new(false), arrived: Arc::clone(&arrived), expected };
        Arc::new(Layered::new(Arc::clone(store), layer)) as Arc<dyn Store>
    };
    (0..expected).map(one).collect()
}

impl Layer for InStep {
    async fn around<T: Send>(
        &self,
        _store: &dyn Store,
        call: Call<'_>,
        inner: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if matches!(call, Call::Commit(_)) && !self.waited.swap(true, Ordering::SeqCst) {
            self.arrived.fetch_add(1, Ordering::SeqCst);
            let since = Instant::now();
            while self.arrived.load(Ordering::SeqCst) < self.expected && since.elapsed() < self.patience {
                tokio::task::yield_now().await;
            }
        }
        inner.await
    }
}

type Action = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Something that happens between a command's decision and its commit, or before it reads: the interleaving that races hit
/// by chance, every time. Each action precedes one commit, or one read, in order.
pub(crate) struct Meanwhile {
    commits: Mutex<VecDeque<Action>>,
    reads: Mutex<VecDeque<Action>>,
}

impl Meanwhile {
    /// A store on which each of `actions` happens before a commit.
    pub(crate) fn before_commits<F>(inner: Arc<dyn Store>, actions: impl IntoIterator<Item = F>) -> Layered<Self>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let commits = actions.into_iter().map(|action| Box::pin(action) as Action).collect();
        Layered::new(inner, Self { commits: Mutex::new(commits), reads: Mutex::default() })
    }

    /// A store on which `action` happens before a read, behind as many reads as `behind` says.
    pub(crate) fn before_read<F>(inner: Arc<dyn Store>, behind: usize, action: F) -> Layered<Self>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let nothing = || Box::pin(std::future::ready(Ok(()))) as Action;
        let reads = (0..behind).map(|_| nothing()).chain([Box::pin(action) as Action]).collect();
        Layered::new(inner, Self { commits: Mutex::default(), reads: Mutex::new(reads) })
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meanwhile").finish_non_exhaustive()
    }
}

impl Layer for Meanwhile {
    async fn around<T: Send>(
        &self,
        _store: &dyn Store,
        call: Call<'_>,
        inner: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match call {
            Call::Commit(_) => act(&self.commits).await?,
            Call::Read(_) => act(&self.reads).await?,
            _ => {}
        }
        inner.await
    }
}

/// Does the next action, if one is left.
async fn act(actions: &Mutex<VecDeque<Action>>) -> Result<()> {
    let action = actions.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    if let Some(action) = action { action.await } else { Ok(()) }
}
