//! The portals, for a thread that waits: a table of what each can do.

use std::fmt;

use bsm_core::feed::{Event, EventPage, EventQuery, OwnEvent, OwnUpdate};
use bsm_core::model::{
    Article, ArticleId, HoldReason, Key, Note, Rating, RatingId, RequestId, RequestNumber, Role, Service, ServiceId,
    ServiceRequest, Stars, Ticket, TicketId, TicketNumber, Timestamp, User, UserId, Version,
};
use bsm_core::store::{Order, Stamp};
use bsm_core::view::{
    ArticleListing, CatalogueListing, OwnListing, OwnRatings, Page, Published, Query, RatingFigures, RatingListing,
    RatingRow, RequestRow, ServiceListing, ServiceUsage, Summary, UnifiedTicket, UserListing, WorkListing,
};
use bsm_core::{
    ArticleChange, FollowUp, HistoryPage, NewArticle, NewRequest, NewService, NewTicket, NewUser, NotesOf, OwnTicket,
    Result, ServiceChange, SubmitRequest, TicketChange, TicketFromRequest, UserChange,
};

use super::Watch;
use super::runtime::Runtime;
use super::table::{as_of, handles, mirror, watches};

macro_rules! portals {
    ($($name:ident: $for:literal;)+) => {$(
        #[doc = concat!("A desk as ", $for, " sees it, as [`bsm::", stringify!($name), "`](crate::", stringify!($name), "), whose calls wait.")]
        ///
        /// Cheap to make and to clone. Commands can be qualified, each for the calls made through the handle that is returned:
        /// [`at`](Self::at), [`keyed`](Self::keyed), [`expecting`](Self::expecting).
        #[derive(Clone)]
        pub struct $name {
            // In this order: a store that is dropped finishes what it does, for which it may need the runtime.
            pub(super) inner: bsm_core::$name,
            pub(super) runtime: Runtime,
        }

        impl $name {
            /// Whose portal it is.
            pub const fn actor(&self) -> UserId {
                self.inner.actor()
            }

            #[doc = as_of!(Portal last_stamp "waits for nothing.")]
            pub fn last_stamp(&self) -> Option<Stamp> {
                self.inner.last_stamp()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(concat!("blocking::", stringify!($name))).field(&self.inner).finish()
            }
        }

        handles! {
            impl $name as Portal {
                at(at: Timestamp) -> Self;
                keyed(key: impl Into<String>) -> Self;
                expecting(version: Version) -> Self;
                seeing(stamp: Stamp) -> Self;
            }
        }
    )+};
}

portals! {
    Admin: "an admin";
    Agent: "an agent";
    Customer: "a customer";
}

// What admins and agents can do.
mirror! {
    impl Admin, Agent as Portal {
        create_article(new: NewArticle) -> Result<Article>;
        change_article(id: ArticleId, change: ArticleChange) -> Result<Article>;
        publish_article(id: ArticleId) -> Result<Article>;
        archive_article(id: ArticleId) -> Result<Article>;
        withdraw_article(id: ArticleId) -> Result<Article>;
        article(id: ArticleId) -> Result<Article>;
        articles(query: &Query<ArticleListing>) -> Result<Page<Article>>;
        service(id: ServiceId) -> Result<Service>;
        services(query: &Query<ServiceListing>) -> Result<Page<Service>>;
        service_usage(query: &Query<ServiceListing>) -> Result<Page<ServiceUsage>>;
        events(query: &EventQuery) -> Result<EventPage<Event>>;
        summary() -> Result<Summary>;
        unified(query: &Query<WorkListing>) -> Result<Page<UnifiedTicket>>;
        tickets(query: &Query<WorkListing>) -> Result<Page<Ticket>>;
        requests(query: &Query<WorkListing>) -> Result<Page<ServiceRequest>>;
        request_rows(query: &Query<WorkListing>) -> Result<Page<RequestRow>>;
        rating_rows(query: &Query<RatingListing>) -> Result<Page<RatingRow>>;
        rating(id: RatingId) -> Result<Rating>;
        rating_figures(service: Option<ServiceId>) -> Result<RatingFigures>;
        history(of: impl Into<Key> + Send, order: Order, after: Option<Version>, limit: usize) -> Result<HistoryPage>;
        notes(query: &Query<NotesOf>) -> Result<Page<Note>>;
        delete_rating(id: RatingId) -> Result<()>;
        user(id: UserId) -> Result<User>;
        user_by_email(email: &str) -> Result<User>;
        user_by_external_ref(external_ref: &str) -> Result<User>;
        users(query: &Query<UserListing>) -> Result<Page<User>>;
        submit_request_for(new: NewRequest) -> Result<ServiceRequest>;
        schedule_request(id: RequestId, day: Timestamp) -> Result<ServiceRequest>;
        start_request(id: RequestId) -> Result<ServiceRequest>;
        fulfil_request(id: RequestId) -> Result<ServiceRequest>;
        reject_request(id: RequestId) -> Result<ServiceRequest>;
        cancel_request(id: RequestId) -> Result<ServiceRequest>;
        make_ticket(request: RequestId, how: TicketFromRequest) -> Result<Ticket>;
        request(id: RequestId) -> Result<ServiceRequest>;
        request_by_number(number: RequestNumber) -> Result<ServiceRequest>;
        request_by_external_ref(external_ref: &str) -> Result<ServiceRequest>;
        open_ticket(new: NewTicket) -> Result<Ticket>;
        follow_up(of: TicketId, new: NewTicket) -> Result<Ticket>;
        change_ticket(id: TicketId, change: TicketChange) -> Result<Ticket>;
        touch_ticket(id: TicketId) -> Result<Ticket>;
        assign_ticket(id: TicketId, to: UserId) -> Result<Ticket>;
        unassign_ticket(id: TicketId) -> Result<Ticket>;
        start_ticket(id: TicketId) -> Result<Ticket>;
        hold_ticket(id: TicketId, reason: HoldReason) -> Result<Ticket>;
        resolve_ticket(id: TicketId) -> Result<Ticket>;
        reopen_ticket(id: TicketId) -> Result<Ticket>;
        close_ticket(id: TicketId) -> Result<Ticket>;
        cancel_ticket(id: TicketId) -> Result<Ticket>;
        add_note(ticket: TicketId, body: impl Into<String> + Send) -> Result<Note>;
        ticket(id: TicketId) -> Result<Ticket>;
        ticket_by_number(number: TicketNumber) -> Result<Ticket>;
        ticket_by_external_ref(external_ref: &str) -> Result<Ticket>;
    }
}

