//! The answer to a request that is turned away: the app's own, or the engine's.

use std::sync::Weak;

use actix_web::{HttpRequest, HttpResponse as Response};
use miracl_core::adapter::Refused;

use crate::{handler::ErasedHandler, reply::reply};

/// The app's hooks, where the engine keeps them: weakly, because the app may hold the engine.
pub(crate) struct Hooks(pub(crate) Weak<dyn ErasedHandler>);

/// Asks the app for an answer of its own, and else takes the engine's.
pub(crate) fn answer(req: &HttpRequest, refused: Refused) -> Response {
    let hooks = refused.hooks::<Hooks>();
    let handler = hooks.and_then(|hooks| hooks.0.upgrade());
    let own = handler.and_then(|handler| handler.on_refused(req, &refused));
    own.unwrap_or_else(|| reply(refused.into_reply()))
}
