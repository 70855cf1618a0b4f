//! How often a command asks its store, when nobody interferes: it reads once at most, and commits once. Users and services
//! that the desk has met are not read at all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bsm_core::model::{HoldReason, Role, ServiceId, Stars, TicketId, TicketStatus, Timestamp, UserId};
use bsm_core::store::{Call, Layer, Layered, Store};
use bsm_core::{
    ArticleChange, Desk, Error, FollowUp, NewArticle, NewRequest, NewService, NewTicket, NewUser, OwnTicket, Result,
    ServiceChange, SubmitRequest, TicketChange, TicketFromRequest, UserChange,
};

#[expect(unreachable_pub, reason = "it is written as a crate of its own would be")]
#[path = "../docs/tiny-store.rs"]
mod tiny_store;

use tiny_store::TinyStore;

/// Counts reads and commits, whether they succeed or not.
#[derive(Debug, Default)]
struct Counting {
    reads: AtomicUsize,
    commits: AtomicUsize,
}

impl Layer for Counting {
    async fn around<T: Send>(
        &self,
        _store: &dyn Store,
        call: Call<'_>,
        inner: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match call {
            Call::Read(_) => self.reads.fetch_add(1, Ordering::SeqCst),
            Call::Commit(_) => self.commits.fetch_add(1, Ordering::SeqCst),
            _ => 0,
        };
        inner.await
    }
}

/// A store whose calls are counted.
#[derive(Clone)]
struct Counted(Arc<Layered<Counting>>);

impl Counted {
    fn new() -> Self {
        let store = Arc::new(TinyStore::new().expect("the system has randomness"));
        Self(Arc::new(Layered::new(store, Counting::default())))
    }

    fn desk(&self) -> Desk {
        Desk::new(Arc::clone(&self.0) as Arc<dyn Store>)
    }

    /// What a call returns, and the reads and commits that it takes.
    async fn taken<T>(&self, call: impl Future<Output = T>) -> (T, (usize, usize)) {
        let now = || {
            let Counting { reads, commits } = self.0.layer();
            (reads.load(Ordering::SeqCst), commits.load(Ordering::SeqCst))
        };
        let before = now();
        let done = call.await;
        let after = now();
        (done, (after.0 - before.0, after.1 - before.1))
    }
}

/// Counts what commands take, each by its name.
struct Check {
    store: Counted,
    /// The one desk of all commands, which knows its people and services; without it each command has a desk that knows none.
    warm: Option<Desk>,
    seen: BTreeSet<&'static str>,
}

impl Check {
    /// Does a command, which commits once and reads so often: `warm` times on a desk that knows the people and services, and
    /// `cold` times on one that knows nobody.
    async fn takes<T>(
        &mut self,
        name: &'static str,
        (warm, cold): (usize, usize),
        command: impl AsyncFnOnce(Desk) -> Result<T>,
    ) -> T {
        let (desk, reads) = match &self.warm {
            Some(desk) => (desk.clone(), warm),
            None => (self.store.desk(), cold),
        };
        let (done, taken) = self.store.taken(command(desk)).await;
        assert_eq!(taken, (reads, 1), "{name}: its reads and commits");
        self.seen.insert(name);
        done.unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    /// A command about people and services alone.
    async fn known<T>(&mut self, name: &'static str, command: impl AsyncFnOnce(Desk) -> Result<T>) -> T {
        self.takes(name, (0, 1), command).await
    }

    /// A command about something else.
    async fn read<T>(&mut self, name: &'static str, command: impl AsyncFnOnce(Desk) -> Result<T>) -> T {
        self.takes(name, (1, 1), command).await
    }
}

/// An admin, an agent, a customer, and a service that needs approval and one that doesn't.
#[derive(Clone, Copy)]
struct Cast {
    root: UserId,
    theo: UserId,
    ada: UserId,
    server: ServiceId,
    laptop: ServiceId,
}

async fn people_and_services(check: &mut Check) -> Cast {
    let first = NewUser::new("Root", "root@example.org", Role::Admin);
    let root = check.takes("bootstrap", (0, 0), async |desk| desk.bootstrap(first).await).await.id;
    let user = async |check: &mut Check, name: &'static str, role| {
        let new = NewUser::new(name, format!("{name}@example.org"), role);
        check.known("create_user", async |desk| desk.admin(root).create_user(new).await).await.id
    };
    let theo = user(check, "theo", Role::Agent).await;
    let ada = user(check, "ada", Role::Customer).await;
    let other = user(check, "other", Role::Agent).await;
    let service = async |check: &mut Check, name, needs_approval| {
        let price = "10 EUR".parse().expect("is money");
        let new = NewService { needs_approval, ..NewService::new(name, "hardware", price) };
        check.known("create_service", async |desk| desk.admin(root).create_service(new).await).await.id
    };
    let (server, laptop) = (service(check, "Server", true).await, service(check, "Laptop", false).await);
    let gone = service(check, "Gone", false).await;
    let renamed = UserChange { full_name: Some("Somebody".to_owned()), ..UserChange::default() };
    check.known("change_user", async |desk| desk.admin(root).change_user(other, renamed).await).await;
    check.known("change_role", async |desk| desk.admin(root).change_role(other, Role::Customer).await).await;
    check.known("deactivate_user", async |desk| desk.admin(root).deactivate_user(other).await).await;
    check.known("reactivate_user", async |desk| desk.admin(root).reactivate_user(other).await).await;
    // The tickets that they work on are read.
    check.read("delete_user", async |desk| desk.admin(root).delete_user(other).await).await;
    check.known("retire_service", async |desk| desk.admin(root).retire_service(laptop).await).await;
    let active = ServiceChange { active: Some(true), ..ServiceChange::default() };
    check.known("change_service", async |desk| desk.admin(root).change_service(laptop, active).await).await;
    check.known("delete_service", async |desk| desk.admin(root).delete_service(gone).await).await;
    Cast { root, theo, ada, server, laptop }
}

