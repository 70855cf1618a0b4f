//! Wishes: what kind of command, and bytes that choose the rest. A wish becomes a call by what stands on the plain desk, so
//! that most calls are plausible and the whole of what a desk can come to is reached within a few dozen of them.

use proptest::prelude::*;
use uuid::Uuid;

use super::command::{Call, Door};
use super::dice::Dice;
use super::state::Plain;
use crate::model::{Entity, Key, Role, Row, Timestamp, UserId, Version};

/// Kinds of commands, each with its door and how often it is wished for.
macro_rules! kinds {
    ($($kind:ident $door:ident $weight:literal),+ $(,)?) => {
        /// What kind of command.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Kind { $($kind),+ }

        /// All of them, with their doors and weights.
        const KINDS: &[(Kind, Door, u32)] = &[$((Kind::$kind, Door::$door, $weight)),+];
    };
}

// `Agent` here means either door of staff.
kinds! {
    OpenTicket Agent 6,
    SubmitFor Agent 3,
    Submit Customer 9,
    OpenOwn Customer 4,
    MakeTicket Agent 10,
    StartTicket Agent 3,
    HoldTicket Agent 3,
    ResolveTicket Agent 9,
    ReopenTicket Agent 4,
    CloseTicket Agent 4,
    CancelTicket Agent 3,
    ChangeTicket Agent 6,
    Touch Agent 2,
    Assign Agent 4,
    Unassign Agent 1,
    AddNote Agent 3,
    FollowUp Agent 3,
    ReopenOwn Customer 4,
    CloseOwn Customer 3,
    WithdrawOwn Customer 2,
    FollowUpOwn Customer 3,
    Approve Admin 4,
    Schedule Agent 3,
    StartRequest Agent 2,
    Fulfil Agent 5,
    Reject Agent 2,
    CancelRequest Agent 3,
    CancelOwn Customer 3,
    Rate Customer 12,
    DeleteRating Agent 3,
    CreateArticle Agent 2,
    ChangeArticle Agent 2,
    PublishArticle Agent 3,
    ArchiveArticle Agent 1,
    WithdrawArticle Agent 1,
    CreateService Admin 3,
    ChangeService Admin 3,
    RetireService Admin 1,
    DeleteService Admin 2,
    CreateUser Admin 5,
    ChangeUser Admin 3,
    ChangeRole Admin 2,
    Deactivate Admin 2,
    Reactivate Admin 4,
    DeleteUser Admin 3,
    // A call that carried a key, once more.
    Again Agent 4,
    CloseResolved Desk 1,
    Bootstrap Desk 1,
}

/// A wish for a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) kind: Kind,
    dice: [u8; 32],
}

/// What a sequence is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A command.
    Do(Wish),
    /// Eight days go by: keys are forgotten.
    Wait,
    /// The store is closed and opened again.
    Reopen,
    /// The whole desk is exported, taken in by an empty store, and goes on there.
    Move,
}

fn kind() -> impl Strategy<Value = Kind> {
    let total: u32 = KINDS.iter().map(|(.., weight)| weight).sum();
    (0..total).prop_map(|mut at| {
        for (kind, _, weight) in KINDS {
            if at < *weight {
                return *kind;
            }
            at -= weight;
        }
        Kind::OpenTicket
    })
}

fn wish() -> impl Strategy<Value = Wish> {
    let dice = (prop::array::uniform16(any::<u8>()), prop::array::uniform16(any::<u8>()));
    (kind(), dice).prop_map(|(kind, (first, second))| {
        let mut dice = [0; 32];
        dice[..16].copy_from_slice(&first);
        dice[16..].copy_from_slice(&second);
        Wish { kind, dice }
    })
}

/// Steps of a sequence of at most `length`, some of which open the store again if it `reopens`.
pub(crate) fn steps(length: usize, reopens: bool) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        200 => wish().prop_map(Step::Do),
        1 => Just(Step::Wait),
        if reopens { 8 } else { 0 } => Just(Step::Reopen),
        if reopens { 4 } else { 0 } => Just(Step::Move),
    ];
    prop::collection::vec(step, length / 2..=length)
}

/// A sequence, and callers who race behind it.
#[derive(Clone, Debug)]
pub(crate) struct Race {
    pub(crate) before: Vec<Step>,
    /// What each of them wants done.
    pub(crate) tasks: Vec<Vec<Wish>>,
    /// Whether they quarrel about people, and not about work.
    pub(crate) of_people: bool,
    /// Which of those, or what work.
    pub(crate) which: u8,
}

