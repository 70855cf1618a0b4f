//! What the classes of portals are made of: a handle of the desk, and how its calls are answered, waited for or awaited.
//!
//! A method is written once, in the tables of `portal/`: as a future of what the desk says. Which of the two classes it is
//! in decides what becomes of that.

use std::pin::Pin;
use std::sync::Arc;

use bsm::view::{Cursor, Listing, Page, Query};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::call::{Call, Outcome};
use crate::ending::Inside;
use crate::errors::{Fault, Raise};
use crate::fork::Kept;
use crate::ground::Ground;
use crate::show::{Show, Tell};

/// A future that owns what it needs.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a page of a list is read through a handle.
type ReadOne<P, L, T> = fn(P, Query<L>) -> Boxed<bsm::Result<Page<T>>>;

/// The desk, or somebody's portal, with what it stands on.
pub(crate) struct Handle<P> {
    // In this order: see `Ground`.
    inner: Kept<P>,
    pub(crate) ground: Arc<Ground>,
}

impl<P: Clone> Handle<P> {
    pub(crate) fn new(inner: P, ground: Arc<Ground>) -> Self {
        Self { inner: Kept::new(inner), ground }
    }

    /// A clone of it, for a call.
    pub(crate) fn inner(&self, py: Python<'_>) -> PyResult<P> {
        self.ground.here(py, &self.inner).cloned()
    }
}

/// A class whose calls are answered in one of the two ways.
pub(crate) trait Answers {
    /// Whether they are awaited.
    const AWAITED: bool;
    /// The handle beneath.
    type Inner: Clone + Send + Sync + 'static;

    /// The handle.
    fn handle(&self) -> &Handle<Self::Inner>;

    /// What a call answers: what came of it, or something to await.
    fn answer<'py, T, E, F>(&self, py: Python<'py>, name: &'static str, call: F) -> PyResult<Bound<'py, PyAny>>
    where
        T: Tell,
        E: Fault,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        answer(py, &self.handle().ground, Self::AWAITED, name, call)
    }

    /// A list that is read page by page.
    fn list<'py, L, T>(
        &self,
        py: Python<'py>,
        name: &'static str,
        query: Query<L>,
        read: ReadOne<Self::Inner, L, T>,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        L: Listing + Send + Sync + 'static,
        L::Filter: Send + Sync,
        T: Tell,
    {
        let inner = self.handle().inner(py)?;
        self.pages(py, name, move |cursor| {
            let reading = read(inner.clone(), query.clone().cursor(cursor));
            Box::pin(async move { reading.await.map(told) })
        })
    }

    /// A list whose pages `read` gives.
    fn pages<'py>(
        &self,
        py: Python<'py>,
        name: &'static str,
        read: impl Fn(Option<Cursor>) -> Boxed<bsm::Result<Pages>> + Send + Sync + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        static WAITED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static AWAITED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let class = if Self::AWAITED {
            AWAITED.import(py, "bsm._pages", "AsyncListing")?
        } else {
            WAITED.import(py, "bsm._pages", "Listing")?
        };
        let ground = Arc::clone(&self.handle().ground);
        let read: Box<Read> = Box::new(read);
        class.call1((Reader { read: Kept::new(read), ground, awaited: Self::AWAITED, name },))
    }
}

fn answer<'py, T, E, F>(
    py: Python<'py>,
    ground: &Arc<Ground>,
    awaited: bool,
    name: &'static str,
    call: F,
) -> PyResult<Bound<'py, PyAny>>
where
    T: Tell,
    E: Fault,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let _inside = Inside::enter(py);
    if !awaited {
        return ground.wait(py, call)?.tell(py);
    }
    let pending = Box::pin(async move {
        let answered = call.await;
        Box::new(move |py: Python<'_>| answered.or_raise(py)?.tell(py).map(Bound::unbind)) as Outcome
    });
    Ok(Bound::new(py, Call::new(name, ground.handle(py)?.clone(), pending))?.into_any())
}

/// A query, or the error of one that makes no sense.
pub(crate) trait Asks<L: Listing> {
    /// As a result.
    fn asks(self) -> bsm::Result<Query<L>>;
}

impl<L: Listing> Asks<L> for Query<L> {
    fn asks(self) -> bsm::Result<Self> {
        Ok(self)
    }
}

impl<L: Listing> Asks<L> for bsm::Result<Query<L>> {
    fn asks(self) -> Self {
        self
    }
}

