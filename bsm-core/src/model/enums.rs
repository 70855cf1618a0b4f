//! The words of the model: entities, roles, states, levels. Each has one spelling everywhere.

use super::spelled::{spelled, spelled_impls};

spelled! {
    /// A kind of row. Its spelling is the name in ids, errors and the feed; its table is [`Entity::table`].
    pub enum Entity as "entity" {
        /// A person with a role.
        User = 1 => "user",
        /// A ticket.
        Ticket = 2 => "ticket",
        /// An article of the knowledge base.
        Article = 3 => "article",
        /// A service of the catalogue.
        Service = 4 => "service",
        /// A customer's request for a service.
        Request = 5 => "request",
        /// A customer's rating of a fulfilled request.
        Rating = 6 => "rating",
        /// A note that staff wrote on a ticket.
        Note = 7 => "note",
    }
}

spelled! {
    /// What a person may do.
    pub enum Role as "role" {
        /// Everything.
        Admin = 1 => "admin",
        /// What an admin may, save managing users and services and approving requests.
        Agent = 2 => "agent",
        /// Only what concerns their own tickets, requests and ratings.
        Customer = 3 => "customer",
    }
}

spelled! {
    /// Where a ticket or a request stands, coarsely: what people filter both by.
    pub enum Phase as "phase" {
        /// Somebody can work on it now.
        Open = 1 => "open",
        /// It waits for someone, or for its day.
        Waiting = 2 => "waiting",
        /// What was asked for was done.
        Done = 3 => "done",
        /// It was given up or refused.
        Dropped = 4 => "dropped",
    }
}

spelled! {
    /// Why a ticket waits.
    pub enum HoldReason as "hold_reason" {
        /// For an answer of the person whose ticket it is.
        Customer = 1 => "customer",
        /// For the solution of an underlying problem.
        Problem = 2 => "problem",
        /// For a supplier.
        Vendor = 3 => "vendor",
        /// For evidence that it is solved, or of what is wrong.
        Evidence = 4 => "evidence",
    }
}

/// Where a ticket stands. Which move is legal is [`crate::rules::ticket_status`]'s table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TicketStatus {
    /// Nobody has begun.
    New,
    /// Somebody works on it.
    InProgress,
    /// It waits, for a reason.
    OnHold(HoldReason),
    /// Solved; it can still be reopened.
    Resolved,
    /// Solved for good.
    Closed,
    /// Withdrawn or given up.
    Cancelled,
}

impl TicketStatus {
    /// The name of the field that holds it.
    pub const NAME: &'static str = "status";
    /// Every status, in the order of the codes.
    pub const ALL: &'static [Self] = &[
        Self::New,
        Self::InProgress,
        Self::OnHold(HoldReason::Customer),
        Self::OnHold(HoldReason::Problem),
        Self::OnHold(HoldReason::Vendor),
        Self::OnHold(HoldReason::Evidence),
        Self::Resolved,
        Self::Closed,
        Self::Cancelled,
    ];

    /// The one spelling of the status; a hold's reason is part of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::InProgress => "in_progress",
            Self::OnHold(HoldReason::Customer) => "on_hold_customer",
            Self::OnHold(HoldReason::Problem) => "on_hold_problem",
            Self::OnHold(HoldReason::Vendor) => "on_hold_vendor",
            Self::OnHold(HoldReason::Evidence) => "on_hold_evidence",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The byte that stands for the status in keys and stored values. Never changes.
    pub const fn code(self) -> u8 {
        match self {
            Self::New => 1,
            Self::InProgress => 2,
            Self::OnHold(HoldReason::Customer) => 3,
            Self::OnHold(HoldReason::Problem) => 4,
            Self::OnHold(HoldReason::Vendor) => 5,
            Self::OnHold(HoldReason::Evidence) => 6,
            Self::Resolved => 7,
            Self::Closed => 8,
            Self::Cancelled => 9,
        }
    }

    /// The coarse state.
    pub const fn phase(self) -> Phase {
        match self {
            Self::New | Self::InProgress => Phase::Open,
            Self::OnHold(_) => Phase::Waiting,
            Self::Resolved | Self::Closed => Phase::Done,
            Self::Cancelled => Phase::Dropped,
        }
    }

    /// Whether nothing leaves it: Closed and Cancelled.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }
}

spelled_impls!(TicketStatus);

