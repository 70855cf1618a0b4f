//! The words of the model as `enum.StrEnum`s, made once when the module is loaded.
//!
//! Their spellings are the model's own: nothing here repeats one, save those of enums that the model never writes down.

use bsm::feed::UpdatedBy;
use bsm::model::{
    Action, ArticleStatus, Channel, Entity, HoldReason, Impact, Phase, Priority, RequestStatus, Role, TicketStatus,
    Urgency,
};
use bsm::schema::Field;
use bsm::store::Order;
use bsm::view::Source;
use bsm::{Error, Reason};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use pyo3::{Borrowed, intern};

use crate::errors::{broken, raise};
use crate::show::Show;

/// An enum whose values are words.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// The field that holds it.
    const FIELD: &'static str;
    /// Its values.
    const ALL: &'static [Self];

    /// The word.
    fn word(self) -> &'static str;

    /// The members of its class, in the order of [`Self::ALL`].
    fn members() -> &'static PyOnceLock<Vec<Py<PyAny>>>;
}

/// One of these words, as an argument: a member, or its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<T>(pub(crate) T);

impl<'py, T: Word> FromPyObject<'_, 'py> for Of<T> {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let given = given.cast::<PyString>()?;
        let text = given.to_cow()?;
        let value = T::ALL.iter().copied().find(|value| value.word() == text);
        value.map(Self).ok_or_else(|| {
            let legal = T::ALL.iter().map(|value| value.word()).collect();
            raise(given.py(), &Error::invalid(T::FIELD, Reason::UnknownWord { legal }))
        })
    }
}

macro_rules! words {
    ($($doc:literal $name:ident of $field:expr, $all:expr, $word:expr;)+) => {
        $(
            impl Word for $name {
                const FIELD: &'static str = $field;
                const ALL: &'static [Self] = $all;

                fn word(self) -> &'static str {
                    let word: fn(Self) -> &'static str = $word;
                    word(self)
                }

                fn members() -> &'static PyOnceLock<Vec<Py<PyAny>>> {
                    static MEMBERS: PyOnceLock<Vec<Py<PyAny>>> = PyOnceLock::new();
                    &MEMBERS
                }
            }

            impl Show for $name {
                fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    let place = Self::ALL.iter().position(|value| value == self);
                    let member = place.and_then(|place| Self::members().get(py)?.get(place));
                    member.map(|member| member.bind(py).clone()).ok_or_else(|| broken(stringify!($name)))
                }
            }
        )+

        /// Adds the classes to the module.
        pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(add_one::<$name>(module, stringify!($name), $doc)?;)+
            Ok(())
        }
    };
}

words! {
    "A kind of row." Entity of Entity::NAME, Entity::ALL, Entity::as_str;
    "What a person may do." Role of Role::NAME, Role::ALL, Role::as_str;
    "Where a ticket or a request stands, coarsely." Phase of Phase::NAME, Phase::ALL, Phase::as_str;
    "Why a ticket waits." HoldReason of HoldReason::NAME, HoldReason::ALL, HoldReason::as_str;
    "Where a ticket stands." TicketStatus of TicketStatus::NAME, TicketStatus::ALL, TicketStatus::as_str;
    "Where a service request stands." RequestStatus of RequestStatus::NAME, RequestStatus::ALL, RequestStatus::as_str;
    "How much of the business a ticket touches (ITIL)." Impact of Impact::NAME, Impact::ALL, Impact::as_str;
    "How long it can wait (ITIL)." Urgency of Urgency::NAME, Urgency::ALL, Urgency::as_str;
    "In what order tickets are worked on." Priority of Priority::NAME, Priority::ALL, Priority::as_str;
    "How a ticket reached the desk." Channel of Channel::NAME, Channel::ALL, Channel::as_str;
    "Whether an article is being written, read, or kept." ArticleStatus of ArticleStatus::NAME, ArticleStatus::ALL,
        ArticleStatus::as_str;
    "What a history entry tells of." Action of Action::NAME, Action::ALL, Action::as_str;
    "A field of a row, by its one name." Field of Field::NAME, Field::ALL, Field::as_str;
    "Which half of the unified view." Source of "source", &[Self::Ticket, Self::Request],
        |source| if source == Self::Request { "request" } else { "ticket" };
    "Who did what a customer is told of." UpdatedBy of "by", &[Self::You, Self::Desk],
        |by| match by { Self::You => "you", Self::Desk => "desk" };
    "In which order rows come." Order of "order", &[Self::NewestFirst, Self::OldestFirst],
        |order| match order { Self::NewestFirst => "newest_first", Self::OldestFirst => "oldest_first" };
}

fn add_one<T: Word>(module: &Bound<'_, PyModule>, name: &str, doc: &str) -> PyResult<()> {
    let py = module.py();
    let named = PyDict::new(py);
    for value in T::ALL {
        named.set_item(value.word().to_uppercase(), value.word())?;
    }
    let keywords = PyDict::new(py);
    keywords.set_item(intern!(py, "module"), "bsm")?;
    let class = py.import("enum")?.getattr("StrEnum")?.call((name, named), Some(&keywords))?;
    class.setattr(intern!(py, "__doc__"), doc)?;
    let members = T::ALL.iter().map(|value| Ok(class.call1((value.word(),))?.unbind()));
    // A module that is loaded a second time keeps the classes of the first.
    let _ = T::members().set(py, members.collect::<PyResult<Vec<_>>>()?);
    module.add(name, class)
}
