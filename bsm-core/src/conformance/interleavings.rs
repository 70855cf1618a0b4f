//! Another command between the decision and the commit of one: the guards, each proved every time.
//!
//! What races hit by chance is arranged here by a store around the store. In every case the outcome must be that of one
//! after the other: the command that comes second is decided anew on what the first one left. Each case names the guard
//! that it proves; without it, the second command commits what it decided on a state that is gone.

use super::prelude::*;

fn wrong_role(entity: Entity, field: &'static str, needs: Role) -> Error {
    Error::invalid_of(entity, field, Reason::WrongRole { needs })
}

/// A ticket is not assigned to somebody who is deactivated, or made a customer, at that moment. Proves the guard on the
/// assignee's row, of each command that assigns.
pub async fn the_assignee_is_guarded(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let refusal = wrong_role(Entity::Ticket, "assigned_to", Role::Agent);
    for made_customer in [false, true] {
        for command in 0..3 {
            let helper = w.person(&format!("Helper{made_customer}{command}"), Role::Agent).await?.id;
            let (ticket, request) = (w.ticket_in(TicketStatus::New).await?, w.request(false).await?);
            let admin = w.admin.clone();
            let desk = w.meanwhile(async move {
                if made_customer {
                    admin.change_role(helper, Role::Customer).await
                } else {
                    admin.deactivate_user(helper).await
                }
            });
            let agent = desk.agent(w.agent.actor());
            let result = match command {
                0 => agent.assign_ticket(ticket.id, helper).await,
                1 => agent.open_ticket(NewTicket { assigned_to: Some(helper), ..NewTicket::new("New") }).await,
                _ => {
                    let how = TicketFromRequest { assigned_to: Some(helper), ..TicketFromRequest::default() };
                    agent.make_ticket(request.id, how).await
                }
            };
            refused(result, &refusal);
        }
    }
    w.sound().await
}

/// Nobody is made a customer to whom a ticket is assigned at that moment. Proves the guard that no ticket names them.
pub async fn a_new_customer_has_no_tickets_to_work_on(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let helper = w.person("Helper", Role::Agent).await?.id;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    let agent = w.agent.clone();
    let desk = w.meanwhile(async move { agent.assign_ticket(ticket.id, helper).await });
    let refusal = Error::StillReferenced { key: helper.into(), relation: Relation::TicketAssignedTo };
    refused(desk.admin(w.admin.actor()).change_role(helper, Role::Customer).await, &refusal);
    w.sound().await
}

/// A service that is retired at that moment is not requested; one whose price changes is requested at the new price.
/// Proves the guard on the service's row.
pub async fn the_service_is_guarded(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (admin, laptop) = (w.admin.clone(), w.laptop);
    let dearer =
        ServiceChange { price: Some("99 EUR".parse()?), needs_approval: Some(true), ..ServiceChange::default() };
    let desk = w.meanwhile(async move { admin.change_service(laptop, dearer).await });
    let request = desk.customer(w.ada.actor()).submit_request(SubmitRequest::new(laptop)).await?;
    assert_eq!((request.price.to_string().as_str(), request.needs_approval), ("99.00 EUR", true));
    let admin = w.admin.clone();
    let desk = w.meanwhile(async move { admin.retire_service(laptop).await });
    let call = desk.customer(w.ada.actor()).submit_request(SubmitRequest::new(laptop)).await;
    refused(call, &Error::ServiceRetired { service: laptop });
    // One that is deleted at that moment: the foreign key would hold as well, the guard says it first.
    let (admin, server) = (w.admin.clone(), w.server);
    let desk = w.meanwhile(async move { admin.delete_service(server).await });
    let call = desk.customer(w.ada.actor()).submit_request(SubmitRequest::new(server)).await;
    refused(call, &Error::MissingParent { relation: Relation::RequestService, parent: server.into() });
    w.sound().await
}

