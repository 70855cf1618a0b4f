//! By what lists are kept. Every listing has its index; a filter has none and is looked at row by row.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::model::{
    ArticleStatus, Channel, Entity, Phase, Priority, RequestStatus, Role, ServiceId, TicketStatus, UserId, Value,
};
use crate::schema::{Field, Index};
use crate::store::{Branch, Condition};
use crate::{Error, Reason, Result};

/// Something that a list is kept by.
pub trait Listing: Clone + Debug + Serialize {
    /// What is asked of its rows besides.
    type Filter: Clone + Debug + Default + Serialize;

    /// The runs of rows whose merge is the list, for rows of `sources`, as `actor` asks.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `listing` if none of the sources is kept by it.
    fn branches(&self, filter: &Self::Filter, sources: &[Entity], actor: UserId) -> Result<Vec<Branch>>;
}

/// Everything stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoFilter;

/// One run of an index, with conditions. `None` if there is no such index, which the tests of each listing rule out.
fn run(entity: Entity, fields: &[Field], values: Vec<Value<'static>>, conditions: &[Condition]) -> Option<Branch> {
    Some(Branch { index: Index::by(entity, fields)?, values, conditions: conditions.to_vec() })
}

fn owned(text: &str) -> Value<'static> {
    Value::from(text).into_owned()
}

fn listed(branches: Vec<Branch>) -> Result<Vec<Branch>> {
    if branches.is_empty() { Err(Error::invalid("listing", Reason::NotListed)) } else { Ok(branches) }
}

/// Which half of the unified view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// Tickets.
    Ticket,
    /// Service requests.
    Request,
}

impl Source {
    const fn entity(self) -> Entity {
        match self {
            Self::Ticket => Entity::Ticket,
            Self::Request => Entity::Request,
        }
    }
}

/// By what tickets, requests and the unified view are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WorkListing {
    /// All of them.
    #[default]
    All,
    /// Those of a phase.
    Phase(Phase),
    /// Tickets of a status.
    TicketStatus(TicketStatus),
    /// Requests of a status.
    RequestStatus(RequestStatus),
    /// Tickets of a priority.
    Priority(Priority),
    /// Tickets of a category, spelled as they have it.
    Category(String),
    /// Tickets that somebody works on.
    Assignee(UserId),
    /// Tickets that somebody works on, of a phase.
    AssigneePhase(UserId, Phase),
    /// What is a customer's.
    Customer(UserId),
    /// What is a customer's, of a phase.
    CustomerPhase(UserId, Phase),
    /// Requests for a service.
    Service(ServiceId),
}

/// What stays of a list of tickets and requests: what fits everything that is named. What only one of the two has leaves
/// the other out whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkFilter {
    /// Only this half of the view.
    pub source: Option<Source>,
    /// Only this phase.
    pub phase: Option<Phase>,
    /// Only tickets of this status.
    pub ticket_status: Option<TicketStatus>,
    /// Only requests of this status.
    pub request_status: Option<RequestStatus>,
    /// Only tickets of this priority.
    pub priority: Option<Priority>,
    /// Only tickets of this category.
    pub category: Option<String>,
    /// Only tickets that came this way.
    pub channel: Option<Channel>,
    /// Only tickets of this group.
    #[serde(rename = "assignment_group")]
    pub group: Option<String>,
    /// Only tickets that this person works on.
    pub assignee: Option<UserId>,
    /// Only tickets that nobody works on.
    pub unassigned: bool,
    /// Only what is this customer's.
    pub customer: Option<UserId>,
    /// Only requests for this service.
    pub service: Option<ServiceId>,
}

