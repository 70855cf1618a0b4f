//! Foreign keys: which field names a row of which entity, and what happens when that row is to be deleted.

use crate::model::Entity;
use crate::model::spelled::spelled;

use super::Field;

spelled! {
    /// A foreign key, spelled `table.column`.
    pub enum Relation as "relation" {
        /// Who works on a ticket.
        TicketAssignedTo = 1 => "tickets.assigned_to",
        /// Who typed a ticket in.
        TicketCreatedBy = 2 => "tickets.created_by",
        /// The service that a request asks for.
        RequestService = 3 => "customer_service_requests.service_id",
        /// Who made a request.
        RequestCustomer = 4 => "customer_service_requests.customer_id",
        /// A request's rating.
        RequestRating = 5 => "customer_service_requests.rating_id",
        /// The service that was rated.
        RatingService = 6 => "customer_ratings.service_id",
        /// Who rated.
        RatingCustomer = 7 => "customer_ratings.customer_id",
        /// Who wrote an article.
        ArticleAuthor = 8 => "knowledge_base.author_id",
        /// Whose ticket it is.
        TicketRequestedFor = 9 => "tickets.requested_for",
        /// The request that a ticket was made from.
        TicketRequest = 10 => "tickets.request_id",
        /// The ticket that a ticket follows up.
        TicketFollowUpOf = 11 => "tickets.follow_up_of",
        /// The ticket that was made from a request: the other end of [`Relation::TicketRequest`].
        RequestTicket = 12 => "customer_service_requests.ticket_id",
        /// The ticket that a note is about.
        NoteTicket = 13 => "ticket_notes.ticket_id",
        /// Who wrote a note.
        NoteAuthor = 14 => "ticket_notes.author_id",
    }
}

/// What happens to the children when the parent is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// The deletion is refused while there are any.
    Restrict,
    /// Their reference is emptied in the same commit.
    SetNull,
}

/// Who named the relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The product's owner.
    Owner,
    /// The design.
    Ours,
}

/// One foreign key.
#[derive(Clone, Copy, Debug)]
pub struct RelationSpec {
    /// Its name.
    pub relation: Relation,
    /// The entity of the child.
    pub from: Entity,
    /// The child's field that names the parent.
    pub field: Field,
    /// The entity of the parent.
    pub to: Entity,
    /// Whether a child may name none.
    pub optional: bool,
    /// What happens when the parent is to be deleted.
    pub on_delete: OnDelete,
    /// Who named it.
    pub origin: Origin,
}

const fn owners(relation: Relation, from: Entity, field: Field, to: Entity) -> RelationSpec {
    RelationSpec { relation, from, field, to, optional: false, on_delete: OnDelete::Restrict, origin: Origin::Owner }
}

const fn ours(relation: Relation, from: Entity, field: Field, to: Entity) -> RelationSpec {
    RelationSpec { optional: true, origin: Origin::Ours, ..owners(relation, from, field, to) }
}

const fn nullable(spec: RelationSpec) -> RelationSpec {
    RelationSpec { optional: true, on_delete: OnDelete::SetNull, ..spec }
}

const fn required(spec: RelationSpec) -> RelationSpec {
    RelationSpec { optional: false, ..spec }
}

const RELATIONS: &[RelationSpec] = &[
    nullable(owners(Relation::TicketAssignedTo, Entity::Ticket, Field::AssignedTo, Entity::User)),
    owners(Relation::TicketCreatedBy, Entity::Ticket, Field::CreatedBy, Entity::User),
    owners(Relation::RequestService, Entity::Request, Field::ServiceId, Entity::Service),
    owners(Relation::RequestCustomer, Entity::Request, Field::CustomerId, Entity::User),
    nullable(owners(Relation::RequestRating, Entity::Request, Field::RatingId, Entity::Rating)),
    owners(Relation::RatingService, Entity::Rating, Field::ServiceId, Entity::Service),
    owners(Relation::RatingCustomer, Entity::Rating, Field::CustomerId, Entity::User),
    owners(Relation::ArticleAuthor, Entity::Article, Field::AuthorId, Entity::User),
    ours(Relation::TicketRequestedFor, Entity::Ticket, Field::RequestedFor, Entity::User),
    ours(Relation::TicketRequest, Entity::Ticket, Field::RequestId, Entity::Request),
    ours(Relation::TicketFollowUpOf, Entity::Ticket, Field::FollowUpOf, Entity::Ticket),
    ours(Relation::RequestTicket, Entity::Request, Field::TicketId, Entity::Ticket),
    required(ours(Relation::NoteTicket, Entity::Note, Field::TicketId, Entity::Ticket)),
    required(ours(Relation::NoteAuthor, Entity::Note, Field::AuthorId, Entity::User)),
];

/// Every foreign key: the owner's eight first.
pub const fn relations() -> &'static [RelationSpec] {
    RELATIONS
}

/// The foreign keys that rows of `entity` carry.
pub fn relations_from(entity: Entity) -> impl Iterator<Item = &'static RelationSpec> {
    RELATIONS.iter().filter(move |spec| spec.from == entity)
}

/// The foreign keys that name rows of `entity`.
pub fn relations_to(entity: Entity) -> impl Iterator<Item = &'static RelationSpec> {
    RELATIONS.iter().filter(move |spec| spec.to == entity)
}

impl Relation {
    /// Its description.
    ///
    /// # Panics
    /// Never: a test reads every relation's.
    pub fn spec(self) -> &'static RelationSpec {
        &RELATIONS[usize::from(self.code()) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relation_stands_at_its_code_and_is_spelled_by_table_and_column() {
        for relation in Relation::ALL {
            let spec = relation.spec();
            assert_eq!(spec.relation, *relation);
            assert_eq!(relation.as_str(), format!("{}.{}", spec.from.table(), spec.field));
        }
        assert_eq!(Relation::ALL.len(), RELATIONS.len());
    }
}
