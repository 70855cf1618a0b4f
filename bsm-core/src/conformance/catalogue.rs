//! The catalogue: services come, change and retire; what was asked for stays as it was.

use super::prelude::*;

/// A service is as it was entered, its price at its currency's scale.
pub async fn a_service_is_as_it_was_entered(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for (price, kept) in [("0 EUR", "0.00 EUR"), ("5.5 KWD", "5.500 KWD"), ("1000000000 JPY", "1000000000 JPY")] {
        let new = NewService {
            description: "With a bag.\nOr two.".to_owned(),
            needs_approval: true,
            ..NewService::new(" Tablet ", " hardware ", price.parse()?)
        };
        let service = w.admin.create_service(new).await?;
        assert_eq!((service.name.as_str(), service.category.as_str()), ("Tablet", "hardware"));
        assert_eq!((service.price.to_string().as_str(), service.active, service.needs_approval), (kept, true, true));
        assert_eq!(w.agent.service(service.id).await?, service);
        assert_eq!(w.ada.service(service.id).await?, service);
    }
    Ok(())
}

/// A request keeps the price, the currency and the need of approval of the day on which it was submitted.
pub async fn a_change_of_the_catalogue_rewrites_no_request(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let before = w.request(false).await?;
    let change = ServiceChange {
        name: Some("Notebook".to_owned()),
        price: Some("60 USD".parse()?),
        needs_approval: Some(true),
        ..ServiceChange::default()
    };
    let service = w.admin.change_service(w.laptop, change).await?;
    assert_eq!((service.name.as_str(), service.price.to_string().as_str()), ("Notebook", "60.00 USD"));
    assert_eq!((service.category.as_str(), service.version), ("hardware", Version(2)));
    assert_eq!(w.ada.request(before.id).await?, before);
    assert_eq!(w.agent.fulfil_request(before.id).await?.price.to_string(), "49.90 EUR");
    let after = w.request(false).await?;
    assert_eq!((after.price.to_string().as_str(), after.needs_approval), ("60.00 USD", true));
    assert_eq!(after.status, RequestStatus::Submitted);
    refused_like!(w.agent.fulfil_request(after.id).await, Error::IllegalMove { .. });
    let revenue: Vec<String> =
        w.admin.summary().await?.revenue.iter().map(|sum| format!("{} {}", sum.amount, sum.currency)).collect();
    assert_eq!(revenue, ["49.90 EUR"]);
    Ok(())
}

/// A retired service can't be asked for, by anybody; its requests go on; it can come back.
pub async fn a_retired_service_cannot_be_asked_for(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let before = w.request(false).await?;
    let retired = w.admin.retire_service(w.laptop).await?;
    assert!(!retired.active);
    let refusal = || Error::ServiceRetired { service: w.laptop };
    w.refuses(w.ada.submit_request(SubmitRequest::new(w.laptop)), refusal()).await?;
    let call = w.agent.submit_request_for(NewRequest::new(w.laptop, w.ben.actor()));
    w.refuses(call, refusal()).await?;
    assert_eq!(w.agent.fulfil_request(before.id).await?.status, RequestStatus::Fulfilled);
    w.ada.rate(before.id, Stars::Five, "").await?;
    let ids = |page: Page<Service>| page.rows.iter().map(|service| service.id).collect::<Vec<_>>();
    assert_eq!(ids(w.ada.services(&Query::default()).await?), [w.server]);
    assert_eq!(ids(w.ada.services(&Query::of(CatalogueListing::Category("hardware".to_owned()))).await?), []);
    assert_eq!(ids(w.agent.services(&Query::of(ServiceListing::Active(false))).await?), [w.laptop]);
    assert_eq!(w.ada.service(w.laptop).await?, retired, "who asked for it may look at it");
    let summary = w.admin.summary().await?;
    assert_eq!((summary.active_services, summary.retired_services), (1, 1));
    let back = ServiceChange { active: Some(true), ..ServiceChange::default() };
    w.admin.change_service(w.laptop, back).await?;
    w.ada.submit_request(SubmitRequest::new(w.laptop)).await?;
    Ok(())
}

/// Usage tells each service's requests by status and its ratings, and follows every change.
pub async fn usage_counts_requests_by_status_and_ratings(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    w.request(false).await?;
    w.request_in(RequestStatus::Cancelled, false).await?;
    w.rated(Stars::Three).await?;
    let (converted, ticket) = w.converted().await?;
    w.request_in(RequestStatus::Approved, true).await?;
    let query = Query::<ServiceListing>::default().order(Order::OldestFirst);
    let usage = w.admin.service_usage(&query).await?.rows;
    assert_eq!(usage.iter().map(|usage| usage.service.id).collect::<Vec<_>>(), [w.laptop, w.server]);
    let counts =
        |usage: &ServiceUsage| usage.requests.iter().map(|(status, count)| (*status, *count)).collect::<Vec<_>>();
    let expected = [
        (RequestStatus::Submitted, 1),
        (RequestStatus::InProgress, 1),
        (RequestStatus::Fulfilled, 1),
        (RequestStatus::Cancelled, 1),
    ];
    assert_eq!(counts(&usage[0]), expected);
    assert_eq!(usage[0].ratings.distribution, [0, 0, 1, 0, 0]);
    assert_eq!(counts(&usage[1]), [(RequestStatus::Approved, 1)]);
    assert_eq!(usage[1].ratings.count(), 0);
    w.agent.resolve_ticket(ticket.id).await?;
    let usage = w.admin.service_usage(&query).await?.rows;
    assert_eq!(usage[0].requests.get(&RequestStatus::Fulfilled), Some(&2), "{converted:?}");
    assert_eq!(usage[0].requests.get(&RequestStatus::InProgress), None, "a status without any is absent");
    let too_many = limits::USAGE_BATCH_MAX + 1;
    let range = Reason::OutOfRange { min: "1".to_owned(), max: limits::USAGE_BATCH_MAX.to_string() };
    refused(w.admin.service_usage(&query.limit(too_many)).await, &Error::invalid("limit", range));
    Ok(())
}

/// A service that nobody ever asked for can be deleted.
pub async fn an_unused_service_is_deleted(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    w.admin.delete_service(w.server).await?;
    w.refuses(w.admin.delete_service(w.server), Error::not_found(w.server)).await?;
    w.refuses(w.ada.service(w.server), Error::not_found(w.server)).await?;
    let missing = Error::MissingParent { relation: Relation::RequestService, parent: w.server.into() };
    w.refuses(w.ada.submit_request(SubmitRequest::new(w.server)), missing).await
}
