//! Watches: that they wait, wake, miss nothing, repeat nothing, and cost those nothing whom an event does not concern.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::prelude::*;
use super::raw;
use crate::store::{FeedPlace, FeedQuery, ReadSet};

/// The rows that an event tells of.
pub(super) fn rows(event: &Event) -> BTreeSet<Key> {
    event.entries.iter().map(|entry| entry.key).collect()
}

pub(super) fn own_rows(event: &OwnEvent) -> BTreeSet<Key> {
    event.updates.iter().map(|told| told.key).collect()
}

/// The owner's flow, with somebody watching on either side: each step is told to both as soon as it is acknowledged, in the
/// same order, and with places that count the same on every store.
pub async fn both_sides_see_every_step_of_the_flow(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let mut admin = w.another_desk().admin(w.admin.actor()).watch(Since::Now).await?;
    let mut ada = w.another_desk().customer(w.ada.actor()).watch(Since::Now).await?;
    let mut ben = w.another_desk().customer(w.ben.actor()).watch(Since::Now).await?;
    let mut ranks = Vec::new();

    // 1, 2: a customer requests a service; the admin sees it at once.
    let request = w.ada.submit_request(SubmitRequest::new(w.laptop)).await?;
    let of_request = Key::from(request.id);
    assert_eq!(rows(&admin.next().await?), [of_request].into());
    assert_eq!(own_rows(&ada.next().await?), [of_request].into());
    ranks.push((admin.position().clone(), ada.position().clone()));
    // 3, 4: the admin makes a ticket of it; both stand in the unified view of both.
    let ticket = w.admin.make_ticket(request.id, TicketFromRequest::default()).await?;
    let of_ticket = Key::from(ticket.id);
    assert_eq!(ticket.category.as_deref(), Some(crate::CUSTOMER_REQUEST));
    assert_eq!(rows(&admin.next().await?), [of_request, of_ticket].into());
    let told = ada.next().await?;
    assert_eq!(own_rows(&told), [of_request, of_ticket].into());
    assert!(told.updates.iter().all(|update| update.by == UpdatedBy::Desk));
    assert_eq!(w.admin.unified(&Query::default()).await?.rows.len(), 2);
    assert_eq!(w.ada.unified(&Query::default()).await?.rows.len(), 2);
    ranks.push((admin.position().clone(), ada.position().clone()));
    // 5: resolving the ticket fulfils the request; the customer rates it.
    w.agent.resolve_ticket(ticket.id).await?;
    assert_eq!(rows(&admin.next().await?), [of_request, of_ticket].into());
    assert_eq!(own_rows(&ada.next().await?), [of_request, of_ticket].into());
    ranks.push((admin.position().clone(), ada.position().clone()));
    let rating = w.ada.rate(request.id, Stars::Five, "At once").await?;
    assert_eq!(rows(&admin.next().await?), [of_request, rating.id.into()].into());
    assert_eq!(own_rows(&ada.next().await?), [of_request, rating.id.into()].into());
    ranks.push((admin.position().clone(), ada.position().clone()));
    // 6: the admin sees the aggregates.
    assert_eq!(w.admin.rating_figures(Some(w.laptop)).await?.count(), 1);

    assert_eq!(admin.try_next().await?, None);
    assert_eq!(ada.try_next().await?, None);
    assert_eq!(ben.try_next().await?, None, "nothing of it is Ben's");
    let mut places = Vec::new();
    for (desks, adas) in &ranks {
        places.push((desks.read(None)?.place, adas.read(Some(w.ada.actor()))?.place));
    }
    // Six commands made the world, one of them Ada herself.
    assert_eq!(places, [(7, 2), (8, 3), (9, 4), (10, 5)]);
    Ok(())
}

/// A watch sleeps until something happens, and is woken by whoever commands, through whichever desk over the store.
pub async fn a_watch_is_woken(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let mut admin = w.admin.watch(EventQuery::since(Since::Now).only([Entity::Ticket])).await?;
    let mut ada = w.ada.watch(Since::Now).await?;
    let mut desk = w.desk.watch(Since::Now).await?;
    let watching = tokio::spawn(async move {
        let told = (admin.next().await?, ada.next().await?, desk.next().await?);
        Ok::<_, Error>((admin.position().clone(), told))
    });
    // Time to fall asleep: without it the case proves less.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    w.ben.open_ticket(OwnTicket::new("Not Ada's")).await?;
    w.another_desk().agent(w.agent.actor()).touch_ticket(ticket).await?;
    let (_, (admin, ada, desk)) =
        watching.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    assert_eq!(rows(&admin), rows(&desk), "of the ticket that Ben opened");
    assert_eq!(own_rows(&ada), [ticket.into()].into());
    Ok(())
}

