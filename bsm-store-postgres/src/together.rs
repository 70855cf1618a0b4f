//! Reads by id that wait at the same moment go as one statement.
//!
//! Whoever finds room asks at once, for themself, in their own future: a lone caller waits for nobody. Whoever does not,
//! waits; and when a statement has ended, what waits by then goes as the next one, on a task of its own, so that nobody
//! who is dropped takes others along. A row that several want is fetched once.
//!
//! Nothing that is asked for makes a statement fail: keys are all there is in it. What goes wrong with one is told to all of
//! those who wait if it was the connection; for anything else each asks alone, and is told what concerns them.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bsm_core::model::Key;
use bsm_core::schema::Relation;
use bsm_core::store::ReadSet;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::fault::{Fault, Kind};
use crate::fetch::{Rows, Wanted};
use crate::mark::{Mark, Needed};
use crate::store::Desk;
use crate::{replica, retry};

/// How many statements are under way at the same moment. With one, connection and server would take turns; more would be
/// smaller, and what they cost beside their rows is most of it.
const STATEMENTS: usize = 2;

/// How long those who ask are waited for: longer than statements by id take, also over a long way.
const AWAITED: Duration = Duration::from_millis(100);

/// How many keys one statement asks for. A caller who wants more asks alone.
const KEYS_MAX: usize = 1000;

/// Rows by id, and what they name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Get {
    keys: Vec<Key>,
    follow: Vec<Relation>,
    /// What a replica must have besides what every read needs of it.
    stamp: Option<Mark>,
}

/// Where rows are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// At the primary.
    Primary,
    /// At a replica, if the desk has any.
    Replica,
}

impl Desk {
    fn gets(&self, side: Side) -> &Gets {
        match (side, &self.replicas) {
            (Side::Replica, Some(replicas)) => &replicas.gets,
            _ => &self.gets,
        }
    }
}

impl Get {
    /// What a read set asks for, if that is all.
    pub(crate) fn only(set: &ReadSet) -> Option<Self> {
        let ReadSet { get, find, scan, follow, history, log, counts, numbers, feed, used, at_least: _, current: _ } =
            set;
        let others =
            scan.is_some() || history.is_some() || log.is_some() || *numbers || feed.is_some() || used.is_some();
        if get.is_empty() || get.len() > KEYS_MAX || !find.is_empty() || !counts.is_empty() || others {
            return None;
        }
        // Only what these keys' rows may name is followed, so that more of those who wait ask alike.
        let from = |relation: &Relation| get.iter().any(|key| key.entity == relation.spec().from);
        let mut follow: Vec<Relation> = follow.iter().copied().filter(from).collect();
        follow.sort_unstable();
        follow.dedup();
        Some(Self { keys: get.clone(), follow, stamp: None })
    }

    /// The same, if the commit is there.
    pub(crate) fn seeing(self, stamp: Option<Mark>) -> Self {
        Self { stamp, ..self }
    }

    /// Takes another in, or gives it back: it follows something else, has a stamp of its own, or there is no room.
    fn take(&mut self, other: Self) -> Option<Self> {
        if self.follow != other.follow || self.stamp != other.stamp || self.keys.len() + other.keys.len() > KEYS_MAX {
            return Some(other);
        }
        self.keys.extend(other.keys);
        None
    }
}

/// How a statement ended for each of those who waited for it.
#[derive(Clone, Debug)]
enum Outcome {
    Rows(Arc<Rows>),
    /// What is needed was not there.
    Behind,
    /// Its connection was lost; this was said of it.
    Lost(Arc<io::Error>),
    /// It did not come about.
    Not,
}

/// A read that waits.
struct Waiting {
    place: u64,
    get: Get,
    answer: oneshot::Sender<Outcome>,
}

/// Those who wait, and how many statements are under way.
#[derive(Default)]
pub(crate) struct Gets {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    under_way: usize,
    /// How many have waited so far: the place of the next.
    places: u64,
}

