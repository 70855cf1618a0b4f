//! One group of commands: checked one after another, applied as one batch.
//!
//! The leader of the committer calls [`apply_group`], and syncs and answers afterwards: the two are apart, so that one
//! group can be applied while the one before it syncs.

use std::fmt;
use std::sync::Arc;

use bsm_core::store::{ChangeSet, Committed};
use bsm_core::{Error, Result};
use tokio::sync::oneshot;

use crate::apply;
use crate::engine::{Engine, EngineError, Head};
use crate::snapshot::Snapshot;
use crate::stage::Group;

/// The most commands in a group.
const GROUP_COMMANDS: usize = 512;
/// A group that writes this many keys takes no further command. It bounds how long the first command of a group waits
/// for the others: on an engine that takes 35 µs for a key, about 40 ms.
const GROUP_KEYS: usize = 1024;

/// A change set and who waits for it.
#[derive(Debug)]
pub(crate) struct Command {
    /// What is asked.
    pub(crate) change: ChangeSet,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Result<Committed>>,
}

/// A group that was applied.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Where the feed ends.
    pub(crate) head: Head,
    /// Whether anything was written.
    pub(crate) wrote: bool,
    /// What those who wait will be told.
    answers: Vec<(oneshot::Sender<Result<Committed>>, Result<Committed>)>,
}

impl Applied {
    /// Tells those who wait. Who stopped waiting is not told; their command counts.
    pub(crate) fn answer(self) {
        for (waiting, answer) in self.answers {
            let _ = waiting.send(answer);
        }
    }

    /// Tells those who wait that nobody knows: the group, or what it builds on, may be lost.
    pub(crate) fn answer_unknown(self, store: &str, failure: &Failure) {
        for (waiting, _) in self.answers {
            let _ = waiting.send(Err(failure.outcome_unknown(store)));
        }
    }
}

/// Takes commands from `next` until there is none or the group is full, and applies those that hold.
///
/// A command that does not hold is answered with its error and leaves the others alone.
///
/// # Errors
/// The engine failed to apply the batch: the group as it would have been, and why.
pub(crate) fn apply_group(
    engine: &dyn Engine,
    store: &str,
    head: Head,
    mut next: impl FnMut() -> Option<Command>,
) -> Result<Applied, (Applied, Failure)> {
    let mut answers = Vec::new();
    let (batch, head) = {
        let view = match engine.view() {
            Ok(view) => view,
            Err(error) => {
                let failure = Failure::from(error);
                while answers.len() < GROUP_COMMANDS {
                    let Some(command) = next() else { break };
                    answers.push((command.answer, Err(failure.unavailable(store))));
                }
                return Ok(Applied { head, wrote: false, answers });
            }
        };
        let mut group = Group::new(Snapshot::new(&*view, store), head);
        while answers.len() < GROUP_COMMANDS && group.len() < GROUP_KEYS {
            let Some(command) = next() else { break };
            let mut stage = group.stage();
            let answer = apply::perform(&mut stage, command.change);
            if answer.is_ok() {
                let own = stage.into_own();
                group.absorb(own);
            }
            answers.push((command.answer, answer));
        }
        let head = group.head();
        (group.into_batch(engine.max_value_len()), head)
        // The view goes here: applying would wait for it.
    };
    let wrote = !batch.ops().is_empty();
    let applied = Applied { head, wrote, answers };
    if !wrote {
        return Ok(applied);
    }
    match engine.apply(batch) {
        Ok(()) => Ok(applied),
        Err(error) => Err((applied, error.into())),
    }
}

/// What made a store stop, to be told to everyone who waits.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Arc<dyn std::error::Error + Send + Sync>);

impl Failure {
    /// For a panic's payload.
    pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        Self(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(format!("panicked: {text}"))))
    }

    /// The error for those whose command may have happened.
    pub(crate) fn outcome_unknown(&self, store: &str) -> Error {
        Error::OutcomeUnknown { store: store.to_owned(), source: Box::new(self.clone()) }
    }

    fn unavailable(&self, store: &str) -> Error {
        Error::Unavailable { store: store.to_owned(), source: Box::new(self.clone()) }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self(Arc::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
