//! The README's words on HTTP, run as they stand: its application, its server, its commands.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A program that is stopped with its test.
struct Running {
    child: Child,
    printed: Vec<String>,
}

impl Running {
    /// Starts a program, and reads what it prints up to a line that contains `last`.
    fn start(program: &str, arguments: &[&str], last: &str) -> Self {
        let mut command = Command::new(program);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut printed = Vec::new();
        loop {
            let Some(line) = lines.next() else { panic!("{program} ended: {:?} {printed:?}", child.wait()) };
            printed.push(line.expect("UTF-8"));
            if printed.last().is_some_and(|line| line.contains(last)) {
                return Self { child, printed };
            }
        }
    }

    fn told_to_stop(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().expect("kill starts").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).expect("a README")
}

/// The block of the README that holds `marked`.
fn block(language: &str, marked: &str) -> String {
    let readme = readme();
    let mut blocks = readme.split("\n```").skip(1).step_by(2);
    let found = blocks.find(|block| block.starts_with(language) && block.contains(marked));
    let block = found.unwrap_or_else(|| panic!("no block with {marked}"));
    block.split_once('\n').expect("a body").1.to_owned() + "\n"
}

/// Runs commands in a shell that stops at the first that fails, and gives what they print.
fn shell(commands: &str, variables: &[(String, String)]) -> String {
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", commands]).envs(variables.iter().cloned());
    let output = bash.output().expect("bash starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}\n{out}");
    out.into_owned()
}

/// The values of JSON that were printed one behind another.
fn values(printed: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(printed).into_iter().map(|value| value.expect("JSON")).collect()
}

#[test]
fn the_application_of_twenty_lines_answers() {
    let written = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/nested-desk/main.rs"));
    let (_, program) = written.as_deref().expect("a program").split_once("\n\n").expect("a comment");
    let shown = block("rust", "nest(\"/desk\"");
    assert_eq!(program, shown, "the README shows the program");
    assert!(shown.lines().filter(|line| line.starts_with("    ") && !line.trim().is_empty()).count() <= 20);

    let running = Running::start(env!("CARGO_BIN_EXE_nested-desk"), &[], "customer-insights");
    let told = shell(&format!("sleep 0.2; {}", running.printed.join("\n")), &[]);
    assert_eq!(values(&told)[0]["users"], serde_json::json!({ "admin": 1 }));
}

#[test]
fn the_server_prints_tokens_by_which_the_commands_work() {
    let started = block("sh", "--bin desk-server");
    assert_eq!(started.trim(), "cargo run --release -p bsm-examples --bin desk-server");
    let mut running = Running::start(env!("CARGO_BIN_EXE_desk-server"), &[], "/api/customer/events");
    let exports = running.printed.iter().filter_map(|line| line.strip_prefix("export "));
    let variables: Vec<(String, String)> = exports
        .map(|export| {
            let (name, value) = export.split_once('=').expect("a value");
            (name.to_owned(), value.split(' ').next().expect("a token").to_owned())
        })
        .collect();
    let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ADMIN", "AGENT", "CUSTOMER"]);

    let told = values(&shell(&block("sh", "desk=http"), &variables));
    assert_eq!(told.len(), 7, "{told:?}");
    let [insights, services, resolved, tickets, rating, feedback, retired] = &told[..] else { unreachable!("seven") };
    assert_eq!(insights["tickets"].as_object().map(|counts| counts.values().filter_map(Value::as_u64).sum()), Some(20));
    assert_eq!(services["rows"][0]["name"], "Standing desk");
    assert_eq!((&resolved["status"], &resolved["category"]), (&"resolved".into(), &"customer_request".into()));
    assert_eq!(tickets["rows"][0]["id"], resolved["id"]);
    assert_eq!((&rating["rating"], &rating["review"]), (&"5".into(), &"It stands.".into()));
    assert_eq!(feedback["rows"][0]["rating"]["id"], rating["id"]);
    assert_eq!((&retired["active"], &retired["version"]), (&false.into(), &2.into()));

    // What it printed to try works as well; streams end when the server does.
    let commands: Vec<&str> = running
        .printed
        .iter()
        .map(String::as_str)
        .filter(|line| line.starts_with("curl") && !line.contains("/events"))
        .collect();
    assert_eq!(commands.len(), 8);
    shell(&commands.join("\n").replace("curl -sS", "curl -sSf"), &variables);
    let stream = format!("exec {}", running.printed.last().expect("a command").replace("curl -sS", "curl -sSN"));
    let mut bash = Command::new("bash");
    bash.args(["-c", &stream]).envs(variables.iter().cloned()).stdout(Stdio::piped());
    let mut reader = bash.spawn().expect("bash starts");
    let mut text = BufReader::new(reader.stdout.take().expect("a pipe"));
    let mut first = String::new();
    text.read_line(&mut first).expect("a line");
    assert!(first.starts_with("id: "), "{first}");
    assert_eq!(running.told_to_stop(), Some(0));
    let mut rest = String::new();
    text.read_to_string(&mut rest).expect("the rest");
    assert!(rest.contains("event: problem") && rest.contains("\"Closed\""), "{rest}");
    assert!(reader.wait().expect("it ends").success(), "the stream has an end");
}

/// A server whose standard output is closed serves all the same.
#[test]
fn the_server_serves_though_nobody_reads_what_it_prints() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let mut command = Command::new(env!("CARGO_BIN_EXE_desk-server"));
    let mut child = command
        .args(["--listen", &free.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let mut running = Running { child, printed: Vec::new() };
    let told =
        shell(&format!("curl -sSf --retry 20 --retry-delay 1 --retry-connrefused http://{free}/api/openapi.json"), &[]);
    assert_eq!(values(&told)[0]["openapi"], "3.1.0");
    assert_eq!(running.told_to_stop(), Some(0));
}

#[test]
fn the_server_says_what_it_cannot_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let short = folder.path().join("secret");
    fs::write(&short, "short").expect("written");
    for (arguments, words) in [
        (vec!["--secret", short.to_str().expect("UTF-8")], "shorter than 32 bytes"),
        (vec!["--secret", "nowhere/at/all"], "the secret in nowhere/at/all"),
        (vec!["--store", "nowhere:"], "store address"),
        (vec!["--listen", "192.0.2.1:1"], "listening at 192.0.2.1:1"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_desk-server")).args(&arguments).output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(words) && told.lines().count() == 1, "{arguments:?}: {told}");
    }
}
