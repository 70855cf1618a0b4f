//! `nested-desk`: the README's application of twenty lines, as it stands there.

use axum::Router;
use axum::routing::get;
use bsm::NewUser;
use bsm::model::Role;
use bsm_http::auth::{Jwt, Principal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let desk = bsm::open("memory:").await?; // or "sled:desk.db", or "postgres://…"
    let grace = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin)).await?;

    let jwt = Jwt::hs256(b"thirty-two bytes or more that nobody guesses")?;
    let token = jwt.issue(Principal::new(grace.id, Role::Admin), std::time::Duration::from_hours(1));
    println!("curl -sS -H 'Authorization: Bearer {}' \\", token.unwrap_or_default());
    println!("  http://127.0.0.1:8461/desk/api/admin/customer-insights");

    let app = Router::new().route("/", get("My application")).nest("/desk", bsm_http::router(desk, jwt));
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8461").await?, app).await?;
    Ok(())
}
