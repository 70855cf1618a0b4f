//! The desk for programs without a runtime.
#![cfg(feature = "memory")]

use std::time::{Duration, Instant};

use bsm::blocking::{self, Admin, Desk};
use bsm::feed::{EventQuery, Since};
use bsm::model::{Entity, Money, Phase, Role, Stars, TicketStatus, Version};
use bsm::store::Order;
use bsm::view::{Query, WorkListing};
use bsm::{Error, NewService, NewTicket, NewUser, Result, SubmitRequest, TicketChange, TicketFromRequest};

const SHORT: Duration = Duration::from_millis(20);
/// As long as a test may take before it is called stuck.
const LONG: Duration = Duration::from_mins(1);

fn first(desk: &Desk) -> Result<Admin> {
    let root = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin))?;
    Ok(desk.admin(root.id))
}

/// The README's story, told without a runtime.
fn tour(desk: &Desk) -> Result<()> {
    let admin = first(desk)?;
    let ada = admin.create_user(NewUser::new("Ada Lovelace", "ada@example.org", Role::Customer))?;
    let laptop = NewService::new("New laptop", "Hardware", "1200.00 EUR".parse::<Money>()?);
    let laptop = admin.create_service(laptop)?;

    let customer = desk.customer(ada.id);
    let mut own = customer.watch(Since::Now)?;
    let request = customer.submit_request(SubmitRequest::new(laptop.id))?;
    let ticket = desk.agent(admin.actor()).make_ticket(request.id, TicketFromRequest::default())?;
    assert_eq!(admin.unified(&Query::of(WorkListing::Phase(Phase::Open)))?.rows.len(), 2);
    admin.expecting(ticket.version).resolve_ticket(ticket.id)?;
    customer.rate(request.id, Stars::Five, "It flies.")?;
    assert_eq!(admin.summary()?.ratings.count(), 1);
    assert_eq!(own.try_next()?.map(|event| event.updates[0].key), Some(request.id.into()));

    let stale = admin.expecting(Version::FIRST).change_ticket(ticket.id, TicketChange::to(TicketStatus::InProgress));
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    let keyed = admin.keyed("once");
    let opened = keyed.open_ticket(NewTicket::new("Fan is loud"))?;
    assert_eq!(keyed.open_ticket(NewTicket::new("Fan is loud"))?, opened);
    let stamp = keyed.last_stamp().expect("a command was acknowledged");
    assert_eq!(admin.seeing(stamp).ticket(opened.id)?, opened);
    assert_eq!(admin.at(opened.id.created_at()).add_note(opened.id, "Since Monday.")?.ticket_id, opened.id);
    assert_eq!(admin.history(opened.id, Order::OldestFirst, None, 10)?.entries.len(), 2);

    let tickets = EventQuery::since(Since::Oldest).only([Entity::Ticket]);
    assert_eq!(desk.events(&tickets)?.events.len(), admin.events(&tickets)?.events.len());
    desk.health()?;
    desk.close()?;
    let closed = admin.summary();
    assert!(matches!(closed, Err(Error::Closed { .. })), "{closed:?}");
    desk.close()
}

#[test]
fn the_tour_goes_without_a_runtime() -> Result<()> {
    tour(&blocking::open("memory:")?)
}

#[cfg(feature = "sled")]
#[test]
fn the_tour_goes_in_a_folder_too() -> Result<()> {
    let parent = tempfile::tempdir().expect("a folder for the test");
    let address = format!("sled:{}?cache=8MiB", parent.path().join("desk").display());
    tour(&blocking::open(&address)?)?;
    let again = blocking::open(&address)?;
    let grace = again.user_by_email("GRACE@example.org")?;
    assert_eq!(again.admin(grace.id).user(grace.id)?, grace);
    // Dropped without being closed, it lets the folder go as well.
    drop(again);
    blocking::open(&address)?.close()
}

/// Through one handle and through clones of it, from many threads.
#[test]
fn eight_threads_call_at_once() -> Result<()> {
    const EACH: usize = 40;
    let admin = first(&blocking::open("memory:")?)?;
    let all =
        |admin: &Admin| (0..EACH).try_for_each(|n| admin.open_ticket(NewTicket::new(format!("No. {n}"))).map(drop));
    let shared = admin.open_ticket(NewTicket::new("Everybody's"))?;
    let mut watch = admin.watch(Since::Now)?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let (admin, all, clone) = (&admin, &all, admin.clone());
                scope.spawn(move || {
                    all(if n % 2 == 0 { admin } else { &clone })?;
                    clone.touch_ticket(shared.id)
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic").map(drop))
    })?;
    assert_eq!(admin.ticket(shared.id)?.version, Version(9));
    let mut told = 0;
    while watch.next_timeout(Duration::ZERO)?.is_some() {
        told += 1;
    }
    assert_eq!(told, 8 * (EACH + 1));
    Ok(())
}

