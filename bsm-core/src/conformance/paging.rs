//! Pages and cursors: forward and back, at the ends, over a list that changes; and what is no cursor.

use super::crowd::Crowd;
use super::prelude::*;
use super::raw::{self, Change};

fn ids(page: &Page<UnifiedTicket>) -> Vec<String> {
    page.rows.iter().map(|row| row.number.clone()).collect()
}

/// Pages forward and pages back are the same pages, in both orders, for every size; the first has nothing before it and
/// the last nothing behind it.
pub async fn pages_back_are_the_pages_forward(store: Arc<dyn Store>) -> Outcome {
    let crowd = Crowd::new(store).await?;
    for order in [Order::NewestFirst, Order::OldestFirst] {
        for limit in [1, 2, 7, 37, 74, 500] {
            let query = Query::of(WorkListing::All).order(order).limit(limit);
            let mut pages = vec![crowd.w.admin.unified(&query).await?];
            while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
                pages.push(crowd.w.admin.unified(&query.clone().cursor(next)).await?);
            }
            assert_eq!(pages.iter().map(|page| page.rows.len()).sum::<usize>(), crowd.work.len());
            assert_eq!(
                pages.len(),
                crowd.work.len().div_ceil(limit),
                "no page is empty, and none is short but the last"
            );
            assert_eq!(pages[0].previous, None);
            for pair in pages.windows(2).rev() {
                let [before, after] = pair else { continue };
                let Some(back) = after.previous.clone() else { panic!("a later page has no way back: {after:?}") };
                let again = crowd.w.admin.unified(&query.clone().cursor(back)).await?;
                assert_eq!(ids(&again), ids(before), "{order:?} {limit}");
                assert_eq!(again.previous.is_some(), before.previous.is_some(), "{order:?} {limit}");
                // And forth once more.
                let Some(next) = again.next else { panic!("no way forth: {before:?}") };
                assert_eq!(ids(&crowd.w.admin.unified(&query.clone().cursor(next)).await?), ids(after));
            }
        }
    }
    Ok(())
}

/// A list that grows and shrinks while somebody walks it shows every row that stays, once.
pub async fn a_walk_shows_what_stays_once(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let mut people = Vec::new();
    for number in 0..12 {
        people.push(w.person(&format!("Person{number}"), Role::Agent).await?.id);
    }
    let mut query = Query::of(UserListing::Role(Role::Agent)).order(Order::OldestFirst).limit(3);
    let mut seen = Vec::new();
    let mut page = w.admin.users(&query).await?;
    for step in 0.. {
        seen.extend(page.rows.iter().map(|user| user.id));
        // One goes that was seen, one that was not, and one comes at the end.
        if step < 3 {
            w.admin.delete_user(people[step]).await?;
            w.admin.delete_user(people[11 - step]).await?;
            people.push(w.person(&format!("Late{step}"), Role::Agent).await?.id);
        }
        let Some(next) = page.next else { break };
        query = query.cursor(next);
        page = w.admin.users(&query).await?;
    }
    let mut expected = vec![w.agent.actor()];
    expected.extend(people[..9].iter().chain(&people[12..]));
    assert_eq!(seen, expected);
    Ok(())
}

/// If everything behind a page goes away, the next page is empty, with a way back; and the way back from there begins
/// with the last row that is left.
pub async fn an_emptied_end_has_a_way_back(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let extra = w.person("Extra", Role::Customer).await?.id;
    let query = Query::<UserListing>::default().order(Order::OldestFirst).limit(2);
    let first = w.admin.users(&query).await?;
    let second = w.admin.users(&query.clone().cursor(first.next.clone())).await?;
    assert_eq!((first.rows.len(), second.rows.len()), (2, 2));
    assert!(second.next.is_some(), "the fifth person is behind it");
    w.admin.delete_user(extra).await?;
    let end = w.admin.users(&query.clone().cursor(second.next.clone())).await?;
    assert_eq!((end.rows.len(), end.next), (0, None));
    let back = w.admin.users(&query.clone().cursor(end.previous)).await?;
    assert_eq!(back.rows, second.rows);
    let beginning = w.admin.users(&query.clone().cursor(back.previous)).await?;
    assert_eq!((beginning.rows, beginning.previous), (first.rows, None));
    Ok(())
}

