//! Who is logged in, and what is known about the person.

use std::{sync::Arc, task::Poll};

use crate::{
    config::options::Renewal,
    error::session::SessionError,
    exchange::Exchange,
    flow::refresh,
    provider::user_data::UserData,
    session::{data::SessionData, identity::User},
};

/// Returns who is logged in; `None` when nobody is.
pub(crate) async fn user(exchange: &Arc<Exchange>) -> Result<Option<User>, SessionError> {
    if exchange.engine.config.renewal == Renewal::Eager {
        // Boxed, so that the future of requests that never come here stays small.
        Box::pin(refresh::tokens(exchange)).await?;
    }
    Ok(exchange.session().await?.map(User))
}

/// Returns who is logged in, if that is known without waiting.
pub(crate) fn user_at_once(exchange: &Exchange) -> Poll<Option<User>> {
    if exchange.engine.config.renewal == Renewal::Eager {
        return Poll::Pending;
    }
    exchange.session_at_once().map(|session| session.map(User))
}

/// Returns everything the provider said about the person who is logged in; `None` when nobody is.
pub(crate) async fn user_data(exchange: &Exchange) -> Result<Option<UserData>, SessionError> {
    Ok(exchange.data().await?.map(|data| UserData::from(&*data)))
}

/// Forgets what userinfo said about the person, and keeps them logged in.
pub(crate) async fn clear_user_info(exchange: &Arc<Exchange>) -> Result<(), SessionError> {
    let cleared = |data: &SessionData| Some(data.with_userinfo(serde_json::Map::new()));
    exchange.change_data(cleared).await
}
