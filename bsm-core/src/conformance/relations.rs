//! Foreign keys: each is broken once from either end, first against the store alone, then by what a portal allows.

use super::prelude::*;
use super::raw::{self, Change};
use crate::schema::{OnDelete, Origin, relations};
use crate::store::Guard;

/// A row of each entity, made in one commit; those of the same number stand together.
struct Family {
    staff: User,
    service: Service,
    rows: Vec<Row>,
}

impl Family {
    async fn new(store: &Arc<dyn Store>, number: u32) -> Result<Self, Failed> {
        let (staff, customer) = (raw::user(number * 2), raw::user(number * 2 + 1));
        let service = raw::service(number)?;
        let ticket = raw::ticket(number, staff.id);
        let rows: Vec<Row> = vec![
            staff.clone().into(),
            customer.clone().into(),
            service.clone().into(),
            raw::request(number, &service, customer.id).into(),
            raw::rating(number, service.id, customer.id).into(),
            raw::article(number, staff.id).into(),
            raw::note(number, ticket.id, staff.id).into(),
            ticket.into(),
        ];
        store.commit(Change::at(number.into()).insert_all(rows.clone()).set()).await?;
        Ok(Self { staff, service, rows })
    }

    /// A fresh child for the relation, whose other foreign keys hold.
    fn child(&self, entity: Entity, number: u32) -> Row {
        let of = |entity| self.rows.iter().find(|row| row.entity() == entity).map(|row| row.key().id);
        let ticket = TicketId::from_uuid(of(Entity::Ticket).unwrap_or_default());
        match entity {
            Entity::Ticket => raw::ticket(number, self.staff.id).into(),
            Entity::Request => raw::request(number, &self.service, self.staff.id).into(),
            Entity::Rating => raw::rating(number, self.service.id, self.staff.id).into(),
            Entity::Article => raw::article(number, self.staff.id).into(),
            _ => raw::note(number, ticket, self.staff.id).into(),
        }
    }
}

/// A parent that nothing names yet.
fn fresh_parent(family: &Family, entity: Entity, number: u32) -> Result<Row> {
    Ok(match entity {
        Entity::User => raw::user(number).into(),
        Entity::Service => raw::service(number)?.into(),
        other => family.child(other, number),
    })
}

/// The relations are the owner's eight and ours, and what happens on deletion is as the design says.
pub async fn the_owner_named_eight_relations(_: Arc<dyn Store>) -> Outcome {
    let owners: Vec<&str> =
        relations().iter().filter(|spec| spec.origin == Origin::Owner).map(|spec| spec.relation.as_str()).collect();
    let expected = [
        "tickets.assigned_to",
        "tickets.created_by",
        "customer_service_requests.service_id",
        "customer_service_requests.customer_id",
        "customer_service_requests.rating_id",
        "customer_ratings.service_id",
        "customer_ratings.customer_id",
        "knowledge_base.author_id",
    ];
    assert_eq!(owners, expected);
    let emptied: Vec<&str> = relations()
        .iter()
        .filter(|spec| spec.on_delete == OnDelete::SetNull)
        .map(|spec| spec.relation.as_str())
        .collect();
    assert_eq!(emptied, ["tickets.assigned_to", "customer_service_requests.rating_id"]);
    Ok(())
}

/// Every foreign key must name a row of its parent's entity, when a row is made and when it is changed.
pub async fn every_foreign_key_names_a_row(store: Arc<dyn Store>) -> Outcome {
    let family = Family::new(&store, 1).await?;
    let mut number = 100;
    for spec in relations() {
        number += 1;
        let child = family.child(spec.from, number);
        let other_kind = family.rows.iter().find(|row| row.entity() != spec.to).map(Row::key);
        let nothing = raw::id(spec.to, 90_000);
        let wrong = [nothing, other_kind.map_or(nothing, |key| key.id), uuid::Uuid::nil(), uuid::Uuid::max()];
        for id in wrong {
            let parent = Key { entity: spec.to, id };
            let missing = Error::MissingParent { relation: spec.relation, parent };
            let before = Dump::of(&store).await?;
            let broken = raw::naming(child.clone(), spec.field, id);
            refused(store.commit(Change::at(10).insert(broken).set()).await, &missing);
            assert_eq!(Dump::of(&store).await?, before, "{spec:?}");
        }
        store.commit(Change::at(11).insert(child.clone()).set()).await?;
        let before = Dump::of(&store).await?;
        let parent = Key { entity: spec.to, id: nothing };
        let missing = Error::MissingParent { relation: spec.relation, parent };
        let broken = raw::next(raw::naming(child, spec.field, nothing));
        refused(store.commit(Change::at(12).update(broken).set()).await, &missing);
        assert_eq!(Dump::of(&store).await?, before, "{spec:?}");
    }
    Ok(())
}

