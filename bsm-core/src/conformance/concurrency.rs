//! Many commands at once: whatever the order, the outcome is that of some order.
//!
//! What each guard must do is proved in [`interleavings`](super::interleavings), every time; here the store itself is put
//! under load from many tasks and many desks. Where two or more commands race for one thing, their desks commit in step:
//! all are decided before the first one is committed, so that a missing guard shows every time, not by luck.

use super::prelude::*;
use crate::store::{Answers, ReadSet};

const ROUNDS: usize = 12;

/// Every touch of one ticket by many is applied: its version and its history count them. Proves that no update is lost:
/// of two commits at one version one fails.
pub async fn no_update_of_one_row_is_lost(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let desks = w.in_step::<{ limits::COMMAND_ATTEMPTS }>();
    let results = race(desks.len(), |number| {
        let agent = desks[number].agent(w.agent.actor());
        async move {
            let mut done = 0;
            // Somebody may be unlucky as often as a command is tried; they try again.
            while done < 8 {
                match agent.touch_ticket(ticket).await {
                    Ok(_) => done += 1,
                    Err(Error::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(done)
        }
    })
    .await;
    let mut touches = 0;
    for result in results {
        touches += result?;
    }
    assert_eq!(w.agent.ticket(ticket).await?.version, Version(1 + touches));
    assert_eq!(every_entry(&w.store, ticket.into()).await?.len() as u64, 1 + touches);
    w.sound().await
}

/// As many tasks as a command has attempts change one row at once, and none of them sees a conflict: with each round one
/// gets through.
pub async fn everybody_gets_through(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let desks = w.in_step::<{ limits::COMMAND_ATTEMPTS }>();
    for result in race(desks.len(), |number| {
        let agent = desks[number].agent(w.agent.actor());
        async move { agent.touch_ticket(ticket).await }
    })
    .await
    {
        result?;
    }
    let expected = u64::try_from(limits::COMMAND_ATTEMPTS).unwrap_or(u64::MAX) + 1;
    assert_eq!(w.agent.ticket(ticket).await?.version, Version(expected));
    Ok(())
}

/// Tickets and requests that many open at once have numbers of their own, from each desk.
pub async fn numbers_given_at_once_are_unique(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let opened = race(16, |_| {
        let desk = w.another_desk();
        let (agent, ada, laptop) = (desk.agent(w.agent.actor()), desk.customer(w.ada.actor()), w.laptop);
        async move {
            let mut numbers = Vec::new();
            for _ in 0..8 {
                let ticket = agent.open_ticket(NewTicket::new("One of many")).await?;
                let request = ada.submit_request(SubmitRequest::new(laptop)).await?;
                numbers.push((ticket.number, request.number));
            }
            Ok::<_, Error>(numbers)
        }
    })
    .await;
    let (mut tickets, mut requests) = (Vec::new(), Vec::new());
    for numbers in opened {
        let numbers = numbers?;
        assert!(numbers.is_sorted_by(|a, b| a < b), "for whoever opens one after another they rise");
        let (t, r): (Vec<_>, Vec<_>) = numbers.into_iter().unzip();
        tickets.extend(t);
        requests.extend(r);
    }
    let count = tickets.len();
    tickets.sort_unstable();
    tickets.dedup();
    requests.sort_unstable();
    requests.dedup();
    assert_eq!((tickets.len(), requests.len()), (count, count));
    w.sound().await
}

/// An assignment and a change of role at one moment: no ticket ever ends assigned to a customer. Proves the guard on the
/// assignee's row against the guard that no ticket names them: two commands that write different rows.
pub async fn no_ticket_ends_with_a_customer(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for round in 0..ROUNDS {
        let helper = w.person(&format!("Helper{round}"), Role::Agent).await?.id;
        let ticket = w.ticket_in(TicketStatus::New).await?.id;
        let [one, other] = w.in_step();
        let (agent, admin) = (one.agent(w.agent.actor()), other.admin(w.admin.actor()));
        let (assigned, demoted) = both(async move { agent.assign_ticket(ticket, helper).await }, async move {
            admin.change_role(helper, Role::Customer).await
        })
        .await;
        assert!(assigned.is_ok() != demoted.is_ok(), "exactly one can be first: {assigned:?} {demoted:?}");
    }
    w.sound().await
}

/// A request and the deletion of its service at one moment: one of the two fails. Proves the foreign key in the commit.
pub async fn no_request_outlives_its_service(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..ROUNDS {
        let service = w.admin.create_service(NewService::new("Short-lived", "x", "1 EUR".parse()?)).await?.id;
        let [one, other] = w.in_step();
        let (ada, admin) = (one.customer(w.ada.actor()), other.admin(w.admin.actor()));
        let (asked, deleted) = both(async move { ada.submit_request(SubmitRequest::new(service)).await }, async move {
            admin.delete_service(service).await
        })
        .await;
        match (asked, deleted) {
            (Ok(_), Err(Error::StillReferenced { .. })) | (Err(Error::MissingParent { .. }), Ok(())) => {}
            other => panic!("one of the two comes first: {other:?}"),
        }
    }
    w.sound().await
}

/// Resolving a ticket and withdrawing its request at one moment: exactly one happens, on both rows.
pub async fn a_ticket_is_resolved_or_its_request_withdrawn(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..ROUNDS {
        let (request, ticket) = w.converted().await?;
        let [one, other] = w.in_step();
        let (agent, ada) = (one.agent(w.agent.actor()), other.customer(w.ada.actor()));
        let (resolved, withdrawn) =
            both(
                async move { agent.resolve_ticket(ticket.id).await },
                async move { ada.cancel_request(request.id).await },
            )
            .await;
        let after = (w.agent.ticket(ticket.id).await?.status, w.agent.request(request.id).await?.status);
        match (resolved, withdrawn) {
            (Ok(_), Err(Error::IllegalMove { .. })) => {
                assert_eq!(after, (TicketStatus::Resolved, RequestStatus::Fulfilled));
            }
            (Err(Error::IllegalMove { .. }), Ok(_)) => {
                assert_eq!(after, (TicketStatus::Cancelled, RequestStatus::Cancelled));
            }
            other => panic!("exactly one comes first: {other:?}"),
        }
    }
    w.sound().await
}

/// A rating and a reopening at one moment: what is rated is fulfilled. Proves the guard on the request's row.
pub async fn what_is_rated_is_fulfilled(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..ROUNDS {
        let (request, ticket) = w.converted().await?;
        w.agent.resolve_ticket(ticket.id).await?;
        let [one, other] = w.in_step();
        let (agent, ada) = (one.agent(w.agent.actor()), other.customer(w.ada.actor()));
        let (rated, reopened) = both(async move { ada.rate(request.id, Stars::Four, "").await }, async move {
            agent.reopen_ticket(ticket.id).await
        })
        .await;
        reopened?;
        let after = w.agent.request(request.id).await?;
        let expected = if rated.is_ok() { RequestStatus::Fulfilled } else { RequestStatus::InProgress };
        assert_eq!((after.status, after.rated), (expected, rated.is_ok()), "{rated:?}");
    }
    w.sound().await
}

/// Admins who all demote each other at one moment: at least one stays. Proves the guard on the actor's own row.
pub async fn a_desk_keeps_an_admin(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for round in 0..ROUNDS / 2 {
        let mut admins = Vec::new();
        for number in 0..4 {
            admins.push(w.person(&format!("Admin{round}x{number}"), Role::Admin).await?.id);
        }
        // Nora stays out of it, so that the world can go on: the four of them demote each other in a ring.
        let desks = w.in_step::<4>();
        let results = race(desks.len(), |number| {
            let (who, whom) = (admins[number], admins[(number + 1) % admins.len()]);
            let admin = desks[number].admin(who);
            async move { admin.change_role(whom, Role::Agent).await }
        })
        .await;
        let mut left = 0;
        for admin in &admins {
            left += usize::from(w.agent.user(*admin).await?.role == Role::Admin);
        }
        let done = results.iter().filter(|result| result.is_ok()).count();
        assert!(left >= 1 && done == admins.len() - left, "{left} admins are left after {results:?}");
    }
    Ok(())
}

/// Deleting a person while tickets are assigned to them and opened by them: no ticket names somebody who is gone.
pub async fn no_ticket_names_somebody_who_is_gone(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for round in 0..ROUNDS {
        let helper = w.person(&format!("Helper{round}"), Role::Agent).await?.id;
        let ticket = w.ticket_in(TicketStatus::New).await?.id;
        let [one, other] = w.in_step();
        let (agent, admin) = (one.agent(w.agent.actor()), other.admin(w.admin.actor()));
        let (assigned, deleted) =
            both(
                async move { agent.assign_ticket(ticket, helper).await },
                async move { admin.delete_user(helper).await },
            )
            .await;
        deleted?;
        if let Err(error) = assigned {
            let missing = Error::MissingParent { relation: Relation::TicketAssignedTo, parent: helper.into() };
            refused::<()>(Err(error), &missing);
        }
        assert_eq!(w.agent.ticket(ticket).await?.assigned_to, None);
    }
    w.sound().await
}

/// Under mixed load from many tasks every counter still equals a recount, and the rules hold.
pub async fn counters_hold_under_mixed_load(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let done = race(12, |number| {
        let desk = w.another_desk();
        let (agent, ada) = (desk.agent(w.agent.actor()), desk.customer(w.ada.actor()));
        let (admin, laptop) = (desk.admin(w.admin.actor()), w.laptop);
        async move {
            for step in number..number + 6 {
                let request = ada.submit_request(SubmitRequest::new(laptop)).await?;
                match step % 4 {
                    0 => drop(ada.cancel_request(request.id).await?),
                    1 => {
                        let ticket = agent.make_ticket(request.id, TicketFromRequest::default()).await?;
                        agent.resolve_ticket(ticket.id).await?;
                        let rating = ada.rate(request.id, Stars::ALL[step % 5], "").await?;
                        if step % 8 == 1 {
                            admin.delete_rating(rating.id).await?;
                        }
                    }
                    2 => {
                        let ticket = agent.make_ticket(request.id, TicketFromRequest::default()).await?;
                        agent.hold_ticket(ticket.id, HoldReason::Vendor).await?;
                    }
                    _ => drop(agent.reject_request(request.id).await?),
                }
            }
            Ok::<_, Error>(())
        }
    })
    .await;
    for result in done {
        result?;
    }
    assert_eq!(w.admin.summary().await?.request_count(), 12 * 6);
    w.sound().await
}

/// All rows of a page, and all figures of a summary, are of one moment: a request and its ticket, which move together,
/// are never seen apart, whether they stand on one page or one is followed from the other. Proves that a read set is
/// answered as of one moment, and that a commit is seen whole.
pub async fn a_page_is_of_one_moment(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(w.converted().await?.1.id);
    }
    let (agent, reader) = (w.another_desk().agent(w.agent.actor()), w.another_desk().admin(w.admin.actor()));
    let get = tickets.iter().map(|ticket| Key::from(*ticket)).collect();
    let (below, pairs) =
        (Arc::clone(&w.store), ReadSet { get, follow: vec![Relation::TicketRequest], ..ReadSet::default() });
    let write = async move {
        for _ in 0..30 {
            for ticket in &tickets {
                agent.resolve_ticket(*ticket).await?;
            }
            for ticket in &tickets {
                agent.reopen_ticket(*ticket).await?;
            }
        }
        Ok::<_, Error>(())
    };
    let read = async move {
        for _ in 0..200 {
            let rows = reader.unified(&Query::default()).await?.rows;
            assert_eq!(rows.len(), 8);
            for ticket in rows.iter().filter(|row| row.source == Source::Ticket) {
                let request =
                    rows.iter().find(|row| row.source == Source::Request && row.ticket_id == ticket.ticket_id);
                let phases = (ticket.phase, request.map(|row| row.phase));
                assert_eq!(phases.1, Some(phases.0), "the ticket and its request are seen at two moments");
            }
            let Answers { got, followed, .. } = below.read(pairs.clone()).await?;
            let of = |row: &Row| match row {
                Row::Ticket(ticket) => ticket.request_id.map(|id| (id, ticket.status.phase())),
                Row::Request(request) => Some((request.id, request.status.phase())),
                _ => None,
            };
            let mut pair: [Vec<_>; 2] =
                [got.iter().flatten().filter_map(of).collect(), followed.iter().filter_map(of).collect()];
            for side in &mut pair {
                side.sort();
            }
            assert_eq!(pair[0], pair[1], "what is followed is seen at another moment");
            assert_eq!(pair[0].len(), 4);
            let summary = reader.summary().await?;
            let resolved = summary.tickets.get(&TicketStatus::Resolved);
            assert_eq!(resolved, summary.requests.get(&RequestStatus::Fulfilled));
            assert_eq!((summary.ticket_count(), summary.request_count()), (4, 4));
        }
        Ok::<_, Error>(())
    };
    let (written, seen) = both(write, read).await;
    written?;
    seen?;
    w.sound().await
}

/// Whoever reads through the same desk after a command is acknowledged sees it, in every list and figure.
pub async fn what_is_acknowledged_is_seen(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let results = race(8, |number| {
        let (desk, ada) = (w.desk.clone(), w.ada.actor());
        let (agent, theo) = (desk.agent(w.agent.actor()), w.agent.actor());
        async move {
            for step in 0..10 {
                let group = format!("{number}-{step}");
                let new = NewTicket { requested_for: Some(ada), group: Some(group), ..NewTicket::new("Seen") };
                let ticket = agent.open_ticket(new).await?;
                assert_eq!(desk.customer(ada).ticket(ticket.id).await?, ticket);
                let assigned = agent.assign_ticket(ticket.id, theo).await?;
                let mine = Query::of(WorkListing::Assignee(theo)).limit(500);
                assert!(desk.agent(theo).tickets(&mine).await?.rows.contains(&assigned));
                assert!(agent.summary().await?.tickets.get(&TicketStatus::New) >= Some(&1));
            }
            Ok::<_, Error>(())
        }
    })
    .await;
    for result in results {
        result?;
    }
    Ok(())
}

/// A command whose caller gives up happens whole or not at all, and the desk goes on.
pub async fn a_command_that_is_given_up_happens_whole_or_not(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for polls in 0..40 {
        let (request, ticket) = w.converted().await?;
        given_up(polls % 8, w.agent.resolve_ticket(ticket.id)).await;
        given_up(polls % 5, w.ada.cancel_request(request.id)).await;
        given_up(polls % 3, w.ada.submit_request(SubmitRequest::new(w.laptop))).await;
        given_up(polls % 4, w.agent.keyed(format!("k{polls}")).open_ticket(NewTicket::new("Given up"))).await;
    }
    Dump::settled(&w.store).await?;
    w.sound().await?;
    // A keyed command that was given up is finished by sending it again.
    for polls in 0..40 {
        w.agent.keyed(format!("k{polls}")).open_ticket(NewTicket::new("Given up")).await?;
    }
    let titles = w.dump().await?.all::<Ticket>().into_iter().filter(|ticket| ticket.title == "Given up");
    assert_eq!(titles.count(), 40);
    Ok(())
}
