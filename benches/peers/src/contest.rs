//! The contest: everybody has a turn in every round, in an order that moves on, so that whatever disturbs the machine
//! disturbs all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::bulk::Bulk;
use crate::deed::{Outcome, refused};
use crate::desk;
use crate::ground::Ground;
use crate::measure::{Job, Length, Sample, Stock, measure};
use crate::peer::{self, Contender, Counting, Opening, Peer, Task};
use crate::report::Setting as Told;
use crate::worker::{Crew, measure_with};
use crate::{Arguments, Choice};

/// A desk is emptied when it grew by this part of its rows.
const GROWTH: u64 = 10;

/// The schema that desks are loaded into.
const LOADED: &str = "bench_load";

/// The schema that what is loaded is made in.
const SOURCE: &str = "bench_source";

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callers {
    /// So many in one process.
    Here(usize),
    /// So many processes of one each.
    Processes(usize),
}

/// What one turn came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Turn {
    /// Operations in a second; of a load, rows and entries of history.
    pub rate: f64,
    /// What half of the calls took at the most, in microseconds.
    pub p50: u32,
    /// What 99 of 100 calls took at the most.
    pub p99: u32,
}

/// The turns of one operation, at one size, by one number of callers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    /// How many tickets and requests there were.
    pub rows: u64,
    /// What was done.
    pub task: Task,
    /// By whom.
    pub callers: Callers,
    /// What it came to, round by round.
    pub turns: BTreeMap<Contender, Vec<Turn>>,
    /// Who counted.
    pub counting: BTreeMap<Contender, Counting>,
}

/// Everything that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// On what, with what.
    pub setting: Told,
    /// What.
    pub series: Vec<Series>,
}

/// Holds the whole contest.
pub async fn all(arguments: &Arguments) -> Outcome<Results> {
    let client = desk::connect(&arguments.url).await?;
    let mut results = Results { setting: Told::look(&client, arguments).await?, series: Vec::new() };
    let tasks = arguments.tasks();
    for rows in &arguments.rows {
        if tasks.iter().any(|task| *task != Task::Load) {
            let mut contest = Contest::begin(arguments, &client, *rows).await?;
            for task in tasks.iter().filter(|task| **task != Task::Load) {
                for callers in contest.callers() {
                    results.series.push(contest.series(*task, callers).await?);
                }
            }
            contest.end().await?;
        }
        if tasks.contains(&Task::Load) {
            results.series.push(load(arguments, &client, (*rows).min(arguments.load_rows)).await?);
        }
    }
    Ok(results)
}

/// The contest at one size.
struct Contest<'a> {
    arguments: &'a Arguments,
    client: &'a Client,
    rows: u64,
    /// The moment before which everything was made.
    filled: i64,
    ground: Arc<Ground>,
    ground_file: PathBuf,
    peers: BTreeMap<(Contender, bool), Arc<dyn Peer>>,
    /// Whether the tables have triggers.
    triggers: bool,
    /// How much was written to a schema since it was emptied.
    grown: BTreeMap<&'static str, u64>,
    /// What somebody came to last.
    rates: BTreeMap<(Contender, Task, Callers), f64>,
    seed: u64,
}

impl<'a> Contest<'a> {
    async fn begin(arguments: &'a Arguments, client: &'a Client, rows: u64) -> Outcome<Self> {
        let filled = desk::now_micros()?;
        let peers = Contender::SeaOrm.schema();
        for schema in [Contender::Bsm.schema(), peers] {
            let since = Instant::now();
            desk::fill(client, &arguments.url, schema, rows, filled).await?;
            eprintln!("{schema}: {rows} tickets and requests in {:.1} s", since.elapsed().as_secs_f64());
        }
        let mut ground = Ground::survey(client, peers).await?;
        if arguments.tasks().contains(&Task::Middle) {
            ground.middle = desk::middle(&arguments.url, Contender::Bsm.schema(), &ground, rows).await?;
        }
        let ground_file = std::env::temp_dir().join(format!("bsm-peers-{}.json", std::process::id()));
        std::fs::write(&ground_file, serde_json::to_string(&ground)?)?;
        Ok(Self {
            arguments,
            client,
            rows,
            filled,
            ground: Arc::new(ground),
            ground_file,
            peers: BTreeMap::new(),
            triggers: desk::has_triggers(client, peers).await?,
            grown: BTreeMap::new(),
            rates: BTreeMap::new(),
            seed: 1,
        })
    }

