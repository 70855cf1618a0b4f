//! Pages of rows, asked of the store alone: merging, limits, budgets, going on, and what its rows name.

use super::prelude::*;
use super::raw::{self, Change};
use crate::schema::Index;
use crate::store::{Answers, Branch, Condition, ReadSet, Scan, Scanned};
use uuid::Uuid;

fn branch(entity: Entity, fields: &[Field], values: Vec<Value<'static>>) -> Branch {
    let Some(index) = Index::by(entity, fields) else { panic!("{entity} has no index of {fields:?}") };
    Branch { index, values, conditions: Vec::new() }
}

fn whole(entity: Entity) -> Branch {
    branch(entity, &[], Vec::new())
}

fn scan(branches: Vec<Branch>) -> Scan {
    Scan { branches, within: TimeRange::ALL, order: Order::OldestFirst, after: None, limit: 100, budget: 1_000 }
}

async fn ask(store: &Arc<dyn Store>, scan: &Scan) -> Result<Scanned> {
    let set = ReadSet { scan: Some(scan.clone()), ..ReadSet::default() };
    Ok(store.read(set).await?.scanned.unwrap_or_default())
}

/// Two people, a service, and tickets and requests in turn: ticket 1, request 2, ticket 3, …
struct Stock {
    staff: User,
    customer: User,
    /// Tickets and requests, oldest first.
    rows: Vec<Row>,
}

const STATUSES: [TicketStatus; 3] = [TicketStatus::New, TicketStatus::InProgress, TicketStatus::Resolved];

impl Stock {
    async fn new(store: &Arc<dyn Store>) -> Result<Self, Failed> {
        let (staff, customer, service) = (raw::user(2), raw::user(3), raw::service(1)?);
        let base = Change::at(0).insert(staff.clone()).insert(customer.clone()).insert(service.clone());
        store.commit(base.set()).await?;
        let mut change = Change::at(1);
        // Not in the order of their ids.
        for place in 0..20_u32 {
            let number = 1 + place * 7 % 20;
            if number.is_multiple_of(2) {
                change = change.insert(raw::request(number, &service, customer.id));
                continue;
            }
            let status = STATUSES[number as usize % 3];
            let resolved_at = (status == TicketStatus::Resolved).then(|| raw::moment(1));
            let group = number.is_multiple_of(5).then(|| "fifth".to_owned());
            let assigned_to = number.is_multiple_of(3).then_some(staff.id);
            change = change.insert(Ticket { status, group, assigned_to, resolved_at, ..raw::ticket(number, staff.id) });
        }
        store.commit(change.set()).await?;
        let is_work = |row: &Row| matches!(row, Row::Ticket(_) | Row::Request(_));
        let mut rows: Vec<Row> = Dump::of(store).await?.rows.into_values().filter(is_work).collect();
        rows.sort_by_key(|row| row.key().id);
        Ok(Self { staff, customer, rows })
    }

    /// The answer that a scan must give, told from the rows alone; how much was looked at aside.
    fn expected(&self, scan: &Scan) -> (Vec<Row>, Option<Uuid>) {
        let stands_in = |branch: &Branch, row: &Row| {
            let fields = branch.index.fields();
            row.entity() == branch.index.entity
                && fields.iter().zip(&branch.values).all(|(field, value)| row.value(*field) == *value)
        };
        let (from, to) = scan.within.ids();
        let mut rows: Vec<(&Row, bool)> = self
            .rows
            .iter()
            .filter(|row| (from..=to).contains(&row.key().id))
            .filter_map(|row| {
                let branch = scan.branches.iter().find(|branch| stands_in(branch, row))?;
                let holds = |condition: &Condition| row.value(condition.field) == condition.value;
                Some((row, branch.conditions.iter().all(holds)))
            })
            .collect();
        if scan.order == Order::NewestFirst {
            rows.reverse();
        }
        let behind = |id: Uuid| match (scan.after, scan.order) {
            (None, _) => true,
            (Some(after), Order::OldestFirst) => id > after,
            (Some(after), Order::NewestFirst) => id < after,
        };
        rows.retain(|(row, _)| behind(row.key().id));
        let (mut found, mut resume) = (Vec::new(), scan.after);
        for (place, (row, holds)) in rows.iter().enumerate() {
            if found.len() >= scan.limit || place >= scan.budget {
                return (found, resume);
            }
            resume = Some(row.key().id);
            if *holds {
                found.push((*row).clone());
            }
        }
        (found, None)
    }

