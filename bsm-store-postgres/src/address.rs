//! The address of a desk: `postgres://user@host:port/database?schema=acme`, or with several hosts,
//! `postgres://user@a:5432,b:5433/database`. Taken apart here, before sqlx sees it, which knows one host at a time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bsm_core::{Error, Result};
use sqlx::postgres::PgConnectOptions;

use crate::connect::Hosts;
use crate::names::DEFAULT_SCHEMA;
use crate::retry::Patience;

/// The options that are ours.
const SCHEMA: &str = "schema";
const TRIGGERS: &str = "triggers";
const PATIENCE: &str = "patience";
const DIRECT: &str = "direct";

/// How many servers an address may name.
const HOSTS_MOST: usize = 16;

/// The options that say where a server is, which an address with several says in its first part.
const PLACES: [&str; 3] = ["host", "hostaddr", "port"];

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
    /// How the servers are reached.
    pub(crate) servers: Hosts,
    /// How they are reached past the pooler, if the address is one's.
    pub(crate) direct: Option<Hosts>,
    /// The desk's schema. Not checked yet.
    pub(crate) schema: String,
    /// What it says of triggers, if it does.
    pub(crate) triggers: Option<Triggers>,
    /// How long calls wait.
    pub(crate) patience: Patience,
}

impl Address {
    /// Takes an address apart.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`], which repeats nothing of the address but the name of an option.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (place, options) = parts(url).ok_or_else(|| invalid("does not begin with postgres://"))?;
        let (mut schema, mut triggers, mut patience) = (DEFAULT_SCHEMA, None, Patience::DEFAULT);
        let mut direct = None;
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
            } else if name == PATIENCE {
                patience = patience_of(value).ok_or_else(|| {
                    invalid("has an option patience that is not of the form 30s or 500ms, or is not above 0")
                })?;
            } else if name == DIRECT {
                // What is wrong with it is not told: it may hold a password.
                let wrong = || invalid("has an option direct that is no percent-encoded address of servers");
                direct = Some(direct_of(value).ok_or_else(wrong)?);
            } else if is_known(name) {
                others.push(option);
            } else {
                let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
                let name = if plain { name } else { "one that is not plain text" };
                return Err(invalid(format!("has an option that postgres does not know: {name}")));
            }
        }
        let servers = servers(place, &others)?;
        Ok(Self { servers, direct, schema: schema.to_owned(), triggers, patience })
    }
}

/// Where an address leads, and its options; `None` if it is none.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (kind, rest) = url.split_once("://")?;
    let is_ours = kind == "postgres" || kind == "postgresql";
    is_ours.then(|| rest.split_once('?').unwrap_or((rest, "")))
}

/// Whether an option is one of sqlx'.
fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || (name.starts_with("options[") && name.ends_with(']'))
}

/// The servers at a place, with these options of sqlx'.
fn servers(place: &str, options: &[&str]) -> Result<Hosts> {
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let (account, hosts) = authority.rsplit_once('@').map_or(("", authority), |(account, hosts)| (account, hosts));
    let placed = options.iter().any(|option| PLACES.iter().any(|place| option.split('=').next() == Some(place)));
    let count = hosts.split(',').count();
    if count > 1 && (placed || count > HOSTS_MOST || hosts.split(',').any(str::is_empty)) {
        return Err(invalid("names several hosts in a way that can't be understood"));
    }
    let options = options.join("&");
    let server = |host: &str| {
        let at = if authority.contains('@') { "@" } else { "" };
        let url = format!("postgres://{account}{at}{host}/{database}?{options}");
        // What sqlx says of it may repeat parts of it.
        PgConnectOptions::from_str(&url)
            .map_err(|_| invalid("is not of the form postgres://user:password@host:port/database"))
    };
    let (first, behind) = hosts.split_once(',').map_or((hosts, None), |(first, behind)| (first, Some(behind)));
    let behind: Vec<&str> = behind.map(|behind| behind.split(',').collect()).unwrap_or_default();
    Ok(Hosts::new(server(first)?, behind.into_iter().map(server).collect::<Result<_>>()?))
}

/// The servers that a percent-encoded address names, which has no options of ours.
fn direct_of(value: &str) -> Option<Hosts> {
    let url = decoded(value)?;
    let (place, options) = parts(&url)?;
    let options: Vec<&str> = options.split('&').filter(|option| !option.is_empty()).collect();
    let names = options.iter().map(|option| option.split_once('=').map(|(name, _)| name));
    if place.is_empty() || !names.into_iter().all(|name| name.is_some_and(is_known)) {
        return None;
    }
    servers(place, &options).ok()
}

