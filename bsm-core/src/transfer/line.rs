//! One line of an export: how it is written and read, and the digest that chains it to the lines before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::model::{Entity, HistoryEntry, Key, Row};
use crate::{Error, ImportFault, Result, Source};

use super::fault;

/// The format that is written, and the only one that is read.
pub(super) const FORMAT: u32 = 1;

/// The most characters of a member's name that a fault tells.
const NAME_CHARS: usize = 200;

/// What a line says. In JSON an object with one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "most lines are rows, and one is held at a time")]
pub(super) enum Line {
    /// The first line: the format.
    BsmExport(u32),
    /// A row, in place of what stood under its id before.
    Row(Row),
    /// What stood under this id before is gone.
    Gone(Key),
    /// An entry of history.
    History(HistoryEntry),
    /// The numbers that were given last.
    Numbers(BTreeMap<Entity, u32>),
    /// The last line.
    End(End),
}

/// What the last line tells of those before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// How many of them are rows.
    pub(super) rows: u64,
    /// How many are history.
    pub(super) history: u64,
    /// The digest of all of them.
    pub(super) digest: String,
}

impl Line {
    /// The line's text, without the line break.
    pub(super) fn to_text(&self) -> Result<String> {
        let failed = |source: serde_json::Error| Error::Unavailable {
            store: "the writer of exports".to_owned(),
            source: Source::from(source),
        };
        serde_json::to_string(self).map_err(failed)
    }

    /// Reads a line. Its members may stand in any order, with any space between them; but there must be exactly those
    /// that an export writes, with their values in their one spelling: so nothing that this release does not know is
    /// lost in silence.
    pub(super) fn read(text: &[u8]) -> Result<Self, ImportFault> {
        let line: Self = serde_json::from_slice(text).map_err(|error| fault::of(text, &error))?;
        // Whatever was passed over, or taken in another spelling, comes back otherwise.
        let canonical = serde_json::to_vec(&line).map_err(|error| fault::of(text, &error))?;
        if canonical != text {
            let given: serde_json::Value = serde_json::from_slice(text).map_err(|error| fault::of(text, &error))?;
            let expected: serde_json::Value =
                serde_json::from_slice(&canonical).map_err(|error| fault::of(text, &error))?;
            if let Some(path) = difference(&given, &expected) {
                let detail = format!("a member is unknown, missing, or in another spelling at {path}");
                return Err(ImportFault::Malformed { detail });
            }
        }
        Ok(line)
    }
}

/// Where the first difference of two values lies; `None` if they are equal.
fn difference(given: &serde_json::Value, expected: &serde_json::Value) -> Option<String> {
    use serde_json::Value::{Array, Object};
    match (given, expected) {
        (Object(given), Object(expected)) => {
            let names = given.keys().chain(expected.keys().filter(|name| !given.contains_key(*name)));
            names.into_iter().find_map(|name| match (given.get(name), expected.get(name)) {
                (Some(given), Some(expected)) => {
                    difference(given, expected).map(|path| format!("{name}.{path}").trim_end_matches('.').to_owned())
                }
                _ => Some(name.chars().take(NAME_CHARS).collect()),
            })
        }
        (Array(given), Array(expected)) if given.len() == expected.len() => {
            given.iter().zip(expected).find_map(|(given, expected)| difference(given, expected))
        }
        _ => (given != expected).then(String::new),
    }
}

/// The digest of lines, each chained to those before: XXH3-128 of the digest before, 16 bytes big-endian and 0 at first,
/// and the line without its line break.
pub(super) fn chain(before: u128, line: &[u8]) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(&before.to_be_bytes());
    hasher.update(line);
    hasher.digest128()
}

/// A digest as the last line tells it.
pub(super) fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(text: &str) -> String {
        match Line::read(text.as_bytes()) {
            Err(ImportFault::Malformed { detail }) => detail,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_line_comes_back_in_any_order_and_with_any_space() {
        let numbers = Line::Numbers([(Entity::Ticket, 890), (Entity::Request, 12)].into());
        let text = numbers.to_text().expect("written");
        assert_eq!(text, r#"{"numbers":{"ticket":890,"request":12}}"#);
        for text in [&*text, r#" { "numbers" : { "request" : 12, "ticket" : 890 } } "#] {
            assert_eq!(Line::read(text.as_bytes()), Ok(numbers.clone()));
        }
        assert_eq!(Line::BsmExport(FORMAT).to_text().ok().as_deref(), Some(r#"{"bsm_export":1}"#));
    }

    #[test]
    fn what_an_export_does_not_write_is_refused() {
        assert!(detail(r#"{"end":{"rows":1,"history":1,"digest":"","more":1}}"#).ends_with("end.more"));
        assert!(
            detail(r#"{"gone":{"entity":"ticket","id":"0195A000-0000-7000-8000-000000000000"}}"#).contains("gone.id")
        );
        for bad in ["", "{}", "[]", "1", r#"{"row":{"desk":{}}}"#, r#"{"bsm_export":1,"more":1}"#, "{\"bsm_export\":1"]
        {
            detail(bad);
        }
        assert!(detail(&format!("{{\"{}\":1}}", "x".repeat(10_000))).len() < 300);
    }

    #[test]
    fn the_documentation_shows_lines_as_they_are() {
        let text = include_str!("../../../docs/export.md");
        let (_, rest) = text.split_once("```json\n").expect("an example");
        let (example, _) = rest.split_once("```").expect("its end");
        for line in example.lines() {
            let read = Line::read(line.as_bytes()).expect("a line");
            assert_eq!(read.to_text().ok().as_deref(), Some(line));
        }
    }

    #[test]
    fn a_digest_depends_on_every_line_and_their_order() {
        let of = |lines: &[&str]| lines.iter().fold(0, |digest, line| chain(digest, line.as_bytes()));
        assert_eq!(hex(of(&[])), "0".repeat(32));
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(of(&["a", "b"]), of(&["ab"]));
    }
}