/// No row that another names is deleted, by whichever relation, those that are set null included: emptying them is the
/// command's work, in the same change set. Once nobody names it any more, it can be.
pub async fn no_row_that_is_named_is_deleted(store: Arc<dyn Store>) -> Outcome {
    let family = Family::new(&store, 1).await?;
    let mut number = 100;
    for spec in relations() {
        number += 2;
        let parent = fresh_parent(&family, spec.to, number)?;
        let key = parent.key();
        let child = raw::naming(family.child(spec.from, number + 1), spec.field, key.id);
        store.commit(Change::at(20).insert(parent.clone()).insert(child.clone()).set()).await?;
        let before = Dump::of(&store).await?;
        let refusal = Error::StillReferenced { key, relation: spec.relation };
        refused(store.commit(Change::at(21).delete(parent.clone()).set()).await, &refusal);
        let guard = Guard::NoChildren { relation: spec.relation, parent: key };
        refused(store.commit(Change::at(21).guard(guard.clone()).set()).await, &refusal);
        assert_eq!(Dump::of(&store).await?, before, "{spec:?}");
        // The child's other foreign keys, and its number, are as they were given.
        let child = before.rows[&child.key()].clone();
        store.commit(Change::at(22).delete(child).set()).await?;
        let parent = before.rows[&key].clone();
        store.commit(Change::at(23).guard(guard).delete(parent).set()).await?;
        assert!(!Dump::of(&store).await?.rows.contains_key(&key));
    }
    Ok(())
}

/// Foreign keys hold when a change set is done, not in between: parents may come after their children, go before them,
/// and two rows may name each other.
pub async fn foreign_keys_hold_when_all_is_done(store: Arc<dyn Store>) -> Outcome {
    let (staff, customer, service) = (raw::user(2), raw::user(3), raw::service(1)?);
    let mut request = raw::request(1, &service, customer.id);
    let mut ticket = raw::ticket(1, staff.id);
    (request.ticket_id, ticket.request_id) = (Some(ticket.id), Some(request.id));
    let backwards =
        Change::at(1).insert(ticket).insert(request).insert(service.clone()).insert(customer).insert(staff.clone());
    store.commit(backwards.set()).await?;
    let rows = Dump::of(&store).await?.rows;
    assert_eq!(rows.len(), 5);
    let article = raw::article(1, staff.id);
    store.commit(Change::at(2).insert(article.clone()).set()).await?;
    // All of it at once, each row before those that name it.
    let everything = rows.values().cloned().fold(Change::at(3), Change::delete);
    store.commit(everything.delete(article).set()).await?;
    let dump = Dump::of(&store).await?;
    assert!(dump.rows.is_empty() && dump.counters.is_empty(), "{dump:?}");
    Ok(())
}

/// A person who made, asked, wrote or noted something is not deleted; the error names the foreign key.
pub async fn who_left_a_trace_is_not_deleted(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let refusal = |user: UserId, relation| Error::StillReferenced { key: user.into(), relation };
    let [maker, writer, noter] = ["Maker", "Writer", "Noter"];
    let maker = w.person(maker, Role::Agent).await?.id;
    let ticket = w.desk.agent(maker).open_ticket(NewTicket::new("Mine")).await?;
    w.refuses(w.admin.delete_user(maker), refusal(maker, Relation::TicketCreatedBy)).await?;
    let writer = w.person(writer, Role::Agent).await?.id;
    let article = NewArticle { title: "How to".to_owned(), body: "So.".to_owned(), category: None };
    w.desk.agent(writer).create_article(article).await?;
    w.refuses(w.admin.delete_user(writer), refusal(writer, Relation::ArticleAuthor)).await?;
    let noter = w.person(noter, Role::Agent).await?.id;
    w.desk.agent(noter).add_note(ticket.id, "Seen").await?;
    w.refuses(w.admin.delete_user(noter), refusal(noter, Relation::NoteAuthor)).await?;
    w.agent.open_ticket(NewTicket { requested_for: Some(w.ben.actor()), ..NewTicket::new("His") }).await?;
    w.refuses(w.admin.delete_user(w.ben.actor()), refusal(w.ben.actor(), Relation::TicketRequestedFor)).await?;
    w.rated(Stars::Five).await?;
    w.refuses(w.admin.delete_user(w.ada.actor()), refusal(w.ada.actor(), Relation::RequestCustomer)).await?;
    let asked = Error::StillReferenced { key: w.laptop.into(), relation: Relation::RequestService };
    w.refuses(w.admin.delete_service(w.laptop), asked).await?;
    // Their history names them, and keeps nobody.
    let gone = w.person("Gone", Role::Customer).await?.id;
    w.admin.delete_user(gone).await?;
    w.refuses(w.agent.user(gone), Error::not_found(gone)).await?;
    w.refuses(w.admin.delete_user(gone), Error::not_found(gone)).await?;
    let nobody = Error::NotAllowed { actor: ActorName(Actor::User(gone)), needs: Role::Customer };
    w.refuses(w.desk.customer(gone).me(), nobody).await
}