/// A sequence that comes first, and two or three callers with one to three commands each. Every other race is about
/// people: where a command relies on a row that it does not write, it is mostly a person's.
pub(crate) fn races(length: usize) -> impl Strategy<Value = Race> {
    let quarrels = [Kind::ChangeRole, Kind::Assign, Kind::Deactivate, Kind::ChangeRole, Kind::Assign, Kind::DeleteUser];
    let about_people = (prop::sample::select(quarrels.to_vec()), wish()).prop_map(|(kind, wish)| Wish { kind, ..wish });
    let about_work = wish().prop_filter("one command", |wish| wish.kind != Kind::CloseResolved);
    let work = prop::collection::vec(prop::collection::vec(about_work, 1..=3), 2..=3);
    let people = prop::collection::vec(prop::collection::vec(about_people, 1..=2), 2..=3);
    let tasks = prop_oneof![work.prop_map(|tasks| (tasks, false)), people.prop_map(|tasks| (tasks, true))];
    (steps(length, false), tasks, any::<u8>()).prop_map(|(before, (tasks, of_people), which)| Race {
        before,
        tasks,
        of_people,
        which,
    })
}

/// Makes a call of a wish.
pub(super) struct Maker<'a> {
    pub(super) plain: &'a Plain,
    pub(super) dice: Dice<'a>,
    /// Rows that everybody wants.
    focus: &'a [Key],
    /// Whose the row is that was chosen last.
    pub(super) owner: Option<UserId>,
    /// The person who was chosen last.
    person: Option<UserId>,
    /// Whether nothing was likely where something was looked for.
    missed: bool,
}

impl Kind {
    /// What must happen before, if there is nothing yet on which this can be done.
    const fn before(self, by_ticket: bool) -> Option<Self> {
        Some(match self {
            Self::Rate if by_ticket => Self::ResolveTicket,
            Self::Rate => Self::Fulfil,
            Self::DeleteRating => Self::Rate,
            Self::ReopenTicket | Self::CloseTicket | Self::ReopenOwn | Self::CloseOwn => Self::ResolveTicket,
            Self::FollowUp => Self::CloseTicket,
            Self::FollowUpOwn => Self::WithdrawOwn,
            Self::ResolveTicket => Self::MakeTicket,
            Self::StartTicket
            | Self::HoldTicket
            | Self::CancelTicket
            | Self::ChangeTicket
            | Self::Touch
            | Self::Assign
            | Self::Unassign
            | Self::AddNote
            | Self::WithdrawOwn => Self::OpenTicket,
            Self::MakeTicket
            | Self::Approve
            | Self::Schedule
            | Self::StartRequest
            | Self::Fulfil
            | Self::Reject
            | Self::CancelRequest
            | Self::CancelOwn => Self::Submit,
            Self::ChangeArticle | Self::PublishArticle | Self::ArchiveArticle | Self::WithdrawArticle => {
                Self::CreateArticle
            }
            Self::Submit | Self::SubmitFor | Self::ChangeService | Self::RetireService | Self::DeleteService => {
                Self::CreateService
            }
            Self::Reactivate | Self::DeleteUser => Self::CreateUser,
            _ => return None,
        })
    }
}

impl Wish {
    /// The call, on a desk that stands like this; mostly of the kind that was wished for, or of one that comes before.
    ///
    /// It is mostly about rows of `focus`, where there is one: callers who race want the same.
    pub(crate) fn call(&self, plain: &Plain, focus: &[Key]) -> (Kind, Call) {
        let mut wish = *self;
        let (mut call, mut missed) = wish.call_of_kind(plain, focus);
        // Now and then on nothing that is likely, all the same.
        while missed
            && self.dice[31] < 224
            && let Some(before) = wish.kind.before(self.dice[30] < 160)
        {
            wish.kind = before;
            (call, missed) = wish.call_of_kind(plain, focus);
        }
        (wish.kind, call)
    }

    fn call_of_kind(self, plain: &Plain, focus: &[Key]) -> (Call, bool) {
        let mut head = Dice::new(&self.dice[..6]);
        let mut maker =
            Maker { plain, dice: Dice::new(&self.dice[6..]), focus, owner: None, person: None, missed: false };
        if self.kind == Kind::Again
            && let Some(mut call) = head.one_of(&plain.used).map(|used| used.call)
        {
            // Nearly the same is another command.
            match head.below(12) {
                11 => call.expecting = Some(Version(1)),
                10 => call.at = Some(past(plain.now, self.dice[2])),
                _ => {}
            }
            return (call, false);
        }
        let door = KINDS.iter().find(|(kind, ..)| *kind == self.kind).map_or(Door::Agent, |(_, door, _)| *door);
        let (stray, which) = (head.byte(), head.byte());
        let door = if door == Door::Agent && which % 3 == 2 { Door::Admin } else { door };
        let command = maker.command(self.kind, door);
        let actor = maker.actor(door, stray, which);
        let mut call = Call::new(door, actor, command);
        if door == Door::Desk {
            return (call, false);
        }
        call.at = match head.byte() {
            // Clocks differ, and what is told may be long past.
            250..=251 => Some(plain.now.plus_micros(3_600_000_000)),
            248..=249 => Some(plain.now.plus_micros(60_000_000)),
            byte if byte >= 208 => Some(past(plain.now, byte)),
            _ => None,
        };
        call.key = match head.byte() {
            255 => Some(" ".to_owned()),
            byte if byte >= 216 => Some(format!("key {}", byte % 5)),
            _ => None,
        };
        let found = call.command.target().and_then(|key| plain.row(key)).map_or(Version::FIRST, |row| row.version());
        call.expecting = match head.byte() {
            byte if byte >= 248 => Some(Version(found.0 + 1 - u64::from(byte % 2) * 2)),
            byte if byte >= 224 && call.command.target().is_some() => Some(found),
            _ => None,
        };
        (call, maker.missed)
    }
}

