//! Logging out: here first, then at the provider (OpenID Connect RP-Initiated Logout 1.0).

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use url::Url;

use crate::{
    base::random::random,
    error::{session::SessionError, store::StoreError},
    flow::{answer::Answer, hook::LogoutKind},
    miracl::{Engine, Miracl},
    provider::metadata::ProviderMetadata,
    session::{data::SessionData, ended::Until, marked_by::NameMark},
    store::sessions::IndexKey,
    visit::Visit,
    web::{
        reply::{Reply, escape},
        request::RequestView,
    },
};

/// How long a log-out waits for the provider's metadata, if that is not known yet. The session here is dead by then.
const METADATA_WAIT: Duration = Duration::from_secs(2);

/// The longest address that a browser is sent to at the provider's, in bytes. nginx and Apache take 8 KB for the line
/// of a request by default, and Tomcat for all of its head, in which the provider's own cookies need room.
const MAX_ADDRESS: usize = 4096;

impl Visit {
    /// Ends the session here, and returns the URL at which the provider ends its own, if it has one.
    ///
    /// When this returns, the cookies are set to be deleted and the session is marked as ended: a copy of its cookie
    /// is worth nothing. What can go wrong at the provider comes afterwards. Nobody logged in is no error.
    ///
    /// The URL carries `id_token_hint`, `client_id`, `post_logout_redirect_uri` (if
    /// [configured](crate::Config::post_logout_redirect_uri)) and a `state` (RP-Initiated Logout 1.0 §2), and the app's
    /// own [`end_session_parameters`](crate::Config::end_session_parameters). An ID token that would make it longer
    /// than 4 KB is left out.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the session cannot be read.
    pub async fn logout(&self) -> Result<Option<String>, SessionError> {
        if self.user().await?.is_none() {
            return Ok(None);
        }
        let data = self.data().await?;
        self.end_session().await?;
        tracing::debug!("a session was ended by log-out");
        let engine = self.miracl().engine();
        let metadata = match engine.discovery.known() {
            Some(known) => Some(known),
            None => {
                let asked = engine.discovery.metadata(&engine.http);
                tokio::time::timeout(METADATA_WAIT, asked)
                    .await
                    .ok()
                    .and_then(Result::ok)
            }
        };
        Ok(metadata.and_then(|metadata| end_session_url(engine, &metadata, data.as_deref())))
    }

    /// Ends this session and every other of the same person at this app, wherever they are, and returns the URL at which the
    /// provider ends its own, as [`logout`](Self::logout) does.
    ///
    /// Nobody logged in is no error. A login after it makes a session that lives; [`end_other_sessions`](Self::end_other_sessions)
    /// leaves this one.
    ///
    /// # Errors
    ///
    /// As [`logout`](Self::logout).
    pub async fn logout_everywhere(&self) -> Result<Option<String>, SessionError> {
        let Some(user) = self.user().await? else {
            return Ok(None);
        };
        if self.changes_nothing() {
            return self.logout().await;
        }
        // The others first: whoever is told that it failed is still logged in, and can try again.
        let engine = self.miracl().engine();
        let (miracl, person) = (self.miracl().clone(), user.0.marked_by.subject);
        let end = async move { miracl.engine().end_person(person).await };
        let ended = engine.to_its_end(end).await.flatten();
        ended.map_err(SessionError::Store)?;
        self.logout().await
    }

    /// Answers the log-out route. `GET` asks whether to log out, since any page can make a browser send a `GET`; `POST`
    /// logs out and goes on to the provider, or home.
    pub(crate) async fn log_out(&self, request: &impl RequestView) -> Answer {
        let miracl = self.miracl();
        if let Err(refused) = miracl.check_origin(request) {
            return Answer::Reply(refused);
        }
        let home = || Reply::see_other(miracl.home_url());
        let unreadable = |error: &SessionError| {
            tracing::error!(%error, "log-out failed");
            Answer::Reply(miracl.unavailable(request))
        };
        match self.user().await {
            Ok(Some(_)) if request.method() != "POST" => Answer::Reply(miracl.logout_page()),
            Ok(Some(_)) => match self.logout().await {
                Ok(provider) => {
                    let next = provider.map_or_else(home, Reply::see_other);
                    Answer::LoggedOut(LogoutKind::User, next)
                }
                Err(error) => unreadable(&error),
            },
            Ok(None) => Answer::Reply(home()),
            Err(error) => unreadable(&error),
        }
    }
}

impl Miracl {
    fn logout_page(&self) -> Reply {
        let form = format!(
            "<form method=\"post\" action=\"{}\"><button>Log out</button> <a href=\"{}\">Stay logged in</a></form>\n",
            escape(&self.engine().config.paths.logout),
            escape(&self.home_url())
        );
        Reply::page(200, "Log out?", "You are about to log out.", &form)
    }

    /// The page the provider sends the browser back to after log-out: on to the home path, whatever the `state` says.
    pub(crate) fn signed_out(&self) -> Reply {
        Reply::see_other(self.home_url()).with("cache-control", "no-store")
    }
}

impl Engine {
    /// Ends every session of a person up to now, on our own clock.
    async fn end_person(&self, person: NameMark) -> Result<(), StoreError> {
        let until = Until::by_clock(self.config.clock.now_ms());
        self.marks.end_subject(person, until).await?;
        match self.store() {
            Some(store) => store.delete_by_subject(&IndexKey(person)).await.map(drop),
            None => Ok(()),
        }
    }
}

fn end_session_url(
    engine: &Engine,
    metadata: &ProviderMetadata,
    data: Option<&SessionData>,
) -> Option<String> {
    let mut url = Url::parse(metadata.end_session_endpoint.as_ref()?).ok()?;
    // What the endpoint's own query has stays.
    if let Some(client_id) = engine.credentials.known_client_id() {
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
    if let Some(data) = data {
        // RECOMMENDED (RP-Initiated Logout 1.0 §2), so it may be missing. Without it a provider may ask the person.
        let hint = data.tokens.id_token.expose();
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
