//! Ten minutes of everything at once: callers in this process and in others, whose connections break, whose server restarts
//! and crashes, and who are killed themselves. Then everything that was acknowledged is there, nothing is there twice, and
//! the desk holds together.
//!
//! `cargo xtask postgres -- cargo nextest run -p bsm-store-postgres --run-ignored only soak`, where `BSM_SOAK_SECONDS`
//! says how long.

mod common;

mod own_servers {
    use std::process::Stdio;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use bsm_core::store::Store;
    use bsm_store_postgres::PostgresStore;
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::process::Command;
    use tokio::time::{Instant, sleep};

    use super::common::load::{Load, PART, Told};
    use super::common::proxy::Proxy;
    use super::common::rows::*;
    use super::common::server::{Server, Stop};

    /// How long it takes if nobody says otherwise.
    const SECONDS: u64 = 600;

    /// Tells a process of callers where its server is.
    const URL: &str = "BSM_SOAK_URL";

    /// How many processes of callers there are, and callers in each.
    const PROCESSES: usize = 2;
    const CALLERS: usize = 3;

    /// What is done to it next.
    #[derive(Clone, Copy, Debug)]
    enum Blow {
        EndOne,
        EndAll,
        CutAll,
        RefuseAWhile,
        KillCallers,
        Restart,
        Crash,
    }

    const BLOWS: [Blow; 12] = [
        Blow::EndOne,
        Blow::CutAll,
        Blow::EndOne,
        Blow::EndAll,
        Blow::KillCallers,
        Blow::EndOne,
        Blow::RefuseAWhile,
        Blow::CutAll,
        Blow::Crash,
        Blow::EndOne,
        Blow::KillCallers,
        Blow::Restart,
    ];

    /// How many processes were started; this one is the first.
    static PARTS: AtomicU32 = AtomicU32::new(1);

    async fn open(url: &str) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::connect(url).await.unwrap_or_else(|error| panic!("{error} {error:?}")))
    }

    /// A process of callers, and what it said that it was told.
    struct Process {
        child: tokio::process::Child,
        told: tokio::task::JoinHandle<Told>,
    }

    impl Process {
        fn start(url: &str) -> Self {
            let this = std::env::current_exe().expect("is a program");
            let mut command = Command::new(this);
            let part = PARTS.fetch_add(1, Ordering::SeqCst).to_string();
            command.args(["--ignored", "--exact", "own_servers::callers", "--nocapture"]).env(URL, url).env(PART, part);
            let mut child =
                command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("starts");
            let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
            let told = tokio::spawn(async move {
                let mut told = Told::default();
                while let Ok(Some(line)) = lines.next_line().await {
                    told.take_in(&line);
                }
                told
            });
            Self { child, told }
        }

        /// Kills it amid whatever it does. What it was told last it may not have said.
        async fn kill(mut self) -> Told {
            self.child.kill().await.expect("is killed");
            self.told.await.expect("was heard")
        }
    }

    /// Not a test: what each process of callers does until it is killed.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "it is a part of the soak, which starts it"]
    async fn callers() {
        let Ok(url) = std::env::var(URL) else { return };
        let store = open(&url).await;
        Load::spoken(&store, &user(1), CALLERS).never_ends().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "it takes ten minutes"]
    async fn soak() {
        let seconds = std::env::var("BSM_SOAK_SECONDS").map_or(SECONDS, |seconds| seconds.parse().expect("a number"));
        let mut server = Server::start(&[]);
        let proxy = Proxy::before(&server.url()).await;
        let through = proxy.url(&server.url());
        let store = open(&through).await;
        let anna = user(1);
        store.commit(insert([anna.clone().into()])).await.expect("base");
        let load = Load::of(&store, &anna, CALLERS);
        let mut processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(&through)).collect();
        let mut told = Told::default();
        let (mut blows, mut killed) = (0, PROCESSES);
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            sleep(Duration::from_millis(100 + 37 * (blows % 20))).await;
            let blow = BLOWS[usize::try_from(blows).expect("is small") % BLOWS.len()];
            match blow {
                Blow::EndOne | Blow::EndAll => {
                    let most = if matches!(blow, Blow::EndOne) { "1" } else { "ALL" };
                    let end = format!(
                        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE pid <> \
                         pg_backend_pid() AND backend_type = 'client backend' ORDER BY random() LIMIT {most}) AS picked"
                    );
                    let past = sqlx::PgPool::connect(&server.url()).await.expect("connects");
                    sqlx::raw_sql(sqlx::AssertSqlSafe(end)).execute(&past).await.expect("ends");
                    past.close().await;
                }
                Blow::CutAll => proxy.cut_all(),
                Blow::RefuseAWhile => {
                    proxy.refuse(true);
                    proxy.cut_all();
                    sleep(Duration::from_millis(300)).await;
                    proxy.refuse(false);
                }
                Blow::KillCallers => {
                    killed += 1;
                    told.and(processes.remove(0).kill().await);
                    processes.push(Process::start(&through));
                }
                Blow::Restart | Blow::Crash => {
                    server.stop(if matches!(blow, Blow::Restart) { Stop::Fast } else { Stop::Immediate });
                    server.go();
                }
            }
            blows += 1;
            load.goes_on().await;
        }
        for process in processes {
            told.and(process.kill().await);
        }
        told.and(load.ends().await);
        println!("{blows} blows in {seconds} s; {} commands were acknowledged", told.count());
        assert_eq!(told.failed, Vec::<String>::new(), "nothing was away for as long as a call waits");
        told.assert_kept_but(&*store, killed * CALLERS).await;
        store.close().await.expect("closes");
    }
}
