//! A call: some commands that share nothing, in one statement and one commit.
//!
//! What the server is told is one JSON object; the migration that makes the function `bsm_commit` says what it holds.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::{self, Write as _};

use bsm_core::model::{Entity, Key, UserId};
use serde::Deserialize;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::fault::Fault;
use crate::lock::Strength;
use crate::mark::Mark;
use crate::part::{Line, Part};
use crate::store::Desk;

/// How many commands one call takes.
const COMMANDS_MAX: usize = 64;
/// How long a call's lines may be together, in bytes; one command may be longer.
const SIZE_MAX: usize = 256 * 1024;

/// Commands that share nothing, in their order.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its name, by a lock of which whoever lost the answer waits for its end.
    fence: Uuid,
    parts: Vec<Part>,
    /// The rows that are written or held, and whether they are written.
    rows: HashMap<Key, bool>,
    held: HashSet<String>,
    keys: HashSet<(UserId, String)>,
    size: usize,
    is_alone: bool,
}

impl Call {
    /// One without commands.
    pub(crate) fn new() -> Self {
        let (rows, held, keys) = (HashMap::new(), HashSet::new(), HashSet::new());
        Self { fence: Uuid::new_v4(), parts: Vec::new(), rows, held, keys, size: 0, is_alone: false }
    }

    /// Its name.
    pub(crate) const fn fence(&self) -> Uuid {
        self.fence
    }

    /// Takes a command in, or gives it back: it touches what another of the call does, or the call is full.
    pub(crate) fn take(&mut self, part: Part) -> Option<Part> {
        if !self.has_room_for(&part) {
            return Some(part);
        }
        for key in part.locks.keys().chain(&part.written) {
            *self.rows.entry(*key).or_default() |= part.written.contains(key);
        }
        self.held.extend(part.hold.iter().cloned());
        self.keys.extend(part.key.clone());
        self.size += part.size;
        self.is_alone |= part.is_alone();
        self.parts.push(part);
        None
    }

    /// The mark of one of its commands that happened, which stands for all of them: they are one commit.
    pub(crate) fn mark(&self, done: &[Option<Numbers>]) -> Option<Mark> {
        self.parts.iter().zip(done).filter(|(_, done)| done.is_some()).find_map(|(part, _)| part.mark)
    }