    async fn end(self) -> Outcome {
        for peer in self.peers.values() {
            peer.close().await;
        }
        std::fs::remove_file(&self.ground_file)?;
        for schema in [Contender::Bsm.schema(), Contender::SeaOrm.schema()] {
            self.verify(schema).await?;
        }
        Ok(())
    }

    /// Makes sure that what was written holds together, if that was asked for.
    async fn verify(&self, schema: &str) -> Outcome {
        if self.arguments.verify { desk::verify(&self.arguments.url, schema).await } else { Ok(()) }
    }

    fn callers(&self) -> Vec<Callers> {
        let here = self.arguments.callers.iter().map(|count| Callers::Here(*count));
        here.chain(self.arguments.processes.iter().map(|count| Callers::Processes(*count))).collect()
    }

    fn opening(&self, contender: Contender, counting: Counting) -> Opening {
        Opening {
            url: self.arguments.url.clone(),
            schema: contender.schema().to_owned(),
            connections: self.arguments.connections,
            checked: self.arguments.checked,
            counting,
        }
    }

    async fn peer(&mut self, contender: Contender, counting: Counting) -> Outcome<Arc<dyn Peer>> {
        let key = (contender, counting == Counting::Triggers);
        if let Some(peer) = self.peers.get(&key) {
            return Ok(Arc::clone(peer));
        }
        let peer = peer::open(contender, &self.opening(contender, counting)).await?;
        self.peers.insert(key, Arc::clone(&peer));
        Ok(peer)
    }

    async fn series(&mut self, task: Task, callers: Callers) -> Outcome<Series> {
        let contenders = self.arguments.contenders();
        let contenders: Vec<Contender> = contenders.into_iter().filter(|one| one.does(task)).collect();
        let mut series = Series { rows: self.rows, task, callers, turns: BTreeMap::new(), counting: BTreeMap::new() };
        for contender in &contenders {
            let counting = self.counting(*contender, task, callers).await?;
            series.counting.insert(*contender, counting);
        }
        if let Callers::Processes(_) = callers {
            // Processes have connections of their own, and the server has only so many.
            while let Some((_, peer)) = self.peers.pop_first() {
                peer.close().await;
            }
        }
        for round in 0..self.arguments.rounds {
            for place in 0..contenders.len() {
                let contender = contenders[(place + round) % contenders.len()];
                let counting = series.counting[&contender];
                let length = self.arguments.length();
                let turn = self.turn(contender, counting, task, callers, length).await;
                let turn = turn.inspect_err(|_| eprintln!("{contender}, {}:", task.title()))?;
                series.turns.entry(contender).or_default().push(turn);
            }
        }
        eprintln!("{}", crate::report::line(&series));
        Ok(series)
    }

    /// Who counts for a contender: whichever it writes faster with.
    async fn counting(&mut self, contender: Contender, task: Task, callers: Callers) -> Outcome<Counting> {
        if !task.writes() || contender == Contender::Bsm || !self.triggers {
            return match self.arguments.counting {
                Choice::Triggers if !self.triggers && task.writes() => refused("the tables have no triggers"),
                _ => Ok(Counting::Own),
            };
        }
        match self.arguments.counting {
            Choice::Own => Ok(Counting::Own),
            Choice::Triggers => Ok(Counting::Triggers),
            Choice::Auto => {
                let length = self.arguments.length();
                let own = self.turn(contender, Counting::Own, task, callers, length).await?;
                let theirs = self.turn(contender, Counting::Triggers, task, callers, length).await?;
                Ok(if theirs.rate > own.rate { Counting::Triggers } else { Counting::Own })
            }
        }
    }

