//! The app's own page of custom verification: the platform sends people here who want to register, the app makes sure
//! of them by its own means, and they go on to the address at which they register.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    error::trust::TrustError,
    exchange::Exchange,
    flow::{elsewhere, parameters::all_once, pending::cookies::pending_login, registration},
    trust::verification::VerificationOptions,
    web::{
        body::is_form,
        page::{Page, PageKind},
        reply::Reply,
        request::{RequestView, query},
    },
};

/// A request for the app's own verification page, as `on_verify_user` receives it.
///
/// Nothing in it is proven. A `GET` shows the page. A `POST` comes from the page's form, and from no other site.
///
/// ```
/// use miracl_core::app::trust::{Verification, VerificationRequest};
///
/// /// What a hook decides. `page` makes the app's page, `is_right` looks at the codes that it has sent.
/// async fn decide(
///     request: &VerificationRequest,
///     page: impl Fn(Option<&str>) -> String,
///     is_right: impl AsyncFn(&str, &str) -> bool,
/// ) -> Verification<String> {
///     if let (Some(user_id), Some(code)) = (request.user_id(), request.field("code"))
///         && is_right(user_id, code).await
///     {
///         return Verification::of(user_id);
///     }
///     Verification::Page(page(request.user_id()))
/// }
/// ```
///
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct VerificationRequest {
    query: Fields,
    /// `None` for a `GET`.
    form: Option<Fields>,
}

/// The fields of a query or a form, none of which stands twice.
type Fields = Map<String, Value>;

impl VerificationRequest {
    /// Returns whom this is about: `user_id` of the page's form or, where that has none, of the platform's link. A
    /// visitor can write anything here. It is never empty.
    pub fn user_id(&self) -> Option<&str> {
        self.field("user_id")
            .or_else(|| self.parameter("user_id"))
            .filter(|id| !id.is_empty())
    }

    /// Whether this comes from the form of the app's own page. Only then can somebody be verified.
    pub fn is_posted(&self) -> bool {
        self.form.is_some()
    }

    /// Returns a field of the page's form, such as the code that the person has typed. `None` for a `GET`: what a link
    /// says proves nothing.
    pub fn field(&self, name: &str) -> Option<&str> {
        text(self.form.as_ref()?, name)
    }

    /// Returns a parameter of the page's address, which is the platform's: beside `user_id` there is `access_id`, and
    /// of a login under way also `client_id`, `redirect_uri`, `scope`, `state` and `nonce`.
    ///
    /// Do not use `access_id` unless people may register for a login that another device shows: who sends a link can
    /// put the id of a login of their own into it, and a registration with it
    /// ([`VerificationOptions::access_id`]) ends that login.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        text(&self.query, name)
    }
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

impl fmt::Debug for VerificationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationRequest")
            .field("is_posted", &self.is_posted())
            .finish_non_exhaustive()
    }
}

/// What `on_verify_user` decides. `P` is the framework's response.
#[derive(Clone)]
#[non_exhaustive]
pub enum Verification<P> {
    /// The app has made sure that the person at the browser is this user. The browser is redirected to the platform,
    /// where the person chooses a PIN, and ends logged in. It counts for a `POST` only.
    Verified {
        /// Who they are, spelled as the platform spells it: an e-mail address in small letters. Count wrong codes and
        /// keep rights by that spelling. Another one is refused, because the platform would register somebody whom the
        /// app has not verified.
        user_id: String,
        /// What the registration is to be like. Without a `return_to`, the person comes back to where the login was
        /// going that brought them here.
        options: VerificationOptions,
    },
    /// Nobody is verified, and this page is shown: the form, for example, or what was wrong with it.
    Page(P),
}

impl<P> Verification<P> {
    /// The app has made sure that the person at the browser is this user.
    pub fn of(user_id: impl Into<String>) -> Self {
        Self::Verified {
            user_id: user_id.into(),
            options: VerificationOptions::default(),
        }
    }

    /// Makes another type of the page, such as the framework's response.
    pub fn map<Q>(self, page: impl FnOnce(P) -> Q) -> Verification<Q> {
        match self {
            Self::Verified { user_id, options } => Verification::Verified { user_id, options },
            Self::Page(made) => Verification::Page(page(made)),
        }
    }
}

impl<P> fmt::Debug for Verification<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified { .. } => "Verified { .. }",
            Self::Page(_) => "Page(..)",
        })
    }
}

/// Reads what the app's hook is to decide about, or answers in its place.
pub(crate) fn read(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    body: Option<&[u8]>,
) -> Result<VerificationRequest, Reply> {
    exchange.touch();
    if let Some(nothing) = exchange.changes_nothing_reply() {
        return Err(nothing);
    }
    let form = if request.method() == "POST" {
        // The adapter has checked it, and this route must not rest on that.
        elsewhere::check_origin(&exchange.engine, request)?;
        let form = body.filter(|_| is_form(request)).and_then(all_once);
        Some(form.ok_or_else(|| unreadable(exchange))?)
    } else {
        None
    };
    let query = all_once(query(request).as_bytes()).ok_or_else(|| unreadable(exchange))?;
    Ok(VerificationRequest { query, form })
}

