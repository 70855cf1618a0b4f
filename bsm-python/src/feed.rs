//! What a feed is asked, and how a watch goes from event to event, for watches of either style.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{self, MutexGuard, PoisonError};
use std::time::Duration;

use bsm::Error;
use bsm::feed::{self, EventQuery, Position, Since};
use bsm::model::Entity;
use pyo3::Borrowed;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use tokio::sync::{Mutex, Notify};

use crate::call::Outcome;
use crate::handle::Boxed;
use crate::show::Tell;
use crate::words::Of;

/// Where reading a feed begins: "now", "oldest", or behind a position.
#[derive(Clone, Debug)]
pub(crate) struct Begin(pub(crate) Since);

impl<'py> FromPyObject<'_, 'py> for Begin {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = given.cast::<PyString>()?.to_cow()?.into_owned();
        Ok(Self(match text.as_str() {
            "now" => Since::Now,
            "oldest" => Since::Oldest,
            _ => Since::After(Position::new(text)),
        }))
    }
}

impl Begin {
    /// With what happens from now on.
    pub(crate) const fn now() -> Self {
        Self(Since::Now)
    }

    /// With the oldest event that is kept.
    pub(crate) const fn oldest() -> Self {
        Self(Since::Oldest)
    }
}

/// The entities that are asked for: one, or several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Only(pub(crate) Vec<Entity>);

impl<'py> FromPyObject<'_, 'py> for Only {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyString>() {
            return Ok(Self(vec![given.extract::<Of<Entity>>()?.0]));
        }
        let entities = given.try_iter()?.map(|entity| Ok(entity?.extract::<Of<Entity>>()?.0));
        entities.collect::<PyResult<_>>().map(Self)
    }
}

/// How long to wait: seconds, or for ever.
pub(crate) fn patience(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    let Some(seconds) = timeout else { return Ok(None) };
    if seconds.is_nan() {
        return Err(PyValueError::new_err("timeout is not a number"));
    }
    // A time that is too long to be told has no end.
    Ok(Duration::try_from_secs_f64(seconds.max(0.0)).ok())
}

/// What a feed is asked.
pub(crate) fn asked(since: Begin, only: Only) -> EventQuery {
    EventQuery::since(since.0).only(only.0)
}

/// Events of either kind of feed, told alike.
trait Feed: Send {
    fn next(&mut self, patience: Option<Duration>) -> Next<'_>;
    fn position(&self) -> Position;
}

type Next<'a> = Pin<Box<dyn Future<Output = bsm::Result<Option<Outcome>>> + Send + 'a>>;

