//! Makes an app out of what was typed.

use url::Url;

use super::form::{Form, MAX_ADDRESS};
use crate::algorithm::SigningAlgorithm;
use crate::app_settings;
use crate::client::{Client, check_redirect_uri};
use crate::{backchannel, frontchannel};

/// How many addresses of one kind an app may have.
const MAX_URIS: usize = 20;

/// What the path of the first callback ends with.
const CALLBACK: &str = "login";

/// Returns a form with the settings of a new app.
pub(super) fn empty() -> Form {
    Form::default()
        .with_box("browser_login", true)
        .with_box("qr_login", true)
}

/// Returns a form with the settings of an app.
pub(super) fn of(app: &Client) -> Form {
    let first = app.base_url.as_deref().and_then(callback);
    let others = app.redirect_uris.iter();
    let others = others.filter(|uri| first.as_ref() != Some(uri)).cloned();
    Form::default()
        .with("name", &app.name)
        .with("base_url", app.base_url.as_deref().unwrap_or_default())
        .with("redirect_uris", others.collect::<Vec<_>>().join("\n"))
        .with(
            "post_logout_redirect_uris",
            app.post_logout_redirect_uris.join("\n"),
        )
        .with(
            "backchannel_logout_uri",
            app.backchannel_logout_uri.as_deref().unwrap_or_default(),
        )
        .with(
            "frontchannel_logout_uri",
            app.frontchannel_logout_uri.as_deref().unwrap_or_default(),
        )
        .with(
            "id_token_signed_response_alg",
            app.id_token_signed_response_alg.as_str(),
        )
        .with_box("browser_login", app.browser_login)
        .with_box("qr_login", app.qr_login)
}

/// Returns an app with the settings of a form. What a form does not have stays as it is in `app`. If the form is wrong,
/// it says so, and the result must not be used.
pub(super) fn read(form: &mut Form, app: Client) -> Client {
    let name = form.name("name");
    let base_url = form.page("base_url").and_then(|url| base(form, &url));
    let mut redirect_uris: Vec<String> =
        base_url.as_deref().and_then(callback).into_iter().collect();
    redirect_uris.extend(addresses(form, "redirect_uris"));
    let mut seen = Vec::new();
    redirect_uris.retain(|uri| {
        !seen.contains(uri) && {
            seen.push(uri.clone());
            true
        }
    });
    if redirect_uris.is_empty() {
        let problem = "Enter where your app is, such as http://127.0.0.1:5000.";
        form.complain("base_url", problem);
    }
    let mut after_log_out = addresses(form, "post_logout_redirect_uris");
    if after_log_out.is_empty() {
        let first = redirect_uris.first();
        after_log_out.extend(first.and_then(|uri| app_settings::beside(uri, "signed-out")));
    }
    let back = form.page("backchannel_logout_uri").map(String::from);
    if let Some(Err(problem)) = back.as_deref().map(backchannel::check_uri) {
        form.complain("backchannel_logout_uri", sentence(&problem));
    }
    let front = form.page("frontchannel_logout_uri").map(String::from);
    let checked = front
        .as_deref()
        .map(|uri| frontchannel::check_uri(uri, &redirect_uris));
    if let Some(Err(problem)) = checked {
        form.complain("frontchannel_logout_uri", sentence(&problem));
    }
    let (browser_login, qr_login) = (form.is_on("browser_login"), form.is_on("qr_login"));
    if !browser_login && !qr_login {
        form.complain("login_methods", "Choose at least one way to log in.");
    }
    let algorithm = match form.optional("id_token_signed_response_alg") {
        None => Some(app.id_token_signed_response_alg),
        Some(name) => SigningAlgorithm::parse(&name),
    };
    if algorithm.is_none() {
        form.complain(
            "id_token_signed_response_alg",
            "Choose one of the algorithms.",
        );
    }
    Client {
        name,
        base_url,
        redirect_uris,
        post_logout_redirect_uris: after_log_out,
        backchannel_logout_uri: back,
        frontchannel_logout_uri: front,
        browser_login,
        qr_login,
        id_token_signed_response_alg: algorithm.unwrap_or_default(),
        ..app
    }
}