async fn articles(check: &mut Check, Cast { theo, .. }: Cast) {
    let new = NewArticle::new("Printers", "They are hungry.");
    let article = check.known("create_article", async |desk| desk.agent(theo).create_article(new).await).await.id;
    let change = ArticleChange { title: Some("Printer".to_owned()), ..ArticleChange::default() };
    check.read("change_article", async |desk| desk.agent(theo).change_article(article, change).await).await;
    check.read("publish_article", async |desk| desk.agent(theo).publish_article(article).await).await;
    check.read("archive_article", async |desk| desk.agent(theo).archive_article(article).await).await;
    check.read("withdraw_article", async |desk| desk.agent(theo).withdraw_article(article).await).await;
}

async fn requests(check: &mut Check, cast: Cast) {
    let Cast { root, theo, ada, server, laptop } = cast;
    let ask = async |check: &mut Check, service| {
        let new = SubmitRequest::new(service);
        check.known("submit_request", async |desk| desk.customer(ada).submit_request(new).await).await.id
    };
    let approved = ask(check, server).await;
    check.read("approve_request", async |desk| desk.admin(root).approve_request(approved).await).await;
    let day = Timestamp::MIN;
    check.read("schedule_request", async |desk| desk.agent(theo).schedule_request(approved, day).await).await;
    check.read("start_request", async |desk| desk.agent(theo).start_request(approved).await).await;
    check.read("fulfil_request", async |desk| desk.agent(theo).fulfil_request(approved).await).await;
    let rate = async |desk: Desk| desk.customer(ada).rate(approved, Stars::Five, "Fine").await;
    let rating = check.read("rate", rate).await.id;
    check.read("delete_rating", async |desk| desk.agent(theo).delete_rating(rating).await).await;
    let rejected = ask(check, laptop).await;
    check.read("reject_request", async |desk| desk.agent(theo).reject_request(rejected).await).await;
    let new = NewRequest::new(laptop, ada);
    let for_her = async |desk: Desk| desk.agent(theo).submit_request_for(new).await;
    let cancelled = check.known("submit_request_for", for_her).await.id;
    check.read("cancel_request", async |desk| desk.agent(theo).cancel_request(cancelled).await).await;
    let converted = ask(check, laptop).await;
    let how = TicketFromRequest { assigned_to: Some(theo), ..TicketFromRequest::default() };
    let ticket = check.read("make_ticket", async |desk| desk.agent(theo).make_ticket(converted, how).await).await.id;
    // A ticket and its request come together, whichever is named.
    check.read("resolve_ticket", async |desk| desk.agent(theo).resolve_ticket(ticket).await).await;
    check.read("reopen_ticket", async |desk| desk.agent(theo).reopen_ticket(ticket).await).await;
    check.read("cancel_request", async |desk| desk.customer(ada).cancel_request(converted).await).await;
}

