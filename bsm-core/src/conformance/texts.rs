//! Exports that are put together by hand, with a digest that fits.

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

/// The lines of an export, save the last.
pub(crate) struct Texts {
    pub(crate) lines: Vec<String>,
}

impl Texts {
    pub(crate) fn of(text: &str) -> Self {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.pop();
        Self { lines }
    }

    /// The same desk in more lines than one commit takes in: a row is told again and again.
    pub(crate) fn long(&self) -> String {
        let mut lines = self.lines.clone();
        let last = lines.iter().rposition(|line| line.starts_with("{\"row\":")).unwrap_or(0);
        let row = lines[last].clone();
        lines.splice(last..last, std::iter::repeat_n(row, 1_500));
        sealed(&lines)
    }

    /// The text in which the last row of an entity is edited, with the line's number.
    pub(crate) fn edited(&self, entity: &str, edit: impl Fn(&mut Value)) -> (u64, String) {
        self.edited_where(&format!("{{\"row\":{{\"{entity}\":"), |line| edit(&mut line["row"][entity]))
    }

    /// The text in which the last entry of history is edited, with the line's number.
    pub(crate) fn edited_history(&self, edit: impl Fn(&mut Value)) -> (u64, String) {
        self.edited_where("{\"history\":", |line| edit(&mut line["history"]))
    }

    fn edited_where(&self, begins: &str, edit: impl Fn(&mut Value)) -> (u64, String) {
        let mut lines = self.lines.clone();
        let Some(place) = lines.iter().rposition(|line| line.starts_with(begins)) else {
            panic!("no line begins with {begins}");
        };
        let mut line: Value = serde_json::from_str(&lines[place]).unwrap_or_default();
        edit(&mut line);
        lines[place] = line.to_string();
        (place as u64 + 1, sealed(&lines))
    }
}

/// The lines as a text, with an end that fits.
pub(crate) fn sealed(lines: &[String]) -> String {
    let (mut text, mut digest) = (String::new(), 0_u128);
    for line in lines {
        digest = xxh3_128(&[&digest.to_be_bytes(), line.as_bytes()].concat());
        text.push_str(line);
        text.push('\n');
    }
    let count = |begins: &str| lines.iter().filter(|line| line.starts_with(begins)).count();
    let (rows, history) = (count("{\"row\":"), count("{\"history\":"));
    let end = json!({"end": {"rows": rows, "history": history, "digest": format!("{digest:032x}")}});
    format!("{text}{end}\n")
}
