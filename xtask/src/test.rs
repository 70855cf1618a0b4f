//! `cargo xtask test`: the steps that a change must pass, in the order in which they are cheap.
//!
//! CI runs this and nothing else. What the steps print goes through: the test runners' own closing lines are part of the
//! answer.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::postgres::{self, OWN_VARIABLES, POOLER_VARIABLE, Ready, URL_VARIABLE};
use crate::process::{Interrupts, Reach, run, succeeds};
use crate::python::Environment;
use crate::report::Report;
use crate::workspace::Workspace;

/// Set for the tests of a full run: they widen their case counts.
const FULL_VARIABLE: &str = "BSM_TEST_FULL";

/// The module, in whatever crate, of the tests that start servers of their own.
const OWN_SERVERS: &str = "own_servers";

/// The module, in whatever crate, of the tests that put `PgBouncer` before the server.
const OWN_POOLER: &str = "own_pooler";

/// Runs all steps up to the first that fails, and prints their table.
pub(crate) fn test(full: bool, interrupts: &Interrupts) -> Result<()> {
    let mut steps = Steps { workspace: Workspace::load()?, report: Report::new(), interrupts, full };
    let outcome = steps.all();
    println!("\n{}", steps.report.table());
    outcome
}

struct Steps<'a> {
    workspace: Workspace,
    report: Report,
    interrupts: &'a Interrupts,
    full: bool,
}

/// Variables to set for a step.
type Variables<'a> = [(&'a str, &'a str)];

