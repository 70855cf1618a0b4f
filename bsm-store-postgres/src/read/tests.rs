//! How many rows the server looks at for a read set, as it says itself, however wrong its statistics are, and whichever
//! plan it keeps. Needs the server of the crate's other tests.

use bsm_core::model::{
    ArticleStatus, Entity, Key, Phase, Priority, RequestStatus, Role, ServiceId, TicketStatus, TimeRange, Timestamp,
    UserId, Value, Version,
};
use bsm_core::schema::{Counter, Field, Relation};
use bsm_core::store::{Branch, CountQuery, FeedPlace, HistoryQuery, LogQuery, Order, ReadSet, Scan, UniqueValue};
use bsm_core::view::{
    ArticleListing, Listing, NoFilter, RatingListing, ServiceListing, UserListing, WorkFilter, WorkListing,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::Question;
use crate::PostgresStore;
use crate::mark::{Mark, Needed};
use crate::plans::{self, Cost, Prepared};
use crate::store::Desk;

/// The rows of each table.
const ROWS: u64 = 100_000;

/// The rows on a page.
const LIMIT: usize = 20;

/// The rows that a page looks at, if its filter lets none through.
const BUDGET: usize = 300;

/// The rows that a listing looks at besides: the first behind the page in each of its branches (eight is the most that a
/// listing has), and the one that tells whether there is more.
const AHEAD: usize = 9;

/// The rows that one row names at most.
const NAMED: usize = 5;

/// Fills every table. `id(n, entity)` is the nth row of an entity, by its code; each was created a millisecond after the
/// one before.
const FILL: &str = "
    CREATE FUNCTION id(n bigint, entity integer) RETURNS uuid LANGUAGE sql IMMUTABLE
        AS $$ SELECT (lpad(to_hex(n), 12, '0') || '70008' || lpad(to_hex(entity), 15, '0'))::uuid $$;
    SET session_replication_role = replica;
    INSERT INTO users (id, created_at, full_name, email, role, active, external_ref, version, updated_at)
        SELECT id(n, 1), now(), 'a', 'p' || n, CASE WHEN n % 10 = 0 THEN 'agent' ELSE 'customer' END, true, 'x' || n, 1, now()
        FROM generate_series(1, {rows}) AS n;
    INSERT INTO tickets (id, created_at, title, description, status, impact, urgency, priority, priority_overridden,
            category, channel, created_by, assigned_to, requested_for, request_id, follow_up_of, reopen_count, version,
            updated_at)
        SELECT id(n, 2), now(), 'a', '', CASE WHEN n < 30 THEN 'resolved' ELSE (ARRAY['new', 'in_progress', 'closed'])[1 + n % 3] END,
        'low', 'low', CASE WHEN n < 30 THEN 'high' ELSE 'low' END, false, CASE WHEN n % 2 = 0 THEN 'hardware' END, 'email',
        id(1, 1), id(1 + n % 10, 1), id(1 + n, 1), id(n, 5), CASE WHEN n > 1 THEN id(n - 1, 2) END, 0, 1, now()
        FROM generate_series(1, {rows}) AS n;
    INSERT INTO knowledge_base (id, created_at, title, body, status, author_id, version, updated_at)
        SELECT id(n, 3), now(), 'a', '', CASE WHEN n < 30 THEN 'draft' ELSE 'published' END, id(1 + n % 100, 1), 1, now()
        FROM generate_series(1, {rows}) AS n;
    INSERT INTO customer_services (id, created_at, name, description, category, price, currency, needs_approval, active,
            version, updated_at)
        SELECT id(n, 4), now(), 'a', '', CASE WHEN n < 30 THEN 'rare' ELSE 'access' END, 1.00, 'EUR', false, n % 2 = 0, 1, now()
        FROM generate_series(1, {rows}) AS n;
    INSERT INTO customer_service_requests (id, created_at, service_id, customer_id, details, status, needs_approval,
            price, currency, ticket_id, rated, version, updated_at)
        SELECT id(n, 5), now(), id(1 + n % 100, 4), id(1 + n % 1000, 1), '', CASE WHEN n < 30 THEN 'approved' ELSE 'submitted' END,
        false, 1.00, 'EUR', id(n, 2), false, 1, now() FROM generate_series(1, {rows}) AS n;
    INSERT INTO customer_ratings (id, created_at, service_id, customer_id, rating, review, version, updated_at)
        SELECT id(n, 6), now(), id(1 + n % 100, 4), id(1 + n % 1000, 1), 5, '', 1, now() FROM generate_series(1, {rows}) AS n;
    INSERT INTO history (entity, row_id, version, action, occurred_at, recorded_at, changes)
        SELECT 'ticket', id(1 + n % 1000, 2), n / 1000 + 1, 'changed', now(), now(), '[]' FROM generate_series(0, {rows} - 1) AS n;
    INSERT INTO counters (family, names, shard, amount, scale)
        SELECT 'service_usage', ARRAY[id(n / 4, 4)::text, 'submitted'], n % 4, 1, 0 FROM generate_series(4, {rows}) AS n;
    INSERT INTO counters (family, names, shard, amount, scale)
        SELECT family, ARRAY['new'], 0, 1, 0 FROM unnest(ARRAY['tickets', 'requests', 'articles']) AS family;
    INSERT INTO idempotency_keys (actor, key, digest, answer_entity, answer_id, keep_until)
        SELECT id(1 + n % 10, 1), 'k' || n, '', 'ticket', id(n, 2), now() FROM generate_series(1, {rows}) AS n;
    SET session_replication_role = DEFAULT";

const TABLES: &str = "users, tickets, knowledge_base, customer_services, customer_service_requests, customer_ratings, \
                      history, counters, idempotency_keys";

fn id(n: u64, entity: Entity) -> Uuid {
    Uuid::from_u128(u128::from(n) << 80 | 0x7000 << 64 | 0x8 << 60 | u128::from(entity.code()))
}

/// A read set, what it is called, and how many rows it may look at.
struct Asked {
    what: String,
    set: ReadSet,
    most: usize,
    /// What a replica would be asked for besides.
    needed: Needed,
}

/// A listing without a filter.
fn plain<L: Listing<Filter = F>, F: Default>(listing: &L) -> (String, Vec<Branch>, bool) {
    let nobody = UserId::from_uuid(Uuid::nil());
    (format!("{listing:?}"), listing.branches(&F::default(), &[], nobody).expect("is a listing"), false)
}

/// Every listing, filtered by what no row has and not, from both ends and from the middle.
fn listings() -> Vec<Asked> {
    let someone = UserId::from_uuid(id(3, Entity::User));
    let service = ServiceId::from_uuid(id(3, Entity::Service));
    let both = [Entity::Ticket, Entity::Request];
    let mut all: Vec<(String, Vec<Branch>, bool)> = Vec::new();
    let mut work = vec![
        WorkListing::All,
        WorkListing::TicketStatus(TicketStatus::Resolved),
        WorkListing::TicketStatus(TicketStatus::New),
        WorkListing::RequestStatus(RequestStatus::Submitted),
        WorkListing::RequestStatus(RequestStatus::Approved),
        WorkListing::Priority(Priority::High),
        WorkListing::Priority(Priority::Low),
        WorkListing::Category("hardware".to_owned()),
        WorkListing::Assignee(someone),
        WorkListing::Customer(someone),
        WorkListing::Service(service),
    ];
    for phase in Phase::ALL {
        work.push(WorkListing::Phase(*phase));
        work.push(WorkListing::AssigneePhase(someone, *phase));
        work.push(WorkListing::CustomerPhase(someone, *phase));
    }
    let nobodys = WorkFilter { priority: Some(Priority::Critical), ..WorkFilter::default() };
    for listing in &work {
        for filter in [&WorkFilter::default(), &nobodys] {
            // Those that have no tickets are empty when they are filtered by what only tickets have.
            let branches = listing.branches(filter, &both, someone).expect("is a listing");
            all.push((format!("{listing:?}"), branches, *filter == nobodys));
        }
    }
    all.extend(
        [UserListing::All, UserListing::Role(Role::Agent), UserListing::Role(Role::Admin)]
            .iter()
            .map(plain::<_, NoFilter>),
    );
    all.extend(
        [RatingListing::All, RatingListing::Service(service), RatingListing::Customer(someone)].iter().map(plain),
    );
    let rare = ServiceListing::Category("rare".to_owned());
    all.extend([ServiceListing::All, ServiceListing::Active(true), rare].iter().map(plain));
    let (draft, published) = (ArticleStatus::Draft, ArticleStatus::Published);
    let articles = [
        ArticleListing::All,
        ArticleListing::Status(draft),
        ArticleListing::Status(published),
        ArticleListing::Author(someone),
    ];
    all.extend(articles.iter().map(plain));
    let mut asked = Vec::new();
    for (listing, branches, is_filtered) in all {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            for after in [None, Some(id(ROWS / 2, Entity::Ticket))] {
                let scan = Scan {
                    branches: branches.clone(),
                    within: TimeRange::ALL,
                    order,
                    after,
                    limit: LIMIT,
                    budget: BUDGET,
                };
                asked.push(Asked {
                    what: format!("{listing}, filtered: {is_filtered}, {order:?}, after {after:?}"),
                    set: ReadSet { scan: Some(scan), ..ReadSet::default() },
                    most: AHEAD + if is_filtered { BUDGET } else { LIMIT },
                    needed: Needed::default(),
                });
            }
        }
    }
    asked
}

