//! Child processes that end when this program is told to end.
//!
//! Every other room starts its programs through here. A child leads a process group of its own, so that a signal to this
//! program alone (`kill`, a CI runner's time limit) still ends everything that the child has started.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Failure, Result, While};

/// How often a wait looks up: short against any step, long against the cost of a look.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// How long a child may take to end after it was asked to. cargo-nextest gives its tests ten seconds.
const GRACE: Duration = Duration::from_secs(15);

/// How many of the last lines of a quiet program's output an error shows.
const TAIL_LINES: usize = 20;

/// Ctrl-C and the signals that mean the same, as flags: a signal is noted here and acted on by whoever waits.
pub(crate) struct Interrupts {
    /// SIGINT, which a terminal also sends to what runs in its foreground.
    keyboard: Arc<AtomicBool>,
    /// SIGTERM and SIGHUP, which mean this process alone.
    ended: Arc<AtomicBool>,
}

impl Interrupts {
    /// From now on SIGINT, SIGTERM and SIGHUP no longer end this process, but are noted.
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupts = Self::deaf();
        signal_hook::flag::register(SIGINT, Arc::clone(&interrupts.keyboard))?;
        signal_hook::flag::register(SIGTERM, Arc::clone(&interrupts.ended))?;
        signal_hook::flag::register(SIGHUP, Arc::clone(&interrupts.ended))?;
        Ok(interrupts)
    }

    /// Flags that no signal sets.
    pub(crate) fn deaf() -> Self {
        Self { keyboard: Arc::default(), ended: Arc::default() }
    }

    /// Fails if a signal came since the last look.
    pub(crate) fn check(&self) -> Result<()> {
        if self.take(Reach::Group) { Err(Failure::Interrupted) } else { Ok(()) }
    }

    /// Whether a signal came since the last look that a child of this reach must be told of.
    fn take(&self, reach: Reach) -> bool {
        let keyboard = self.keyboard.swap(false, Ordering::Relaxed);
        let ended = self.ended.swap(false, Ordering::Relaxed);
        ended || (keyboard && matches!(reach, Reach::Group))
    }
}

/// What a child shares with us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nothing: it leads a group, has no terminal to read, and every signal to us ends the whole group.
    Group,
    /// The terminal: it may read it, and Ctrl-C is between it and the person at the keyboard.
    Terminal,
}

/// Runs `command` to its end, its output going where ours goes.
pub(crate) fn run(command: &mut Command, reach: Reach, interrupts: &Interrupts) -> Result<ExitStatus> {
    if reach == Reach::Group {
        command.stdin(Stdio::null()).process_group(0);
    }
    let child = command.spawn().while_(|| format!("cannot start {}", program(command)))?;
    wait(child, reach, interrupts)
}

/// Runs `command` to its end and returns what it printed; a command that fails is an error that shows the end of that.
pub(crate) fn run_quietly(command: &mut Command, interrupts: &Interrupts) -> Result<String> {
    let name = program(command);
    // A file and not a pipe: nobody has to drain it while we wait.
    let mut file = tempfile::tempfile().while_(|| "cannot make a temporary file".to_owned())?;
    let both = file.try_clone().and_then(|out| Ok((out, file.try_clone()?)));
    let (out, err) = both.while_(|| "cannot share a temporary file".to_owned())?;
    let status = run(command.stdout(out).stderr(err), Reach::Group, interrupts)?;
    let printed = read_all(&mut file).while_(|| format!("cannot read what {name} printed"))?;
    if status.success() {
        Ok(printed)
    } else {
        Err(Failure::Because(format!("{name} ended with {status}:\n{}", tail(&printed))))
    }
}

