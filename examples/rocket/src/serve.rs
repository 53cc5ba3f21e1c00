//! Serves until the app is asked to stop, and ends as soon as every request is answered.
//!
//! Rocket alone would wait for its whole grace period whenever a connection was open at that moment, also if nothing
//! happens on it. Browsers and proxies keep such connections for minutes.
//!
//! To copy it into an app of yours, take it whole.

use std::sync::Arc;
use std::time::Duration;

use demo_shared::Stop;
use rocket::fairing::{Fairing, Info, Kind};
use rocket::{Build, Data, Request, Rocket};
use tokio::sync::watch;
use tokio::time::sleep;

/// How long Rocket may take to write out what handlers have answered last. A client that is too slow for the rest of a
/// large answer loses it; so does one that has not yet sent the head of its request.
const WRITING: Duration = Duration::from_millis(200);

/// Serves until `stop`, and then until every request that has begun is answered, or Rocket's grace period is over.
pub(crate) async fn until(stop: Stop, rocket: Rocket<Build>) -> Result<(), rocket::Error> {
    let requests = Requests::default();
    let rocket = rocket.attach(requests.clone()).ignite().await?;
    let shutdown = rocket.shutdown();
    let stopped = async {
        stop.asked_for().await;
        // From here on, Rocket accepts no connection, and no second request on one.
        shutdown.notify();
        requests.answered().await;
        sleep(WRITING).await;
    };
    tokio::select! {
        ended = rocket.launch() => ended.map(drop),
        () = stopped => Ok(()),
    }
}

/// Counts the requests that have begun and are not answered yet.
#[derive(Clone, Default)]
struct Requests(Arc<watch::Sender<usize>>);

impl Requests {
    /// Waits until there is none.
    async fn answered(&self) {
        // It fails only without a sender, and this is one.
        let _ = self.0.subscribe().wait_for(|begun| *begun == 0).await;
    }
}

#[rocket::async_trait]
impl Fairing for Requests {
    fn info(&self) -> Info {
        Info {
            name: "Requests under way",
            kind: Kind::Request,
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        request.local_cache(|| Begun::new(self));
    }
}

/// A request under way. It lies in the request, and ends with it: after its answer.
struct Begun(Requests);

impl Begun {
    fn new(requests: &Requests) -> Self {
        requests.0.send_modify(|begun| *begun += 1);
        Self(requests.clone())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.send_modify(|begun| *begun -= 1);
    }
}
