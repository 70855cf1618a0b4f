//! A desk and a plain desk side by side, and the calls that are made to both.

use std::fmt::Write as _;
use std::sync::Arc;

use super::command::{Call, Command, Door};
use super::state::{Plain, Reply};
use super::tally::Tally;
use super::wish::{Step, Wish};
use super::{compare, drive};
use crate::conformance::Place;
use crate::conformance::world::BEGINNING;
use crate::model::{Key, Role, Timestamp, UserId};
use crate::store::Store;
use crate::{Clock, Desk, NewService, NewUser, SeededIds, SteppingClock};

/// How far the clock goes on with each reading: one millisecond.
const STEP: i64 = 1_000;
const EIGHT_DAYS: i64 = 8 * 24 * 3600 * 1_000_000;

/// A desk and a plain desk side by side.
pub(crate) struct Play<'a> {
    place: &'a Place,
    /// Where the desk went, if it was moved.
    moved: Option<Place>,
    pub(crate) store: Arc<dyn Store>,
    clock: Arc<SteppingClock>,
    pub(crate) desk: Desk,
    /// Another desk over the same store, through which some calls go: what either keeps for its commands is changed behind
    /// its back.
    other: Desk,
    desks: u64,
    calls: u64,
    pub(crate) plain: Plain,
    /// What was called so far and how it was answered, to be told if something is wrong.
    pub(crate) told: String,
    pub(crate) tally: Tally,
}

impl<'a> Play<'a> {
    /// On an empty desk, with two admins, two agents, three customers and two services, one of which needs approval.
    pub(crate) async fn begin(place: &'a Place) -> Result<Self, String> {
        let start: Timestamp = BEGINNING.parse().map_err(|error| format!("{error}"))?;
        let clock = Arc::new(SteppingClock::new(start, STEP));
        let store = Arc::clone(place.store());
        let (desk, other) = (desk(&store, &clock, 0), desk(&store, &clock, 1));
        let mut play = Self {
            place,
            moved: None,
            store,
            clock,
            desk,
            other,
            desks: 1,
            calls: 0,
            plain: Plain::new(start),
            told: String::new(),
            tally: Tally::default(),
        };
        let nobody = UserId::from_uuid(uuid::Uuid::nil());
        let first = NewUser::new("Root", "root@desk.example", Role::Admin);
        play.call(&Call::new(Door::Desk, nobody, Command::Bootstrap(first))).await?;
        let Some(root) = play.plain.users.keys().next().copied() else { return Err("nobody was made".to_owned()) };
        let roles = [Role::Admin, Role::Agent, Role::Agent, Role::Customer, Role::Customer, Role::Customer];
        for (number, role) in roles.into_iter().enumerate() {
            let new = NewUser::new(format!("Number {number}"), format!("number.{number}@desk.example"), role);
            play.call(&Call::new(Door::Admin, root, Command::CreateUser(new))).await?;
        }
        for (name, price, needs_approval) in [("Laptop", "49.90 EUR", false), ("Server", "1200 USD", true)] {
            let price = price.parse().map_err(|error| format!("{error}"))?;
            let new = NewService { needs_approval, ..NewService::new(name, "hardware", price) };
            play.call(&Call::new(Door::Admin, root, Command::CreateService(new))).await?;
        }
        Ok(play)
    }