    async fn check(&self, store: &Arc<dyn Store>, scan: &Scan) -> Outcome {
        let answer = ask(store, scan).await?;
        let (rows, resume) = self.expected(scan);
        assert_eq!((answer.rows, answer.resume), (rows, resume), "{scan:?}");
        assert!(answer.examined <= scan.budget, "{} rows were looked at: {scan:?}", answer.examined);
        Ok(())
    }

    /// The tickets of each status, and all requests: four branches.
    fn merged() -> Vec<Branch> {
        let of = |status: TicketStatus| branch(Entity::Ticket, &[Field::Status], vec![status.into()]);
        STATUSES.into_iter().map(of).chain([whole(Entity::Request)]).collect()
    }
}

/// Branches are merged by id, across entities and in both orders; an empty branch, and none, are no trouble.
pub async fn branches_are_merged_by_id(store: Arc<dyn Store>) -> Outcome {
    let stock = Stock::new(&store).await?;
    let nothing = branch(Entity::Ticket, &[Field::Status], vec![TicketStatus::Closed.into()]);
    let by_person = |phase: Phase| {
        branch(Entity::Ticket, &[Field::AssignedTo, Field::Phase], vec![stock.staff.id.into(), phase.into()])
    };
    let nobody = branch(Entity::Ticket, &[Field::AssignedTo, Field::Phase], vec![Value::Null, Phase::Open.into()]);
    let queries = [
        vec![whole(Entity::Ticket), whole(Entity::Request)],
        Stock::merged(),
        vec![whole(Entity::Request), nothing.clone()],
        vec![by_person(Phase::Open), by_person(Phase::Done), by_person(Phase::Waiting)],
        vec![nothing],
        Vec::new(),
    ];
    for branches in queries {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            stock.check(&store, &Scan { order, ..scan(branches.clone()) }).await?;
        }
    }
    // Rows whose first field is empty stand in no run of the index.
    assert_eq!(ask(&store, &scan(vec![nobody])).await?.rows, []);
    Ok(())
}

/// Limit and budget end a scan where they must, and it goes on from there, for every limit, budget, order and place.
pub async fn a_scan_ends_at_its_limit_or_budget_and_goes_on(store: Arc<dyn Store>) -> Outcome {
    let stock = Stock::new(&store).await?;
    let condition = |branch: Branch| {
        let group = Condition { field: Field::Group, value: Value::from("fifth") };
        let conditions = if branch.index.entity == Entity::Ticket { vec![group] } else { Vec::new() };
        Branch { conditions, ..branch }
    };
    let plain = Stock::merged();
    let conditioned: Vec<Branch> = Stock::merged().into_iter().map(condition).collect();
    for branches in [plain, conditioned] {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            for (limit, budget) in
                [(1, 100), (3, 100), (100, 1), (100, 3), (3, 5), (5, 3), (20, 20), (19, 20), (20, 19)]
            {
                let mut scan = Scan { order, limit, budget, ..scan(branches.clone()) };
                let mut calls = 0;
                loop {
                    stock.check(&store, &scan).await?;
                    match ask(&store, &scan).await?.resume {
                        Some(resume) => scan.after = Some(resume),
                        None => break,
                    }
                    calls += 1;
                    assert!(calls <= stock.rows.len(), "the scan comes to an end");
                }
            }
        }
    }
    Ok(())
}

/// A limit or budget of 0 returns nothing, and neither hangs nor goes anywhere.
pub async fn a_scan_of_nothing_returns_nothing(store: Arc<dyn Store>) -> Outcome {
    let stock = Stock::new(&store).await?;
    let middle = Some(stock.rows[9].key().id);
    for (limit, budget) in [(0, 100), (100, 0), (0, 0)] {
        for after in [None, middle] {
            let answer = ask(&store, &Scan { after, limit, budget, ..scan(Stock::merged()) }).await?;
            assert_eq!((answer.rows.len(), answer.resume), (0, after));
            assert!(answer.examined <= budget);
        }
    }
    Ok(())
}

/// A scan goes on from behind any id, whether a row has it or not.
pub async fn a_scan_goes_on_behind_any_id(store: Arc<dyn Store>) -> Outcome {
    let stock = Stock::new(&store).await?;
    let ids: Vec<Uuid> = stock.rows.iter().map(|row| row.key().id).collect();
    let beside = ids.iter().flat_map(|id| [id.as_u128() - 1, id.as_u128(), id.as_u128() + 1]).map(Uuid::from_u128);
    for after in beside.chain([Uuid::nil(), Uuid::max()]) {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            stock.check(&store, &Scan { order, after: Some(after), limit: 4, ..scan(Stock::merged()) }).await?;
        }
    }
    Ok(())
}

