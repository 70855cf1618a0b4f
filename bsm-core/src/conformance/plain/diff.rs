//! What history tells of a row: every field that can change, in the schema's order, written out by hand.

use crate::model::{FieldChange, Role, Row, Timestamp, UserId};
use crate::schema::Field;

/// What history tells of a field's value.
enum Told {
    /// The value.
    Value(Option<String>),
    /// Only that it changed: personal text stays in its row.
    Personal(Option<String>),
}

use Told::{Personal, Value};

fn word(word: &str) -> Told {
    Value(Some(word.to_owned()))
}

fn text(text: &str) -> Told {
    Personal(Some(text.to_owned()))
}

fn show(value: &impl ToString) -> Told {
    Value(Some(value.to_string()))
}

fn maybe<T: ToString>(value: Option<&T>) -> Told {
    Value(value.map(ToString::to_string))
}

fn time(value: Option<Timestamp>) -> Told {
    maybe(value.as_ref())
}

fn fields(row: &Row) -> Vec<(Field, Told)> {
    match row {
        Row::User(user) => vec![
            (Field::FullName, text(&user.full_name)),
            (Field::Email, text(&user.email)),
            (Field::Role, word(user.role.as_str())),
            (Field::Active, show(&user.active)),
            (Field::ExternalRef, Personal(user.external_ref.clone())),
        ],
        Row::Ticket(ticket) => vec![
            (Field::Title, text(&ticket.title)),
            (Field::Description, text(&ticket.description)),
            (Field::Status, word(ticket.status.as_str())),
            (Field::Impact, word(ticket.impact.as_str())),
            (Field::Urgency, word(ticket.urgency.as_str())),
            (Field::Priority, word(ticket.priority.as_str())),
            (Field::PriorityOverridden, show(&ticket.priority_overridden)),
            (Field::Category, maybe(ticket.category.as_ref())),
            (Field::Subcategory, maybe(ticket.subcategory.as_ref())),
            (Field::Channel, word(ticket.channel.as_str())),
            (Field::Group, maybe(ticket.group.as_ref())),
            (Field::AssignedTo, maybe(ticket.assigned_to.as_ref())),
            (Field::CreatedBy, show(&ticket.created_by)),
            (Field::RequestedFor, maybe(ticket.requested_for.as_ref())),
            (Field::RequestId, maybe(ticket.request_id.as_ref())),
            (Field::FollowUpOf, maybe(ticket.follow_up_of.as_ref())),
            (Field::ReopenCount, show(&ticket.reopen_count)),
            (Field::ResolvedAt, time(ticket.resolved_at)),
            (Field::ClosedAt, time(ticket.closed_at)),
            (Field::ExternalRef, Personal(ticket.external_ref.clone())),
        ],
        Row::Article(article) => vec![
            (Field::Title, text(&article.title)),
            (Field::Body, text(&article.body)),
            (Field::Category, maybe(article.category.as_ref())),
            (Field::Status, word(article.status.as_str())),
            (Field::AuthorId, show(&article.author_id)),
            (Field::PublishedAt, time(article.published_at)),
        ],
        Row::Service(service) => vec![
            (Field::Name, text(&service.name)),
            (Field::Description, text(&service.description)),
            (Field::Category, word(&service.category)),
            (Field::Price, show(&service.price.amount())),
            (Field::Currency, show(&service.price.currency())),
            (Field::NeedsApproval, show(&service.needs_approval)),
            (Field::Active, show(&service.active)),
        ],
        Row::Request(request) => vec![
            (Field::ServiceId, show(&request.service_id)),
            (Field::CustomerId, show(&request.customer_id)),
            (Field::Details, text(&request.details)),
            (Field::Status, word(request.status.as_str())),
            (Field::NeedsApproval, show(&request.needs_approval)),
            (Field::Price, show(&request.price.amount())),
            (Field::Currency, show(&request.price.currency())),
            (Field::ScheduledFor, time(request.scheduled_for)),
            (Field::FulfilledAt, time(request.fulfilled_at)),
            (Field::TicketId, maybe(request.ticket_id.as_ref())),
            (Field::RatingId, maybe(request.rating_id.as_ref())),
            (Field::Rated, show(&request.rated)),
            (Field::ExternalRef, Personal(request.external_ref.clone())),
        ],
        Row::Rating(rating) => vec![
            (Field::ServiceId, show(&rating.service_id)),
            (Field::CustomerId, show(&rating.customer_id)),
            (Field::Stars, word(rating.rating.as_str())),
            (Field::Review, text(&rating.review)),
        ],
        Row::Note(note) => vec![
            (Field::TicketId, show(&note.ticket_id)),
            (Field::AuthorId, show(&note.author_id)),
            (Field::Body, text(&note.body)),
        ],
    }
}

/// What history tells of a change: of a row that was not there before, or is not there any more, every field that is not
/// empty.
pub(crate) fn changes(before: Option<&Row>, after: Option<&Row>) -> Vec<FieldChange> {
    let old = before.map(fields);
    let new = after.map(fields);
    let names = old.as_ref().or(new.as_ref()).map(|all| all.iter().map(|(field, _)| *field).collect::<Vec<_>>());
    let value = |side: &Option<Vec<(Field, Told)>>, at: usize| match side.as_ref().map(|all| &all[at].1) {
        None => (None, false),
        Some(Value(value)) => (value.clone(), false),
        Some(Personal(value)) => (value.clone(), true),
    };
    let mut changes = Vec::new();
    for (at, field) in names.unwrap_or_default().into_iter().enumerate() {
        let ((from, was_personal), (to, is_personal)) = (value(&old, at), value(&new, at));
        if from != to {
            let hidden = was_personal || is_personal;
            let tell = |value: Option<String>| if hidden { None } else { value };
            changes.push(FieldChange { field, from: tell(from), to: tell(to) });
        }
    }
    changes
}

/// Whose row it is, for customers.
pub(crate) fn owner(row: &Row) -> Option<UserId> {
    match row {
        Row::Ticket(ticket) => ticket.requested_for,
        Row::Request(request) => Some(request.customer_id),
        Row::Rating(rating) => Some(rating.customer_id),
        Row::User(user) => (user.role == Role::Customer).then_some(user.id),
        Row::Article(_) | Row::Service(_) | Row::Note(_) => None,
    }
}
