//! Who may use which portal, checked with every call.

use super::prelude::*;

fn not_allowed(actor: UserId, needs: Role) -> Error {
    Error::NotAllowed { actor: ActorName(Actor::User(actor)), needs }
}

/// Each portal takes those of its role; the agent's takes admins too. Nobody else, neither to read nor to write.
pub async fn a_portal_takes_only_its_role(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let everybody = [w.admin.actor(), w.agent.actor(), w.ada.actor()];
    let stranger = UserId::from_uuid(w.laptop.as_uuid());
    let admits = |needs: Role, actor: UserId| match needs {
        Role::Admin => actor == w.admin.actor(),
        Role::Agent => actor == w.admin.actor() || actor == w.agent.actor(),
        Role::Customer => actor == w.ada.actor(),
    };
    for actor in everybody.into_iter().chain([stranger]) {
        let (admin, agent, customer) = (w.desk.admin(actor), w.desk.agent(actor), w.desk.customer(actor));
        if admits(Role::Admin, actor) {
            admin.summary().await?;
            admin.create_service(NewService::new("Phone", "hardware", "10 EUR".parse()?)).await?;
        } else {
            w.refuses(admin.summary(), not_allowed(actor, Role::Admin)).await?;
            let new = NewService::new("Phone", "hardware", "10 EUR".parse()?);
            w.refuses(admin.create_service(new), not_allowed(actor, Role::Admin)).await?;
        }
        if admits(Role::Agent, actor) {
            agent.summary().await?;
            agent.open_ticket(NewTicket::new("Fan is loud")).await?;
        } else {
            w.refuses(agent.unified(&Query::default()), not_allowed(actor, Role::Agent)).await?;
            w.refuses(agent.open_ticket(NewTicket::new("Fan is loud")), not_allowed(actor, Role::Agent)).await?;
        }
        if admits(Role::Customer, actor) {
            customer.me().await?;
            customer.open_ticket(OwnTicket::new("Fan is loud")).await?;
        } else {
            w.refuses(customer.me(), not_allowed(actor, Role::Customer)).await?;
            w.refuses(customer.open_ticket(OwnTicket::new("Fan is loud")), not_allowed(actor, Role::Customer)).await?;
        }
    }
    Ok(())
}

/// Somebody who was deactivated can neither read nor write from that moment on, with handles made before; and can again
/// once reactivated.
pub async fn a_deactivated_actor_has_no_time_left(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    let request = w.request(false).await?;
    w.admin.deactivate_user(w.agent.actor()).await?;
    w.admin.deactivate_user(w.ada.actor()).await?;
    let agent = || not_allowed(w.agent.actor(), Role::Agent);
    w.refuses(w.agent.ticket(ticket.id), agent()).await?;
    w.refuses(w.agent.tickets(&Query::default()), agent()).await?;
    w.refuses(w.agent.history(ticket.id, Order::NewestFirst, None, 10), agent()).await?;
    w.refuses(w.agent.resolve_ticket(ticket.id), agent()).await?;
    let ada = || not_allowed(w.ada.actor(), Role::Customer);
    w.refuses(w.ada.request(request.id), ada()).await?;
    w.refuses(w.ada.unified(&Query::default()), ada()).await?;
    w.refuses(w.ada.cancel_request(request.id), ada()).await?;
    w.refuses(w.ada.ticket_updates(ticket.id, None, 10), ada()).await?;
    w.admin.reactivate_user(w.agent.actor()).await?;
    w.agent.resolve_ticket(ticket.id).await?;
    w.refuses(w.ada.me(), ada()).await
}

/// A change of role takes one portal away and opens another, at once.
pub async fn a_demoted_actor_keeps_only_the_new_portal(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let iris = w.person("Iris", Role::Admin).await?;
    let (admin, agent) = (w.desk.admin(iris.id), w.desk.agent(iris.id));
    admin.summary().await?;
    w.admin.change_role(iris.id, Role::Agent).await?;
    w.refuses(admin.retire_service(w.laptop), not_allowed(iris.id, Role::Admin)).await?;
    w.refuses(admin.users(&Query::default()), not_allowed(iris.id, Role::Admin)).await?;
    agent.open_ticket(NewTicket::new("Door is stuck")).await?;
    w.admin.change_role(iris.id, Role::Customer).await?;
    w.refuses(agent.open_ticket(NewTicket::new("Door is stuck")), not_allowed(iris.id, Role::Agent)).await?;
    w.desk.customer(iris.id).open_ticket(OwnTicket::new("Door is stuck")).await?;
    Ok(())
}

/// An id that belongs to something else, or to nobody, is no actor.
pub async fn an_id_of_something_else_is_no_actor(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    for id in [ticket.id.as_uuid(), w.laptop.as_uuid(), uuid::Uuid::nil(), uuid::Uuid::max()] {
        let actor = UserId::from_uuid(id);
        w.refuses(w.desk.admin(actor).summary(), not_allowed(actor, Role::Admin)).await?;
        w.refuses(w.desk.agent(actor).touch_ticket(ticket.id), not_allowed(actor, Role::Agent)).await?;
        w.refuses(w.desk.customer(actor).me(), not_allowed(actor, Role::Customer)).await?;
    }
    Ok(())
}

/// Nobody changes their own role, or deactivates or deletes themself; another admin can. So a desk keeps an admin.
pub async fn nobody_does_it_to_their_own_account(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let me = w.admin.actor();
    let own = || Error::OwnAccount { key: me.into() };
    for role in Role::ALL {
        w.refuses(w.admin.change_role(me, *role), own()).await?;
    }
    w.refuses(w.admin.deactivate_user(me), own()).await?;
    w.refuses(w.admin.reactivate_user(me), own()).await?;
    w.refuses(w.admin.delete_user(me), own()).await?;
    // What is not a matter of rights, one may do oneself.
    let change = UserChange { full_name: Some("Nora Lind-Berg".to_owned()), ..UserChange::default() };
    assert_eq!(w.admin.change_user(me, change).await?.full_name, "Nora Lind-Berg");
    let iris = w.person("Iris", Role::Admin).await?;
    assert!(!w.desk.admin(iris.id).deactivate_user(me).await?.active);
    w.refuses(w.admin.summary(), not_allowed(me, Role::Admin)).await
}
