//! What is wrong with a line that can't be read: in which member, and what was expected there. What the reader of JSON says
//! is not passed on as it stands, since it quotes what was written, and that is a person's.

use serde_json::error::Category;

use crate::ImportFault;

/// The beginnings of what the reader says before it quotes a value, and then tells what it expected.
const QUOTING: [&str; 5] =
    ["invalid type: ", "invalid value: ", "invalid length: ", "unknown variant `", "unknown field `"];
/// The beginnings of what it says that quotes a field's own name only.
const PLAIN: [&str; 2] = ["missing field `", "duplicate field `"];
/// The longest name of a member that is told.
const NAME_BYTES: usize = 40;

/// The fault of a line that the reader of JSON refused.
pub(super) fn of(line: &[u8], error: &serde_json::Error) -> ImportFault {
    let what = match error.classify() {
        Category::Eof => "it ends within a value".to_owned(),
        Category::Syntax | Category::Io => format!("it is no JSON from byte {} on", error.column()),
        Category::Data => {
            let said = error.to_string();
            let (what, path) = (expected(&said), path_to(line, place(line, error.column(), is_plain(&said))));
            if path.is_empty() { what } else { format!("{path}: {what}") }
        }
    };
    ImportFault::Malformed { detail: what }
}

/// How far the line was read when its fault was met. A fault of the last value in an object is told when the object was
/// closed; one of the object itself too, and stays there.
fn place(line: &[u8], end: usize, of_object: bool) -> usize {
    match end.checked_sub(1).and_then(|last| line.get(last)) {
        Some(b'}') if !of_object => end - 1,
        _ => end,
    }
}

fn is_plain(said: &str) -> bool {
    PLAIN.iter().any(|plain| said.starts_with(plain))
}

/// What the reader expected.
fn expected(said: &str) -> String {
    // Its own line number, which is always 1, and the column, which says less than the member.
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    if is_plain(said) {
        return said.to_owned();
    }
    let quoting = QUOTING.iter().any(|quoting| said.starts_with(quoting));
    match said.rsplit_once(", expected ") {
        Some((_, expected)) if quoting => format!("expected {expected}"),
        _ => "it is none of what may stand there".to_owned(),
    }
}

/// The members that lead to where the reader stopped.
fn path_to(line: &[u8], end: usize) -> String {
    // Of each object or list that is open, the member that was named last.
    let mut open: Vec<Option<&[u8]>> = Vec::new();
    let (mut text, mut escaped, mut last): (Option<usize>, bool, Option<&[u8]>) = (None, false, None);
    for (at, byte) in line.iter().enumerate().take(end) {
        if let Some(begin) = text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => (text, last) = (None, line.get(begin..at)),
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => text = Some(at + 1),
            b'{' | b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b':' => {
                if let Some(member) = open.last_mut() {
                    *member = last;
                }
            }
            _ => {}
        }
    }
    let names: Vec<&str> = open.into_iter().flatten().map(name).collect();
    names.join(".")
}

/// A member's name, if it is one that may be ours.
fn name(written: &[u8]) -> &str {
    let ours = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
    let ours = written.len() <= NAME_BYTES && written.iter().all(ours);
    std::str::from_utf8(written).ok().filter(|_| ours).unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use crate::ImportFault;
    use crate::transfer::line::Line;

    const ROW: &str = r#"{"row":{"user":{"id":"019cad8f-ac01-7000-a4c2-b5e8d4f2a1b0","full_name":"Nora Lind","email":"nora@desk.example","role":"admin","active":true,"external_ref":null,"version":1,"updated_at":"2026-03-02T08:00:00.001000Z"}}}"#;

    fn detail(text: &str) -> String {
        match Line::read(text.as_bytes()) {
            Err(ImportFault::Malformed { detail }) => detail,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn with(from: &str, to: &str) -> String {
        assert!(ROW.contains(from), "{from}");
        detail(&ROW.replacen(from, to, 1))
    }

    #[test]
    fn a_fault_tells_the_member_and_what_was_expected() {
        assert!(Line::read(ROW.as_bytes()).is_ok());
        assert_eq!(with("true", r#""Nora""#), "row.user.active: expected a boolean");
        assert_eq!(with(r#""Nora Lind""#, "4711"), "row.user.full_name: expected a string");
        assert!(with(r#""admin""#, r#""Nora""#).starts_with("row.user.role: "));
        assert_eq!(with(r#""email":"nora@desk.example","#, ""), "row.user: missing field `email`");
        assert!(with("2026-03-02T08:00:00.001000Z", "Nora's birthday").starts_with("row.user.updated_at: "));
        assert!(with("019cad8f-ac01", "019xyz").starts_with("row.user.id: "));
        assert!(with("\"user\"", "\"Nora Lind\"").contains("expected one of `user`"));
        assert_eq!(detail(&ROW[..90]), "it ends within a value");
        assert_eq!(detail("{\"row\" \"Nora\"}"), "it is no JSON from byte 8 on");
    }

    #[test]
    fn a_fault_quotes_no_value_and_no_other_line() {
        let secret = "Ada, expected Lovelace";
        for from in [
            r#""Nora Lind""#,
            r#""nora@desk.example""#,
            "true",
            r#""admin""#,
            "null",
            "\"version\":1",
            "\"2026-03-02T08:00:00.001000Z\"",
            "\"019cad8f-ac01-7000-a4c2-b5e8d4f2a1b0\"",
            "\"user\"",
            "\"row\"",
        ] {
            let to = if from.starts_with("\"version") {
                format!("\"version\":\"{secret}\"")
            } else {
                format!("\"{secret}\"")
            };
            for to in [to.clone(), format!("[{to}]"), format!("{{{to}:1}}")] {
                let text = ROW.replacen(from, &to, 1);
                let Err(fault) = Line::read(text.as_bytes()) else { continue };
                let told = fault.to_string();
                assert!(!told.contains("Ada") && !told.contains("Lovelace") && !told.contains("line 1"), "{told}");
            }
        }
    }
}
