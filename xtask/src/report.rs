//! What the person at the terminal, or whoever reads CI's log, sees of the steps: a line before, a line after, a table.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};

/// The steps so far.
pub(crate) struct Report {
    started: Instant,
    lines: Vec<Line>,
}

struct Line {
    step: String,
    outcome: String,
    took: Option<Duration>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), lines: Vec::new() }
    }

    /// Announces `step`, which does `what`, runs it and notes how it ended.
    pub(crate) fn step<T>(&mut self, step: &str, what: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n==> {step}: {what}");
        let started = Instant::now();
        let result = run();
        let took = started.elapsed();
        let outcome = match &result {
            Ok(_) => "passed",
            Err(Failure::Interrupted) => "interrupted",
            Err(Failure::Because(_)) => "failed",
        };
        println!("==> {step}: {outcome} after {:.1} s", took.as_secs_f64());
        self.lines.push(Line { step: step.to_owned(), outcome: outcome.to_owned(), took: Some(took) });
        result.map_err(|failure| match failure {
            Failure::Because(why) => Failure::Because(format!("{step}: {why}")),
            Failure::Interrupted => failure,
        })
    }

    /// Notes that `step` cannot be run here, and says so.
    pub(crate) fn not_run(&mut self, step: &str, why: &str) {
        println!("\n==> {step}: not run: {why}");
        self.lines.push(Line { step: step.to_owned(), outcome: format!("not run: {why}"), took: None });
    }

    /// The steps with their seconds, a line each, and their sum.
    pub(crate) fn table(&self) -> String {
        let width = self.lines.iter().map(|line| line.step.len()).chain([5]).max().unwrap_or_default();
        let mut table = format!("{:width$}  seconds  outcome\n", "step");
        let mut row = |step: &str, took: Option<Duration>, outcome: &str| {
            let seconds = took.map_or_else(|| "-".to_owned(), |took| format!("{:.1}", took.as_secs_f64()));
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{step:width$}  {seconds:>7}  {outcome}");
        };
        for line in &self.lines {
            row(&line.step, line.took, &line.outcome);
        }
        row("total", Some(self.started.elapsed()), "");
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_what_passed_what_failed_and_what_did_not_run() {
        let mut report = Report::new();
        report.step("one", "nothing", || Ok(())).expect("it passes");
        report.not_run("two", "no such program");
        let failure = report.step("three", "fail", || Err::<(), _>(Failure::Because("why".into())));
        assert_eq!(failure.expect_err("it fails").to_string(), "failed: three: why");

        let table = report.table();
        let outcome = |step: &str| {
            let line = table.lines().find(|line| line.starts_with(step)).expect("a line of the step");
            line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(outcome("one"), "passed");
        assert_eq!(outcome("two"), "not run: no such program");
        assert_eq!(outcome("three"), "failed");
        assert!(table.lines().last().expect("a last line").starts_with("total"));
    }
}