/// Checks the address of an app, and returns it without a slash at its end.
fn base(form: &mut Form, url: &Url) -> Option<String> {
    if url.query().is_some() {
        form.complain("base_url", "The address must not have a query (?…).");
        return None;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// Returns the callback of an app at a base URL.
fn callback(base_url: &str) -> Option<String> {
    let url = format!("{}/{CALLBACK}", base_url.trim_end_matches('/'));
    check_redirect_uri(&url).is_ok().then_some(url)
}

/// Reads addresses that a browser may be sent to.
fn addresses(form: &mut Form, name: &'static str) -> Vec<String> {
    let uris = form.lines(name);
    let long = uris.iter().any(|uri| uri.len() > MAX_ADDRESS);
    let problem = if uris.len() > MAX_URIS {
        format!("These are more than {MAX_URIS} addresses.")
    } else if long {
        format!("An address has more than {MAX_ADDRESS} characters.")
    } else {
        match uris.iter().find_map(|uri| check_redirect_uri(uri).err()) {
            Some(problem) => sentence(&problem),
            None => return uris,
        }
    };
    form.complain(name, problem);
    Vec::new()
}

/// Makes a sentence of the reason of an error.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(char::to_uppercase);
    first
        .into_iter()
        .flatten()
        .chain(letters)
        .chain(['.'])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> (Form, Client) {
        let mut form = Form::default();
        for (name, value) in fields {
            form = form.with(name, *value);
        }
        let app = read(&mut form, Client::new("id", "s", ""));
        (form, app)
    }

    const METHOD: (&str, &str) = ("qr_login", "on");

    #[test]
    fn the_callback_is_made_from_the_base_url() {
        for (base, callback) in [
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/login"),
            (" HTTP://LocalHost:5000/ ", "http://localhost:5000/login"),
            (
                "https://app.example/shop/",
                "https://app.example/shop/login",
            ),
        ] {
            let (form, app) = typed(&[("name", "A"), ("base_url", base), METHOD]);
            assert!(!form.has_errors(), "{form:?}");
            assert_eq!(app.redirect_uris, [callback]);
            assert!(app.qr_login && !app.browser_login);
            let form = of(&app);
            assert_eq!(form.value("redirect_uris"), "");
            assert_eq!(form.value("base_url"), app.base_url.unwrap());
        }
    }

    #[test]
    fn an_app_may_have_other_callbacks_alone_and_what_the_form_does_not_show_stays() {
        let uris = "com.example.app:/done\r\nhttp://127.0.0.1:5000/c2id\ncom.example.app:/done";
        let mut form = empty().with("name", "A").with("redirect_uris", uris);
        let mut app = Client::new("id", "s", "http://old/");
        app.frontchannel_logout_session_required = false;
        let app = read(&mut form, app);
        assert!(!form.has_errors(), "{form:?}");
        assert_eq!(
            app.redirect_uris,
            ["com.example.app:/done", "http://127.0.0.1:5000/c2id"]
        );
        assert!(!app.frontchannel_logout_session_required);
        assert_eq!(app.check(), Ok(()));
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        let base = ("base_url", "http://127.0.0.1:5000");
        let many = "http://a/ ".repeat(MAX_URIS + 1);
        let long = format!("http://a/{}", "x".repeat(MAX_ADDRESS));
        for (field, value) in [
            ("name", ""),
            ("base_url", ""),
            ("base_url", "127.0.0.1:5000"),
            ("base_url", "http://127.0.0.1:5000/?a=b"),
            ("redirect_uris", "/login"),
            ("redirect_uris", "javascript:alert(1)"),
            ("redirect_uris", &many),
            ("redirect_uris", &long),
            ("post_logout_redirect_uris", "signed-out"),
            ("backchannel_logout_uri", "https://elsewhere.example/"),
            ("frontchannel_logout_uri", "http://127.0.0.1:6000/"),
            ("id_token_signed_response_alg", "none"),
        ] {
            let mut fields = vec![("name", "A"), base, METHOD];
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value));
            let (form, _) = typed(&fields);
            assert_ne!(form.error(field), "", "{field} {value}");
        }
        let (form, _) = typed(&[("name", "A"), base]);
        assert_ne!(form.error("login_methods"), "");
    }
}
