//! People: who is who, and by what they are found.

use super::prelude::*;

fn duplicate(field: Field) -> Error {
    Error::Duplicate { entity: Entity::User, field }
}

/// A person is found by id, by address in any case, and by their id elsewhere; and what nobody has finds nobody.
pub async fn people_are_found_by_id_address_and_outer_id(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let new = NewUser {
        external_ref: Some("  hr/0017 ".to_owned()),
        ..NewUser::new(" Zoë Ångström ", " Zoe@Example.ORG", Role::Customer)
    };
    let zoe = w.admin.create_user(new).await?;
    assert_eq!((zoe.full_name.as_str(), zoe.email.as_str()), ("Zoë Ångström", "zoe@example.org"));
    assert_eq!(zoe.external_ref.as_deref(), Some("hr/0017"));
    assert_eq!(w.agent.user(zoe.id).await?, zoe);
    assert_eq!(w.agent.user_by_email("ZOE@EXAMPLE.org ").await?, zoe);
    assert_eq!(w.desk.user_by_email(" zoe@Example.org").await?, zoe);
    assert_eq!(w.agent.user_by_external_ref(" hr/0017").await?, zoe);
    assert_eq!(w.desk.customer(zoe.id).me().await?, zoe);
    let none = |field| Error::NoneWith { entity: Entity::User, field };
    refused(w.agent.user_by_email("nobody@example.org").await, &none(Field::Email));
    refused(w.desk.user_by_email("nobody@example.org").await, &none(Field::Email));
    refused_like!(w.desk.user_by_email("nobody").await, Error::Invalid { field: "email", .. });
    refused(w.agent.user_by_external_ref("HR/0017").await, &none(Field::ExternalRef));
    refused(w.agent.user_by_external_ref("").await, &none(Field::ExternalRef));
    refused_like!(w.agent.user_by_email("nobody").await, Error::Invalid { field: "email", .. });
    let nobody = UserId::from_uuid(w.laptop.as_uuid());
    refused(w.agent.user(nobody).await, &Error::not_found(nobody));
    Ok(())
}

/// No two people share an address, whatever its case; one that was given up can be taken.
pub async fn an_address_is_one_persons(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for email in ["ada@customer.example", "ADA@Customer.Example", " ada@customer.example\t"] {
        let new = NewUser::new("Another Ada", email.trim(), Role::Customer);
        w.refuses(w.admin.create_user(new), duplicate(Field::Email)).await?;
    }
    let take = |email: &str| UserChange { email: Some(email.to_owned()), ..UserChange::default() };
    w.refuses(w.admin.change_user(w.ben.actor(), take("Ada@customer.example")), duplicate(Field::Email)).await?;
    // One's own in another case is no change of it.
    let ada = w.admin.change_user(w.ada.actor(), take("ADA@customer.example")).await?;
    assert_eq!(ada.email, "ada@customer.example");
    w.admin.change_user(w.ada.actor(), take("ada@byron.example")).await?;
    let ben = w.admin.change_user(w.ben.actor(), take("ada@customer.example")).await?;
    assert_eq!(w.agent.user_by_email("ada@customer.example").await?, ben);
    assert_eq!(w.agent.user_by_email("ada@byron.example").await?.id, w.ada.actor());
    Ok(())
}

/// An id elsewhere is unique among people, not between people and tickets; emptied, it can be given to another.
pub async fn an_outer_id_is_unique_within_its_entity(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let outer = |text: &str| Some(text.to_owned());
    let set = |to: Patch<String>| UserChange { external_ref: to, ..UserChange::default() };
    w.admin.change_user(w.ada.actor(), set(Patch::Set("X-1".to_owned()))).await?;
    let second = w.admin.change_user(w.ben.actor(), set(Patch::Set("X-1".to_owned())));
    w.refuses(second, duplicate(Field::ExternalRef)).await?;
    let ticket = w.agent.open_ticket(NewTicket { external_ref: outer("X-1"), ..NewTicket::new("One") }).await?;
    let again = w.agent.open_ticket(NewTicket { external_ref: outer("X-1"), ..NewTicket::new("Two") });
    w.refuses(again, Error::Duplicate { entity: Entity::Ticket, field: Field::ExternalRef }).await?;
    let request = NewRequest { external_ref: outer("X-1"), ..NewRequest::new(w.laptop, w.ada.actor()) };
    let request = w.agent.submit_request_for(request).await?;
    assert_eq!(w.agent.ticket_by_external_ref("X-1").await?, ticket);
    assert_eq!(w.agent.request_by_external_ref("X-1").await?, request);
    assert_eq!(w.agent.user_by_external_ref("X-1").await?.id, w.ada.actor());
    assert_eq!(w.admin.change_user(w.ada.actor(), set(Patch::Clear)).await?.external_ref, None);
    w.admin.change_user(w.ben.actor(), set(Patch::Set("X-1".to_owned()))).await?;
    assert_eq!(w.agent.user_by_external_ref("X-1").await?.id, w.ben.actor());
    // Many may have none.
    assert_eq!(w.agent.user(w.ada.actor()).await?.external_ref, None);
    Ok(())
}

