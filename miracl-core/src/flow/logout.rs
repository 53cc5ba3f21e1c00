//! Logging out: here first, then at the provider (OpenID Connect RP-Initiated Logout 1.0).

mod onward;

use std::{sync::Arc, time::Duration};

use base64_simd::URL_SAFE_NO_PAD;
use url::Url;

use crate::{
    base::random::random,
    engine::Engine,
    error::{session::SessionError, store::StoreError},
    exchange::Exchange,
    flow::{
        answer::Answer, challenge, elsewhere, hook::LogoutKind, pending::cookies::drop_page_logins,
        user,
    },
    provider::metadata::ProviderMetadata,
    session::{data::SessionData, end::EndedBy, ended::until::Until},
    store::sessions::IndexKey,
    web::{
        client::Client,
        page::{Page, PageKind},
        reply::Reply,
        request::RequestView,
    },
};

/// How long a log-out waits for the provider's metadata, if it is not known yet. The session here has ended by then.
const METADATA_WAIT: Duration = Duration::from_secs(2);

/// The longest URL at the provider that a browser is sent to, in bytes. By default nginx and Apache accept 8 KB for the
/// request line, and Tomcat for the whole head, in which the provider's own cookies need room.
const MAX_ADDRESS: usize = 4096;

/// What a log-out has done.
pub(crate) struct LoggedOut {
    /// Whether a session was there, and has ended.
    ended: bool,
    /// The URL at which the provider ends its own session, if it has one.
    pub(crate) provider: Option<String>,
}

/// Ends the session here, if there is one. The person may be logged in at the provider in any case.
pub(crate) async fn logout(exchange: &Arc<Exchange>) -> Result<LoggedOut, SessionError> {
    end_here(exchange, EndedBy::LogOut).await
}

async fn end_here(exchange: &Arc<Exchange>, by: EndedBy) -> Result<LoggedOut, SessionError> {
    let known = user::user(exchange).await?.is_some();
    // A prefetch ends nothing.
    let ended = known && !exchange.changes_nothing();
    let data = match known {
        true => exchange.data().await?,
        false => exchange.remains().await,
    };
    if ended {
        exchange.end_session(by).await?;
        tracing::debug!("a session was ended by log-out");
    }
    if !exchange.changes_nothing()
        && let Ok(binding) = exchange.binding().await
    {
        drop_page_logins(exchange, &binding);
    }
    exchange.person_changed();
    let engine = &exchange.engine;
    let metadata = match engine.provider().known_metadata() {
        Some(known) => Some(known),
        None => {
            let asked = engine.provider().metadata();
            tokio::time::timeout(METADATA_WAIT, asked)
                .await
                .ok()
                .and_then(Result::ok)
        }
    };
    let provider =
        metadata.and_then(|metadata| end_session_url(engine, &metadata, data.as_deref()));
    Ok(LoggedOut { ended, provider })
}

/// Ends this session and every other one of the same person at this app, as [`logout`] does with this one.
pub(crate) async fn logout_everywhere(exchange: &Arc<Exchange>) -> Result<LoggedOut, SessionError> {
    let Some(user) = user::user(exchange).await? else {
        return logout(exchange).await;
    };
    if exchange.changes_nothing() {
        return logout(exchange).await;
    }
    // The other sessions first: if that fails, the person is still logged in here and can try again.
    let engine = &exchange.engine;
    let (shared, person) = (Arc::clone(engine), user.0.marked_by.subject);
    let end = async move { end_person(&shared, person).await };
    let ended = engine.to_its_end(end).await.flatten();
    ended.map_err(SessionError::Store)?;
    end_here(exchange, EndedBy::LogOutEverywhere).await
}