/// A thousand calls in one poll of a task: more than tokio lets a task do at once. Dropping the last handle there is no
/// panic either.
fn many_calls() -> Result<()> {
    let desk = blocking::open("memory:")?;
    let admin = first(&desk)?;
    let ticket = admin.open_ticket(NewTicket::new("Fan is loud"))?;
    for _ in 0..1_000 {
        assert_eq!(admin.ticket(ticket.id)?.id, ticket.id);
    }
    let mut watch = admin.watch(Since::Now)?;
    assert!(watch.next_timeout(SHORT)?.is_none());
    // A store that yields: a runtime wakes it when it has its thread back, which it has not before we return.
    let yielding = bsm::store::SlowStore::slow(desk.store().clone(), |_| tokio::task::yield_now());
    let desk = Desk::from_async(bsm::Desk::new(std::sync::Arc::new(yielding)))?;
    assert_eq!(desk.admin(admin.actor()).ticket(ticket.id)?.id, ticket.id);
    Ok(())
}

#[test]
fn inside_a_runtime_a_call_holds_up_its_thread_and_works() {
    use tokio::runtime::Builder;
    Builder::new_current_thread().build().expect("a runtime").block_on(async { many_calls() }).expect("works");
    let many = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let (task, blocking) = many.block_on(async {
        (tokio::spawn(async { many_calls() }).await, tokio::task::spawn_blocking(many_calls).await)
    });
    task.expect("no panic").expect("works");
    blocking.expect("no panic").expect("works");
}

#[test]
fn async_code_and_threads_share_a_desk() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let desk = bsm::open("memory:").await?;
        let waiting = Desk::from_async(desk.clone())?;
        let admin = first(&waiting)?;
        let ticket = desk.admin(admin.actor()).open_ticket(NewTicket::new("Fan is loud")).await?;
        assert_eq!(admin.ticket(ticket.id)?, ticket);
        let again = waiting.inner().clone();
        // The runtime of the blocking desk ends here; the desk does not.
        drop((waiting, admin));
        assert!(again.admin(desk.user_by_email("grace@example.org").await?.id).ticket(ticket.id).await? == ticket);
        Ok(())
    })
}

#[test]
fn a_watch_waits_and_gives_up_and_loses_nothing() -> Result<()> {
    let admin = first(&blocking::open("memory:")?)?;
    let mut watch = admin.watch(Since::Now)?;
    assert!(watch.try_next()?.is_none());
    let began = Instant::now();
    assert!(watch.next_timeout(SHORT)?.is_none());
    assert!(began.elapsed() >= SHORT);

    let opened = std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            std::thread::sleep(SHORT);
            admin.open_ticket(NewTicket::new("One"))
        });
        let event = watch.next_timeout(LONG)?.expect("comes in time");
        let opened = opening.join().expect("no panic")?;
        assert_eq!(event.entries[0].key, opened.id.into());
        Ok::<_, Error>(opened)
    })?;

    let kept = watch.position().clone();
    admin.touch_ticket(opened.id)?;
    admin.resolve_ticket(opened.id)?;
    assert!(watch.next_timeout(Duration::ZERO)?.is_some(), "what is there is given within no time");
    assert!(watch.next_timeout(Duration::MAX)?.is_some());
    let again: Vec<_> = admin.watch(kept)?.take(2).collect::<Result<_>>()?;
    assert_eq!(again.len(), 2);
    assert_eq!(&again[1].position, watch.position());
    Ok(())
}

/// It ends with an error and then for good, so that no loop goes round in one.
#[test]
fn closing_ends_the_watches_of_other_threads() -> Result<()> {
    let desk = blocking::open("memory:")?;
    let admin = first(&desk)?;
    let mut watch = admin.watch(Since::Now)?;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let last = watch.next();
            (last, watch.next().is_none(), watch.try_next())
        });
        std::thread::sleep(SHORT);
        desk.close()?;
        let (last, ended, asked) = waiting.join().expect("no panic");
        assert!(matches!(last, Some(Err(Error::Closed { .. }))), "{last:?}");
        assert!(ended);
        assert!(matches!(asked, Err(Error::Closed { .. })), "{asked:?}");
        Ok(())
    })
}

/// What a store asks of the runtime, timers for one, is there.
#[test]
fn a_store_finds_the_runtime_that_the_desk_owns() -> Result<()> {
    use bsm::store::SlowStore;
    let memory = blocking::open("memory:")?;
    let slow = SlowStore::slow(memory.store().clone(), |_| tokio::time::sleep(Duration::from_millis(1)));
    let desk = Desk::from_async(bsm::Desk::new(std::sync::Arc::new(slow)))?;
    drop(memory);
    let admin = first(&desk)?;
    drop(desk);
    assert_eq!(admin.users(&Query::default())?.rows.len(), 1, "a portal alone keeps the desk and its runtime");
    Ok(())
}

#[test]
fn handles_go_between_threads() {
    fn anywhere<T: Send + Sync + Clone>() {}
    fn elsewhere<T: Send>() {}
    anywhere::<Desk>();
    anywhere::<Admin>();
    anywhere::<blocking::Agent>();
    anywhere::<blocking::Customer>();
    elsewhere::<blocking::Watch<bsm::feed::Event>>();
}

#[test]
fn what_is_no_address_is_refused_here_too() {
    let refused = blocking::open("memory:somewhere");
    assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{refused:?}");
}
