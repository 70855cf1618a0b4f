//! What a desk keeps of people and services for its commands, and what another desk over the same store makes of them
//! meanwhile: nobody is told anything that was decided on what was kept alone.
//!
//! In every case a desk comes to know a row by a command, the row is changed through another desk, and the first one is
//! asked again. Taken out of the portals that a refusal is decided anew on what the store says, each of them fails.

use super::prelude::*;

fn not_allowed(actor: UserId, needs: Role) -> Error {
    Error::NotAllowed { actor: ActorName(Actor::User(actor)), needs }
}

fn service() -> Result<NewService> {
    Ok(NewService::new("Desk", "furniture", "10 EUR".parse()?))
}

/// A service that was changed elsewhere is asked for as it stands: at its new price, not while it is retired, again once it
/// is not, and not when it is gone.
pub async fn a_service_changed_elsewhere_is_asked_for_as_it_stands(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ada = w.another_desk().customer(w.ada.actor());
    let ask = |service| ada.submit_request(SubmitRequest::new(service));
    let change = |change| w.admin.change_service(w.laptop, change);
    ask(w.laptop).await?;
    let (price, needs_approval) = (Some("99 EUR".parse()?), Some(true));
    change(ServiceChange { price, needs_approval, ..ServiceChange::default() }).await?;
    let request = ask(w.laptop).await?;
    assert_eq!((request.price.to_string().as_str(), request.needs_approval), ("99.00 EUR", true));
    for _ in 0..2 {
        change(ServiceChange { active: Some(false), ..ServiceChange::default() }).await?;
        for _ in 0..2 {
            w.refuses(ask(w.laptop), Error::ServiceRetired { service: w.laptop }).await?;
        }
        change(ServiceChange { active: Some(true), ..ServiceChange::default() }).await?;
        ask(w.laptop).await?;
    }
    // Known by a command that was refused, so that nothing names it.
    let details = "x".repeat(limits::DESCRIPTION_CHARS + 1);
    let call = ada.submit_request(SubmitRequest { details, ..SubmitRequest::new(w.server) });
    refused_like!(call.await, Error::Invalid { .. });
    w.admin.delete_service(w.server).await?;
    let missing = Error::MissingParent { relation: Relation::RequestService, parent: w.server.into() };
    w.refuses(ask(w.server), missing).await?;
    w.sound().await
}

/// Who was demoted or deactivated elsewhere does nothing more, and who may act again does.
pub async fn who_may_act_is_who_may_act_now(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let desk = w.another_desk();
    let iris = w.person("Iris", Role::Admin).await?.id;
    let (as_admin, as_agent) = (desk.admin(iris), desk.agent(iris));
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    as_admin.create_service(service()?).await?;
    for _ in 0..2 {
        w.admin.change_role(iris, Role::Agent).await?;
        w.refuses(as_admin.create_service(service()?), not_allowed(iris, Role::Admin)).await?;
        as_agent.touch_ticket(ticket).await?;
        w.admin.change_role(iris, Role::Admin).await?;
        as_admin.create_service(service()?).await?;
        w.admin.deactivate_user(iris).await?;
        // With what needs no read besides, and with what does.
        w.refuses(as_agent.open_ticket(NewTicket::new("Mine")), not_allowed(iris, Role::Agent)).await?;
        w.refuses(as_agent.touch_ticket(ticket), not_allowed(iris, Role::Agent)).await?;
        w.admin.reactivate_user(iris).await?;
        as_agent.open_ticket(NewTicket::new("Mine")).await?;
    }
    let (ada, hers) = (w.ada.actor(), desk.customer(w.ada.actor()));
    hers.open_ticket(OwnTicket::new("Screen")).await?;
    w.admin.change_role(ada, Role::Agent).await?;
    w.refuses(hers.open_ticket(OwnTicket::new("Screen")), not_allowed(ada, Role::Customer)).await?;
    let gone = w.person("Gone", Role::Customer).await?.id;
    let theirs = desk.customer(gone);
    refused_like!(theirs.open_ticket(OwnTicket::new("")).await, Error::Invalid { .. });
    w.admin.delete_user(gone).await?;
    w.refuses(theirs.open_ticket(OwnTicket::new("Screen")), not_allowed(gone, Role::Customer)).await?;
    w.sound().await
}

/// Who is named by a command is taken for who they are now: an assignee, and whose it is.
pub async fn who_is_named_is_who_they_are_now(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let agent = w.another_desk().agent(w.agent.actor());
    let helper = w.person("Helper", Role::Agent).await?.id;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let wrong = |entity, field: Field, needs| Error::invalid_of(entity, field.as_str(), Reason::WrongRole { needs });
    agent.assign_ticket(ticket, helper).await?;
    w.agent.unassign_ticket(ticket).await?;
    w.admin.change_role(helper, Role::Customer).await?;
    let refusal = || wrong(Entity::Ticket, Field::AssignedTo, Role::Agent);
    w.refuses(agent.assign_ticket(ticket, helper), refusal()).await?;
    let open = || agent.open_ticket(NewTicket { assigned_to: Some(helper), ..NewTicket::new("New") });
    w.refuses(open(), refusal()).await?;
    w.admin.change_role(helper, Role::Agent).await?;
    open().await?;
    let ben = w.ben.actor();
    let ask = || agent.submit_request_for(NewRequest::new(w.laptop, ben));
    ask().await?;
    w.admin.deactivate_user(ben).await?;
    w.refuses(ask(), wrong(Entity::Request, Field::CustomerId, Role::Customer)).await?;
    w.admin.reactivate_user(ben).await?;
    ask().await?;
    w.sound().await
}

