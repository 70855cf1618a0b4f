//! Whom to print tokens for: one person of each role.

use bsm::Desk;
use bsm::feed::{EventQuery, Since};
use bsm::model::{Action, Entity, Role, UserId};
use bsm::view::{Query, UserListing};

use crate::fault::Fault;

/// How many of a role are looked at, for one who may act.
const LOOKED_AT: usize = 50;

/// Somebody to act as.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) role: Role,
    pub(crate) name: String,
}

/// One active person of each role, found by way of the first admin, whom the oldest event tells of. Nobody, if that is not to be
/// found any more.
pub(crate) async fn to_try(desk: &Desk) -> Result<Vec<Person>, Fault> {
    let oldest = desk.events(&EventQuery::since(Since::Oldest).only([Entity::User]).limit(1)).await?;
    let made = oldest.events.iter().flat_map(|event| &event.entries).find(|entry| entry.action == Action::Created);
    let Some(founder) = made.map(|entry| desk.admin(UserId::from_uuid(entry.key.id))) else { return Ok(Vec::new()) };
    let mut people = Vec::new();
    for role in Role::ALL {
        let query = Query::of(UserListing::Role(*role)).limit(LOOKED_AT);
        let page = match founder.users(&query).await {
            Err(bsm::Error::NotAllowed { .. }) => return Ok(Vec::new()),
            page => page?,
        };
        if let Some(user) = page.rows.into_iter().find(|user| user.active) {
            people.push(Person { id: user.id, role: *role, name: user.full_name });
        }
    }
    Ok(people)
}

/// What they may like to see.
pub(crate) const fn paths(role: Role) -> &'static [&'static str] {
    match role {
        Role::Admin => &[
            "/api/admin/customer-insights",
            "/api/admin/service-management",
            "/api/admin/customer-feedback",
            "/api/admin/events",
        ],
        Role::Agent => &["/api/admin/unified?phase=open", "/api/admin/tickets?unassigned=true"],
        _ => &["/api/customer/services", "/api/customer/tickets", "/api/customer/ratings", "/api/customer/events"],
    }
}