/// What callers who race want: a request with its ticket, rating and service, its customer, and who works on it; or, if
/// they quarrel about people, two admins or an agent.
pub(crate) fn focus(plain: &Plain, of_people: bool, which: u8) -> Vec<Key> {
    if of_people {
        let role = if which.is_multiple_of(2) { Role::Admin } else { Role::Agent };
        let wanted = plain.users.values().filter(|user| user.active && user.role == role);
        return wanted.take(usize::from(2 - which % 2)).map(|user| user.id.into()).collect();
    }
    let place = usize::from(which) % plain.requests.len().max(1);
    let Some(request) = plain.requests.values().nth(place) else { return Vec::new() };
    let ticket = request.ticket_id.and_then(|id| plain.tickets.get(&id));
    let worker = ticket.and_then(|ticket| ticket.assigned_to);
    let mut keys: Vec<Key> = vec![request.id.into(), request.service_id.into(), request.customer_id.into()];
    keys.extend(request.rating_id.map(Key::from));
    keys.extend(ticket.map(|ticket| Key::from(ticket.id)));
    keys.extend(worker.map(Key::from));
    keys
}

/// A moment some hours or days ago.
pub(super) fn past(now: Timestamp, byte: u8) -> Timestamp {
    now.plus_micros(-i64::from(byte % 40 + 1) * 7_919_000_123)
}

impl Maker<'_> {
    /// A row of an entity: mostly a likely one; now and then any that ever was, or none.
    pub(super) fn pick(&mut self, entity: Entity, likely: impl Fn(&Row) -> bool) -> Uuid {
        let how = self.dice.byte();
        let wanted: Vec<Uuid> = self.focus.iter().filter(|key| key.entity == entity).map(|key| key.id).collect();
        let rows = self.plain.rows(entity);
        let fits: Vec<Uuid> = rows.iter().filter(|row| likely(row)).map(|row| row.key().id).collect();
        self.missed |= fits.is_empty();
        let ever = self.plain.made.iter().filter(|key| key.entity == entity).map(|key| key.id);
        let chosen = match how {
            255 => None,
            // The id of something, but maybe not of this entity.
            254 => self.dice.one_of(&self.plain.made).map(|key| key.id),
            byte if byte < 240 && byte % 4 != 3 && !wanted.is_empty() => {
                self.missed = false;
                self.dice.one_of(&wanted)
            }
            byte if byte < 240 && !fits.is_empty() => self.dice.one_of(&fits),
            _ => self.dice.one_of(&ever.collect::<Vec<_>>()),
        };
        let id = chosen.unwrap_or(Uuid::from_u128(7));
        if entity == Entity::User {
            self.person = Some(UserId::from_uuid(id));
        }
        self.owner = self.plain.row(Key { entity, id }).and_then(|row| super::diff::owner(&row));
        id
    }

    /// A person: mostly an active one of these roles.
    pub(super) fn person(&mut self, roles: &[Role]) -> UserId {
        let fits = |row: &Row| matches!(row, Row::User(user) if user.active && roles.contains(&user.role));
        let owner = self.owner;
        let id = self.pick(Entity::User, fits);
        self.owner = owner;
        UserId::from_uuid(id)
    }

    /// Who goes through a door: mostly somebody who may.
    fn actor(&self, door: Door, stray: u8, which: u8) -> UserId {
        let roles: &[Role] = match door {
            Door::Desk | Door::Admin => &[Role::Admin],
            Door::Agent => &[Role::Agent, Role::Admin],
            Door::Customer => &[Role::Customer],
        };
        let fits = |id: &UserId| self.plain.users.get(id).is_some_and(|user| user.active && roles.contains(&user.role));
        if let Some(owner) = self.owner.filter(|_| door == Door::Customer && stray < 220) {
            return owner;
        }
        // Two who quarrel do it to each other.
        let wanted: Vec<UserId> = self.focus.iter().map(|key| UserId::from_uuid(key.id)).filter(fits).collect();
        if let Some(place) = wanted.iter().position(|user| Some(*user) == self.person)
            && door == Door::Admin
            && wanted.len() > 1
            && stray < 220
        {
            return wanted[(place + 1) % wanted.len()];
        }
        let ever: Vec<UserId> = self
            .plain
            .made
            .iter()
            .filter(|key| key.entity == Entity::User)
            .map(|key| UserId::from_uuid(key.id))
            .collect();
        let fit: Vec<UserId> = ever.iter().copied().filter(fits).collect();
        let among = match stray {
            255 => return UserId::from_uuid(Uuid::from_u128(7)),
            247..=254 => &ever,
            _ if fit.is_empty() => &ever,
            _ => &fit,
        };
        among.get(usize::from(which / 3) % among.len().max(1)).copied().unwrap_or(UserId::from_uuid(Uuid::nil()))
    }
}
