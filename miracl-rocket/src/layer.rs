//! The fairing of the app: it makes visits possible, and writes what they changed to the response.

use std::fmt;

use miracl_core::{LazyVisit, Miracl, Outcome};
use rocket::{
    Build, Data, Request, Response, Rocket, Route,
    fairing::{self, Fairing, Info, Kind},
    http::{Method, Status, uri::Origin},
    route::{self, Handler},
};

use crate::{
    body::{closing, drop_rest, open},
    extract::REFUSED,
    refused::answer,
    reply::reply,
    require::{self, first},
    routes::are_at_the_root,
    slot::{Attached, Slot, miracl, missing_routes},
};

/// Gives the requests of an app a [`Visit`](crate::Visit).
///
/// A request that never asks for its visit costs next to nothing: no cookie is read, and none is set. Responses of
/// catchers are written to as well.
#[derive(Clone)]
pub struct MiraclFairing {
    miracl: Miracl,
}

impl MiraclFairing {
    pub(crate) fn new(miracl: Miracl) -> Self {
        Self { miracl }
    }
}

#[rocket::async_trait]
impl Fairing for MiraclFairing {
    fn info(&self) -> Info {
        Info {
            name: "MIRACL login",
            kind: Kind::Ignite | Kind::Request | Kind::Response,
        }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        if rocket.state::<Attached>().is_some() {
            tracing::error!("`auth.fairing()` is attached twice: an app has one login");
            return Err(rocket);
        }
        if !are_at_the_root(&rocket) {
            tracing::error!(
                "the login's routes are not where browsers look for them: mount `auth.routes()` at `/`"
            );
            return Err(rocket);
        }
        Ok(rocket
            .manage(Attached(self.miracl.clone()))
            .mount("/", same_site_only())
            .register("/", vec![require::catcher()]))
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let slot = Slot::of(request);
        // From here on, Rocket shows a `HEAD` as the `GET` whose route answers it.
        if request.method() == Method::Head {
            slot.asked_by(Method::Head);
        }
        // Rocket logs the address of each request after this, and that of the callback has secrets.
        let uri = request.uri();
        if uri.query().is_some() && self.miracl.query_is_secret(uri.path().as_str()) {
            slot.asked_for(uri.to_string());
            let path = uri.path().as_str().to_owned();
            if let Ok(path) = Origin::parse_owned(path) {
                request.set_uri(path);
            }
        }
        let slot = Slot::of(request);
        // Another site opens a WebSocket, or sends a form that names another method in `_method`, which Rocket has put
        // in place of `POST` by now. The request becomes one of a method whose route refuses it.
        if UNSAFE.contains(&request.method()) {
            return;
        }
        let content_type = request.content_type();
        let view = match content_type.is_some_and(|kind| kind.is_form() || kind.is_form_data()) {
            true => slot.view_as(request, Method::Post),
            false => slot.view(request),
        };
        if let Err(refused) = self.miracl.check_origin(&view) {
            slot.comes_from_elsewhere(*refused);
            request.set_method(Method::Connect);
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let slot = Slot::of(request);
        // This happens only where a catcher of the app ran in place of ours, and kept the status.
        if response.status() == REFUSED {
            require::answer_instead(request, response);
        }
        let outcome = slot.made().map(LazyVisit::finish).unwrap_or_default();
        if response.status() == Status::NotFound && !outcome.answered && slot.expects_route(request)
        {
            *response = reply(missing_routes().reply());
        }
        finish(outcome, response);
    }
}

impl fmt::Debug for MiraclFairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiraclFairing").finish_non_exhaustive()
    }
}

/// The methods for which a route asks the engine whether another site sent the request. For the others the fairing
/// asks. What is refused is the engine's decision.
const UNSAFE: [Method; 5] = [
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Connect,
];

/// The routes that come before all others, for unsafe methods on every path.
///
/// A fairing cannot answer a request. A route can, and forwards to the next what it lets through.
fn same_site_only() -> Vec<Route> {
    UNSAFE
        .map(|method| first(isize::MIN, method, SameSiteOnly))
        .into()
}

#[derive(Clone)]
struct SameSiteOnly;

#[rocket::async_trait]
impl Handler for SameSiteOnly {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> route::Outcome<'r> {
        let slot = Slot::of(request);
        let checked = match slot.elsewhere() {
            Some(refused) => Err(refused),
            None => {
                let checked = miracl(request).check_origin(&slot.view(request));
                checked.map_err(|refused| *refused)
            }
        };
        match checked {
            Ok(()) => route::Outcome::forward(data, Status::NotFound),
            Err(refused) => {
                let ended = drop_rest(open(data)).await;
                slot.lazy(request).without_changes();
                route::Outcome::Success(closing(answer(request, refused), ended))
            }
        }
    }
}

const CACHE_CONTROL: &str = "Cache-Control";

/// Writes what a visit changed to its response.
fn finish(outcome: Outcome, response: &mut Response<'_>) {
    if !outcome.no_store {
        return;
    }
    // To look at every header takes less time than to have Rocket look one up.
    let is_set = response
        .headers()
        .iter()
        .any(|header| header.name == CACHE_CONTROL);
    if !is_set || !keeps_own(&outcome, response) {
        response.set_raw_header(CACHE_CONTROL, "no-store");
    }
    if outcome.clear_site_data {
        response.adjoin_raw_header("Clear-Site-Data", Outcome::CLEAR_SITE_DATA);
    }
    for cookie in outcome.set_cookies {
        // Not by Rocket's jar: what a guard puts there is gone once a catcher answers.
        response.adjoin_raw_header("Set-Cookie", cookie);
    }
}

/// Whether the `Cache-Control` that the app has set stays.
#[cold]
fn keeps_own(outcome: &Outcome, response: &Response<'_>) -> bool {
    let own = response.headers().get(CACHE_CONTROL);
    outcome.keeps(own.map(str::as_bytes))
}