impl Steps<'_> {
    fn all(&mut self) -> Result<()> {
        let no_warnings = [("RUSTDOCFLAGS", "-D warnings")];
        self.cargo("fmt", "fmt --all --check", &[])?;
        self.cargo("clippy", "clippy --workspace --all-targets --all-features -- -D warnings", &[])?;
        self.cargo("doc", "doc --workspace --no-deps --all-features", &no_warnings)?;
        self.tests()?;
        if self.full { self.longer() } else { Ok(()) }
    }

    /// All tests, with a server for those that need one. It is stopped before anything else happens.
    fn tests(&mut self) -> Result<()> {
        let (target, interrupts) = (&self.workspace.target, self.interrupts);
        let server = self.report.step("postgres", "make a server ready", || {
            let server = postgres::ready(target, &[], interrupts)?;
            println!("{}", server.describe());
            if let Ok(pooler) = server.pooler() {
                println!("{pooler}");
            }
            Ok(server)
        })?;
        let outcome = self.tests_against(&server);
        let log = server.kept_log().map(Path::to_owned);
        let stopped = server.stop();
        if let (Err(Failure::Because(_)), Some(log)) = (&outcome, log) {
            println!("what Postgres logged: {}", log.display());
        }
        outcome.and(stopped)
    }

    fn tests_against(&mut self, server: &Ready) -> Result<()> {
        let set = server.variables();
        let mut variables: Vec<(&str, &str)> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if self.full {
            variables.push((FULL_VARIABLE, "1"));
        }
        let nextest = succeeds(&mut self.workspace.cargo(&["nextest", "--version"]));
        let mut runner = match (nextest, self.full) {
            (true, false) => "nextest run --workspace --all-features --no-fail-fast",
            (true, true) => "nextest run --workspace --all-features --no-fail-fast --profile full",
            (false, _) => "test --workspace --all-features --lib --bins --tests --no-fail-fast",
        }
        .to_owned();
        // Whoever gave us a server may still let tests start others.
        let own = matches!(server, Ready::Started(_)) || OWN_VARIABLES.iter().all(|name| env::var_os(name).is_some());
        let mut left_out = Vec::new();
        if !own {
            let why = format!("{URL_VARIABLE} names somebody else's, and {} are not set", OWN_VARIABLES.join(", "));
            self.report.not_run(&format!("tests in {OWN_SERVERS}, which start servers of their own"), &why);
            left_out.push(OWN_SERVERS);
        }
        if let Err(why) = server.pooler()
            && !(own && env::var_os(POOLER_VARIABLE).is_some())
        {
            self.report.not_run(&format!("tests in {OWN_POOLER}, which put PgBouncer before the server"), &why);
            left_out.push(OWN_POOLER);
        }
        runner += &leaving_out(&left_out, nextest);
        self.cargo("tests", &runner, &variables)?;
        self.cargo("doctests", "test --workspace --all-features --doc --no-fail-fast", &variables)?;
        self.python(&variables)
    }

    /// The Python bindings: built, tried, and their types held against them.
    fn python(&mut self, variables: &Variables<'_>) -> Result<()> {
        let (workspace, interrupts) = (&self.workspace, self.interrupts);
        let python = self.report.step("python", "build and install the Python bindings", || {
            let python = Environment::ready(workspace, interrupts)?;
            python.install(workspace, interrupts)?;
            Ok(python)
        })?;
        let tools: [(&str, &[&str]); 4] = [
            ("pytest", &["-m", "pytest"]),
            ("mypy", &["-m", "mypy"]),
            ("pyright", &["-m", "pyright"]),
            ("stubtest", &["-m", "mypy.stubtest", "bsm"]),
        ];
        for (step, arguments) in tools {
            let mut command = python.program("python", arguments)?;
            command.envs(variables.iter().copied());
            self.program(step, &format!("python {}", arguments.join(" ")), &mut command)?;
        }
        self.schemathesis(&python, variables)?;
        if self.full {
            let (workspace, interrupts) = (&self.workspace, self.interrupts);
            let source = || python.install_from_source(workspace, interrupts);
            self.report.step("pip", "install the bindings from their source", source)?;
            let wheel = || python.install_wheel(workspace, interrupts);
            self.report.step("wheel", "build the bindings for other machines, and install them without Rust", wheel)?;
        }
        Ok(())
    }

    /// The routes over HTTP, tried by schemathesis: some cases on sled, or thousands on sled and on Postgres.
    fn schemathesis(&mut self, python: &Environment, variables: &Variables<'_>) -> Result<()> {
        self.cargo("server", "build -p bsm-examples --bin desk-server", &[])?;
        let server = self.workspace.target.join("debug/desk-server");
        let root = self.workspace.root();
        let place = tempfile::tempdir_in(self.workspace.target.join("xtask"))
            .map_err(|error| Failure::Because(format!("a folder for a desk: {error}")))?;
        let mut stores = vec![format!("sled:{}", place.path().join("desk").display())];
        if self.full
            && let Some((_, url)) = variables.iter().find(|(name, _)| *name == URL_VARIABLE)
        {
            let sign = if url.contains('?') { '&' } else { '?' };
            stores.push(format!("{url}{sign}schema=schemathesis_{}", std::process::id()));
        }
        let how: &[&str] = if self.full { &["--least", "5000"] } else { &["--scale", "0.2"] };
        let script = root.join("bsm-http/schemathesis/run.py");
        for store in stores {
            let kind = store.split(':').next().unwrap_or_default().to_owned();
            let mut command = python.program("python", &[])?;
            command.arg(&script).arg("--server").arg(&server).arg("--store").arg(&store).args(how);
            let line = format!("python bsm-http/schemathesis/run.py --store {kind}:… {}", how.join(" "));
            self.program(&format!("schemathesis {kind}"), &line, &mut command)?;
        }
        Ok(())
    }

    /// What a full run adds.
    fn longer(&mut self) -> Result<()> {
        if succeeds(Command::new("typos").arg("--version")) {
            let mut typos = self.workspace.program("typos");
            self.program("spelling", "typos", &mut typos)?;
        } else {
            self.report.not_run("spelling", "typos is not installed");
        }
        if succeeds(&mut self.workspace.cargo(&["deny", "--version"])) {
            // Not `advisories`: their database comes from the network, and a build must not hang on it.
            self.cargo("deny", "deny --all-features check licenses bans sources", &[])?;
        } else {
            self.report.not_run("deny", "cargo-deny is not installed");
        }
        self.features()?;
        self.cargo("benches", "bench --workspace --all-features --no-run", &[])
    }

    /// Each feature alone, and none: code that needs another feature than it says shows here.
    fn features(&mut self) -> Result<()> {
        for package in std::mem::take(&mut self.workspace.packages) {
            let name = &package.name;
            self.cargo(&format!("{name} bare"), &format!("check -p {name} --no-default-features"), &[])?;
            for feature in &package.features {
                let call = format!("check -p {name} --no-default-features --features {feature}");
                self.cargo(&format!("{name} {feature}"), &call, &[])?;
            }
        }
        Ok(())
    }

    /// A step that is one call of cargo. No argument may hold a blank.
    fn cargo(&mut self, step: &str, arguments: &str, variables: &Variables<'_>) -> Result<()> {
        let mut command = self.workspace.cargo(&arguments.split(' ').collect::<Vec<_>>());
        command.envs(variables.iter().copied());
        self.program(step, &format!("cargo {arguments}"), &mut command)
    }

    /// A step that is one call of a program, which a person would write as `line`.
    fn program(&mut self, step: &str, line: &str, command: &mut Command) -> Result<()> {
        let interrupts = self.interrupts;
        self.report.step(step, line, || {
            let status = run(command, Reach::Group, interrupts)?;
            if status.success() { Ok(()) } else { Err(Failure::Because(format!("`{line}` ended with {status}"))) }
        })
    }
}

/// What a test runner is told to leave the tests of these modules out.
fn leaving_out(modules: &[&str], nextest: bool) -> String {
    if modules.is_empty() {
        return String::new();
    }
    if nextest {
        let tests: Vec<String> = modules.iter().map(|module| format!("test(/^{module}::/)")).collect();
        return format!(" -E not({})", tests.join("|"));
    }
    let skips: Vec<String> = modules.iter().map(|module| format!(" --skip {module}::")).collect();
    format!(" --{}", skips.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_as_each_runner_understands_it() {
        assert_eq!(leaving_out(&[], true), "");
        assert_eq!(leaving_out(&["a"], true), " -E not(test(/^a::/))");
        assert_eq!(leaving_out(&["a", "b"], true), " -E not(test(/^a::/)|test(/^b::/))");
        assert_eq!(leaving_out(&["a", "b"], false), " -- --skip a:: --skip b::");
    }
}
