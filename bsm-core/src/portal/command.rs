//! Commands by name: what stands for one in its digest, and the span that it leaves.
//!
//! A command is written once, as a tuple of its name and what was given with it. The digest of an idempotency key is made
//! of all of it; the span tells the name, and nothing of the rest, which may be personal.

use serde::Serialize;
use tracing::Span;

use crate::model::Actor;
use crate::{ActorName, Result};

/// A command, as it was given: its name, and what it is about.
pub(super) trait Command: Serialize {
    /// Its name.
    fn name(&self) -> &'static str;

    /// A span of this command by `actor`, which [`ended`] completes.
    fn span(&self, actor: Actor) -> Span {
        tracing::debug_span!(
            target: "bsm::command",
            "command",
            name = self.name(),
            actor = %ActorName(actor),
            attempts = tracing::field::Empty,
            outcome = tracing::field::Empty,
        )
    }
}

macro_rules! commands {
    ($($given:ident)+) => {
        impl<$($given: Serialize),+> Command for (&'static str, $($given),+) {
            fn name(&self) -> &'static str {
                self.0
            }
        }
    };
}

commands!(A);
commands!(A B);
commands!(A B C);

/// Tells a command's span how it ended. One whose future was dropped is never told: it has no outcome.
pub(super) fn ended<T>(span: &Span, attempts: usize, done: &Result<T>) {
    span.record("attempts", attempts);
    span.record("outcome", done.as_ref().err().map_or("ok", crate::Error::name));
}
