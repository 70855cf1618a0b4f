//! A desk behind its router, the people on it, and how to ask.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bsm::model::{HoldReason, Money, Role, Stars, UserId};
use bsm::{
    Desk, NewArticle, NewService, NewTicket, NewUser, OwnTicket, Patch, SubmitRequest, TicketFromRequest, UserChange,
};
use bsm_http::auth::{Principal, Unchecked};
use serde_json::Value;
use tower::ServiceExt as _;

/// Stands in every text of Ada's, so that it is seen where it does not belong.
pub(crate) const HERS: &str = "zebrafinch";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    Ada,
    Ben,
    Agent,
    Admin,
}

impl Who {
    pub(crate) const ALL: [Self; 5] = [Self::Nobody, Self::Ada, Self::Ben, Self::Agent, Self::Admin];
}

/// What the router answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The name of the problem.
    pub(crate) fn error(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let told = self.json();
        assert_eq!(told["status"], self.status.as_u16(), "{told}");
        told["error"].as_str().expect("a name").to_owned()
    }
}

/// A desk with people on it.
pub(crate) struct Site {
    pub(crate) desk: Desk,
    pub(crate) router: Router,
    pub(crate) people: [UserId; 4],
    /// What stands on it, by name.
    pub(crate) ids: BTreeMap<&'static str, String>,
}

impl Site {
    /// Four people on a desk in memory.
    pub(crate) async fn new() -> Self {
        Self::over(bsm::open("memory:").await.expect("a desk")).await
    }

