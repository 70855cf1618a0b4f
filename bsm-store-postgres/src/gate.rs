//! The gate that every call goes through, so that closing can wait for those under way.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many calls may be under way at the same moment; more wait for their turn.
const CALLS: u32 = 1 << 16;

/// Lets calls through until it is closed.
#[derive(Debug)]
pub(crate) struct Gate {
    calls: Semaphore,
    closing: AtomicBool,
}

impl Default for Gate {
    fn default() -> Self {
        Self { calls: Semaphore::new(CALLS as usize), closing: AtomicBool::new(false) }
    }
}

impl Gate {
    /// Lets a call through; it holds what it is given until it ends. `None` once the gate is closing.
    pub(crate) async fn pass(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.calls.acquire().await.ok()?;
        // Looked at behind the permit: whoever closes sets it first and then waits for all permits.
        (!self.closing.load(Ordering::SeqCst)).then_some(permit)
    }

    /// Lets nobody through any more.
    pub(crate) fn shut(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Lets nobody through any more, and waits for those who are. Closing twice is fine.
    pub(crate) async fn close(&self) {
        self.shut();
        // The semaphore itself is never closed, so this fails never; all permits are let go at once.
        drop(self.calls.acquire_many(CALLS).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn closing_waits_for_calls_and_lets_no_more_through() {
        let gate = std::sync::Arc::new(Gate::default());
        let call = gate.pass().await.expect("open");
        let other = std::sync::Arc::clone(&gate);
        let closing = tokio::spawn(async move { other.close().await });
        while !gate.closing.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        assert!(!closing.is_finished(), "a call is under way");
        drop(call);
        closing.await.expect("closes");
        assert!(gate.pass().await.is_none());
        gate.close().await;
    }
}
