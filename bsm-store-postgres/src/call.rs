//! A call: some commands that share nothing, in one statement and one commit.
//!
//! What the server is told are arrays; the migration that makes the function `bsm_commit` says what they hold.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bsm_core::model::{Entity, Key, UserId};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::fault::Fault;
use crate::lock::Strength;
use crate::mark::Mark;
use crate::part::Part;
use crate::query::{Parameter, array_of_texts};
use crate::store::Desk;
use crate::tally::Tally;

/// What is said to the server.
pub(crate) const STATEMENT: &str = "SELECT {}.bsm_commit(\
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
/// How many commands one call takes.
const COMMANDS_MAX: usize = 64;
/// How long a call's lines may be together, in bytes; one command may be longer.
const SIZE_MAX: usize = 256 * 1024;

/// The order in which tables are written. Each statement's foreign keys are looked at when it ends, so what a row names stands
/// before it; but for the ticket that was made of a request, which a row of requests gets to name when it is changed.
const ORDER: [Entity; 7] =
    [Entity::User, Entity::Service, Entity::Article, Entity::Rating, Entity::Request, Entity::Ticket, Entity::Note];

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

    /// The mark of one of its commands, which stands for all of them: they are one commit.
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.parts.iter().find_map(|part| part.mark)
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

    /// What the server is told, as the migration that makes the function says.
    fn parameters(&self, one_lock: &str) -> Option<Vec<Parameter>> {
        let mut told = vec![self.fence.into(), one_lock.into()];
        told.extend(self.locks().parameters());
        told.extend(self.tables());
        told.extend(self.counted()?);
        told.push(self.parts.iter().flat_map(|part| &part.history).cloned().collect::<Vec<_>>().into());
        told.push(self.parts.iter().filter_map(|part| part.feed.clone()).collect::<Vec<_>>().into());
        told.push(self.more().into());
        Some(told)
    }

    /// All rows that are held, in the order of their keys, cut where the table or the strength changes.
    fn locks(&self) -> Runs {
        let mut all: BTreeMap<Key, Expected<'_>> = BTreeMap::new();
        for (c, part) in self.parts.iter().enumerate() {
            for (key, held) in &part.locks {
                let (strength, state, expected) = all.entry(*key).or_insert((held.strength, "", Vec::new()));
                *strength = held.strength.max(*strength);
                *state = held.state.as_deref().unwrap_or(state);
                expected.extend(held.versions.iter().map(|version| (c, version.0)));
            }
        }
        let mut runs = Runs::default();
        for (key, (strength, state, expected)) in all {
            runs.row(key, strength, state, &expected);
        }
        runs
    }

    /// What is done to which table, the rows of all of them, and how many rows are written.
    fn tables(&self) -> [Parameter; 3] {
        let (mut names, mut lines) = (Vec::new(), Vec::new());
        let deleted: usize = self.parts.iter().map(|part| part.delete.len()).sum();
        for (sign, of) in [("+", (|part| &part.insert) as fn(&Part) -> &Vec<_>), ("=", |part| &part.update)] {
            let mut tables: BTreeMap<Entity, Vec<&String>> = BTreeMap::new();
            for (entity, line) in self.parts.iter().flat_map(of) {
                tables.entry(*entity).or_default().push(line);
            }
            for (entity, rows) in ORDER.iter().filter_map(|entity| tables.remove_entry(entity)) {
                let name = format!("{sign}{}", entity.table());
                let is_lone = rows.len() == 1 && entity.is_numbered();
                names.push(if is_lone { name } else { format!("{} {name}", rows.len()) });
                lines.extend(rows.into_iter().cloned());
            }
        }
        let count = deleted + lines.len();
        [names.into(), lines.into(), int(count).into()]
    }

    /// What is added to the counters: families, names, amounts, decimals.
    fn counted(&self) -> Option<[Parameter; 4]> {
        let mut tally = Tally::default();
        self.parts.iter().try_for_each(|part| tally.merge(&part.tally))?;
        let (mut families, mut names, mut amounts, mut scales) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (family, name, amount, scale) in tally.sums() {
            families.push(family.to_owned());
            names.push(array_of_texts(name));
            amounts.push(Decimal::try_from_i128_with_scale(amount, 0).ok()?);
            scales.push(i64::from(scale));
        }
        Some([families.into(), names.into(), amounts.into(), scales.into()])
    }

    /// What few commands need; nothing if none does.
    fn more(&self) -> String {
        let lines = |of: fn(&Part) -> &[Json]| -> Vec<Json> {
            let all = self.parts.iter().enumerate().flat_map(|(c, part)| of(part).iter().map(move |line| (c, line)));
            let named = all.map(|(c, line)| {
                let mut line = line.clone();
                line["c"] = c.into();
                line
            });
            named.collect()
        };
        let holds: BTreeSet<&String> = self.parts.iter().flat_map(|part| &part.hold).collect();
        let mut gone: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
        for key in self.parts.iter().flat_map(|part| &part.delete) {
            gone.entry(key.entity.table()).or_default().push(key.id);
        }
        let more = [
            ("hold", json!(holds)),
            ("empty", lines(|part| &part.empty).into()),
            ("childless", lines(|part| &part.childless).into()),
            ("keys", lines(|part| part.idempotency.as_slice()).into()),
            ("delete", json!(gone)),
        ];
        let is_there = |given: &Json| given != &json!([]) && given != &json!({});
        let more: BTreeMap<&str, Json> = more.into_iter().filter(|(_, given)| is_there(given)).collect();
        if more.is_empty() { String::new() } else { json!(more).to_string() }
    }

    /// Sends the commands over a connection on which each statement is a transaction of its own, or within one.
    pub(crate) async fn send(&self, desk: &Desk, connection: &mut PgConnection) -> Result<Sent, Fault> {
        let out_of_range = || desk.damaged("a counter leaves its range".to_owned());
        let parameters = self.parameters(&desk.one_lock.to_string()).ok_or_else(out_of_range)?;
        let row = desk.call.given(parameters).fetch_one(connection).await?;
        let text: &str = row.try_get(0)?;
        // A statement that commits itself has done so by now; within a transaction nothing happened yet.
        let damaged = || Fault::from(sqlx::Error::Decode("the server's answer to a command can't be read".into()));
        let answer: Answer = serde_json::from_str(text).map_err(|_| damaged())?;
        if !answer.left_out.is_empty() {
            return Ok(Sent::LeftOut(answer.left_out));
        }
        let given: HashMap<(&str, Uuid), u32> =
            answer.numbers.iter().map(|(table, id, number)| ((&**table, *id), *number)).collect();
        let numbers = |part: &Part| {
            let number = |key: &Key| {
                let given = given.get(&(key.entity.table(), key.id));
                given.map(|number| (*key, *number)).ok_or_else(damaged)
            };
            part.numbered.iter().map(number).collect::<Result<Numbers, Fault>>()
        };
        self.parts.iter().map(numbers).collect::<Result<_, _>>().map(Sent::Done)
    }

    /// Takes commands out, and gives the call another name, by which it can be sent again. Of those that stay it tells which
    /// they were.
    pub(crate) fn without(&mut self, left_out: &HashSet<usize>) -> Vec<usize> {
        let stay: Vec<usize> = (0..self.len()).filter(|c| !left_out.contains(c)).collect();
        let parts = std::mem::take(&mut self.parts);
        // What the rest shares with nobody it shares with fewer.
        self.parts =
            parts.into_iter().enumerate().filter(|(c, _)| !left_out.contains(c)).map(|(_, part)| part).collect();
        self.fence = Uuid::new_v4();
        stay
    }
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Sent {
    /// All of it happened. For each command the numbers that its rows were given.
    Done(Vec<Numbers>),
    /// Nothing of it happened: these commands stood in the way.
    LeftOut(HashSet<usize>),
}

