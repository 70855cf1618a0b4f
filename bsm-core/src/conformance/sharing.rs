//! Shared stores: two that have one desk open are one desk.

use super::Place;
use super::prelude::*;

/// What is acknowledged through one is seen through the other by its stamp, and the other way round.
pub async fn a_second_store_sees_by_stamp(place: &Place) -> Outcome {
    let w = World::new(Arc::clone(place.store())).await?;
    let second = place.again().await?;
    let other = crate::Desk::builder(Arc::clone(&second)).clock(Arc::<crate::SteppingClock>::clone(&w.clock)).build();
    for _ in 0..20 {
        let ticket = w.agent.open_ticket(NewTicket::new("Seen")).await?;
        let Some(stamp) = w.agent.last_stamp() else { panic!("a command leaves a stamp") };
        let admin = other.admin(w.admin.actor()).seeing(stamp);
        assert_eq!(admin.ticket(ticket.id).await?, ticket);
        let resolved = admin.resolve_ticket(ticket.id).await?;
        let Some(stamp) = admin.last_stamp() else { panic!("a command leaves a stamp") };
        assert_eq!(w.agent.seeing(stamp).ticket(ticket.id).await?, resolved);
    }
    second.close().await?;
    w.sound().await
}

/// Commands through both at once are one after another: no update is lost, one conversion wins, counters are exact.
pub async fn commands_through_two_stores_are_serial(place: &Place) -> Outcome {
    let w = World::new(Arc::clone(place.store())).await?;
    let second = place.again().await?;
    let other = crate::Desk::builder(Arc::clone(&second)).clock(Arc::<crate::SteppingClock>::clone(&w.clock)).build();
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let request = w.request(false).await?.id;
    let results = race(limits::COMMAND_ATTEMPTS, |number| {
        let desk = if number.is_multiple_of(2) { w.another_desk() } else { other.clone() };
        let agent = desk.agent(w.agent.actor());
        async move {
            agent.touch_ticket(ticket).await?;
            Ok::<_, Error>(agent.make_ticket(request, TicketFromRequest::default()).await.is_ok())
        }
    })
    .await;
    let mut conversions = 0;
    for result in results {
        conversions += usize::from(result?);
    }
    assert_eq!(conversions, 1);
    let expected = u64::try_from(limits::COMMAND_ATTEMPTS).unwrap_or(u64::MAX) + 1;
    assert_eq!(w.agent.ticket(ticket).await?.version, Version(expected));
    second.close().await?;
    w.sound().await
}
