//! What a browser sees has the public path in front, and what the app's routes see has not.

use super::*;
use crate::{Config, CookieKey, web::request::tests::Request};

fn config(public_path: &str) -> Config {
    Config {
        issuer: "https://issuer.example".into(),
        client_id: "id".into(),
        client_secret: "secret".into(),
        redirect_uri: "https://app.example/app/login".into(),
        post_logout_redirect_uri: Some("https://app.example/app/signed-out".into()),
        public_path: public_path.into(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    }
}

fn site(change: impl FnOnce(&mut Config)) -> Site {
    let mut config = config("/app");
    change(&mut config);
    Site::new(&config.parse().unwrap())
}

#[test]
fn the_routes_are_mounted_without_the_public_path_and_browsers_are_told_it() {
    for public_path in ["/app", "/app/"] {
        let site = site(|config| config.public_path = public_path.into());
        let paths: Vec<_> = site
            .mounts()
            .iter()
            .map(|mount| mount.path.to_owned())
            .collect();
        assert_eq!(
            paths,
            [
                "/login",
                "/login/start",
                "/login/initiate",
                "/logout",
                "/backchannel-logout",
                "/frontchannel-logout",
                "/signed-out",
            ]
        );
        assert_eq!(
            site.login_start().as_str(),
            "https://app.example/app/login/start"
        );
        assert_eq!(site.logout(), "/app/logout");
        assert_eq!(site.home_url(), "https://app.example/app/");
        assert!(site.is_callback(&Request::get("/login?code=x")));
        assert!(!site.is_callback(&Request::get("/app/login?code=x")));
    }
    // Without a public path, the same addresses are routes of the app.
    let site = site(|config| config.public_path.clear());
    assert_eq!(site.mounts()[0].path, "/app/login");
    assert_eq!(
        (site.home_url(), site.logout()),
        ("https://app.example/".into(), "/logout".into())
    );
}

#[test]
fn the_home_path_may_be_written_with_the_public_path_or_without() {
    for (home_path, told) in [
        ("/", "/app/"),
        ("/app", "/app"),
        ("/app/", "/app/"),
        ("/start?a=1", "/app/start?a=1"),
        ("/app/start", "/app/start"),
        ("/apps", "/app/apps"),
    ] {
        let site = site(|config| config.home_path = home_path.into());
        assert_eq!(site.home_path, told, "{home_path}");
        assert_eq!(site.home_url(), format!("https://app.example{told}"));
    }
}

#[test]
fn a_login_returns_below_the_public_path_only() {
    let site = site(|_| {});
    let text = |path: Option<ReturnTo>| path.map(ReturnTo::into_string);
    for (given, returned) in [
        ("/members?a=1", Some("/app/members?a=1")),
        ("/app/members?a=1", Some("/app/members?a=1")),
        ("/app", Some("/app")),
        ("/app?a", Some("/app?a")),
        ("/", Some("/app/")),
        ("/application", Some("/app/application")),
        ("/app/../other", None),
        ("/../other", None),
        ("/app/%2e%2e/other", None),
        ("/app/x/../../app/members", Some("/app/members")),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("members", None),
        // Routes of the login, in each spelling.
        ("/logout", None),
        ("/app/logout", None),
        ("/app//logout/", None),
        ("/app/%6cogout", None),
        ("/app/login?code=x", None),
        ("/signed-out", None),
    ] {
        assert_eq!(text(site.return_to(given)).as_deref(), returned, "{given}");
    }
    // A request's path is the app's own, also where it begins like the public path.
    for (seen, returned) in [
        ("/members", Some("/app/members")),
        ("/app/members", Some("/app/app/members")),
        ("/logout", None),
        ("//evil.example", None),
    ] {
        assert_eq!(text(site.return_here(seen)).as_deref(), returned, "{seen}");
    }
    for (url, returned, is_here) in [
        (
            "https://app.example/app/members",
            Some("/app/members"),
            true,
        ),
        ("https://app.example/app", Some("/app"), true),
        ("https://app.example/app/logout", None, true),
        ("https://app.example/members", None, false),
        ("https://app.example/app/../members", None, false),
        ("https://app.example/application", None, false),
        ("https://evil.example/app/members", None, false),
    ] {
        assert_eq!(text(site.return_to_url(url)).as_deref(), returned, "{url}");
        assert_eq!(site.is_here(url), is_here, "{url}");
    }
    let longest = format!("/{}", "x".repeat(507));
    assert!(site.return_to(&longest).is_some());
    assert!(site.return_to(&format!("{longest}x")).is_none());
}

#[test]
fn what_other_sites_send_on_purpose_is_known_by_the_paths_that_the_app_sees() {
    let site = site(|_| {});
    let post = |path: &str| Request::post(path).with("sec-fetch-site", "cross-site");
    assert!(site.check_origin(&post("/backchannel-logout")).is_ok());
    assert!(site.check_origin(&post("/login/initiate")).is_ok());
    for path in [
        "/app/backchannel-logout",
        "/logout",
        "/app/logout",
        "/members",
    ] {
        assert!(site.check_origin(&post(path)).is_err(), "{path}");
    }
}

#[test]
fn a_public_path_that_does_not_fit_is_named_with_what_to_write() {
    for (public_path, redirect_uri, key, says) in [
        (
            "app",
            "https://app.example/app/login",
            "public_path",
            "such as `/app`",
        ),
        (
            "https://app.example/app",
            "https://app.example/app/login",
            "public_path",
            "such as `/app`",
        ),
        (
            "//app",
            "https://app.example/app/login",
            "public_path",
            "such as `/app`",
        ),
        (
            "/a/../b",
            "https://app.example/b/login",
            "public_path",
            "such as `/app`",
        ),
        (
            "/a b",
            "https://app.example/a/login",
            "public_path",
            "such as `/app`",
        ),
        (
            "/app",
            "https://app.example/login",
            "redirect_uri",
            "`https://app.example/app/login`",
        ),
        (
            "/app",
            "https://app.example/application/login",
            "redirect_uri",
            "is not below",
        ),
        (
            "/app/login",
            "https://app.example/app/login",
            "redirect_uri",
            "is not below",
        ),
        (
            "/app",
            "https://app.example/app/logout",
            "redirect_uri",
            "same path `/logout`",
        ),
    ] {
        let config = Config {
            redirect_uri: redirect_uri.into(),
            post_logout_redirect_uri: None,
            ..config(public_path)
        };
        let error = config.parse().unwrap_err();
        assert_eq!(error.problems().len(), 1, "{error}");
        assert_eq!(error.problems()[0].key, key, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    // A page after log-out that is not below it is another app's, and no route of this one.
    let elsewhere = Some("https://app.example/goodbye".to_owned());
    let site = site(|config| config.post_logout_redirect_uri = elsewhere);
    assert_eq!(site.mounts().len(), 6);
    // A loop is found whichever way the home path is written.
    for home_path in ["/signed-out", "/app/signed-out"] {
        let config = Config {
            home_path: home_path.into(),
            ..config("/app")
        };
        assert_eq!(config.parse().unwrap_err().problems()[0].key, "home_path");
    }
}
