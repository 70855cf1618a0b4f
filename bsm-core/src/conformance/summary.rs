//! The summary: totals that are kept with every commit, against a recount of everything.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::crowd::Crowd;
use super::prelude::*;

/// What a summary must be, counted row by row.
fn recount(dump: &Dump) -> Summary {
    let mut expected = Summary::default();
    let mut revenue: BTreeMap<Currency, Decimal> = BTreeMap::new();
    for row in dump.rows.values() {
        match row {
            Row::User(user) => {
                *expected.users.entry(user.role).or_default() += 1;
                expected.active_users += u64::from(user.active);
            }
            Row::Ticket(ticket) => *expected.tickets.entry(ticket.status).or_default() += 1,
            Row::Article(article) => *expected.articles.entry(article.status).or_default() += 1,
            Row::Service(service) if service.active => expected.active_services += 1,
            Row::Service(_) => expected.retired_services += 1,
            Row::Request(request) => {
                *expected.requests.entry(request.status).or_default() += 1;
                if request.status == RequestStatus::Fulfilled {
                    *revenue.entry(request.price.currency()).or_default() += request.price.amount();
                }
            }
            Row::Rating(rating) => {
                expected.ratings.distribution[usize::from(rating.rating.code()) - 1] += 1;
            }
            Row::Note(_) => {}
        }
    }
    expected.revenue = revenue.into_iter().map(|(currency, amount)| Revenue { currency, amount }).collect();
    expected
}

/// The summary of a busy desk equals a recount, revenue per currency included, and goes on to after more of everything.
pub async fn the_summary_equals_a_recount(store: Arc<dyn Store>) -> Outcome {
    let crowd = Crowd::new(store).await?;
    let w = &crowd.w;
    let summary = w.admin.summary().await?;
    assert_eq!(summary, recount(&w.dump().await?));
    assert_eq!(summary.ticket_count() + summary.request_count(), crowd.work.len() as u64);
    let codes: Vec<String> = summary.revenue.iter().map(|revenue| revenue.currency.to_string()).collect();
    assert_eq!(codes, ["EUR", "USD"]);
    for row in &crowd.work {
        match row {
            Row::Ticket(ticket) if ticket.status == TicketStatus::New => {
                w.agent.resolve_ticket(ticket.id).await?;
            }
            Row::Request(request) if request.status == RequestStatus::Scheduled => {
                w.agent.fulfil_request(request.id).await?;
            }
            _ => {}
        }
    }
    w.admin.retire_service(w.server).await?;
    w.admin.deactivate_user(crowd.customers[2]).await?;
    assert_eq!(w.admin.summary().await?, recount(&w.dump().await?));
    assert_eq!(w.agent.summary().await?, w.admin.summary().await?, "agents see the same");
    Ok(())
}

/// Revenue is of what is fulfilled now, at the price of its day, by currency; what is reopened earns nothing yet. Sums
/// are exact, whatever the currency's scale.
pub async fn revenue_is_of_what_is_fulfilled(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let figures = async || {
        let revenue = w.admin.summary().await?.revenue;
        Ok::<_, Error>(revenue.iter().map(|sum| format!("{} {}", sum.amount, sum.currency)).collect::<Vec<_>>())
    };
    assert_eq!(figures().await?, Vec::<String>::new());
    let mut last = None;
    for (price, times) in [("0.10 EUR", 3), ("0.001 KWD", 2), ("7 JPY", 1), ("1000000000 EUR", 2)] {
        let service = w.admin.create_service(NewService::new("Priced", "x", price.parse()?)).await?;
        for _ in 0..times {
            let request = w.ada.submit_request(SubmitRequest::new(service.id)).await?;
            let ticket = w.agent.make_ticket(request.id, TicketFromRequest::default()).await?;
            w.agent.resolve_ticket(ticket.id).await?;
            last = Some(ticket.id);
        }
    }
    assert_eq!(figures().await?, ["2000000000.30 EUR", "7 JPY", "0.002 KWD"]);
    if let Some(ticket) = last {
        w.agent.reopen_ticket(ticket).await?;
    }
    assert_eq!(figures().await?, ["1000000000.30 EUR", "7 JPY", "0.002 KWD"]);
    Ok(())
}