/// Deleting a person empties the assignee of their tickets in the same commit, whatever the phase, finished ones too.
pub async fn deleting_a_person_empties_their_assignments(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let helper = w.person("Helper", Role::Agent).await?.id;
    let mut tickets = Vec::new();
    for status in TicketStatus::ALL.iter().copied() {
        let begin = w.ticket_in(TicketStatus::New).await?;
        w.agent.assign_ticket(begin.id, helper).await?;
        match status {
            TicketStatus::Closed => {
                w.agent.resolve_ticket(begin.id).await?;
                w.agent.close_ticket(begin.id).await?;
            }
            TicketStatus::New => {}
            other => drop(w.agent.change_ticket(begin.id, TicketChange::to(other)).await?),
        }
        tickets.push(w.agent.ticket(begin.id).await?);
    }
    w.admin.delete_user(helper).await?;
    for before in tickets {
        let after = w.agent.ticket(before.id).await?;
        let expected = Ticket {
            assigned_to: None,
            version: before.version.next(),
            updated_at: after.updated_at,
            ..before.clone()
        };
        assert_eq!(after, expected);
        let last = every_entry(&w.store, before.id.into()).await?.pop().map(|entry| (entry.actor, entry.changes));
        let change = FieldChange { field: Field::AssignedTo, from: Some(helper.to_string()), to: None };
        assert_eq!(last, Some((Actor::User(w.admin.actor()), vec![change])));
    }
    w.sound().await
}

/// One commit empties a bounded number of assignments; a person with more must be unassigned first.
pub async fn a_person_with_too_many_assignments_is_not_deleted(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let helper = w.person("Helper", Role::Agent).await?.id;
    let many = u32::try_from(limits::SET_NULL_MAX + 1).unwrap_or(u32::MAX);
    let numbers: Vec<u32> = (0..many).collect();
    for chunk in numbers.chunks(200) {
        let of = |number: &u32| Ticket { assigned_to: Some(helper), ..raw::ticket(*number, w.admin.actor()) };
        w.store.commit(Change::at(1).insert_all(chunk.iter().map(of)).set()).await?;
    }
    let relation = Relation::TicketAssignedTo;
    let refusal = Error::TooManyReferences { key: helper.into(), relation, most: limits::SET_NULL_MAX };
    w.refuses(w.admin.delete_user(helper), refusal).await?;
    w.agent.unassign_ticket(TicketId::from_uuid(raw::id(Entity::Ticket, 0))).await?;
    w.admin.delete_user(helper).await?;
    assert!(w.dump().await?.all::<Ticket>().iter().all(|ticket| ticket.assigned_to.is_none()));
    Ok(())
}

/// Deleting a rating empties its request's reference in the same commit; the request stays marked as rated.
pub async fn deleting_a_rating_empties_its_request(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (request, rating) = w.rated(Stars::Two).await?;
    let (other, kept) = w.rated(Stars::Four).await?;
    w.admin.delete_rating(rating.id).await?;
    let after = w.agent.request(request.id).await?;
    assert_eq!((after.rating_id, after.rated), (None, true));
    assert_eq!(w.agent.request(other.id).await?, other);
    assert_eq!(w.agent.rating(kept.id).await?, kept);
    w.sound().await
}
