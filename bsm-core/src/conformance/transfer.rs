//! A whole desk from one store into another: it comes back equal, whatever happens on the way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::Place;
use super::lively::lively;
use super::prelude::*;
use super::texts::{Texts, sealed};
use crate::feed::{EventQuery, Since};
use crate::store::recount;
use crate::transfer::Imported;
use crate::{Desk, ImportFault};

/// A desk over the place's store, with the system's clock and ids.
fn desk_of(place: &Place) -> Desk {
    Desk::new(Arc::clone(place.store()))
}

/// The desk's export, all of it.
async fn exported(desk: &Desk) -> Result<String> {
    let (mut export, mut text) = (desk.export(), String::new());
    while let Some(chunk) = export.next().await? {
        assert!(chunk.ends_with('\n'), "whole lines: {chunk}");
        text.push_str(&chunk);
    }
    assert_eq!(export.next().await?, None, "nothing follows the end");
    let progress = export.progress();
    assert_eq!((progress.bytes, progress.lines), (text.len() as u64, text.lines().count() as u64));
    Ok(text)
}

/// Takes a text in, in pieces that respect neither lines nor characters.
async fn taken_in(desk: &Desk, text: &str) -> Result<Imported> {
    let mut import = desk.import().await?;
    for piece in text.as_bytes().chunks(1_021) {
        import.write(piece).await?;
    }
    import.finish().await
}

/// The line and the fault of a text that is refused.
async fn refusal(desk: &Desk, text: &str) -> (u64, ImportFault) {
    match taken_in(desk, text).await {
        Err(Error::InvalidImport { line, fault }) => (line, fault),
        other => panic!("expected the text to be refused, got {other:?}"),
    }
}

/// Asserts that a desk is as another was.
async fn is_as(place: &Place, dump: &Dump) -> Outcome {
    assert_eq!(&Dump::of(place.store()).await?, dump);
    for found in [recount(&**place.store()).await?, place.store().verify().await?] {
        assert!(found.is_clean(), "{:#?}", found.differences);
    }
    Ok(())
}

/// Everything is as it was: rows, history, counters, numbers. The export of the copy is equal to the byte.
pub async fn an_export_comes_back_equal(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (copy, dump) = (place.another()?, w.dump().await?);
    let text = exported(&w.desk).await?;
    assert_eq!(exported(&w.desk).await?, text, "an export repeats");
    let imported = taken_in(&desk_of(&copy), &text).await?;
    assert_eq!((imported.resumed_after, imported.progress.lines), (0, text.lines().count() as u64));
    is_as(&copy, &dump).await?;
    assert_eq!(exported(&desk_of(&copy)).await?, text);
    let last = |dump: &Dump| dump.all::<Ticket>().iter().map(|ticket| ticket.number).max();
    let next = desk_of(&copy).agent(w.agent.actor()).open_ticket(NewTicket::new("Next")).await?;
    assert!(Some(next.number) > last(&dump), "numbers go on: {}", next.number);
    audit(copy.store()).await?;
    Ok(())
}

/// Whoever drops the future of a chunk loses none.
pub async fn an_export_goes_on_where_it_was(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let text = exported(&w.desk).await?;
    let (mut export, mut again, mut times) = (w.desk.export(), String::new(), 0);
    loop {
        times += 1;
        let mut got = None;
        // More patience each time, so that a store that takes long gets there too.
        given_up(times, async { got = Some(export.next().await) }).await;
        match got.transpose()? {
            Some(Some(chunk)) => again.push_str(&chunk),
            Some(None) => break,
            None => {}
        }
    }
    assert_eq!(again, text);
    Ok(())
}