/// Answers the log-out route. `GET` asks whether to log out, since any page can make a browser send a `GET`; `POST`
/// logs out and leads to the provider, or to the home path.
pub(crate) async fn log_out(exchange: &Arc<Exchange>, request: &impl RequestView) -> Answer {
    let engine = &exchange.engine;
    let client = Client::of(request);
    exchange.touch();
    // Turbo shows what it has prefetched: that may be the page that asks, and not one that leads on.
    if exchange.is_prefetch() && (client != Client::Turbo || onward::leads_on(request)) {
        return Answer::Reply(Reply::too_early());
    }
    if let Err(refused) = elsewhere::check_origin(engine, request) {
        return Answer::Reply(refused);
    }
    let unreadable = |error: &SessionError| {
        tracing::error!(%error, "log-out failed");
        Answer::Reply(challenge::unavailable(engine, request))
    };
    if request.method() == "POST" {
        return match logout(exchange).await {
            Ok(out) => {
                let reply = onward::lead_on(engine, request, client, out.provider);
                match out.ended {
                    true => Answer::LoggedOut(LogoutKind::User, reply),
                    false => Answer::Reply(reply),
                }
            }
            Err(error) => unreadable(&error),
        };
    }
    if let Some(reply) = onward::lead_on_from_here(engine, request, client) {
        return Answer::Reply(reply);
    }
    match user::user(exchange).await {
        Ok(Some(_)) => Answer::Reply(logout_page(engine, request)),
        Ok(None) => Answer::Reply(Reply::see_other(engine.site.home_url())),
        Err(error) => unreadable(&error),
    }
}

/// Returns the page that asks whether to log out.
fn logout_page(engine: &Engine, request: &impl RequestView) -> Reply {
    let sentence = "You are about to log out.";
    let page = Page::new(PageKind::LogoutQuestion, 200, "Log out?", sentence)
        .button("Log out", engine.site.logout())
        .link("Stay logged in", engine.site.home_url());
    engine.show(request, page)
}

/// Answers the route that the provider sends the browser back to after log-out: a redirect to the home path. The
/// `state` is not checked, because nothing depends on it.
pub(crate) fn signed_out(exchange: &Exchange) -> Reply {
    if exchange.is_prefetch() {
        return Reply::too_early();
    }
    let home = exchange.engine.site.home_url();
    Reply::see_other(home).with("cache-control", "no-store")
}

/// Ends every session that a person has by now, by this app's clock.
async fn end_person(engine: &Engine, person: IndexKey) -> Result<(), StoreError> {
    let until = Until::by_clock(engine.now_ms());
    let marks = &engine.sessions.marks;
    marks
        .end_subject(person, until, EndedBy::LogOutEverywhere)
        .await?;
    match engine.sessions.store() {
        Some(store) => store.delete_by_subject(&person).await.map(drop),
        None => Ok(()),
    }
}

/// Returns the URL of the provider's log-out (§2), if the provider has one.
fn end_session_url(
    engine: &Engine,
    metadata: &ProviderMetadata,
    data: Option<&SessionData>,
) -> Option<String> {
    let mut url = Url::parse(metadata.end_session_endpoint.as_ref()?).ok()?;
    // Parameters in the endpoint's own query stay.
    if let Some(client_id) = engine.provider().client.known_id() {
        url.query_pairs_mut().append_pair("client_id", client_id);
    }
    if let Some(uri) = &engine.config.post_logout_redirect_uri {
        let state = URL_SAFE_NO_PAD.encode_to_string(random::<16>());
        url.query_pairs_mut()
            .append_pair("post_logout_redirect_uri", uri)
            .append_pair("state", &state);
    }
    for (name, value) in &engine.config.end_session_parameters {
        url.query_pairs_mut().append_pair(name, value);
    }
    if let Some(hint) = data.and_then(SessionData::whole_id_token) {
        // RECOMMENDED (RP-Initiated Logout 1.0 §2), so it may be left out. Without it a provider may ask the person.
        let hint = hint.expose();
        if url.as_str().len() + "&id_token_hint=".len() + hint.len() <= MAX_ADDRESS {
            url.query_pairs_mut().append_pair("id_token_hint", hint);
        } else {
            tracing::debug!(
                bytes = hint.len(),
                "the ID token is too long for an address; the provider is sent to without it"
            );
        }
    }
    Some(url.into())
}

#[cfg(test)]
mod tests;
