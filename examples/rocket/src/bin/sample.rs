//! MIRACL's sample, with Rocket: `/` sends a visitor to log in, and tells a user what the provider says of them.

use std::error::Error;

use miracl_rocket::{
    AuthFailure, AuthHandler, AuthSuccess, Miracl, MiraclAuth, Response, Result, Visit,
};
use rocket::fairing::AdHoc;
use rocket::http::Status;
use rocket::response::{Redirect, Responder};
use rocket::serde::json::{Json, Value, json};
use rocket::{Either, Request, get, routes};

struct Sample;

impl AuthHandler for Sample {
    async fn on_auth_success(&self, req: &Request<'_>, _: AuthSuccess) -> Result<Response> {
        Redirect::found("/").respond_to(req)
    }

    async fn on_auth_failed(&self, req: &Request<'_>, failure: AuthFailure) -> Result<Response> {
        (Status::BadRequest, failure.message()).respond_to(req)
    }
}

/// A 302, since the tests for these samples know 301 and 302 only.
#[get("/")]
async fn index(visit: Visit) -> Result<Either<Json<Value>, Redirect>> {
    let user_data = visit.user_data().await;
    match user_data.map_err(|_| Status::ServiceUnavailable)? {
        Some(user_data) => Ok(Either::Left(Json(json!(user_data.claims())))),
        None => match visit.login_url().await {
            Ok(url) => Ok(Either::Right(Redirect::found(url))),
            Err(_) => Err(Status::BadGateway),
        },
    }
}

#[rocket::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    demo_shared::log::start();
    let (config, address) = demo_shared::sample()?;
    let auth = MiraclAuth::new(Miracl::new(config)?, Sample);
    let figment = rocket::Config::figment().merge(("log_level", "off"));
    let listens = figment
        .merge(("address", address.0))
        .merge(("port", address.1));
    let greet = AdHoc::on_liftoff("Greeting", |rocket| {
        let config = rocket.config();
        println!("listening on http://{}:{}", config.address, config.port);
        Box::pin(async {})
    });
    let app = rocket::custom(listens).mount("/", routes![index]);
    let app = app.mount("/", auth.routes()).attach(auth.fairing());
    app.attach(greet).launch().await?;
    Ok(())
}
