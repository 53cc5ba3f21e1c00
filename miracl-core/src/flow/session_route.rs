//! What a front end asks: whether somebody is logged in, who, and for how long.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    base::claim_name::find,
    engine::Engine,
    error::session::SessionError,
    exchange::Exchange,
    flow::{challenge, elsewhere, login::login_start_url, options::LoginOptions, refresh, user},
    session::identity::Session,
    web::{reply::Reply, request::RequestView},
};

/// Tells whether somebody is logged in. That is no activity of the person: pages ask again and again.
pub(crate) async fn answer(exchange: &Arc<Exchange>, request: &impl RequestView) -> Reply {
    exchange.without_activity();
    told(exchange, request, state(exchange).await)
}

/// Counts as activity of the person, which moves the idle deadline, and renews the tokens if that is due. Then tells
/// the same.
pub(crate) async fn answer_refresh(exchange: &Arc<Exchange>, request: &impl RequestView) -> Reply {
    exchange.touch();
    if let Some(nothing) = exchange.changes_nothing_reply() {
        return nothing;
    }
    // The adapter has checked it, and this route must not rest on that.
    if let Err(refused) = elsewhere::check_origin(&exchange.engine, request) {
        return refused;
    }
    let refreshed = async {
        refresh::tokens(exchange).await?;
        state(exchange).await
    };
    told(exchange, request, refreshed.await)
}

fn told(
    exchange: &Exchange,
    request: &impl RequestView,
    state: Result<Value, SessionError>,
) -> Reply {
    exchange.touch();
    match state {
        Ok(state) => Reply::json(200, &state).with("cache-control", "no-store"),
        Err(error) => {
            tracing::error!(%error, "a front end cannot be told who is logged in");
            challenge::unavailable(&exchange.engine, request)
        }
    }
}

async fn state(exchange: &Arc<Exchange>) -> Result<Value, SessionError> {
    let engine = &exchange.engine;
    let login = login_start_url(engine, &LoginOptions::default());
    let Some(user) = user::user(exchange).await? else {
        return Ok(json!({ "logged_in": false, "login_url": login }));
    };
    let shown = &engine.config.session_shows;
    let known = match shown.is_empty() {
        true => None,
        false => user::user_data(exchange).await?,
    };
    let claims: Map<String, Value> = known.map_or_else(Map::new, |known| {
        let claim = |name: &String| Some((name.clone(), find(known.claims(), name)?.clone()));
        shown.iter().filter_map(claim).collect()
    });
    Ok(json!({
        "logged_in": true,
        "claims": claims,
        "expires_in": seconds_left(engine, &user.0),
        "login_url": login,
        "logout_url": engine.site.logout(),
    }))
}

/// How long the session lives if nobody asks for it again, in seconds.
fn seconds_left(engine: &Engine, session: &Session) -> u64 {
    let timeouts = engine.sessions.timeouts;
    let idle = session.seen.saturating_add(timeouts.idle);
    idle.min(session.ends(timeouts))
        .saturating_sub(engine.now())
}
