//! What the reader of logs takes, and where it says that a fault is.

use super::*;

/// The own log with `edit` made to its lines, read with these line ends.
fn read_edited(end: &str, edit: impl FnOnce(&mut Vec<String>)) -> Result<Log, Fault> {
    let mut lines: Vec<String> = OWN.lines().map(str::to_owned).collect();
    edit(&mut lines);
    Log::read("log.csv".to_owned(), (lines.join(end) + end).as_bytes())
}

fn rows(incident: &Incident) -> impl Iterator<Item = &Row> {
    std::iter::once(&incident.first).chain(&incident.later)
}

fn replaced(line: &mut String, from: &str, to: &str) {
    assert!(line.contains(from), "{line}");
    *line = line.replacen(from, to, 1);
}

#[test]
fn the_own_log_is_read_whole() -> Result<(), Fault> {
    let log = Log::own()?;
    assert_eq!((log.incidents.len(), log.rows()), (13, 60));
    let ends: HashSet<TicketStatus> = log.incidents.iter().map(|incident| incident.last().status).collect();
    assert_eq!(ends.len(), 8, "an incident ends in every state: {ends:?}");
    Ok(())
}

#[test]
fn line_ends_don_t_matter_and_lines_are_counted_right() -> Result<(), Fault> {
    for end in ["\n", "\r\n"] {
        // A blank line is no row.
        let blank = read_edited(end, |lines| lines.insert(3, String::new()))?;
        let lines: Vec<u64> = blank.incidents.iter().flat_map(rows).map(|row| row.line).collect();
        assert_eq!(lines, (2..=3).chain(5..=62).collect::<Vec<_>>(), "{end:?}");
        let log = read_edited(end, |_| ())?;
        let lines: Vec<u64> = log.incidents.iter().flat_map(rows).map(|row| row.line).collect();
        assert_eq!(lines, (2..=61).collect::<Vec<_>>(), "{end:?}");
    }
    Ok(())
}

#[test]
fn what_is_not_known_is_empty() -> Result<(), Fault> {
    let log = Log::own()?;
    let row = &log.incidents.last().expect("has incidents").first;
    assert_eq!(
        row.opened,
        Opened { by: row.opened.by.clone(), at: None, caller: row.opened.caller.clone(), channel: Channel::Other }
    );
    assert_eq!((&row.group, &row.assigned_to, row.closed_at), (&None, &None, None));
    Ok(())
}

#[test]
fn an_unknown_word_is_told_with_line_column_and_value() {
    let cases = [
        (5, ",Resolved,", ",Solved,", STATE, "Solved"),
        (2, "2 - Medium", "?", IMPACT, "?"),
        (3, "3 - Moderate", "5 - None", PRIORITY, "5 - None"),
        (4, "Phone", "Pigeon", CHANNEL, "Pigeon"),
        (6, "09-01-2021 10:00,Phone", "2021-01-09,Phone", UPDATED_AT, "2021-01-09"),
        (6, "09-01-2021 10:00,Phone", "?,Phone", UPDATED_AT, "?"),
        (2, "TRUE,0,0,", "TRUE,0,-1,", REOPENINGS, "-1"),
        (2, "INC0000007", "?", NUMBER, "?"),
    ];
    for (line, from, to, column, value) in cases {
        for end in ["\n", "\r\n"] {
            let read = read_edited(end, |lines| replaced(&mut lines[line - 1], from, to));
            let Err(Fault::UnknownValue { log, line: told, column: named, value: found, .. }) = read else {
                panic!("line {line}, {to}: {read:?}");
            };
            assert_eq!((log.as_str(), told, named, found.as_str()), ("log.csv", line as u64, column, value));
        }
    }
}

#[test]
fn a_log_without_a_column_is_refused() {
    let read = read_edited("\n", |lines| replaced(&mut lines[0], "reopen_count", "reopened"));
    assert!(matches!(read, Err(Fault::NoColumn { column: REOPENINGS, .. })), "{read:?}");
}

#[test]
fn columns_may_stand_in_any_order() -> Result<(), Fault> {
    let turned = read_edited("\n", |lines| {
        for line in lines {
            let mut fields: Vec<&str> = line.split(',').collect();
            fields.reverse();
            *line = fields.join(",");
        }
    })?;
    let log = Log::own()?;
    assert!(log.incidents.iter().flat_map(rows).eq(turned.incidents.iter().flat_map(rows)));
    Ok(())
}

#[test]
fn a_row_that_is_cut_off_is_refused() {
    let read = read_edited("\n", |lines| lines[9].truncate(40));
    assert!(matches!(read, Err(Fault::NoTable { .. })), "{read:?}");
}

#[test]
fn rows_of_an_incident_stand_together() {
    let read = read_edited("\n", |lines| {
        let row = lines.remove(2);
        lines.push(row);
    });
    assert!(matches!(&read, Err(Fault::Scattered { line: 61, number, .. }) if number == "INC0000007"), "{read:?}");
}