/// Everything else that is read.
fn others() -> Vec<Asked> {
    let ask = |what: &str, most, set| Asked { what: what.to_owned(), set, most, needed: Needed::default() };
    let key = |n, entity| Key { entity, id: id(n, entity) };
    let (ticket, user) = (key(5000, Entity::Ticket), key(7, Entity::User));
    let tickets: Vec<Key> = (100..150).map(|n| key(n, Entity::Ticket)).collect();
    let every = Entity::ALL.iter().map(|entity| key(9, *entity)).collect();
    let find = |entity, field, text: &'static str| UniqueValue { entity, field, value: Value::from(text) };
    let persons = vec![find(Entity::User, Field::Email, "p77"), find(Entity::User, Field::ExternalRef, "x5")];
    let numbered = UniqueValue { entity: Entity::Ticket, field: Field::Number, value: Value::Int(4321) };
    let scan = Scan {
        branches: WorkListing::All
            .branches(&WorkFilter::default(), &[Entity::Ticket, Entity::Request], UserId::from_uuid(user.id))
            .expect("is a listing"),
        within: TimeRange::ALL,
        order: Order::NewestFirst,
        after: None,
        limit: LIMIT,
        budget: BUDGET,
    };
    let history = |order, after| HistoryQuery { key: ticket_of_history(), order, after, limit: 20 };
    let all = Relation::ALL.to_vec();
    let count =
        |counter, prefix: &[Uuid]| CountQuery { counter, prefix: prefix.iter().map(|id| Value::Id(*id)).collect() };
    let usage = |n| count(Counter::ServiceUsage, &[id(n, Entity::Service)]);
    let none = ReadSet::default;
    let mut needed = Needed::told(FeedPlace { epoch: 7, place: 5 });
    for version in 1..=3 {
        needed.and(Mark::of_entry(ticket_of_history(), Version(version)));
    }
    vec![
        Asked { needed, ..ask("a ticket, behind marks", 4, ReadSet { get: vec![ticket], ..none() }) },
        ask("a ticket and a user", 2, ReadSet { get: vec![ticket, user], ..none() }),
        ask("one of each", 7, ReadSet { get: every, ..none() }),
        ask("50 tickets", 50, ReadSet { get: tickets.clone(), ..none() }),
        ask("50 tickets and what they name", 50 * (1 + NAMED), ReadSet { get: tickets, follow: all.clone(), ..none() }),
        ask("persons by address and outer id", 2, ReadSet { find: persons, ..none() }),
        ask(
            "a ticket by its number, and its request",
            2,
            ReadSet { find: vec![numbered], follow: vec![Relation::TicketRequest], ..none() },
        ),
        ask(
            "a page and what it names",
            AHEAD + LIMIT * (1 + NAMED),
            ReadSet { scan: Some(scan), follow: all, ..none() },
        ),
        ask("the end of a history", 21, ReadSet { history: Some(history(Order::NewestFirst, None)), ..none() }),
        ask("its middle", 21, ReadSet { history: Some(history(Order::NewestFirst, Some(Version(50)))), ..none() }),
        ask("its middle, on", 21, ReadSet { history: Some(history(Order::OldestFirst, Some(Version(50)))), ..none() }),
        ask(
            "a page of the log",
            50,
            ReadSet {
                log: Some(LogQuery {
                    entity: Entity::Ticket,
                    after: Some((id(500, Entity::Ticket), Version(5))),
                    limit: 50,
                }),
                ..none()
            },
        ),
        ask(
            "small counters",
            3,
            ReadSet {
                counts: [Counter::Tickets, Counter::Articles, Counter::Requests]
                    .map(|counter| count(counter, &[]))
                    .to_vec(),
                ..none()
            },
        ),
        ask("some of many counters", 12, ReadSet { counts: vec![usage(500), usage(5), usage(20_000)], ..none() }),
        ask("numbers", 0, ReadSet { numbers: true, ..none() }),
        ask(
            "a used key",
            1,
            ReadSet { used: Some((UserId::from_uuid(id(6, Entity::User)), "k25".to_owned())), ..none() },
        ),
    ]
}

