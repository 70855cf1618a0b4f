//! What stands on the desk, table by table.

use bsm::model::{Article, User};
use bsm::view::{RatingRow, RequestRow, ServiceUsage, Summary};

use super::{Page, fitted, listed, right, table, time};
use crate::report::Report;
use crate::survey::{Counts, Survey};

impl Page {
    /// Everything.
    pub(super) fn desk(&mut self, report: &Report) {
        let Survey { summary, users, services, unified, requests, ratings, articles, .. } = &report.desk;
        self.heading("A service desk, for demonstration");
        self.counts(&report.counts);
        self.heading("People");
        self.people(users);
        self.heading("The catalogue");
        self.services(services);
        self.heading(format_args!("The unified view: {} tickets and requests, the newest first", unified.len()));
        self.work(unified);
        self.heading("Service requests");
        self.requests(requests);
        self.heading("Ratings");
        self.ratings(ratings);
        self.heading("Knowledge base");
        self.articles(articles);
        self.heading("Totals");
        self.totals(summary);
    }

    /// How many there are of everything.
    pub(super) fn counts(&mut self, counts: &Counts) {
        let Counts { users, tickets, articles, services, requests, ratings, unified, foreign_keys, records } = counts;
        self.line(format_args!(
            "{records} records: {users} users, {tickets} tickets, {articles} articles, {services} services, \
             {requests} requests, {ratings} ratings."
        ));
        self.line(format_args!("{unified} rows in the unified view; {foreign_keys} foreign keys of the owner's."));
    }

    fn people(&mut self, users: &[User]) {
        let mut people = table(["Name", "Role", "Address"]);
        for user in users {
            people.add_row([user.full_name.clone(), user.role.to_string(), user.email.clone()]);
        }
        self.table(&people);
    }

    fn services(&mut self, services: &[ServiceUsage]) {
        let mut catalogue = table(["Service", "Category", "Price", "Notes", "Requests", "Rating"]);
        for ServiceUsage { service, requests, ratings, .. } in services {
            let notes = match (service.active, service.needs_approval) {
                (false, _) => "retired",
                (true, true) => "needs approval",
                (true, false) => "",
            };
            catalogue.add_row([
                service.name.clone(),
                service.category.clone(),
                service.price.to_string(),
                notes.to_owned(),
                listed(requests),
                ratings.mean().map(|mean| mean.to_string()).unwrap_or_default(),
            ]);
        }
        self.table(&right(catalogue, [2, 5]));
    }

    fn requests(&mut self, requests: &[RequestRow]) {
        let mut table = table(["Number", "Service", "Customer", "Status", "Price", "Submitted", "Took"]);
        for row in requests {
            table.add_row([
                row.request.number.to_string(),
                row.service_name.clone(),
                row.customer.full_name.clone(),
                row.request.status.to_string(),
                row.request.price.to_string(),
                time(row.submitted_at),
                row.seconds_to_fulfil.map(duration).unwrap_or_default(),
            ]);
        }
        self.table(&right(table, [4, 6]));
    }

    fn ratings(&mut self, ratings: &[RatingRow]) {
        let mut table = table(["Stars", "Service", "Customer", "Given", "Review"]);
        for row in ratings {
            table.add_row([
                "★".repeat(usize::from(row.rating.rating.code())),
                row.service_name.clone(),
                row.customer.full_name.clone(),
                time(row.rated_at),
                row.rating.review.clone(),
            ]);
        }
        self.table(&fitted(table, 4));
    }

    fn articles(&mut self, articles: &[Article]) {
        let mut table = table(["Title", "Category", "Status", "Begun"]);
        for article in articles {
            table.add_row([
                article.title.clone(),
                article.category.clone().unwrap_or_default(),
                article.status.to_string(),
                time(article.id.created_at()),
            ]);
        }
        self.table(&table);
    }

    /// The summary.
    pub(super) fn totals(&mut self, summary: &Summary) {
        let mut table = table(["Of", "There are"]);
        let stars = summary.ratings.distribution;
        let of_stars =
            (1..).zip(stars).filter(|(_, count)| *count > 0).map(|(stars, count)| (format!("of {stars}"), count));
        let mean = summary.ratings.mean().map(|mean| mean.to_string()).unwrap_or_default();
        let satisfied = summary.ratings.satisfaction().map(|share| share.to_string()).unwrap_or_default();
        let revenue: Vec<String> =
            summary.revenue.iter().map(|revenue| format!("{} {}", revenue.amount, revenue.currency)).collect();
        table.add_row(["Tickets", &listed(&summary.tickets)]);
        table.add_row(["Requests", &listed(&summary.requests)]);
        table.add_row(["Articles", &listed(&summary.articles)]);
        table.add_row(["Ratings", &format!("{}; mean {mean}, share of 4 and 5 stars {satisfied}", listed(of_stars))]);
        table.add_row(["Revenue", &revenue.join(", ")]);
        self.table(&fitted(table, 1));
    }
}

/// A span of time in its two largest units.
fn duration(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
