//! Two processes that race for one row, again and again: what both are told, and what is left, must be what one after the
//! other would have been told and have left.
//!
//! In every tenth round somebody else holds the row until both of them wait for it: by then each has read and decided on what
//! stood before either. In the other rounds chance decides who is where. A full test run (`BSM_TEST_FULL=1`) has a thousand
//! rounds of each race.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::process::Stdio;
use std::sync::Arc;

use bsm_core::feed::{EventQuery, Since};
use bsm_core::model::{Key, RequestId, Role, ServiceId, Stars, TicketId, UserId, Version};
use bsm_core::{Desk, Error, NewService, NewTicket, NewUser, SubmitRequest, TicketFromRequest};
use common::{Place, full, in_schema};
use sqlx::AssertSqlSafe;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use uuid::Uuid;

/// Tells the other process where the desk is.
const URL: &str = "BSM_RACE_URL";

/// Stands before what it answers, among what the test runner prints.
const ANSWER: &str = "answer: ";

fn rounds() -> usize {
    if full() { 1_000 } else { 60 }
}

/// How a command ended: what it made, if anything, or the name of the error.
type Told = Result<Option<Uuid>, String>;

/// Does the command that a line names, with who commands it and what it is about.
async fn perform(desk: &Desk, line: &str) -> Told {
    let words: Vec<&str> = line.split(' ').collect();
    let id = |place: usize| -> Uuid { words[place].parse().expect("an id") };
    let actor = UserId::from_uuid(id(1));
    let ended: Result<Option<Uuid>, Error> = match words[0] {
        "assign" => {
            let (ticket, to) = (TicketId::from_uuid(id(2)), UserId::from_uuid(id(3)));
            desk.agent(actor).assign_ticket(ticket, to).await.map(|_| None)
        }
        "deactivate" => desk.admin(actor).deactivate_user(UserId::from_uuid(id(2))).await.map(|_| None),
        "demote" => desk.admin(actor).change_role(UserId::from_uuid(id(2)), Role::Customer).await.map(|_| None),
        "open" => desk.agent(actor).open_ticket(NewTicket::new("Acted")).await.map(|made| Some(made.id.as_uuid())),
        "submit" => {
            let new = SubmitRequest::new(ServiceId::from_uuid(id(2)));
            desk.customer(actor).submit_request(new).await.map(|made| Some(made.id.as_uuid()))
        }
        "retire" => desk.admin(actor).retire_service(ServiceId::from_uuid(id(2))).await.map(|_| None),
        "convert" => {
            let made = desk.agent(actor).make_ticket(RequestId::from_uuid(id(2)), TicketFromRequest::default()).await;
            made.map(|made| Some(made.id.as_uuid()))
        }
        "rate" => {
            let customer = desk.customer(actor);
            let made = customer.rate(RequestId::from_uuid(id(2)), Stars::Four, "Good").await;
            made.map(|made| Some(made.id.as_uuid()))
        }
        other => panic!("no command: {other}"),
    };
    ended.map_err(|error| error.name().to_owned())
}

async fn open(url: &str) -> Desk {
    Desk::new(Arc::new(bsm_store_postgres::PostgresStore::connect(url).await.expect("opens")))
}

/// Not a test: the other process. It does what it is told, line by line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is a part of the races, which start it"]
async fn other_process() {
    let Ok(url) = std::env::var(URL) else { return };
    let desk = open(&url).await;
    println!("{ANSWER}ready");
    let next = || tokio::task::spawn_blocking(|| std::io::stdin().lines().next());
    while let Some(Ok(line)) = next().await.expect("reads") {
        match perform(&desk, &line).await {
            Ok(made) => println!("{ANSWER}done {}", made.map(|made| made.to_string()).unwrap_or_default()),
            Err(name) => println!("{ANSWER}refused {name}"),
        }
    }
}

/// The other process, as this one sees it.
struct Other {
    _child: Child,
    says: ChildStdin,
    hears: Lines<BufReader<ChildStdout>>,
}

