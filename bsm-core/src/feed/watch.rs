//! Waiting for what happens next: a page at a time from the store, one event at a time to the caller.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{EventPage, EventQuery, Position, Since, Told};
use crate::model::{Entity, UserId};
use crate::portal::Caller;
use crate::rules::limits;
use crate::store::{FeedPage, FeedPlace, FeedQuery, ReadSet};
use crate::view::page_size;
use crate::{Error, Result};

/// Reads one feed as one actor, who is admitted anew with every page.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    caller: Caller,
    customer: Option<UserId>,
    entities: Vec<Entity>,
}

impl Reader {
    /// A reader of a customer's feed, or of the desk's.
    pub(crate) fn new(caller: Caller, customer: Option<UserId>, entities: Vec<Entity>) -> Self {
        Self { caller, customer, entities }
    }

    /// Where reading begins.
    pub(crate) async fn begin(&self, since: &Since) -> Result<FeedPlace> {
        let page = match since {
            Since::After(position) => {
                let at = position.read(self.customer)?;
                // Whoever resumes too late is told now, not with the first event.
                self.read(Some(at), 0).await?;
                return Ok(at);
            }
            Since::Now | Since::Oldest => self.read(None, 0).await?,
        };
        let place = if *since == Since::Now { page.newest } else { page.oldest };
        Ok(FeedPlace { epoch: page.epoch, place })
    }

    /// One page, and where it ends.
    pub(crate) async fn page<E: Told>(&self, at: FeedPlace, limit: usize) -> Result<(Vec<E>, FeedPlace, bool)> {
        Ok(self.told(self.read(Some(at), limit).await?))
    }

    fn told<E: Told>(&self, page: FeedPage) -> (Vec<E>, FeedPlace, bool) {
        let at = |place| FeedPlace { epoch: page.epoch, place };
        let told = |event: crate::store::FeedEvent| E::of(self.customer, self.position(at(event.place)), event);
        (page.events.into_iter().map(told).collect(), at(page.resume), page.resume < page.newest)
    }

    /// A page as it is given out.
    pub(crate) async fn events<E: Told>(&self, query: &EventQuery) -> Result<EventPage<E>> {
        let limit = page_size(query.limit)?;
        let (events, end, more) = match &query.since {
            // In one read: what is the oldest now may be trimmed before another.
            Since::Oldest => self.told(self.read(None, limit).await?),
            since => self.page(self.begin(since).await?, limit).await?,
        };
        Ok(EventPage { events, position: self.position(end), more })
    }

    /// Waits until there may be something behind `at`.
    async fn wait(&self, at: FeedPlace) -> Result<()> {
        self.caller.store().wait(self.customer, at).await
    }

    fn position(&self, at: FeedPlace) -> Position {
        Position::write(self.customer, at)
    }

    async fn read(&self, at: Option<FeedPlace>, limit: usize) -> Result<FeedPage> {
        let query = FeedQuery {
            customer: self.customer,
            after: at.map(|at| at.place),
            entities: self.entities.clone(),
            limit,
            rows: false,
        };
        let set = ReadSet { feed: Some(query), ..ReadSet::default() };
        let page = self.caller.read(set).await?.feed.unwrap_or_default();
        match at {
            // A place beyond the end is another desk's, or that of a desk that lost what it had told.
            Some(at) if at.epoch != page.epoch || !(page.oldest..=page.newest).contains(&at.place) => {
                let resume = FeedPlace { epoch: page.epoch, place: page.oldest };
                Err(Error::PositionExpired { resume: self.position(resume) })
            }
            _ => Ok(page),
        }
    }
}