impl WorkFilter {
    /// What rows of `entity` must have; `None` if none can pass.
    fn conditions(&self, entity: Entity) -> Option<Vec<Condition>> {
        if self.source.is_some_and(|source| source.entity() != entity) {
            return None;
        }
        let mut conditions = Vec::new();
        let mut must = |field, value| conditions.push(Condition { field, value });
        if let Some(phase) = self.phase {
            must(Field::Phase, phase.into());
        }
        let for_tickets = [
            self.ticket_status.map(|status| (Field::Status, status.into())),
            self.priority.map(|priority| (Field::Priority, priority.into())),
            self.category.as_deref().map(|category| (Field::Category, owned(category))),
            self.channel.map(|channel| (Field::Channel, channel.into())),
            self.group.as_deref().map(|group| (Field::Group, owned(group))),
            self.assignee.map(|user| (Field::AssignedTo, user.into())),
            self.unassigned.then_some((Field::AssignedTo, Value::Null)),
        ];
        let for_requests = [
            self.request_status.map(|status| (Field::Status, status.into())),
            self.service.map(|service| (Field::ServiceId, service.into())),
        ];
        let (mine, others) = match entity {
            Entity::Ticket => (&for_tickets[..], &for_requests[..]),
            _ => (&for_requests[..], &for_tickets[..]),
        };
        if others.iter().any(Option::is_some) {
            return None;
        }
        for (field, value) in mine.iter().flatten() {
            must(*field, value.clone());
        }
        if let Some(customer) = self.customer {
            let field = if entity == Entity::Ticket { Field::RequestedFor } else { Field::CustomerId };
            must(field, customer.into());
        }
        Some(conditions)
    }
}

impl WorkListing {
    fn of_tickets(&self, conditions: &[Condition]) -> Vec<Branch> {
        let one = |fields: &[Field], values| run(Entity::Ticket, fields, values, conditions);
        let statuses = |phase: Phase| {
            let of_phase = TicketStatus::ALL.iter().filter(move |status| status.phase() == phase);
            of_phase.filter_map(|status| one(&[Field::Status], vec![(*status).into()])).collect()
        };
        let person = |field, user: UserId, phases: &[Phase]| {
            let runs = phases.iter().map(|phase| one(&[field, Field::Phase], vec![user.into(), (*phase).into()]));
            runs.flatten().collect::<Vec<_>>()
        };
        match self {
            Self::All => one(&[], Vec::new()).into_iter().collect(),
            Self::Phase(phase) => statuses(*phase),
            Self::TicketStatus(status) => one(&[Field::Status], vec![(*status).into()]).into_iter().collect(),
            Self::Priority(priority) => one(&[Field::Priority], vec![(*priority).into()]).into_iter().collect(),
            Self::Category(category) => one(&[Field::Category], vec![owned(category)]).into_iter().collect(),
            Self::Assignee(user) => person(Field::AssignedTo, *user, Phase::ALL),
            Self::AssigneePhase(user, phase) => person(Field::AssignedTo, *user, &[*phase]),
            Self::Customer(user) => person(Field::RequestedFor, *user, Phase::ALL),
            Self::CustomerPhase(user, phase) => person(Field::RequestedFor, *user, &[*phase]),
            Self::RequestStatus(_) | Self::Service(_) => Vec::new(),
        }
    }

    fn of_requests(&self, conditions: &[Condition]) -> Vec<Branch> {
        let one = |fields: &[Field], values| run(Entity::Request, fields, values, conditions);
        let by_customer = |user: UserId, phases: &[Phase]| {
            let fields = [Field::CustomerId, Field::Phase];
            phases.iter().filter_map(|phase| one(&fields, vec![user.into(), (*phase).into()])).collect()
        };
        match self {
            Self::All => one(&[], Vec::new()).into_iter().collect(),
            Self::Phase(phase) => {
                let of_phase = RequestStatus::ALL.iter().filter(|status| status.phase() == *phase);
                of_phase.filter_map(|status| one(&[Field::Status], vec![(*status).into()])).collect()
            }
            Self::RequestStatus(status) => one(&[Field::Status], vec![(*status).into()]).into_iter().collect(),
            Self::Customer(user) => by_customer(*user, Phase::ALL),
            Self::CustomerPhase(user, phase) => by_customer(*user, &[*phase]),
            Self::Service(service) => one(&[Field::ServiceId], vec![(*service).into()]).into_iter().collect(),
            Self::TicketStatus(_)
            | Self::Priority(_)
            | Self::Category(_)
            | Self::Assignee(_)
            | Self::AssigneePhase(..) => Vec::new(),
        }
    }

