//! The server, started for real.

use super::*;

/// Runs one statement with the `psql` that lies beside the server, and returns what it printed.
fn psql(bin: &Path, url: &str, statement: &str) -> Result<String> {
    let mut command = Command::new(bin.join("psql"));
    command.env("PGPASSFILE", "/dev/null").args(["--no-psqlrc", "--no-password", "-At", "-c", statement, url]);
    run_quietly(&mut command, &Interrupts::deaf())
}

#[test]
fn the_status_file_says_when_connections_are_taken() {
    let starting = "1\n/data\n1700000000\n5432\n\n127.0.0.1\n 1 2\nstarting\n";
    assert!(!says_ready(""));
    assert!(!says_ready(starting));
    assert!(says_ready(&starting.replace("starting", "ready   ")));
}

#[test]
fn two_servers_stand_side_by_side_and_leave_nothing() {
    let interrupts = Interrupts::deaf();
    let logs = tempfile::tempdir().expect("a folder");
    let target = crate::workspace::Workspace::load().expect("cargo metadata").target;
    let installation = installation::find(&target.join("xtask"), &interrupts).expect("an installation");
    let set = ["work_mem=5MB".to_owned(), "shared_buffers=48MB".to_owned()];
    let start =
        |name: &str| Server::start(&installation, &set, &logs.path().join(name), &interrupts).expect("a server");
    let (mut one, mut two) = (start("one"), start("two"));

    for server in [&one, &two] {
        let ask = |statement: &str| psql(&installation.bin, &server.url, statement).expect("an answer");
        assert_eq!(ask("SHOW fsync").trim(), "on");
        assert_eq!(ask("SHOW work_mem").trim(), "5MB");
        assert_eq!(ask("SHOW shared_buffers").trim(), "48MB");
        assert_eq!(ask("SHOW server_encoding").trim(), "UTF8");
        assert_eq!(ask("SHOW listen_addresses").trim(), "127.0.0.1");
        let password = server.url.split([':', '@']).nth(2).expect("a password");
        assert!(!server.description.contains(password));
        let refused = psql(&installation.bin, &server.url.replace(password, "guessed"), "SELECT 1");
        assert!(refused.expect_err("a wrong password").to_string().contains("password authentication failed"));
    }

    let folder = |server: &Server| server.folder.as_ref().map(|folder| folder.path().to_owned()).expect("it runs");
    let (folder_one, folder_two) = (folder(&one), folder(&two));
    one.stop().expect("it stops");
    assert!(!folder_one.exists() && folder_two.exists());
    assert!(psql(&installation.bin, &one.url, "SELECT 1").is_err());
    assert_eq!(psql(&installation.bin, &two.url, "SELECT 1").expect("an answer").trim(), "1");
    two.stop().expect("it stops");
    assert!(!folder_two.exists());
    let log = fs::read_to_string(logs.path().join("two/postgres.log")).expect("a log");
    assert!(log.contains("database system is shut down"), "{log}");
}