/// What is no export at all does nothing to a desk that is empty, and neither does an import to which nothing is written.
pub async fn what_is_no_export_shuts_no_desk(place: &Place) -> Outcome {
    let desk = desk_of(place);
    drop(desk.import().await?);
    let mut import = desk.import().await?;
    import.write(b"{\"bsm_ex").await?;
    drop(import);
    assert_eq!(refusal(&desk, "").await, (1, ImportFault::Truncated));
    assert_eq!(refusal(&desk, "a table, by chance\n").await, (1, ImportFault::NoExport));
    assert_eq!(refusal(&desk, "{\"bsm_export\":2}\n").await, (1, ImportFault::UnknownFormat { found: 2 }));
    desk.health().await?;
    assert!(desk.verify().await?.is_clean());
    // Whoever uses the desk meanwhile has it.
    let mut import = desk.import().await?;
    let root = desk.bootstrap(NewUser::new("Nora Lind", "nora@desk.example", Role::Admin)).await?;
    refused_like!(import.write(b"{\"bsm_export\":1}\n").await, Error::NotEmpty { .. });
    assert_eq!(desk.admin(root.id).user(root.id).await?, root);
    Ok(())
}

/// A store with rows takes no desk in, and is as it was.
pub async fn only_an_empty_store_takes_a_desk_in(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let before = w.dump().await?;
    refused_like!(w.desk.import().await, Error::NotEmpty { .. });
    assert_eq!(w.dump().await?, before);
    w.ticket_in(TicketStatus::New).await?;
    // So it is with one that holds nothing but history.
    let other = place.another()?;
    taken_in(&desk_of(&other), &exported(&w.desk).await?).await?;
    refused_like!(desk_of(&other).import().await, Error::NotEmpty { .. });
    desk_of(&other).admin(w.admin.actor()).open_ticket(NewTicket::new("Goes on")).await?;
    Ok(())
}

/// Asserts that nobody sees a part of an import that failed: the store is shut, or holds nothing of it.
async fn shut_or_empty(place: &Place) -> Outcome {
    match Dump::of(place.store()).await {
        Ok(dump) => assert!(dump.rows.is_empty(), "a part is seen: {:?}", dump.rows),
        Err(Error::ImportUnfinished { .. }) => {}
        Err(other) => return Err(other.into()),
    }
    Ok(())
}

/// An import that stopped half-way shuts the desk; with the same text it goes on behind what was taken in.
pub async fn an_import_that_stopped_shuts_the_desk_and_goes_on(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (copy, dump) = (place.another()?, w.dump().await?);
    let text = Texts::of(&exported(&w.desk).await?).long();
    let desk = desk_of(&copy);
    let mut import = desk.import().await?;
    for piece in text.as_bytes()[..text.len() - text.len() / 8].chunks(4_096) {
        import.write(piece).await?;
    }
    drop(import);
    refused_like!(desk.health().await, Error::ImportUnfinished { .. });
    refused_like!(desk.admin(w.admin.actor()).summary().await, Error::ImportUnfinished { .. });
    refused_like!(desk.export().next().await, Error::ImportUnfinished { .. });
    refused_like!(desk.close_resolved(w.now()).await, Error::ImportUnfinished { .. });
    let first = NewUser::new("Nora Lind", "nora@desk.example", Role::Admin);
    refused_like!(desk.bootstrap(first).await, Error::ImportUnfinished { .. });
    let found = desk.verify().await?;
    let told = found.differences.iter().any(|found| found.to_string().starts_with("import: "));
    assert!(told, "{found:?}");
    // A store may keep what was taken in, or nothing of it: either is told.
    let kept = desk.import().await?.resumes_after();
    let imported = taken_in(&desk, &text).await?;
    assert_eq!(imported.resumed_after, kept);
    assert!(kept < imported.progress.lines, "{imported:?}");
    is_as(&copy, &dump).await
}

/// Whoever gives a call up can't tell what was taken in, so nothing more is.
pub async fn an_import_that_was_given_up_takes_nothing_more(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (copy, dump) = (place.another()?, w.dump().await?);
    let text = Texts::of(&exported(&w.desk).await?).long();
    let desk = desk_of(&copy);
    let mut import = desk.import().await?;
    // A store that answers at once leaves nothing to be given up.
    if !given_up(1, import.write(text.as_bytes())).await {
        refused_like!(import.write(b"\n").await, Error::ImportUnfinished { .. });
        refused_like!(import.finish().await, Error::ImportUnfinished { .. });
    }
    taken_in(&desk, &text).await?;
    is_as(&copy, &dump).await
}