    fn of(&self, entity: Entity, conditions: &[Condition]) -> Vec<Branch> {
        match entity {
            Entity::Ticket => self.of_tickets(conditions),
            Entity::Request => self.of_requests(conditions),
            _ => Vec::new(),
        }
    }
}

impl Listing for WorkListing {
    type Filter = WorkFilter;

    fn branches(&self, filter: &WorkFilter, sources: &[Entity], _actor: UserId) -> Result<Vec<Branch>> {
        if sources.iter().all(|entity| self.of(*entity, &[]).is_empty()) {
            return listed(Vec::new());
        }
        let runs = sources.iter().filter_map(|entity| Some(self.of(*entity, &filter.conditions(*entity)?)));
        // A filter that rules out every source leaves an empty list, which is no error.
        Ok(runs.flatten().collect())
    }
}

/// By what people are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UserListing {
    /// All of them.
    #[default]
    All,
    /// Those of a role.
    Role(Role),
}

impl Listing for UserListing {
    type Filter = NoFilter;

    fn branches(&self, _: &NoFilter, _: &[Entity], _: UserId) -> Result<Vec<Branch>> {
        listed(Vec::from_iter(match self {
            Self::All => run(Entity::User, &[], Vec::new(), &[]),
            Self::Role(role) => run(Entity::User, &[Field::Role], vec![(*role).into()], &[]),
        }))
    }
}

/// By what services are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceListing {
    /// All of them, retired ones too.
    #[default]
    All,
    /// Those that can be asked for, or those that can't.
    Active(bool),
    /// Those of a category.
    Category(String),
}

/// What stays of a list of services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceFilter {
    /// Only those that can be asked for, or only those that can't.
    pub active: Option<bool>,
}

impl Listing for ServiceListing {
    type Filter = ServiceFilter;

    fn branches(&self, filter: &ServiceFilter, _: &[Entity], _: UserId) -> Result<Vec<Branch>> {
        let active = filter.active.map(|active| Condition { field: Field::Active, value: active.into() });
        let conditions = active.as_slice();
        listed(Vec::from_iter(match self {
            Self::All => run(Entity::Service, &[], Vec::new(), conditions),
            Self::Active(active) => run(Entity::Service, &[Field::Active], vec![(*active).into()], conditions),
            Self::Category(category) => run(Entity::Service, &[Field::Category], vec![owned(category)], conditions),
        }))
    }
}

/// By what ratings are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RatingListing {
    /// All of them.
    #[default]
    All,
    /// Those of a service.
    Service(ServiceId),
    /// Those of a customer.
    Customer(UserId),
}

impl Listing for RatingListing {
    type Filter = NoFilter;

    fn branches(&self, _: &NoFilter, _: &[Entity], _: UserId) -> Result<Vec<Branch>> {
        listed(Vec::from_iter(match self {
            Self::All => run(Entity::Rating, &[], Vec::new(), &[]),
            Self::Service(service) => run(Entity::Rating, &[Field::ServiceId], vec![(*service).into()], &[]),
            Self::Customer(user) => run(Entity::Rating, &[Field::CustomerId], vec![(*user).into()], &[]),
        }))
    }
}

/// By what articles are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArticleListing {
    /// All of them.
    #[default]
    All,
    /// Those of a status.
    Status(ArticleStatus),
    /// Those of an author.
    Author(UserId),
}

/// What stays of a list of articles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArticleFilter {
    /// Only those of this category.
    pub category: Option<String>,
}

impl Listing for ArticleListing {
    type Filter = ArticleFilter;

    fn branches(&self, filter: &ArticleFilter, _: &[Entity], _: UserId) -> Result<Vec<Branch>> {
        let category = filter.category.as_deref().map(|text| Condition { field: Field::Category, value: owned(text) });
        let conditions = category.as_slice();
        listed(Vec::from_iter(match self {
            Self::All => run(Entity::Article, &[], Vec::new(), conditions),
            Self::Status(status) => run(Entity::Article, &[Field::Status], vec![(*status).into()], conditions),
            Self::Author(user) => run(Entity::Article, &[Field::AuthorId], vec![(*user).into()], conditions),
        }))
    }
}
