//! What stands in a query: filters, and how much of a list from where.

use bsm_core::feed::{EventQuery, Position, Since};
use bsm_core::model::{
    ArticleStatus, Channel, Entity, Phase, Priority, RequestStatus, Role, ServiceId, TicketStatus, TimeRange,
    Timestamp, UserId, Version,
};
use bsm_core::rules::limits::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, USAGE_BATCH_MAX};
use bsm_core::store::Order;
use bsm_core::view::{
    ArticleFilter, ArticleListing, CatalogueListing, Cursor, Listing, OwnListing, OwnRatings, Published, Query,
    RatingListing, ServiceListing, Source, UserListing, WorkFilter, WorkListing,
};
use bsm_core::{NotesOf, Result, model::TicketId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// In which order a list comes.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ordering {
    #[default]
    Newest,
    Oldest,
}

impl From<Ordering> for Order {
    fn from(ordering: Ordering) -> Self {
        match ordering {
            Ordering::Newest => Self::NewestFirst,
            Ordering::Oldest => Self::OldestFirst,
        }
    }
}

/// A list's query: its own filters, and what every list takes.
macro_rules! list {
    ($(#[$meta:meta])* $name:ident at most $most:tt { $($(#[$filter_meta:meta])* $filter:ident: Option<$type:ident>),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, Deserialize, IntoParams)]
        #[serde(default, deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name {
            $($(#[$filter_meta])* $filter: Option<$type>,)*
            /// The most rows on the page.
            #[param(minimum = 1, maximum = $most)]
            limit: Option<usize>,
            /// Where the list goes on: `next` or `previous` of the page before, with the same filters and order.
            cursor: Option<Cursor>,
            /// In which order of creation.
            #[param(inline)]
            order: Option<Ordering>,
            /// Only what was created then or later.
            from: Option<Timestamp>,
            /// Only what was created then or earlier.
            to: Option<Timestamp>,
        }

        impl $name {
            fn paged<L: Listing>(&self, query: Query<L>) -> Query<L> {
                let within = TimeRange { from: self.from, to: self.to };
                let order = self.order.unwrap_or_default().into();
                let limit = self.limit.unwrap_or(PAGE_SIZE_DEFAULT);
                query.within(within).order(order).limit(limit).cursor(self.cursor.clone())
            }
        }
    };
}

list! {
    /// Of tickets and requests. What only one of the two has leaves the other out.
    WorkQuery at most 500 {
        /// Only this half of the unified view.
        source: Option<Source>,
        /// Only this phase.
        phase: Option<Phase>,
        /// Only tickets of this status.
        ticket_status: Option<TicketStatus>,
        /// Only requests of this status.
        request_status: Option<RequestStatus>,
        /// Only tickets of this priority.
        priority: Option<Priority>,
        /// Only tickets of this category.
        category: Option<String>,
        /// Only tickets that came this way.
        channel: Option<Channel>,
        /// Only tickets of this group.
        assignment_group: Option<String>,
        /// Only tickets that this person works on.
        assignee: Option<UserId>,
        /// `true`: only tickets that nobody works on.
        unassigned: Option<bool>,
        /// Only what is this customer's.
        customer: Option<UserId>,
        /// Only requests for this service.
        service: Option<ServiceId>,
    }
}

impl WorkQuery {
    fn filter(&self) -> WorkFilter {
        let Self { category, assignment_group, .. } = self.clone();
        WorkFilter {
            source: self.source,
            phase: self.phase,
            ticket_status: self.ticket_status,
            request_status: self.request_status,
            priority: self.priority,
            category,
            channel: self.channel,
            group: assignment_group,
            assignee: self.assignee,
            unassigned: self.unassigned.unwrap_or_default(),
            customer: self.customer,
            service: self.service,
        }
    }

    /// Of the unified view.
    pub(crate) fn unified(&self) -> Query<WorkListing> {
        self.paged(self.filter().query(None))
    }

    /// Of tickets alone.
    pub(crate) fn tickets(&self) -> Query<WorkListing> {
        self.paged(self.filter().query(Some(Source::Ticket)))
    }

    /// Of requests alone.
    pub(crate) fn requests(&self) -> Query<WorkListing> {
        self.paged(self.filter().query(Some(Source::Request)))
    }
}

list! {
    /// Of what is a customer's.
    OwnQuery at most 500 {
        /// Only this half of the unified view.
        source: Option<Source>,
        /// Only this phase.
        phase: Option<Phase>,
        /// Only tickets of this status.
        ticket_status: Option<TicketStatus>,
        /// Only requests of this status.
        request_status: Option<RequestStatus>,
        /// Only tickets of this priority.
        priority: Option<Priority>,
        /// Only tickets of this category.
        category: Option<String>,
        /// Only requests for this service.
        service: Option<ServiceId>,
    }
}

impl OwnQuery {
    pub(crate) fn query(&self) -> Query<OwnListing> {
        let filter = WorkFilter {
            source: self.source,
            ticket_status: self.ticket_status,
            request_status: self.request_status,
            priority: self.priority,
            category: self.category.clone(),
            service: self.service,
            ..WorkFilter::default()
        };
        let listing = self.phase.map_or(OwnListing::All, OwnListing::Phase);
        self.paged(Query::of(listing).filter(filter))
    }
}

list! {
    /// Of users.
    UserQuery at most 500 {
        /// Only those of this role.
        role: Option<Role>,
    }
}

impl UserQuery {
    pub(crate) fn query(&self) -> Query<UserListing> {
        self.paged(Query::of(self.role.map_or(UserListing::All, UserListing::Role)))
    }
}

list! {
    /// Of services, as staff see them.
    ServiceQuery at most 500 {
        /// Only those of this category.
        category: Option<String>,
        /// Only those that can be asked for, or only those that can't.
        active: Option<bool>,
    }
}

impl ServiceQuery {
    pub(crate) fn query(&self) -> Query<ServiceListing> {
        self.paged(ServiceListing::query(self.category.clone(), self.active))
    }
}

list! {
    /// Of what services are used for.
    UsageQuery at most 200 {
        /// Only those of this category.
        category: Option<String>,
        /// Only those that can be asked for, or only those that can't.
        active: Option<bool>,
    }
}

impl UsageQuery {
    pub(crate) fn query(&self) -> Query<ServiceListing> {
        self.paged(ServiceListing::query(self.category.clone(), self.active))
    }
}

list! {
    /// Of the services that can be asked for.
    CatalogueQuery at most 500 {
        /// Only those of this category.
        category: Option<String>,
    }
}

impl CatalogueQuery {
    pub(crate) fn query(&self) -> Query<CatalogueListing> {
        let listing = self.category.clone().map_or(CatalogueListing::All, CatalogueListing::Category);
        self.paged(Query::of(listing))
    }
}

list! {
    /// Of ratings: a service's or a customer's, not both.
    RatingQuery at most 500 {
        /// Only those of this service.
        service: Option<ServiceId>,
        /// Only this customer's.
        customer: Option<UserId>,
    }
}

impl RatingQuery {
    pub(crate) fn query(&self) -> Result<Query<RatingListing>> {
        Ok(self.paged(RatingListing::query(self.service, self.customer)?))
    }
}

list! {
    /// Of articles: of a status or an author, not both.
    ArticleQuery at most 500 {
        /// Only those of this status.
        status: Option<ArticleStatus>,
        /// Only this author's.
        author: Option<UserId>,
        /// Only those of this category.
        category: Option<String>,
    }
}

impl ArticleQuery {
    pub(crate) fn query(&self) -> Result<Query<ArticleListing>> {
        Ok(self.paged(ArticleListing::query(self.status, self.author, self.category.clone())?))
    }
}

list! {
    /// Of published articles.
    PublishedQuery at most 500 {
        /// Only those of this category.
        category: Option<String>,
    }
}

impl PublishedQuery {
    pub(crate) fn query(&self) -> Query<Published> {
        self.paged(Query::of(Published).filter(ArticleFilter { category: self.category.clone() }))
    }
}

list! {
    /// Of a list without filters.
    PlainQuery at most 500 {}
}

impl PlainQuery {
    pub(crate) fn notes(&self, of: TicketId) -> Query<NotesOf> {
        self.paged(Query::of(NotesOf(of)))
    }

    pub(crate) fn ratings(&self) -> Query<OwnRatings> {
        self.paged(Query::of(OwnRatings))
    }
}

/// How much of a row's history, from where.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// The most entries on the page.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// In which order of versions.
    #[param(inline)]
    order: Option<Ordering>,
    /// From behind this version, in that order: `next` of the page before.
    pub(crate) after: Option<Version>,
}

impl HistoryQuery {
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE_SIZE_DEFAULT)
    }

    pub(crate) fn order(&self) -> Order {
        self.order.unwrap_or_default().into()
    }
}

