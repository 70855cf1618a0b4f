//! Moves a large desk from store to store, and measures it: memory to sled, sled to memory, and back into sled. All
//! exports must be equal to the byte, and every desk must hold together.
//!
//! `cargo run --release -p bsm-bench --bin transfer [TICKETS]`, 200,000 if not said. It works in a temporary folder, which
//! needs about 30 KB a ticket, and removes it.
//!
//! The desk is made through the portals in memory, since that takes half a minute; on sled it would take as many
//! commands again, one sync or not. Each ticket has two or three versions.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bsm::model::{Channel, Impact, Role, Urgency, UserId};
use bsm::transfer::{Progress, export_to, import_from};
use bsm::{Desk, NewTicket, NewUser};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many people take tickets in at once.
const HANDS: usize = 8;

#[tokio::main]
async fn main() -> Outcome {
    let tickets = std::env::args().nth(1).map_or(Ok(200_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let text = |name: &str| folder.path().join(format!("{name}.jsonl"));
    let sled = |name: &str| format!("sled:{}?durability=relaxed", folder.path().join(name).display());

    let desk = bsm::open("memory:").await?;
    let begun = Instant::now();
    fill(&desk, tickets).await?;
    println!("{:<26} {:>7.1} s, {tickets} tickets", "made in memory", begun.elapsed().as_secs_f64());
    export("exported from memory", &desk, text("0")).await?;
    desk.close().await?;
    drop(desk);

    for (step, (name, address)) in
        [("sled", sled("first")), ("memory", "memory:".to_owned()), ("sled", sled("second"))].into_iter().enumerate()
    {
        let desk = bsm::open(&address).await?;
        import(&format!("imported into {name}"), &desk, text(&step.to_string())).await?;
        verify(&format!("verified on {name}"), &desk).await?;
        let next = text(&(step + 1).to_string());
        export(&format!("exported from {name}"), &desk, next.clone()).await?;
        desk.close().await?;
        if !equal(&text("0"), &next)? {
            return Err(format!("the export from {name} differs").into());
        }
    }
    println!("all four texts are equal to the byte");
    Ok(())
}

/// Makes the desk: two or three versions of each ticket.
async fn fill(desk: &Desk, tickets: usize) -> Outcome {
    let root = desk.bootstrap(NewUser::new("Admin", "admin@example.org", Role::Admin)).await?;
    let admin = desk.admin(root.id);
    let mut customers = Vec::new();
    for number in 0..1_000 {
        let new = NewUser::new(format!("Customer {number}"), format!("c{number}@example.org"), Role::Customer);
        customers.push(admin.create_user(new).await?.id);
    }
    let mut hands = Vec::new();
    for hand in 0..HANDS {
        hands.push(tokio::spawn(work(desk.clone(), root.id, customers.clone(), (hand..tickets).step_by(HANDS))));
    }
    for hand in hands {
        hand.await??;
    }
    Ok(())
}

async fn work(
    desk: Desk,
    admin: UserId,
    customers: Vec<UserId>,
    numbers: std::iter::StepBy<std::ops::Range<usize>>,
) -> Outcome {
    let agent = desk.agent(admin);
    for number in numbers {
        let new = NewTicket {
            description: "It began after the update on Monday, and a restart does not help. ".repeat(1 + number % 4),
            category: Some(format!("Category {}", number % 40)),
            group: Some(format!("Group {}", number % 12)),
            channel: Channel::Email,
            impact: Impact::ALL[number % 3],
            urgency: Urgency::ALL[number / 3 % 3],
            requested_for: customers.get(number % customers.len()).copied(),
            external_ref: Some(format!("INC{number:07}")),
            ..NewTicket::new(format!("Ticket {number} does not print"))
        };
        let ticket = agent.open_ticket(new).await?;
        agent.assign_ticket(ticket.id, admin).await?;
        if number.is_multiple_of(2) {
            agent.resolve_ticket(ticket.id).await?;
        }
    }
    Ok(())
}

async fn export(what: &str, desk: &Desk, to: PathBuf) -> Outcome {
    let begun = Peak::begin();
    let (_, progress) = export_to(desk, BufWriter::new(File::create(to)?), |_| {}).await?;
    begun.tell(what, &progress);
    Ok(())
}

async fn import(what: &str, desk: &Desk, from: PathBuf) -> Outcome {
    let begun = Peak::begin();
    let imported = import_from(desk, BufReader::new(File::open(from)?), |_| {}).await?;
    begun.tell(what, &imported.progress);
    Ok(())
}

async fn verify(what: &str, desk: &Desk) -> Outcome {
    let begun = Instant::now();
    let found = desk.verify().await?;
    if !found.is_clean() {
        return Err(format!("{what}: {:?}", found.differences).into());
    }
    println!(
        "{what:<26} {:>7.1} s, {} rows, {} history, clean",
        begun.elapsed().as_secs_f64(),
        found.rows,
        found.history
    );
    Ok(())
}

/// The time and the memory that a step takes.
struct Peak(Instant);

impl Peak {
    fn begin() -> Self {
        // Where the system knows how to begin a peak anew; elsewhere it is the whole run's.
        drop(std::fs::write("/proc/self/clear_refs", "5"));
        Self(Instant::now())
    }

    fn tell(self, what: &str, progress: &Progress) {
        let seconds = self.0.elapsed().max(Duration::from_micros(1)).as_secs_f64();
        let Progress { rows, history, bytes, .. } = *progress;
        #[expect(clippy::cast_precision_loss, reason = "rates for people")]
        let (lines, megabytes) = ((rows + history) as f64, bytes as f64 / 1e6);
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let of = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0) / 1_024
        };
        println!(
            "{what:<26} {seconds:>7.1} s, {rows} rows and {history} history, {megabytes:.0} MB; {:.0} lines/s, {:.1} MB/s; peak {} MiB, now {} MiB",
            lines / seconds,
            megabytes / seconds,
            of("VmHWM:"),
            of("VmRSS:"),
        );
    }
}

/// Whether two files hold the same bytes.
fn equal(one: &Path, other: &Path) -> Outcome<bool> {
    use std::io::Read;
    let (mut one, mut other) = (BufReader::new(File::open(one)?), BufReader::new(File::open(other)?));
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = one.read(&mut left)?;
        if read == 0 {
            return Ok(other.read(&mut right)? == 0);
        }
        if other.read_exact(&mut right[..read]).is_err() || left[..read] != right[..read] {
            return Ok(false);
        }
    }
}
