//! What qualifies the calls of a portal handle: when a thing happened, under which key, at which version.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Timestamp, Version};
use crate::store::Stamp;

use super::Portal;

/// The qualifications of one handle.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// When what is commanded happened, if not now.
    pub(super) at: Option<Timestamp>,
    /// The idempotency key.
    pub(super) key: Option<String>,
    /// The version that the caller saw.
    pub(super) expected: Option<Version>,
    /// What reads must see at least.
    pub(super) at_least: Option<Stamp>,
    /// The stamp of the last command, shared by the handles that came from one.
    last: Arc<Mutex<Option<Stamp>>>,
}

impl Settings {
    pub(super) fn committed(&self, stamp: Stamp) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamp);
    }
}

impl<R> Portal<R> {
    /// The same portal, for commands that tell of something that happened at `at`. History keeps it as
    /// [`occurred_at`](crate::model::HistoryEntry::occurred_at), beside the desk's own time. It may lie in the past, not
    /// in the future: such a command is refused, naming the field `occurred_at`.
    pub fn at(&self, at: Timestamp) -> Self {
        let mut portal = self.clone();
        portal.settings.at = Some(at);
        portal
    }

    /// The same portal, for one command that must not happen twice. Sent again by the same actor with the same key, it
    /// answers with the row that the first made or changed, as that stands by then, and changes nothing; another command
    /// with the same key is [`Error::KeyReused`](crate::Error::KeyReused). A key is kept for
    /// [`IDEMPOTENCY_KEPT_MICROS`](crate::rules::limits::IDEMPOTENCY_KEPT_MICROS), in the commit of its command.
    pub fn keyed(&self, key: impl Into<String>) -> Self {
        let mut portal = self.clone();
        portal.settings.key = Some(key.into());
        portal
    }

    /// The same portal, for a command on a row that the caller saw at `version`: if it was changed since, the command is
    /// [`Error::Conflict`](crate::Error::Conflict) and changes nothing.
    pub fn expecting(&self, version: Version) -> Self {
        let mut portal = self.clone();
        portal.settings.expected = Some(version);
        portal
    }

    /// The same portal, whose reads see at least the commit that `stamp` marks, whoever made it and wherever. A command
    /// does so anyway if it succeeds, since its commit is checked against what stands; refused, it is refused on a read that
    /// sees the commit.
    pub fn seeing(&self, stamp: Stamp) -> Self {
        let mut portal = self.clone();
        portal.settings.at_least = Some(stamp);
        portal
    }

    /// Marks the last command that was acknowledged through this handle or one made from it. Given to
    /// [`seeing`](Self::seeing) of any other handle, it makes that one see the command.
    pub fn last_stamp(&self) -> Option<Stamp> {
        self.settings.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