/// The ticket that has much history.
fn ticket_of_history() -> Key {
    Key { entity: Entity::Ticket, id: id(7, Entity::Ticket) }
}

/// What a read set cost that cost too much.
#[derive(Debug)]
#[expect(dead_code, reason = "what is not compared is told when a test fails")]
struct TooMuch {
    what: String,
    statistics: &'static str,
    most: usize,
    cost: Cost,
}

impl TooMuch {
    /// Whether nothing is wrong but that a plan is made each time.
    fn is_dear_only_for_its_plan(&self) -> bool {
        let Self { cost, most, .. } = self;
        cost.rows <= *most as u64 && cost.unindexed.is_empty() && !cost.is_compiled
    }
}

async fn prepare(desk: &Desk, connection: &mut PgConnection, all: &[Asked]) -> Vec<Prepared> {
    let mut prepared = Vec::new();
    for (nth, asked) in all.iter().enumerate() {
        let statement = Question::of(desk, &asked.set, asked.needed.clone()).expect("is known").1.expect("is asked");
        prepared.push(Prepared::new(connection, &format!("asked_{nth}"), &statement).await);
    }
    prepared
}

/// What costs too much while the server believes what it does.
async fn too_much(
    connection: &mut PgConnection,
    all: &[Asked],
    prepared: &[Prepared],
    statistics: &'static str,
) -> Vec<TooMuch> {
    let mut costs = Vec::new();
    for (asked, prepared) in all.iter().zip(prepared) {
        let cost = prepared.cost(connection).await;
        if cost.rows > asked.most as u64 || !cost.unindexed.is_empty() || !cost.is_generic || cost.is_compiled {
            costs.push(TooMuch { what: asked.what.clone(), statistics, most: asked.most, cost });
        }
    }
    costs
}

