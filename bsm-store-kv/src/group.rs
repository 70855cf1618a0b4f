//! One group of commands: checked one after another, applied as one batch.
//!
//! The leader of the committer calls [`apply_group`], and syncs and answers afterwards: the two are apart, so that one
//! group can be applied while the one before it syncs.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bsm_core::model::UserId;
use bsm_core::{Error, Result};
use tokio::sync::oneshot;

use crate::engine::{Engine, EngineError, Head};
use crate::pace::Pace;
use crate::snapshot::Snapshot;
use crate::stage::Group;
use crate::work::{Done, Work};

/// The most commands in a group.
const GROUP_COMMANDS: usize = 512;

/// Something to be done, and who waits for it.
#[derive(Debug)]
pub(crate) struct Command {
    /// What is asked.
    pub(crate) work: Work,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Result<Done>>,
}

/// What a group that was applied leaves.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Where the feed ends.
    pub(crate) head: Head,
    /// The customers whose feeds went on.
    pub(crate) concerned: Vec<UserId>,
    /// Whether an import is unfinished.
    pub(crate) shut: bool,
    /// The feed's epoch, if that was changed.
    pub(crate) epoch: Option<u64>,
}

/// Those who wait for the answers of a group. They are told when the group's fate is known, not before.
#[derive(Debug, Default)]
pub(crate) struct Answers(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    to: oneshot::Sender<Result<Done>>,
    /// `None` only while the command is being performed.
    answer: Option<Result<Done>>,
}

impl Answers {
    fn begin(&mut self, to: oneshot::Sender<Result<Done>>) {
        self.0.push(Waiting { to, answer: None });
    }

    fn set(&mut self, answer: Result<Done>) {
        if let Some(last) = self.0.last_mut() {
            last.answer = Some(answer);
        }
    }

    /// Notes that a command is refused.
    pub(crate) fn refuse(&mut self, command: Command, error: Error) {
        self.begin(command.answer);
        self.set(Err(error));
    }

    /// Tells those who wait. Who stopped waiting is not told; their command counts.
    pub(crate) fn tell(self) {
        for Waiting { to, answer } in self.0 {
            if let Some(answer) = answer {
                let _ = to.send(answer);
            }
        }
    }

    /// Tells all who wait that nobody knows: the group, or what it builds on, may be lost. A command that did not hold
    /// is told the same, since it was checked against the ones before it.
    pub(crate) fn tell_unknown(self, store: &str, failure: &Failure) {
        for Waiting { to, .. } in self.0 {
            let _ = to.send(Err(failure.outcome_unknown(store)));
        }
    }
}

/// Takes commands from `next` until there is none or the group is full, and applies those that hold. Returns what it
/// leaves; `None` if nothing was written.
///
/// A command that does not hold is answered with its error and leaves the others alone.
///
/// # Errors
/// The engine failed to apply the batch.
#[expect(clippy::too_many_arguments, reason = "what the committer knows, and what it is told")]
pub(crate) fn apply_group(
    engine: &dyn Engine,
    store: &str,
    head: Head,
    shut: bool,
    pace: &Pace,
    begin_import: impl FnOnce(),
    mut next: impl FnMut() -> Option<Command>,
    answers: &mut Answers,
) -> Result<Option<Applied>, Failure> {
    let (batch, weight, applied) = {
        let view = match engine.view() {
            Ok(view) => view,
            Err(error) => {
                let failure = Failure::from(error);
                for command in std::iter::from_fn(next).take(GROUP_COMMANDS) {
                    answers.refuse(command, failure.unavailable(store));
                }
                return Ok(None);
            }
        };
        let mut group = Group::new(Snapshot::new(&*view, store), head, shut);
        let most = pace.weight();
        while answers.0.len() < GROUP_COMMANDS && group.weight() < most {
            let Some(Command { work, answer }) = next() else { break };
            answers.begin(answer);
            let mut stage = group.stage();
            let done = work.perform(&mut stage);
            if done.is_ok() {
                let own = stage.into_own();
                group.absorb(own);
            }
            answers.set(done);
        }
        let applied =
            Applied { head: group.head(), concerned: group.concerned(), shut: group.is_shut(), epoch: group.epoch() };
        let weight = group.weight();
        (group.into_batch(engine.max_value_len()), weight, applied)
        // The view ends here: applying would wait for it.
    };
    if batch.ops().is_empty() {
        return Ok(None);
    }
    if applied.shut && !shut {
        begin_import();
    }
    let begun = Instant::now();
    engine.apply(batch)?;
    pace.learn(weight, begun.elapsed());
    Ok(Some(applied))
}

/// What made a store stop, to be told to everyone who waits.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Arc<dyn std::error::Error + Send + Sync>);

impl Failure {
    /// For what was to be synced after the store had stopped.
    pub(crate) fn stopped() -> Self {
        Self(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("the store had stopped before")))
    }

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
