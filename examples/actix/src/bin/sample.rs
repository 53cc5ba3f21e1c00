//! MIRACL's sample, with actix-web: `/` sends a visitor to log in, and tells a user what the provider says of them.

use std::error::Error;

use actix_web::http::header::LOCATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Result, web};
use miracl_actix::{AuthFailure, AuthHandler, AuthSuccess, Miracl, MiraclAuth, Visit};

struct Sample;

impl AuthHandler for Sample {
    async fn on_auth_success(&self, _: &HttpRequest, _: AuthSuccess) -> Result<HttpResponse> {
        Ok(found("/"))
    }

    async fn on_auth_failed(&self, _: &HttpRequest, failure: AuthFailure) -> Result<HttpResponse> {
        Ok(HttpResponse::BadRequest().body(failure.message()))
    }
}

/// A 302, since the tests for these samples know 301 and 302 only.
fn found(to: &str) -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, to)).finish()
}

async fn index(visit: Visit) -> HttpResponse {
    match visit.user_data().await {
        Ok(Some(user_data)) => HttpResponse::Ok().json(user_data.claims()),
        Ok(None) => match visit.login_url().await {
            Ok(url) => found(&url),
            Err(failure) => HttpResponse::BadGateway().body(failure.message()),
        },
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    demo_shared::log::start();
    let (config, address) = demo_shared::sample()?;
    let auth = MiraclAuth::new(Miracl::new(config)?, Sample);
    let app = move || {
        App::new()
            .route("/", web::get().to(index))
            .configure(auth.routes())
            .wrap(auth.layer())
    };
    let server = HttpServer::new(app).bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    Ok(server.run().await?)
}