/// Who is deactivated or demoted at that moment does nothing any more. Proves the guard on the actor's own row.
pub async fn the_actor_is_guarded(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    let not_allowed = |actor: UserId, needs| Error::NotAllowed { actor: ActorName(Actor::User(actor)), needs };
    let (admin, theo) = (w.admin.clone(), w.agent.actor());
    let desk = w.meanwhile(async move { admin.deactivate_user(theo).await });
    refused(desk.agent(theo).resolve_ticket(ticket.id).await, &not_allowed(theo, Role::Agent));
    let (admin, ada) = (w.admin.clone(), w.ada.actor());
    let desk = w.meanwhile(async move { admin.deactivate_user(ada).await });
    let call = desk.customer(ada).submit_request(SubmitRequest::new(w.laptop)).await;
    refused(call, &not_allowed(ada, Role::Customer));
    let iris = w.person("Iris", Role::Admin).await?.id;
    let admin = w.admin.clone();
    let desk = w.meanwhile(async move { admin.change_role(iris, Role::Agent).await });
    refused(desk.admin(iris).retire_service(w.laptop).await, &not_allowed(iris, Role::Admin));
    refused(w.agent.ticket(ticket.id).await, &not_allowed(theo, Role::Agent));
    assert_eq!(w.admin.ticket(ticket.id).await?, ticket);
    Ok(())
}

/// Two admins who demote each other: the first one wins, and the desk keeps an admin. Proves the guard on the actor's
/// own row, where two commands write different rows.
pub async fn two_admins_do_not_demote_each_other(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let iris = w.person("Iris", Role::Admin).await?.id;
    let (nora, hers) = (w.admin.actor(), w.desk.admin(iris));
    let desk = w.meanwhile(async move { hers.change_role(nora, Role::Agent).await });
    let refusal = Error::NotAllowed { actor: ActorName(Actor::User(nora)), needs: Role::Admin };
    refused(desk.admin(nora).change_role(iris, Role::Agent).await, &refusal);
    assert_eq!(w.desk.admin(iris).user(iris).await?.role, Role::Admin);
    Ok(())
}

/// A request is asked for by, and a ticket opened for, somebody who is still there and active at the commit. Proves the
/// guard on that person's row.
pub async fn whose_it_is_is_guarded(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let new = |user| NewTicket { requested_for: Some(user), ..NewTicket::new("For them") };
    for deleted in [false, true] {
        for request in [false, true] {
            let user = w.person(&format!("User{deleted}{request}"), Role::Customer).await?.id;
            let admin = w.admin.clone();
            let desk = w.meanwhile(async move {
                if deleted { admin.delete_user(user).await } else { admin.deactivate_user(user).await.map(drop) }
            });
            let agent = desk.agent(w.agent.actor());
            if request {
                let relation = Relation::RequestCustomer;
                let refusal = if deleted {
                    Error::MissingParent { relation, parent: user.into() }
                } else {
                    wrong_role(Entity::Request, "customer_id", Role::Customer)
                };
                refused(agent.submit_request_for(NewRequest::new(w.laptop, user)).await, &refusal);
            } else {
                let relation = Relation::TicketRequestedFor;
                let refusal = if deleted {
                    Error::MissingParent { relation, parent: user.into() }
                } else {
                    wrong_role(Entity::Ticket, "requested_for", Role::Customer)
                };
                refused(agent.open_ticket(new(user)).await, &refusal);
            }
        }
    }
    w.sound().await
}

