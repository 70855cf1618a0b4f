//! A desk over HTTP, for `python -m bsm serve`: the routes of `bsm-http`, on a server of this module's.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bsm::demo::DemoOptions;
use bsm::model::{Role, UserId};
use bsm_http::auth::{Jwt, Principal};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::errors::Fault;
use crate::ground::Ground;
use crate::ids::Row;
use crate::portal::Desk;
use crate::words::Of;

/// How long requests that are under way have before the desk is closed, and streams of events then to end.
const GRACE: Duration = Duration::from_secs(2);

/// A desk over HTTP, on the desk's own threads.
#[pyclass(frozen, module = "bsm._bsm")]
pub(crate) struct Server {
    ground: Arc<Ground>,
    place: SocketAddr,
    jwt: Jwt,
    /// Told, or dropped, it makes the server stop.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    /// Whether it has.
    stopped: watch::Receiver<bool>,
}

/// What the operating system said of a server.
pub(crate) struct NoServer(std::io::Error);

impl Fault for NoServer {
    fn raise(self, _: Python<'_>) -> PyErr {
        PyOSError::new_err(self.0.to_string())
    }
}

#[pymethods]
impl Server {
    /// Serves a desk at "HOST:PORT", for whoever has a token that the secret signs: 32 bytes or more.
    #[new]
    fn new(py: Python<'_>, desk: &Bound<'_, Desk>, listen: String, secret: Vec<u8>) -> PyResult<Self> {
        let jwt = Jwt::hs256(&secret).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let ground = Arc::clone(&desk.get().0.ground);
        let listener: TcpListener =
            ground.wait(py, async move { TcpListener::bind(listen).await.map_err(NoServer) })?;
        let place = listener.local_addr().map_err(|error| NoServer(error).raise(py))?;
        let app = bsm_http::router(ground.desk(py)?.clone(), jwt.clone());
        let ((stop, told), (ended, stopped)) = (oneshot::channel::<()>(), watch::channel(false));
        ground.handle(py)?.spawn(async move {
            let serving = axum::serve(listener, app).with_graceful_shutdown(async {
                // Whoever drops the sender wants it to stop as well.
                let _ = told.await;
            });
            if let Err(error) = serving.await {
                eprintln!("bsm: serving: {error}");
            }
            ended.send_replace(true);
        });
        Ok(Self { ground, place, jwt, stop: Mutex::new(Some(stop)), stopped })
    }

    /// Where it is, as "HOST:PORT".
    #[getter]
    fn address(&self) -> String {
        self.place.to_string()
    }

    /// A token by which somebody is recognised, for so many seconds.
    fn token(&self, user: Row<UserId>, role: Of<Role>, seconds: u64) -> PyResult<String> {
        let token = self.jwt.issue(Principal::new(user.0, role.0), Duration::from_secs(seconds));
        token.ok_or_else(|| PyValueError::new_err("the secret signs no tokens"))
    }

    /// Waits until it has stopped.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        let mut stopped = self.stopped.clone();
        self.ground.wait(py, async move {
            // A sender that is gone has sent its last.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            Ok::<(), bsm::Error>(())
        })
    }

    /// Stops: takes no more connections, finishes the requests under way, and closes the desk, which ends streams of events.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (mut stopped, desk) = (self.stopped.clone(), self.ground.desk(py)?.clone());
        self.ground.wait(py, async move {
            if timeout(GRACE, stopped.wait_for(|stopped| *stopped)).await.is_ok() {
                return desk.close().await;
            }
            desk.close().await?;
            // Whoever does not read what is left for them is not waited for.
            let _ = timeout(GRACE, stopped.wait_for(|stopped| *stopped)).await;
            Ok(())
        })
    }
}

/// Fills an empty desk with the demonstration; gives whether it was empty.
#[pyfunction]
pub(crate) fn populate(py: Python<'_>, desk: &Bound<'_, Desk>) -> PyResult<bool> {
    let ground = Arc::clone(&desk.get().0.ground);
    let inner = ground.desk(py)?.clone();
    ground.wait(py, async move {
        match bsm::demo::populate(&inner, &DemoOptions::default()).await {
            Err(bsm::Error::AlreadyBootstrapped) => Ok(false),
            filled => filled.map(|_| true),
        }
    })
}
