//! Forgetting the oldest events: what is gone, what stays, and who is told.

use super::prelude::*;
use crate::store::{FeedPage, FeedQuery, ReadSet};

async fn all_events(w: &World) -> Result<Vec<Event>> {
    Ok(w.admin.events(&EventQuery::since(Since::Oldest).limit(limits::PAGE_SIZE_MAX)).await?.events)
}

async fn adas_events(w: &World) -> Result<Vec<OwnEvent>> {
    Ok(w.ada.events(&EventQuery::since(Since::Oldest).limit(limits::PAGE_SIZE_MAX)).await?.events)
}

/// What was trimmed is gone, the rest stays; who had not read it is told so, with where to go on.
pub async fn what_was_trimmed_is_told_as_missed(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let beginning = w.admin.events(&EventQuery::since(Since::Oldest).limit(1)).await?.position;
    let adas = w.ada.events(&Since::Now.into()).await?.position;
    for _ in 0..3 {
        w.rated(Stars::Three).await?;
    }
    let all = all_events(&w).await?;
    let own = adas_events(&w).await?;
    let cut = all[8].entries[0].recorded_at;
    assert_eq!(w.desk.trim(cut).await?, 8, "those before");
    let kept = all_events(&w).await?;
    assert_eq!(kept, all[8..]);
    // Who stands at the cut goes on; who stands before it has missed something.
    assert_eq!(w.admin.events(&all[7].position.clone().into()).await?.events, all[8..]);
    for missed in [&beginning, &all[6].position] {
        let Err(Error::PositionExpired { resume }) = w.admin.events(&missed.clone().into()).await else {
            panic!("{missed} was trimmed")
        };
        assert_eq!(w.admin.events(&resume.into()).await?.events, all[8..]);
        refused_like!(w.agent.watch(missed.clone()).await.map(drop), Error::PositionExpired { .. });
    }
    // Of Ada's, the first and the submission before the cut are gone.
    let left: Vec<OwnEvent> = own.iter().filter(|event| event.updates[0].occurred_at >= cut).cloned().collect();
    assert_eq!(adas_events(&w).await?, left);
    refused_like!(w.ada.events(&adas.into()).await, Error::PositionExpired { .. });
    // History is not forgotten, and nothing else changed.
    assert_eq!(w.desk.trim(cut).await?, 0);
    w.sound().await
}

/// The newest event always stays, and places go on where they were: also a customer's of whom no event is left.
pub async fn places_go_on_after_everything_was_trimmed(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    w.ada.open_ticket(OwnTicket::new("Mine")).await?;
    let adas = w.ada.events(&Since::Now.into()).await?.position;
    w.agent.open_ticket(NewTicket::new("Nobody's")).await?;
    for round in 0..4_u64 {
        let newest = w.admin.events(&Since::Now.into()).await?.position;
        w.desk.trim(Timestamp::MAX).await?;
        assert_eq!(all_events(&w).await?.len(), 1, "the newest stays");
        assert_eq!(w.admin.events(&Since::Now.into()).await?.position, newest);
        // Ada's are all gone, and none was missed: hers stands where it stood.
        assert_eq!(w.ada.events(&Since::Oldest.into()).await?.events, [], "round {round}");
        let stands = w.ada.events(&Since::Now.into()).await?.position;
        assert_eq!(stands.read(Some(w.ada.actor()))?.place, 2 + round);
        if round == 0 {
            assert_eq!(stands, adas);
        }
        w.ada.open_ticket(OwnTicket::new("Mine again")).await?;
        let told = w.ada.events(&stands.into()).await?.events;
        assert_eq!(told.len(), 1, "round {round}: {told:?}");
        audit(&w.store).await?;
        w.agent.open_ticket(NewTicket::new("Nobody's again")).await?;
        audit(&w.store).await?;
    }
    // Who stood there all the while has missed three of four.
    refused_like!(w.ada.events(&adas.into()).await, Error::PositionExpired { .. });
    Ok(())
}

/// The store itself gives no events to whoever asks for what lies behind a place that was trimmed: some are missed, so that
/// none of those that are left is the next.
pub async fn a_place_before_the_oldest_is_given_nothing(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..3 {
        w.ada.open_ticket(OwnTicket::new("Mine")).await?;
        w.agent.open_ticket(NewTicket::new("Nobody's")).await?;
    }
    let cut = all_events(&w).await?[9].entries[0].recorded_at;
    assert_eq!(w.desk.trim(cut).await?, 9);
    let ask = async |customer, after, limit| -> Result<FeedPage> {
        let query = FeedQuery { customer, after, entities: Vec::new(), limit, rows: false };
        let answers = w.store.read(ReadSet { feed: Some(query), ..ReadSet::default() }).await?;
        Ok(answers.feed.unwrap_or_default())
    };
    for (customer, oldest, newest) in [(None, 9, 12), (Some(w.ada.actor()), 3, 4)] {
        let whole = ask(customer, None, 100).await?;
        assert_eq!((whole.oldest, whole.newest, whole.resume), (oldest, newest, newest));
        let places: Vec<u64> = whole.events.iter().map(|event| event.place).collect();
        assert_eq!(places, (oldest + 1..=newest).collect::<Vec<_>>());
        for after in 0..oldest {
            for limit in [0, 1, 100] {
                let page = ask(customer, Some(after), limit).await?;
                assert_eq!(page.events, [], "behind {after}, of which the next was trimmed");
                assert_eq!((page.oldest, page.newest, page.resume), (oldest, newest, after));
            }
        }
        for after in oldest..=newest {
            let page = ask(customer, Some(after), 100).await?;
            let behind = usize::try_from(after - oldest).unwrap_or(usize::MAX);
            assert_eq!(page.events, whole.events[behind..], "behind {after}");
        }
    }
    Ok(())
}

/// Trimming goes by the time that the desk recorded, and takes any number of events.
pub async fn a_long_feed_is_trimmed_in_parts(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let count = limits::TRIM_BATCH + 20;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    for _ in 0..count {
        w.agent.touch_ticket(ticket).await?;
    }
    assert_eq!(w.desk.trim(Timestamp::MIN).await?, 0);
    let trimmed = w.desk.trim(Timestamp::MAX).await?;
    assert_eq!(trimmed, 7 + count - 1);
    assert_eq!(all_events(&w).await?.len(), 1);
    Ok(())
}

/// A watch that nobody asks holds nobody up and is not cut off; a watch of which events were trimmed is told so.
pub async fn a_slow_watch_is_told_what_it_missed(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let mut slow = w.admin.watch(Since::Now).await?;
    let mut slower = w.ada.watch(Since::Now).await?;
    let most = limits::WATCH_PAGE * 2;
    for _ in 0..most {
        w.agent.touch_ticket(ticket).await?;
    }
    // It has all of it still.
    slow.next().await?;
    w.desk.trim(Timestamp::MAX).await?;
    // What it had read already it still tells; then it knows that some are gone.
    for _ in 1..limits::WATCH_PAGE {
        slow.next().await?;
    }
    let Err(Error::PositionExpired { resume }) = slow.next().await else { panic!("events were trimmed") };
    refused_like!(slow.next().await, Error::PositionExpired { .. });
    let mut again = w.admin.watch(resume).await?;
    again.next().await?;
    assert_eq!(again.try_next().await?, None, "one was left");
    refused_like!(slower.next().await, Error::PositionExpired { .. });
    Ok(())
}
