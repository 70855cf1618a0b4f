//! Callers who go on all the time, and note what they were told: for tests in which servers and connections break.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bsm_core::Error;
use bsm_core::model::{Key, Row, TicketId, User};
use bsm_core::store::Store;
use tokio::task::JoinHandle;

use super::feeds;
use super::rows::*;

/// Callers at work, each of whom opens a ticket, reads it, and changes it, again and again.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    callers: Vec<JoinHandle<Told>>,
}

/// What callers were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Acknowledged: the tickets, with their numbers and the versions that they were last brought to.
    acknowledged: HashMap<TicketId, (u32, u64)>,
    /// What may have been done: tickets, at which versions.
    unknown: HashMap<TicketId, u64>,
    /// What was said to have failed.
    pub(crate) failed: Vec<String>,
    /// Whether each word is printed as it comes, for whoever started this process.
    spoken: bool,
}

/// Tells a process which of several it is, so that no two make the same tickets. (The number of a process is given again.)
pub(crate) const PART: &str = "BSM_LOAD_PART";

/// Which ticket is next. Other processes begin elsewhere.
static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| {
    let part = std::env::var(PART).map_or(0, |part| part.parse().expect("a number"));
    AtomicU32::new((1 + part % 4000) * 1_000_000)
});

impl Load {
    /// So many callers, by turns of these store values.
    pub(crate) fn by<S: Store>(stores: &[Arc<S>], by: &User, callers: usize) -> Self {
        Self::start(stores, by, callers, false)
    }

    /// So many callers of one store value.
    pub(crate) fn of<S: Store>(store: &Arc<S>, by: &User, callers: usize) -> Self {
        Self::start(std::slice::from_ref(store), by, callers, false)
    }

    /// The same, who print what they are told.
    pub(crate) fn spoken<S: Store>(store: &Arc<S>, by: &User, callers: usize) -> Self {
        Self::start(std::slice::from_ref(store), by, callers, true)
    }