impl<E: feed::Told + Tell + Sync> Feed for feed::Watch<E> {
    fn next(&mut self, patience: Option<Duration>) -> Next<'_> {
        Box::pin(async move {
            let event = match patience {
                None => Some(Self::next(self).await?),
                // One look is taken whatever the time: what is there already is told.
                Some(patience) => match self.try_next().await? {
                    Some(event) => Some(event),
                    None if patience.is_zero() => None,
                    None => tokio::time::timeout(patience, Self::next(self)).await.ok().transpose()?,
                },
            };
            Ok(event.map(|event| Box::new(|py: Python<'_>| event.tell(py).map(Bound::unbind)) as Outcome))
        })
    }

    fn position(&self) -> Position {
        Self::position(self).clone()
    }
}

/// A watch that was not begun.
pub(crate) type Beginning = Boxed<bsm::Result<Begun>>;

/// A watch that was begun.
pub(crate) struct Begun(Box<dyn Feed>);

/// Begins a watch once it is asked.
pub(crate) fn begin<E, F>(beginning: F) -> Beginning
where
    E: feed::Told + Tell + Sync,
    F: Future<Output = bsm::Result<feed::Watch<E>>> + Send + 'static,
{
    Box::pin(async move { beginning.await.map(|watch| Begun(Box::new(watch))) })
}

/// How far a watch is.
enum Step {
    Waits(Beginning),
    Runs(Begun),
    /// It could not be begun.
    Failed,
}

/// What a watch shares with the calls that are under way.
pub(crate) struct Shared {
    step: Mutex<Step>,
    heard: sync::Mutex<Heard>,
    /// Rung with every event that is taken back.
    returned: Notify,
    closed: Notify,
    is_closed: AtomicBool,
}

/// What became of the events that were told.
#[derive(Default)]
struct Heard {
    /// Behind the last one that was heard.
    position: Option<Position>,
    /// Those that nobody heard, since the call that they were told to was cancelled meanwhile.
    unheard: VecDeque<Py<PyAny>>,
}

/// An event, and where the watch stood before it.
pub(crate) struct Told {
    pub(crate) event: Outcome,
    pub(crate) before: Option<Position>,
}

/// What a step comes to.
pub(crate) enum Stepped {
    Event(Told),
    /// Nothing happened in time.
    Late,
    /// The watch or the desk was closed.
    Closed,
}

impl Shared {
    pub(crate) fn new(beginning: Beginning) -> Self {
        Self {
            step: Mutex::new(Step::Waits(beginning)),
            heard: sync::Mutex::default(),
            returned: Notify::new(),
            closed: Notify::new(),
            is_closed: AtomicBool::new(false),
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Behind the last event that was heard; `None` before it begins.
    pub(crate) fn position(&self) -> Option<Position> {
        self.heard().position.clone()
    }

    /// Takes an event back that nobody heard: it is the next one again.
    pub(crate) fn take_back(&self, event: Py<PyAny>, before: Option<Position>) {
        let mut heard = self.heard();
        heard.unheard.push_back(event);
        heard.position = before;
        drop(heard);
        self.returned.notify_one();
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.closed.notify_waiters();
    }

    /// Does something with the watch, unless it is closed.
    pub(crate) async fn unless_closed<T>(&self, work: impl Future<Output = bsm::Result<T>>) -> bsm::Result<Option<T>> {
        let closed = self.closed.notified();
        tokio::pin!(closed);
        // From here on a `close` is noticed, whenever it comes.
        closed.as_mut().enable();
        if self.is_closed() {
            return Ok(None);
        }
        tokio::select! {
            biased;
            () = closed => Ok(None),
            done = work => match done {
                Err(Error::Closed { .. }) => Ok(None),
                done => done.map(Some),
            },
        }
    }

    /// Begins the watch, if nobody did.
    pub(crate) async fn begun(&self) -> bsm::Result<()> {
        let mut step = self.step.lock().await;
        if let Step::Waits(beginning) = &mut *step {
            match beginning.await {
                Ok(begun) => {
                    self.heard().position = Some(begun.0.position());
                    *step = Step::Runs(begun);
                }
                Err(error) => {
                    *step = Step::Failed;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The next event.
    pub(crate) async fn next(&self, patience: Option<Duration>) -> bsm::Result<Stepped> {
        let stepped = self.unless_closed(async {
            self.begun().await?;
            let mut step = self.step.lock().await;
            let Step::Runs(begun) = &mut *step else { return Ok(Stepped::Closed) };
            let event = loop {
                let returned = self.heard().unheard.pop_front();
                if let Some(event) = returned {
                    break Some(Box::new(|_: Python<'_>| Ok(event)) as Outcome);
                }
                // An event may be taken back while this waits already. Nothing is lost by asking again.
                tokio::select! {
                    biased;
                    () = self.returned.notified() => {}
                    event = begun.0.next(patience) => break event?,
                }
            };
            let Some(event) = event else { return Ok(Stepped::Late) };
            let mut heard = self.heard();
            // While others are to be told again, that is where somebody goes on who comes back later.
            let at = if heard.unheard.is_empty() { Some(begun.0.position()) } else { heard.position.clone() };
            Ok(Stepped::Event(Told { event, before: std::mem::replace(&mut heard.position, at) }))
        });
        Ok(stepped.await?.unwrap_or(Stepped::Closed))
    }
}