/// Of two imports at once only one gets any further.
pub async fn two_imports_do_not_mix(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (copy, dump) = (place.another()?, w.dump().await?);
    let texts = Texts::of(&exported(&w.desk).await?);
    let (text, desk) = (texts.long(), desk_of(&copy));
    let other = texts.edited("user", |user| user["full_name"] = json!("Somebody Else")).1;
    let (mut first, mut second) = (desk.import().await?, desk.import().await?);
    first.write(text.as_bytes()).await?;
    refused_like!(second.write(Texts::of(&other).long().as_bytes()).await, Error::ImportUnfinished { .. });
    first.finish().await?;
    is_as(&copy, &dump).await
}

/// An import goes on only with the text that it began with.
pub async fn another_text_does_not_go_on(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (copy, dump) = (place.another()?, w.dump().await?);
    let texts = Texts::of(&exported(&w.desk).await?);
    let (text, desk) = (texts.long(), desk_of(&copy));
    let mut import = desk.import().await?;
    import.write(&text.as_bytes()[..text.len() - text.len() / 8]).await?;
    drop(import);
    let taken = desk.import().await?.resumes_after();
    if taken == 0 {
        // A store that keeps nothing of an import that stopped begins with whatever text it is given.
        taken_in(&desk, &text).await?;
        return is_as(&copy, &dump).await;
    }
    let other = texts.edited("user", |user| user["full_name"] = json!("Somebody Else")).1;
    let other = Texts::of(&other).long();
    assert_eq!(refusal(&desk, &other).await, (taken, ImportFault::OtherText));
    let shorter = sealed(&texts.lines);
    assert_eq!(refusal(&desk, &shorter).await, (shorter.lines().count() as u64, ImportFault::OtherText));
    let cut: String = text.split_inclusive('\n').take(9).collect();
    assert_eq!(refusal(&desk, &cut).await, (10, ImportFault::Truncated));
    taken_in(&desk, &text).await?;
    is_as(&copy, &dump).await
}

