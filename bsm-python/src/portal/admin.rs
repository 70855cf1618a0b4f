//! What only admins can do.

use bsm::model::{RequestId, Role, ServiceId, UserId};
use bsm::{NewService, NewUser, ServiceChange, UserChange};
use pyo3::prelude::*;

use super::{Admin, AsyncAdmin};
use crate::arguments::{Change, Price};
use crate::handle::methods;
use crate::ids::Row;
use crate::words::Of;

methods! { [Admin AsyncAdmin] {
    /// Enters a service into the catalogue.
    fn create_service [name, category, price, *, description=String::new(), needs_approval=false] (
        name: String,
        category: String,
        price: Price,
        description: String,
        needs_approval: bool,
    ) |portal| portal.create_service(NewService { name, description, category, price: price.0, needs_approval });
    /// Changes a service. What is not named stays; requests made before keep their price.
    fn change_service [
        service, *, name=Change::Keep, description=Change::Keep, category=Change::Keep, price=Change::Keep,
        needs_approval=Change::Keep, active=Change::Keep
    ] (
        service: Row<ServiceId>,
        name: Change<String>,
        description: Change<String>,
        category: Change<String>,
        price: Change<Price>,
        needs_approval: Change<bool>,
        active: Change<bool>,
    ) |portal| portal.change_service(service.0, ServiceChange {
        name: name.value(),
        description: description.value(),
        category: category.value(),
        price: price.value().map(|price| price.0),
        needs_approval: needs_approval.value(),
        active: active.value(),
    });
    /// Retires a service: nobody can ask for it any more.
    fn retire_service [service] (service: Row<ServiceId>) |portal| portal.retire_service(service.0);
    /// Deletes a service that nothing names.
    fn delete_service [service] (service: Row<ServiceId>) |portal| portal.delete_service(service.0);
    /// Enters a person.
    fn create_user [full_name, email, role, *, external_ref=None] (
        full_name: String,
        email: String,
        role: Of<Role>,
        external_ref: Option<String>,
    ) |portal| portal.create_user(NewUser { full_name, email, role: role.0, external_ref });
    /// Changes a person's data. What is not named stays.
    fn change_user [user, *, full_name=Change::Keep, email=Change::Keep, external_ref=Change::Keep] (
        user: Row<UserId>,
        full_name: Change<String>,
        email: Change<String>,
        external_ref: Change<Option<String>>,
    ) |portal| portal.change_user(user.0, UserChange {
        full_name: full_name.value(),
        email: email.value(),
        external_ref: external_ref.patch(|external_ref| external_ref),
    });
    /// Gives somebody else another role.
    fn change_role [user, role] (user: Row<UserId>, role: Of<Role>) |portal| portal.change_role(user.0, role.0);
    /// Lets somebody else no longer act. What is theirs stays.
    fn deactivate_user [user] (user: Row<UserId>) |portal| portal.deactivate_user(user.0);
    /// Lets somebody act again.
    fn reactivate_user [user] (user: Row<UserId>) |portal| portal.reactivate_user(user.0);
    /// Deletes somebody else whom no row needs.
    fn delete_user [user] (user: Row<UserId>) |portal| portal.delete_user(user.0);
    /// Agrees to a request.
    fn approve_request [request] (request: Row<RequestId>) |portal| portal.approve_request(request.0);
} }