/// How much of what happened to a ticket, from where.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UpdateQuery {
    /// The most entries.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// From before this version.
    pub(crate) before: Option<Version>,
}

impl UpdateQuery {
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE_SIZE_DEFAULT)
    }
}

/// Of which service, or of all.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FigureQuery {
    /// Only of this service.
    pub(crate) service: Option<ServiceId>,
}

/// Where a feed begins, if not behind a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Beginning {
    #[default]
    Now,
    Oldest,
}

/// Which events, from where.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedQuery {
    /// Behind this position: the one of the last event that was dealt with.
    after: Option<Position>,
    /// Where it begins without one.
    #[param(inline)]
    since: Option<Beginning>,
    /// Only what happened to rows of these; given more than once, to those of each.
    entity: Vec<Entity>,
    /// The most events that a page looks at. A stream has pages of its own.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl FeedQuery {
    /// The question, going on behind `resumed` if something is told there.
    pub(crate) fn resumed(self, resumed: Option<&str>) -> EventQuery {
        let after = resumed.map(Position::new).or(self.after);
        let since = match (after, self.since.unwrap_or_default()) {
            (Some(position), _) => Since::After(position),
            (None, Beginning::Now) => Since::Now,
            (None, Beginning::Oldest) => Since::Oldest,
        };
        EventQuery { since, entities: self.entity, limit: self.limit.unwrap_or(PAGE_SIZE_DEFAULT) }
    }

    pub(crate) fn page(self) -> EventQuery {
        self.resumed(None)
    }
}

const _: () = assert!(PAGE_SIZE_MAX == 500 && USAGE_BATCH_MAX == 200, "the descriptions say so");