    /// Does a step and compares what it touched.
    pub(crate) async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Do(wish) => {
                self.wish(wish).await?;
            }
            Step::Wait => {
                let to = self.plain.now.plus_micros(EIGHT_DAYS);
                self.clock.set(to);
                self.plain.now = to;
                self.told.push_str("eight days go by\n");
            }
            Step::Reopen => self.reopen().await?,
            Step::Move => self.go().await?,
        }
        Ok(())
    }

    async fn wish(&mut self, wish: &Wish) -> Result<(), String> {
        let (kind, call) = wish.call(&self.plain, &[]);
        let succeeded = self.call(&call).await?;
        self.tally.count(kind, succeeded);
        Ok(())
    }

    /// Makes a call to both desks, and compares their answers and the rows that were written. Returns whether it succeeded.
    async fn call(&mut self, call: &Call) -> Result<bool, String> {
        self.calls += 1;
        let elsewhere = self.calls % 5 > 2;
        let desk = if elsewhere { &self.other } else { &self.desk };
        let reply = drive::call(desk, call, &drive::due(&self.plain, call)).await;
        if elsewhere {
            self.told.push_str("through the other desk: ");
        }
        self.tell(call, &reply);
        let written = self.plain.judge(call, &reply)?;
        self.untouched_or_written(&written, call).await?;
        Ok(reply.is_ok())
    }

    pub(crate) fn tell(&mut self, call: &Call, reply: &Reply) {
        let _ = writeln!(self.told, "{call:?}\n    -> {reply:?}");
    }

    /// Of a command that was refused the row that it was about must be as it was.
    async fn untouched_or_written(&self, written: &[Key], call: &Call) -> Result<(), String> {
        let keys = if written.is_empty() { call.command.target().into_iter().collect() } else { written.to_vec() };
        let rows = drive::rows(&self.desk, &keys).await.map_err(|error| drive::unread(&error))?;
        for (key, found) in keys.iter().zip(rows) {
            let expected = self.plain.row(*key);
            if found != expected {
                return Err(format!("{key} stands as\n  {found:?}, not as\n  {expected:?}"));
            }
        }
        Ok(())
    }

    /// Where the desk is.
    fn here(&self) -> &Place {
        self.moved.as_ref().unwrap_or(self.place)
    }

    /// Takes the whole desk to another store, as long as there is an empty one.
    async fn go(&mut self) -> Result<(), String> {
        let failed = |error: crate::Error| format!("could not be moved: {error:?}");
        if !self.store.capabilities().imports {
            return Ok(());
        }
        let Ok(there) = self.place.another() else { return Ok(()) };
        let text = exported(&self.desk).await.map_err(failed)?;
        let store = Arc::clone(there.store());
        let desk = self.another_desk(&store);
        let mut import = desk.import().await.map_err(failed)?;
        import.write(text.as_bytes()).await.map_err(failed)?;
        import.finish().await.map_err(failed)?;
        if exported(&desk).await.map_err(failed)? != text {
            return Err("was moved, and its export is another one now".to_owned());
        }
        self.desk.close().await.map_err(failed)?;
        self.other = self.another_desk(&store);
        (self.store, self.desk, self.moved) = (store, desk, Some(there));
        // The feed begins anew, and idempotency keys stay behind.
        self.plain.feed_begins = self.plain.events.len();
        self.plain.used.clear();
        self.told.push_str("moved to another store\n");
        self.tally.moved += 1;
        Ok(())
    }

    /// Closes the store, and opens it again.
    async fn reopen(&mut self) -> Result<(), String> {
        if !self.here().can_be_reopened() {
            return Ok(());
        }
        self.desk.close().await.map_err(|error| format!("could not be closed: {error:?}"))?;
        self.store = self.here().again().await.map_err(|error| format!("could not be opened again: {error:?}"))?;
        let store = Arc::clone(&self.store);
        (self.desk, self.other) = (self.another_desk(&store), self.another_desk(&store));
        self.told.push_str("closed and opened again\n");
        self.tally.reopened += 1;
        Ok(())
    }

    /// Another desk over a store: other ids, the same clock.
    pub(crate) fn another_desk(&mut self, store: &Arc<dyn Store>) -> Desk {
        self.desks += 1;
        desk(store, &self.clock, self.desks)
    }

    /// Compares everything that can be seen.
    pub(crate) async fn compare(&mut self) -> Result<(), String> {
        compare::everything(&self.desk, &self.plain).await?;
        for (what, times) in &self.plain.reached {
            self.tally.reach(what, *times);
        }
        Ok(())
    }

    /// What went wrong, with all that led to it.
    pub(crate) fn story(&self, what: &str) -> String {
        format!("{}\nThe desk differs from the plain one. The last call {what}\n", self.told)
    }
}

async fn exported(desk: &Desk) -> crate::Result<String> {
    let (mut export, mut text) = (desk.export(), String::new());
    while let Some(lines) = export.next().await? {
        text.push_str(&lines);
    }
    Ok(text)
}

fn desk(store: &Arc<dyn Store>, clock: &Arc<SteppingClock>, number: u64) -> Desk {
    let ids = SeededIds::new(0x0dec_0000 + number);
    Desk::builder(Arc::clone(store)).clock(Arc::clone(clock) as Arc<dyn Clock>).ids(Arc::new(ids)).build()
}

/// Plays a sequence on an empty desk.
///
/// # Errors
/// The story of what differs.
pub(crate) async fn sequence(place: &Place, steps: &[Step], tally: &mut Tally) -> Result<(), String> {
    let mut play = Play::begin(place).await?;
    let mut outcome = Ok(());
    for step in steps {
        outcome = play.step(step).await;
        if outcome.is_err() {
            break;
        }
    }
    if outcome.is_ok() {
        outcome = play.compare().await;
    }
    tally.add(&play.tally);
    let closed = play.desk.close().await;
    outcome.map_err(|what| play.story(&what))?;
    closed.map_err(|error| play.story(&format!("was followed by a close that failed: {error:?}")))
}
