//! The address of a desk: `postgres://user@host:port/database?schema=acme`. Taken apart here, before sqlx sees it.

use std::fmt;
use std::str::FromStr;

use bsm_core::{Error, Result};
use sqlx::postgres::PgConnectOptions;

use crate::names::DEFAULT_SCHEMA;

/// The options that are ours.
const SCHEMA: &str = "schema";
const TRIGGERS: &str = "triggers";

/// The options that are sqlx'. It ignores others, so they are refused here: a misspelt one must not be without effect.
const KNOWN: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Whether triggers of the server count what is written, and keep what is written by hand in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Triggers {
    /// They do.
    On,
    /// Commands count themselves, and nothing may be written by hand. For servers that lack such triggers.
    Off,
}

impl fmt::Display for Triggers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

/// An address, taken apart. It may hold a password, so it has no `Debug` form.
pub(crate) struct Address {
    /// How the server is reached.
    pub(crate) server: PgConnectOptions,
    /// The desk's schema. Not checked yet.
    pub(crate) schema: String,
    /// What it says of triggers, if it does.
    pub(crate) triggers: Option<Triggers>,
}

impl Address {
    /// Takes an address apart.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`], which repeats nothing of the address but the name of an option.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(invalid("does not begin with postgres://"));
        }
        let (place, options) = url.split_once('?').unwrap_or((url, ""));
        let (mut schema, mut triggers) = (DEFAULT_SCHEMA, None);
        let mut others = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or_else(|| invalid("has an option without a value"))?;
            if name == SCHEMA {
                schema = value;
            } else if name == TRIGGERS {
                triggers = match value {
                    "on" => Some(Triggers::On),
                    "off" => Some(Triggers::Off),
                    _ => return Err(invalid("has triggers that are neither on nor off")),
                };
            } else if KNOWN.contains(&name) || (name.starts_with("options[") && name.ends_with(']')) {
                others.push(option);
            } else {
                let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
                let name = if plain { name } else { "one that is not plain text" };
                return Err(invalid(format!("has an option that postgres does not know: {name}")));
            }
        }
        let url = if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) };
        // What sqlx says of it may repeat parts of it.
        let server = PgConnectOptions::from_str(&url)
            .map_err(|_| invalid("is not of the form postgres://user:password@host:port/database"))?;
        Ok(Self { server, schema: schema.to_owned(), triggers })
    }
}

/// The name of a desk in errors and logs: where it is, without user and password.
pub(crate) fn display(server: &PgConnectOptions, schema: &str) -> String {
    let database = server.get_database().unwrap_or_else(|| server.get_username());
    match server.get_socket() {
        Some(socket) => format!("postgres://{}/{database}?schema={schema}", socket.display()),
        None => format!("postgres://{}:{}/{database}?schema={schema}", server.get_host(), server.get_port()),
    }
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidAddress { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_taken_out_and_no_password_is_named() {
        let address =
            Address::parse("postgres://me:hush@db.example:5433/desks?schema=acme&sslmode=require").expect("is one");
        assert_eq!(address.schema, "acme");
        assert_eq!(display(&address.server, &address.schema), "postgres://db.example:5433/desks?schema=acme");
        assert_eq!(address.triggers, None);
        let off = Address::parse("postgres://db.example/desks?triggers=off").expect("is one");
        assert_eq!(off.triggers, Some(Triggers::Off));
        let plain = Address::parse("postgresql://db.example/desks").expect("is one");
        assert_eq!(display(&plain.server, &plain.schema), "postgres://db.example:5432/desks?schema=bsm");
    }

    #[test]
    fn a_bad_address_is_refused_and_not_repeated() {
        for bad in [
            "",
            "sled:x",
            "postgres://me:hush@host:port/db",
            "postgres://me:hush@host/db?shema=acme",
            "postgres://me:hush@host/db?schema",
            "postgres://me:hush@host/db?triggers=hush",
            "postgres://me:hush@host/db?sslmode=hush",
            "postgres://me:hush@host/db?x%3Dhush=1",
        ] {
            match Address::parse(bad) {
                Err(error @ Error::InvalidAddress { .. }) => {
                    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
                }
                Err(other) => panic!("{bad}: {other:?}"),
                Ok(_) => panic!("{bad} was taken"),
            }
        }
    }
}
