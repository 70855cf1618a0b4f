//! What watchers cost, and whether they miss anything: `cargo bench -p bsm-bench --bench watchers [-- ADDRESS]`.
//!
//! First a thousand watchers follow one desk while others work on it: half of them the whole desk, half a customer's own
//! share; ten of them never ask for anything. Then one watcher is killed at random moments and begun again from where it
//! was, more than a thousand times. The desk is in memory unless an address is given.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Instant;

use bsm::feed::{Position, Since};
use bsm::model::{Key, Role, UserId};
use bsm::{Admin, Desk, NewUser, OwnTicket};

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const WATCHERS: usize = 1_000;
const SILENT: usize = 10;
const CUSTOMERS: usize = 50;
const CHANGES: usize = 2_000;
const RESUMED_CHANGES: usize = 10_000;
/// A life has 9 steps on average, and tells an event in each at best: so it takes more than a thousand of them.
const STEPS_OF_A_LIFE: u64 = 19;

/// The memory that the process has now, in KiB, as Linux counts it.
fn resident() -> Fallible<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

struct Crowd {
    desk: Desk,
    admin: Admin,
    customers: Vec<UserId>,
}

impl Crowd {
    async fn gather(address: &str) -> Fallible<Self> {
        let desk = bsm::open(address).await?;
        let root = desk.bootstrap(NewUser::new("Admin", "admin@example.org", Role::Admin)).await?;
        let admin = desk.admin(root.id);
        let mut customers = Vec::new();
        for number in 0..CUSTOMERS {
            let new = NewUser::new(format!("Customer {number}"), format!("c{number}@example.org"), Role::Customer);
            customers.push(admin.create_user(new).await?.id);
        }
        Ok(Self { desk, admin, customers })
    }

    /// Tickets, opened by one customer after another, eight at a time.
    async fn work(&self, changes: usize) -> Fallible<Vec<Key>> {
        let each = changes / 8;
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let (desk, customers) = (self.desk.clone(), self.customers.clone());
                tokio::spawn(async move {
                    let mut made = Vec::with_capacity(each);
                    for number in 0..each {
                        let customer = desk.customer(customers[(worker * each + number) % customers.len()]);
                        made.push(Key::from(customer.open_ticket(OwnTicket::new("Something is wrong")).await?.id));
                    }
                    Ok::<_, bsm::Error>(made)
                })
            })
            .collect();
        let mut made = Vec::with_capacity(changes);
        for worker in workers {
            made.extend(worker.await??);
        }
        Ok(made)
    }
}

