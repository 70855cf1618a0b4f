//! Stamps: a read that carries one sees at least the commit that it marks, through whichever handle.

use super::prelude::*;
use crate::store::Stamp;

/// Every command leaves a stamp on the handle it was made through and on those made from it; a read has none.
pub async fn a_command_leaves_its_stamp(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let fresh = w.desk.agent(w.agent.actor());
    assert_eq!(fresh.last_stamp(), None);
    fresh.summary().await?;
    assert_eq!(fresh.last_stamp(), None);
    fresh.keyed("k").open_ticket(NewTicket::new("One")).await?;
    let stamp = fresh.last_stamp();
    assert!(stamp.is_some());
    refused_like!(fresh.open_ticket(NewTicket::new("")).await, Error::Invalid { .. });
    assert_eq!(fresh.last_stamp(), stamp, "a refused command leaves none");
    Ok(())
}

/// A handle of another desk over the same store that is given a stamp sees the command, also when the stamp was kept as
/// bytes in between.
pub async fn a_stamp_makes_any_handle_see(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for round in 0..10 {
        let ticket = w.ada.open_ticket(OwnTicket::new(format!("Round {round}"))).await?;
        let Some(stamp) = w.ada.last_stamp() else { panic!("a command leaves a stamp") };
        let kept = Stamp::from_bytes(stamp.as_bytes());
        assert_eq!(kept, stamp);
        let desk = w.another_desk();
        let admin = desk.admin(w.admin.actor()).seeing(kept);
        assert_eq!(admin.ticket(ticket.id).await?, ticket);
        assert_eq!(admin.unified(&Query::default()).await?.rows.len(), round + 1);
        // A command sees it too.
        admin.resolve_ticket(ticket.id).await?;
        let ada = desk.customer(w.ada.actor()).seeing(stamp);
        assert_eq!(ada.ticket(ticket.id).await?.status, TicketStatus::Resolved, "a later commit is no hindrance");
    }
    Ok(())
}