/// Whoever gives up waiting loses nothing: the next call goes on.
pub async fn a_dropped_wait_loses_nothing(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let mut watch = w.admin.watch(Since::Now).await?;
    let mut told = Vec::new();
    for round in 0..20 {
        for polls in 0..4 {
            given_up(polls, watch.next()).await;
        }
        // (A wait that was given up after it was answered would have lost its event: none is there yet.)
        told.push(w.agent.open_ticket(NewTicket::new(format!("Ticket {round}"))).await?.id);
        assert_eq!(rows(&watch.next().await?), [told[round].into()].into());
    }
    assert_eq!(watch.try_next().await?, None);
    Ok(())
}

/// Watchers that stop at any event, and are begun again elsewhere from where they were, together see every event once.
pub async fn a_watch_that_is_resumed_misses_and_repeats_nothing(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let begun = w.admin.events(&Since::Now.into()).await?.position;
    let adas = w.ada.events(&Since::Now.into()).await?.position;
    let (writers, each) = (4, 25);
    let watch = |mut position: Position, customer: bool, desk: crate::Desk| {
        let (admin, ada) = (desk.admin(w.admin.actor()), desk.customer(w.ada.actor()));
        async move {
            let mut seen = Vec::new();
            let expected = if customer { writers * each / 2 } else { writers * each };
            // As many events as fit before it stops: 1, 2, 3, 1, …
            for lives in (1..=3).cycle() {
                if customer {
                    let mut watch = ada.watch(position.clone()).await?;
                    for _ in 0..lives.min(expected - seen.len()) {
                        seen.extend(own_rows(&watch.next().await?));
                    }
                    position = watch.position().clone();
                } else {
                    let mut watch = admin.watch(position.clone()).await?;
                    for _ in 0..lives.min(expected - seen.len()) {
                        seen.extend(rows(&watch.next().await?));
                    }
                    position = watch.position().clone();
                }
                if seen.len() == expected {
                    break;
                }
            }
            Ok::<_, Error>(seen)
        }
    };
    let watchers: Vec<_> = (0..6)
        .map(|number| {
            let customer = number % 2 == 1;
            let from = if customer { adas.clone() } else { begun.clone() };
            (customer, tokio::spawn(watch(from, customer, w.another_desk())))
        })
        .collect();
    let made = race(writers, |writer| {
        let (agent, ada) = (w.another_desk().agent(w.agent.actor()), w.another_desk().customer(w.ada.actor()));
        async move {
            let mut made = Vec::new();
            for number in 0..each {
                let title = format!("{writer}: {number}");
                let ticket = if writer % 2 == 0 {
                    agent.open_ticket(NewTicket::new(title)).await?
                } else {
                    ada.open_ticket(OwnTicket::new(title)).await?
                };
                made.push((writer % 2 == 1, Key::from(ticket.id)));
            }
            Ok::<_, Error>(made)
        }
    })
    .await;
    let made: Vec<(bool, Key)> = made.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    let mut orders: Vec<Vec<Key>> = Vec::new();
    for (customer, watcher) in watchers {
        let seen = watcher.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        let expected: BTreeSet<Key> = made.iter().filter(|(adas, _)| *adas || !customer).map(|(_, key)| *key).collect();
        assert_eq!(seen.len(), expected.len(), "none is missed, and none comes twice");
        assert_eq!(seen.iter().copied().collect::<BTreeSet<_>>(), expected);
        orders.push(seen);
    }
    // All see one order.
    assert!(orders.iter().step_by(2).all(|order| *order == orders[0]));
    let adas: Vec<Key> = orders[0].iter().filter(|key| orders[1].contains(key)).copied().collect();
    assert!(orders.iter().skip(1).step_by(2).all(|order| *order == adas));
    Ok(())
}