async fn a_thousand(crowd: &Crowd) -> Fallible<()> {
    let told = Arc::new(AtomicUsize::new(0));
    let before = resident()?;
    let mut watchers = Vec::with_capacity(WATCHERS);
    let mut silent = Vec::with_capacity(SILENT);
    let mut expected = 0;
    for number in 0..WATCHERS {
        let staff = number % 2 == 0;
        let customer = crowd.customers[number / 2 % CUSTOMERS];
        if number < SILENT {
            if staff {
                silent.push((Some(crowd.admin.watch(Since::Now).await?), None));
            } else {
                silent.push((None, Some(crowd.desk.customer(customer).watch(Since::Now).await?)));
            }
            continue;
        }
        let share = if staff { CHANGES } else { CHANGES / CUSTOMERS };
        expected += share;
        let told = Arc::clone(&told);
        if staff {
            let mut watch = crowd.admin.watch(Since::Now).await?;
            watchers.push(tokio::spawn(async move {
                for _ in 0..share {
                    watch.next().await?;
                    told.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, bsm::Error>(())
            }));
        } else {
            let mut watch = crowd.desk.customer(customer).watch(Since::Now).await?;
            watchers.push(tokio::spawn(async move {
                for _ in 0..share {
                    watch.next().await?;
                    told.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, bsm::Error>(())
            }));
        }
    }
    let watching = resident()?;
    let begun = Instant::now();
    crowd.work(CHANGES).await?;
    let worked = begun.elapsed();
    let busiest = resident()?;
    for watcher in watchers {
        watcher.await??;
    }
    let done = begun.elapsed();
    let after = resident()?;
    // Those that never asked have all of it still.
    let mut kept = 0;
    for (staff, own) in &mut silent {
        if let Some(watch) = staff {
            while watch.try_next().await?.is_some() {
                kept += 1;
            }
        }
        if let Some(watch) = own {
            while watch.try_next().await?.is_some() {
                kept += 1;
            }
        }
    }
    let told = told.load(Ordering::Relaxed);
    println!(
        "{WATCHERS} watchers, {SILENT} of which never ask: {CHANGES} changes in {worked:.2?}, all told in {done:.2?}"
    );
    println!("    {told} events told, {expected} expected; the silent ones find {kept} afterwards");
    println!(
        "    memory in MiB: {} before, {} with all watching, {} when the work was done, {} at the end",
        mib(before),
        mib(watching),
        mib(busiest),
        mib(after)
    );
    if told == expected { Ok(()) } else { Err("events were missed or repeated".into()) }
}

fn mib(kib: usize) -> usize {
    kib / 1024
}

async fn killed_and_resumed(crowd: &Crowd) -> Fallible<()> {
    let begun = crowd.admin.events(&Since::Now.into()).await?.position;
    // What a careful reader keeps together: how far it came, and what it did.
    let kept = Arc::new(Mutex::new((begun, Vec::<Key>::new())));
    let seen = |kept: &Mutex<(Position, Vec<Key>)>| kept.lock().unwrap_or_else(PoisonError::into_inner).1.len();
    let work = {
        let (desk, admin, customers) = (crowd.desk.clone(), crowd.admin.clone(), crowd.customers.clone());
        tokio::spawn(async move { Crowd { desk, admin, customers }.work(RESUMED_CHANGES).await })
    };
    let mut lives = 0;
    let mut chance = 0x5eed_u64;
    while seen(&kept) < RESUMED_CHANGES {
        lives += 1;
        let (admin, kept_by_it) = (crowd.admin.clone(), Arc::clone(&kept));
        let life = async move {
            let position = kept_by_it.lock().unwrap_or_else(PoisonError::into_inner).0.clone();
            let mut watch = admin.watch(position).await?;
            loop {
                let event = watch.next().await?;
                {
                    let mut kept = kept_by_it.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.1.extend(event.entries.iter().map(|entry| entry.key));
                    kept.0 = event.position;
                }
                // Where work on an event would wait for something, and where it can be killed.
                tokio::task::yield_now().await;
            }
            #[expect(unreachable_code, reason = "names the type")]
            Ok::<(), bsm::Error>(())
        };
        // Killed wherever it has got to after so many steps.
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut life = std::pin::pin!(life);
        for _ in 0..(chance >> 33) % STEPS_OF_A_LIFE {
            let step = std::future::poll_fn(|context| Poll::Ready(life.as_mut().poll(context))).await;
            if let Poll::Ready(ended) = step {
                ended?;
            }
            tokio::task::yield_now().await;
        }
    }
    let made = work.await??;
    let seen = std::mem::take(&mut kept.lock().unwrap_or_else(PoisonError::into_inner).1);
    let distinct: HashSet<Key> = seen.iter().copied().collect();
    let missed = made.iter().filter(|key| !distinct.contains(key)).count();
    println!(
        "one watcher, killed and begun again {lives} times over {RESUMED_CHANGES} changes: {missed} missed, {} repeated",
        seen.len() - distinct.len()
    );
    if missed == 0 && seen.len() == distinct.len() { Ok(()) } else { Err("events were missed or repeated".into()) }
}

fn main() -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let address = given.as_deref().unwrap_or("memory:");
    runtime.block_on(async {
        let crowd = Crowd::gather(address).await?;
        a_thousand(&crowd).await?;
        killed_and_resumed(&crowd).await?;
        crowd.desk.close().await?;
        Ok(())
    })
}
