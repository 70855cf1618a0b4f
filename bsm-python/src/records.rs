//! The classes of what the desk holds and tells, field by field. What a field is in Python, `show` says.

use bsm::model::{self, Actor, UserId};
use bsm::{feed, view};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::errors::broken;
use crate::ids;
use crate::record::records;
use crate::show::{Show, Tell};

/// What serde made of a row, which it can write down.
fn written<T>(written: serde_json::Result<T>) -> PyResult<T> {
    written.map_err(|error| broken(&error.to_string()))
}

/// Who acted, if it was a person.
const fn who(actor: Actor) -> Option<UserId> {
    match actor {
        Actor::System => None,
        Actor::User(id) => Some(id),
    }
}

records! {
    /// A person: an admin, an agent or a customer. Table `users`.
    User row model::User {
        /// The id; carries when the person was entered.
        id,
        /// The name, as the person writes it.
        full_name,
        /// The email address, normalised; no two users share one.
        email,
        /// What the person may do.
        role,
        /// Whether the person may act. Nothing can be assigned to, or asked for by, somebody who may not.
        active,
        /// The id of this person elsewhere; no two users share one.
        external_ref,
        /// How often the row was written.
        version,
        /// When the desk last wrote it.
        updated_at,
    }

    /// A ticket. Table `tickets`.
    Ticket row model::Ticket {
        /// The id; carries when the ticket was opened (which may lie before the desk recorded it).
        id,
        /// The number people say aloud.
        number,
        /// One line.
        title,
        /// The whole story; may be empty.
        description,
        /// Where it stands.
        status,
        /// How much it touches.
        impact,
        /// How long it can wait.
        urgency,
        /// In what order it is worked on.
        priority,
        /// Whether the priority was set by hand and no longer follows impact and urgency.
        priority_overridden,
        /// What it is about, in the desk's own vocabulary.
        category,
        /// What it is about, more closely.
        subcategory,
        /// How it reached the desk.
        channel,
        /// The group that works on it.
        group,
        /// The member of staff who works on it.
        assigned_to,
        /// Who typed it in.
        created_by,
        /// Whose ticket it is: the customer who sees it among their own.
        requested_for,
        /// The request it was made from.
        request_id,
        /// The finished ticket that it follows up.
        follow_up_of,
        /// How often it went from resolved back to in progress.
        reopen_count,
        /// When it went to resolved; empty while it is not resolved or closed.
        resolved_at,
        /// When it went to Closed.
        closed_at,
        /// The id of this ticket elsewhere; no two tickets share one.
        external_ref,
        /// How often the row was written.
        version,
        /// When the desk last wrote it.
        updated_at,
    } + {
        /// Where it stands, coarsely.
        phase: |ticket, py| ticket.phase().show(py),
    }

    /// An article of the knowledge base. Table `knowledge_base`. Customers see it while it is published.
    Article row model::Article {
        /// The id; carries when the article was begun.
        id,
        /// One line.
        title,
        /// The text.
        body,
        /// What it is about, in the desk's own vocabulary.
        category,
        /// Whether it is being written, read, or kept.
        status,
        /// Who wrote it.
        author_id,
        /// When it was last published.
        published_at,
        /// How often the row was written.
        version,
        /// When the desk last wrote it.
        updated_at,
    }

    /// Something that customers can ask for. Table `customer_services`.
    Service row model::Service {
        /// The id; carries when the service was entered.
        id,
        /// One line.
        name,
        /// What one gets; may be empty.
        description,
        /// Where it stands in the catalogue.
        category,
        /// What it costs today. A request keeps the price of its own day.
        price,
        /// Whether an admin must agree before work begins.
        needs_approval,
        /// Whether it can be asked for; a retired one can't, and its requests stay.
        active,
        /// How often the row was written.
        version,
        /// When the desk last wrote it.
        updated_at,
    }

    /// A customer's request for a service. Table `customer_service_requests`.
    ServiceRequest row model::ServiceRequest {
        /// The id; carries when it was submitted.
        id,
        /// The number people say aloud.
        number,
        /// What was asked for.
        service_id,
        /// Who asked.
        customer_id,
        /// What the customer added; may be empty.
        details,
        /// Where it stands.
        status,
        /// Whether its service needed approval when it was submitted.
        needs_approval,
        /// What the service cost when it was submitted.
        price,
        /// The day that was agreed last; set from the first time it is scheduled.
        scheduled_for,
        /// When it was fulfilled; empty while it is not.
        fulfilled_at,
        /// The ticket that was made from it.
        ticket_id,
        /// Its rating, if that still stands.
        rating_id,
        /// Whether it was rated. Stays when the rating is deleted: one rating per request, ever.
        rated,
        /// The id of this request elsewhere; no two requests share one.
        external_ref,
        /// How often the row was written.
        version,
        /// When the desk last wrote it.
        updated_at,
    } + {
        /// Where it stands, coarsely.
        phase: |request, py| request.phase().show(py),
    }

    /// A customer's rating of a fulfilled request. Table `customer_ratings`. Its service and customer are the request's.
    Rating row model::Rating {
        /// The id; carries when it was given.
        id,
        /// The service that was rated.
        service_id,
        /// Who rated it.
        customer_id,
        /// How satisfied the customer was.
        rating,
        /// What the customer wrote; may be empty.
        review,
        /// How often the row was written.
        version,
        /// When the desk last wrote it.
        updated_at,
    }

    /// A note that staff wrote on a ticket, open or finished. Table `ticket_notes`. Customers don't see it.
    ///
    /// A row of its own, so that its text can be erased without touching the ticket's history.
    Note row model::Note {
        /// The id; carries when it was written.
        id,
        /// The ticket that it is about.
        ticket_id,
        /// Who wrote it.
        author_id,
        /// The text.
        body,
        /// How often the row was written.
        version,
        /// When the desk last wrote it.
        updated_at,
    }

    /// A person, as views name them.
    Person of view::Person {
        /// The id.
        id,
        /// The name as it is today.
        full_name,
        /// The email address as it is today.
        email,
    }

    /// A row of `unified_tickets_view`: a ticket or a service request. A request that was made into a ticket stands in it
    /// twice, each time with the other's id.
    UnifiedTicket of view::UnifiedTicket {
        /// Which of the two it is.
        source,
        /// The ticket: itself, or the one that was made from it.
        ticket_id,
        /// The request: itself, or the one that it was made from.
        request_id,
        /// Its number: `TKT-000042` or `REQ-000007`.
        number,
        /// A ticket's title; a request's service.
        title,
        /// Where it stands.
        status,
        /// Where it stands, coarsely.
        phase,
        /// A ticket's priority.
        priority,
        /// A ticket's category. (A request has none: its service's stands in the catalogue.)
        category,
        /// Whose it is.
        customer,
        /// Who works on a ticket. Customers are not told.
        assigned_to,
        /// The service that a request asks for.
        service_id,
        /// When it was opened or submitted.
        created_at,
        /// When it last changed.
        updated_at,
    }

    /// A row of `admin_customer_service_requests`: a request with its service and customer.
    RequestRow of view::RequestRow {
        /// The request. Its price is that of its day.
        request,
        /// The service's name as it is today.
        service_name,
        /// The service's category as it is today.
        service_category,
        /// Who asked.
        customer,
        /// When it was submitted.
        submitted_at,
        /// How long it took to fulfil, in whole seconds, once it is.
        seconds_to_fulfil,
    }

    /// A row of `admin_customer_ratings`: a rating with its service and customer.
    RatingRow of view::RatingRow {
        /// The rating.
        rating,
        /// The service's name as it is today.
        service_name,
        /// Who rated.
        customer,
        /// When.
        rated_at,
    }

    /// A service with how much it is used and how it is rated.
    ServiceUsage of view::ServiceUsage {
        /// The service.
        service,
        /// Its requests by status. A status without any is absent.
        requests,
        /// Its ratings.
        ratings,
    }

    /// How many ratings there are of each kind, and what follows from that.
    RatingFigures of view::RatingFigures {
        /// How many gave 1, 2, 3, 4 and 5 stars.
        distribution,
    } + {
        /// How many there are.
        count: |figures, py| figures.count().show(py),
        /// The mean number of stars, to two decimals; `None` without ratings.
        mean: |figures, py| figures.mean().show(py),
        /// The share of those who gave 4 or 5 stars, from 0 to 1, to four decimals; `None` without ratings.
        satisfaction: |figures, py| figures.satisfaction().show(py),
    }

    /// What fulfilled requests earned in one currency.
    Revenue of view::Revenue {
        /// The currency.
        currency,
        /// The sum of their prices.
        amount,
    }

    /// The totals of a desk: the view `admin_customer_summary`. Costs the same at any size.
    Summary of view::Summary {
        /// People by role, inactive ones too. A role that nobody has is absent.
        users,
        /// People who may act.
        active_users,
        /// Services that can be asked for.
        active_services,
        /// Services that can't.
        retired_services,
        /// Tickets by status. A status without any is absent.
        tickets,
        /// Requests by status.
        requests,
        /// Articles by status.
        articles,
        /// Ratings.
        ratings,
        /// What fulfilled requests earned, by currency, in the order of the codes.
        revenue,
    } + {
        /// How many tickets there are.
        ticket_count: |summary, py| summary.ticket_count().show(py),
        /// How many requests there are.
        request_count: |summary, py| summary.request_count().show(py),
        /// How many people there are.
        user_count: |summary, py| summary.user_count().show(py),
        /// How many services there are.
        service_count: |summary, py| summary.service_count().show(py),
        /// How many articles there are.
        article_count: |summary, py| summary.article_count().show(py),
    }

    /// One field of one change. Values are text in their one spelling; a personal field's are left out, so that a person
    /// can be erased from the rows without rewriting history.
    FieldChange of model::FieldChange {
        /// Which field.
        field,
        /// What it was; `None` if it was empty, or is personal.
        before: |change, py| change.from.show(py),
        /// What it became; `None` if it is empty, or personal.
        after: |change, py| change.to.show(py),
    }

    /// One change of one row. A command that sets several fields makes one entry; one that sets none makes a
    /// touch.
    HistoryEntry of model::HistoryEntry {
        /// The row that changed.
        key,
        /// The row's version after the change: 1, 2, 3, … without a gap, so also how many entries the row has so far.
        version,
        /// What happened.
        action,
        /// Who did it; `None` is the desk itself, or somebody with psql.
        actor: |entry, py| who(entry.actor).show(py),
        /// When it happened, as the actor says. May lie in the past, and may run backwards from one entry to the next.
        occurred_at,
        /// When the desk recorded it, by its own clock.
        recorded_at,
        /// The customer whose row it is: in whose feed it stands.
        subject,
        /// The fields that changed, in the schema's order.
        changes,
    }

    /// What one command did, as staff and the application itself are told. Holds ids, names of fields, states and numbers;
    /// personal text stays in its row.
    Event of feed::Event {
        /// Where it stands in the feed: to be given back to go on behind it.
        position,
        /// What changed: an entry for each row, in one order. Not empty.
        entries,
    }

    /// What a customer is told of a change of a row of theirs.
    OwnUpdate of feed::OwnUpdate {
        /// The row.
        key,
        /// The row's version after it.
        version,
        /// What happened. That staff noted something is a touch.
        action,
        /// When it happened.
        occurred_at,
        /// Who did it.
        by,
        /// What changed, of what customers are told: where things stand, what they are about and when, never who works on
        /// them. Empty if somebody worked on it otherwise.
        changes,
    }

    /// What one command did to what is a customer's, as they are told.
    OwnEvent of feed::OwnEvent {
        /// Where it stands in the customer's feed.
        position,
        /// What changed: one for each row of theirs. Not empty.
        updates,
    }

    /// Which row: an entity and an id.
    Key of model::Key {
        /// The kind of row.
        entity,
        /// The row's id.
        id: |key, py| ids::show(py, key.entity, key.id),
    }
}
