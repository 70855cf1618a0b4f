//! Idempotency keys: a command that is sent twice happens once.

use super::prelude::*;

/// The same command under the same key answers with the same row, as it stands by then, and changes nothing.
pub async fn the_same_command_happens_once(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let agent = w.agent.keyed("k-1");
    let first = agent.open_ticket(NewTicket::new("Fan is loud")).await?;
    let before = w.dump().await?;
    assert_eq!(agent.open_ticket(NewTicket::new("Fan is loud")).await?, first);
    let other_handle = w.another_desk().agent(w.agent.actor()).keyed("k-1");
    assert_eq!(other_handle.open_ticket(NewTicket::new("Fan is loud")).await?, first);
    assert_eq!(w.dump().await?, before);
    let moved = w.agent.resolve_ticket(first.id).await?;
    assert_eq!(agent.open_ticket(NewTicket::new("Fan is loud")).await?, moved, "as it stands now");
    // A move, sent again, is no second move, and no error.
    let reopen = w.agent.keyed("k-2");
    let reopened = reopen.reopen_ticket(first.id).await?;
    assert_eq!(reopen.reopen_ticket(first.id).await?, reopened);
    let touch = w.agent.keyed("k-3");
    assert_eq!(touch.touch_ticket(first.id).await?, touch.touch_ticket(first.id).await?);
    let request = w.request_in(RequestStatus::Fulfilled, false).await?;
    let rate = w.ada.keyed("k-4");
    let rating = rate.rate(request.id, Stars::Five, "Fine").await?;
    assert_eq!(rate.rate(request.id, Stars::Five, "Fine").await?, rating);
    Ok(())
}

/// Another command under the same key is refused, be it another verb, another row, another text, time or version.
pub async fn a_key_is_for_one_command(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let agent = w.agent.keyed("k");
    let ticket = agent.open_ticket(NewTicket::new("Fan is loud")).await?;
    let other = w.ticket_in(TicketStatus::New).await?;
    w.refuses(agent.open_ticket(NewTicket::new("Fan is silent")), Error::KeyReused).await?;
    w.refuses(agent.touch_ticket(ticket.id), Error::KeyReused).await?;
    w.refuses(agent.resolve_ticket(other.id), Error::KeyReused).await?;
    let same = || NewTicket::new("Fan is loud");
    w.refuses(agent.at(Timestamp::MIN).open_ticket(same()), Error::KeyReused).await?;
    w.refuses(agent.expecting(Version(3)).open_ticket(same()), Error::KeyReused).await?;
    let as_agent = w.desk.agent(w.admin.actor()).keyed("k");
    as_agent.open_ticket(same()).await?;
    w.refuses(w.admin.keyed("k").open_ticket(same()), Error::KeyReused).await?;
    let moved = w.agent.keyed("m");
    moved.start_ticket(other.id).await?;
    w.refuses(moved.start_ticket(ticket.id), Error::KeyReused).await?;
    w.refuses(moved.hold_ticket(other.id, HoldReason::Vendor), Error::KeyReused).await
}

/// A key belongs to its actor: another's same key is another key.
pub async fn a_key_is_its_actors(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let hers = w.ada.keyed("k").open_ticket(OwnTicket::new("Screen")).await?;
    let his = w.ben.keyed("k").open_ticket(OwnTicket::new("Printer")).await?;
    assert_ne!(hers.id, his.id);
    assert_eq!(w.ada.keyed("k").open_ticket(OwnTicket::new("Screen")).await?, hers);
    assert_eq!(w.ben.keyed("k").open_ticket(OwnTicket::new("Printer")).await?, his);
    Ok(())
}

/// A refused command keeps no key: with what was wrong put right, the same key works.
pub async fn a_refused_command_keeps_no_key(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let agent = w.agent.keyed("k");
    refused_like!(agent.open_ticket(NewTicket::new("")).await, Error::Invalid { .. });
    let dup = |outer: &str| NewTicket { external_ref: Some(outer.to_owned()), ..NewTicket::new("One") };
    w.agent.open_ticket(dup("X")).await?;
    // Refused by the store, at the commit.
    refused_like!(agent.open_ticket(dup("X")).await, Error::Duplicate { .. });
    let ticket = agent.open_ticket(dup("Y")).await?;
    assert_eq!(agent.open_ticket(dup("Y")).await?, ticket);
    Ok(())
}

