//! On actix-web.

use std::{net::TcpListener, rc::Rc};

use actix_web::{
    App, Error, HttpMessage, HttpRequest, HttpResponse, HttpServer, Result,
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse},
    web::get,
};
use miracl_actix::{AuthFailure, AuthHandler, AuthSuccess, MiraclAuth, RequestExt, reply};

use crate::{Served, TEXT, engine, greet, stop, unknown};

/// The value that a layer leaves for a handler.
type Value = Rc<u64>;

#[actix_web::main]
pub(crate) async fn serve(variant: &str) -> Served {
    match variant {
        "noop" => {
            run(|| {
                let app = App::new().route("/public", get().to(public));
                app.wrap_fn(|request, inner| inner.call(request))
            })
            .await
        }
        "slot" => {
            run(|| {
                let app = App::new().route("/public", get().to(reads));
                app.wrap_fn(|request, inner| {
                    request.extensions_mut().insert(Value::new(1));
                    inner.call(request)
                })
            })
            .await
        }
        "miracl" => {
            let auth = MiraclAuth::new(engine()?, Hooks);
            run(move || {
                let app = App::new().route("/public", get().to(public));
                app.wrap(auth.layer())
            })
            .await
        }
        _ => Err(unknown(variant)),
    }
}

async fn run<T, B>(app: impl Fn() -> App<T> + Clone + Send + 'static) -> Served
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: actix_web::body::MessageBody + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = HttpServer::new(app).listen(listener)?.shutdown_timeout(5);
    let stop = stop()?;
    greet(address);
    Ok(server.shutdown_signal(stop).run().await?)
}

async fn public() -> &'static str {
    TEXT
}

async fn reads(request: HttpRequest) -> &'static str {
    match request.extensions().get::<Value>() {
        Some(_) => TEXT,
        None => "The layer left nothing.",
    }
}

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &HttpRequest, _: AuthSuccess) -> Result<HttpResponse> {
        Ok(HttpResponse::Ok().finish())
    }

    async fn on_auth_failed(&self, req: &HttpRequest, why: AuthFailure) -> Result<HttpResponse> {
        Ok(reply(req.visit().failure_reply(&why)))
    }
}
