//! The answer to a request that is turned away: the app's own, or the engine's.

use miracl_core::adapter::Refused;
use rocket::Request;

use crate::reply::{Response, reply};

type OnRefused = dyn Fn(&Request<'_>, &Refused) -> Option<Response> + Send + Sync;

/// The app's hook, where the engine keeps it. It holds the app weakly, because that may hold the engine.
pub(crate) struct Hooks(Box<OnRefused>);

impl Hooks {
    pub(crate) fn new(
        on_refused: impl Fn(&Request<'_>, &Refused) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(on_refused))
    }
}

/// Asks the app for an answer of its own, and else takes the engine's.
pub(crate) fn answer(req: &Request<'_>, refused: Refused) -> Response {
    let hooks = refused.hooks::<Hooks>();
    let own = hooks.and_then(|hooks| (hooks.0)(req, &refused));
    own.unwrap_or_else(|| reply(refused.into_reply()))
}
