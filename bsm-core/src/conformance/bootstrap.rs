//! The first admin: once, on an empty desk.

use super::prelude::*;
use crate::Desk;

fn first() -> NewUser {
    NewUser::new("Nora Lind", "nora@desk.example", Role::Admin)
}

/// An empty desk takes its first admin, who can act at once; every later attempt is refused.
pub async fn the_first_admin_is_made_once(store: Arc<dyn Store>) -> Outcome {
    let desk = Desk::new(Arc::clone(&store));
    let nora = desk.bootstrap(first()).await?;
    assert_eq!((nora.role, nora.active, nora.version), (Role::Admin, true, Version::FIRST));
    assert_eq!(desk.admin(nora.id).user(nora.id).await?, nora);
    let before = Dump::of(&store).await?;
    refused(desk.bootstrap(first()).await, &Error::AlreadyBootstrapped);
    let other = NewUser::new("Somebody Else", "else@desk.example", Role::Admin);
    refused(desk.bootstrap(other).await, &Error::AlreadyBootstrapped);
    assert_eq!(Dump::of(&store).await?, before);
    Ok(())
}

/// The first admin must be one, and have a name and an address; a refused attempt leaves the desk empty.
pub async fn the_first_admin_is_checked(store: Arc<dyn Store>) -> Outcome {
    let desk = Desk::new(Arc::clone(&store));
    for role in [Role::Agent, Role::Customer] {
        let wrong = Error::invalid_of(Entity::User, "role", Reason::WrongRole { needs: Role::Admin });
        refused(desk.bootstrap(NewUser { role, ..first() }).await, &wrong);
    }
    let nameless = NewUser { full_name: " ".to_owned(), ..first() };
    refused(desk.bootstrap(nameless).await, &Error::invalid_of(Entity::User, "full_name", Reason::Empty));
    let nowhere = NewUser { email: "nora".to_owned(), ..first() };
    refused_like!(
        desk.bootstrap(nowhere).await,
        Error::Invalid { field: "email", reason: Reason::Malformed { .. }, .. }
    );
    assert!(Dump::of(&store).await?.rows.is_empty(), "nobody was made");
    desk.bootstrap(first()).await?;
    Ok(())
}

/// On an empty desk everything answers, and holds nothing; nobody can use a portal.
pub async fn an_empty_desk_lets_nobody_in(store: Arc<dyn Store>) -> Outcome {
    let desk = Desk::new(Arc::clone(&store));
    let nobody = UserId::from_uuid(uuid::Uuid::nil());
    let refusal = |needs| Error::NotAllowed { actor: ActorName(Actor::User(nobody)), needs };
    refused(desk.admin(nobody).summary().await, &refusal(Role::Admin));
    refused(desk.agent(nobody).open_ticket(NewTicket::new("Hello")).await, &refusal(Role::Agent));
    refused(desk.customer(nobody).me().await, &refusal(Role::Customer));
    assert_eq!(desk.close_resolved(Timestamp::MAX).await?, 0);
    desk.health().await?;
    let dump = Dump::of(&store).await?;
    assert!(dump.rows.is_empty() && dump.counters.is_empty(), "{dump:?}");
    Ok(())
}

/// Of many who bootstrap at once exactly one succeeds. Proves the guard that the entity has no rows: without it, each
/// would find the desk empty and make an admin.
pub async fn of_many_first_admins_at_once_one_is_made(store: Arc<dyn Store>) -> Outcome {
    let stores = in_step(&store, 16);
    let results = race(stores.len(), |number| {
        let desk = Desk::new(Arc::clone(&stores[number]));
        // Different addresses, so that no unique key stands in for the guard.
        async move { desk.bootstrap(NewUser { email: format!("admin{number}@desk.example"), ..first() }).await }
    })
    .await;
    let first = one_wins(results, |_| Error::AlreadyBootstrapped);
    assert_eq!(Dump::of(&store).await?.all::<User>(), [first]);
    Ok(())
}