// What only admins can do.
mirror! {
    impl Admin as Admin {
        create_service(new: NewService) -> Result<Service>;
        change_service(id: ServiceId, change: ServiceChange) -> Result<Service>;
        retire_service(id: ServiceId) -> Result<Service>;
        delete_service(id: ServiceId) -> Result<()>;
        create_user(new: NewUser) -> Result<User>;
        change_user(id: UserId, change: UserChange) -> Result<User>;
        change_role(id: UserId, role: Role) -> Result<User>;
        deactivate_user(id: UserId) -> Result<User>;
        reactivate_user(id: UserId) -> Result<User>;
        delete_user(id: UserId) -> Result<()>;
        approve_request(id: RequestId) -> Result<ServiceRequest>;
    }
}

// What customers can do.
mirror! {
    impl Customer as Customer {
        me() -> Result<User>;
        services(query: &Query<CatalogueListing>) -> Result<Page<Service>>;
        service(id: ServiceId) -> Result<Service>;
        submit_request(new: SubmitRequest) -> Result<ServiceRequest>;
        cancel_request(id: RequestId) -> Result<ServiceRequest>;
        requests(query: &Query<OwnListing>) -> Result<Page<ServiceRequest>>;
        request(id: RequestId) -> Result<ServiceRequest>;
        request_by_number(number: RequestNumber) -> Result<ServiceRequest>;
        open_ticket(new: OwnTicket) -> Result<Ticket>;
        follow_up(new: FollowUp) -> Result<Ticket>;
        tickets(query: &Query<OwnListing>) -> Result<Page<Ticket>>;
        unified(query: &Query<OwnListing>) -> Result<Page<UnifiedTicket>>;
        ticket(id: TicketId) -> Result<Ticket>;
        ticket_by_number(number: TicketNumber) -> Result<Ticket>;
        ticket_updates(id: TicketId, before: Option<Version>, limit: usize) -> Result<Vec<OwnUpdate>>;
        reopen_ticket(id: TicketId) -> Result<Ticket>;
        close_ticket(id: TicketId) -> Result<Ticket>;
        withdraw_ticket(id: TicketId) -> Result<Ticket>;
        rate(request: RequestId, stars: Stars, review: impl Into<String> + Send) -> Result<Rating>;
        ratings(query: &Query<OwnRatings>) -> Result<Page<Rating>>;
        articles(query: &Query<Published>) -> Result<Page<Article>>;
        article(id: ArticleId) -> Result<Article>;
        events(query: &EventQuery) -> Result<EventPage<OwnEvent>>;
    }
}

watches! {
    impl Admin, Agent as Portal {
        watch(query: impl Into<EventQuery> + Send) -> Result<Watch<Event>>;
    }
    impl Customer as Customer {
        watch(query: impl Into<EventQuery> + Send) -> Result<Watch<OwnEvent>>;
    }
}
