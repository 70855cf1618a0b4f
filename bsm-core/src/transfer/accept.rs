//! What a desk would have let in: every row and entry of an import is looked at as the portals look at what people say.

use crate::model::{
    Article, ArticleStatus, Entity, HistoryEntry, Key, Note, Rating, RequestStatus, Row, Service, ServiceRequest,
    Ticket, TicketStatus, User, Version,
};
use crate::rules::priority::priority_of;
use crate::rules::{limits, text};
use crate::schema::{self, Field};
use crate::{Error, ImportFault, Reason, Result};

/// Looks at a row by itself. How rows hang together is the store's to say, when all are there.
pub(super) fn row(row: &Row) -> Result<(), ImportFault> {
    let checked = match row {
        Row::User(user) => of_user(user),
        Row::Ticket(ticket) => of_ticket(ticket),
        Row::Article(article) => of_article(article),
        Row::Service(service) => of_service(service),
        Row::Request(request) => of_request(request),
        Row::Rating(rating) => of_rating(rating),
        Row::Note(note) => of_note(note),
    };
    checked.and_then(|()| kept(row)).map_err(|error| unacceptable(row.key(), error))
}

/// Looks at an entry of history: it tells of fields that its row has, and of no personal text.
pub(super) fn entry(entry: &HistoryEntry) -> Result<(), ImportFault> {
    let told = || {
        if entry.version < Version::FIRST {
            return refuse(entry.key.entity, Field::Version, out_of_range());
        }
        for change in &entry.changes {
            let columns = schema::columns(entry.key.entity).iter().filter(|column| column.in_history);
            let Some(column) = columns.into_iter().find(|column| column.field == change.field) else {
                return refuse(entry.key.entity, change.field, malformed("a field that history tells of"));
            };
            let texts = || [&change.from, &change.to].into_iter().flatten();
            if column.personal && texts().next().is_some() {
                return refuse(entry.key.entity, change.field, malformed("left out, as personal text is"));
            }
            for given in texts() {
                same(given, &text::line(entry.key.entity, change.field, given, limits::TITLE_CHARS)?, change.field)?;
            }
        }
        Ok(())
    };
    told().map_err(|error| unacceptable(entry.key, error))
}

fn unacceptable(key: Key, error: Error) -> ImportFault {
    match error {
        Error::Invalid { field, reason, .. } => ImportFault::Unacceptable { key, field, reason },
        // The checks above say nothing else.
        other => ImportFault::Malformed { detail: other.to_string() },
    }
}

fn refuse<T>(entity: Entity, field: Field, reason: Reason) -> Result<T> {
    Err(Error::invalid_of(entity, field.as_str(), reason))
}

const fn malformed(expected: &'static str) -> Reason {
    Reason::Malformed { expected }
}

fn out_of_range() -> Reason {
    Reason::OutOfRange { min: "1".to_owned(), max: u64::MAX.to_string() }
}

/// The text must be what the rules would make of it.
fn same(given: &str, kept: &str, field: Field) -> Result<()> {
    if kept == given { Ok(()) } else { Err(Error::invalid(field.as_str(), malformed("as a desk keeps it, trimmed"))) }
}

fn line(entity: Entity, field: Field, given: &str, most: usize) -> Result<()> {
    same(given, &text::line(entity, field, given, most)?, field)
}

fn optional(entity: Entity, field: Field, given: Option<&String>, most: usize) -> Result<()> {
    given.map_or(Ok(()), |given| line(entity, field, given, most))
}

fn lines(entity: Entity, field: Field, given: &str, most: usize) -> Result<()> {
    same(given, &text::lines(entity, field, given, most)?, field)
}

fn required_lines(entity: Entity, field: Field, given: &str, most: usize) -> Result<()> {
    same(given, &text::required_lines(entity, field, given, most)?, field)
}

/// Two fields that say the same must agree.
fn agrees(holds: bool, entity: Entity, field: Field, other: Field) -> Result<()> {
    if holds { Ok(()) } else { refuse(entity, field, Reason::Contradicts { other: other.as_str() }) }
}

