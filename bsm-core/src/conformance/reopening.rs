//! Durable stores: what was acknowledged is there when the desk is opened again.

use super::Place;
use super::prelude::*;

/// Everything is as it was: rows, history, counters, numbers, idempotency keys.
pub async fn what_was_acknowledged_is_there_again(place: &Place) -> Outcome {
    let w = World::new(Arc::clone(place.store())).await?;
    w.rated(Stars::Four).await?;
    w.converted().await?;
    let keyed = w.agent.keyed("k").open_ticket(NewTicket::new("Once")).await?;
    let (clock, agent) = (Arc::clone(&w.clock), w.agent.actor());
    let before = w.dump().await?;
    w.store.close().await?;
    drop(w);
    let store = place.again().await?;
    assert_eq!(Dump::of(&store).await?, before);
    audit(&store).await?;
    let ids = Arc::new(crate::SeededIds::new(77));
    let desk = crate::Desk::builder(Arc::clone(&store)).clock(clock).ids(ids).build();
    let agent = desk.agent(agent);
    assert_eq!(agent.keyed("k").open_ticket(NewTicket::new("Once")).await?, keyed);
    let next = agent.open_ticket(NewTicket::new("Next")).await?;
    assert!(next.number > keyed.number);
    audit(&store).await?;
    store.close().await?;
    Ok(())
}

/// A desk can be closed and opened again many times, and goes on each time.
pub async fn a_desk_can_be_opened_many_times(place: &Place) -> Outcome {
    let admin = {
        let desk = crate::Desk::new(Arc::clone(place.store()));
        desk.bootstrap(NewUser::new("Nora Lind", "nora@desk.example", Role::Admin)).await?.id
    };
    place.store().close().await?;
    for round in 0..5 {
        let store = place.again().await?;
        let desk = crate::Desk::new(Arc::clone(&store));
        desk.admin(admin).open_ticket(NewTicket::new(format!("Round {round}"))).await?;
        assert_eq!(desk.admin(admin).summary().await?.ticket_count(), round + 1);
        refused(
            desk.bootstrap(NewUser::new("Other", "other@desk.example", Role::Admin)).await,
            &Error::AlreadyBootstrapped,
        );
        audit(&store).await?;
        desk.close().await?;
    }
    Ok(())
}
