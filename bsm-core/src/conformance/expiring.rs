//! Positions that are expired because somebody says so.

use super::prelude::*;
use super::watching::{own_rows, rows};

/// Whoever expires the positions of a desk, since it was restored from a copy, has every reader told; the feed goes on.
pub async fn positions_are_expired_when_somebody_says_so(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    w.ada.submit_request(SubmitRequest::new(w.laptop)).await?;
    let kept = w.desk.events(&Since::Now.into()).await?.position;
    let of_ada = w.ada.events(&Since::Now.into()).await?.position;
    let mut sleeping = (w.desk.watch(Since::Now).await?, w.ada.watch(Since::Now).await?);
    let asleep = tokio::spawn(async move { (sleeping.0.next().await, sleeping.1.next().await) });
    w.desk.expire_positions().await?;
    let resume = match w.desk.watch(kept.clone()).await {
        Err(Error::PositionExpired { resume }) => resume,
        other => panic!("expected an expired position, got {other:?}"),
    };
    let (of_desk, of_customer) = match asleep.await {
        Ok(told) => told,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    assert!(matches!(of_desk, Err(Error::PositionExpired { .. })), "{of_desk:?}");
    assert!(matches!(of_customer, Err(Error::PositionExpired { .. })), "{of_customer:?}");
    let mut again = w.desk.watch(resume).await?;
    assert!(again.next().await?.position != kept, "what is kept is told again, from its beginning");
    refused_like!(w.ada.watch(of_ada).await, Error::PositionExpired { .. });
    let (mut watch, mut ada) = (w.desk.watch(Since::Now).await?, w.ada.watch(Since::Now).await?);
    let request = w.ada.submit_request(SubmitRequest::new(w.laptop)).await?;
    assert_eq!(rows(&watch.next().await?), [request.id.into()].into());
    assert_eq!(own_rows(&ada.next().await?), [request.id.into()].into());
    Ok(())
}
