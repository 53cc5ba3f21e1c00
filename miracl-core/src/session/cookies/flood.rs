//! Floods of cookies: what they cost grows with their bytes and no faster.

mod browser;
mod headers;
mod junk;

use super::work::{self, Work};
use crate::{
    Answer, Category, Route, flow::callback::tests::request, session::cookies::TRIES,
    web::request::tests::Request,
};
use browser::{BY_FORM, Browser, IN_COOKIES, browsers, lazy};
use headers::{KIB, floods};

/// The shorter of the headers that are compared.
const HALF: usize = 32 * KIB;
/// How often a header may be walked over for one request, with any content.
const WALKS: usize = 24;
/// How many values may be opened for one request: each pending login that is looked at, and a few of every other name.
const OPENED: usize = 60;
/// How many characters those may have together, for a header of any length.
const OPENED_BYTES: usize = 160 * KIB;

/// What a page may ask.
const ASKS: [&str; 7] = [
    "user",
    "tokens",
    "user_data",
    "take_flashes",
    "flash",
    "login_url",
    "at once",
];

/// Plays every route and everything that a page may ask, each with a visit of its own, and returns what each of them
/// did. What ends the session comes last.
async fn play(browser: &Browser, header: &str) -> Vec<(String, Work)> {
    let miracl = &browser.login.miracl;
    let mut done = Vec::new();
    work::take();
    for ask in ASKS {
        let request = request("/", header);
        let visit = miracl.visit(&request);
        match ask {
            "user" => drop(visit.user().await),
            "tokens" => drop(visit.tokens().await),
            "user_data" => drop(visit.user_data().await),
            "take_flashes" => drop(visit.take_flashes().await),
            "flash" => visit.flash(Category::Info, "x"),
            "login_url" => drop(visit.login_url().await),
            _ => drop(lazy(miracl, &request).user_at_once(&request)),
        }
        visit.finish();
        done.push((ask.to_owned(), work::take()));
    }
    let issuer = &browser.login.provider.issuer;
    for (route, method, path) in [
        (Route::Callback, "GET", "/login?state=x&code=y".to_owned()),
        (Route::LoginStart, "GET", "/login/start".to_owned()),
        (
            Route::LoginInitiate,
            "GET",
            format!("/login/initiate?iss={issuer}"),
        ),
        (
            Route::BackChannelLogout,
            "POST",
            "/backchannel-logout".to_owned(),
        ),
        (
            Route::FrontChannelLogout,
            "GET",
            format!("/frontchannel-logout?iss={issuer}&sid=x"),
        ),
        (Route::SignedOut, "GET", "/signed-out".to_owned()),
        (
            Route::Callback,
            "GET",
            format!("/login?{}", browser.login.query),
        ),
        (Route::Logout, "POST", "/logout".to_owned()),
    ] {
        let request = Request {
            method,
            ..request(&path, header)
        };
        let visit = miracl.visit(&request);
        match visit.answer(route, &request, Some(b"")).await {
            // Not confirmed if somebody is logged in: the log-out below needs the session.
            Answer::Success(_) if visit.user().await.unwrap().is_some() => visit.reject_login(),
            Answer::Success(_) => visit.confirm_login().await.unwrap(),
            Answer::Failure(_) => visit.flash(Category::Danger, "it failed"),
            _ => {}
        }
        visit.finish();
        done.push((format!("{route:?} {path}"), work::take()));
    }
    done
}

#[tokio::test]
async fn what_cookies_cost_grows_with_their_bytes_and_no_faster_on_every_route() {
    for (mode, mut browser) in browsers().await {
        let kinds = floods(&browser, KIB).len();
        for kind in 0..kinds {
            // With `form_post`, only the pending logins differ.
            let (name, _) = floods(&browser, KIB).swap_remove(kind);
            if mode == BY_FORM && !name.contains("login") {
                continue;
            }
            for has_session in [false, true] {
                if !has_session && mode != IN_COOKIES {
                    continue;
                }
                let mut halves = Vec::new();
                for bytes in [HALF, 2 * HALF] {
                    let (name, flood) = floods(&browser, bytes).swap_remove(kind);
                    // The good cookies come last, so that nothing is found early.
                    let Browser {
                        session, others, ..
                    } = &browser;
                    let header = match has_session {
                        false => format!("{flood}; {others}"),
                        true => format!("{flood}; {session}; {others}"),
                    };
                    let done = play(&browser, &header).await;
                    for (at, (what, work)) in done.into_iter().enumerate() {
                        let case = format!("{what} {mode}, {name} of {bytes}: {work:?}");
                        assert!(work.bytes <= WALKS * (header.len() + 1), "{case}");
                        assert!(work.opened <= OPENED, "{case}");
                        assert!(work.opened_bytes <= OPENED_BYTES, "{case}");
                        match bytes {
                            HALF => halves.push(work.opened),
                            _ => assert!(work.opened <= 2 * halves[at] + TRIES, "{case}"),
                        }
                    }
                    browser.again().await;
                }
            }
        }
    }
}