/// A version is expected of the row that stands, and a change is made on it.
pub async fn a_version_is_expected_of_what_stands(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let admin = w.another_desk().admin(w.admin.actor());
    let ada = w.ada.actor();
    let named = |name: &str| UserChange { full_name: Some(name.to_owned()), ..UserChange::default() };
    let outer = |text: &str| UserChange { external_ref: Patch::Set(text.to_owned()), ..UserChange::default() };
    admin.change_user(ada, named("Ada")).await?;
    let stands = w.admin.change_user(ada, named("Ada King")).await?;
    let after = admin.expecting(stands.version).change_user(ada, outer("A-1")).await?;
    assert_eq!((after.full_name.as_str(), after.version), ("Ada King", stands.version.next()));
    let stands = w.admin.change_user(ada, named("Ada Lovelace")).await?;
    let refusal = Error::Conflict { key: ada.into(), expected: after.version, found: stands.version };
    w.refuses(admin.expecting(after.version).change_user(ada, outer("A-2")), refusal).await?;
    // Without a version it is made on what stands.
    w.admin.change_user(ada, named("Ada Byron")).await?;
    let after = admin.change_user(ada, outer("A-3")).await?;
    assert_eq!(after.full_name, "Ada Byron");
    // The desk takes somebody for a customer who is an agent by now, with a ticket; then the other way round, at another
    // version, and then for somebody who is there.
    let helper = w.person("Helper", Role::Customer).await?.id;
    let to_customer = || admin.change_role(helper, Role::Customer);
    admin.change_user(helper, named("Helper One")).await?;
    let agent = w.admin.change_role(helper, Role::Agent).await?;
    w.agent.open_ticket(NewTicket { assigned_to: Some(helper), ..NewTicket::new("Theirs") }).await?;
    let refusal = Error::StillReferenced { key: helper.into(), relation: Relation::TicketAssignedTo };
    w.refuses(to_customer(), refusal).await?;
    let stands = w.admin.change_user(helper, named("Helper Two")).await?;
    let refusal = Error::Conflict { key: helper.into(), expected: agent.version, found: stands.version };
    w.refuses(admin.expecting(agent.version).change_role(helper, Role::Customer), refusal).await?;
    w.admin.delete_user(helper).await?;
    w.refuses(to_customer(), Error::not_found(helper)).await?;
    w.sound().await
}

/// A command that is sent again under its key is answered, whatever became of what it was about: a refusal is told only
/// when the key was looked for.
pub async fn a_command_sent_again_is_answered_first(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let desk = w.another_desk();
    let (ada, agent, admin) = (w.ada.actor(), desk.agent(w.agent.actor()), desk.admin(w.admin.actor()));
    let ask = async |key: &str| desk.customer(ada).keyed(key).submit_request(SubmitRequest::new(w.laptop)).await;
    let request = ask("r").await?;
    w.admin.retire_service(w.laptop).await?;
    // The desk does not know that the service is retired; and then it does.
    for _ in 0..2 {
        assert_eq!(ask("r").await?, request);
        w.refuses(ask("another"), Error::ServiceRetired { service: w.laptop }).await?;
    }
    let make = async || agent.keyed("m").make_ticket(request.id, TicketFromRequest::default()).await;
    let ticket = make().await?;
    assert_eq!(make().await?, ticket);
    refused_like!(agent.make_ticket(request.id, TicketFromRequest::default()).await, Error::AlreadyConverted { .. });
    let gone = w.person("Gone", Role::Agent).await?.id;
    let going = UserChange { full_name: Some("Going".to_owned()), ..UserChange::default() };
    let rename = async || admin.keyed("n").change_user(gone, going.clone()).await;
    let renamed = rename().await?;
    assert_eq!(rename().await?, renamed);
    let expecting = async || admin.keyed("e").expecting(renamed.version).deactivate_user(gone).await;
    let inactive = expecting().await?;
    assert_eq!(expecting().await?, inactive);
    let delete = async || admin.keyed("d").delete_user(gone).await;
    delete().await?;
    delete().await?;
    let before = w.dump().await?;
    let service = w.admin.create_service(service()?).await?.id;
    let delete = async || admin.keyed("s").delete_service(service).await;
    delete().await?;
    delete().await?;
    w.refuses(admin.keyed("s").delete_service(w.server), Error::KeyReused).await?;
    assert_eq!(w.dump().await?.rows, before.rows);
    w.sound().await
}