/// What every row has: a version, and a number if its entity is numbered.
fn kept(row: &Row) -> Result<()> {
    if row.version() < Version::FIRST {
        return refuse(row.entity(), Field::Version, out_of_range());
    }
    if row.entity().is_numbered() && row.number().is_none() {
        return refuse(row.entity(), Field::Number, out_of_range());
    }
    Ok(())
}

fn of_user(user: &User) -> Result<()> {
    line(Entity::User, Field::FullName, &user.full_name, limits::FULL_NAME_CHARS)?;
    if text::email(&user.email)? != user.email {
        return refuse(Entity::User, Field::Email, malformed("as a desk keeps it, in lower case"));
    }
    optional(Entity::User, Field::ExternalRef, user.external_ref.as_ref(), limits::EXTERNAL_REF_CHARS)
}

fn of_ticket(ticket: &Ticket) -> Result<()> {
    const OF: Entity = Entity::Ticket;
    line(OF, Field::Title, &ticket.title, limits::TITLE_CHARS)?;
    lines(OF, Field::Description, &ticket.description, limits::DESCRIPTION_CHARS)?;
    optional(OF, Field::Category, ticket.category.as_ref(), limits::CATEGORY_CHARS)?;
    optional(OF, Field::Subcategory, ticket.subcategory.as_ref(), limits::CATEGORY_CHARS)?;
    optional(OF, Field::Group, ticket.group.as_ref(), limits::CATEGORY_CHARS)?;
    optional(OF, Field::ExternalRef, ticket.external_ref.as_ref(), limits::EXTERNAL_REF_CHARS)?;
    let follows = ticket.priority_overridden || ticket.priority == priority_of(ticket.impact, ticket.urgency);
    agrees(follows, OF, Field::Priority, Field::Impact)?;
    let solved = matches!(ticket.status, TicketStatus::Resolved | TicketStatus::Closed);
    agrees(ticket.resolved_at.is_some() == solved, OF, Field::ResolvedAt, Field::Status)?;
    let closed = ticket.status == TicketStatus::Closed;
    agrees(ticket.closed_at.is_some() == closed, OF, Field::ClosedAt, Field::Status)
}

fn of_article(article: &Article) -> Result<()> {
    const OF: Entity = Entity::Article;
    line(OF, Field::Title, &article.title, limits::TITLE_CHARS)?;
    required_lines(OF, Field::Body, &article.body, limits::BODY_CHARS)?;
    optional(OF, Field::Category, article.category.as_ref(), limits::CATEGORY_CHARS)?;
    let dated = article.status != ArticleStatus::Published || article.published_at.is_some();
    agrees(dated, OF, Field::PublishedAt, Field::Status)
}

fn of_service(service: &Service) -> Result<()> {
    const OF: Entity = Entity::Service;
    line(OF, Field::Name, &service.name, limits::TITLE_CHARS)?;
    lines(OF, Field::Description, &service.description, limits::DESCRIPTION_CHARS)?;
    line(OF, Field::Category, &service.category, limits::CATEGORY_CHARS)
}

fn of_request(request: &ServiceRequest) -> Result<()> {
    const OF: Entity = Entity::Request;
    lines(OF, Field::Details, &request.details, limits::DESCRIPTION_CHARS)?;
    optional(OF, Field::ExternalRef, request.external_ref.as_ref(), limits::EXTERNAL_REF_CHARS)?;
    let fulfilled = request.status == RequestStatus::Fulfilled;
    agrees(request.fulfilled_at.is_some() == fulfilled, OF, Field::FulfilledAt, Field::Status)?;
    agrees(fulfilled || !request.rated, OF, Field::Rated, Field::Status)?;
    agrees(request.rated || request.rating_id.is_none(), OF, Field::RatingId, Field::Rated)?;
    let dated = request.status != RequestStatus::Scheduled || request.scheduled_for.is_some();
    agrees(dated, OF, Field::ScheduledFor, Field::Status)?;
    let approved = request.status != RequestStatus::Approved || request.needs_approval;
    agrees(approved, OF, Field::NeedsApproval, Field::Status)
}

fn of_rating(rating: &Rating) -> Result<()> {
    lines(Entity::Rating, Field::Review, &rating.review, limits::REVIEW_CHARS)
}

fn of_note(note: &Note) -> Result<()> {
    required_lines(Entity::Note, Field::Body, &note.body, limits::DESCRIPTION_CHARS)
}