    /// How many commands there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    fn has_room_for(&self, part: &Part) -> bool {
        if self.parts.is_empty() {
            return true;
        }
        let shares_row = |key| self.rows.get(key).is_some_and(|written| *written || part.written.contains(key));
        self.parts.len() < COMMANDS_MAX
            && self.size + part.size <= SIZE_MAX
            && !self.is_alone
            && !part.is_alone()
            && !part.locks.keys().chain(&part.written).any(shares_row)
            && !part.hold.iter().any(|name| self.held.contains(name))
            && !part.key.as_ref().is_some_and(|key| self.keys.contains(key))
    }

    /// What the server is told.
    fn text(&self, one_lock: i64) -> String {
        let mut text = String::with_capacity(self.size + 1024);
        put(&mut text, format_args!("{{\"fence\":\"{}\",\"one_lock\":\"{one_lock}\",\"locks\":", self.fence));
        self.locks(&mut text);
        let holds: BTreeSet<&String> = self.parts.iter().flat_map(|part| &part.hold).collect();
        if !holds.is_empty() {
            put(&mut text, format_args!(",\"hold\":{}", serde_json::json!(holds)));
        }
        let lines = |of: fn(&Part) -> &Vec<Line>| {
            self.parts.iter().enumerate().flat_map(move |(c, part)| of(part).iter().map(move |line| (c, line)))
        };
        list(&mut text, ",\"empty\":", lines(|part| &part.empty));
        list(&mut text, ",\"childless\":", lines(|part| &part.childless));
        self.tables(&mut text, ",\"insert\":", |part| &part.insert);
        self.tables(&mut text, ",\"update\":", |part| &part.update);
        self.tables(&mut text, ",\"delete\":", |part| &part.delete);
        let parts = || self.parts.iter().enumerate();
        let mut tell = String::with_capacity(self.size);
        list(&mut tell, ",\"history\":", lines(|part| &part.history));
        list(&mut tell, ",\"feed\":", parts().filter_map(|(c, part)| Some((c, part.feed.as_ref()?))));
        list(&mut tell, ",\"keys\":", parts().filter_map(|(c, part)| Some((c, part.idempotency.as_ref()?))));
        put(&mut text, format_args!(",\"tell\":{{{}}}}}", tell.strip_prefix(',').unwrap_or_default()));
        text
    }

    /// All rows that are held, in the order of their keys, cut where the table or the strength changes.
    fn locks(&self, text: &mut String) {
        let mut all: BTreeMap<Key, (Strength, Vec<(usize, u64)>)> = BTreeMap::new();
        for (c, part) in self.parts.iter().enumerate() {
            for (key, held) in &part.locks {
                let (strength, expected) = all.entry(*key).or_insert((held.strength, Vec::new()));
                *strength = held.strength.max(*strength);
                expected.extend(held.versions.iter().map(|version| (c, version.0)));
            }
        }
        let mut runs: Vec<Run> = Vec::new();
        for (key, (strength, expected)) in all {
            let name = strength.in_call();
            let run = match runs.last_mut() {
                Some(run) if run.entity == key.entity && run.strength == name => run,
                _ => {
                    runs.push(Run::new(key.entity, name));
                    let Some(run) = runs.last_mut() else { continue };
                    run
                }
            };
            run.add(key.id, &expected);
        }
        let mut sign = '[';
        for Run { entity, strength, ids, c, id, version } in runs {
            put(
                text,
                format_args!(
                    "{sign}{{\"name\":\"{}\",\"strength\":\"{strength}\",\"ids\":\"{{{ids}}}\",\"c\":\"{{{c}}}\",\
                 \"id\":\"{{{id}}}\",\"version\":\"{{{version}}}\"}}",
                    entity.table()
                ),
            );
            sign = ',';
        }
        text.push_str(if sign == '[' { "[]" } else { "]" });
    }

    fn tables(&self, text: &mut String, name: &str, of: fn(&Part) -> &Vec<(Entity, Line)>) {
        let mut tables: BTreeMap<Entity, Vec<(usize, &Line)>> = BTreeMap::new();
        for (c, part) in self.parts.iter().enumerate() {
            for (entity, line) in of(part) {
                tables.entry(*entity).or_default().push((c, line));
            }
        }
        text.push_str(name);
        let mut inside = String::new();
        for (entity, lines) in tables {
            list(&mut inside, &format!(",\"{}\":", entity.table()), lines.into_iter());
        }
        put(text, format_args!("{{{}}}", inside.strip_prefix(',').unwrap_or_default()));
    }

    /// Sends the commands over a connection on which each statement is a transaction of its own, or within one. Returns for
    /// each of them the numbers that its rows were given; `None` if it was left out, and nothing of it happened.
    pub(crate) async fn send(&self, desk: &Desk, connection: &mut PgConnection) -> Result<Vec<Option<Numbers>>, Fault> {
        let row = desk.call.query().bind(self.text(desk.one_lock)).fetch_one(connection).await?;
        let text: &str = row.try_get(0)?;
        let damaged = || Fault::from(desk.unavailable("the server's answer to a command can't be read"));
        let answer: Answer = serde_json::from_str(text).map_err(|_| damaged())?;
        let given: HashMap<Uuid, u32> = answer.numbers.into_iter().collect();
        let left_out: HashSet<usize> = answer.left_out.into_iter().collect();
        let numbers = |part: &Part| {
            let number = |key: &Key| given.get(&key.id).map(|number| (*key, *number)).ok_or_else(damaged);
            part.numbered.iter().map(number).collect::<Result<Numbers, Fault>>()
        };
        let parts = self.parts.iter().enumerate();
        parts.map(|(c, part)| (!left_out.contains(&c)).then(|| numbers(part)).transpose()).collect()
    }
}

/// The numbers that a command's rows were given.
pub(crate) type Numbers = Vec<(Key, u32)>;

/// What the server answers.
#[derive(Deserialize)]
struct Answer {
    left_out: Vec<usize>,
    numbers: Vec<(Uuid, u32)>,
}

/// Rows of one table that are held alike, as text of arrays.
struct Run {
    entity: Entity,
    strength: &'static str,
    ids: String,
    c: String,
    id: String,
    version: String,
}

impl Run {
    const fn new(entity: Entity, strength: &'static str) -> Self {
        Self { entity, strength, ids: String::new(), c: String::new(), id: String::new(), version: String::new() }
    }

    fn add(&mut self, row: Uuid, expected: &[(usize, u64)]) {
        let push = |array: &mut String, value: &dyn std::fmt::Display| {
            let sign = if array.is_empty() { "" } else { "," };
            put(array, format_args!("{sign}{value}"));
        };
        push(&mut self.ids, &row);
        for (c, version) in expected {
            push(&mut self.c, c);
            push(&mut self.id, &row);
            push(&mut self.version, version);
        }
    }
}

/// Writes behind a text.
fn put(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = text.write_fmt(more);
}

/// Writes lines as an array, if there are any.
fn list<'l>(text: &mut String, name: &str, lines: impl Iterator<Item = (usize, &'l Line)>) {
    let mut sign = '[';
    for (c, line) in lines {
        if sign == '[' {
            text.push_str(name);
        }
        text.push(sign);
        line.write(c, text);
        sign = ',';
    }
    if sign == ',' {
        text.push(']');
    }
}