impl Other {
    async fn start(url: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("is a program"));
        command.args(["--ignored", "--exact", "other_process", "--nocapture"]).env(URL, url);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("starts");
        let says = child.stdin.take().expect("is piped");
        let hears = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let mut other = Self { _child: child, says, hears };
        assert_eq!(other.line().await, "ready");
        other
    }

    async fn line(&mut self) -> String {
        loop {
            let line = self.hears.next_line().await.expect("is text").expect("the other process goes on");
            // The runner may have begun the line.
            if let Some((_, answer)) = line.split_once(ANSWER) {
                return answer.to_owned();
            }
        }
    }

    async fn tell(&mut self, line: &str) {
        self.says.write_all(format!("{line}\n").as_bytes()).await.expect("it listens");
    }

    async fn told(&mut self) -> Told {
        let answer = self.line().await;
        match answer.split_once(' ').expect("two words") {
            ("done", made) => Ok(made.parse().ok()),
            ("refused", name) => Err(name.to_owned()),
            other => panic!("{other:?}"),
        }
    }
}

/// Two commands about one row.
struct Race {
    first: String,
    second: String,
    /// The row, and its table.
    table: &'static str,
    row: Uuid,
}

/// A desk, another process that has it open as well, and what happened.
struct Course {
    place: Place,
    desk: Desk,
    admin: UserId,
    agent: UserId,
    customer: UserId,
    other: Other,
    /// How often it ended how.
    ends: BTreeMap<String, usize>,
}

impl Course {
    async fn new(place: Place) -> Self {
        let desk = open(&place.url()).await;
        let admin =
            desk.bootstrap(NewUser::new("Nora Lind", "nora@desk.example", Role::Admin)).await.expect("begins").id;
        let person = async |name: &str, role| {
            let email = format!("{name}@people.example");
            desk.admin(admin).create_user(NewUser::new(name, email, role)).await.expect("is made").id
        };
        let (agent, customer) = (person("Theo", Role::Agent).await, person("Ada", Role::Customer).await);
        let other = Other::start(&place.url()).await;
        Self { desk: desk.clone(), admin, agent, customer, other, ends: BTreeMap::new(), place }
    }

    async fn person(&self, name: String) -> UserId {
        let new = NewUser::new(name.clone(), format!("{name}@people.example"), Role::Agent);
        self.desk.admin(self.admin).create_user(new).await.expect("is made").id
    }

    async fn service(&self, name: String) -> ServiceId {
        let new = NewService::new(name, "hardware", "49.90 EUR".parse().expect("is money"));
        self.desk.admin(self.admin).create_service(new).await.expect("is made").id
    }

    async fn request(&self, of: ServiceId) -> RequestId {
        self.desk.customer(self.customer).submit_request(SubmitRequest::new(of)).await.expect("is made").id
    }

    /// Runs a round, and returns how the first and the second command ended.
    async fn run(&mut self, round: usize, race: Race) -> (Told, Told) {
        let here_first = round.is_multiple_of(2);
        let (here, there) = if here_first { (race.first, race.second) } else { (race.second, race.first) };
        let mut holder = None;
        if round.is_multiple_of(10) {
            let mut transaction = self.place.pool.begin().await.expect("begins");
            let hold = format!("SELECT FROM {}.{} WHERE id = $1 FOR UPDATE", self.place.schema, race.table);
            sqlx::query(AssertSqlSafe(hold)).bind(race.row).execute(&mut *transaction).await.expect("holds");
            holder = Some(transaction);
        }
        self.other.tell(&there).await;
        let desk = self.desk.clone();
        let ours = tokio::spawn(async move {
            for _ in 0..(round * 7) % 40 {
                tokio::task::yield_now().await;
            }
            perform(&desk, &here).await
        });
        if let Some(holder) = holder {
            self.place.waits(2).await;
            holder.rollback().await.expect("lets go");
        }
        let (ours, theirs) = (ours.await.expect("does not panic"), self.other.told().await);
        let (first, second) = if here_first { (ours, theirs) } else { (theirs, ours) };
        let end = |told: &Told| told.as_ref().map_or_else(String::clone, |_| "done".to_owned());
        *self.ends.entry(format!("{} and {}", end(&first), end(&second))).or_default() += 1;
        (first, second)
    }

    /// Where each version of each row stands in the feed.
    async fn order(&self) -> HashMap<(Uuid, Version), usize> {
        let mut order = HashMap::new();
        let mut query = EventQuery::since(Since::Oldest).limit(500);
        loop {
            let page = self.desk.events(&query).await.expect("reads");
            for event in &page.events {
                let place = order.len();
                order.extend(event.entries.iter().map(|entry| ((entry.key.id, entry.version), place)));
            }
            if !page.more {
                return order;
            }
            query.since = Since::After(page.position);
        }
    }

