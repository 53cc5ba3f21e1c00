//! On axum.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension, Router, ServiceExt,
    extract::Request,
    http::{HeaderValue, header::CACHE_CONTROL, request::Parts},
    response::{Response, Result},
    routing::get,
};
use miracl_axum::{AuthFailure, AuthHandler, AuthSuccess, MiraclAuth, RequestExt, reply};
use tokio::net::TcpListener;
use tower::{
    Layer, Service,
    layer::util::Identity,
    util::{MapRequestLayer, MapResponseLayer},
};

use crate::{Served, TEXT, engine, greet, stop, unknown};

#[tokio::main]
pub(crate) async fn serve(variant: &str) -> Served {
    let router = Router::new().route("/public", get(async || TEXT));
    let auth = || engine().map(|engine| MiraclAuth::new(engine, Hooks));
    match variant {
        "noop" => run(ready(router.layer(Identity::new()))).await,
        "slot" => {
            let router = Router::new().route("/public", get(reads));
            let leaving = MapRequestLayer::new(|mut request: Request| {
                request.extensions_mut().insert(Value::new(1));
                request
            });
            run(ready(router.layer(leaving))).await
        }
        "miracl" => run(ready(router.layer(auth()?.layer()))).await,
        "noop-around" => run(Identity::new().layer(ready(router))).await,
        "no-store-around" => {
            let no_store = MapResponseLayer::new(|mut response: Response| {
                let value = HeaderValue::from_static("no-store");
                response.headers_mut().insert(CACHE_CONTROL, value);
                response
            });
            run(no_store.layer(ready(router))).await
        }
        "miracl-around" => run(auth()?.wrap(router)).await,
        _ => Err(unknown(variant)),
    }
}

/// A router as `axum::serve` takes it. Without a state, axum would build the routes anew for each request.
fn ready(router: Router) -> Router {
    router.with_state(())
}

async fn run<S>(app: S) -> Served
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let stop = stop()?;
    greet(listener.local_addr()?);
    let app = ServiceExt::<Request>::into_make_service(app);
    Ok(axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?)
}

/// The value that a layer leaves for a handler.
type Value = Arc<u64>;

async fn reads(Extension(_): Extension<Value>) -> &'static str {
    TEXT
}

struct Hooks;

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, _: AuthSuccess) -> Result<Response> {
        Ok(Response::default())
    }

    async fn on_auth_failed(&self, req: &mut Parts, failure: AuthFailure) -> Result<Response> {
        Ok(reply(req.visit().failure_reply(&failure)))
    }
}
