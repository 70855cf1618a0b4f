//! Concurrent callers: what they were answered, and what is left, must be what some order of their commands gives.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;

use super::command::{Call, Door};
use super::play::Play;
use super::state::{Plain, Reply};
use super::tally::Tally;
use super::wish::{Kind, Race, Wish, focus};
use super::{compare, drive, feeds};
use crate::conformance::Place;
use crate::conformance::dump::every_entry;
use crate::conformance::race::in_step_for;
use crate::model::{HistoryEntry, Key, Row};

/// How long callers wait for each other with their first commit. Those who are refused never come to one.
const PATIENCE: Duration = Duration::from_millis(5);

/// One caller's commands with their answers, in their order.
type Told = Vec<(Call, Reply)>;

/// Plays a sequence on an empty desk, then lets some callers loose at once.
///
/// # Errors
/// The story, if no serial order explains it.
pub(crate) async fn race(place: &Place, race: &Race, tally: &mut Tally) -> Result<(), String> {
    let mut play = Play::begin(place).await?;
    let outcome = run(&mut play, race).await;
    tally.add(&play.tally);
    let closed = play.desk.close().await;
    outcome.map_err(|what| play.story(&what))?;
    closed.map_err(|error| play.story(&format!("was followed by a close that failed: {error:?}")))
}

async fn run(play: &mut Play<'_>, race: &Race) -> Result<(), String> {
    for step in &race.before {
        play.step(step).await?;
    }
    let tasks: Vec<Told> = at_once(play, race).await?;
    play.told.push_str("At once:\n");
    for (number, task) in tasks.iter().enumerate() {
        for (call, reply) in task {
            let _ = write!(play.told, "caller {number}: ");
            play.tell(call, reply);
        }
    }
    let left = Left::of(play, &tasks).await?;
    let mut why = String::from("(no order fits the answers)");
    let mut rest: Vec<&[(Call, Reply)]> = tasks.iter().map(Vec::as_slice).collect();
    match explained(&play.plain, &mut rest, &left, &mut why) {
        Some(plain) => {
            play.plain = plain;
            compare::everything(&play.desk, &play.plain).await
        }
        None => Err(format!("was one of a race that no serial order explains: {why}")),
    }
}

/// What the callers will call, decided on the desk as it stands now. Now and then the first two begin with the same
/// command under the same key, as somebody does who presses a button twice.
fn calls(play: &Play<'_>, race: &Race) -> Vec<Vec<(Kind, Call)>> {
    let focus = focus(&play.plain, race.of_people, race.which);
    let of_task = |task: &Vec<Wish>| task.iter().map(|wish| wish.call(&play.plain, &focus)).collect();
    let mut calls: Vec<Vec<(Kind, Call)>> = race.tasks.iter().map(of_task).collect();
    if race.which.is_multiple_of(2)
        && !race.of_people
        && let [first, second, ..] = &mut calls[..]
        && let ([(kind, call), ..], [other, ..]) = (&mut first[..], &mut second[..])
        && call.door != Door::Desk
    {
        call.key = Some("pressed twice".to_owned());
        *other = (*kind, call.clone());
    }
    calls
}

/// Runs the callers as tasks, each with a desk of its own whose first command is decided on the same state as the others'.
async fn at_once(play: &mut Play<'_>, race: &Race) -> Result<Vec<Told>, String> {
    let callers = race.tasks.len();
    let start = Arc::new(Barrier::new(callers));
    let mut running = Vec::new();
    let stores = in_step_for(&play.store, callers, PATIENCE);
    let calls = calls(play, race);
    for (store, calls) in stores.iter().zip(calls) {
        let desk = play.another_desk(store);
        let start = Arc::clone(&start);
        running.push(tokio::spawn(async move {
            start.wait().await;
            let (mut told, mut kinds) = (Told::new(), Vec::new());
            for (kind, call) in calls {
                let reply = drive::call(&desk, &call, &[]).await;
                kinds.push((kind, reply.is_ok()));
                told.push((call, reply));
            }
            (told, kinds)
        }));
    }
    let mut tasks = Vec::new();
    for task in running {
        let (told, kinds) = task.await.map_err(|error| format!("a caller panicked: {error}"))?;
        for (kind, succeeded) in kinds {
            play.tally.count(kind, succeeded);
        }
        tasks.push(told);
    }
    Ok(tasks)
}

/// What is left on the desk of everything that the callers can have touched.
struct Left {
    rows: BTreeMap<Key, Option<Row>>,
    history: BTreeMap<Key, Vec<HistoryEntry>>,
    /// How many events there were before the callers began.
    begun: usize,
    /// The events since, in the order of the feed: an order that explains all must be this one.
    feed: Vec<Vec<HistoryEntry>>,
}

impl Left {
    async fn of(play: &Play<'_>, tasks: &[Told]) -> Result<Self, String> {
        let made = tasks.iter().flatten().filter_map(|(_, reply)| match reply {
            Ok(super::state::Answer::Row(row)) => Some(row.key()),
            _ => None,
        });
        let mut keys: Vec<Key> = play.plain.made.iter().copied().chain(made).collect();
        keys.sort();
        keys.dedup();
        let rows = drive::rows(&play.desk, &keys).await.map_err(|error| drive::unread(&error))?;
        let mut history = BTreeMap::new();
        for key in &keys {
            let entries = every_entry(&play.store, *key).await.map_err(|error| drive::unread(&error))?;
            history.insert(*key, entries);
        }
        let begun = play.plain.events.len();
        let feed = feeds::since(&play.desk, &play.plain, begun).await.map_err(|error| drive::unread(&error))?;
        Ok(Self { rows: keys.into_iter().zip(rows).collect(), history, begun, feed })
    }

    /// Whether the feed tells what the callers did so far, in the order in which the plain desk has it.
    fn follows(&self, plain: &Plain) -> bool {
        let events = &plain.events[self.begun..];
        events.len() <= self.feed.len()
            && events.iter().zip(&self.feed).all(|(event, told)| feeds::event(event) == *told)
    }

    /// Whether the plain desk holds the same; else what differs.
    fn differs(&self, plain: &Plain) -> Option<String> {
        for (key, row) in &self.rows {
            if *row != plain.row(*key) {
                return Some(format!("{key} stands as {row:?}, not as {:?}", plain.row(*key)));
            }
            if self.history.get(key) != plain.history.get(key) {
                return Some(format!(
                    "{key} has the history {:?}, not {:?}",
                    self.history.get(key),
                    plain.history.get(key)
                ));
            }
        }
        None
    }
}

/// The plain desk after an order of what is left of the callers' commands that explains their answers and what is left.
fn explained(plain: &Plain, rest: &mut [&[(Call, Reply)]], left: &Left, why: &mut String) -> Option<Plain> {
    if rest.iter().all(|task| task.is_empty()) {
        return match left.differs(plain) {
            None => Some(plain.clone()),
            Some(difference) => {
                *why = difference;
                None
            }
        };
    }
    for caller in 0..rest.len() {
        let Some(((call, reply), behind)) = rest[caller].split_first() else { continue };
        let mut after = plain.clone();
        if after.judge(call, reply).is_err() || !left.follows(&after) {
            continue;
        }
        let here = std::mem::replace(&mut rest[caller], behind);
        let found = explained(&after, rest, left, why);
        rest[caller] = here;
        if found.is_some() {
            return found;
        }
    }
    None
}
