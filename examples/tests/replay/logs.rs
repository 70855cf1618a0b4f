//! The logs that the tests run on, and what is known of each.

use std::path::{Path, PathBuf};

/// Where the real log is, if not at its usual place.
const REAL_VARIABLE: &str = "BSM_INCIDENT_LOG";
/// Its usual place, from this package's folder.
const REAL_PLACE: &str = "../../shared/data/incident_event_log.csv";

/// A log, and what was counted in it by other means.
pub(crate) struct Log {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) incidents: u64,
    pub(crate) events: u64,
    pub(crate) reopened: u64,
    pub(crate) reopened_tickets: u64,
    /// Incidents that end Resolved or Closed.
    pub(crate) resolved: u64,
    pub(crate) closing_time_differences: u64,
    pub(crate) reassignment_differences: u64,
}

impl Log {
    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.path).expect("the log can be read")
    }

    /// Its lines, the header first.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The log of our own making.
pub(crate) fn own() -> Log {
    Log {
        name: "our own log",
        path: package().join("data/incident_log.csv"),
        incidents: 13,
        events: 60,
        reopened: 3,
        reopened_tickets: 2,
        resolved: 7,
        closing_time_differences: 1,
        reassignment_differences: 1,
    }
}

/// The real log, where it is found. A place that was named and holds nothing is a mistake, not an absence.
pub(crate) fn real() -> Option<Log> {
    let named = std::env::var_os(REAL_VARIABLE).map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| package().join(REAL_PLACE));
    if !path.is_file() {
        assert_eq!(named, None, "{REAL_VARIABLE} names no file");
        return None;
    }
    Some(Log {
        name: "the real log",
        path,
        incidents: 890,
        events: 5998,
        reopened: 11,
        reopened_tickets: 10,
        resolved: 890,
        closing_time_differences: 4,
        reassignment_differences: 3,
    })
}

/// Our own log, and the real one where it is found. Prints which.
pub(crate) fn logs() -> Vec<Log> {
    let logs: Vec<Log> = std::iter::once(own()).chain(real()).collect();
    for log in &logs {
        println!("replaying {}: {}", log.name, log.path.display());
    }
    if logs.len() == 1 {
        println!("not replaying the real log: there is none at {REAL_PLACE}, and {REAL_VARIABLE} names none");
    }
    logs
}
