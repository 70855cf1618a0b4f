//! What a blocking desk stands on: a small runtime for its store, and how a thread waits for a future.
//!
//! The future is polled on the thread that waits, inside the runtime's context, so that what it spawns goes there. tokio's
//! own `block_on` would do the same, but panics where a runtime is running already. There the future gets a thread for as
//! long as it takes.

use std::convert::Infallible;
use std::fmt;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ScopedJoinHandle, Thread};
use std::time::{Duration, Instant};

use bsm_core::{Error, Result};
use tokio::runtime::{Builder, Handle};
use tokio::task::unconstrained;

/// Enough for timers and connections, and for one task that takes its time beside them. Calls are done elsewhere.
const THREADS: usize = 2;

/// A runtime that ends with its last handle.
#[derive(Clone)]
pub(super) struct Runtime {
    owned: Arc<Owned>,
}

struct Owned {
    handle: Handle,
    /// Taken as it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Waits for nothing: where a runtime is running, waiting would be a panic. What a store has to wait for, it waits for
        // when it is dropped, and handles drop their desk first.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("threads", &THREADS).finish_non_exhaustive()
    }
}

impl Runtime {
    pub(super) fn start() -> Result<Self> {
        let built =
            Builder::new_multi_thread().worker_threads(THREADS).thread_name("bsm-blocking").enable_all().build();
        let runtime = built.map_err(|source| Error::Unavailable {
            store: "the runtime of a blocking desk".to_owned(),
            source: source.into(),
        })?;
        let handle = runtime.handle().clone();
        Ok(Self { owned: Arc::new(Owned { handle, runtime: Some(runtime) }) })
    }

    /// Waits for `future`.
    pub(super) fn wait<F: Future<Output: Send> + Send>(&self, future: F) -> F::Output {
        let done: Result<F::Output, Infallible> = self.drive(future, |bell| {
            bell.sleep();
            Ok(())
        });
        match done {
            Ok(output) => output,
            Err(never) => match never {},
        }
    }

    /// Waits for `future` for as long; then drops it, wherever it is.
    pub(super) fn wait_at_most<F>(&self, longest: Duration, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send,
    {
        // A time so long that no clock can tell its end has none.
        let Some(end) = Instant::now().checked_add(longest) else { return Some(self.wait(future)) };
        self.drive(future, |bell| {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(());
            }
            bell.sleep_at_most(left);
            Ok(())
        })
        .ok()
    }

    /// Polls until the future is done, and asks `sleep` to wait in between until the bell rings, or to give up.
    fn drive<F, E>(&self, future: F, mut sleep: impl FnMut(&Bell) -> Result<(), E> + Send) -> Result<F::Output, E>
    where
        F: Future<Output: Send> + Send,
        E: Send,
    {
        let elsewhere = Handle::try_current().is_ok();
        // Until the future is dropped, unfinished or not: that may need the runtime too.
        let _inside = self.owned.handle.enter();
        let mut future = pin!(future);
        if elsewhere {
            // A runtime may be running on this thread. What yields would then be woken by that one, once it has the thread
            // again, which is never: so the future is polled on a thread of its own.
            let done = thread::scope(|scope| {
                let polling = thread::Builder::new().name("bsm-blocking-call".to_owned());
                let polling = polling.spawn_scoped(scope, || self.poll(future.as_mut(), &mut sleep));
                polling.map(ScopedJoinHandle::join)
            });
            match done {
                Ok(Ok(done)) => return done,
                Ok(Err(panic)) => resume_unwind(panic),
                // No thread is to be had. Most futures get along without.
                Err(_) => {}
            }
        }
        self.poll(future, sleep)
    }

    fn poll<F: Future, E>(
        &self,
        future: Pin<&mut F>,
        mut sleep: impl FnMut(&Bell) -> Result<(), E>,
    ) -> Result<F::Output, E> {
        let _inside = self.owned.handle.enter();
        // Unconstrained: inside a task, tokio would have us yield now and then to others, and we have nobody to yield to.
        let mut future = pin!(unconstrained(future));
        let bell = Arc::new(Bell { thread: thread::current(), rang: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&bell));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            sleep(&bell)?;
        }
    }
}

/// Wakes a thread. It remembers that it rang, since others may park and unpark the same thread.
struct Bell {
    thread: Thread,
    rang: AtomicBool,
}

impl Bell {
    fn sleep(&self) {
        while !self.rang.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }

    /// May return too soon.
    fn sleep_at_most(&self, longest: Duration) {
        if !self.rang.swap(false, Ordering::Acquire) {
            thread::park_timeout(longest);
            self.rang.store(false, Ordering::Release);
        }
    }
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