/// A page, still to be told in Python.
pub(crate) struct Pages(Outcome);

impl Tell for Pages {
    fn tell(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        (self.0)(py).map(|page| page.into_bound(py))
    }
}

/// A page of rows.
fn told<T: Tell>(page: Page<T>) -> Pages {
    let Page { rows, next, previous, .. } = page;
    told_as(rows, next, previous)
}

/// A page of rows, with where to go on.
pub(crate) fn told_as<T: Tell, C: Show + Send + 'static>(rows: Vec<T>, next: Option<C>, previous: Option<C>) -> Pages {
    Pages(Box::new(move |py| {
        static PAGE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let page = PAGE.import(py, "bsm._pages", "Page")?;
        page.call1((rows.tell(py)?, next.show(py)?, previous.show(py)?)).map(Bound::unbind)
    }))
}

type Read = dyn Fn(Option<Cursor>) -> Boxed<bsm::Result<Pages>> + Send + Sync;

/// Reads a page of a list, from a cursor. What lists in Python are made of.
#[pyclass(frozen, module = "bsm._bsm")]
pub(crate) struct Reader {
    read: Kept<Box<Read>>,
    ground: Arc<Ground>,
    awaited: bool,
    name: &'static str,
}

#[pymethods]
impl Reader {
    #[pyo3(signature = (cursor=None))]
    fn __call__<'py>(&self, py: Python<'py>, cursor: Option<String>) -> PyResult<Bound<'py, PyAny>> {
        let reading = self.ground.here(py, &self.read)?(cursor.map(Cursor::new));
        answer(py, &self.ground, self.awaited, self.name, reading)
    }

    fn __repr__(&self) -> &'static str {
        self.name
    }
}

/// Methods of classes that are alike: `fn name[signature](arguments) |inner| future;`.
macro_rules! methods {
    ([$($class:ident)+] $methods:tt) => { $($crate::handle::methods!(@ $class $methods);)+ };
    (@ $class:ident { $(
        $(#[$doc:meta])*
        fn $name:ident [$($signature:tt)*] ($($given:ident: $type:ty),* $(,)?) |$inner:ident| $call:expr;
    )+ }) => {
        #[pymethods]
        impl $class {$(
            $(#[$doc])*
            #[pyo3(signature = ($($signature)*))]
            fn $name<'py>(&self, py: Python<'py>, $($given: $type),*) -> PyResult<Bound<'py, PyAny>> {
                let $inner = $crate::handle::Answers::handle(self).inner(py)?;
                $crate::handle::Answers::answer(self, py, stringify!($name), async move { $call.await })
            }
        )+}
    };
}
pub(crate) use methods;

/// Lists of classes that are alike: `fn name[signature](arguments) query;`, where the query may be refused.
macro_rules! lists {
    ([$($class:ident)+] $lists:tt) => { $($crate::handle::lists!(@ $class $lists);)+ };
    (@ $class:ident { $(
        $(#[$doc:meta])*
        fn $name:ident [$($signature:tt)*] ($($given:ident: $type:ty),* $(,)?) $query:expr;
    )+ }) => {
        #[pymethods]
        impl $class {$(
            $(#[$doc])*
            ///
            /// Read page by page, as it is iterated over: the newest first (or `"oldest_first"`) and 50 rows to a page, unless `order`
            /// and `limit` say otherwise. Only rows that were created from `created_from` to `created_to`, both included.
            #[pyo3(signature = (
                $($signature)*
                order = $crate::words::Of(bsm::store::Order::NewestFirst),
                limit = $crate::arguments::Limit(bsm::rules::limits::PAGE_SIZE_DEFAULT),
                created_from = None,
                created_to = None
            ))]
            fn $name<'py>(
                &self,
                py: Python<'py>,
                $($given: $type,)*
                order: $crate::words::Of<bsm::store::Order>,
                limit: $crate::arguments::Limit,
                created_from: Option<$crate::arguments::Moment>,
                created_to: Option<$crate::arguments::Moment>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let query = $crate::errors::Raise::or_raise($crate::handle::Asks::asks($query), py)?;
                let query = query.order(order.0).limit(limit.0);
                let query = query.within($crate::arguments::within(created_from, created_to));
                $crate::handle::Answers::list(self, py, stringify!($name), query, |inner, query| {
                    Box::pin(async move { inner.$name(&query).await })
                })
            }
        )+}
    };
}
pub(crate) use lists;