/// A time range takes both its ends, and bounds what is looked at.
pub async fn a_scan_stays_within_its_range(store: Arc<dyn Store>) -> Outcome {
    let stock = Stock::new(&store).await?;
    for from in [0, 5, 6, 20, 21] {
        for to in [0, 4, 6, 20, 30] {
            let within = TimeRange { from: Some(raw::moment(from)), to: Some(raw::moment(to)) };
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let scan = Scan { within, order, limit: 7, ..scan(Stock::merged()) };
                stock.check(&store, &scan).await?;
                let many = usize::try_from((to - from + 1).max(0)).unwrap_or_default();
                assert!(ask(&store, &scan).await?.examined <= many, "rows outside {within:?} were looked at");
            }
        }
    }
    Ok(())
}

/// A condition of an empty field lets through what has none; conditions of one branch are all needed.
pub async fn conditions_hold_for_their_branch(store: Arc<dyn Store>) -> Outcome {
    let stock = Stock::new(&store).await?;
    let none = Condition { field: Field::AssignedTo, value: Value::Null };
    let fifth = Condition { field: Field::Group, value: Value::from("fifth") };
    let theirs = Condition { field: Field::CustomerId, value: stock.customer.id.into() };
    for conditions in [vec![none.clone()], vec![fifth.clone()], vec![none, fifth]] {
        let tickets = Branch { conditions, ..whole(Entity::Ticket) };
        let requests = Branch { conditions: vec![theirs.clone()], ..whole(Entity::Request) };
        stock.check(&store, &scan(vec![tickets.clone()])).await?;
        stock.check(&store, &scan(vec![tickets, requests])).await?;
    }
    Ok(())
}

/// A branch has a value for each field of its index: with fewer or more of them, or of an index that the schema does not
/// have, it is refused.
pub async fn a_branch_has_a_value_for_each_field(store: Arc<dyn Store>) -> Outcome {
    let stock = Stock::new(&store).await?;
    let (person, phase) = (Value::from(stock.staff.id), Value::from(Phase::Open));
    let both = [Field::AssignedTo, Field::Phase];
    let more = vec![person.clone(), phase.clone(), phase.clone()];
    let wrong = [
        branch(Entity::Ticket, &both, Vec::new()),
        branch(Entity::Ticket, &both, vec![person]),
        branch(Entity::Ticket, &both, vec![Value::Null]),
        branch(Entity::Ticket, &both, more),
        branch(Entity::Ticket, &[], vec![phase.clone()]),
        Branch { values: vec![phase], ..branch_of_no_index() },
        // It has no fields, as the primary key has none, and is another.
        branch_of_no_index(),
    ];
    for wrong in wrong {
        for branches in [vec![wrong.clone()], vec![whole(Entity::Request), wrong.clone()]] {
            refused_like!(ask(&store, &scan(branches)).await, Error::Unsupported { .. });
        }
    }
    Ok(())
}

/// A branch of an index that no entity has.
fn branch_of_no_index() -> Branch {
    Branch { index: Index { entity: Entity::Ticket, tag: u8::MAX }, ..whole(Entity::Ticket) }
}

/// Rows that the page's rows name are returned with it, each once, only by the relations that were asked for, and only
/// for the rows on the page.
pub async fn named_rows_come_with_the_page(store: Arc<dyn Store>) -> Outcome {
    let stock = Stock::new(&store).await?;
    let page = |scan: Scan, follow: &[Relation]| {
        store.read(ReadSet { scan: Some(scan), follow: follow.to_vec(), ..ReadSet::default() })
    };
    let keys = |answers: &Answers| {
        let mut keys: Vec<Key> = answers.followed.iter().map(Row::key).collect();
        keys.sort_unstable();
        keys
    };
    let answers = page(scan(Stock::merged()), Relation::ALL).await?;
    let service = Key { entity: Entity::Service, id: raw::id(Entity::Service, 1) };
    assert_eq!(keys(&answers), [Key::from(stock.staff.id), stock.customer.id.into(), service]);
    for row in &answers.followed {
        assert_eq!(store.read(ReadSet { get: vec![row.key()], ..ReadSet::default() }).await?.got, [Some(row.clone())]);
    }
    let some = Scan { limit: 2, ..scan(Stock::merged()) };
    // Ticket 1, which nobody works on, and request 2.
    let answers = page(some.clone(), &[Relation::RequestService, Relation::TicketAssignedTo]).await?;
    assert_eq!(keys(&answers), [service]);
    assert_eq!(page(some, &[]).await?.followed, []);
    Ok(())
}
