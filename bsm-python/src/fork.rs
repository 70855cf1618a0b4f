//! What happens to a desk when its process forks: nothing, in the child.
//!
//! A child has the memory of its parent and none of its threads. A desk that works there would wait for threads that are
//! not, or write into its parent's files. So whatever works belongs to the process that made it: elsewhere it is neither
//! used nor dropped.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many forks lie between this process and the one that loaded the module.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Tells that this process is a child. Python calls it before anything else happens in it.
pub(crate) fn forked() {
    GENERATION.fetch_add(1, Ordering::AcqRel);
}

/// Something that works in one process only.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    value: Option<T>,
    born: u64,
}

impl<T> Kept<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Some(value), born: GENERATION.load(Ordering::Acquire) }
    }

    /// The value; `None` in a child of the process that made it.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.is_here())
    }

    /// Takes the value out; `None` in a child.
    pub(crate) fn into_inner(mut self) -> Option<T> {
        if self.is_here() { self.value.take() } else { None }
    }

    fn is_here(&self) -> bool {
        self.born == GENERATION.load(Ordering::Acquire)
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        if !self.is_here() {
            std::mem::forget(self.value.take());
        }
    }
}
