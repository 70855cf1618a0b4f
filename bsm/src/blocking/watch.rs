//! Waiting for what happens next, on the thread that asks.

use std::iter::FusedIterator;
use std::time::Duration;

use bsm_core::Result;
use bsm_core::feed::{self, Position, Told};

use super::runtime::Runtime;

/// As [`feed::Watch`](crate::feed::Watch): everything that happens, one event after another, as an iterator that waits.
///
/// The iterator ends only behind its first error, so that a loop over it never goes round in one; [`position`](Self::position) is where
/// another watch goes on. The other methods may be asked again.
///
/// ```
/// use std::time::Duration;
///
/// use bsm::feed::Since;
/// # fn example(admin: bsm::blocking::Admin) -> bsm::Result<()> {
/// let mut watch = admin.watch(Since::Now)?;
/// // A loop that has something else to do, too.
/// while let Some(event) = watch.next_timeout(Duration::from_secs(1))? {
///     println!("{} rows changed", event.entries.len());
/// }
/// // One that has not.
/// for event in watch {
///     println!("{} rows changed", event?.entries.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Watch<E> {
    inner: feed::Watch<E>,
    runtime: Runtime,
    failed: bool,
}

impl<E: Told> Watch<E> {
    pub(super) fn on(inner: feed::Watch<E>, runtime: Runtime) -> Self {
        Self { inner, runtime, failed: false }
    }

    /// The next event, if one happens in time; waits for it no longer than `timeout`. Nothing is lost by giving up: the next
    /// call goes on where this one would have. One look is taken whatever the time, so an event that is there already is
    /// given also with none.
    ///
    /// Costs O(log n + page) for each page of events, and nothing while it waits.
    ///
    /// # Errors
    /// As [`feed::Watch::next`](crate::feed::Watch::next).
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<E>> {
        // Looked for without regard to the time, which may be over before a store that is far away has answered.
        let event = self.try_next()?;
        if event.is_some() || timeout.is_zero() {
            return Ok(event);
        }
        self.runtime.wait_at_most(timeout, self.inner.next()).transpose()
    }

    /// The next event, if it is there already.
    ///
    /// # Errors
    /// As [`feed::Watch::try_next`](crate::feed::Watch::try_next).
    pub fn try_next(&mut self) -> Result<Option<E>> {
        self.runtime.wait(self.inner.try_next())
    }

    /// Behind the last event that was told: where a watch goes on that is begun later, elsewhere.
    pub const fn position(&self) -> &Position {
        self.inner.position()
    }
}

impl<E: Told> Iterator for Watch<E> {
    type Item = Result<E>;

    /// The next event; waits for it. `None` only behind an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let event = self.runtime.wait(self.inner.next());
        self.failed = event.is_err();
        Some(event)
    }
}

impl<E: Told> FusedIterator for Watch<E> {}