/// Returns where a person goes whom the app has verified.
pub(crate) async fn conclude(
    exchange: &Arc<Exchange>,
    request: &VerificationRequest,
    user_id: &str,
    mut options: VerificationOptions,
) -> Reply {
    if !request.is_posted() {
        tracing::warn!(
            "`on_verify_user` returned `Verified` for a `GET`, and nobody is verified: a link that anybody can send \
             proves nothing. Let the page have a form"
        );
        return nobody_verified(exchange);
    }
    if options.return_to.is_none() {
        options.return_to = return_to(exchange, request).await;
    }
    match registration::verification_url(exchange, user_id, &options).await {
        Ok(url) => Reply::see_other(url),
        Err(error) => refused(exchange, &error),
    }
}

/// Returns where the login was going that brought the person here, if this browser began it.
async fn return_to(exchange: &Arc<Exchange>, request: &VerificationRequest) -> Option<String> {
    let state = request.parameter("state")?;
    let binding = exchange.engine.binding().await.ok()?;
    pending_login(exchange, state, &binding).map(|login| login.return_to)
}

/// The answer of an app that verifies nobody.
pub(crate) fn nobody_verified(exchange: &Exchange) -> Reply {
    let sentence = "Nobody can be verified here.";
    exchange.show(Page::new(
        PageKind::NotVerified,
        403,
        "Not verified",
        sentence,
    ))
}

fn unreadable(exchange: &Exchange) -> Reply {
    let sentence = "Your browser sent something that cannot be read. Please begin again.";
    exchange.show(Page::new(
        PageKind::Unreadable,
        400,
        "That cannot be read",
        sentence,
    ))
}

fn refused(exchange: &Exchange, error: &TrustError) -> Reply {
    let status = error.status();
    tracing::warn!(%error, advice = error.advice(), "a person whom the app has verified cannot register");
    let sentence = match status {
        500.. => "You cannot be registered at the moment. Please try again in a few minutes.",
        _ => "You cannot be registered with what you have entered.",
    };
    exchange.show(Page::new(
        PageKind::NotRegistered,
        status,
        "Not registered",
        sentence,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, CookieKey, Miracl, visit::Visit, web::request::tests::Request};

    const FORM: &str = "application/x-www-form-urlencoded";

    fn visit(request: &Request) -> Visit {
        let mut config = Config {
            issuer: "http://127.0.0.1:1".into(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            redirect_uri: "http://127.0.0.1/login".into(),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        };
        config.paths.verify_user = Some("/verify".to_owned());
        Miracl::new(config).unwrap().visit(request)
    }

    fn asked(request: &Request, body: &str) -> Option<VerificationRequest> {
        let visit = visit(request);
        let read = read(visit.exchange(), request, Some(body.as_bytes()));
        read.inspect_err(|reply| assert_eq!(reply.status, 400)).ok()
    }

    fn posted(path: &str) -> Request {
        Request::post(path).with("content-type", FORM)
    }

    #[test]
    fn a_form_says_more_than_the_address_and_a_link_has_no_fields() {
        let link = Request::get("/verify?user_id=ann&access_id=7&code=1");
        let request = asked(&link, "").unwrap();
        assert_eq!(request.user_id(), Some("ann"));
        assert_eq!(request.parameter("access_id"), Some("7"));
        assert_eq!((request.is_posted(), request.field("code")), (false, None));
        let form = posted("/verify?user_id=ann&code=1");
        let request = asked(&form, "user_id=b%26b&code=2").unwrap();
        assert_eq!(request.user_id(), Some("b&b"));
        assert_eq!(request.field("code"), Some("2"));
        let request = asked(&form, "").unwrap();
        assert_eq!(request.user_id(), Some("ann"));
        assert_eq!((request.is_posted(), request.field("code")), (true, None));
        let nobody = asked(&Request::get("/verify?user_id="), "").unwrap();
        assert_eq!(nobody.user_id(), None);
        assert!(!format!("{request:?}").contains("ann"));
    }

    #[test]
    fn what_stands_twice_or_is_no_form_is_refused() {
        assert!(asked(&posted("/verify"), "a=1&a=2").is_none());
        assert!(asked(&posted("/verify?a=1&a=2"), "b=1").is_none());
        let json = Request::post("/verify").with("content-type", "application/json");
        assert!(asked(&json, "{}").is_none());
    }

    #[tokio::test]
    async fn a_link_verifies_nobody_whatever_the_hook_says() {
        let link = Request::get("/verify?user_id=ann");
        let request = asked(&link, "").unwrap();
        let verified = Ok::<Verification<()>, ()>(Verification::of("ann"));
        let visit = visit(&link);
        let reply = visit.conclude_verification(&request, verified).await;
        assert_eq!(reply.unwrap_err().status, 403);
        assert!(visit.finish().set_cookies.is_empty());
        let page = Ok::<_, ()>(Verification::Page("page"));
        let page = visit.conclude_verification(&request, page).await;
        assert_eq!(page.unwrap(), Ok("page"));
        assert_eq!(visit.nobody_verified_reply().status, 403);
    }
}
