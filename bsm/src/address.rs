//! Addresses of stores: `scheme:place?option=value&…`. A scheme is a lower-case letter, and then such letters, digits, `+`,
//! `-` and `.`, as in RFC 3986, but never with capitals.
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
        if !is_scheme(scheme) {
            return Err(invalid(no_scheme(scheme)));
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

    /// The value of an option that is a size, in bytes: `1048576`, `1024KiB` or `1MiB`, up to `GiB`.
    ///
    /// ```
    /// let address = bsm::Address::parse("mine:place?cache=64MiB")?;
    /// assert_eq!(address.size("cache")?, Some(64 << 20));
    /// # Ok::<(), bsm::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] naming the option, for what is no size.
    pub fn size(&self, name: &str) -> Result<Option<u64>> {
        let Some(text) = self.option(name) else { return Ok(None) };
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
        let unit = units.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
        let (number, bits) = unit.unwrap_or((text, 0));
        // Digits only: what else a number of Rust's may be written with, a sign, means nothing here.
        let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse::<u64>().ok()).flatten();
        let bytes = number.and_then(|number| number.checked_mul(1 << bits));
        bytes.map(Some).ok_or_else(|| invalid(format!("has a {name} that is no size, as in 67108864 or 64MiB")))
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

/// What a scheme may be.
pub(crate) const SCHEME: &str = "a lower-case letter, and then such letters, digits, +, - and .";

/// Whether an address can begin with it, before the colon.
pub(crate) fn is_scheme(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    text.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && text.bytes().all(plain)
}

/// What is wrong with what stands in place of a scheme. It is not repeated: it may be a part of something secret.
fn no_scheme(text: &str) -> String {
    if text.is_empty() {
        return "begins with a colon: it has no scheme, as in memory: or sled:FOLDER".to_owned();
    }
    if text.trim() != text {
        return "has white space around its scheme".to_owned();
    }
    if text.len() == 1 && is_scheme(&text.to_ascii_lowercase()) {
        return "is a path: a desk in a folder is sled:FOLDER".to_owned();
    }
    if is_scheme(&text.to_ascii_lowercase()) {
        return "has a scheme with capital letters: schemes are in lower case, as in memory: or sled:FOLDER".to_owned();
    }
    format!("has no scheme before its first colon, as in memory: or sled:FOLDER: that is {SCHEME}")
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
    fn a_size_is_bytes_or_has_a_unit() {
        let size = |text: &str| Address::parse(&format!("sled:x?cache={text}")).expect("is one").size("cache");
        for (text, bytes) in [("0", 0), ("67108864", 1 << 26), ("3KiB", 3 << 10), ("64MiB", 1 << 26), ("2GiB", 1 << 31)]
        {
            assert_eq!(size(text).ok(), Some(Some(bytes)), "{text}");
        }
        for bad in
            ["", "much", "64MB", "64M", "64 MiB", "MiB", "-1", "+1", "1.5GiB", "64mib", "18446744073709551615KiB"]
        {
            let refused = size(bad);
            let names_it = matches!(&refused, Err(Error::InvalidAddress { reason }) if reason.contains("cache"));
            assert!(names_it, "{bad}: {refused:?}");
        }
        assert_eq!(Address::parse("sled:x").and_then(|address| address.size("cache")).ok(), Some(None));
    }

    #[test]
    fn what_is_wrong_with_a_scheme_is_told() {
        let cases = [
            ("MEMORY:", "capital"),
            (" memory:", "white space"),
            ("memory :", "white space"),
            (":x", "begins with a colon"),
            ("C:\\desk", "is a path"),
            ("my_store:x", "a lower-case letter"),
            ("3s:x", "a lower-case letter"),
            ("memory", "has no scheme"),
        ];
        for (address, expected) in cases {
            let told = Address::parse(address).expect_err("is none").to_string();
            assert!(told.contains(expected), "{address}: {told}");
        }
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
