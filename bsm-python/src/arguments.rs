//! What calls take besides words and rows: times, money, numbers, and fields that are left as they are.

use bsm::model::{Currency, Money, RequestNumber, Stars, TicketNumber, TimeRange, Timestamp, Version};
use bsm::rust_decimal::Decimal;
use bsm::{Error, Patch, Reason};
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDateTime, PyEllipsis, PyFloat, PyInt, PyString};

use crate::errors::{Raise, raise};
use crate::money;

/// A moment: an aware `datetime`, or its text as RFC 3339.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'py> FromPyObject<'_, 'py> for Moment {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        static EPOCH: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
        let py = given.py();
        if let Ok(text) = given.cast::<PyString>() {
            return text.to_cow()?.parse().map(Self).or_raise(py);
        }
        let time = given.cast::<PyDateTime>()?;
        if time.call_method0("utcoffset")?.is_none() {
            let reason = Reason::Malformed { expected: "a time with a zone" };
            return Err(raise(py, &Error::invalid("time", reason)));
        }
        // By differences of whole microseconds: a float of seconds would round.
        let (epoch, step) = EPOCH.get_or_try_init(py, || epoch(py))?;
        let micros = time.sub(epoch)?.call_method1("__floordiv__", (step,))?.extract::<i64>()?;
        Timestamp::from_micros(micros).map(Self).or_raise(py)
    }
}

/// The moment that times are counted from, and what they are counted in.
fn epoch(py: Python<'_>) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let datetime = py.import("datetime")?;
    let zone = datetime.getattr("timezone")?.getattr("utc")?;
    let begin = datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, zone))?;
    let step = datetime.getattr("timedelta")?.call1((0, 0, 1))?;
    Ok((begin.unbind(), step.unbind()))
}

/// A span of time, whose ends belong to it.
pub(crate) fn within(from: Option<Moment>, to: Option<Moment>) -> TimeRange {
    TimeRange { from: from.map(|from| from.0), to: to.map(|to| to.0) }
}

/// An amount of a currency: a `Money`, or its text ("49.90 EUR").
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price(pub(crate) Money);

impl<'py> FromPyObject<'_, 'py> for Price {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(money) = given.cast::<money::Money>() {
            return Ok(Self(money.get().0));
        }
        let text = given.cast::<PyString>()?;
        text.to_cow()?.parse().map(Self).or_raise(given.py())
    }
}

/// A bare amount: a `Decimal`, an `int`, or the text of one. Not a `float`, which has no exact decimals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount(Decimal);

impl<'py> FromPyObject<'_, 'py> for Amount {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyFloat>() || given.is_instance_of::<PyBool>() {
            return Err(PyTypeError::new_err("an amount is a Decimal, an int or a str: a float is not exact"));
        }
        // Python's own text of a Decimal may have an exponent, which the format "f" has not.
        let text = match given.cast::<PyString>() {
            Ok(text) => text.to_string(),
            Err(_) if given.is_instance_of::<PyInt>() => given.str()?.to_string(),
            Err(_) => given.call_method1("__format__", ("f",))?.to_string(),
        };
        let malformed = Reason::Malformed { expected: "an amount" };
        Decimal::from_str_exact(&text).map(Self).map_err(|_| raise(given.py(), &Error::invalid("price", malformed)))
    }
}

impl Amount {
    /// So much of a currency.
    pub(crate) fn of(self, currency: &str) -> bsm::Result<Money> {
        Money::new(self.0, currency.parse::<Currency>()?)
    }
}

/// A number of stars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rated(pub(crate) Stars);

impl<'py> FromPyObject<'_, 'py> for Rated {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Stars::new(whole(given)?).map(Self).or_raise(given.py())
    }
}

/// A version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(pub(crate) Version);

impl<'py> FromPyObject<'_, 'py> for At {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let version = u64::try_from(whole(given)?)
            .map_err(|_| raise(given.py(), &Error::invalid("version", Reason::Negative)))?;
        Ok(Self(Version(version)))
    }
}

/// How much a page holds at most. What is out of range is for the desk to refuse.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(pub(crate) usize);

impl<'py> FromPyObject<'_, 'py> for Limit {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(usize::try_from(whole(given)?).unwrap_or(0)))
    }
}

/// An `int`, or the one at the end of the range that lies next to it.
fn whole(given: Borrowed<'_, '_, PyAny>) -> PyResult<i64> {
    let number = given.cast::<PyInt>()?;
    match number.extract() {
        Ok(number) => Ok(number),
        Err(_) if number.lt(0)? => Ok(i64::MIN),
        Err(_) => Ok(i64::MAX),
    }
}

/// Numbers that people say aloud: their text, or the bare number.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($number:ident);)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name(pub(crate) $number);

        impl<'py> FromPyObject<'_, 'py> for $name {
            type Error = PyErr;

            fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
                if let Ok(text) = given.cast::<PyString>() {
                    return text.to_cow()?.parse().map(Self).or_raise(given.py());
                }
                // No row has a number beyond the range, and none has this one.
                Ok(Self($number::new(u32::try_from(whole(given)?).unwrap_or(u32::MAX))))
            }
        }
    )+};
}

numbers! {
    /// The number of a ticket.
    OfTicket(TicketNumber);
    /// The number of a service request.
    OfRequest(RequestNumber);
}

/// What a change does to a field: `...` leaves it as it is.
#[derive(Clone, Debug)]
pub(crate) enum Change<T> {
    /// It stays.
    Keep,
    /// It becomes this.
    To(T),
}

impl<'py, T> FromPyObject<'_, 'py> for Change<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyEllipsis>() {
            return Ok(Self::Keep);
        }
        given.extract::<T>().map(Self::To).map_err(Into::into)
    }
}

impl<T> Change<T> {
    /// What it becomes, if it does not stay.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Keep => None,
            Self::To(value) => Some(value),
        }
    }
}

impl<T> Change<Option<T>> {
    /// The same for a field that may be empty, in the desk's words.
    pub(crate) fn patch<U>(self, turn: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::To(value) => value.map(turn).into(),
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(bsm::rules::limits::PAGE_SIZE_DEFAULT)
    }
}