async fn run(desk: &Desk, text: &str) {
    let text = format!("SET search_path TO {}; {text}", desk.names.quoted());
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut plans::connect().await).await.expect("runs");
}

/// Opens a desk whose statistics are left as they are, and drops it afterwards, whatever happens.
async fn in_desk<F: Future<Output = Vec<TooMuch>> + Send + 'static>(name: &str, test: impl FnOnce(PostgresStore) -> F) {
    let url =
        std::env::var("BSM_TEST_POSTGRES_URL").expect("BSM_TEST_POSTGRES_URL names a server: see CONTRIBUTING.md");
    let schema = format!("bsm_test_{name}_{}", std::process::id());
    let sign = if url.contains('?') { '&' } else { '?' };
    let store = PostgresStore::connect(&format!("{url}{sign}schema={schema}")).await.expect("opens");
    let alone = TABLES.split(", ").map(|table| format!("ALTER TABLE {table} SET (autovacuum_enabled = false)"));
    run(&store.desk, &alone.collect::<Vec<_>>().join("; ")).await;
    let outcome = tokio::spawn(test(store)).await;
    let drop_schema = format!("SET client_min_messages = warning; DROP SCHEMA {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop_schema)).execute(&mut plans::connect().await).await.expect("is dropped");
    let too_much = outcome.expect("costs are told");
    assert!(too_much.is_empty(), "{too_much:#?}");
}