/// A key tells nothing to somebody who may not ask any more: neither that their command happened, nor that it was another.
pub async fn a_key_tells_nothing_to_who_may_not_ask(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let gone = w.person("Gone", Role::Agent).await?.id;
    for again in 0..5 {
        let iris = w.person(&format!("Iris{again}"), Role::Admin).await?.id;
        let admin = w.another_desk().admin(iris);
        let made = admin.keyed("c").create_service(service()?).await?.id;
        // Elsewhere, now and then: then the desk knows the service still, and comes to the commit with it.
        let elsewhere = if again == 4 { w.another_desk().admin(iris) } else { admin.clone() };
        elsewhere.keyed("d").delete_service(made).await?;
        w.admin.change_role(iris, Role::Agent).await?;
        let refusal = not_allowed(iris, Role::Admin);
        match again {
            0 => w.refuses(admin.keyed("c").create_service(service()?), refusal).await?,
            1 | 4 => w.refuses(admin.keyed("d").delete_service(made), refusal).await?,
            2 => w.refuses(admin.keyed("d").create_service(service()?), refusal).await?,
            _ => w.refuses(admin.keyed("c").delete_user(gone), refusal).await?,
        }
    }
    Ok(())
}

/// An attempt on what was kept takes none of the number: a command that would succeed without it does.
pub async fn what_was_stale_takes_no_attempt(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let touch = |_| {
        let (admin, laptop) = (w.admin.clone(), w.laptop);
        async move { admin.change_service(laptop, ServiceChange::default()).await.map(drop) }
    };
    for (kept, changes) in [(false, limits::COMMAND_ATTEMPTS - 1), (true, limits::COMMAND_ATTEMPTS)] {
        // The service is changed before so many commits.
        let ada = w.meanwhile_each((0..changes).map(touch)).customer(w.ada.actor());
        if kept {
            // It comes to no commit, and the desk knows the service.
            let details = "x".repeat(limits::DESCRIPTION_CHARS + 1);
            let call = ada.submit_request(SubmitRequest { details, ..SubmitRequest::new(w.laptop) });
            refused_like!(call.await, Error::Invalid { .. });
        }
        ada.submit_request(SubmitRequest::new(w.laptop)).await?;
    }
    let ada = w.meanwhile_each((0..limits::COMMAND_ATTEMPTS).map(touch)).customer(w.ada.actor());
    refused_like!(ada.submit_request(SubmitRequest::new(w.laptop)).await, Error::Conflict { .. });
    w.sound().await
}

/// A command sees what the stamp of its handle marks, whatever its desk knew before.
pub async fn a_command_sees_what_its_stamp_marks(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ada = w.another_desk().customer(w.ada.actor());
    ada.submit_request(SubmitRequest::new(w.laptop)).await?;
    for active in [false, true, false] {
        w.admin.change_service(w.laptop, ServiceChange { active: Some(active), ..ServiceChange::default() }).await?;
        let Some(stamp) = w.admin.last_stamp() else { panic!("a command leaves a stamp") };
        let asked = ada.seeing(stamp).submit_request(SubmitRequest::new(w.laptop)).await;
        if active {
            asked?;
        } else {
            refused(asked, &Error::ServiceRetired { service: w.laptop });
        }
    }
    w.sound().await
}

/// Whatever many commands of one desk make of a service that is changed through another all the time, each is decided on
/// the service as it stood then: the feed tells in which order they came.
pub async fn a_price_is_the_one_that_stood(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let (admin, laptop) = (w.admin.clone(), w.laptop);
    let change = async move {
        let mut prices = vec![admin.service(laptop).await?.price];
        for euros in 1..=40 {
            let price = Some(format!("{euros} EUR").parse()?);
            prices.push(admin.change_service(laptop, ServiceChange { price, ..ServiceChange::default() }).await?.price);
        }
        Ok::<_, Error>(prices)
    };
    let desk = w.another_desk();
    let ada = desk.customer(w.ada.actor());
    let ask = async move {
        race(8, |_| {
            let ada = ada.clone();
            async move {
                let mut asked = 0;
                while asked < 10 {
                    match ada.submit_request(SubmitRequest::new(laptop)).await {
                        // Where the other side is the quicker one again and again, one may be told so.
                        Err(Error::Conflict { key, .. }) if key == laptop.into() => {}
                        other => asked += other.map(|_| 1)?,
                    }
                }
                Ok::<_, Error>(())
            }
        })
        .await
    };
    let (prices, asked) = both(change, ask).await;
    let prices = prices?;
    for asked in asked {
        asked?;
    }
    let dump = w.dump().await?;
    let (mut stands, mut told, mut query) = (1, 0, EventQuery::since(Since::Oldest));
    loop {
        let page = w.admin.events(&query).await?;
        for entry in page.events.iter().flat_map(|event| &event.entries) {
            if entry.key == laptop.into() {
                stands = entry.version.0;
            } else if let Some(Row::Request(request)) = dump.rows.get(&entry.key) {
                let price = usize::try_from(stands - 1).ok().and_then(|place| prices.get(place));
                assert_eq!(Some(&request.price), price, "{} was made while {stands} stood", entry.key);
                told += 1;
            }
        }
        if !page.more {
            break;
        }
        query = page.position.into();
    }
    assert_eq!(told, 80);
    w.sound().await
}
