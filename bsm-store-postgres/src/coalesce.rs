//! Commands that wait at the same moment go as one call.
//!
//! Whoever finds room goes at once, alone. Whoever does not, waits; and when a call has ended, what waits by then goes as the
//! next one. What shares a row with a command of the call waits for the one after it. Each call is a task of its own: nobody
//! who is dropped takes others along, and nobody who is not polled for a while, with the room that they hold, keeps others
//! waiting.
//!
//! A call needs only be right about success. It goes again without the commands that stood in its way; these, and all of one
//! that the server refused, are done alone by whoever sent them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::call::{Call, Numbers, Sent};
use crate::fault::Fault;
use crate::part::Part;
use crate::retry::{self, Tried};
use crate::store::Desk;

/// How many calls are under way at the same moment. More would be smaller, and each costs a commit of the server's.
pub(crate) const CALLS: usize = 2;

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It happened, and its rows were given these numbers.
    Done(Numbers),
    /// It did not happen, for a reason that it shares with others, or that is not told.
    Not,
    /// This went wrong with it; whether it happened may not be known.
    Failed(Tried),
}

/// A command that waits.
struct Waiting {
    part: Part,
    answer: oneshot::Sender<Outcome>,
}

/// Those who wait, and how many calls are under way.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    under_way: usize,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's room among those under way. Whatever becomes of the call, the next one follows.
struct Room {
    desk: Arc<Desk>,
    runtime: Handle,
}

impl Drop for Room {
    fn drop(&mut self) {
        let (call, answers) = self.desk.queue.next();
        if answers.is_empty() {
            return;
        }
        let next = Self { desk: Arc::clone(&self.desk), runtime: self.runtime.clone() };
        // Where the runtime is gone nobody waits any more, and the task is dropped at once with what it holds.
        drop(self.runtime.spawn(next.lead(call, answers)));
    }
}

impl Room {
    /// Sends what waited.
    async fn lead(self, call: Call, answers: Vec<oneshot::Sender<Outcome>>) {
        let outcomes = send(&self.desk, call).await;
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // One who was dropped does not ask.
            drop(answer.send(outcome));
        }
    }
}

impl Queue {
    /// The next call, and who waits for its answers. If nobody waits, the room of the call that ended is free.
    fn next(&self) -> (Call, Vec<oneshot::Sender<Outcome>>) {
        let (mut call, mut answers) = (Call::new(), Vec::new());
        let mut state = self.state();
        let mut left = VecDeque::new();
        while let Some(Waiting { part, answer }) = state.waiting.pop_front() {
            if answer.is_closed() {
                continue;
            }
            match call.take(part) {
                None => answers.push(answer),
                Some(part) => left.push_back(Waiting { part, answer }),
            }
        }
        state.waiting = left;
        if answers.is_empty() {
            state.under_way -= 1;
        }
        drop(state);
        (call, answers)
    }
}

/// Does a command, alone or along with others.
pub(crate) async fn commit(desk: &Arc<Desk>, part: Part) -> Outcome {
    let runtime = Handle::current();
    let (answer, waits) = oneshot::channel();
    let leads = {
        let mut state = desk.queue.state();
        if state.under_way < CALLS {
            state.under_way += 1;
            Some((part, answer))
        } else {
            state.waiting.push_back(Waiting { part, answer });
            None
        }
    };
    if let Some((part, answer)) = leads {
        let mut call = Call::new();
        call.take(part);
        let room = Room { desk: Arc::clone(desk), runtime: runtime.clone() };
        drop(runtime.spawn(room.lead(call, vec![answer])));
    }
    // A task that is gone with its runtime may have sent the call.
    let gone = || Fault::AtCommit(sqlx::Error::Protocol("the task of the call is gone".to_owned()));
    waits.await.unwrap_or_else(|_| Outcome::Failed(Tried { fault: gone(), fence: None }))
}

/// Sends a call, and again without the commands that stood in its way.
async fn send(desk: &Desk, mut call: Call) -> Vec<Outcome> {
    // Of one that fails its commands are noted by whoever sends them.
    let going = desk.begins(None);
    let mut outcomes: Vec<Outcome> = (0..call.len()).map(|_| Outcome::Not).collect();
    let mut places: Vec<usize> = (0..call.len()).collect();
    let until = Instant::now() + desk.patience.one_try();
    while call.len() > 0 {
        let ended = match attempt(desk, &call, until).await {
            Ok(Sent::Done(numbers)) => {
                going.happened(call.mark());
                return placed(outcomes, &places, numbers.into_iter().map(Outcome::Done));
            }
            // It gets smaller with each of these.
            Ok(Sent::LeftOut(left_out)) if left_out.iter().any(|c| *c < call.len()) => {
                let stay = call.without(&left_out);
                places = stay.into_iter().map(|c| places[c]).collect();
                continue;
            }
            Ok(Sent::LeftOut(_)) => break,
            // What went wrong with one of several may not concern the others.
            Err(fault) if fault.outcome_is_known() && (call.len() > 1 || fault.is_of_the_call()) => break,
            Err(fault) => failed(desk, &call, fault),
        };
        outcomes = placed(outcomes, &places, ended.into_iter());
        break;
    }
    going.over();
    outcomes
}

/// Puts outcomes where they belong.
fn placed(mut all: Vec<Outcome>, places: &[usize], some: impl Iterator<Item = Outcome>) -> Vec<Outcome> {
    for (place, outcome) in places.iter().zip(some) {
        all[*place] = outcome;
    }
    all
}

/// The same fault for each command of a call.
fn failed(desk: &Desk, call: &Call, fault: Fault) -> Vec<Outcome> {
    let fence = Some(call.fence()).filter(|_| !fault.outcome_is_known());
    if call.len() == 1 {
        return vec![Outcome::Failed(Tried { fault, fence })];
    }
    // An error of sqlx can't be copied. That the connection was lost is all that the tries after it ask of this one.
    let said = fault.into_error(&desk.name).to_string();
    let lost = |_| Outcome::Failed(Tried { fault: Fault::AtCommit(sqlx::Error::Protocol(said.clone())), fence });
    (0..call.len()).map(lost).collect()
}

async fn attempt(desk: &Desk, call: &Call, until: Instant) -> Result<Sent, Fault> {
    if desk.is_direct {
        let connection = async { Ok(desk.pool.acquire().await?) };
        let mut connection = retry::within(until, connection).await?;
        // What is not answered in time may yet happen.
        let done = retry::within(until, call.send(desk, &mut connection)).await.map_err(Fault::in_one_statement)?;
        connection.done();
        return Ok(done);
    }
    let asked = async {
        let mut transaction = desk.begin_with(&desk.begin_command).await?;
        let done = call.send(desk, &mut transaction).await?;
        Ok((transaction, done))
    };
    let (transaction, done) = retry::within(until, asked).await?;
    retry::committing(until, transaction.commit()).await?;
    Ok(done)
}