fn everything() -> Vec<Asked> {
    listings()
        .into_iter()
        .chain(others())
        .filter(|asked| asked.set.scan.as_ref().is_none_or(|scan| !scan.branches.is_empty()))
        .collect()
}

/// Pages of what was created within most of the time, of groups that have rows then and of one that has not.
fn within_a_time() -> Vec<Asked> {
    let listings =
        [WorkListing::Category("hardware".to_owned()), WorkListing::Priority(Priority::High), WorkListing::All];
    let mut asked = Vec::new();
    for (listing, order) in listings.iter().flat_map(|of| [(of, Order::NewestFirst), (of, Order::OldestFirst)]) {
        let branches = listing.branches(&WorkFilter::default(), &[Entity::Ticket], UserId::from_uuid(Uuid::nil()));
        let after = |rows: u64| Some(Timestamp::MIN.plus_micros(i64::try_from(rows * 1000).expect("is small")));
        let within = TimeRange { from: after(ROWS / 10), to: after(ROWS - ROWS / 10) };
        let branches = branches.expect("is a listing");
        let scan = Scan { branches, within, order, after: None, limit: LIMIT, budget: BUDGET };
        let set = ReadSet { scan: Some(scan), ..ReadSet::default() };
        let (what, most) = (format!("{listing:?} within a time, {order:?}"), LIMIT + AHEAD);
        asked.push(Asked { what, set, most, needed: Needed::default() });
    }
    asked
}

async fn fill(desk: &Desk) {
    run(desk, &FILL.replace("{rows}", &ROWS.to_string())).await;
}

/// What costs too much over a new connection.
async fn too_much_anew(desk: &Desk, statistics: &'static str) -> Vec<TooMuch> {
    let all: Vec<Asked> = everything().into_iter().chain(within_a_time()).collect();
    let mut connection = plans::connect().await;
    let prepared = prepare(desk, &mut connection, &all).await;
    let costs = too_much(&mut connection, &all, &prepared, statistics).await;
    connection.close().await.expect("closes");
    costs
}

#[tokio::test]
async fn what_is_read_costs_its_own_rows() {
    in_desk("costs_of_now", |store| async move {
        fill(&store.desk).await;
        run(&store.desk, &format!("ANALYZE {TABLES}")).await;
        too_much_anew(&store.desk, "of now").await
    })
    .await;
}

#[tokio::test]
async fn statistics_of_empty_tables_and_plans_made_for_them_are_no_dearer() {
    in_desk("costs_of_empty", |store| async move {
        let (desk, all) = (&store.desk, everything());
        let mut connection = plans::connect().await;
        let prepared = prepare(desk, &mut connection, &all).await;
        for prepared in &prepared {
            prepared.cost(&mut connection).await;
        }
        fill(desk).await;
        let mut costs = too_much(&mut connection, &all, &prepared, "none").await;
        // The server goes on with the plans of the empty desk, or comes back to those for whatever parameters when it has
        // seen often enough that others are no cheaper.
        costs.retain(|too_much| !too_much.is_dear_only_for_its_plan());
        connection.close().await.expect("closes");
        run(desk, &format!("SET session_replication_role = replica; TRUNCATE {TABLES}, ticket_notes; ANALYZE {TABLES}; DROP FUNCTION id")).await;
        fill(desk).await;
        costs.extend(too_much_anew(desk, "of empty tables").await);
        costs
    })
    .await;
}
