//! What the desk must say of a log, found without a desk: from the rows alone, by following each incident's state.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::logs::Log;

type Row = HashMap<String, String>;

fn rows(log: &Log) -> Vec<Row> {
    let text = log.text();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// The rows of each incident, in the log's order.
fn incidents(log: &Log) -> Vec<Vec<Row>> {
    let mut incidents: Vec<Vec<Row>> = Vec::new();
    for row in rows(log) {
        match incidents.last_mut() {
            Some(incident) if incident[0]["number"] == row["number"] => incident.push(row),
            _ => incidents.push(vec![row]),
        }
    }
    incidents
}

fn status(state: &str) -> &'static str {
    match state {
        "New" => "new",
        "Active" => "in_progress",
        "Awaiting User Info" => "on_hold_customer",
        "Awaiting Problem" => "on_hold_problem",
        "Awaiting Vendor" => "on_hold_vendor",
        "Awaiting Evidence" => "on_hold_evidence",
        "Resolved" => "resolved",
        "Closed" => "closed",
        other => panic!("unknown state {other}"),
    }
}

/// The last word of `2 - Medium`.
fn level(text: &str) -> String {
    text.rsplit(' ').next().unwrap_or_default().to_lowercase()
}

/// `29-02-2016 01:16` as RFC 3339.
fn time(text: &str) -> String {
    let (day, month, year, clock) = (&text[0..2], &text[3..5], &text[6..10], &text[11..16]);
    format!("{year}-{month}-{day}T{clock}:00.000000Z")
}

/// When the incident last came into a state.
fn last_move(incident: &[Row], state: &str) -> Option<String> {
    let before = std::iter::once(None).chain(incident.iter().map(|row| Some(row["incident_state"].as_str())));
    let moves =
        incident.iter().zip(before).filter(|(row, before)| row["incident_state"] == state && *before != Some(state));
    moves.last().map(|(row, _)| time(&row["sys_updated_at"]))
}

/// The lines of the dump.
pub(crate) fn dump(log: &Log) -> Vec<Value> {
    incidents(log).iter().map(|incident| line(incident)).collect()
}

fn line(incident: &[Row]) -> Value {
    let last = &incident[incident.len() - 1];
    let states: Vec<&str> = incident.iter().map(|row| row["incident_state"].as_str()).collect();
    let reopenings = states.windows(2).filter(|pair| pair == &["Resolved", "Active"]).count();
    let group = Some(&last["assignment_group"]).filter(|group| *group != "?");
    json!({
        "external_ref": last["number"],
        "status": status(&last["incident_state"]),
        "impact": level(&last["impact"]),
        "urgency": level(&last["urgency"]),
        "priority": last["priority"][0..1].parse::<u8>().expect("a digit"),
        "reopenings": reopenings,
        "group": group,
        "history": incident.len(),
        "resolved_at": last_move(incident, "Resolved"),
        "closed_at": last_move(incident, "Closed"),
    })
}

/// How many incidents end in each state.
pub(crate) fn tickets(log: &Log) -> Value {
    let mut counts = Map::new();
    for incident in incidents(log) {
        let count = counts.entry(status(&incident[incident.len() - 1]["incident_state"])).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    Value::Object(counts)
}