/// A conversion that comes second sees what became of the request: converted, withdrawn, or its service renamed. Proves
/// the version that the request is written with, and the guard on the service's row.
pub async fn a_conversion_sees_what_became_of_the_request(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let request = w.request(false).await?.id;
    let agent = w.agent.clone();
    let desk = w.meanwhile(async move { agent.make_ticket(request, TicketFromRequest::default()).await });
    refused_like!(
        desk.agent(w.agent.actor()).make_ticket(request, TicketFromRequest::default()).await,
        Error::AlreadyConverted { request: of, .. } if of == request
    );
    let (request, ada) = (w.request(false).await?.id, w.ada.clone());
    let desk = w.meanwhile(async move { ada.cancel_request(request).await });
    refused_like!(
        desk.agent(w.agent.actor()).make_ticket(request, TicketFromRequest::default()).await,
        Error::IllegalMove { from: "cancelled", .. }
    );
    let (request, admin, laptop) = (w.request(false).await?.id, w.admin.clone(), w.laptop);
    let rename = ServiceChange { name: Some("Notebook".to_owned()), ..ServiceChange::default() };
    let desk = w.meanwhile(async move { admin.change_service(laptop, rename).await });
    let ticket = desk.agent(w.agent.actor()).make_ticket(request, TicketFromRequest::default()).await?;
    assert_eq!(ticket.title, "Notebook");
    w.sound().await
}

/// Withdrawing or fulfilling a request sees the ticket that was made of it at that moment, and resolving the ticket sees
/// that the request was withdrawn. Proves the versions of both rows.
pub async fn a_request_and_its_ticket_see_each_other(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (request, agent) = (w.request(false).await?.id, w.agent.clone());
    let desk = w.meanwhile(async move { agent.make_ticket(request, TicketFromRequest::default()).await });
    let cancelled = desk.customer(w.ada.actor()).cancel_request(request).await?;
    let Some(ticket) = cancelled.ticket_id else { panic!("the ticket was made first: {cancelled:?}") };
    assert_eq!(w.agent.ticket(ticket).await?.status, TicketStatus::Cancelled);
    let (request, agent) = (w.request(false).await?.id, w.agent.clone());
    let desk = w.meanwhile(async move { agent.make_ticket(request, TicketFromRequest::default()).await });
    refused_like!(
        desk.agent(w.agent.actor()).fulfil_request(request).await,
        Error::HasOpenTicket { request: of, .. } if of == request
    );
    let ((request, ticket), ada) = (w.converted().await?, w.ada.clone());
    let desk = w.meanwhile(async move { ada.cancel_request(request.id).await });
    refused_like!(
        desk.agent(w.agent.actor()).resolve_ticket(ticket.id).await,
        Error::IllegalMove { from: "cancelled", .. }
    );
    let ((request, ticket), agent) = (w.converted().await?, w.agent.clone());
    let desk = w.meanwhile(async move { agent.resolve_ticket(ticket.id).await });
    refused_like!(
        desk.customer(w.ada.actor()).cancel_request(request.id).await,
        Error::IllegalMove { from: "fulfilled", .. }
    );
    w.sound().await
}

/// A rating and a reopening at one moment: rated first, the request stays fulfilled; reopened first, there is nothing to
/// rate. Proves the guard on the request's row when its ticket is reopened, and its version when it is rated.
pub async fn a_rating_and_a_reopening_see_each_other(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ((request, ticket), ada) = (w.converted().await?, w.ada.clone());
    w.agent.resolve_ticket(ticket.id).await?;
    let desk = w.meanwhile(async move { ada.rate(request.id, Stars::Five, "").await });
    let reopened = desk.agent(w.agent.actor()).reopen_ticket(ticket.id).await?;
    let after = w.agent.request(request.id).await?;
    assert_eq!((reopened.status, after.status), (TicketStatus::InProgress, RequestStatus::Fulfilled));
    assert!(after.rated);
    let ((request, ticket), agent) = (w.converted().await?, w.agent.clone());
    w.agent.resolve_ticket(ticket.id).await?;
    let desk = w.meanwhile(async move { agent.reopen_ticket(ticket.id).await });
    let refusal = Error::NotFulfilled { request: request.id, status: RequestStatus::InProgress };
    refused(desk.customer(w.ada.actor()).rate(request.id, Stars::Five, "").await, &refusal);
    w.sound().await
}

