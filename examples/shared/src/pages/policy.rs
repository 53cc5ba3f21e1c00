//! What a page may load and run: its `Content-Security-Policy`.

use url::Url;

use super::LoginScript;

const COMMON: &str =
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'self'";

/// Allows what a front end of the app's own uses: scripts of the app alone, which speak to the app and to the platform.
pub(super) fn policy_of_front_end(issuer: &str) -> String {
    let platform = origin(issuer);
    format!("{COMMON}; img-src data:; script-src 'self'; connect-src 'self' {platform}")
}

/// Allows what the pages use and nothing else.
///
/// `form-action` is left out on purpose: the answer to the log-out form is a redirect to the provider, and browsers
/// apply `form-action` to that redirect too, and to every further one.
pub(super) fn content_security_policy(issuer: &str, script: Option<&LoginScript>) -> String {
    let common = COMMON;
    let Some(script) = script else {
        return format!("{common}; img-src data:");
    };
    // It is unknown what a script from elsewhere draws its button with.
    let inline = match script {
        LoginScript::Platform(_) => "",
        LoginScript::ThirdParty(_) => " 'unsafe-inline'",
    };
    // A script may open the login in a frame over the page: `/login/start`, which leads to the provider.
    let (script, issuer) = (origin(script.url()), origin(issuer));
    let both = if script == issuer {
        script.clone()
    } else {
        format!("{script} {issuer}")
    };
    format!(
        "{common}{inline} {script}; img-src data: {script}; script-src {script}; connect-src {both}; \
         frame-src 'self' {both}"
    )
}

fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(
        |_| "'self'".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

#[cfg(test)]
mod tests {
    use crate::pages::{LoginScript, Pages};

    const ISSUER: &str = "https://project.example";

    #[test]
    fn no_page_may_be_framed_and_only_the_script_in_use_may_run() {
        let policy = |script| {
            let page = Pages::new("axum", ISSUER, script).not_found(None);
            assert_eq!(page.status, 404);
            let (_, policy) = page
                .headers
                .into_iter()
                .find(|(name, _)| *name == "content-security-policy")
                .unwrap();
            policy
        };
        let none = policy(None);
        assert!(
            none.contains("frame-ancestors 'none'") && !none.contains("script-src"),
            "{none}"
        );
        let some = policy(Some(LoginScript::Platform(
            "http://127.0.0.1:5050/mpad.js".into(),
        )));
        assert!(some.contains("frame-ancestors 'none'"), "{some}");
        assert!(some.contains("script-src http://127.0.0.1:5050;"), "{some}");
        assert!(
            some.contains("frame-src 'self' http://127.0.0.1:5050 https://project.example"),
            "{some}"
        );
        assert!(!some.contains("unsafe-inline"), "{some}");
    }
}
