//! Money: a decimal amount that keeps its currency's scale.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::rules::limits;
use crate::{Error, Reason, Result};

/// A currency of ISO 4217, by its three-letter code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many decimals its amounts have, by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD. 0 where the standard names none.
    pub fn scale(&self) -> u32 {
        iso_currency::Currency::from_code(self.code()).and_then(iso_currency::Currency::exponent).map_or(0, u32::from)
    }
}

impl FromStr for Currency {
    type Err = Error;

    fn from_str(code: &str) -> Result<Self> {
        let known = iso_currency::Currency::from_code(code).is_some();
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(bytes) if known => Ok(Self(bytes)),
            _ => Err(Error::invalid("currency", Reason::Malformed { expected: "a currency code of ISO 4217" })),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of one currency, never negative, always written with the currency's own number of decimals.
///
/// ```
/// use bsm_core::model::Money;
///
/// let price: Money = "49.9 EUR".parse()?;
/// assert_eq!(price.to_string(), "49.90 EUR");
/// assert!("0.001 EUR".parse::<Money>().is_err(), "the euro has two decimals");
/// # Ok::<(), bsm_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// An amount in a currency.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `price` if it is negative, above [`limits::MAX_AMOUNT`], or has more decimals than
    /// the currency.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self> {
        let scale = currency.scale();
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(Error::invalid("price", Reason::Negative));
        }
        if amount > Decimal::from(limits::MAX_AMOUNT) {
            let max = limits::MAX_AMOUNT.to_string();
            return Err(Error::invalid("price", Reason::OutOfRange { min: "0".to_owned(), max }));
        }
        let mut scaled = amount.abs().normalize();
        if scaled.scale() > scale {
            return Err(Error::invalid("price", Reason::TooManyDecimals { most: scale }));
        }
        scaled.rescale(scale);
        Ok(Self { amount: scaled, currency })
    }

    /// The amount, in the currency's unit.
    pub const fn amount(&self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The amount in the currency's smallest unit: 4990 for 49.90 EUR.
    pub fn minor_units(&self) -> i128 {
        self.amount.mantissa()
    }
}

/// The decimal that a sum of smallest units is in a currency. Sums are kept as whole numbers, which add exactly.
pub(crate) fn from_minor_units(units: i128, currency: Currency) -> Decimal {
    Decimal::try_from_i128_with_scale(units, currency.scale()).unwrap_or(Decimal::MAX)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Money {
    type Err = Error;

    /// Reads an amount, a space and a currency code.
    fn from_str(text: &str) -> Result<Self> {
        let malformed = || Error::invalid("price", Reason::Malformed { expected: "an amount and a currency code" });
        let (amount, currency) = text.split_once(' ').ok_or_else(malformed)?;
        Self::new(Decimal::from_str_exact(amount).map_err(|_| malformed())?, currency.parse()?)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object of an amount and a currency")]
struct Written<'a> {
    #[serde(borrow)]
    amount: std::borrow::Cow<'a, str>,
    currency: Currency,
}

impl Serialize for Money {
    /// An object of `amount` (a string, so that no reader rounds it) and `currency`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { amount: self.amount.to_string().into(), currency: self.currency }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let from_outside = deserializer.is_human_readable();
        let Written { amount, currency } = Written::deserialize(deserializer)?;
        let amount = Decimal::from_str_exact(&amount).map_err(D::Error::custom)?;
        if from_outside {
            Self::new(amount, currency).map_err(D::Error::custom)
        } else {
            // A store's own bytes: what was accepted once stays what it is, whatever the limits say by now.
            Ok(Self { amount, currency })
        }
    }
}