/// The numbers that a command's rows were given.
pub(crate) type Numbers = Vec<(Key, u32)>;

/// What the server answers.
#[derive(Deserialize)]
struct Answer {
    left_out: HashSet<usize>,
    /// Of which table and row.
    numbers: Vec<(String, Uuid, u32)>,
}

/// How a row is held, what it counts for, and which commands expect which versions of it.
type Expected<'p> = (Strength, &'p str, Vec<(usize, u64)>);

/// Rows that are held, in runs.
#[derive(Default)]
struct Runs {
    all: Vec<Run>,
    ids: Vec<Uuid>,
    versions: Vec<i64>,
    states: Vec<String>,
    commands: Vec<i64>,
}

/// Rows of one table that are held alike.
struct Run {
    entity: Entity,
    strength: &'static str,
    /// What is expected of them, and rows of which nothing is.
    lines: usize,
    expects: bool,
}

impl Run {
    fn text(&self) -> String {
        let Self { entity, strength, lines, .. } = self;
        let table = entity.table();
        // What has a way of its own.
        let is_short = matches!(
            (*strength, entity),
            ("share", Entity::User | Entity::Service) | ("change", Entity::Request | Entity::Ticket)
        );
        let is_lone = *lines == 1 && self.expects && is_short;
        if is_lone { format!("{strength} {table}") } else { format!("{lines} {strength} {table}") }
    }
}

impl Runs {
    fn row(&mut self, key: Key, strength: Strength, state: &str, expected: &[(usize, u64)]) {
        let strength = strength.in_call();
        let before = self.ids.len();
        for (c, version) in expected {
            self.expect(key, i64::try_from(*version).unwrap_or(i64::MAX), state, int(*c));
        }
        if expected.is_empty() {
            self.expect(key, -1, state, 0);
        }
        let (lines, expects) = (self.ids.len() - before, !expected.is_empty());
        match self.all.last_mut() {
            Some(run) if run.entity == key.entity && run.strength == strength => run.lines += lines,
            _ => self.all.push(Run { entity: key.entity, strength, lines, expects }),
        }
    }

    fn expect(&mut self, key: Key, version: i64, state: &str, command: i64) {
        self.ids.push(key.id);
        self.versions.push(version);
        self.states.push(state.to_owned());
        self.commands.push(command);
    }

    fn parameters(self) -> [Parameter; 5] {
        let runs: Vec<String> = self.all.iter().map(Run::text).collect();
        [runs.into(), self.ids.into(), self.versions.into(), self.states.into(), self.commands.into()]
    }
}

/// A small number.
fn int(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
