//! How many logins a browser keeps, and how many bytes they take beside the session.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    Category, LoginOptions, Visit,
    flow::{
        callback::tests::{begin, cookies, request},
        login::tests::{engine, set_and_deleted},
    },
    web::request::tests::Request,
};

#[tokio::test]
async fn a_browser_has_five_logins_and_the_oldest_goes_for_a_sixth() {
    let first = begin().await;
    let mut jar = vec![first.cookies.clone()];
    for count in 2..=7 {
        first.wait(Duration::from_secs(1));
        let visit = first.miracl.visit(&request("/", &jar.join("; ")));
        visit.login_url().await.unwrap();
        let lines = visit.finish().set_cookies;
        let pair = |line: &String| line.split(';').next().unwrap().to_owned();
        let (deleted, set): (Vec<_>, Vec<_>) =
            lines.iter().partition(|line| line.contains("Max-Age=0"));
        let name = |pair: &str| pair.split('=').next().unwrap().to_owned();
        let deleted: Vec<String> = deleted.into_iter().map(|line| name(line)).collect();
        let oldest: Vec<String> = jar.first().map(|pair| name(pair)).into_iter().collect();
        assert_eq!(
            deleted,
            if count > 5 { oldest } else { Vec::new() },
            "{count}"
        );
        jar.retain(|pair| !deleted.contains(&name(pair)));
        jar.extend(set.into_iter().map(pair));
        assert_eq!(jar.len(), count.min(5));
    }
}

#[tokio::test]
async fn a_new_login_takes_the_room_of_the_oldest_where_cookies_are_many() {
    let first = begin().await;
    let session = &first.miracl.engine().sessions.cookies.session;
    let own: usize = first.cookies.len();
    for (room, fits) in [(own + 60, true), (own - 60, false)] {
        // The budget is filled by other cookies of ours up to this room, beside the login that is there.
        let filler = "x".repeat(BUDGET - own - room - session.len());
        let jar = format!("{}; {session}={filler}", first.cookies);
        let visit = first.miracl.visit(&request("/", &jar));
        visit.login_url().await.unwrap();
        let (set, deleted) = set_and_deleted(&visit);
        assert_eq!(
            (set.len(), deleted.len()),
            (1, usize::from(!fits)),
            "{room}"
        );
    }
}

/// A request with so many bytes of a session's cookies, and with other cookies.
fn beside(session: &str, bytes: usize, others: &str) -> Request {
    let filler = "x".repeat(bytes - session.len() - 1);
    request("/", &format!("{session}={filler}; {others}"))
}

/// How many bytes of cookies a browser that sent this has after it.
fn bytes_after(request: &Request, visit: &Visit) -> usize {
    let mut jar: BTreeMap<String, String> = BTreeMap::new();
    let header = &request
        .headers
        .iter()
        .find(|(name, _)| *name == "cookie")
        .unwrap()
        .1;
    let lines = visit.finish().set_cookies;
    for pair in header
        .split("; ")
        .chain(lines.iter().map(|line| line.split(';').next().unwrap()))
    {
        if let Some((name, value)) = pair.split_once('=') {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }
    jar.retain(|_, value| !value.is_empty());
    jar.iter()
        .map(|(name, value)| name.len() + 1 + value.len())
        .sum()
}

#[tokio::test]
async fn a_login_never_takes_the_cookies_over_the_budget() {
    let (_provider, miracl) = engine(|_| {}).await;
    let cookies = &miracl.engine().sessions.cookies;
    let flashed = miracl.visit(&request("/", ""));
    flashed.flash(Category::Info, "x".repeat(480));
    let flash = self::cookies(&flashed);
    let options = |acr: usize, path: usize| LoginOptions {
        acr_values: Some("a".repeat(acr)).filter(|acr| !acr.is_empty()),
        return_to: Some(format!("/{}", "p".repeat(path))),
        ..LoginOptions::default()
    };
    let mut homes = 0;
    for session in [100, 3000, 5000, SESSION_BUDGET] {
        for (acr, path) in [(0, 0), (0, 511), (512, 0), (512, 511)] {
            let here = beside(&cookies.session, session, &flash);
            let visit = miracl.visit(&here);
            visit.login_url_with(options(acr, path)).await.unwrap();
            let set = visit.exchange().lock().cookies.clone();
            let begun = set.iter().find(|cookie| cookie.len > 0).unwrap();
            let value = begun.line.split(['=', ';']).nth(1).unwrap();
            let number = match cookies.ours(&begun.name) {
                Some(Ours::Login(number)) => number,
                other => panic!("{other:?}"),
            };
            let plain = cookies.open_login(number, value.as_bytes()).unwrap();
            let binding = miracl.engine().binding().await.unwrap();
            let login = PendingLogin::decode(&plain, &binding).unwrap();
            // What decides about the token is never left out.
            assert_eq!(login.acr_values.map_or(0, |acr| acr.len()), acr);
            if login.return_to.len() != path + 1 {
                assert_eq!(login.return_to, "/");
                homes += 1;
            }
            assert!(
                bytes_after(&here, &visit) <= BUDGET,
                "{session} {acr} {path}"
            );
        }
    }
    // Only where the session takes all it may, and both are long.
    assert_eq!(homes, 1);
}

#[tokio::test]
async fn a_login_that_does_not_fit_beside_the_session_is_refused() {
    let home = format!("/{}", "h".repeat(500));
    let (_provider, miracl) = engine(|config| config.home_path = home.clone()).await;
    let session = &miracl.engine().sessions.cookies.session;
    let options = || LoginOptions {
        acr_values: Some("a".repeat(512)),
        ..LoginOptions::default()
    };
    let here = beside(session, SESSION_BUDGET, "");
    let visit = miracl.visit(&here);
    let failure = visit.login_url_with(options()).await.unwrap_err();
    let FailureReason::LoginTooLarge { bytes, limit } = failure.reason() else {
        panic!("{failure}");
    };
    assert!(*limit == BUDGET - SESSION_BUDGET && bytes > limit);
    assert_eq!(failure.status(), 431);
    assert!(visit.finish().set_cookies.is_empty());
    // Junk of our names takes nothing away that a session could not.
    let here = beside(session, 60 * 1024, "");
    let visit = miracl.visit(&here);
    assert!(visit.login_url().await.is_ok());
    assert!(
        miracl
            .visit(&request("/", ""))
            .login_url_with(options())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn several_logins_of_one_response_are_five_at_most() {
    let (_provider, miracl) = engine(|_| {}).await;
    let visit = miracl.visit(&request("/", ""));
    for _ in 0..8 {
        visit.login_url().await.unwrap();
    }
    let (set, deleted) = set_and_deleted(&visit);
    assert_eq!((set.len(), deleted.len()), (5, 3));
}

#[tokio::test]
async fn of_very_many_logins_some_are_deleted_and_a_new_one_begins() {
    let first = begin().await;
    let junk = |number: u32| format!("miracl-login-{number:08x}=x");
    let jar: Vec<String> = (0..1600).map(junk).collect();
    for cookies in [
        format!("{}; {}", first.cookies, jar.join("; ")),
        format!("{}; {}", jar.join("; "), first.cookies),
    ] {
        let visit = first.miracl.visit(&request("/", &cookies));
        visit.login_url().await.unwrap();
        let (set, deleted) = set_and_deleted(&visit);
        assert_eq!((set.len(), deleted.len()), (1, MAX_DELETIONS));
        assert!(!first.cookies.starts_with(&deleted[0]));
    }
}
