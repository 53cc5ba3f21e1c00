//! Whether somebody is logged in whose callback belongs to no login under way: they went back after a login, reloaded
//! its address, or opened the tabs of yesterday.

use std::sync::Arc;

use url::form_urlencoded;

use crate::{
    error::login::FailureReason,
    exchange::Exchange,
    flow::{
        callback::response::{AuthorizationResponse, Callback},
        hook::{Address, LoggedIn},
        pending::STATE_LEN,
        user,
    },
};

/// Says whether this failure changed nothing for somebody who is logged in.
pub(super) async fn look(
    exchange: &Arc<Exchange>,
    reason: &FailureReason,
    callback: Callback<'_>,
) -> LoggedIn {
    let is_over = matches!(
        reason,
        FailureReason::StateUnknown
            | FailureReason::OtherHost { .. }
            | FailureReason::LoginExpired
            | FailureReason::LoginReplayed
    );
    if !is_over {
        return LoggedIn::No;
    }
    let engine = &exchange.engine;
    let response = AuthorizationResponse::parse(callback.parameters);
    let Some(response) = response.ok().filter(|one| one.is_plain(engine.provider())) else {
        return LoggedIn::No;
    };
    // A session that cannot be read is nobody's for this purpose: the page says what has failed.
    if let Ok(Some(_)) = user::user(exchange).await {
        return LoggedIn::Still;
    }
    let cookies = &engine.sessions.cookies;
    let posted = callback.posted && !cookies.has(exchange.header(), &cookies.session);
    match response.state {
        // No other can be one of ours.
        Some(state) if posted && state.len() == STATE_LEN => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("state", &state)
                .finish();
            let address = format!("{}?{query}", engine.site.callback_path);
            LoggedIn::SeeAt(Box::new(Address(address)))
        }
        _ => LoggedIn::No,
    }
}