/// Every kind of damage is refused by its line; and the store can still take the right text in.
pub async fn damaged_text_is_refused_by_its_line(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (copy, dump) = (place.another()?, w.dump().await?);
    let text = exported(&w.desk).await?;
    let desk = desk_of(&copy);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len() as u64;
    let with = |number: usize, line: &str| {
        let mut lines = lines.clone();
        lines[number - 1] = line;
        lines.join("\n") + "\n"
    };
    let without = |number: usize| {
        let mut lines = lines.clone();
        lines.remove(number - 1);
        lines.join("\n") + "\n"
    };
    assert_eq!(refusal(&desk, "").await, (1, ImportFault::Truncated));
    assert_eq!(refusal(&desk, "{\"bsm_export\":1}\n").await, (2, ImportFault::Truncated));
    assert_eq!(refusal(&desk, &without(lines.len())).await, (last, ImportFault::Truncated));
    assert_eq!(refusal(&desk, &text[..text.len() - 3]).await, (last, ImportFault::Truncated));
    assert_eq!(refusal(&desk, &without(1)).await, (1, ImportFault::NoExport));
    assert_eq!(refusal(&desk, "a table, by chance\n").await, (1, ImportFault::NoExport));
    assert_eq!(refusal(&desk, &with(1, "{\"bsm_export\":2}")).await, (1, ImportFault::UnknownFormat { found: 2 }));
    assert_eq!(refusal(&desk, &without(9)).await, (last - 1, ImportFault::Digest));
    assert_eq!(refusal(&desk, &with(9, lines[7])).await, (last, ImportFault::Digest));
    assert_eq!(refusal(&desk, &format!("{text}{}\n", lines[1])).await, (last + 1, ImportFault::BehindTheEnd));
    assert_eq!(refusal(&desk, &with(3, lines[0])).await, (3, ImportFault::OutOfPlace));
    assert_eq!(refusal(&desk, &with(lines.len(), lines[1])).await, (last, ImportFault::OutOfPlace));
    for damaged in
        ["", "{", "{\"row\":{}}", "{\"table\":{}}", &lines[4][..lines[4].len() - 2], &lines[4].replacen('u', "U", 1)]
    {
        let (line, fault) = refusal(&desk, &with(5, damaged)).await;
        assert!(line == 5 && matches!(fault, ImportFault::Malformed { .. }), "{damaged}: {line} {fault:?}");
    }
    let (line, fault) =
        refusal(&desk, &with(5, &format!("{{\"row\":{{\"user\":{{\"id\":\"{}", "x".repeat(3 << 20)))).await;
    assert_eq!((line, fault), (5, ImportFault::TooLong { most: limits::IMPORT_LINE_BYTES }));
    let ends: Value = serde_json::from_str(lines[lines.len() - 1]).unwrap_or_default();
    let (rows, history) = (ends["end"]["rows"].as_u64().unwrap_or(0), ends["end"]["history"].as_u64().unwrap_or(0));
    let fewer = lines[lines.len() - 1].replacen(&format!("\"rows\":{rows}"), &format!("\"rows\":{}", rows - 1), 1);
    let counts = ImportFault::Counts { rows: rows - 1, history };
    assert_eq!(refusal(&desk, &with(lines.len(), &fewer)).await, (last, counts));
    let (line, fault) = refusal(&desk, &with(lines.len() - 1, "{\"numbers\":{\"ticket\":1,\"request\":99}}")).await;
    assert!(line == last - 1 && matches!(fault, ImportFault::NumberTaken { entity: Entity::Ticket, .. }), "{fault:?}");
    shut_or_empty(&copy).await?;
    taken_in(&desk, text.trim_end()).await?;
    is_as(&copy, &dump).await
}

/// What no person could have entered is not taken in either.
pub async fn what_no_desk_let_in_is_refused(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (copy, texts) = (place.another()?, Texts::of(&exported(&w.desk).await?));
    let desk = desk_of(&copy);
    let long = |most: usize| json!("x".repeat(most + 1));
    let cases = [
        ("user", "full_name", json!(" Nora Lind")),
        ("user", "full_name", json!("")),
        ("user", "email", json!("Nora@desk.example")),
        ("user", "email", json!("nora")),
        ("user", "external_ref", json!("")),
        ("user", "version", json!(0)),
        ("ticket", "number", json!("TKT-000000")),
        ("ticket", "title", json!("two\nlines")),
        ("ticket", "title", long(limits::TITLE_CHARS)),
        ("ticket", "description", json!("a\r\nb")),
        ("ticket", "description", json!("a bell: \u{7}")),
        ("ticket", "category", json!("mail ")),
        ("ticket", "assignment_group", long(limits::CATEGORY_CHARS)),
        ("ticket", "priority", json!("critical")),
        ("ticket", "resolved_at", json!("1999-01-01T00:00:00.000000Z")),
        ("ticket", "closed_at", json!("1999-01-01T00:00:00.000000Z")),
        ("article", "body", json!("")),
        ("article", "body", long(limits::BODY_CHARS)),
        ("article", "published_at", Value::Null),
        ("service", "name", json!("\u{a0}Laptop")),
        ("service", "category", json!("")),
        ("request", "details", json!("\u{0}")),
        ("request", "fulfilled_at", json!("1999-01-01T00:00:00.000000Z")),
        ("request", "rated", json!(true)),
        ("rating", "review", long(limits::REVIEW_CHARS)),
        ("note", "body", json!("\n")),
    ];
    for (entity, field, value) in cases {
        let (number, text) = texts.edited(entity, |row| row[field] = value.clone());
        let (line, fault) = refusal(&desk, &text).await;
        let right = matches!(&fault, ImportFault::Unacceptable { field: told, .. } if *told == field);
        assert!(line == number && right, "{entity}.{field}: {line} {fault:?}, expected at {number}");
    }
    for (field, value) in [("price", json!({"amount": "-1.00", "currency": "EUR"})), ("surprise", json!(1))] {
        let (number, text) = texts.edited("service", |row| row[field] = value.clone());
        let (line, fault) = refusal(&desk, &text).await;
        assert!(line == number && matches!(fault, ImportFault::Malformed { .. }), "{line} {fault:?}");
    }
    let personal = json!([{"field": "email", "from": null, "to": "nora@desk.example"}]);
    let (number, text) = texts.edited_history(|entry| entry["changes"] = personal.clone());
    let (line, fault) = refusal(&desk, &text).await;
    assert!(line == number && matches!(fault, ImportFault::Unacceptable { field: "email", .. }), "{line} {fault:?}");
    Ok(())
}