/// Deletions are commands too: sent again, they are answered, where without the key the row would not be found.
pub async fn a_deletion_is_answered_again(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let gone = w.person("Gone", Role::Agent).await?.id;
    let admin = w.admin.keyed("k");
    admin.delete_user(gone).await?;
    let before = w.dump().await?;
    admin.delete_user(gone).await?;
    assert_eq!(w.dump().await?, before);
    refused(w.admin.delete_user(gone).await, &Error::not_found(gone));
    Ok(())
}

/// A key is kept for its time and then forgotten: the command happens anew.
pub async fn a_key_is_kept_for_its_time(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let agent = w.agent.keyed("k");
    let new = || NewTicket::new("Weekly check");
    let first = agent.open_ticket(new()).await?;
    let begin = first.updated_at;
    w.clock.set(begin.plus_micros(limits::IDEMPOTENCY_KEPT_MICROS - 1_000_000));
    assert_eq!(agent.open_ticket(new()).await?, first);
    w.clock.set(begin.plus_micros(limits::IDEMPOTENCY_KEPT_MICROS + 1_000_000));
    let second = agent.open_ticket(new()).await?;
    assert_ne!(second.id, first.id);
    assert_eq!(agent.open_ticket(new()).await?, second);
    // Once forgotten, it may also stand for another command.
    w.clock.set(begin.plus_micros(3 * limits::IDEMPOTENCY_KEPT_MICROS));
    let third = agent.open_ticket(NewTicket::new("Another")).await?;
    assert_ne!(third.id, second.id);
    w.refuses(agent.open_ticket(new()), Error::KeyReused).await
}

/// What is no key is refused, naming the field.
pub async fn a_key_is_a_short_line(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let most = limits::IDEMPOTENCY_KEY_CHARS;
    let bad = [
        (String::new(), Reason::Empty),
        ("  ".to_owned(), Reason::Empty),
        ("a\nb".to_owned(), Reason::ControlCharacter),
        ("x".repeat(most + 1), Reason::TooLong { most }),
    ];
    for (key, reason) in bad {
        let call = w.agent.keyed(key);
        w.refuses(call.open_ticket(NewTicket::new("x")), Error::invalid("idempotency_key", reason)).await?;
    }
    let longest = w.agent.keyed("😀".repeat(most));
    let ticket = longest.open_ticket(NewTicket::new("x")).await?;
    assert_eq!(longest.open_ticket(NewTicket::new("x")).await?, ticket);
    // Keys that begin alike are different keys.
    let shorter = w.agent.keyed("😀".repeat(most - 1));
    assert_ne!(shorter.open_ticket(NewTicket::new("x")).await?.id, ticket.id);
    Ok(())
}

/// However many send one command under one key at once, it happens once, and all get its answer. Proves that the key is
/// checked in the commit, not only before.
pub async fn of_many_sent_at_once_one_happens(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for round in 0..5 {
        let desks = w.in_step::<16>();
        let results = race(16, |number| {
            let agent = desks[number].agent(w.agent.actor()).keyed(format!("round {round}"));
            async move { agent.open_ticket(NewTicket::new("Once")).await }
        })
        .await;
        let mut tickets = Vec::new();
        for result in results {
            tickets.push(result?);
        }
        assert!(tickets.windows(2).all(|pair| pair[0] == pair[1]), "{tickets:?}");
    }
    assert_eq!(w.dump().await?.all::<Ticket>().len(), 5);
    Ok(())
}

/// Of different commands under one key at once one happens; the others are told that the key is used.
pub async fn of_different_commands_at_once_one_has_the_key(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let desks = w.in_step::<16>();
    let results = race(16, |number| {
        let agent = desks[number].agent(w.agent.actor()).keyed("one");
        async move { agent.open_ticket(NewTicket::new(format!("No. {number}"))).await }
    })
    .await;
    let first = one_wins(results, |_| Error::KeyReused);
    assert_eq!(w.dump().await?.all::<Ticket>(), [first]);
    Ok(())
}
