//! Enters the people whom a log names, when it first names them. Called for each row; the only room that makes users.
//!
//! Every column numbers its people on its own ("Caller 8" and "Opened by  8" are two people), so a person's outer id
//! is the column and the text together. Callers become customers, all others agents.

use std::collections::HashMap;

use bsm::model::{Entity, Role, Row, User, UserId};
use bsm::schema::Field;
use bsm::store::{ReadSet, UniqueValue};
use bsm::{Admin, Desk, Error, NewUser};

use crate::fault::Fault;

/// The admin who enters the others: the outer id by which a later run finds them.
const IMPORT_ADMIN: &str = "replay:import admin";

/// A column that names people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Caller,
    OpenedBy,
    AssignedTo,
    UpdatedBy,
}

impl Column {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller_id",
            Self::OpenedBy => "opened_by",
            Self::AssignedTo => "assigned_to",
            Self::UpdatedBy => "sys_updated_by",
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Caller => Role::Customer,
            Self::OpenedBy | Self::AssignedTo | Self::UpdatedBy => Role::Agent,
        }
    }

    /// The outer id of somebody in this column.
    fn external_ref(self, name: &str) -> String {
        format!("{}:{name}", self.as_str())
    }

    /// An address that nobody has: `.example` is kept for that (RFC 2606). Letters and digits stand for themselves, a
    /// space is a hyphen, anything else its code.
    fn email(self, name: &str) -> String {
        let local: String = name
            .chars()
            .map(|character| match character {
                ' ' => "-".to_owned(),
                _ if character.is_ascii_alphanumeric() => character.to_ascii_lowercase().to_string(),
                _ => format!("_{:x}_", u32::from(character)),
            })
            .collect();
        format!("{local}@{}.example", self.as_str().replace('_', "-"))
    }
}

/// Finds the admin of an earlier replay, or makes the first admin of an empty desk.
///
/// # Errors
/// [`Fault::ForeignDesk`] on a desk that has users, but not this one; [`Fault::Desk`].
pub(crate) async fn import_admin(desk: &Desk) -> Result<Admin, Fault> {
    if let Some(user) = find_import_admin(desk).await? {
        return Ok(desk.admin(user.id));
    }
    let first = NewUser {
        external_ref: Some(IMPORT_ADMIN.to_owned()),
        ..NewUser::new("Import admin", "import-admin@replay.example", Role::Admin)
    };
    match desk.bootstrap(first).await {
        Ok(user) => Ok(desk.admin(user.id)),
        // Either the desk is somebody's, or another replay was a moment faster.
        Err(Error::AlreadyBootstrapped) => {
            let user = find_import_admin(desk).await?.ok_or(Fault::ForeignDesk)?;
            Ok(desk.admin(user.id))
        }
        Err(error) => Err(Fault::Desk(error)),
    }
}

/// Asks the store, since a portal would have to know the user already whom this looks for.
async fn find_import_admin(desk: &Desk) -> Result<Option<User>, Fault> {
    let find = UniqueValue { entity: Entity::User, field: Field::ExternalRef, value: IMPORT_ADMIN.into() };
    let answers = desk.store().read(ReadSet { find: vec![find], ..ReadSet::default() }).await.map_err(Fault::Desk)?;
    Ok(answers.found.into_iter().flatten().find_map(|row| match row {
        Row::User(user) => Some(user),
        _ => None,
    }))
}

/// The people of a log, as the desk has them. Each is looked up once.
#[derive(Debug)]
pub(crate) struct People {
    admin: Admin,
    known: HashMap<String, UserId>,
}

impl People {
    /// Nobody yet; `admin` enters those who come.
    pub(crate) fn new(admin: Admin) -> Self {
        Self { admin, known: HashMap::new() }
    }

    /// Who enters people: who acts where the log does not know who did.
    pub(crate) const fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The person whom a column names; entered if the desk does not have them.
    ///
    /// # Errors
    /// What the desk says.
    pub(crate) async fn enter(&mut self, column: Column, name: &str) -> bsm::Result<UserId> {
        if let Some(id) = self.find(column, name).await? {
            return Ok(id);
        }
        let external_ref = column.external_ref(name);
        let new = NewUser {
            external_ref: Some(external_ref.clone()),
            ..NewUser::new(name, column.email(name), column.role())
        };
        // The key makes two replays that enter the same person at once agree on one.
        let id = self.admin.keyed(&external_ref).create_user(new).await?.id;
        self.known.insert(external_ref, id);
        Ok(id)
    }

    /// The person whom a column names, if the desk has them.
    ///
    /// # Errors
    /// What the desk says.
    pub(crate) async fn find(&mut self, column: Column, name: &str) -> bsm::Result<Option<UserId>> {
        let external_ref = column.external_ref(name);
        if let Some(id) = self.known.get(&external_ref) {
            return Ok(Some(*id));
        }
        match self.admin.user_by_external_ref(&external_ref).await {
            Ok(user) => {
                self.known.insert(external_ref, user.id);
                Ok(Some(user.id))
            }
            Err(Error::NoneWith { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`enter`](Self::enter); nobody for a field that is empty.
    ///
    /// # Errors
    /// What the desk says.
    pub(crate) async fn enter_if_known(&mut self, column: Column, name: Option<&str>) -> bsm::Result<Option<UserId>> {
        match name {
            Some(name) => self.enter(column, name).await.map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_two_columns_are_two_people() {
        assert_ne!(Column::Caller.external_ref("8"), Column::OpenedBy.external_ref("8"));
        assert_ne!(Column::Caller.email("8"), Column::OpenedBy.email("8"));
    }

    #[test]
    fn an_address_tells_names_apart() {
        assert_eq!(Column::OpenedBy.email("Opened by  8"), "opened-by--8@opened-by.example");
        let emails = ["Ö 1", "O 1", "O1", "O-1", "O_1"].map(|name| Column::Caller.email(name));
        let different: std::collections::HashSet<_> = emails.iter().collect();
        assert_eq!(different.len(), emails.len(), "{emails:?}");
    }

    #[tokio::test]
    async fn a_second_run_finds_the_admin_and_the_people_of_the_first() -> Result<(), Fault> {
        let desk = bsm::open("memory:").await.map_err(Fault::Desk)?;
        let first = import_admin(&desk).await?;
        let caller = People::new(first.clone()).enter(Column::Caller, "Caller 8").await.map_err(Fault::Desk)?;
        let again = import_admin(&desk).await?;
        assert_eq!(again.actor(), first.actor());
        let mut people = People::new(again);
        assert_eq!(people.enter(Column::Caller, "Caller 8").await.map_err(Fault::Desk)?, caller);
        assert_eq!(people.find(Column::UpdatedBy, "Caller 8").await.map_err(Fault::Desk)?, None);
        Ok(())
    }

    #[tokio::test]
    async fn somebody_elses_desk_is_left_alone() -> Result<(), Fault> {
        let desk = bsm::open("memory:").await.map_err(Fault::Desk)?;
        desk.bootstrap(NewUser::new("Ada", "ada@example.org", Role::Admin)).await.map_err(Fault::Desk)?;
        assert!(matches!(import_admin(&desk).await, Err(Fault::ForeignDesk)));
        Ok(())
    }
}
