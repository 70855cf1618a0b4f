//! What is told in the end: the machine, the versions, and for each operation what everybody came to, with bsm's share.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::Arguments;
use crate::contest::{Callers, Results, Series, Turn};
use crate::deed::Outcome;
use crate::peer::{Contender, Counting, Task};

/// The settings of the server that matter.
const SETTINGS: [&str; 9] = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "max_connections",
    "autovacuum",
    "jit",
];

/// The crates whose versions matter.
const CRATES: [&str; 6] = ["deadpool-postgres", "diesel", "diesel-async", "sea-orm", "sqlx", "tokio-postgres"];

/// What each peer leaves out, or does in another way, of what bsm does.
const LEFT_OUT: [(&str, &str); 8] = [
    (
        "all peers",
        "no idempotency keys, no texts checked and trimmed, no typed errors, no retries; of a desk's rules only those that \
         these operations need",
    ),
    ("function", "commands only: a read is one statement anyway, so tokio-postgres' figure stands for both"),
    ("tokio-postgres, sqlx", "a read is one statement, in which the actor is looked at: of one moment, as bsm's"),
    ("diesel, sea-orm", "the actor and what is read are two statements, so not of one moment"),
    ("diesel, sea-orm", "`LIMIT` is a parameter, for which the server plans each page anew"),
    ("diesel", "prepares every `UPDATE` and every `ON CONFLICT DO UPDATE` anew"),
    ("diesel, sea-orm", "no `COPY`: a desk is loaded by `INSERT`s of many rows"),
    (
        "load",
        "bsm reads an export strictly and recounts everything in the end; the peers have typed rows in memory, and count \
         once",
    ),
];

/// On what, with what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setting {
    machine: String,
    server: Vec<(String, String)>,
    crates: Vec<(String, String)>,
    commit: Option<String>,
    load: String,
    connections: u32,
    checked: bool,
    seconds: f64,
    operations: Option<u64>,
    rounds: usize,
}

impl Setting {
    /// Looks at the machine and the server.
    pub async fn look(client: &Client, arguments: &Arguments) -> Outcome<Self> {
        let mut server = Vec::new();
        for setting in SETTINGS {
            let value = client.query_one("SELECT current_setting($1)", &[&setting]).await?.get(0);
            server.push((setting.to_owned(), value));
        }
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let of = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
            line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
        };
        let machine = format!(
            "{} cores of {}, {} of memory, Linux {}",
            cores,
            of(&read("/proc/cpuinfo"), "model name"),
            of(&read("/proc/meminfo"), "MemTotal"),
            read("/proc/sys/kernel/osrelease").trim()
        );
        let load = read("/proc/loadavg").split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        Ok(Self {
            machine,
            server,
            crates: versions(include_str!("../Cargo.lock")),
            commit: commit(),
            load,
            connections: arguments.connections,
            checked: arguments.checked,
            seconds: arguments.seconds,
            operations: arguments.operations,
            rounds: arguments.rounds,
        })
    }
}

/// The versions of the crates that matter, as they were built.
fn versions(lock: &str) -> Vec<(String, String)> {
    let mut lines = lock.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let name = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'));
        let Some(name) = name.filter(|name| CRATES.contains(name)) else { continue };
        let version = lines.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
        found.push((name.to_owned(), version.unwrap_or_default().to_owned()));
    }
    found
}

/// The commit that was built, where git tells.
fn commit() -> Option<String> {
    let mut git = std::process::Command::new("git");
    git.args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"]);
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => 0.0,
        (length, half) if length % 2 == 1 => values[half],
        (_, half) => f64::midpoint(values[half - 1], values[half]),
    }
}

fn rates(turns: &[Turn]) -> Vec<f64> {
    turns.iter().map(|turn| turn.rate).collect()
}

fn least_and_most(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)))
}