impl Gets {
    /// Nothing panics while it is locked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for a statement, or a place among those who wait.
    fn enter(&self, get: &Get) -> Option<(u64, oneshot::Receiver<Outcome>)> {
        let mut state = self.state();
        if state.under_way < STATEMENTS {
            state.under_way += 1;
            return None;
        }
        let (answer, waits) = oneshot::channel();
        let place = state.places;
        state.places += 1;
        state.waiting.push_back(Waiting { place, get: get.clone(), answer });
        Some((place, waits))
    }

    /// Gives up a place among those who wait. False if a statement has begun for it.
    fn leave(&self, place: u64) -> bool {
        let mut state = self.state();
        let before = state.waiting.len();
        state.waiting.retain(|waiting| waiting.place != place);
        state.waiting.len() < before
    }

    /// The next statement, and who waits for it. If nobody does, the room of the one that ended is free.
    fn next(&self) -> Option<(Get, Vec<oneshot::Sender<Outcome>>)> {
        let mut next: Option<(Get, Vec<oneshot::Sender<Outcome>>)> = None;
        let mut left = VecDeque::new();
        let mut state = self.state();
        while let Some(Waiting { place, get, answer }) = state.waiting.pop_front() {
            if answer.is_closed() {
                continue;
            }
            match &mut next {
                None => next = Some((get, vec![answer])),
                Some((all, answers)) => match all.take(get) {
                    None => answers.push(answer),
                    Some(get) => left.push_back(Waiting { place, get, answer }),
                },
            }
        }
        state.waiting = left;
        if next.is_none() {
            state.under_way -= 1;
        }
        next
    }
}

/// A statement's room among those under way. Whatever becomes of the statement, the next one follows.
struct Room {
    desk: Arc<Desk>,
    side: Side,
    runtime: Handle,
}

impl Drop for Room {
    fn drop(&mut self) {
        let Some((get, answers)) = self.desk.gets(self.side).next() else { return };
        let next = Self { desk: Arc::clone(&self.desk), side: self.side, runtime: self.runtime.clone() };
        // Where the runtime is gone the task is dropped at once, and those who wait elsewhere ask again.
        drop(self.runtime.spawn(next.lead(get, answers)));
    }
}

impl Room {
    /// Asks for what waited.
    async fn lead(self, get: Get, answers: Vec<oneshot::Sender<Outcome>>) {
        let until = Instant::now()
            + match self.side {
                Side::Primary => self.desk.patience.one_try(),
                Side::Replica => replica::answers(self.desk.patience),
            };
        let outcome = match retry::within(until, ask(&self.desk, self.side, get)).await {
            Ok(Some(rows)) => Outcome::Rows(Arc::new(rows)),
            Ok(None) => Outcome::Behind,
            Err(fault) => lost(&fault).map_or(Outcome::Not, |error| Outcome::Lost(Arc::new(error))),
        };
        for answer in answers {
            // One who was dropped does not ask.
            drop(answer.send(outcome.clone()));
        }
    }
}

/// What is told of a lost connection.
fn lost(fault: &Fault) -> Option<io::Error> {
    match fault {
        Fault::Server(sqlx::Error::Io(error)) => Some(copy(error)),
        Fault::Server(error) if fault.kind() == Some(Kind::Lost) => Some(io::Error::other(error.to_string())),
        _ => None,
    }
}

/// The same error for somebody else: they can't be cloned.
fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

/// The rows of those keys, and what they name. Those of others who asked may be among them. `None` if what is needed was
/// not there.
pub(crate) async fn rows(desk: &Arc<Desk>, side: Side, get: Get) -> Result<Option<Arc<Rows>>, Fault> {
    let runtime = Handle::current();
    while let Some((place, mut waits)) = desk.gets(side).enter(&get) {
        let heard = match timeout(AWAITED, &mut waits).await {
            Ok(heard) => heard,
            Err(_) if desk.gets(side).leave(place) => return Ok(ask(desk, side, get).await?.map(Arc::new)),
            // The task that asks goes on by itself.
            Err(_) => waits.await,
        };
        match heard {
            Ok(Outcome::Rows(rows)) => return Ok(Some(rows)),
            Ok(Outcome::Behind) => return Ok(None),
            Ok(Outcome::Lost(error)) => return Err(Fault::Server(copy(&error).into())),
            Ok(Outcome::Not) => return Ok(ask(desk, side, get).await?.map(Arc::new)),
            // The task that asked for them is gone with its runtime.
            Err(_) => {}
        }
    }
    let _room = Room { desk: Arc::clone(desk), side, runtime };
    Ok(ask(desk, side, get).await?.map(Arc::new))
}

