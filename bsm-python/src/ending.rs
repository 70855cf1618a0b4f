//! The end of the interpreter: from a moment on, no thread of ours asks for it.
//!
//! A thread that waits for the interpreter while that goes is ended by it, in the middle of whatever it does, which no
//! Rust survives. So threads that are not Python's own come through here, and the end of the program (`ground::close_all`)
//! waits for those that are inside and lets nobody in any more.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

/// Whether the end has begun.
static ENDING: AtomicBool = AtomicBool::new(false);

/// How many threads are attached through here, or wait for it.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// How long to wait between looks at who is inside.
const LOOK: Duration = Duration::from_millis(1);

/// Whether the end has begun: nobody is told anything any more.
pub(crate) fn has_begun() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// Does something with the interpreter; `None` once it ends.
pub(crate) fn attach<R>(work: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    let _inside = Inside::enter();
    // Looked at behind the count: either the end sees it, or this sees the end.
    if has_begun() { None } else { Python::try_attach(work) }
}

/// Begins the end, and waits for those who are inside.
pub(crate) fn begin(py: Python<'_>) {
    ENDING.store(true, Ordering::SeqCst);
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

struct Inside;

impl Inside {
    fn enter() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}
