//! How the server stops: no new connections, then what is under way is finished, then the streams end.

use std::future::IntoFuture as _;
use std::time::Duration;

use axum::Router;
use bsm::Desk;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::fault::Fault;

/// How long requests that are under way have before the desk is closed, and answers then to be taken by whoever asked.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until somebody asks it to stop.
///
/// Streams of events end only when the desk is closed, so that is done while the server still waits for them.
pub(crate) async fn serve_until_told(listener: TcpListener, app: Router, desk: &Desk) -> Result<(), Fault> {
    let (tell, told) = oneshot::channel::<()>();
    let stopping = async {
        // If nobody can tell any more, it is time to stop as well.
        let _ = told.await;
    };
    let mut serving = axum::serve(listener, app).with_graceful_shutdown(stopping).into_future();
    tokio::select! {
        served = &mut serving => return served.map_err(Fault::Serve),
        asked = asked_to_stop() => asked?,
    }
    drop(tell);
    if let Ok(served) = timeout(GRACE, &mut serving).await {
        return served.map_err(Fault::Serve);
    }
    desk.close().await?;
    // Whoever does not read what is left for them is not waited for.
    timeout(GRACE, serving).await.unwrap_or(Ok(())).map_err(Fault::Serve)
}

#[cfg(unix)]
async fn asked_to_stop() -> Result<(), Fault> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate()).map_err(Fault::Signal)?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map_err(Fault::Signal),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() -> Result<(), Fault> {
    tokio::signal::ctrl_c().await.map_err(Fault::Signal)
}
