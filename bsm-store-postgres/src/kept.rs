//! Connections that are kept at hand, for calls of one statement.
//!
//! A pool's connection is pinged each time it is given back, which for small calls is as much again as the call. So a few of
//! them are not given back between calls, but wait here. One whose call did not end well is dropped: nobody knows in what
//! state it is.

use std::sync::{Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

/// Connections that wait for their next call.
#[derive(Debug)]
pub(crate) struct Kept {
    most: usize,
    idle: Mutex<Vec<PoolConnection<Postgres>>>,
}

impl Kept {
    /// Keeps at most so many.
    pub(crate) const fn new(most: usize) -> Self {
        Self { most, idle: Mutex::new(Vec::new()) }
    }

    /// One that is at hand, or another of the pool's.
    pub(crate) async fn take(&self, pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let at_hand = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match at_hand {
            Some(connection) => Ok(connection),
            None => pool.acquire().await,
        }
    }

    /// Keeps one whose call ended well, unless there are enough.
    pub(crate) fn keep(&self, connection: PoolConnection<Postgres>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most {
            idle.push(connection);
        }
    }

    /// Gives all of them back.
    pub(crate) fn give_back(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }
}