/// What does not hold together is never opened: a row that another names is missing, a unique value stands twice.
pub async fn what_does_not_hold_together_stays_shut(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (copy, texts) = (place.another()?, Texts::of(&exported(&w.desk).await?));
    let desk = desk_of(&copy);
    let (line, twice) = texts.edited("user", |user| user["email"] = json!("ada@customer.example"));
    let fault = ImportFault::Duplicate { entity: Entity::User, field: Field::Email, since: None };
    assert_eq!(refusal(&desk, &twice).await, (line, fault));
    // The same in a part of its own: the row comes more than a commit later. (In a store of its own, which may keep that.)
    let other = place.another()?;
    let mut lines = Texts::of(&twice).lines;
    let second = lines.remove(usize::try_from(line).unwrap_or(usize::MAX) - 1);
    let mut lines = Texts::of(&Texts { lines }.long()).lines;
    let line = lines.len() as u64;
    lines.insert(lines.len() - 1, second);
    let told = refusal(&desk_of(&other), &sealed(&lines)).await;
    let right = matches!(
        told,
        (last, ImportFault::Duplicate { entity: Entity::User, field: Field::Email, since: Some(since) })
            if since > 1_000 && since <= line && line <= last
    );
    assert!(right, "expected near {line}: {told:?}");
    shut_or_empty(&other).await?;
    let named = w.laptop.to_string();
    let fewer: Vec<String> = texts
        .lines
        .iter()
        .filter(|line| !line.starts_with(&format!("{{\"row\":{{\"service\":{{\"id\":\"{named}")))
        .cloned()
        .collect();
    assert_eq!(fewer.len() + 1, texts.lines.len());
    refused_like!(taken_in(&desk, &sealed(&fewer)).await, Error::Inconsistent { .. });
    shut_or_empty(&copy).await
}

