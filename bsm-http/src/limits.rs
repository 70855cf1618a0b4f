//! What a request may cost.

use std::time::Duration;

/// What one request may cost. How long a page may be is the desk's own limit
/// ([`PAGE_SIZE_MAX`](bsm_core::rules::limits::PAGE_SIZE_MAX)).
///
/// ```
/// use std::time::Duration;
///
/// let strict = bsm_http::Limits { time: Duration::from_secs(5), ..bsm_http::Limits::default() };
/// # assert_eq!(strict.body_bytes, 2 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes: 2 MiB unless told, which holds the longest article, every character of it escaped.
    pub body_bytes: usize,
    /// How long a request may take to be read and answered: 30 s unless told. (A stream of events goes on for as long as
    /// somebody reads it.)
    pub time: Duration,
    /// After how long a stream of events gives a sign of life: 15 s unless told.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 2 << 20, time: Duration::from_secs(30), keep_alive: Duration::from_secs(15) }
    }
}