/// Closing the desk ends every wait, also of those who are surely asleep.
pub async fn closing_ends_every_wait(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let mut admin = w.admin.watch(Since::Now).await?;
    let mut ada = w.ada.watch(Since::Now).await?;
    let mut sleepers = vec![
        Sleeper::new(async move { admin.next().await.map(drop) }),
        Sleeper::new(async move { ada.next().await.map(drop) }),
    ];
    let feeds = [None, Some(w.ada.actor()), Some(w.ben.actor())];
    for customer in feeds {
        let place = newest(&w.store, customer).await?;
        for _ in 0..2 {
            let store = Arc::clone(&w.store);
            sleepers.push(Sleeper::new(async move {
                // A wait may end for no reason, and is begun again.
                loop {
                    store.wait(customer, place).await?;
                    tokio::task::yield_now().await;
                }
            }));
        }
    }
    for sleeper in &sleepers {
        sleeper.falls_asleep(&w.store).await?;
    }
    w.desk.close().await?;
    for sleeper in sleepers {
        refused_like!(sleeper.ended().await, Error::Closed { .. });
    }
    // Whoever comes later is told at once, whatever they wait for.
    for customer in feeds {
        refused_like!(w.store.wait(customer, FeedPlace { epoch: 0, place: 0 }).await, Error::Closed { .. });
    }
    Ok(())
}

/// There is nothing to wait for at a place of another epoch, wherever it lies: whoever comes with one is answered at once,
/// though the feed stands still.
pub async fn a_place_of_another_epoch_is_not_waited_for(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    for customer in [None, Some(w.ada.actor()), Some(raw::user(3).id)] {
        let FeedPlace { epoch, place } = newest(&w.store, customer).await?;
        for epoch in [epoch ^ 1, !epoch, epoch.wrapping_add(1 << 40)] {
            for place in [0, place, place + 1, u64::MAX] {
                w.store.wait(customer, FeedPlace { epoch, place }).await?;
            }
        }
    }
    Ok(())
}

/// Somebody who waits, in a task of their own.
struct Sleeper {
    /// How often the wait was asked and had nothing to say.
    pending: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<Result<()>>,
}

impl Sleeper {
    fn new(wait: impl Future<Output = Result<()>> + Send + 'static) -> Self {
        let pending = Arc::new(AtomicUsize::new(0));
        let (mut wait, count) = (Box::pin(wait), Arc::clone(&pending));
        let task = tokio::spawn(std::future::poll_fn(move |context| {
            let poll = wait.as_mut().poll(context);
            if poll.is_pending() {
                count.fetch_add(1, Ordering::SeqCst);
            }
            poll
        }));
        Self { pending, task }
    }

    /// Returns when nothing wakes them any more. A wait may read before it sleeps, and be woken for the answer: so they
    /// have time for some reads, from the last time on that they were asked. One that looks now and then, as a store may,
    /// never comes to rest, and is taken to have been asked often enough.
    async fn falls_asleep(&self, store: &Arc<dyn Store>) -> Outcome {
        let asked = || self.pending.load(Ordering::SeqCst);
        while asked() == 0 {
            assert!(!self.task.is_finished(), "there is nothing to be told");
            tokio::task::yield_now().await;
        }
        let (mut last, mut quiet) = (asked(), 0);
        while quiet < 5 && last < 100 {
            newest(store, None).await?;
            tokio::task::yield_now().await;
            quiet = if asked() == last { quiet + 1 } else { 0 };
            last = asked();
        }
        assert!(!self.task.is_finished(), "there is nothing to be told");
        Ok(())
    }

    async fn ended(self) -> Result<()> {
        self.task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

/// Where a feed stands.
async fn newest(store: &Arc<dyn Store>, customer: Option<UserId>) -> Result<FeedPlace> {
    let query = FeedQuery { customer, after: None, entities: Vec::new(), limit: 0, rows: false };
    let page = store.read(ReadSet { feed: Some(query), ..ReadSet::default() }).await?.feed.unwrap_or_default();
    Ok(FeedPlace { epoch: page.epoch, place: page.newest })
}

/// A stream tells the same as the watch that it was made of, and ends behind its first error.
pub async fn a_stream_ends_behind_its_first_error(store: Arc<dyn Store>) -> Outcome {
    use futures_core::Stream;
    use std::pin::Pin;
    let w = World::new(store).await?;
    let mut stream = w.ada.watch(Since::Now).await?.into_stream();
    let ticket = w.ada.open_ticket(OwnTicket::new("One")).await?;
    let mut next = async || std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
    let Some(event) = next().await else { panic!("it has an event") };
    assert_eq!(own_rows(&event?), [ticket.id.into()].into());
    w.admin.deactivate_user(w.ada.actor()).await?;
    let Some(ended) = next().await else { panic!("it has an error") };
    refused_like!(ended, Error::NotAllowed { .. });
    assert!(next().await.is_none());
    Ok(())
}