async fn tickets(check: &mut Check, Cast { theo, ada, .. }: Cast) {
    let open = async |check: &mut Check, status| {
        let new = NewTicket { status, requested_for: Some(ada), assigned_to: Some(theo), ..NewTicket::new("Fan") };
        check.known("open_ticket", async |desk| desk.agent(theo).open_ticket(new).await).await.id
    };
    let ticket: TicketId = open(check, TicketStatus::New).await;
    let change = TicketChange { assigned_to: Some(theo).into(), ..TicketChange::default() };
    check.read("change_ticket", async |desk| desk.agent(theo).change_ticket(ticket, change).await).await;
    check.read("touch_ticket", async |desk| desk.agent(theo).touch_ticket(ticket).await).await;
    check.read("unassign_ticket", async |desk| desk.agent(theo).unassign_ticket(ticket).await).await;
    check.read("assign_ticket", async |desk| desk.agent(theo).assign_ticket(ticket, theo).await).await;
    check.read("start_ticket", async |desk| desk.agent(theo).start_ticket(ticket).await).await;
    check.read("hold_ticket", async |desk| desk.agent(theo).hold_ticket(ticket, HoldReason::Vendor).await).await;
    check.read("add_note", async |desk| desk.agent(theo).add_note(ticket, "Called").await).await;
    check.read("withdraw_own", async |desk| desk.customer(ada).withdraw_ticket(ticket).await).await;
    let new = NewTicket { assigned_to: Some(theo), ..NewTicket::new("Again") };
    check.read("follow_up", async |desk| desk.agent(theo).follow_up(ticket, new).await).await;
    let new = FollowUp { of: ticket, ticket: OwnTicket::new("Again") };
    check.read("follow_up_own", async |desk| desk.customer(ada).follow_up(new).await).await;
    let new = OwnTicket::new("Screen");
    check.known("open_own_ticket", async |desk| desk.customer(ada).open_ticket(new).await).await;
    let resolved = open(check, TicketStatus::Resolved).await;
    check.read("reopen_own", async |desk| desk.customer(ada).reopen_ticket(resolved).await).await;
    let resolved = open(check, TicketStatus::Resolved).await;
    check.read("close_own", async |desk| desk.customer(ada).close_ticket(resolved).await).await;
    let resolved = open(check, TicketStatus::Resolved).await;
    check.read("close_ticket", async |desk| desk.agent(theo).close_ticket(resolved).await).await;
    let given_up = open(check, TicketStatus::New).await;
    check.read("cancel_ticket", async |desk| desk.agent(theo).cancel_ticket(given_up).await).await;
    // A page of what is resolved is read besides, whatever stands on it.
    open(check, TicketStatus::Resolved).await;
    let closed = check.takes("close_resolved", (2, 2), async |desk| desk.close_resolved(Timestamp::MAX).await).await;
    assert_eq!(closed, 1);
}

/// The name of every command, as the portals have it: the first of a tuple, or of what makes one.
fn commands() -> BTreeSet<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal");
    let mut names = BTreeSet::new();
    for file in std::fs::read_dir(folder).expect("the portals stand there") {
        let text = std::fs::read_to_string(file.expect("is listed").path()).expect("is text");
        let is_command = |before: &str| before.ends_with(['&', '(']) || before.ends_with("self.move_ticket");
        for (at, _) in text.match_indices("(\"").filter(|(at, _)| is_command(&text[..*at])) {
            let name = text[at + 2..].split('"').next().unwrap_or_default();
            names.insert(name.to_owned());
        }
    }
    names
}

async fn every_command(store: Counted, warm: Option<Desk>) {
    let mut check = Check { store, warm, seen: BTreeSet::new() };
    let cast = people_and_services(&mut check).await;
    articles(&mut check, cast).await;
    requests(&mut check, cast).await;
    tickets(&mut check, cast).await;
    let seen: BTreeSet<String> = check.seen.into_iter().map(str::to_owned).collect();
    assert_eq!(seen, commands(), "every command is counted");
}

#[tokio::test]
async fn a_command_on_a_desk_that_knows_nobody_reads_once_and_commits_once() {
    every_command(Counted::new(), None).await;
}

#[tokio::test]
async fn people_and_services_that_a_desk_knows_are_not_read() {
    let store = Counted::new();
    let desk = store.desk();
    every_command(store, Some(desk)).await;
}

/// A desk with an admin, a customer and a service, and another desk over the same store that knows them.
async fn two_desks() -> (Counted, Desk, Desk, UserId, UserId, ServiceId) {
    let store = Counted::new();
    let (first, second) = (store.desk(), store.desk());
    let root = first.bootstrap(NewUser::new("Root", "root@example.org", Role::Admin)).await.expect("is the first").id;
    let admin = first.admin(root);
    let ada = admin.create_user(NewUser::new("Ada", "ada@example.org", Role::Customer)).await.expect("is made").id;
    let price = "10 EUR".parse().expect("is money");
    let service = admin.create_service(NewService::new("Laptop", "hardware", price)).await.expect("is made").id;
    second.customer(ada).submit_request(SubmitRequest::new(service)).await.expect("is asked for");
    (store, first, second, root, ada, service)
}

