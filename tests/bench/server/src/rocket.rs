//! On Rocket.

use std::{collections::HashSet, net::Ipv4Addr};

use miracl_rocket::{
    AuthFailure, AuthHandler, AuthSuccess, MiraclAuth, RequestExt, Response, Result, reply,
};
use rocket::{
    Data, Request,
    config::{Config, Ident, LogLevel, Shutdown},
    fairing::{AdHoc, Fairing, Info, Kind},
    get, routes,
};

use crate::{Served, TEXT, engine, greet, stop, unknown};

pub(crate) fn serve(variant: &str) -> Served {
    let config = Config {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        ident: Ident::none(),
        log_level: LogLevel::Off,
        cli_colors: false,
        // Rocket would listen for signals only after the greeting.
        shutdown: Shutdown {
            signals: HashSet::new(),
            ..Shutdown::default()
        },
        ..Config::release_default()
    };
    // Before Rocket's logger is installed, which would print the engine's start line where the greeting must stand.
    let auth = match variant {
        "miracl" => Some(MiraclAuth::new(engine()?, Hooks)),
        _ => None,
    };
    let rocket = rocket::custom(config).mount("/", routes![public]);
    let rocket = match (variant, auth) {
        ("noop", _) => rocket.attach(Noop),
        ("slot", _) => rocket.attach(Slot),
        ("no-store", _) => rocket.attach(NoStore),
        (_, Some(auth)) => rocket.attach(auth.fairing()),
        _ => return Err(unknown(variant)),
    };
    let greet = AdHoc::on_liftoff("Greeting", |rocket| {
        Box::pin(async move { greet((rocket.config().address, rocket.config().port).into()) })
    });
    rocket::execute(async {
        let rocket = rocket.attach(greet).ignite().await?;
        let (stop, shutdown) = (stop()?, rocket.shutdown());
        tokio::spawn(async move {
            stop.await;
            shutdown.notify();
        });
        rocket.launch().await?;
        Ok(())
    })
}

#[get("/public")]
fn public() -> &'static str {
    TEXT
}

/// A fairing that does nothing, in the place of MIRACL's.
struct Noop;

#[rocket::async_trait]
impl Fairing for Noop {
    fn info(&self) -> Info {
        info("Nothing")
    }

    async fn on_request(&self, _: &mut Request<'_>, _: &mut Data<'_>) {}

    async fn on_response<'r>(&self, _: &'r Request<'_>, _: &mut rocket::Response<'r>) {}
}

/// A fairing that sets one header of the response.
struct NoStore;

#[rocket::async_trait]
impl Fairing for NoStore {
    fn info(&self) -> Info {
        info("No store")
    }

    async fn on_request(&self, _: &mut Request<'_>, _: &mut Data<'_>) {}

    async fn on_response<'r>(&self, _: &'r Request<'_>, response: &mut rocket::Response<'r>) {
        response.set_raw_header("Cache-Control", "no-store");
    }
}

/// A fairing that leaves one value for later handlers, and looks at it in the end.
struct Slot;

#[derive(Default)]
struct Value(u64);

#[rocket::async_trait]
impl Fairing for Slot {
    fn info(&self) -> Info {
        info("Slot")
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        request.local_cache(|| Value(1));
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut rocket::Response<'r>) {
        if request.local_cache(Value::default).0 != 1 {
            response.set_status(rocket::http::Status::InternalServerError);
        }
    }
}

fn info(name: &'static str) -> Info {
    Info {
        name,
        kind: Kind::Request | Kind::Response,
    }
}

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &Request<'_>, _: AuthSuccess) -> Result<Response> {
        Ok(Response::default())
    }

    async fn on_auth_failed(&self, req: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        Ok(reply(req.visit().failure_reply(&failure)))
    }
}