/// Changes of different fields of one row both stand: the second is made on what the first left. Proves the version that
/// a row is written with.
pub async fn no_change_is_lost(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let (admin, impact) = (w.admin.clone(), Some(Impact::High));
    let change = TicketChange { impact, group: Patch::Set("first".to_owned()), ..TicketChange::default() };
    let desk = w.meanwhile(async move { admin.change_ticket(ticket, change).await });
    let change = TicketChange { urgency: Some(Urgency::High), ..TicketChange::default() };
    let after = desk.agent(w.agent.actor()).change_ticket(ticket, change).await?;
    assert_eq!((after.impact, after.urgency, after.group.as_deref()), (Impact::High, Urgency::High, Some("first")));
    assert_eq!((after.priority, after.version), (Priority::Critical, Version(3)));
    let (agent, note) = (w.agent.clone(), "Called");
    let desk = w.meanwhile(async move { agent.add_note(ticket, note).await });
    desk.agent(w.agent.actor()).add_note(ticket, "Called again").await?;
    assert_eq!(w.agent.ticket(ticket).await?.version, Version(5));
    // Closed at that moment: the change is refused.
    let ticket = w.ticket_in(TicketStatus::Resolved).await?.id;
    let ada = w.ada.clone();
    let desk = w.meanwhile(async move { ada.close_ticket(ticket).await });
    let change = TicketChange { urgency: Some(Urgency::High), ..TicketChange::default() };
    let refusal = Error::Finished { key: ticket.into(), status: "closed" };
    refused(desk.agent(w.agent.actor()).change_ticket(ticket, change).await, &refusal);
    w.sound().await
}

/// Deleting a person sees what names them since: assignments are emptied too, anything else keeps them. Proves that the
/// store looks for children of a deleted row in the commit.
pub async fn a_deletion_sees_what_names_the_row_since(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let helper = w.person("Helper", Role::Agent).await?.id;
    let (first, second) = (w.ticket_in(TicketStatus::New).await?.id, w.ticket_in(TicketStatus::New).await?.id);
    w.agent.assign_ticket(first, helper).await?;
    let agent = w.agent.clone();
    let desk = w.meanwhile(async move { agent.assign_ticket(second, helper).await });
    desk.admin(w.admin.actor()).delete_user(helper).await?;
    for ticket in [first, second] {
        assert_eq!(w.agent.ticket(ticket).await?.assigned_to, None);
    }
    let helper = w.person("Helper", Role::Agent).await?.id;
    let theirs = w.desk.agent(helper);
    let desk = w.meanwhile(async move { theirs.open_ticket(NewTicket::new("Last words")).await });
    let refusal = Error::StillReferenced { key: helper.into(), relation: Relation::TicketCreatedBy };
    refused(desk.admin(w.admin.actor()).delete_user(helper).await, &refusal);
    let (ada, server) = (w.ada.clone(), w.server);
    let desk = w.meanwhile(async move { ada.submit_request(SubmitRequest::new(server)).await });
    let refusal = Error::StillReferenced { key: server.into(), relation: Relation::RequestService };
    refused(desk.admin(w.admin.actor()).delete_service(server).await, &refusal);
    w.sound().await
}

/// The first admin, a keyed command, an expected version and the desk's own closing, each with the same in between.
pub async fn what_was_done_meanwhile_is_seen(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    // A keyed command: the answer is the other's.
    let agent = w.agent.keyed("k");
    let desk = w.meanwhile(async move { agent.open_ticket(NewTicket::new("Once")).await });
    desk.agent(w.agent.actor()).keyed("k").open_ticket(NewTicket::new("Once")).await?;
    let tickets: Vec<Ticket> = w.dump().await?.all();
    assert_eq!(tickets.len(), 1);
    // An expected version: no retry hides that the row changed.
    let (agent, ticket) = (w.agent.clone(), tickets[0].id);
    let desk = w.meanwhile(async move { agent.touch_ticket(ticket).await });
    let refusal = Error::Conflict { key: ticket.into(), expected: Version(1), found: Version(2) };
    refused(desk.agent(w.agent.actor()).expecting(Version(1)).touch_ticket(ticket).await, &refusal);
    // What is reopened while the desk closes what is resolved, stays open.
    w.agent.resolve_ticket(ticket).await?;
    let agent = w.agent.clone();
    let desk = w.meanwhile(async move { agent.reopen_ticket(ticket).await });
    assert_eq!(desk.close_resolved(Timestamp::MAX).await?, 0);
    assert_eq!(w.agent.ticket(ticket).await?.status, TicketStatus::InProgress);
    Ok(())
}