/// A change sets what it names and keeps the rest; one of nothing is a touch; each is one version and one entry.
pub async fn a_change_of_a_person_keeps_what_it_does_not_name(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let before = w.agent.user(w.ada.actor()).await?;
    let change = UserChange { full_name: Some("Ada Lovelace".to_owned()), ..UserChange::default() };
    let after = w.admin.change_user(before.id, change).await?;
    let expected = User {
        full_name: "Ada Lovelace".to_owned(),
        version: before.version.next(),
        updated_at: after.updated_at,
        ..before.clone()
    };
    assert_eq!(after, expected);
    assert!(after.updated_at > before.updated_at);
    let touched = w.admin.change_user(before.id, UserChange::default()).await?;
    assert_eq!(touched.version, after.version.next());
    let actions: Vec<Action> =
        every_entry(&w.store, before.id.into()).await?.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::Created, Action::Changed, Action::Touched]);
    let nobody = UserId::from_uuid(w.server.as_uuid());
    w.refuses(w.admin.change_user(nobody, UserChange::default()), Error::not_found(nobody)).await
}

/// Nobody becomes a customer while tickets are assigned to them; between staff roles one can change at any time.
pub async fn who_works_on_tickets_stays_staff(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let theo = w.agent.actor();
    let ticket = w.ticket_in(TicketStatus::New).await?;
    w.agent.assign_ticket(ticket.id, theo).await?;
    let refusal = || Error::StillReferenced { key: theo.into(), relation: Relation::TicketAssignedTo };
    w.refuses(w.admin.change_role(theo, Role::Customer), refusal()).await?;
    w.admin.change_role(theo, Role::Admin).await?;
    w.admin.change_role(theo, Role::Agent).await?;
    // A finished ticket counts too: it names them for good.
    w.agent.resolve_ticket(ticket.id).await?;
    w.refuses(w.admin.change_role(theo, Role::Customer), refusal()).await?;
    w.agent.unassign_ticket(ticket.id).await?;
    assert_eq!(w.admin.change_role(theo, Role::Customer).await?.role, Role::Customer);
    Ok(())
}

/// The list of people, by role and whole, counts those who are inactive too; the summary tells them apart.
pub async fn people_are_listed_and_counted_by_role(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    w.admin.deactivate_user(w.ben.actor()).await?;
    let ids = |page: Page<User>| page.rows.iter().map(|user| user.id).collect::<Vec<_>>();
    let all = w.agent.users(&Query::default().order(Order::OldestFirst)).await?;
    assert_eq!(ids(all), [w.admin.actor(), w.agent.actor(), w.ada.actor(), w.ben.actor()]);
    let customers = w.agent.users(&Query::of(UserListing::Role(Role::Customer))).await?;
    assert_eq!(ids(customers), [w.ben.actor(), w.ada.actor()]);
    let summary = w.admin.summary().await?;
    let roles: Vec<(Role, u64)> = summary.users.into_iter().collect();
    assert_eq!(roles, [(Role::Admin, 1), (Role::Agent, 1), (Role::Customer, 2)]);
    assert_eq!(summary.active_users, 3);
    w.admin.delete_user(w.ben.actor()).await?;
    assert_eq!(w.admin.summary().await?.user_count(), 3);
    Ok(())
}

/// Of many who take one address at once exactly one gets it. Proves the unique key's check at the commit.
pub async fn of_many_who_take_one_address_one_gets_it(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let desks = w.in_step::<16>();
    let results = race(16, |number| {
        let admin = desks[number].admin(w.admin.actor());
        async move { admin.create_user(NewUser::new(format!("No. {number}"), "one@x.example", Role::Agent)).await }
    })
    .await;
    one_wins(results, |_| duplicate(Field::Email));
    w.sound().await
}
