//! Recounting everything: a desk on which all went through its portals holds together, also while it is worked on.

use std::sync::atomic::{AtomicBool, Ordering};

use super::lively::lively;
use super::prelude::*;

/// Whatever happened on a desk, it holds together; and all of it was looked at.
pub async fn a_lively_desk_holds_together(store: Arc<dyn Store>) -> Outcome {
    let w = lively(store).await?;
    let dump = w.dump().await?;
    let found = w.desk.verify().await?;
    assert!(found.is_clean(), "{:#?}", found.differences);
    assert_eq!(found.rows, dump.rows.len() as u64);
    // History outlives its row.
    assert!(found.history >= dump.history.values().map(Vec::len).sum::<usize>() as u64, "{found:?}");
    assert_eq!(found.counters, dump.counters.len() as u64);
    assert!(found.events > 0, "{found:?}");
    Ok(())
}

/// What happens meanwhile makes no difference.
pub async fn a_desk_holds_together_while_it_is_worked_on(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let over = Arc::new(AtomicBool::new(false));
    let mut at_work = Vec::new();
    for _ in 0..3 {
        let (agent, ada, over) = (w.agent.clone(), w.ada.clone(), Arc::clone(&over));
        at_work.push(tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let ticket = ada.open_ticket(OwnTicket::new("Again")).await?;
                agent.assign_ticket(ticket.id, agent.actor()).await?;
                agent.resolve_ticket(ticket.id).await?;
            }
            Ok::<(), Error>(())
        }));
    }
    for _ in 0..5 {
        let found = w.desk.verify().await?;
        assert!(found.is_clean(), "{:#?}", found.differences);
    }
    over.store(true, Ordering::SeqCst);
    for work in at_work {
        match work.await {
            Ok(done) => done?,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    Ok(())
}
