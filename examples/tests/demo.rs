//! The demonstration desk, whatever the seed: its numbers, and that what it tells could have happened.

use std::collections::{BTreeMap, BTreeSet};

use bsm::demo::{self, Demo, DemoOptions};
use bsm::model::{Actor, Key, RequestStatus, Role, Ticket, TicketStatus, Timestamp};
use bsm::store::Order;
use bsm::view::{OwnListing, Query, UserListing, WorkListing};
use bsm::{Admin, Desk, Error, Registry, Result};
use bsm_examples::paging::all;

const SEEDS: u64 = 25;

async fn filled(seed: u64) -> Result<(Desk, Demo)> {
    let options = DemoOptions { seed };
    let desk = options.desk(Registry::standard().open_store("memory:").await?);
    let demo = demo::populate(&desk, &options).await?;
    Ok((desk, demo))
}

async fn tickets(admin: &Admin) -> Result<Vec<Ticket>> {
    let oldest = Query::of(WorkListing::All).order(Order::OldestFirst);
    all(oldest, async |query| admin.tickets(query).await).await
}

#[tokio::test]
async fn the_numbers_are_the_same_for_every_seed() -> Result<()> {
    for seed in 0..SEEDS {
        let (desk, demo) = filled(seed).await?;
        let summary = desk.admin(demo.admin).summary().await?;
        let counts = [
            summary.user_count(),
            summary.ticket_count(),
            summary.service_count(),
            summary.request_count(),
            summary.ratings.count(),
            summary.article_count(),
        ];
        assert_eq!(counts, [9, 20, 16, 9, 6, 9], "seed {seed}");
        assert_eq!(counts.iter().sum::<u64>(), 69);
        assert_eq!(summary.ratings.mean().map(|mean| mean.to_string()).as_deref(), Some("4.33"), "seed {seed}");
        let by_role = BTreeMap::from([(Role::Admin, 2), (Role::Agent, 2), (Role::Customer, 5)]);
        assert_eq!((summary.users, summary.retired_services), (by_role, 1), "seed {seed}");
        let statuses: BTreeSet<TicketStatus> = summary.tickets.into_keys().collect();
        assert_eq!(statuses, TicketStatus::ALL.iter().copied().collect(), "seed {seed}");
    }
    Ok(())
}

#[tokio::test]
async fn numbers_rise_with_the_days_and_every_history_runs_forward() -> Result<()> {
    for seed in 0..SEEDS {
        let (desk, demo) = filled(seed).await?;
        let admin = desk.admin(demo.admin);
        let founded = admin.user(demo.founder).await?.id.created_at();
        let tickets = tickets(&admin).await?;
        assert!(tickets.iter().map(|ticket| ticket.number).is_sorted(), "seed {seed}");
        let entered: BTreeMap<_, Timestamp> = entered(&admin).await?;
        let keys = tickets.iter().map(|ticket| Key::from(ticket.id)).chain(demo.requests.iter().map(|id| (*id).into()));
        for key in keys {
            let history = admin.history(key, Order::OldestFirst, None, 50).await?.entries;
            let times: Vec<Timestamp> = history.iter().map(|entry| entry.occurred_at).collect();
            assert!(times.is_sorted(), "seed {seed}: {key} {times:?}");
            for entry in &history {
                match entry.actor {
                    // Nobody did anything before they were there, or after the desk was filled.
                    Actor::User(user) => {
                        assert!(entered.get(&user).is_some_and(|since| *since < entry.occurred_at), "{entry:?}");
                        assert!(entry.occurred_at < founded, "{entry:?}");
                    }
                    Actor::System => assert!(entry.occurred_at > founded, "{entry:?}"),
                }
            }
        }
    }
    Ok(())
}

async fn entered(admin: &Admin) -> Result<BTreeMap<bsm::model::UserId, Timestamp>> {
    let users = all(Query::of(UserListing::All), async |query| admin.users(query).await).await?;
    Ok(users.into_iter().map(|user| (user.id, user.id.created_at())).collect())
}