/// An export is the desk as it stood at the moment of its last read, whatever happened since the first: a ticket is
/// resolved and its request fulfilled by one command, so no copy shows one without the other.
pub async fn an_export_is_of_one_moment(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let mut pairs = Vec::new();
    for _ in 0..4 {
        pairs.push(w.converted().await?);
    }
    // A command between any two reads.
    let (mut export, mut text, mut steps) = (w.desk.export(), String::new(), 0);
    while let Some(chunk) = export.next().await? {
        text.push_str(&chunk);
        if chunk.contains("{\"end\":") {
            break;
        }
        let (_, ticket) = &pairs[steps % pairs.len()];
        if w.agent.ticket(ticket.id).await?.status == TicketStatus::Resolved {
            w.agent.reopen_ticket(ticket.id).await?;
        } else {
            w.agent.resolve_ticket(ticket.id).await?;
        }
        w.agent.open_ticket(NewTicket::new(format!("Meanwhile {steps}"))).await?;
        let gone = w.person(&format!("Brief{steps}"), Role::Customer).await?;
        w.admin.delete_user(gone.id).await?;
        steps += 1;
    }
    assert!(steps > 5 && text.contains("{\"gone\":"), "{steps} commands got in between");
    let (copy, dump) = (place.another()?, w.dump().await?);
    taken_in(&desk_of(&copy), &text).await?;
    is_as(&copy, &dump).await?;
    // And while several are at work, without a pause.
    let over = Arc::new(AtomicBool::new(false));
    let mut at_work = Vec::new();
    for (_, ticket) in pairs {
        let (agent, over, id) = (w.agent.clone(), Arc::clone(&over), ticket.id);
        at_work.push(tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                match agent.ticket(id).await?.status {
                    TicketStatus::Resolved => agent.reopen_ticket(id).await?,
                    _ => agent.resolve_ticket(id).await?,
                };
            }
            Ok::<(), Error>(())
        }));
    }
    let mut text = exported(&w.desk).await?;
    for _ in 0..20 {
        if text.contains("{\"gone\":") {
            break;
        }
        text = exported(&w.desk).await?;
    }
    over.store(true, Ordering::SeqCst);
    for work in at_work {
        match work.await {
            Ok(done) => done?,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    let copy = place.another()?;
    taken_in(&desk_of(&copy), &text).await?;
    let dump = Dump::of(copy.store()).await?;
    is_as(&copy, &dump).await?;
    for ticket in dump.all::<Ticket>().iter().filter(|ticket| ticket.status == TicketStatus::Resolved) {
        let of = dump.all::<ServiceRequest>().into_iter().find(|request| request.ticket_id == Some(ticket.id));
        assert!(of.is_none_or(|of| of.status == RequestStatus::Fulfilled), "{}: one without the other", ticket.id);
    }
    Ok(())
}

/// A unique value may pass from row to row while the desk is exported: no line brings it before it is free.
pub async fn a_value_may_pass_on_while_it_is_exported(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let (mut export, mut text) = (w.desk.export(), String::new());
    text.push_str(&export.next().await?.unwrap_or_default());
    let to = |email: &str| UserChange { email: Some(email.to_owned()), ..UserChange::default() };
    w.admin.change_user(w.ada.actor(), to("nobody@customer.example")).await?;
    w.admin.change_user(w.ben.actor(), to("ada@customer.example")).await?;
    w.admin.change_user(w.ada.actor(), to("ben@customer.example")).await?;
    while let Some(chunk) = export.next().await? {
        text.push_str(&chunk);
    }
    let mut emails: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let user = &line["row"]["user"];
        if let (Some(id), Some(email)) = (user["id"].as_str(), user["email"].as_str()) {
            emails.insert(id.to_owned(), email.to_owned());
            let holders = emails.values().filter(|other| *other == email).count();
            assert_eq!(holders, 1, "{email} is held twice");
        }
        if let Some(id) = line["gone"]["id"].as_str() {
            emails.remove(id);
        }
    }
    let (copy, dump) = (place.another()?, w.dump().await?);
    taken_in(&desk_of(&copy), &text).await?;
    is_as(&copy, &dump).await
}

/// A desk that was taken in has a feed of its own: empty, and what was a position before is expired.
pub async fn an_import_begins_another_feed(place: &Place) -> Outcome {
    let w = lively(Arc::clone(place.store())).await?;
    let copy = place.another()?;
    let desk = desk_of(&copy);
    let before = desk.events(&EventQuery::since(Since::Oldest)).await?.position;
    let of_the_other = w.desk.events(&EventQuery::since(Since::Now)).await?.position;
    taken_in(&desk, &exported(&w.desk).await?).await?;
    for old in [before, of_the_other] {
        let resume = match desk.events(&old.into()).await {
            Err(Error::PositionExpired { resume }) => resume,
            other => panic!("expected an expired position, got {other:?}"),
        };
        assert!(desk.events(&resume.into()).await?.events.is_empty());
    }
    assert!(desk.events(&EventQuery::since(Since::Oldest)).await?.events.is_empty());
    let mut watch = desk.watch(Since::Now).await?;
    let ticket = desk.agent(w.agent.actor()).open_ticket(NewTicket::new("Next")).await?;
    assert_eq!(watch.next().await?.entries[0].key, ticket.id.into());
    Ok(())
}