#[tokio::test]
async fn a_row_that_was_changed_elsewhere_costs_one_round_more() {
    let (store, first, second, root, ada, service) = two_desks().await;
    let (admin, customer) = (first.admin(root), second.customer(ada));
    let ask = async |service| store.taken(customer.submit_request(SubmitRequest::new(service))).await;
    assert_eq!(ask(service).await.1, (0, 1));
    let change = |active| ServiceChange { active: Some(active), ..ServiceChange::default() };
    admin.change_service(service, change(true)).await.expect("is changed");
    let (asked, taken) = ask(service).await;
    assert_eq!((asked.is_ok(), taken), (true, (1, 2)), "it was committed, read, and committed");
    assert_eq!(ask(service).await.1, (0, 1));
    admin.change_service(service, change(false)).await.expect("is changed");
    let refused = |asked: Result<_>| matches!(asked, Err(Error::ServiceRetired { .. }));
    let (asked, taken) = ask(service).await;
    assert_eq!((refused(asked), taken), (true, (1, 1)));
    // What is refused is refused on what the store says, every time.
    let (asked, taken) = ask(service).await;
    assert_eq!((refused(asked), taken), (true, (1, 0)));
    // The desk that made the changes knows of them.
    let own = first.customer(ada);
    own.submit_request(SubmitRequest::new(service)).await.expect_err("it is retired");
    admin.change_service(service, change(true)).await.expect("is changed");
    assert_eq!(store.taken(own.submit_request(SubmitRequest::new(service))).await.1, (0, 1));
}

#[tokio::test]
async fn a_row_that_is_gone_is_not_kept() {
    let (store, first, second, root, ada, _) = two_desks().await;
    let admin = first.admin(root);
    for by_itself in [false, true] {
        let price = "10 EUR".parse().expect("is money");
        let service = admin.create_service(NewService::new("Gone", "hardware", price)).await.expect("is made").id;
        let customer = second.customer(ada);
        let ask = async || store.taken(customer.submit_request(SubmitRequest::new(service))).await.1;
        // Known by a command that was refused, so that nothing names it.
        let long = SubmitRequest { details: "x".repeat(100_000), ..SubmitRequest::new(service) };
        customer.submit_request(long).await.expect_err("is too long");
        let deleted = if by_itself { second.admin(root) } else { admin.clone() }.delete_service(service).await;
        deleted.expect("nothing names it");
        if !by_itself {
            assert_eq!(ask().await, (1, 1), "a conflict, and what the store says");
        }
        assert_eq!(ask().await, (1, 0), "it is not there, and there is nothing to commit");
    }
}

#[tokio::test]
async fn a_key_is_looked_for_by_the_commit() {
    let (store, _, desk, _, ada, service) = two_desks().await;
    let keyed = desk.customer(ada).keyed("k");
    let ask = async || store.taken(keyed.submit_request(SubmitRequest::new(service))).await;
    let (first, taken) = ask().await;
    assert_eq!(taken, (0, 1));
    let (again, taken) = ask().await;
    // The commit says that it had happened; what came of it is read.
    assert_eq!(taken, (1, 1));
    assert_eq!(again.expect("is answered"), first.expect("is asked for"));
    // Where something is read anyway, the key is looked for there.
    let ticket = desk.customer(ada).open_ticket(OwnTicket::new("Screen")).await.expect("opens").id;
    let close = async || store.taken(keyed.keyed("w").withdraw_ticket(ticket)).await;
    assert_eq!(close().await.1, (1, 1));
    let (again, taken) = close().await;
    assert_eq!((again.expect("is answered").status, taken), (TicketStatus::Cancelled, (2, 1)));
}

/// Reads don't answer from what is kept: who is deactivated elsewhere reads nothing more.
#[tokio::test]
async fn a_read_asks_for_its_actor() {
    let (store, first, second, root, ada, service) = two_desks().await;
    let customer = second.customer(ada);
    let (seen, taken) = store.taken(customer.service(service)).await;
    assert_eq!((seen.is_ok(), taken), (true, (1, 0)));
    first.admin(root).deactivate_user(ada).await.expect("is deactivated");
    assert!(matches!(customer.service(service).await, Err(Error::NotAllowed { .. })));
    assert!(matches!(customer.me().await, Err(Error::NotAllowed { .. })));
}
