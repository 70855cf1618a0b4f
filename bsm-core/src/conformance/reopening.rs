//! Durable stores: what was acknowledged is there when the desk is opened again.

use super::Place;
use super::prelude::*;
use crate::store::{FeedPage, FeedQuery, ReadSet};

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

/// All that is kept of a feed.
async fn feed(store: &Arc<dyn Store>, customer: Option<UserId>) -> Result<FeedPage> {
    let query = FeedQuery { customer, after: None, entities: Vec::new(), limit: 1_000, rows: false };
    Ok(store.read(ReadSet { feed: Some(query), ..ReadSet::default() }).await?.feed.unwrap_or_default())
}

/// A desk can be closed and opened again many times, and goes on each time. So do its feeds: of the same epoch, behind the
/// positions that were kept, and without what was trimmed.
pub async fn a_desk_can_be_opened_many_times(place: &Place) -> Outcome {
    let desk = crate::Desk::new(Arc::clone(place.store()));
    let admin = desk.bootstrap(NewUser::new("Nora Lind", "nora@desk.example", Role::Admin)).await?.id;
    let ada = desk.admin(admin).create_user(NewUser::new("Ada", "ada@customer.example", Role::Customer)).await?.id;
    let positions = async |desk: &crate::Desk| -> Result<_> {
        let desks = desk.admin(admin).events(&Since::Now.into()).await?.position;
        Ok((desks, desk.customer(ada).events(&Since::Now.into()).await?.position))
    };
    let mut kept = positions(&desk).await?;
    let mut stood = (feed(place.store(), None).await?, feed(place.store(), Some(ada)).await?);
    place.store().close().await?;
    drop(desk);
    for round in 0..5 {
        let store = place.again().await?;
        let desk = crate::Desk::new(Arc::clone(&store));
        let stands = (feed(&store, None).await?, feed(&store, Some(ada)).await?);
        assert_eq!(stands, stood, "the feeds are as they were, epoch and all");
        assert_eq!(positions(&desk).await?, kept);
        let (desks, own) = &kept;
        let ticket = desk.customer(ada).open_ticket(OwnTicket::new(format!("Round {round}"))).await?.id;
        let told = desk.admin(admin).events(&desks.clone().into()).await?.events;
        assert_eq!(told.iter().map(|event| event.entries[0].key).collect::<Vec<_>>(), [Key::from(ticket)]);
        let told = desk.customer(ada).events(&own.clone().into()).await?.events;
        assert_eq!(told.iter().map(|event| event.updates[0].key).collect::<Vec<_>>(), [Key::from(ticket)]);
        assert_eq!(desk.admin(admin).summary().await?.ticket_count(), round + 1);
        refused(
            desk.bootstrap(NewUser::new("Other", "other@desk.example", Role::Admin)).await,
            &Error::AlreadyBootstrapped,
        );
        audit(&store).await?;
        // In some rounds events gather before they go.
        if store.capabilities().trims && round % 2 == 1 {
            assert!(desk.trim(Timestamp::MAX).await? > 0);
        }
        kept = positions(&desk).await?;
        stood = (feed(&store, None).await?, feed(&store, Some(ada)).await?);
        desk.close().await?;
    }
    Ok(())
}
