//! What a desk stands on in Python: a runtime of its own, how a thread waits for a call, and how all of it ends.
//!
//! A blocking call is polled on the thread that makes it, with the interpreter released. While it takes long, the main
//! thread looks for signals now and then: what a handler raises ends the call. An awaited call is a task of the runtime
//! (`call.rs`).

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use bsm::Error;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::unconstrained;

use crate::ending::{self, Inside};
use crate::errors::{Fault, Raise, raise};
use crate::fork::Kept;

/// Enough for timers and connections, and for awaited calls beside one that takes its time.
const THREADS: usize = 2;

/// How long a call waits before it looks for signals.
const SIGNALS: Duration = Duration::from_millis(50);

/// How long the end of the program waits for what a store still does on the runtime's threads.
const LAST: Duration = Duration::from_secs(5);

/// The desks that are open, for the end of the program. Locked by threads that are attached to the interpreter only, and
/// for a moment: so nobody holds it when one of them forks.
static OPEN: Mutex<Vec<Weak<Ground>>> = Mutex::new(Vec::new());

/// What all handles of one desk share.
pub(crate) struct Ground {
    // In this order: a store that is dropped finishes what it does, for which it may need the runtime.
    desk: Kept<bsm::Desk>,
    runtime: Kept<Threads>,
    /// How errors call the store.
    place: String,
}

/// A runtime that can be ended before it is dropped.
struct Threads {
    handle: Handle,
    owned: Mutex<Option<Runtime>>,
}

impl Threads {
    fn take(&self) -> Option<Runtime> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waits for nothing: whoever drops the last handle may be in the middle of anything.
        if let Some(runtime) = self.take() {
            runtime.shutdown_background();
        }
    }
}

/// A desk that was opened by a thread that knows no interpreter.
pub(crate) struct Opened {
    // In this order: see `Ground`.
    desk: bsm::Desk,
    threads: Threads,
}

impl Opened {
    /// What the desk stands on, from now on among those that are open.
    pub(crate) fn ground(self, _attached: Python<'_>) -> Arc<Ground> {
        Ground::on(self.threads, self.desk)
    }
}

impl Ground {
    /// Opens the desk at an address, on a runtime that is begun for it.
    pub(crate) fn open(py: Python<'_>, address: String) -> PyResult<Arc<Self>> {
        let threads = Self::begin(py)?;
        let handle = threads.handle.clone();
        let desk = wait(py, &handle, async move { bsm::open(&address).await })?.or_raise(py)?;
        Ok(Self::on(threads, desk))
    }

    /// Opens the desk at an address as a task of a runtime that is begun for it, whose handle it gives.
    pub(crate) fn open_later(
        py: Python<'_>,
        address: String,
    ) -> PyResult<(Handle, impl Future<Output = bsm::Result<Opened>> + Send + use<>)> {
        let threads = Self::begin(py)?;
        let handle = threads.handle.clone();
        Ok((handle, async move { bsm::open(&address).await.map(|desk| Opened { desk, threads }) }))
    }

    /// Deletes the desk at an address.
    pub(crate) fn remove(py: Python<'_>, address: String) -> PyResult<()> {
        let threads = Self::begin(py)?;
        let removal = async move { bsm::Registry::standard().remove(&address).await };
        wait(py, &threads.handle.clone(), removal)?.or_raise(py)
    }

    /// Deletes the desk at an address as a task of a runtime that ends with it.
    pub(crate) fn remove_later(
        py: Python<'_>,
        address: String,
    ) -> PyResult<(Handle, impl Future<Output = bsm::Result<()>> + Send + use<>)> {
        let threads = Self::begin(py)?;
        let handle = threads.handle.clone();
        Ok((handle, async move {
            let removed = bsm::Registry::standard().remove(&address).await;
            drop(threads);
            removed
        }))
    }

    fn begin(py: Python<'_>) -> PyResult<Threads> {
        let built = Builder::new_multi_thread().worker_threads(THREADS).thread_name("bsm-python").enable_all().build();
        let built = built
            .map_err(|source| Error::Unavailable { store: "the runtime of a desk".to_owned(), source: source.into() });
        let runtime = built.or_raise(py)?;
        Ok(Threads { handle: runtime.handle().clone(), owned: Mutex::new(Some(runtime)) })
    }