/// A percent-encoded text; `None` if it is not of UTF-8, or a percent sign stands before something else than two digits.
fn decoded(value: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(value.len()), value.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first == b'%' {
            let digits = behind.first_chunk::<2>().filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// `30s`, or `500ms`.
fn patience_of(text: &str) -> Option<Patience> {
    let (digits, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let number: u32 = digits.parse().ok().filter(|number| *number > 0)?;
    let call = match unit {
        "s" => Duration::from_secs(number.into()),
        "ms" => Duration::from_millis(number.into()),
        _ => return None,
    };
    Some(Patience { call })
}

/// The name of a desk in errors and logs: where it is, without user and password.
pub(crate) fn display<'s>(servers: impl IntoIterator<Item = &'s PgConnectOptions>, schema: &str) -> String {
    let mut places = Vec::new();
    let mut database = String::new();
    for server in servers {
        server.get_database().unwrap_or_else(|| server.get_username()).clone_into(&mut database);
        places.push(match server.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", server.get_host(), server.get_port()),
        });
    }
    format!("postgres://{}/{database}?schema={schema}", places.join(","))
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
        assert_eq!(address.triggers, None);
        let off = Address::parse("postgres://db.example/desks?triggers=off").expect("is one");
        assert_eq!(off.triggers, Some(Triggers::Off));
        assert_eq!(address.patience, Patience::DEFAULT);
        assert_eq!(display(address.servers.iter(), &address.schema), "postgres://db.example:5433/desks?schema=acme");
        let plain = Address::parse("postgresql://db.example/desks?patience=250ms").expect("is one");
        assert_eq!(plain.patience.call, Duration::from_millis(250));
        assert_eq!(display(plain.servers.iter(), &plain.schema), "postgres://db.example:5432/desks?schema=bsm");
    }

    #[test]
    fn several_hosts_share_an_account_a_database_and_options() {
        let address = Address::parse("postgres://me:h%40sh@a:5433,[::1]:5434,c/desks?sslmode=disable").expect("is one");
        let name = display(address.servers.iter(), &address.schema);
        assert_eq!(name, "postgres://a:5433,[::1]:5434,c:5432/desks?schema=bsm");
        for server in address.servers.iter() {
            assert_eq!(server.get_username(), "me");
            assert!(matches!(server.get_ssl_mode(), sqlx::postgres::PgSslMode::Disable));
        }
    }

    #[test]
    fn past_a_pooler_lies_an_address_of_its_own() {
        let plain = Address::parse("postgres://pooler:6432/desks").expect("is one");
        assert!(plain.direct.is_none());
        let inner = "postgres%3A%2F%2Fme%3Ah%2540sh%40a%3A5433%2Cb%2Fdesks%3Fsslmode%3Ddisable%26application_name%3Dx";
        let address = format!("postgres://me:other@pooler:6432/alias?direct={inner}&schema=acme");
        let address = Address::parse(&address).expect("is one");
        assert_eq!(display(address.servers.iter(), &address.schema), "postgres://pooler:6432/alias?schema=acme");
        let direct = address.direct.expect("is given");
        assert_eq!(display(direct.iter(), "x"), "postgres://a:5433,b:5432/desks?schema=x");
        for server in direct.iter() {
            assert_eq!(server.get_username(), "me");
            assert!(matches!(server.get_ssl_mode(), sqlx::postgres::PgSslMode::Disable));
        }
        // What needs no encoding may do without.
        assert!(Address::parse("postgres://pooler/db?direct=postgres://a:5433/db").expect("is one").direct.is_some());
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
            "postgres://me:hush@a,,b/db",
            "postgres://me:hush@a,b:port/db",
            "postgres://me:hush@a,b/db?host=c",
            "postgres://me:hush@a,b/db?port=1",
            "postgres://me:hush@a/db?patience=hush",
            "postgres://me:hush@a/db?patience=0s",
            "postgres://me:hush@a/db?patience=5",
            "postgres://me:hush@a/db?direct=",
            "postgres://me:hush@a/db?direct=hush",
            "postgres://me:hush@a/db?direct=postgres://",
            "postgres://me:hush@a/db?direct=sled:hush",
            "postgres://me:hush@a/db?direct=postgres://me:hush@b:port/db",
            "postgres://me:hush@a/db?direct=postgres://me:hush@b/db?sslmode=hush",
            "postgres://me:hush@a/db?direct=postgres://me:hush@b/db?schema=hush",
            "postgres://me:hush@a/db?direct=postgres://me:hush@b/db%3Fdirect=postgres://hush",
            "postgres://me:hush@a/db?direct=postgres://me:hush%4@b/db%",
            "postgres://me:hush@a/db?direct=postgres://me:%FFhush@b/db",
            "postgres://me:hush@a/db?direct=postgres://me:hush@b,,c/db",
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
