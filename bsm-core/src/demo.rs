//! The demonstration desk: a small company's service desk after nine weeks, readable and made through portals.
//!
//! Examples, tests, bindings and benches fill an empty desk with it. It uses the public face of this crate only, and is
//! behind the feature `demo`.
//!
//! | what | how many |
//! |---|---|
//! | users | 9: two admins, two agents, five customers |
//! | tickets | 20, in every status, three of them made from requests |
//! | services | 16, of which one is retired |
//! | requests | 9, of which 6 are fulfilled and rated |
//! | ratings | 6, with a mean of 4.33 |
//! | articles | 9: six published, two drafts, one archived |
//!
//! That is 69 records, and 29 rows in the unified view. Notes on tickets come on top. A seed draws who everybody is and
//! what everything is about; the numbers, and how things went, are the same for every seed.

mod articles;
mod calendar;
mod catalogue;
mod chance;
mod people;
mod plots;
mod scene;
mod stage;
mod stories;
mod words;

use std::sync::Arc;

use serde::Serialize;

use crate::model::{ArticleId, RatingId, RequestId, Role, ServiceId, TicketId, Timestamp, UserId};
use crate::store::Store;
use crate::{Desk, Result, SeededIds, SteppingClock};

use calendar::Calendar;
use catalogue::Catalogue;
use people::{Names, People};
use stage::Cast;

/// When a demonstration with a fixed clock begins: Monday, the 16th of March 2026, at eight, in microseconds since 1970.
const BEGINNING_MICROS: i64 = 1_773_648_000_000_000;
/// How much later each command of such a demonstration is, in microseconds.
const STEP_MICROS: i64 = 1_000_000;

/// How a desk is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct DemoOptions {
    /// Draws the texts and the choices. The same seed draws the same.
    pub seed: u64,
}

impl DemoOptions {
    /// A clock that begins at a fixed moment. With [`ids`](Self::ids), a desk repeats to the byte.
    pub fn clock(&self) -> Arc<SteppingClock> {
        Arc::new(SteppingClock::new(Timestamp::MIN.plus_micros(BEGINNING_MICROS), STEP_MICROS))
    }

    /// A source of ids that follow from the seed. Handles of one desk must share one: two would give the same ids twice.
    pub fn ids(&self) -> Arc<SeededIds> {
        Arc::new(SeededIds::new(self.seed))
    }

    /// The desk of a store, with a fixed clock and ids that follow from the seed: filled, it is the same on every store,
    /// to the byte.
    pub fn desk(&self, store: Arc<dyn Store>) -> Desk {
        Desk::builder(store).clock(self.clock()).ids(self.ids()).build()
    }
}

/// What stands on a demonstration desk. Lists are in the order in which things were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Demo {
    /// The first admin, who has done nothing but enter the other one.
    pub founder: UserId,
    /// The other admin, who runs the desk.
    pub admin: UserId,
    /// The agents.
    pub agents: Vec<UserId>,
    /// The customers.
    pub customers: Vec<UserId>,
    /// The services.
    pub services: Vec<ServiceId>,
    /// A service that needs no approval, and that nobody has asked for yet.
    pub orderable: ServiceId,
    /// The service that is retired.
    pub retired: ServiceId,
    /// The articles: six published, one archived, two drafts.
    pub articles: Vec<ArticleId>,
    /// The tickets.
    pub tickets: Vec<TicketId>,
    /// The requests.
    pub requests: Vec<RequestId>,
    /// The ratings.
    pub ratings: Vec<RatingId>,
}

/// Fills an empty desk with the demonstration, and returns what stands on it.
///
/// The past is entered as such: what happened lies in the nine weeks before the desk's own time, and was recorded now.
/// About 150 commands, one after another. It is not atomic: stopped half-way, it leaves a part of the demonstration.
///
/// # Errors
/// [`Error::AlreadyBootstrapped`](crate::Error::AlreadyBootstrapped) on a desk that is not empty, which is left as it
/// is; else what the store says.
///
/// ```no_run
/// # async fn example(store: std::sync::Arc<dyn bsm_core::store::Store>) -> bsm_core::Result<()> {
/// use bsm_core::demo::{self, DemoOptions};
///
/// let options = DemoOptions { seed: 7 };
/// let desk = options.desk(store);
/// let demo = demo::populate(&desk, &options).await?;
/// assert_eq!(desk.admin(demo.admin).summary().await?.ticket_count(), 20);
/// # Ok(())
/// # }
/// ```
pub async fn populate(desk: &Desk, options: &DemoOptions) -> Result<Demo> {
    let seed = options.seed;
    let mut names = Names::drawn(seed);
    let founder = desk.bootstrap(names.next(Role::Admin)).await?;
    // The desk's own time, told by the first thing that it recorded.
    let calendar = Calendar::before(founder.updated_at);
    let people = People::enter(desk, founder.id, names, calendar).await?;
    let cast = Cast {
        admin: desk.admin(people.admin),
        agents: people.agents.map(|id| desk.agent(id)),
        customers: people.customers.map(|id| desk.customer(id)),
    };
    let catalogue = Catalogue::enter(&cast.admin, seed, calendar).await?;
    let articles = articles::write(&cast.admin, &cast.agents, seed, calendar).await?;
    let made = stage::play(&cast, &catalogue, seed, calendar).await?;
    catalogue.change(&cast.admin, &made.asked, calendar).await?;
    desk.close_resolved(calendar.at(plots::CLOSED_BEFORE)).await?;
    Ok(Demo {
        founder: people.founder,
        admin: people.admin,
        agents: people.agents.to_vec(),
        customers: people.customers.to_vec(),
        services: catalogue.offered.iter().map(|offered| offered.id).collect(),
        orderable: catalogue.orderable(),
        retired: catalogue.retired(),
        articles,
        tickets: made.tickets,
        requests: made.requests,
        ratings: made.ratings,
    })
}