/// The page size may change from page to page; what it may be is bounded, in every list.
pub async fn a_page_has_1_to_500_rows(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    w.request(false).await?;
    let range = || {
        let max = limits::PAGE_SIZE_MAX.to_string();
        Error::invalid("limit", Reason::OutOfRange { min: "1".to_owned(), max })
    };
    for limit in [0, limits::PAGE_SIZE_MAX + 1, usize::MAX] {
        let work = Query::<WorkListing>::default().limit(limit);
        let own = Query::<OwnListing>::default().limit(limit);
        let (services, articles) = (Query::<ServiceListing>::default(), Query::<ArticleListing>::default());
        let (services, articles) = (services.limit(limit), articles.limit(limit));
        refused(w.admin.unified(&work).await, &range());
        refused(w.admin.tickets(&work).await, &range());
        refused(w.admin.requests(&work).await, &range());
        refused(w.admin.request_rows(&work).await, &range());
        refused(w.admin.rating_rows(&Query::<RatingListing>::default().limit(limit)).await, &range());
        refused(w.admin.users(&Query::<UserListing>::default().limit(limit)).await, &range());
        refused(w.admin.services(&services).await, &range());
        refused(w.admin.articles(&articles).await, &range());
        refused(w.admin.notes(&Query::of(NotesOf(ticket)).limit(limit)).await, &range());
        refused(w.admin.history(ticket, Order::NewestFirst, None, limit).await, &range());
        refused(w.ada.unified(&own).await, &range());
        refused(w.ada.tickets(&own).await, &range());
        refused(w.ada.requests(&own).await, &range());
        refused(w.ada.ratings(&Query::default().limit(limit)).await, &range());
        refused(w.ada.services(&Query::default().limit(limit)).await, &range());
        refused(w.ada.articles(&Query::default().limit(limit)).await, &range());
        refused(w.ada.ticket_updates(ticket, None, limit).await, &range());
        refused_like!(w.admin.service_usage(&services).await, Error::Invalid { field: "limit", .. });
    }
    let query = Query::<WorkListing>::default();
    let first = w.admin.unified(&query.clone().limit(1)).await?;
    let rest = w.admin.unified(&query.limit(limits::PAGE_SIZE_MAX).cursor(first.next)).await?;
    assert_eq!((first.rows.len(), rest.rows.len()), (1, 1));
    Ok(())
}

/// A cursor belongs to its list, listing, filter, range, order and actor; in any other it is foreign.
pub async fn a_cursor_belongs_to_its_list(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..3 {
        w.ticket_in(TicketStatus::New).await?;
    }
    let query = Query::of(WorkListing::All).limit(1);
    let cursor = w.admin.unified(&query).await?.next;
    assert!(cursor.is_some());
    let with = |query: Query<WorkListing>| query.limit(1).cursor(cursor.clone());
    w.admin.unified(&with(query.clone())).await?;
    let foreign = || Error::InvalidCursor(CursorFault::Foreign);
    let others = [
        Query::of(WorkListing::Phase(Phase::Open)),
        query.clone().order(Order::OldestFirst),
        query.clone().filter(WorkFilter { unassigned: true, ..WorkFilter::default() }),
        query.clone().within(TimeRange::since(Timestamp::MIN)),
    ];
    for other in others {
        refused(w.admin.unified(&with(other)).await, &foreign());
    }
    refused(w.admin.tickets(&with(query.clone())).await, &foreign());
    refused(w.agent.unified(&with(query)).await, &foreign());
    refused(w.ada.unified(&Query::<OwnListing>::default().cursor(cursor.clone())).await, &foreign());
    refused(w.admin.users(&Query::<UserListing>::default().cursor(cursor)).await, &foreign());
    Ok(())
}

/// What is no cursor, or was altered, is refused as damaged.
pub async fn an_altered_cursor_is_damaged(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..3 {
        w.ticket_in(TicketStatus::New).await?;
    }
    let query = Query::of(WorkListing::All).limit(1);
    let damaged = Error::InvalidCursor(CursorFault::Damaged);
    let Some(cursor) = w.admin.unified(&query).await?.next else { panic!("three tickets are more than one page") };
    let text = cursor.as_str();
    let mut altered: Vec<String> = ["", "x", "AAAA", "%00", "\u{0}", "ß"].map(str::to_owned).to_vec();
    altered.extend([format!("{text}A"), format!("{text}="), text[1..].to_owned(), "A".repeat(100_000)]);
    for at in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        altered.extend(String::from_utf8(bytes));
    }
    for text in altered {
        refused(w.admin.unified(&query.clone().cursor(Cursor::new(text))).await, &damaged);
    }
    // A copy of the text is the cursor.
    assert_eq!(w.admin.unified(&query.clone().cursor(Cursor::new(text))).await?.rows.len(), 1);
    Ok(())
}

/// A call that searches for rare rows looks at a bounded number of rows; it may return a short or empty page with a
/// cursor, and the walk to the end still finds all.
pub async fn a_rare_row_is_found_over_short_pages(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let many = u32::try_from(limits::EXAMINE_BUDGET + 50).unwrap_or(u32::MAX);
    let rare = [3, many / 2, many - 1];
    let numbers: Vec<u32> = (0..many).collect();
    for chunk in numbers.chunks(250) {
        let of = |number: &u32| {
            let group = rare.contains(number).then(|| "rare".to_owned());
            Ticket { group, ..raw::ticket(*number, w.admin.actor()) }
        };
        w.store.commit(Change::at(1).insert_all(chunk.iter().map(of)).set()).await?;
    }
    let filter = WorkFilter { group: Some("rare".to_owned()), ..WorkFilter::default() };
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let mut query = Query::of(WorkListing::All).filter(filter.clone()).order(order).limit(3);
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let page = w.agent.tickets(&query).await?;
            found.extend(page.rows.iter().map(|ticket| ticket.title.clone()));
            pages += 1;
            assert!(pages < 10, "the walk comes to an end");
            let Some(next) = page.next else { break };
            query = query.cursor(next);
        }
        let mut expected = rare.map(|number| format!("Ticket {number}"));
        if order == Order::NewestFirst {
            expected.reverse();
        }
        assert_eq!(found, expected);
        assert!(pages >= 2, "one call looks at {} rows, not at {many}", limits::EXAMINE_BUDGET);
    }
    Ok(())
}