    fn start<S: Store>(stores: &[Arc<S>], by: &User, callers: usize, spoken: bool) -> Self {
        let (over, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let callers = (0..callers)
            .map(|caller| {
                let (store, by) = (Arc::clone(&stores[caller % stores.len()]), by.clone());
                let (over, rounds) = (Arc::clone(&over), Arc::clone(&rounds));
                tokio::spawn(async move {
                    let mut told = Told { spoken, ..Told::default() };
                    while !over.load(Ordering::SeqCst) {
                        told.round(&*store, &by).await;
                        rounds.fetch_add(1, Ordering::SeqCst);
                    }
                    told
                })
            })
            .collect();
        Self { over, rounds, callers }
    }

    /// Goes on until the process is killed, or a caller gives up.
    pub(crate) async fn never_ends(self) {
        for caller in self.callers {
            caller.await.expect("goes on");
        }
    }

    /// Waits until each caller has done some more.
    pub(crate) async fn goes_on(&self) {
        let callers = u64::try_from(self.callers.len()).expect("is small");
        let until = self.rounds.load(Ordering::SeqCst) + 4 * callers;
        while self.rounds.load(Ordering::SeqCst) < until {
            assert!(self.callers.iter().all(|caller| !caller.is_finished()), "a caller gave up");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it, and returns what was told.
    pub(crate) async fn ends(self) -> Told {
        self.over.store(true, Ordering::SeqCst);
        let mut all = Told::default();
        for caller in self.callers {
            all.and(caller.await.expect("does not panic"));
        }
        all
    }
}

impl Told {
    /// How many commands were acknowledged.
    pub(crate) fn count(&self) -> u64 {
        self.acknowledged.values().map(|(_, version)| version).sum()
    }

    /// And what others were told.
    pub(crate) fn and(&mut self, others: Self) {
        self.acknowledged.extend(others.acknowledged);
        self.unknown.extend(others.unknown);
        self.failed.extend(others.failed);
    }

    /// A line that was printed by a caller of another process.
    pub(crate) fn take_in(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["acknowledged", id, number, version] => {
                let numbers = (number.parse().expect("a number"), version.parse().expect("a version"));
                self.acknowledged.insert(TicketId::from_uuid(id.parse().expect("an id")), numbers);
            }
            ["failed", ..] => self.failed.push(line.to_owned()),
            // What the test runner says.
            _ => {}
        }
    }

    fn acknowledge(&mut self, id: TicketId, number: u32, version: u64) {
        self.acknowledged.insert(id, (number, version));
        if self.spoken {
            println!("acknowledged {} {number} {version}", id.as_uuid());
        }
    }

    async fn round(&mut self, store: &dyn Store, by: &User) {
        let made = ticket(NEXT.fetch_add(1, Ordering::Relaxed), by);
        let number = match store.commit(insert([made.clone().into()])).await {
            Ok(committed) => {
                assert!(committed.repeated.is_none());
                let [(key, number)] = committed.numbers[..] else { panic!("{committed:?}") };
                assert_eq!(key, Key::from(made.id));
                number
            }
            Err(error) => return self.failure(made.id, 1, &error),
        };
        self.acknowledge(made.id, number, 1);
        let mut standing = made;
        for _ in 0..2 {
            let mut changed = standing.clone();
            changed.title.push('!');
            let changed = next(changed, 7);
            match store.commit(change(vec![bsm_core::store::Write::Update(changed.clone())])).await {
                Ok(_) => {}
                Err(error) => return self.failure(standing.id, changed.version().0, &error),
            }
            let Row::Ticket(changed) = changed else { unreachable!("it is a ticket") };
            standing = changed;
            self.acknowledge(standing.id, number, standing.version.0);
        }
    }

    fn failure(&mut self, id: TicketId, version: u64, error: &Error) {
        match error {
            Error::OutcomeUnknown { .. } => {
                self.unknown.insert(id, version);
            }
            // Nothing happened, it says.
            Error::Unavailable { .. } | Error::Busy { .. } => {}
            other => panic!("{other} {other:?}"),
        }
        let mut told = format!("{} {error:?}", error.name());
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            told = format!("{told}: {error}");
            source = error.source();
        }
        if self.spoken {
            println!("failed {told}");
        }
        self.failed.push(told);
    }

    /// Asserts that what was acknowledged is there, what was said to have failed is not, and nothing is there twice.
    pub(crate) async fn assert_kept(&self, store: &dyn Store) {
        let strangers = self.assert_there(store, 0).await;
        assert_eq!(strangers, Vec::<Key>::new(), "they are there, and were said to have failed");
    }

    /// The same where some callers were killed: each may have done one more command than it said.
    pub(crate) async fn assert_kept_but(&self, store: &dyn Store, killed: usize) {
        let strangers = self.assert_there(store, 1).await;
        assert!(strangers.len() <= killed, "{} were never told of: {strangers:?}", strangers.len());
    }

    /// Asserts that what was acknowledged is there, at most so many versions on, and returns the tickets of which nothing
    /// was told.
    async fn assert_there(&self, store: &dyn Store, beyond: u64) -> Vec<Key> {
        feeds::assert_sound(store).await;
        let mut versions: HashMap<Key, u64> = HashMap::new();
        let events = feeds::all(store, None).await;
        feeds::assert_causal(&events);
        for entry in events.iter().flat_map(|event| &event.entries) {
            versions.insert(entry.key, entry.version.0);
        }
        let mut numbers = HashMap::new();
        for (id, (number, version)) in &self.acknowledged {
            let Some(Row::Ticket(there)) = get(store, *id).await else { panic!("{id} was acknowledged, and is gone") };
            assert_eq!(there.number.get(), *number, "{id}");
            assert_eq!(numbers.insert(*number, *id), None, "a number was given twice");
            let most = self.unknown.get(id).unwrap_or(version);
            assert!((*version..=*most + beyond).contains(&there.version.0), "{id}: {version}..={most}, {there:?}");
            assert_eq!(versions.get(&Key::from(*id)), Some(&there.version.0), "the feed has all of it");
        }
        let told = |key: &Key| {
            let id = TicketId::from_uuid(key.id);
            self.acknowledged.contains_key(&id) || self.unknown.contains_key(&id)
        };
        let tickets = versions.keys().filter(|key| key.entity == bsm_core::model::Entity::Ticket);
        tickets.filter(|key| !told(key)).copied().collect()
    }
}