    /// Four people on a desk that was empty.
    pub(crate) async fn over(desk: Desk) -> Self {
        let admin =
            desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin)).await.expect("an admin");
        let portal = desk.admin(admin.id);
        let person = async |name: &str, email: &str, role| {
            portal.create_user(NewUser::new(name, email, role)).await.expect("a person").id
        };
        let ada = person(&format!("Ada {HERS}"), &format!("{HERS}@example.org"), Role::Customer).await;
        let ben = person("Ben", "ben@example.org", Role::Customer).await;
        let agent = person("Alan", "alan@example.org", Role::Agent).await;
        let people = [ada, ben, agent, admin.id];
        let ids = ["ada", "ben", "agent", "admin"].into_iter().zip(people.map(|id| id.to_string())).collect();
        let router = bsm_http::router(desk.clone(), Unchecked);
        Self { desk, router, people, ids }
    }

    pub(crate) fn user(&self, who: Who) -> UserId {
        match who {
            Who::Ada => self.people[0],
            Who::Ben => self.people[1],
            Who::Agent => self.people[2],
            Who::Admin | Who::Nobody => self.people[3],
        }
    }

    /// What `who` sends to say so.
    pub(crate) fn token(&self, who: Who) -> Option<String> {
        let role = match who {
            Who::Nobody => return None,
            Who::Ada | Who::Ben => Role::Customer,
            Who::Agent => Role::Agent,
            Who::Admin => Role::Admin,
        };
        Some(Unchecked::token(Principal::new(self.user(who), role)))
    }

    /// A request, to be completed.
    pub(crate) fn request(&self, who: Who, method: &Method, path: &str) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        match self.token(who) {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).expect("UTF-8") }
    }

    pub(crate) async fn get(&self, who: Who, path: &str) -> Answer {
        self.send(self.request(who, &Method::GET, path).body(Body::empty()).expect("a request")).await
    }

    /// A request with a body, or without, and headers.
    pub(crate) async fn ask(
        &self,
        who: Who,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.request(who, &method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    pub(crate) async fn post(&self, who: Who, path: &str, body: &Value) -> Answer {
        self.ask(who, Method::POST, path, Some(body), &[]).await
    }

    /// Puts on the desk what each route needs: most of it Ada's.
    pub(crate) async fn furnished() -> Self {
        let mut site = Self::new().await;
        let admin = site.desk.admin(site.user(Who::Admin));
        let ada = site.desk.customer(site.user(Who::Ada));
        site.furnish(&admin, &ada).await.expect("a furnished desk");
        site
    }

    async fn furnish(&mut self, admin: &bsm::Admin, ada: &bsm::Customer) -> bsm::Result<()> {
        let price: Money = "10.00 EUR".parse()?;
        let mut keep = BTreeMap::new();
        let laptop = admin.create_service(NewService::new("Laptop", "Hardware", price)).await?;
        let needs = NewService { needs_approval: true, ..NewService::new("Phone", "Hardware", price) };
        let phone = admin.create_service(needs).await?;
        let unused = admin.create_service(NewService::new("Unused", "Hardware", price)).await?;
        keep.extend([("laptop", laptop.id.to_string()), ("unused", unused.id.to_string())]);

        let ask = |service| SubmitRequest { details: HERS.to_owned(), ..SubmitRequest::new(service) };
        keep.insert("submitted", ada.submit_request(ask(laptop.id)).await?.id.to_string());
        keep.insert("unapproved", ada.submit_request(ask(phone.id)).await?.id.to_string());
        let fulfilled = ada.submit_request(ask(laptop.id)).await?;
        admin.fulfil_request(fulfilled.id).await?;
        keep.extend([("fulfilled", fulfilled.id.to_string()), ("request_number", fulfilled.number.to_string())]);
        let rated = ada.submit_request(ask(laptop.id)).await?;
        let made = admin.make_ticket(rated.id, TicketFromRequest::default()).await?;
        admin.resolve_ticket(made.id).await?;
        keep.insert("rating", ada.rate(rated.id, Stars::Four, HERS).await?.id.to_string());
        let outer = bsm::NewRequest {
            external_ref: Some("outer-request".to_owned()),
            ..bsm::NewRequest::new(laptop.id, ada.actor())
        };
        admin.submit_request_for(outer).await?;

        let open = || OwnTicket { description: HERS.to_owned(), ..OwnTicket::new(HERS) };
        let fresh = ada.open_ticket(open()).await?;
        keep.extend([("fresh", fresh.id.to_string()), ("ticket_number", fresh.number.to_string())]);
        admin.add_note(fresh.id, "a note").await?;
        let assigned = ada.open_ticket(open()).await?;
        admin.assign_ticket(assigned.id, self.user(Who::Agent)).await?;
        let held = admin.hold_ticket(assigned.id, HoldReason::Vendor).await?;
        keep.insert("held", held.id.to_string());
        let resolved = ada.open_ticket(open()).await?;
        admin.resolve_ticket(resolved.id).await?;
        keep.insert("resolved", resolved.id.to_string());
        let closed = ada.open_ticket(open()).await?;
        admin.resolve_ticket(closed.id).await?;
        admin.close_ticket(closed.id).await?;
        keep.insert("closed", closed.id.to_string());
        let outer = NewTicket { external_ref: Some("outer-ticket".to_owned()), ..NewTicket::new("Outer") };
        admin.open_ticket(outer).await?;

        keep.insert("draft", admin.create_article(NewArticle::new("Draft", "unpublished")).await?.id.to_string());
        let published = admin.create_article(NewArticle::new("Published", "for all")).await?;
        keep.insert("published", admin.publish_article(published.id).await?.id.to_string());

        let idle = admin.create_user(NewUser::new("Idle", "idle@example.org", Role::Customer)).await?;
        let change = UserChange { external_ref: Patch::Set("outer-user".to_owned()), ..UserChange::default() };
        admin.change_user(idle.id, change).await?;
        let gone = admin.create_user(NewUser::new("Gone", "gone@example.org", Role::Customer)).await?;
        admin.deactivate_user(gone.id).await?;
        keep.extend([("idle", idle.id.to_string()), ("gone", gone.id.to_string())]);
        self.ids.extend(keep);
        Ok(())
    }

    /// `$name` becomes the id of that name.
    pub(crate) fn filled(&self, template: &str) -> String {
        let mut text = template.to_owned();
        // Longest first: one name may begin another.
        let mut names: Vec<_> = self.ids.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, id) in names {
            text = text.replace(&format!("${name}"), id);
        }
        assert!(!text.contains('$'), "{text}");
        text
    }
}