/// What happens before a command reads is seen, in the rows that it names and in those that they name; and a command reads
/// once, so that there is nothing in between.
pub async fn what_was_done_before_the_read_is_seen(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for behind in 0..2 {
        // A ticket, and the request that it was made from.
        let ((request, ticket), ada) = (w.converted().await?, w.ada.clone());
        let desk = w.before_read(behind, async move { ada.cancel_request(request.id).await });
        let resolved = desk.agent(w.agent.actor()).resolve_ticket(ticket.id).await;
        if behind == 0 {
            refused_like!(resolved, Error::IllegalMove { from: "cancelled", .. });
        } else {
            assert_eq!(resolved?.status, TicketStatus::Resolved, "a command reads once");
        }
        // A request, and its ticket.
        let ((request, ticket), agent) = (w.converted().await?, w.agent.clone());
        let desk = w.before_read(behind, async move { agent.resolve_ticket(ticket.id).await });
        let cancelled = desk.customer(w.ada.actor()).cancel_request(request.id).await;
        if behind == 0 {
            refused_like!(cancelled, Error::IllegalMove { from: "fulfilled", .. });
        } else {
            assert_eq!(cancelled?.status, RequestStatus::Cancelled);
        }
    }
    w.sound().await
}

/// The desk's own time agrees with the order of versions: a command that was decided on another's outcome is recorded
/// after it, however late that came. Proves that the desk's time is read after the state.
pub async fn what_is_decided_later_is_recorded_later(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    for _ in 0..3 {
        let agent = w.agent.clone();
        let desk = w.before_read(0, async move { agent.touch_ticket(ticket).await });
        desk.agent(w.agent.actor()).touch_ticket(ticket).await?;
        let agent = w.agent.clone();
        let desk = w.meanwhile(async move { agent.touch_ticket(ticket).await });
        desk.agent(w.agent.actor()).touch_ticket(ticket).await?;
    }
    let recorded: Vec<Timestamp> =
        every_entry(&w.store, ticket.into()).await?.iter().map(|entry| entry.recorded_at).collect();
    assert_eq!(recorded.len(), 13);
    assert!(recorded.is_sorted_by(|a, b| a < b), "{recorded:?}");
    // Another desk whose clock is an hour behind goes on from what it read.
    let late = Arc::new(crate::SteppingClock::new(w.now().plus_micros(-3_600_000_000), 1));
    let desk = crate::Desk::builder(Arc::clone(&w.store)).clock(late).build();
    let touched = desk.agent(w.agent.actor()).touch_ticket(ticket).await?;
    assert!(recorded.last() < Some(&touched.updated_at));
    w.sound().await
}

/// A command is decided anew a bounded number of times; then its caller sees the conflict, and nothing happened.
pub async fn a_command_is_tried_a_bounded_number_of_times(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let touches = |times| {
        let touch = |_| {
            let agent = w.agent.clone();
            async move { agent.touch_ticket(ticket).await.map(drop) }
        };
        w.meanwhile_each((0..times).map(touch)).agent(w.agent.actor())
    };
    let most = u64::try_from(limits::COMMAND_ATTEMPTS).unwrap_or(u64::MAX);
    let resolved = touches(most - 1).resolve_ticket(ticket).await?;
    assert_eq!(resolved.version, Version(most + 1));
    let refusal = Error::Conflict { key: ticket.into(), expected: Version(2 * most), found: Version(2 * most + 1) };
    refused(touches(most).close_ticket(ticket).await, &refusal);
    assert_eq!(w.agent.ticket(ticket).await?.status, TicketStatus::Resolved);
    Ok(())
}