/// A number as people read it.
fn number(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn callers(callers: Callers) -> String {
    match callers {
        Callers::Here(1) => "1 caller".to_owned(),
        Callers::Here(count) => format!("{count} callers"),
        Callers::Processes(count) => format!("{count} processes"),
    }
}

/// A peer's rate, and bsm's by it: the median of the rounds' ratios, the least and the most of them.
fn cell(series: &Series, contender: Contender) -> String {
    let Some(turns) = series.turns.get(&contender) else { return "—".to_owned() };
    let theirs = rates(turns);
    let mut text = number(median(&theirs));
    match series.turns.get(&Contender::Bsm) {
        Some(ours) if contender != Contender::Bsm => {
            let ratios: Vec<f64> = rates(ours).iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
            let (least, most) = least_and_most(&ratios);
            // Writing to a string does not fail.
            let _ = write!(text, " (**{:.2}**, {least:.2}–{most:.2})", median(&ratios));
        }
        _ => {
            let (least, most) = least_and_most(&theirs);
            let _ = write!(text, " ({}–{})", number(least), number(most));
        }
    }
    if series.counting.get(&contender) == Some(&Counting::Triggers) {
        text.push_str(" ᵗ");
    }
    text
}

/// One line about a series, as it is done.
pub fn line(series: &Series) -> String {
    let told = series.turns.keys().map(|contender| format!("{contender} {}", cell(series, *contender)));
    let told = told.collect::<Vec<_>>().join(", ");
    format!("{} rows, {}, {}: {told}", number(series.rows as f64), series.task.title(), callers(series.callers))
}

/// The whole report.
pub fn markdown(results: &Results) -> String {
    let mut text = String::new();
    let setting = &results.setting;
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(text, "\nMachine: {}. Load before: {}.\n", setting.machine, setting.load);
    let _ = writeln!(text, "Server: {}.\n", pairs(&setting.server));
    let _ = writeln!(text, "bsm {}; {}.\n", setting.commit.as_deref().unwrap_or("?"), pairs(&setting.crates));
    let operations = setting.operations.map_or_else(String::new, |most| format!(" or {most} calls"));
    let checked =
        if setting.checked { "ask whether a connection lives" } else { "don't ask whether a connection lives" };
    let _ = writeln!(
        text,
        "{} rounds of {} s{operations} each; peers' pools of {} connections, which {checked}.\n",
        setting.rounds, setting.seconds, setting.connections
    );
    let mut sizes: Vec<u64> = results.series.iter().map(|series| series.rows).collect();
    sizes.dedup();
    for size in sizes {
        table(&mut text, results, size);
    }
    let _ = writeln!(
        text,
        "Operations in a second (rows and entries of history in a second for a load): the median of the rounds. Behind it, \
         in bold, bsm's rate by the peer's in the same round (more than 1: bsm is faster), again the median, and the least \
         and the most. ᵗ: the tables' triggers count, which is faster for this peer than counting itself.\n"
    );
    for (whom, what) in LEFT_OUT {
        let _ = writeln!(text, "* {whom}: {what}.");
    }
    text
}

fn table(text: &mut String, results: &Results, size: u64) {
    let of_size: Vec<&Series> = results.series.iter().filter(|series| series.rows == size).collect();
    let there = |contender: &Contender| of_size.iter().any(|series| series.turns.contains_key(contender));
    let contenders: Vec<Contender> = Contender::ALL.into_iter().filter(there).collect();
    let _ = writeln!(text, "### {} tickets and requests\n", number(size as f64));
    let names: Vec<String> = contenders.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "| operation | callers | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(contenders.len()));
    for series in &of_size {
        let cells: Vec<String> = contenders.iter().map(|contender| cell(series, *contender)).collect();
        let who = if series.task == Task::Load { String::new() } else { callers(series.callers) };
        let _ = writeln!(text, "| {} | {who} | {} |", series.task.title(), cells.join(" | "));
    }
    let _ = writeln!(text, "\nWhat half, and 99 of 100, of the calls took at the most, in microseconds:\n");
    let _ = writeln!(text, "| operation | callers | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(contenders.len()));
    for series in of_size.iter().filter(|series| series.task != Task::Load) {
        let cells = contenders.iter().map(|contender| {
            let Some(turns) = series.turns.get(contender) else { return "—".to_owned() };
            let middle = |of: fn(&Turn) -> u32| {
                number(median(&turns.iter().map(|turn| f64::from(of(turn))).collect::<Vec<_>>()))
            };
            format!("{} / {}", middle(|turn| turn.p50), middle(|turn| turn.p99))
        });
        let cells = cells.collect::<Vec<_>>().join(" | ");
        let _ = writeln!(text, "| {} | {} | {cells} |", series.task.title(), callers(series.callers));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_thousands() {
        assert_eq!([number(7.0), number(1_234.4), number(1_000_000.0)], ["7", "1,234", "1,000,000"]);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "nothing is worked out")]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock =
            "[[package]]\nname = \"sqlx\"\nversion = \"0.9.0\"\n\n[[package]]\nname = \"other\"\nversion = \"1.0.0\"\n";
        assert_eq!(versions(lock), [("sqlx".to_owned(), "0.9.0".to_owned())]);
    }
}
