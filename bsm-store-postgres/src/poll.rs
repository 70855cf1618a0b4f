//! Waiting: for commits of this store value, which wake at once, and for those of others, which are noticed by looking.
//!
//! Of all who wait on one store value one **leads**: it looks at the feed now and then, and tells the others. It holds the
//! lead while it does, and the lock guards nothing else; a leader that is dropped or has what it waited for hands over to
//! the next. So nobody looks while nobody waits, and a thousand who wait cost what one does.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bsm_core::model::UserId;
use bsm_core::store::{FeedPlace, FeedQuery};
use bsm_core::{Error, Result};
use sqlx::Row as _;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::fault::{Fault, closed};
use crate::feed;
use crate::names::Statement;
use crate::retry;
use crate::store::PostgresStore;

/// How often the feed is looked at while somebody waits.
const EVERY: Duration = Duration::from_millis(250);

/// How many events a look goes through to see whom they concern. Behind more of them everybody is woken.
const EVENTS_AT_ONCE: u64 = 1_000;

/// The statements of this room.
#[derive(Debug)]
pub(crate) struct Statements {
    stands: Statement,
    pub(crate) concerned: Statement,
}

impl Statements {
    pub(crate) fn new(statement: impl Fn(&str) -> Statement) -> Self {
        Self {
            stands: statement("SELECT epoch, coalesce((SELECT max(position) FROM {}.feed), 0) FROM {}.desk"),
            // Nobody, as the server says NULL, stands for events that were trimmed before they were looked at.
            concerned: statement(
                "SELECT DISTINCT unnest(subjects) FROM {}.feed WHERE position > $1 AND position <= $2 \
                 UNION ALL SELECT NULL WHERE (SELECT min(position) FROM {}.feed) > $1 + 1",
            ),
        }
    }
}

/// Who leads, and when they last looked.
#[derive(Debug, Default)]
pub(crate) struct Lead {
    lead: tokio::sync::Mutex<()>,
    looked: Mutex<Option<Instant>>,
}

impl Lead {
    /// When it is time to look again.
    fn due(&self) -> Instant {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        *looked.get_or_insert_with(Instant::now) + EVERY
    }

    fn looks(&self) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Waits until a feed may go beyond `after`.
pub(crate) async fn wait(store: &PostgresStore, customer: Option<UserId>, after: FeedPlace) -> Result<()> {
    match customer {
        None => {
            let beyond = store.reach.of_desk();
            until(store, None, after, beyond.place(after)).await
        }
        Some(customer) => {
            let waiting = store.reach.of(customer);
            let mut notified = pin!(waiting.notify.notified());
            // From here on no word is missed.
            notified.as_mut().enable();
            until(store, Some(customer), after, notified).await
        }
    }
}

/// Looks, and if there is nothing waits for a word, which whoever leads gives as well.
async fn until(
    store: &PostgresStore,
    customer: Option<UserId>,
    after: FeedPlace,
    word: impl Future<Output = ()>,
) -> Result<()> {
    let stands = {
        // A customer reads what is theirs, which an import shuts; the desk's feed goes on at its end.
        let _pass = if customer.is_some() { store.pass().await? } else { store.pass_always().await? };
        retry::read(&store.desk, || stands(store, customer)).await?
    };
    if stands.epoch != after.epoch || stands.place > after.place {
        return Ok(());
    }
    tokio::select! {
        () = word => {}
        error = lead(store) => {
            // The others find out for themselves, and one of them leads.
            store.reach.wake_all();
            return Err(error);
        }
    }
    if store.reach.is_closed() { Err(closed(store.desk.name.clone())) } else { Ok(()) }
}

/// Where a feed stands.
async fn stands(store: &PostgresStore, customer: Option<UserId>) -> std::result::Result<FeedPlace, Fault> {
    feed::position::give(&store.desk, &store.desk.pool).await?;
    let query = FeedQuery { customer, after: None, entities: Vec::new(), limit: 0, rows: false };
    let mut connection = store.desk.pool.acquire().await?;
    let page = feed::page(&store.desk, &mut connection, &query).await?;
    connection.done();
    Ok(FeedPlace { epoch: page.epoch, place: page.newest })
}

/// Waits for the lead, and looks now and then; ends only if that fails.
async fn lead(store: &PostgresStore) -> Error {
    let _lead = store.lead.lead.lock().await;
    loop {
        sleep_until(store.lead.due()).await;
        let looked = async {
            let _pass = store.pass_always().await?;
            retry::read(&store.desk, || look(store)).await
        };
        let looked = looked.await;
        store.lead.looks();
        if let Err(error) = looked {
            return error;
        }
    }
}

/// Looks at the feed once, and wakes those for whom there is something.
async fn look(store: &PostgresStore) -> std::result::Result<(), Fault> {
    let desk = &store.desk;
    feed::position::give(desk, &desk.pool).await?;
    let mut connection = desk.pool.acquire().await?;
    let row = desk.polls.stands.query().fetch_optional(&mut connection).await?;
    let row = row.ok_or_else(|| desk.damaged("nothing says which epoch its feed is in".to_owned()))?;
    let newest: i64 = row.try_get(1)?;
    let now = FeedPlace {
        epoch: row.try_get::<i64, _>(0)?.cast_unsigned(),
        place: u64::try_from(newest).unwrap_or_default(),
    };
    desk.tells(now.epoch, Some(now.place));
    let before = store.reach.stands();
    if before == Some(now) {
        connection.done();
        return Ok(());
    }
    let known = before.filter(|before| before.epoch == now.epoch && before.place < now.place);
    let near = known.filter(|before| now.place - before.place <= EVENTS_AT_ONCE);
    let Some(before) = near else {
        connection.done();
        store.reach.looked_at(now, None);
        return Ok(());
    };
    let before = i64::try_from(before.place).unwrap_or(i64::MAX);
    let rows = desk.polls.concerned.query().bind(before).bind(newest).fetch_all(&mut connection).await?;
    connection.done();
    let concerned: std::result::Result<Option<Vec<UserId>>, sqlx::Error> =
        rows.iter().map(|row| Ok(row.try_get::<Option<Uuid>, _>(0)?.map(UserId::from_uuid))).collect();
    store.reach.looked_at(now, concerned?.as_deref());
    Ok(())
}
