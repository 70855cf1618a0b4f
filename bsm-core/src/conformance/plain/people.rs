//! What commands on people do to the plain desk.

use super::ground::Ground;
use crate::model::{Action, Entity, Role, User, UserId, Version};
use crate::rules::limits;
use crate::schema::{Field, Relation};
use crate::{Error, NewUser, Patch, Reason, UserChange};

use super::state::Effect;

/// Whether it looks like an address of the kind that commands are made with.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str| !part.is_empty() && !part.contains(['@', ' ', '"']);
    plain(local) && plain(domain) && domain.contains('.')
}

impl Ground<'_> {
    fn email(&mut self, email: &str, but: Option<UserId>) -> String {
        let email = self.faults.line(Entity::User, Field::Email, email, limits::EMAIL_CHARS).to_lowercase();
        if !is_address(&email) {
            let reason = Reason::Malformed { expected: "an email address" };
            self.faults.invalid(Entity::User, "email", reason);
        }
        let taken = self.plain.users.values().any(|user| user.email == email && Some(user.id) != but);
        self.unshared(Entity::User, taken, Field::Email);
        email
    }

    fn outer_id_of_user(&mut self, outer: &str, but: Option<UserId>) -> String {
        let outer = self.faults.line(Entity::User, Field::ExternalRef, outer, limits::EXTERNAL_REF_CHARS);
        let same = |user: &User| user.external_ref.as_ref() == Some(&outer) && Some(user.id) != but;
        let taken = self.plain.users.values().any(same);
        self.unshared(Entity::User, taken, Field::ExternalRef);
        outer
    }

    fn enter(&mut self, new: &NewUser) {
        let user = User {
            id: UserId::from_uuid(self.fresh),
            full_name: self.faults.line(Entity::User, Field::FullName, &new.full_name, limits::FULL_NAME_CHARS),
            email: self.email(&new.email, None),
            role: new.role,
            active: true,
            external_ref: new.external_ref.as_ref().map(|outer| self.outer_id_of_user(outer, None)),
            version: Version::FIRST,
            updated_at: self.now,
        };
        self.insert(user, self.occurred());
    }

    pub(super) fn bootstrap(&mut self, new: &NewUser) {
        if new.role != Role::Admin {
            self.faults.invalid(Entity::User, "role", Reason::WrongRole { needs: Role::Admin });
        }
        if !self.plain.users.is_empty() {
            self.faults.add(&Error::AlreadyBootstrapped);
        }
        self.enter(new);
    }

    pub(super) fn create_user(&mut self, new: &NewUser) {
        self.enter(new);
    }

    pub(super) fn change_user(&mut self, id: UserId, change: &UserChange) {
        let Some(mut user) = self.target::<User>(id) else { return };
        if let Some(name) = &change.full_name {
            user.full_name = self.faults.line(Entity::User, Field::FullName, name, limits::FULL_NAME_CHARS);
        }
        if let Some(email) = &change.email {
            user.email = self.email(email, Some(id));
        }
        match &change.external_ref {
            Patch::Keep => {}
            Patch::Clear => user.external_ref = None,
            Patch::Set(outer) => user.external_ref = Some(self.outer_id_of_user(outer, Some(id))),
        }
        self.answer_with(user);
    }

    /// Nobody does this to themself.
    fn somebody_else(&mut self, id: UserId) -> Option<User> {
        let user = self.target::<User>(id)?;
        if id == self.actor() {
            self.faults.add(&Error::OwnAccount { key: id.into() });
        }
        Some(user)
    }

    pub(super) fn change_role(&mut self, id: UserId, role: Role) {
        let Some(mut user) = self.somebody_else(id) else { return };
        let works = self.plain.tickets.values().any(|ticket| ticket.assigned_to == Some(id));
        if role == Role::Customer && works {
            self.faults.add(&Error::StillReferenced { key: id.into(), relation: Relation::TicketAssignedTo });
        }
        user.role = role;
        self.answer_with(user);
    }

    pub(super) fn set_active(&mut self, id: UserId, active: bool) {
        let Some(mut user) = self.somebody_else(id) else { return };
        user.active = active;
        self.answer_with(user);
    }

    pub(super) fn delete_user(&mut self, id: UserId) {
        if self.somebody_else(id).is_none() {
            return;
        }
        let Ground { plain, .. } = self;
        let named = [
            (Relation::TicketCreatedBy, plain.tickets.values().any(|ticket| ticket.created_by == id)),
            (Relation::TicketRequestedFor, plain.tickets.values().any(|ticket| ticket.requested_for == Some(id))),
            (Relation::RequestCustomer, plain.requests.values().any(|request| request.customer_id == id)),
            (Relation::RatingCustomer, plain.ratings.values().any(|rating| rating.customer_id == id)),
            (Relation::ArticleAuthor, plain.articles.values().any(|article| article.author_id == id)),
            (Relation::NoteAuthor, plain.notes.values().any(|note| note.author_id == id)),
        ];
        for (relation, _) in named.into_iter().filter(|(_, named)| *named) {
            self.faults.add(&Error::StillReferenced { key: id.into(), relation });
        }
        for ticket in self.plain.tickets.values().filter(|ticket| ticket.assigned_to == Some(id)) {
            let mut ticket = ticket.clone();
            ticket.assigned_to = None;
            self.effects.push(Effect::Write(ticket.into(), Action::Changed));
            self.reached.push("a deleted user's ticket is nobody's");
        }
        self.delete(id);
    }
}
