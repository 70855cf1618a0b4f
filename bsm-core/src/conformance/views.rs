//! The views: what stands in a row, joined with what it names.

use super::prelude::*;

fn person(user: &User) -> Person {
    Person { id: user.id, full_name: user.full_name.clone(), email: user.email.clone() }
}

/// Tickets and requests stand in one list, newest first; a converted request and its ticket both, each with the other's
/// id.
pub async fn the_unified_view_has_both_with_each_others_ids(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ada = w.agent.user(w.ada.actor()).await?;
    let (theo, ben) = (w.agent.user(w.agent.actor()).await?, w.agent.user(w.ben.actor()).await?);
    let alone = w.request(true).await?;
    let (request, ticket) = w.converted().await?;
    let other = NewTicket {
        category: Some("mail".to_owned()),
        assigned_to: Some(theo.id),
        requested_for: Some(ben.id),
        status: TicketStatus::OnHold(HoldReason::Customer),
        ..NewTicket::new("No mail")
    };
    let other = w.agent.open_ticket(other).await?;
    let nobodys = w.agent.open_ticket(NewTicket::new("Nobody's")).await?;
    let of_ticket = |ticket: &Ticket, customer, assigned_to| UnifiedTicket {
        source: Source::Ticket,
        ticket_id: Some(ticket.id),
        request_id: ticket.request_id,
        number: ticket.number.to_string(),
        title: ticket.title.clone(),
        status: WorkStatus::Ticket(ticket.status),
        phase: ticket.phase(),
        priority: Some(ticket.priority),
        category: ticket.category.clone(),
        customer,
        assigned_to,
        service_id: None,
        created_at: ticket.id.created_at(),
        updated_at: ticket.updated_at,
    };
    let of_request = |request: &ServiceRequest, title: &str| UnifiedTicket {
        source: Source::Request,
        ticket_id: request.ticket_id,
        request_id: Some(request.id),
        number: request.number.to_string(),
        title: title.to_owned(),
        status: WorkStatus::Request(request.status),
        phase: request.phase(),
        priority: None,
        category: None,
        customer: Some(person(&ada)),
        assigned_to: None,
        service_id: Some(request.service_id),
        created_at: request.id.created_at(),
        updated_at: request.updated_at,
    };
    let page = w.admin.unified(&Query::default()).await?;
    let expected = [
        of_ticket(&nobodys, None, None),
        of_ticket(&other, Some(person(&ben)), Some(person(&theo))),
        of_ticket(&ticket, Some(person(&ada)), None),
        of_request(&request, "Laptop"),
        of_request(&alone, "Server"),
    ];
    assert_eq!(page.rows, expected);
    assert_eq!((page.next, page.previous), (None, None));
    assert_eq!((request.ticket_id, ticket.request_id), (Some(ticket.id), Some(request.id)));
    assert_eq!(w.ada.unified(&Query::default()).await?.rows, expected[2..]);
    assert_eq!(w.agent.unified(&Query::default()).await?.rows, expected);
    // Customers are not told who works on their ticket.
    let his = UnifiedTicket { assigned_to: None, ..expected[1].clone() };
    assert_eq!(w.ben.unified(&Query::default()).await?.rows, [his]);
    Ok(())
}

/// Views name people and services as they are called today, and carry the figures of the day.
pub async fn views_follow_a_rename(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    w.rated(Stars::Five).await?;
    w.converted().await?;
    let rename = UserChange {
        full_name: Some("Ada Lovelace".to_owned()),
        email: Some("ada@lovelace.example".to_owned()),
        ..UserChange::default()
    };
    let ada = person(&w.admin.change_user(w.ada.actor(), rename).await?);
    let rename = ServiceChange { name: Some("Notebook".to_owned()), ..ServiceChange::default() };
    w.admin.change_service(w.laptop, rename).await?;
    for row in w.admin.unified(&Query::default()).await?.rows {
        assert_eq!(row.customer.as_ref(), Some(&ada));
        // A ticket's title is its own; a request is called by its service.
        let title = if row.source == Source::Ticket { "Laptop" } else { "Notebook" };
        assert_eq!(row.title, title);
    }
    for row in w.admin.request_rows(&Query::default()).await?.rows {
        assert_eq!((row.service_name.as_str(), &row.customer), ("Notebook", &ada));
    }
    for row in w.admin.rating_rows(&Query::default()).await?.rows {
        assert_eq!((row.service_name.as_str(), &row.customer), ("Notebook", &ada));
    }
    Ok(())
}

/// A row of requests has the service, the price of its day, the customer, and how long it took.
pub async fn request_rows_have_service_price_customer_and_timing(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ada = person(&w.agent.user(w.ada.actor()).await?);
    let submitted: Timestamp = "2026-02-01T10:00:00Z".parse()?;
    let agent = w.agent.at(submitted);
    let first = agent.submit_request_for(NewRequest::new(w.laptop, w.ada.actor())).await?;
    let done = submitted.plus_micros(3_725_999_999);
    let first = w.agent.at(done).fulfil_request(first.id).await?;
    let second = w.request(true).await?;
    let rows = w.admin.request_rows(&Query::default()).await?.rows;
    let expected = [
        RequestRow {
            submitted_at: second.id.created_at(),
            request: second,
            service_name: "Server".to_owned(),
            service_category: "hosting".to_owned(),
            customer: ada.clone(),
            seconds_to_fulfil: None,
        },
        RequestRow {
            submitted_at: submitted,
            request: first,
            service_name: "Laptop".to_owned(),
            service_category: "hardware".to_owned(),
            customer: ada,
            seconds_to_fulfil: Some(3_725),
        },
    ];
    assert_eq!(rows, expected);
    Ok(())
}

/// A row of ratings has the service, the customer, the stars and the review; the list is also kept by each of the two.
pub async fn rating_rows_have_service_and_customer(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (ada, ben) = (w.agent.user(w.ada.actor()).await?, w.agent.user(w.ben.actor()).await?);
    let (_, first) = w.rated(Stars::Two).await?;
    let request = w.ben.submit_request(SubmitRequest::new(w.server)).await?;
    w.admin.approve_request(request.id).await?;
    w.agent.fulfil_request(request.id).await?;
    let second = w.ben.rate(request.id, Stars::Five, "Grand").await?;
    let row = |rating: &Rating, service: &str, customer: &User| RatingRow {
        rating: rating.clone(),
        service_name: service.to_owned(),
        customer: person(customer),
        rated_at: rating.id.created_at(),
    };
    let (first, second) = (row(&first, "Laptop", &ada), row(&second, "Server", &ben));
    let list = |listing| Query::of(listing);
    assert_eq!(w.admin.rating_rows(&list(RatingListing::All)).await?.rows, [second.clone(), first.clone()]);
    let of_laptop = w.admin.rating_rows(&list(RatingListing::Service(w.laptop))).await?;
    assert_eq!(of_laptop.rows, std::slice::from_ref(&first));
    let of_ben = w.admin.rating_rows(&list(RatingListing::Customer(ben.id))).await?;
    assert_eq!(of_ben.rows, [second]);
    assert_eq!(w.ada.ratings(&Query::default()).await?.rows, [first.rating]);
    Ok(())
}