spelled! {
    /// Where a service request stands. Which move is legal is [`crate::rules::request_status`]'s table.
    pub enum RequestStatus as "status" {
        /// Asked for.
        Submitted = 1 => "submitted",
        /// An admin agreed to it.
        Approved = 2 => "approved",
        /// It has a day; [`ServiceRequest::scheduled_for`](super::ServiceRequest::scheduled_for) says which.
        Scheduled = 3 => "scheduled",
        /// Somebody works on it.
        InProgress = 4 => "in_progress",
        /// The customer has what was asked for.
        Fulfilled = 5 => "fulfilled",
        /// The desk refused.
        Rejected = 6 => "rejected",
        /// Withdrawn.
        Cancelled = 7 => "cancelled",
    }
}

impl RequestStatus {
    /// The coarse state.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Submitted | Self::Approved | Self::InProgress => Phase::Open,
            Self::Scheduled => Phase::Waiting,
            Self::Fulfilled => Phase::Done,
            Self::Rejected | Self::Cancelled => Phase::Dropped,
        }
    }
}

spelled! {
    /// How much of the business a ticket touches (ITIL).
    pub enum Impact as "impact" {
        /// The whole business, or many people.
        High = 1 => "high",
        /// A department, or a few people.
        Medium = 2 => "medium",
        /// One person.
        Low = 3 => "low",
    }
}

spelled! {
    /// How long it can wait (ITIL).
    pub enum Urgency as "urgency" {
        /// It can't.
        High = 1 => "high",
        /// A day or so.
        Medium = 2 => "medium",
        /// Until there is time.
        Low = 3 => "low",
    }
}

spelled! {
    /// In what order tickets are worked on. Follows from impact and urgency, unless it was set by hand. Codes 1 to 4 are
    /// the numbers that desks say aloud ("a P1").
    pub enum Priority as "priority" {
        /// At once.
        Critical = 1 => "critical",
        /// Next.
        High = 2 => "high",
        /// In its turn.
        Moderate = 3 => "moderate",
        /// When nothing else waits.
        Low = 4 => "low",
    }
}

spelled! {
    /// How a ticket reached the desk.
    pub enum Channel as "channel" {
        /// By telephone.
        Phone = 1 => "phone",
        /// By email.
        Email = 2 => "email",
        /// By the customer portal or another self-service page.
        Portal = 3 => "portal",
        /// By chat.
        Chat = 4 => "chat",
        /// In person.
        WalkIn = 5 => "walk_in",
        /// A monitoring system or another program raised it.
        Monitoring = 6 => "monitoring",
        /// Another way.
        Other = 7 => "other",
    }
}

spelled! {
    /// Whether an article is being written, read, or kept.
    pub enum ArticleStatus as "status" {
        /// Staff see it.
        Draft = 1 => "draft",
        /// Everybody sees it.
        Published = 2 => "published",
        /// Staff see it; it is out of use.
        Archived = 3 => "archived",
    }
}

spelled! {
    /// A rating, from 1 to 5 stars.
    pub enum Stars as "rating" {
        /// Very dissatisfied.
        One = 1 => "1",
        /// Dissatisfied.
        Two = 2 => "2",
        /// Neither.
        Three = 3 => "3",
        /// Satisfied.
        Four = 4 => "4",
        /// Very satisfied.
        Five = 5 => "5",
    }
}

impl Stars {
    /// Takes a number of stars.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) of field `rating` outside 1..=5.
    ///
    /// ```
    /// use bsm_core::model::Stars;
    ///
    /// assert_eq!(Stars::new(5)?, Stars::Five);
    /// assert!(Stars::new(0).is_err() && Stars::new(6).is_err());
    /// # Ok::<(), bsm_core::Error>(())
    /// ```
    pub fn new(stars: i64) -> crate::Result<Self> {
        u8::try_from(stars).ok().and_then(Self::from_code).ok_or_else(|| {
            crate::Error::invalid_of(
                Entity::Rating,
                "rating",
                crate::Reason::OutOfRange { min: "1".to_owned(), max: "5".to_owned() },
            )
        })
    }
}

spelled! {
    /// What a history entry tells of.
    pub enum Action as "action" {
        /// The row was made.
        Created = 1 => "created",
        /// Some of its fields changed.
        Changed = 2 => "changed",
        /// Somebody handled it and changed no field.
        Touched = 3 => "touched",
        /// A note was written on it.
        Noted = 4 => "noted",
        /// The row was deleted.
        Deleted = 5 => "deleted",
    }
}
