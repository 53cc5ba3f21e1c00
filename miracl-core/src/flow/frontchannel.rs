//! Log-out by the provider's page, which loads this app's page in a frame (OpenID Connect Front-Channel Logout 1.0).

use std::sync::Arc;

use url::{Url, form_urlencoded};

use crate::{
    engine::Engine,
    error::store::StoreError,
    exchange::Exchange,
    flow::{answer::Answer, challenge::HOME, hook::LogoutKind, user},
    provider::metadata::ProviderMetadata,
    session::{end::EndedBy, ended::until::Until, marked_by::index_key},
    store::sessions::IndexKey,
    web::{
        page::{Page, PageKind},
        reply::Reply,
        request::RequestView,
    },
};

/// Answers the front channel: 200, whether a session ended or not (§2).
///
/// The request proves nothing, and browsers send no cookie of this app with it, because the frame is in another site's
/// page. So a session ends here only if `iss` and `sid` name it. A session without a `sid` ends only if its cookie came
/// along, and into a frame.
///
/// Anybody who knows a `sid` can send it from anywhere, with a program too. So a session that is named correctly ends
/// wherever the request is loaded: demanding a frame would protect nobody, and some providers load none.
pub(crate) async fn frontchannel_logout(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    query: &str,
) -> Answer {
    exchange.touch();
    if exchange.is_prefetch() {
        return Answer::Reply(Reply::too_early());
    }
    let is_framed = is_framed(request);
    let engine = &exchange.engine;
    let metadata = engine.provider().known_metadata();
    let page = frame(engine, request, metadata.as_deref());
    if exchange.changes_nothing() {
        return Answer::Reply(page);
    }
    let [iss, sid] = parameters(query);
    let iss = match iss {
        Parameter::Once(iss) if engine.provider().has_issuer(&iss) => Some(iss),
        Parameter::Missing => None,
        _ => return Answer::Reply(page),
    };
    let user = user::user(exchange).await.ok().flatten();
    let here = user.as_ref().map(|user| &*user.0);
    let ends_here = match (&iss, &sid, here) {
        (Some(iss), Parameter::Once(sid), session) => {
            let mark = index_key("sid", iss, sid);
            let is_this = session.is_some_and(|session| session.marked_by.sid == Some(mark));
            let shared = Arc::clone(engine);
            let end = async move { end_sid_unproven(&shared, mark, is_this).await };
            if let Err(error) = engine.to_its_end(end).await.flatten() {
                tracing::error!(%error, "front-channel log-out left a session alive");
            }
            is_this
        }
        (_, Parameter::Missing, Some(session)) => {
            is_framed
                && session.marked_by.sid.is_none()
                && iss.is_none_or(|iss| iss == session.person.issuer())
        }
        _ => false,
    };
    if ends_here {
        if let Err(error) = exchange.end_session(EndedBy::FrontChannel).await {
            tracing::error!(%error, "front-channel log-out left a session alive");
        }
        return Answer::LoggedOut(LogoutKind::FrontChannel, page);
    }
    Answer::Reply(page)
}

/// Ends the sessions of a `sid` by a request that proves nothing. `is_real` says that such a session was there.
async fn end_sid_unproven(engine: &Engine, sid: IndexKey, is_real: bool) -> Result<(), StoreError> {
    let until = Until::by_clock(engine.now_ms());
    let deleted = engine.sessions.end_stored_sid(sid).await?;
    let is_real = is_real || deleted > 0;
    if engine
        .sessions
        .marks
        .end_sid_unproven(sid, until, is_real)
        .await?
    {
        // A login may have stored a session meanwhile; later ones find the mark.
        engine.sessions.end_stored_sid(sid).await?;
    }
    Ok(())
}

/// Whether a browser loads this into a frame of a page (Fetch Metadata, `Sec-Fetch-Dest`). Old browsers do not send the
/// header, and no browser sends it to another machine without TLS.
fn is_framed(request: &impl RequestView) -> bool {
    // A header that is sent twice must be right both times.
    let mut destinations = request.header_values("sec-fetch-dest").peekable();
    destinations.peek().is_some() && destinations.all(|to| matches!(to, b"iframe" | b"frame"))
}

/// A parameter of the query.
enum Parameter {
    Missing,
    Once(String),
    Repeated,
}

/// Reads `iss` and `sid`.
fn parameters(query: &str) -> [Parameter; 2] {
    ["iss", "sid"].map(|wanted| {
        let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
        match (found.next(), found.next()) {
            (None, _) => Parameter::Missing,
            (Some((_, value)), None) => Parameter::Once(value.into_owned()),
            (Some(_), Some(_)) => Parameter::Repeated,
        }
    })
}

/// Returns the page of the route, which only the provider's pages may frame.
fn frame(
    engine: &Engine,
    request: &impl RequestView,
    metadata: Option<&ProviderMetadata>,
) -> Reply {
    let mut origins: Vec<String> = Vec::new();
    let end_session = metadata.and_then(|metadata| metadata.end_session_endpoint.as_deref());
    for url in [Some(engine.config.issuer.as_str()), end_session] {
        let origin = url.and_then(|url| Url::parse(url).ok());
        let origin = origin.filter(Url::has_host);
        let origin = origin.map(|url| url.origin().ascii_serialization());
        origins.extend(origin.filter(|origin| !origins.contains(origin)));
    }
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors {}",
        origins.join(" ")
    );
    // The same words whether a session ended or not: the request proves nothing, and its sender may read them.
    let sentence = "If the login service has logged you out, you are logged out here as well.";
    let page = Page::new(PageKind::ProviderLogout, 200, "Log-out", sentence);
    engine
        .show(request, page.link(HOME, engine.site.home_url()))
        .replacing("content-security-policy", policy)
        .with("cache-control", "no-store")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::request::tests::Request;

    #[test]
    fn a_request_is_a_frames_where_every_header_says_so() {
        for (destinations, framed) in [
            (&["iframe"][..], true),
            (&["frame"], true),
            (&["iframe", "iframe"], true),
            (&[], false),
            (&[""], false),
            (&["document"], false),
            (&["object"], false),
            (&["iframe", "document"], false),
            (&["document", "iframe"], false),
            (&["iframe, document"], false),
            (&["fencedframe"], false),
        ] {
            let request = destinations.iter().fold(Request::get("/"), |request, to| {
                request.with("sec-fetch-dest", to)
            });
            assert_eq!(is_framed(&request), framed, "{destinations:?}");
        }
    }
}