#[tokio::test]
async fn it_is_worth_looking_at() -> Result<()> {
    for seed in 0..SEEDS {
        let (desk, demo) = filled(seed).await?;
        let admin = desk.admin(demo.admin);
        let tickets = tickets(&admin).await?;
        let some = |what: fn(&Ticket) -> bool| assert!(tickets.iter().any(what), "seed {seed}");
        some(|ticket| ticket.reopen_count > 0);
        some(|ticket| ticket.priority_overridden);
        some(|ticket| ticket.follow_up_of.is_some());
        some(|ticket| ticket.requested_for.is_none());
        some(|ticket| ticket.requested_for.is_some_and(|whose| whose != ticket.created_by));
        some(|ticket| ticket.requested_for == Some(ticket.created_by));
        some(|ticket| ticket.assigned_to.is_none() && ticket.status == TicketStatus::New);
        let distinct = |of: fn(&Ticket) -> String| tickets.iter().map(of).collect::<BTreeSet<_>>().len();
        assert!(distinct(|ticket| ticket.priority.to_string()) >= 3, "seed {seed}");
        assert!(distinct(|ticket| ticket.channel.to_string()) >= 5, "seed {seed}");
        assert_eq!(distinct(|ticket| ticket.title.clone()), 20, "seed {seed}");
        for customer in &demo.customers {
            let own = desk.customer(*customer).unified(&Query::of(OwnListing::All)).await?;
            assert!(own.rows.len() >= 2, "seed {seed}: everybody has something to look at");
        }
        let converted = tickets.iter().filter(|ticket| ticket.request_id.is_some()).count();
        assert_eq!(converted, 3, "seed {seed}");
        let reviews: BTreeSet<String> = {
            let ratings = admin.rating_rows(&Query::default()).await?.rows;
            ratings.into_iter().map(|row| row.rating.review).collect()
        };
        assert_eq!(reviews.len(), 6, "seed {seed}");
    }
    Ok(())
}

#[tokio::test]
async fn what_it_returns_is_what_it_says() -> Result<()> {
    let (desk, demo) = filled(3).await?;
    let admin = desk.admin(demo.admin);
    assert!(admin.service(demo.orderable).await?.active && !admin.service(demo.orderable).await?.needs_approval);
    assert!(!admin.service(demo.retired).await?.active);
    let asked = admin.requests(&Query::of(WorkListing::Service(demo.orderable))).await?;
    assert!(asked.rows.is_empty());
    assert_eq!(admin.user(demo.founder).await?.role, Role::Admin);
    for agent in &demo.agents {
        assert_eq!(admin.user(*agent).await?.role, Role::Agent);
    }
    let mut statuses = Vec::new();
    for request in &demo.requests {
        statuses.push(admin.request(*request).await?.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == RequestStatus::Fulfilled).count(), demo.ratings.len());
    assert_eq!((demo.tickets.len(), demo.articles.len(), demo.services.len()), (20, 9, 16));
    for ticket in &demo.tickets {
        admin.ticket(*ticket).await?;
    }
    for rating in &demo.ratings {
        admin.rating(*rating).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_desk_that_is_not_empty_is_left_as_it_is() -> Result<()> {
    let (desk, demo) = filled(0).await?;
    let before = desk.admin(demo.admin).summary().await?;
    let again = demo::populate(&desk, &DemoOptions { seed: 1 }).await;
    assert!(matches!(again, Err(Error::AlreadyBootstrapped)));
    assert_eq!(desk.admin(demo.admin).summary().await?, before);
    Ok(())
}

#[tokio::test]
async fn the_system_s_clock_and_ids_do_as_well() -> Result<()> {
    let desk = bsm::open("memory:").await?;
    let demo = demo::populate(&desk, &DemoOptions::default()).await?;
    assert_eq!(desk.admin(demo.admin).summary().await?.ticket_count(), 20);
    Ok(())
}