async fn ask(desk: &Desk, side: Side, get: Get) -> Result<Option<Rows>, Fault> {
    // Asked now, when all who wait for the answer have begun.
    let (pool, needed) = match (side, &desk.replicas) {
        (Side::Replica, Some(replicas)) => match replicas.needed(get.stamp) {
            Some(needed) => (&replicas.pool, needed),
            None => return Ok(None),
        },
        _ => (&desk.pool, Needed::default()),
    };
    let wanted = Wanted { follow: get.follow, ..Wanted::by_key(get.keys) };
    let Some(asked) = wanted.alone(desk, &needed) else { return Ok(Some(Rows::default())) };
    let mut connection = pool.acquire().await?;
    let rows = Rows::ask(desk, &mut connection, asked, &needed).await?;
    connection.done();
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use bsm_core::model::Entity;
    use uuid::Uuid;

    use super::*;

    fn key(entity: Entity, id: u128) -> Key {
        Key { entity, id: Uuid::from_u128(id) }
    }

    fn get(keys: &[Key], follow: &[Relation]) -> Get {
        let set = ReadSet { get: keys.to_vec(), follow: follow.to_vec(), ..ReadSet::default() };
        Get::only(&set).expect("is all")
    }

    #[test]
    fn those_who_wait_go_together_if_they_follow_the_same_and_not_if_they_left() {
        let gets = Gets::default();
        let (ticket, user) = (key(Entity::Ticket, 1), key(Entity::User, 2));
        let (plain, other) = (get(&[ticket], &[]), get(&[user, ticket], &[Relation::RequestTicket]));
        let follows = get(&[ticket], &[Relation::TicketRequest]);
        for _ in 0..STATEMENTS {
            assert!(gets.enter(&plain).is_none(), "there is room");
        }
        let waiting: Vec<_> = [&follows, &plain, &other, &plain].map(|get| gets.enter(get).expect("waits").1).into();
        let [first, second, third, fourth] = <[_; 4]>::try_from(waiting).expect("are four");
        // The oldest goes, alone: nobody else follows what it does.
        let (asked, answers) = gets.next().expect("somebody waits");
        assert_eq!((asked, answers.len()), (follows, 1));
        drop((first, third));
        // Of the others one has left. What tickets don't have is not followed, so that the rest ask alike.
        let (asked, answers) = gets.next().expect("somebody waits");
        assert_eq!((asked.keys, answers.len()), (vec![ticket, ticket], 2));
        drop((second, fourth));
        assert!(gets.next().is_none());
        assert!(gets.enter(&plain).is_none(), "there is room again");
    }

    #[test]
    fn one_who_waited_long_enough_leaves_unless_a_statement_has_begun() {
        let gets = Gets::default();
        let one = get(&[key(Entity::Ticket, 1)], &[]);
        for _ in 0..STATEMENTS {
            assert!(gets.enter(&one).is_none(), "there is room");
        }
        let (first, _first) = gets.enter(&one).expect("waits");
        let (second, _second) = gets.enter(&one).expect("waits");
        assert!(gets.leave(first) && !gets.leave(first));
        let (_, answers) = gets.next().expect("the other waits");
        assert_eq!(answers.len(), 1);
        assert!(!gets.leave(second));
    }

    #[test]
    fn nobody_has_to_take_part_in_a_statement_that_grows_without_bound() {
        let many: Vec<Key> = (0..KEYS_MAX as u128).map(|id| key(Entity::User, id)).collect();
        let mut all = get(&many[1..], &[]);
        assert_eq!(all.take(get(&many[..1], &[])), None);
        assert_eq!(all.keys.len(), KEYS_MAX);
        assert!(all.take(get(&many[..1], &[])).is_some());
        let set = ReadSet { get: [many.clone(), many].concat(), ..ReadSet::default() };
        assert_eq!(Get::only(&set), None);
    }
}