    async fn turn(
        &mut self,
        contender: Contender,
        counting: Counting,
        task: Task,
        callers: Callers,
        length: Length,
    ) -> Outcome<Turn> {
        let schema = contender.schema();
        if task.writes() && contender != Contender::Bsm && self.triggers {
            desk::let_triggers(self.client, schema, counting).await?;
        }
        let key = (contender, task, callers);
        let stock = match task {
            Task::Convert => {
                let rate = self.rates.get(&key).copied().unwrap_or(2_000.0);
                let seconds = length.seconds + length.of_warm_up().seconds;
                let operations = length.operations.map(|some| some + length.of_warm_up().operations.unwrap_or(0));
                let wanted = (rate * seconds * 1.6).min(1e6) as u64 + 2_000;
                let wanted = operations.map_or(wanted, |operations| wanted.min(operations + operations / 4));
                desk::stock(self.client, schema, usize::try_from(wanted)?).await?
            }
            _ => Vec::new(),
        };
        let grown = u64::try_from(stock.len())?;
        self.seed += 1;
        let sample = match callers {
            Callers::Here(callers) => {
                let peer = self.peer(contender, counting).await?;
                let mut job = Job {
                    task,
                    callers,
                    length: length.of_warm_up(),
                    ground: Arc::clone(&self.ground),
                    stock: Arc::new(Stock::new(stock)),
                    seed: self.seed,
                };
                measure(&peer, &job).await?;
                job.length = length;
                job.seed = job.seed.wrapping_add(1 << 32);
                measure(&peer, &job).await?
            }
            Callers::Processes(count) => {
                let crew = Crew {
                    contender,
                    opening: &self.opening(contender, counting),
                    task,
                    length,
                    ground: &self.ground_file,
                    stock,
                    seed: self.seed,
                };
                measure_with(count, crew).await?
            }
        };
        let done = sample.done;
        let turn = told(sample);
        self.rates.insert(key, turn.rate);
        if task.writes() {
            let written = self.grown.entry(schema).or_default();
            *written += grown + done + done / 4;
            if *written > self.rows / GROWTH {
                *written = 0;
                self.verify(schema).await?;
                desk::empty(self.client, schema, self.filled).await?;
            }
        }
        Ok(turn)
    }
}

fn told(mut sample: Sample) -> Turn {
    sample.micros.sort_unstable();
    let at = |part: usize| sample.micros.get(sample.micros.len() * part / 100).copied().unwrap_or(0);
    Turn { rate: sample.rate(), p50: at(50), p99: at(99) }
}

/// Loads a desk, again and again into a new schema.
async fn load(arguments: &Arguments, client: &Client, rows: u64) -> Outcome<Series> {
    desk::fill(client, &arguments.url, SOURCE, rows, desk::now_micros()?).await?;
    let bulk = Bulk::read(client, &arguments.url, SOURCE, LOADED).await?;
    desk::remove(client, SOURCE).await?;
    let contenders = arguments.contenders();
    let contenders: Vec<Contender> = contenders.into_iter().filter(|one| one.does(Task::Load)).collect();
    let mut series = Series {
        rows,
        task: Task::Load,
        callers: Callers::Here(1),
        turns: BTreeMap::new(),
        counting: contenders.iter().map(|one| (*one, Counting::Own)).collect(),
    };
    for round in 0..arguments.rounds {
        for place in 0..contenders.len() {
            let contender = contenders[(place + round) % contenders.len()];
            desk::make(client, &arguments.url, LOADED).await?;
            if contender != Contender::Bsm && desk::has_triggers(client, LOADED).await? {
                desk::let_triggers(client, LOADED, Counting::Own).await?;
            }
            let opening = Opening {
                url: arguments.url.clone(),
                schema: LOADED.to_owned(),
                connections: 1,
                checked: arguments.checked,
                counting: Counting::Own,
            };
            let peer = peer::open(contender, &opening).await?;
            let since = Instant::now();
            let loaded = peer.load(&bulk).await;
            let seconds = since.elapsed().as_secs_f64();
            loaded.inspect_err(|_| eprintln!("{contender}, {}:", Task::Load.title()))?;
            peer.close().await;
            if arguments.verify && round == 0 {
                desk::verify(&arguments.url, LOADED).await?;
            }
            let micros = u32::try_from((seconds * 1e6) as u64).unwrap_or(u32::MAX);
            let turn = Turn { rate: bulk.size() as f64 / seconds, p50: micros, p99: micros };
            series.turns.entry(contender).or_default().push(turn);
        }
    }
    desk::remove(client, LOADED).await?;
    eprintln!("{}", crate::report::line(&series));
    Ok(series)
}