    /// What both did, if both did it: the first came before the row's second version.
    async fn came_before(&self, pairs: &[((Uuid, Version), Key)]) {
        let order = self.order().await;
        for (did, moved) in pairs {
            let (did, moved) = (order[did], order[&(moved.id, Version(2))]);
            assert!(did < moved, "what it relied on had changed before: {did} {moved}");
        }
    }

    async fn ends(self, name: &str) {
        println!("{name}: {:?}", self.ends);
        let found = self.desk.verify().await.expect("recounts");
        assert!(found.is_clean(), "{found:?}");
        self.desk.close().await.expect("closes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assign_and_deactivate() {
    in_schema("processes_assign", |place| async move {
        let mut course = Course::new(place).await;
        let mut both = Vec::new();
        for round in 0..rounds() {
            let helper = course.person(format!("helper{round}")).await;
            let ticket =
                course.desk.agent(course.agent).open_ticket(NewTicket::new("Broken")).await.expect("is made").id;
            let race = Race {
                first: format!("assign {} {ticket} {helper}", course.agent),
                second: format!("deactivate {} {helper}", course.admin),
                table: "users",
                row: helper.as_uuid(),
            };
            match course.run(round, race).await {
                (Ok(_), Ok(_)) => both.push(((ticket.as_uuid(), Version(2)), helper.into())),
                (Err(name), Ok(_)) if name == "Invalid" => {}
                other => panic!("round {round}: {other:?}"),
            }
        }
        course.came_before(&both).await;
        course.ends("assign, deactivate").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submit_and_retire() {
    in_schema("processes_submit", |place| async move {
        let mut course = Course::new(place).await;
        let mut both = Vec::new();
        for round in 0..rounds() {
            let service = course.service(format!("Service {round}")).await;
            let race = Race {
                first: format!("submit {} {service}", course.customer),
                second: format!("retire {} {service}", course.admin),
                table: "customer_services",
                row: service.as_uuid(),
            };
            match course.run(round, race).await {
                (Ok(Some(made)), Ok(_)) => both.push(((made, Version(1)), service.into())),
                (Err(name), Ok(_)) if name == "ServiceRetired" => {}
                other => panic!("round {round}: {other:?}"),
            }
        }
        course.came_before(&both).await;
        course.ends("submit, retire").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn act_and_demote() {
    in_schema("processes_act", |place| async move {
        let mut course = Course::new(place).await;
        let mut both = Vec::new();
        for round in 0..rounds() {
            let helper = course.person(format!("helper{round}")).await;
            let race = Race {
                first: format!("open {helper}"),
                second: format!("demote {} {helper}", course.admin),
                table: "users",
                row: helper.as_uuid(),
            };
            match course.run(round, race).await {
                (Ok(Some(made)), Ok(_)) => both.push(((made, Version(1)), helper.into())),
                (Err(name), Ok(_)) if name == "NotAllowed" => {}
                other => panic!("round {round}: {other:?}"),
            }
        }
        course.came_before(&both).await;
        course.ends("act, demote").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn convert_and_convert() {
    in_schema("processes_convert", |place| async move {
        let mut course = Course::new(place).await;
        let service = course.service("Laptop".to_owned()).await;
        for round in 0..rounds() {
            let request = course.request(service).await;
            let convert = format!("convert {} {request}", course.agent);
            let race = Race {
                first: convert.clone(),
                second: convert,
                table: "customer_service_requests",
                row: request.as_uuid(),
            };
            match course.run(round, race).await {
                (Ok(Some(_)), Err(name)) | (Err(name), Ok(Some(_))) if name == "AlreadyConverted" => {}
                other => panic!("round {round}: {other:?}"),
            }
        }
        course.ends("convert, convert").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_and_rate() {
    in_schema("processes_rate", |place| async move {
        let mut course = Course::new(place).await;
        let service = course.service("Laptop".to_owned()).await;
        for round in 0..rounds() {
            let request = course.request(service).await;
            course.desk.agent(course.agent).fulfil_request(request).await.expect("is fulfilled");
            let deed = format!("rate {} {request}", course.customer);
            let race =
                Race { first: deed.clone(), second: deed, table: "customer_service_requests", row: request.as_uuid() };
            match course.run(round, race).await {
                (Ok(Some(_)), Err(name)) | (Err(name), Ok(Some(_))) if name == "AlreadyRated" => {}
                other => panic!("round {round}: {other:?}"),
            }
        }
        course.ends("rate, rate").await;
    })
    .await;
}