/// Tells of everything that happens, one event after another, from where it was begun; never ends by itself.
///
/// Made by [`Portal::watch`](crate::Portal::watch) and [`Desk::watch`](crate::Desk::watch). It is a handle like a portal:
/// it keeps [`WATCH_PAGE`](limits::WATCH_PAGE) events at most, holds no lock and no connection while it waits, and one that
/// nobody asks costs nothing.
///
/// That page was read when its reader was admitted, and is told to its end: so a person who is deactivated, or whose role
/// changes, may still be told up to [`WATCH_PAGE`](limits::WATCH_PAGE) events, all of them from before; and so may everybody
/// of a desk that was closed, or of events that were trimmed meanwhile. What must not be told any more ends with the watch:
/// drop it.
///
/// ```no_run
/// # async fn example(admin: bsm_core::Admin) -> bsm_core::Result<()> {
/// use bsm_core::feed::Since;
///
/// let mut watch = admin.watch(Since::Now).await?;
/// loop {
///     let event = watch.next().await?;
///     for entry in &event.entries {
///         println!("{} was {}", entry.key, entry.action);
///     }
///     // Kept somewhere, it is where `Since::After` goes on.
///     println!("dealt with everything up to {}", watch.position());
/// }
/// # }
/// ```
pub struct Watch<E> {
    reader: Reader,
    /// Behind what was read from the store.
    read: FeedPlace,
    /// Read, and not told yet.
    ready: VecDeque<E>,
    /// Behind what was told.
    told: Position,
}

impl<E: Told> Watch<E> {
    /// A watch of what `reader` reads.
    pub(crate) async fn begin(reader: Reader, since: &Since) -> Result<Self> {
        let read = reader.begin(since).await?;
        let told = reader.position(read);
        Ok(Self { reader, read, ready: VecDeque::new(), told })
    }

    /// The next event; waits for it. Dropping the future loses nothing: the next call goes on where this one would have.
    ///
    /// Costs O(log n + page) for each page of events, and nothing while it waits.
    ///
    /// # Errors
    /// Behind what was read [ahead](Self): [`Error::PositionExpired`] if events behind it were trimmed before they were read;
    /// [`Error::NotAllowed`] once the actor may not use the portal any more; [`Error::Closed`] once the desk is closed.
    /// Asked again, it tries again.
    pub async fn next(&mut self) -> Result<E> {
        loop {
            if let Some(event) = self.try_next().await? {
                return Ok(event);
            }
            self.reader.wait(self.read).await?;
        }
    }

    /// The next event, if it is there already.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn try_next(&mut self) -> Result<Option<E>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.told.clone_from(event.position());
                return Ok(Some(event));
            }
            let (events, end, more) = self.reader.page(self.read, limits::WATCH_PAGE).await?;
            self.read = end;
            if events.is_empty() {
                // What was looked at and not asked for need not be looked at again.
                self.told = self.reader.position(end);
                if !more {
                    return Ok(None);
                }
            }
            self.ready.extend(events);
        }
    }

    /// Behind the last event that was told: where a watch goes on that is begun later, elsewhere.
    pub const fn position(&self) -> &Position {
        &self.told
    }

    /// The same as a stream. It ends behind its first error.
    pub fn into_stream(self) -> EventStream<E> {
        EventStream { step: Some(Box::pin(step(self))), event: PhantomData }
    }
}

impl<E> fmt::Debug for Watch<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("told", &self.told).field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}

type Step<E> = Pin<Box<dyn Future<Output = (Watch<E>, Result<E>)> + Send>>;

async fn step<E: Told>(mut watch: Watch<E>) -> (Watch<E>, Result<E>) {
    let event = watch.next().await;
    (watch, event)
}

/// A [`Watch`] as a [`Stream`].
pub struct EventStream<E> {
    step: Option<Step<E>>,
    event: PhantomData<fn() -> E>,
}

impl<E: Told> Stream for EventStream<E> {
    type Item = Result<E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(running) = self.step.as_mut() else { return Poll::Ready(None) };
        let Poll::Ready((watch, event)) = running.as_mut().poll(context) else { return Poll::Pending };
        self.step = event.is_ok().then(|| Box::pin(step(watch)) as Step<E>);
        Poll::Ready(Some(event))
    }
}

impl<E> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("ended", &self.step.is_none()).finish()
    }
}
