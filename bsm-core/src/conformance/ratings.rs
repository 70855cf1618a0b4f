//! Ratings: by the customer, of what was fulfilled, once.

use super::prelude::*;

/// A rating is of its request's service and customer; the request names it, and says that it is rated.
pub async fn a_rating_is_of_its_request(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for stars in Stars::ALL.iter().copied() {
        let request = w.request_in(RequestStatus::Fulfilled, true).await?;
        let rating = w.ada.rate(request.id, stars, " Fine.\r\nThanks! ").await?;
        assert_eq!((rating.service_id, rating.customer_id), (w.server, w.ada.actor()));
        assert_eq!((rating.rating, rating.review.as_str()), (stars, "Fine.\nThanks!"));
        assert_eq!(w.agent.rating(rating.id).await?, rating);
        let after = w.ada.request(request.id).await?;
        let expected = ServiceRequest {
            rating_id: Some(rating.id),
            rated: true,
            version: request.version.next(),
            updated_at: rating.updated_at,
            ..request
        };
        assert_eq!(after, expected);
    }
    w.sound().await
}

/// Only what was fulfilled can be rated.
pub async fn only_what_was_fulfilled_is_rated(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for status in RequestStatus::ALL.iter().copied().filter(|status| *status != RequestStatus::Fulfilled) {
        let request = w.request_in(status, true).await?;
        let refusal = Error::NotFulfilled { request: request.id, status };
        w.refuses(w.ada.rate(request.id, Stars::Five, ""), refusal).await?;
    }
    Ok(())
}

/// A request is rated once, even if the rating was deleted since: the request stays marked.
pub async fn a_request_is_rated_once_and_for_all(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (request, rating) = w.rated(Stars::One).await?;
    let refusal = |rating| Error::AlreadyRated { request: request.id, rating };
    w.refuses(w.ada.rate(request.id, Stars::Five, "Better"), refusal(Some(rating.id))).await?;
    w.admin.delete_rating(rating.id).await?;
    let after = w.ada.request(request.id).await?;
    let expected =
        ServiceRequest { rating_id: None, version: request.version.next(), updated_at: after.updated_at, ..request };
    assert_eq!(after, expected);
    assert!(after.rated);
    w.refuses(w.ada.rate(request.id, Stars::Five, "Better"), refusal(None)).await?;
    w.refuses(w.agent.rating(rating.id), Error::not_found(rating.id)).await?;
    w.refuses(w.admin.delete_rating(rating.id), Error::not_found(rating.id)).await?;
    let actions: Vec<Action> =
        every_entry(&w.store, rating.id.into()).await?.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::Created, Action::Deleted], "what was deleted keeps its history");
    Ok(())
}

/// Of many ratings of one request at once one is kept. Proves the version that the request is written with.
pub async fn of_many_ratings_at_once_one_is_kept(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for _ in 0..5 {
        let request = w.request_in(RequestStatus::Fulfilled, false).await?;
        let desks = w.in_step::<16>();
        let results = race(16, |number| {
            let ada = desks[number].customer(w.ada.actor());
            let stars = Stars::ALL[number % 5];
            async move { ada.rate(request.id, stars, "").await }
        })
        .await;
        let rating = one_wins(results, |won| Error::AlreadyRated { request: request.id, rating: Some(won.id) });
        assert_eq!(w.agent.request(request.id).await?.rating_id, Some(rating.id));
    }
    assert_eq!(w.dump().await?.all::<Rating>().len(), 5);
    assert_eq!(w.agent.rating_figures(Some(w.laptop)).await?.count(), 5);
    w.sound().await
}

/// Figures follow every rating and every deletion, for a service and for all.
pub async fn figures_follow_every_rating(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let empty = w.agent.rating_figures(None).await?;
    assert_eq!((empty.count(), empty.mean(), empty.satisfaction()), (0, None, None));
    for stars in [5, 5, 5, 4, 4, 3] {
        w.rated(Stars::new(stars)?).await?;
    }
    let other = w.request_in(RequestStatus::Fulfilled, true).await?;
    let worst = w.ada.rate(other.id, Stars::One, "Never again").await?;
    let laptop = w.agent.rating_figures(Some(w.laptop)).await?;
    assert_eq!(laptop.distribution, [0, 0, 1, 2, 3]);
    assert_eq!(laptop.mean().map(|mean| mean.to_string()).as_deref(), Some("4.33"));
    assert_eq!(laptop.satisfaction().map(|share| share.to_string()).as_deref(), Some("0.8333"));
    assert_eq!(w.agent.rating_figures(Some(w.server)).await?.distribution, [1, 0, 0, 0, 0]);
    let all = w.agent.rating_figures(None).await?;
    assert_eq!(all.distribution, [1, 0, 1, 2, 3]);
    assert_eq!(w.agent.summary().await?.ratings, all);
    w.agent.delete_rating(worst.id).await?;
    assert_eq!(w.agent.rating_figures(None).await?, laptop);
    assert_eq!(w.agent.rating_figures(Some(w.server)).await?.count(), 0);
    let nothing = ServiceId::from_uuid(w.ada.actor().as_uuid());
    assert_eq!(w.agent.rating_figures(Some(nothing)).await?.count(), 0);
    Ok(())
}
