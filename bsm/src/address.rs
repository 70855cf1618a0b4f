//! Addresses of stores: `scheme:place?option=value&…`.
//!
//! Read here and nowhere else, so that every store spells its options alike. An address may hold a password, so nothing
//! here puts one into an error or a `Debug` form.

use std::fmt;

use bsm_core::{Error, Result};

/// The address of a store, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    scheme: String,
    place: String,
    options: Vec<(String, String)>,
    whole: String,
}

impl Address {
    /// Takes an address apart: `memory:`, `sled:desk.db?durability=relaxed`, `postgres://host/db?schema=acme`.
    ///
    /// A place that is a path is taken as it stands, but for a `?`, behind which options begin.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] without a scheme, or for an option without a value.
    pub fn parse(address: &str) -> Result<Self> {
        let (scheme, rest) =
            address.split_once(':').ok_or_else(|| invalid("has no scheme, as in memory: or sled:FOLDER"))?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
        if !scheme.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) || !scheme.bytes().all(plain) {
            return Err(invalid("has no scheme, as in memory: or sled:FOLDER"));
        }
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        let options = options.split('&').filter(|option| !option.is_empty()).map(|option| {
            let pair = option.split_once('=').ok_or_else(|| invalid("has an option without a value"))?;
            Ok((pair.0.to_owned(), pair.1.to_owned()))
        });
        Ok(Self {
            scheme: scheme.to_owned(),
            place: place.to_owned(),
            options: options.collect::<Result<_>>()?,
            whole: address.to_owned(),
        })
    }

    /// What stands before the first colon: which kind of store.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What stands between the colon and the options: where the store is.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The address as it was given, passwords and all.
    pub fn as_given(&self) -> &str {
        &self.whole
    }

    /// The value of an option, if it was given; the last, if more than once.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Refuses every option but these, so that a misspelt one is not silently without effect.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] naming the first that is not known.
    pub fn only_options(&self, known: &[&str]) -> Result<()> {
        match self.options.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => {
                Err(invalid(format!("has an option that {} does not know: {}", self.scheme, name.escape_debug())))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

pub(crate) fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidAddress { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_apart() {
        let address = Address::parse("sled:/var/lib/my desk?durability=relaxed&cache=64").expect("is one");
        assert_eq!((address.scheme(), address.place()), ("sled", "/var/lib/my desk"));
        assert_eq!((address.option("durability"), address.option("cache")), (Some("relaxed"), Some("64")));
        assert!(address.only_options(&["durability"]).is_err());
        assert_eq!(Address::parse("memory:").map(|address| address.place().to_owned()).ok(), Some(String::new()));
    }

    #[test]
    fn what_is_no_address_is_refused_and_no_password_is_told() {
        for bad in ["", "desk.db", "/var/lib/desk", ":x", "C:\\desk", "sled:x?durability"] {
            assert!(matches!(Address::parse(bad), Err(Error::InvalidAddress { .. })), "{bad}");
        }
        let address = Address::parse("postgres://bsm:secret@host/db").expect("is one");
        assert!(!format!("{address:?}").contains("secret"));
    }
}