/// Whether `command` can be run and succeeds; what it prints is thrown away. For asking whether a program is there.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The last lines of `text`: what a person needs of a long log.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// The process id of a child, in the form that signals want.
pub(crate) fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Waits for `child`. A signal asks it to end; a second one, or [`GRACE`], ends it.
fn wait(mut child: Child, reach: Reach, interrupts: &Interrupts) -> Result<ExitStatus> {
    let mut asked: Option<Instant> = None;
    loop {
        let ended = child.try_wait().while_(|| "cannot wait for a child process".to_owned())?;
        if let Some(status) = ended {
            if asked.is_none() {
                return Ok(status);
            }
            // What it started may have outlived it. Its own process id may be somebody else's by now; its group's may not.
            if reach == Reach::Group {
                signal(&child, reach, Signal::KILL)?;
            }
            return Err(Failure::Interrupted);
        }
        let again = interrupts.take(reach);
        match asked {
            None if again => {
                asked = Some(Instant::now());
                signal(&child, reach, Signal::TERM)?;
            }
            Some(since) if again || since.elapsed() > GRACE => signal(&child, reach, Signal::KILL)?,
            _ => {}
        }
        thread::sleep(POLL);
    }
}

/// Sends `signal` to the child, or to all of its group. That there is nobody left to get it is no error.
fn signal(child: &Child, reach: Reach, signal: Signal) -> Result<()> {
    let sent = match reach {
        Reach::Group => kill_process_group(pid(child), signal),
        Reach::Terminal => kill_process(pid(child), signal),
    };
    match sent {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        other => other.while_(|| "cannot signal a child process".to_owned()),
    }
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn read_all(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::ChildStdout;

    use super::*;

    /// A shell that leads a group, does `first`, and then waits for ever with a child of its own; and what both print to.
    fn shell(first: &str) -> (Child, BufReader<ChildStdout>) {
        let script = format!("{first}; sleep 1000 & echo ready; wait; sleep 1000");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("sh");
        let mut printed = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        printed.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        (child, printed)
    }

    /// Returns when nobody holds the other end any more.
    fn all_gone(mut printed: BufReader<ChildStdout>) {
        let mut rest = String::new();
        printed.read_to_string(&mut rest).expect("the end");
    }

    #[test]
    fn an_interrupt_ends_the_child_and_what_it_started() {
        let interrupts = Interrupts::deaf();
        let (child, printed) = shell("true");
        interrupts.ended.store(true, Ordering::Relaxed);
        assert!(matches!(wait(child, Reach::Group, &interrupts), Err(Failure::Interrupted)));
        all_gone(printed);
    }

    #[test]
    fn a_second_interrupt_ends_a_child_that_will_not_go() {
        let interrupts = Interrupts::deaf();
        // Ignored by the shell and, inherited, by its child.
        let (child, printed) = shell("trap '' TERM");
        interrupts.ended.store(true, Ordering::Relaxed);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(child, Reach::Group, &interrupts));
            while interrupts.ended.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            interrupts.ended.store(true, Ordering::Relaxed);
            assert!(matches!(waiting.join().expect("no panic"), Err(Failure::Interrupted)));
        });
        all_gone(printed);
    }

    #[test]
    fn the_keyboard_is_left_to_a_child_at_the_terminal() {
        let interrupts = Interrupts::deaf();
        interrupts.keyboard.store(true, Ordering::Relaxed);
        let status = run(Command::new("sh").args(["-c", "exit 3"]), Reach::Terminal, &interrupts);
        assert_eq!(status.expect("it ends by itself").code(), Some(3));
    }

    #[test]
    fn a_quiet_program_speaks_when_it_fails() {
        let interrupts = Interrupts::deaf();
        let quiet = |script: &str| run_quietly(Command::new("sh").args(["-c", script]), &interrupts);
        assert_eq!(quiet("echo said; echo more >&2").expect("it succeeds"), "said\nmore\n");
        let failure = quiet("seq 100; exit 4").expect_err("it fails").to_string();
        assert!(failure.contains("exit status: 4") && failure.contains("\n81\n") && !failure.contains("\n80\n"));
    }
}
