//! The end of the interpreter: from a moment on, nobody is in a call of ours, and nobody comes in.
//!
//! A thread that waits for the interpreter while that goes is ended by it, in the middle of whatever it does, which no
//! Rust survives. That are threads of the desk's runtime, which tell a loop what came of a call, and threads of Python's that
//! the end does not wait for ("daemon"), which come out of one. So all of them come through here. The end of the program
//! (`ground::close_all`) waits for those that are inside; whoever comes later waits for the end of the process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::thread::{self, ThreadId};
use std::time::Duration;

use pyo3::prelude::*;

/// The thread that ends the interpreter, once it has begun to. It alone may go on.
static ENDING: OnceLock<ThreadId> = OnceLock::new();

/// How many threads are inside.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// How long to wait between looks at who is inside.
const LOOK: Duration = Duration::from_millis(1);

/// Whether the end has begun: loops are told nothing any more.
pub(crate) fn has_begun() -> bool {
    ENDING.get().is_some()
}

/// Whether the end has begun, and this thread has no part in it.
pub(crate) fn is_over() -> bool {
    ENDING.get().is_some_and(|last| *last != thread::current().id())
}

/// Does something with the interpreter, by a thread that is not Python's; `None` once the end has begun.
pub(crate) fn attach<R>(work: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    let _inside = Inside::count();
    if has_begun() { None } else { Python::try_attach(work) }
}

/// Begins the end, and waits for those who are inside.
pub(crate) fn begin(py: Python<'_>) {
    let _ = ENDING.set(thread::current().id());
    // With the one in `count`: either the end sees who came in, or they see the end.
    fence(Ordering::SeqCst);
    py.detach(|| {
        while INSIDE.load(Ordering::SeqCst) > 0 {
            thread::sleep(LOOK);
        }
    });
}

/// Forgets who was inside, in a child that has no other threads.
pub(crate) fn forked() {
    INSIDE.store(0, Ordering::SeqCst);
}

/// A thread that is inside, for as long as this lives.
pub(crate) struct Inside(());

impl Inside {
    /// Comes in, by a thread of Python's. Once the end has begun, it does not come back.
    pub(crate) fn enter(py: Python<'_>) -> Self {
        let inside = Self::count();
        if !is_over() {
            return inside;
        }
        drop(inside);
        py.detach(|| {
            loop {
                thread::park();
            }
        })
    }

    fn count() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}
