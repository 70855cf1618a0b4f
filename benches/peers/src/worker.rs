//! Processes of one caller each: this program once more, told by its standard input what to do. All begin together.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdin};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use uuid::Uuid;

use crate::deed::{Outcome, refused};
use crate::ground::Ground;
use crate::measure::{Job, Length, Sample, Stock, measure};
use crate::peer::{self, Contender, Opening, Task};

/// What a process is told first. Goes through its standard input, since it holds a password.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    contender: Contender,
    opening: Opening,
    task: Task,
    length: Length,
    ground: PathBuf,
    stock: Vec<Uuid>,
    seed: u64,
}

/// What the processes do.
#[derive(Debug)]
pub struct Crew<'a> {
    /// Who is measured.
    pub contender: Contender,
    /// How it is opened, by each of them.
    pub opening: &'a Opening,
    /// What is measured.
    pub task: Task,
    /// For how long.
    pub length: Length,
    /// The file that tells on what.
    pub ground: &'a Path,
    /// What can be made into tickets, by all of them together.
    pub stock: Vec<Uuid>,
    /// Where the dice begin.
    pub seed: u64,
}

struct Process {
    child: Child,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn begin() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (Some(orders), Some(said)) = (child.stdin.take(), child.stdout.take()) else {
            return refused("a process without pipes");
        };
        Ok(Self { child, orders, said: BufReader::new(said).lines() })
    }

    async fn tell(&mut self, line: &str) -> Outcome {
        self.orders.write_all(line.as_bytes()).await?;
        self.orders.write_all(b"\n").await?;
        self.orders.flush().await?;
        Ok(())
    }

    async fn hear(&mut self) -> Outcome<String> {
        match self.said.next_line().await? {
            Some(line) => Ok(line),
            None => refused("a process ended early"),
        }
    }
}

/// Measures with `count` processes. The rate is the sum of theirs.
pub async fn measure_with(count: usize, crew: Crew<'_>) -> Outcome<Sample> {
    let share = crew.stock.len() / count;
    let mut processes = Vec::with_capacity(count);
    for place in 0..count {
        let mut process = Process::begin()?;
        let operations = crew.length.operations.map(|all| all.div_ceil(u64::try_from(count).unwrap_or(1)));
        let order = Order {
            contender: crew.contender,
            opening: crew.opening.clone(),
            task: crew.task,
            length: Length { operations, ..crew.length },
            ground: crew.ground.to_owned(),
            stock: crew.stock[place * share..(place + 1) * share].to_vec(),
            seed: crew.seed.wrapping_add(u64::try_from(place)?),
        };
        process.tell(&serde_json::to_string(&order)?).await?;
        processes.push(process);
    }
    for process in &mut processes {
        process.hear().await?;
    }
    for process in &mut processes {
        process.tell("warm up").await?;
    }
    for process in &mut processes {
        process.hear().await?;
    }
    for process in &mut processes {
        process.tell("go").await?;
    }
    let (mut all, mut rate) = (Sample::default(), 0.0);
    for mut process in processes {
        let sample: Sample = serde_json::from_str(&process.hear().await?)?;
        rate += sample.rate();
        all.done += sample.done;
        all.micros.extend(sample.micros);
        drop(process.orders);
        process.child.wait().await?;
    }
    all.seconds = if rate > 0.0 { all.done as f64 / rate } else { 0.0 };
    Ok(all)
}

/// Such a process.
pub async fn work() -> Outcome {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let order: Order = serde_json::from_str(&next(&mut orders).await?)?;
    let ground: Ground = serde_json::from_str(&tokio::fs::read_to_string(&order.ground).await?)?;
    let peer = peer::open(order.contender, &order.opening).await?;
    let mut job = Job {
        task: order.task,
        callers: 1,
        length: order.length.of_warm_up(),
        ground: Arc::new(ground),
        stock: Arc::new(Stock::new(order.stock)),
        seed: order.seed,
    };
    println!("ready");
    next(&mut orders).await?;
    measure(&peer, &job).await?;
    job.length = order.length;
    job.seed = job.seed.wrapping_add(1 << 32);
    println!("warm");
    next(&mut orders).await?;
    let sample = measure(&peer, &job).await?;
    println!("{}", serde_json::to_string(&sample)?);
    peer.close().await;
    Ok(())
}

async fn next(orders: &mut Lines<BufReader<Stdin>>) -> Outcome<String> {
    match orders.next_line().await? {
        Some(line) => Ok(line),
        None => refused("no order came"),
    }
}