    fn on(threads: Threads, desk: bsm::Desk) -> Arc<Self> {
        let place = desk.store().to_string();
        let ground = Arc::new(Self { desk: Kept::new(desk), runtime: Kept::new(threads), place });
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| other.strong_count() > 0);
        open.push(Arc::downgrade(&ground));
        drop(open);
        ground
    }

    /// The desk.
    pub(crate) fn desk(&self, py: Python<'_>) -> PyResult<&bsm::Desk> {
        self.here(py, &self.desk)
    }

    /// The store, as errors and reprs name it: without a password.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The runtime, for calls that are awaited.
    pub(crate) fn handle(&self, py: Python<'_>) -> PyResult<&Handle> {
        Ok(&self.here(py, &self.runtime)?.handle)
    }

    /// What is this process's; an error for a child of it.
    pub(crate) fn here<'a, T>(&self, py: Python<'_>, kept: &'a Kept<T>) -> PyResult<&'a T> {
        kept.get().ok_or_else(|| self.elsewhere(py))
    }

    /// What a child of the process that opened the desk is told.
    pub(crate) fn elsewhere(&self, py: Python<'_>) -> PyErr {
        let reason = "it was opened before this process was forked, which must open a desk of its own";
        raise(py, &Error::Closed { store: self.place.clone(), reason })
    }

    /// Waits for a call, with the interpreter released.
    pub(crate) fn wait<T, E, F>(&self, py: Python<'_>, call: F) -> PyResult<T>
    where
        T: Send + 'static,
        E: Fault,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        wait(py, self.handle(py)?, call)?.or_raise(py)
    }
}

/// Closes every desk that is open and ends its threads, so that none is there when the interpreter goes. What waits on a
/// desk by then (a watch in a daemon thread) ends as on a desk that is closed.
pub(crate) fn close_all(py: Python<'_>) -> PyResult<()> {
    let open = std::mem::take(&mut *OPEN.lock().unwrap_or_else(PoisonError::into_inner));
    let mut outcome = Ok(());
    for ground in open.iter().filter_map(Weak::upgrade) {
        let (Some(desk), Some(threads)) = (ground.desk.get(), ground.runtime.get()) else { continue };
        let desk = desk.clone();
        let closed =
            wait(py, &threads.handle, async move { desk.close().await }).and_then(|closed| closed.or_raise(py));
        if let Some(runtime) = threads.take() {
            py.detach(|| runtime.shutdown_timeout(LAST));
        }
        outcome = outcome.and(closed);
    }
    ending::begin(py);
    outcome
}

/// Waits for a future, with the interpreter released.
fn wait<F>(py: Python<'_>, handle: &Handle, future: F) -> PyResult<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let _inside = Inside::enter(py);
    py.detach(|| {
        if Handle::try_current().is_err() {
            return drive(handle, future);
        }
        // A runtime is running on this thread, somebody else's: what yields would wait for that one. So it is a task of ours.
        let task = handle.spawn(future);
        let ended = AbortOnDrop(task.abort_handle());
        let done = drive(handle, task)?;
        drop(ended);
        done.map_err(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => PyRuntimeError::new_err("the desk's threads have ended"),
        })
    })
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Polls a future on this thread until it is done, or until a signal's handler raises.
fn drive<F: Future>(handle: &Handle, future: F) -> PyResult<F::Output> {
    let _inside = handle.enter();
    // Unconstrained: there is no task beside it to which it could yield.
    let mut future = pin!(unconstrained(future));
    let bell = Arc::new(Bell { thread: thread::current(), rang: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        while !bell.rang.swap(false, Ordering::Acquire) {
            thread::park_timeout(SIGNALS);
            if !bell.rang.load(Ordering::Acquire) {
                // On other threads than the main one there are none, and it costs little.
                ending::attach(signals).unwrap_or(Ok(()))?;
                if ending::is_over() {
                    return Err(PyRuntimeError::new_err("the program ends"));
                }
            }
        }
    }
}

/// Runs the handlers of signals that came meanwhile.
fn signals(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}

/// Wakes a thread. It remembers that it rang, since others may unpark the same thread.
struct Bell {
    thread: Thread,
    rang: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
