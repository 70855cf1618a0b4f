//! The server, started and killed, and who is on its desk.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bsm::model::{Role, UserId};
use bsm_http::auth::{Jwt, Principal};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::load::ask;

const SECRET: &[u8] = b"thirty-two bytes or more of chance";

/// A desk's server in a process of its own.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    jwt: Jwt,
    pub(crate) place: SocketAddr,
    first: String,
}

/// Who is on the desk, and what they can ask for.
pub(crate) struct People {
    pub(crate) admins: Vec<UserId>,
    pub(crate) customers: Vec<UserId>,
    pub(crate) service: String,
}

fn start(folder: &TempDir, place: SocketAddr) -> (Child, String) {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_desk-server"))
        .args(["--bare", "--store", &format!("sled:{}", path("desk")), "--secret", &path("secret")])
        .args(["--listen", &place.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let token = lines.map_while(Result::ok).find_map(|line| {
        let token = line.strip_prefix("export ADMIN=")?;
        Some(token.split(' ').next()?.to_owned())
    });
    let token = token.unwrap_or_else(|| panic!("no token: {:?}", child.wait()));
    (child, token)
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret"), SECRET).expect("written");
        // A port that is free now, so that the server is found where it was when it is started again.
        let place = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let (child, first) = start(&folder, place);
        let server = Self { child, folder, jwt: Jwt::hs256(SECRET).expect("long enough"), place, first };
        server.answers().await;
        server
    }

    /// Waits until it answers.
    async fn answers(&self) {
        for _ in 0..500 {
            if ask(self.place, &self.first, "GET", "/api/admin/customer-insights", None, None).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the server does not answer");
    }

    pub(crate) async fn kill_and_restart(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it ended");
        (self.child, self.first) = start(&self.folder, self.place);
        self.answers().await;
    }

    pub(crate) fn token(&self, user: UserId, role: Role) -> String {
        self.jwt.issue(Principal::new(user, role), Duration::from_hours(1)).expect("signs")
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Value {
        let (status, body) = ask(self.place, token, "GET", path, None, None).await.expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: &Value) -> String {
        let (status, body) = ask(self.place, &self.first, "POST", path, Some(body), None).await.expect("an answer");
        assert_eq!(status, 201, "{path}: {body}");
        body["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn people(&self, admins: usize, customers: usize) -> People {
        let price = json!({ "amount": "10.00", "currency": "EUR" });
        let service = json!({ "name": "Laptop", "category": "Hardware", "price": price });
        let service = self.post("/api/admin/service-management", &service).await;
        let person = async |role: &str, number: usize| {
            let email = format!("{role}{number}@people.example.org");
            let new = json!({ "full_name": format!("{role} {number}"), "email": email, "role": role });
            self.post("/api/admin/users", &new).await.parse::<UserId>().expect("an id")
        };
        let mut people = People { admins: Vec::new(), customers: Vec::new(), service };
        for number in 0..admins {
            people.admins.push(person("admin", number).await);
        }
        for number in 0..customers {
            people.customers.push(person("customer", number).await);
        }
        people
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
