//! People: who may do what, and who is who.

use crate::model::{Entity, Phase, Role, Row, Ticket, TimeRange, User, UserId, Value};
use crate::rules::{limits, text};
use crate::schema::{Field, Index, Relation};
use crate::store::{Branch, Guard, Order, Scan};
use crate::view::{Page, Query, UserListing};
use crate::{Error, Result};

use super::command::Command;
use super::run::Needs;
use super::work::Work;
use super::{Admin, NewUser, Portal, StaffRole, UserChange};

impl Admin {
    /// Enters a person.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `full_name`, `email` or `external_ref`; [`Error::Duplicate`] for an address or an
    /// outer id that somebody has.
    pub async fn create_user(&self, new: NewUser) -> Result<User> {
        self.run(&("create_user", &new), Needs::default(), |work| {
            let user = new.to_user(work)?;
            let id = user.id;
            work.insert(user);
            Ok(id)
        })
        .await
    }

    /// Changes a person's name, address or outer id.
    ///
    /// # Errors
    /// As [`create_user`](Self::create_user); [`Error::NotFound`]; [`Error::Conflict`] if a version was expected.
    pub async fn change_user(&self, id: UserId, change: UserChange) -> Result<User> {
        self.run(&("change_user", id, &change), Needs::keys([id.into()]), |work| {
            let mut user: User = work.target(id)?;
            if let Some(name) = &change.full_name {
                user.full_name = text::line(Entity::User, Field::FullName, name, limits::FULL_NAME_CHARS)?;
            }
            if let Some(email) = &change.email {
                user.email = text::email(email)?;
            }
            let outer = |text: &String| text::line(Entity::User, Field::ExternalRef, text, limits::EXTERNAL_REF_CHARS);
            user.external_ref = change.external_ref.checked(user.external_ref, outer)?;
            work.update(user);
            Ok(id)
        })
        .await
    }

    /// Changes what a person may do. Not one's own role, so that a desk always keeps an admin; and nobody becomes a
    /// customer while tickets are assigned to them.
    ///
    /// # Errors
    /// [`Error::OwnAccount`]; [`Error::StillReferenced`] by `tickets.assigned_to`; [`Error::NotFound`].
    pub async fn change_role(&self, id: UserId, role: Role) -> Result<User> {
        self.run(&("change_role", id, role), Needs::keys([id.into()]), |work| {
            let mut user = self.somebody_else(work, id)?;
            if role == Role::Customer && user.role != Role::Customer {
                work.guard(Guard::NoChildren { relation: Relation::TicketAssignedTo, parent: id.into() });
            }
            user.role = role;
            work.update(user);
            Ok(id)
        })
        .await
    }

    /// Keeps a person from acting, and from being assigned or given anything new. What they have stays theirs.
    ///
    /// # Errors
    /// [`Error::OwnAccount`]; [`Error::NotFound`].
    pub async fn deactivate_user(&self, id: UserId) -> Result<User> {
        self.set_active(("deactivate_user", id), id, false).await
    }

    /// Lets a person act again.
    ///
    /// # Errors
    /// [`Error::OwnAccount`]; [`Error::NotFound`].
    pub async fn reactivate_user(&self, id: UserId) -> Result<User> {
        self.set_active(("reactivate_user", id), id, true).await
    }

    /// Deletes a person to whom nothing refers. Tickets that they work on are nobody's afterwards, in the same commit.
    ///
    /// Costs O(tickets assigned to them), at most [`limits::SET_NULL_MAX`].
    ///
    /// # Errors
    /// [`Error::StillReferenced`] naming the foreign key; [`Error::TooManyReferences`]; [`Error::OwnAccount`];
    /// [`Error::NotFound`].
    pub async fn delete_user(&self, id: UserId) -> Result<()> {
        let assigned = Scan {
            branches: assigned_to(id),
            within: TimeRange::ALL,
            order: Order::OldestFirst,
            after: None,
            limit: limits::SET_NULL_MAX + 1,
            budget: limits::SET_NULL_MAX + 1,
        };
        let needs = Needs { scan: Some(assigned), ..Needs::keys([id.into()]) };
        self.call()
            .run_deletion(&("delete_user", id), needs, |work| {
                let user = self.somebody_else(work, id)?;
                let theirs = work.all(|row| matches!(row, Row::Ticket(ticket) if ticket.assigned_to == Some(id)));
                if theirs.len() > limits::SET_NULL_MAX {
                    let (relation, most) = (Relation::TicketAssignedTo, limits::SET_NULL_MAX);
                    return Err(Error::TooManyReferences { key: id.into(), relation, most });
                }
                for row in theirs {
                    let mut ticket: Ticket = work.read(row.key())?;
                    ticket.assigned_to = None;
                    work.update(ticket);
                }
                work.delete(user.id);
                Ok(id)
            })
            .await
    }

    async fn set_active(&self, command: impl Command + Sync, id: UserId, active: bool) -> Result<User> {
        self.run(&command, Needs::keys([id.into()]), |work| {
            let mut user = self.somebody_else(work, id)?;
            user.active = active;
            work.update(user);
            Ok(id)
        })
        .await
    }

    /// The person that the command is about, who must not be the one who asks.
    fn somebody_else(&self, work: &mut Work<'_>, id: UserId) -> Result<User> {
        let user: User = work.target(id)?;
        if id == self.actor { Err(Error::OwnAccount { key: id.into() }) } else { Ok(user) }
    }
}

/// Every ticket that somebody works on, whatever its phase.
fn assigned_to(id: UserId) -> Vec<Branch> {
    let index = Index::by(Entity::Ticket, &[Field::AssignedTo, Field::Phase]);
    let branch =
        |index, phase: &Phase| Branch { index, values: vec![id.into(), (*phase).into()], conditions: Vec::new() };
    Phase::ALL.iter().filter_map(|phase| Some(branch(index?, phase))).collect()
}

impl<R: StaffRole> Portal<R> {
    /// A person.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn user(&self, id: UserId) -> Result<User> {
        self.get(id).await
    }

    /// A person by email address, whatever its case.
    ///
    /// # Errors
    /// [`Error::NoneWith`]; [`Error::Invalid`] for what is no address.
    pub async fn user_by_email(&self, email: &str) -> Result<User> {
        let email = text::email(email)?;
        self.find(Field::Email, Value::from(&email).into_owned()).await
    }

    /// A person by their id elsewhere.
    ///
    /// # Errors
    /// [`Error::NoneWith`].
    pub async fn user_by_external_ref(&self, external_ref: &str) -> Result<User> {
        self.find(Field::ExternalRef, Value::from(external_ref.trim()).into_owned()).await
    }

    /// A page of people.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn users(&self, query: &Query<UserListing>) -> Result<Page<User>> {
        self.list("users", query, Entity::User).await
    }
}
