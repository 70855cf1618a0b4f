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
const READ: &str = "read";
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
    /// Replicas that reads may go to.
    pub(crate) replicas: Vec<PgConnectOptions>,
}

impl Address {
    /// Takes an address apart.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`], which repeats nothing of the address but the name of an option.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (place, options) = split(url)?;
        let (mut schema, mut triggers, mut patience) = (DEFAULT_SCHEMA, None, Patience::DEFAULT);
        let (mut direct, mut replicas) = (None, Vec::new());
        let mut others = Vec::new();
        for option in options {
            let (name, value) = option?;
            match name {
                SCHEMA => schema = value,
                TRIGGERS => {
                    triggers = match value {
                        "on" => Some(Triggers::On),
                        "off" => Some(Triggers::Off),
                        _ => return Err(invalid("has triggers that are neither on nor off")),
                    };
                }
                PATIENCE => {
                    patience = patience_of(value).ok_or_else(|| {
                        invalid("has an option patience that is not of the form 30s or 500ms, or is not above 0")
                    })?;
                }
                DIRECT => {
                    let found = servers_of(value).ok_or_else(|| {
                        invalid("has an option direct that is not a percent-encoded address of servers, with options of the connection only")
                    })?;
                    direct = Some(hosts(found)?);
                }
                // More than once, for replicas that have not all the same account or the same options.
                READ => {
                    let found = servers_of(value).ok_or_else(|| {
                        invalid("has an option read that is not a percent-encoded address of servers, with options of the connection only")
                    })?;
                    replicas.extend(found);
                    if replicas.len() > HOSTS_MOST {
                        return Err(invalid("has an option read that names too many servers"));
                    }
                }
                _ => others.push((name, value)),
            }
        }
        let servers = hosts(servers(place, &others)?)?;
        Ok(Self { servers, direct, schema: schema.to_owned(), triggers, patience, replicas })
    }
}

/// Servers of which one takes writes.
fn hosts(servers: Vec<PgConnectOptions>) -> Result<Hosts> {
    let mut servers = servers.into_iter();
    let first = servers.next().ok_or_else(|| invalid("names no host"))?;
    Ok(Hosts::new(first, servers.collect()))
}

/// An option, taken apart.
type Pair<'a> = (&'a str, &'a str);

/// What stands before the options of an address, and these.
fn split(url: &str) -> Result<(&str, impl Iterator<Item = Result<Pair<'_>>>)> {
    let begins = || invalid("does not begin with postgres://");
    let (kind, rest) = url.split_once("://").ok_or_else(begins)?;
    if kind != "postgres" && kind != "postgresql" {
        return Err(begins());
    }
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let options = options.split('&').filter(|option| !option.is_empty());
    Ok((place, options.map(|option| option.split_once('=').ok_or_else(|| invalid("has an option without a value")))))
}

/// The servers at a place, which are reached with these options of sqlx'.
fn servers(place: &str, options: &[Pair<'_>]) -> Result<Vec<PgConnectOptions>> {
    for (name, _) in options {
        let is_known = KNOWN.contains(name) || (name.starts_with("options[") && name.ends_with(']'));
        if !is_known {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
            let name = if plain { name } else { "one that is not plain text" };
            return Err(invalid(format!("has an option that postgres does not know: {name}")));
        }
    }
    let placed = options.iter().any(|(name, _)| PLACES.contains(name));
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let (account, hosts) = authority.rsplit_once('@').map_or(("", authority), |(account, hosts)| (account, hosts));
    let count = hosts.split(',').count();
    if count > 1 && (placed || count > HOSTS_MOST || hosts.split(',').any(str::is_empty)) {
        return Err(invalid("names several hosts in a way that can't be understood"));
    }
    let options: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let options = options.join("&");
    let server = |host: &str| {
        let at = if authority.contains('@') { "@" } else { "" };
        let url = format!("postgres://{account}{at}{host}/{database}?{options}");
        // What sqlx says of it may repeat parts of it.
        PgConnectOptions::from_str(&url)
            .map_err(|_| invalid("is not of the form postgres://user:password@host:port/database"))
    };
    hosts.split(',').map(server).collect()
}

/// The servers that a percent-encoded address names, which has no options of ours. Nothing is said of what is wrong: it may be
/// a part of a password.
fn servers_of(value: &str) -> Option<Vec<PgConnectOptions>> {
    let url = decoded(value)?;
    let (place, options) = split(&url).ok().filter(|(place, _)| !place.is_empty())?;
    servers(place, &options.collect::<Result<Vec<_>>>().ok()?).ok()
}

/// A text without its percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        // `u8` would take a sign.
        if !code.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
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
    fn replicas_are_named_by_addresses_within_the_address() {
        let address = Address::parse(
            "postgres://me:hush@a/desks?schema=acme&read=postgres%3A%2F%2Fro%3Ah%2540sh@b:5433,c%2Fdesks%3Fsslmode%3Ddisable\
             &sslmode=require&read=postgres://other@d/desks?sslmode=prefer",
        )
        .expect("is one");
        let places = display(&address.replicas, &address.schema);
        assert_eq!(places, "postgres://b:5433,c:5432,d:5432/desks?schema=acme");
        let names: Vec<&str> = address.replicas.iter().map(PgConnectOptions::get_username).collect();
        assert_eq!(names, ["ro", "ro", "other"]);
        assert!(matches!(address.replicas[0].get_ssl_mode(), sqlx::postgres::PgSslMode::Disable));
        assert_eq!(display(address.servers.iter(), "acme"), "postgres://a:5432/desks?schema=acme");
        assert!(Address::parse("postgres://a/desks").expect("is one").replicas.is_empty());
    }

    #[test]
    fn a_bad_replica_is_refused_by_the_name_of_its_option() {
        for bad in [
            "hush",
            "",
            "%",
            "postgres://me:hush@b:port/db",
            "postgres://me:hush@b,,c/db",
            "postgres://me:hush%4",
            "postgres://me:hush%+1@b/db",
            "postgres://me:hush%FF@b/db",
            "postgres://me:hush@b/db?schema=hush",
            "postgres://me:hush@b/db%3Fhush",
            "postgres://me:hush@b/db?read=postgres://hush",
            "postgres://me:hush@b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r/db",
        ] {
            match Address::parse(&format!("postgres://me:hush@a/db?read={bad}")) {
                Err(error @ Error::InvalidAddress { .. }) => {
                    let told = format!("{error} {error:?}");
                    assert!(!told.contains("hush") && told.contains("option read"), "{told}");
                }
                Err(other) => panic!("{bad}: {other:?}"),
                Ok(_) => panic!("{bad} was taken"),
            }
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
