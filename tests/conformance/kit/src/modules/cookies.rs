//! The session's id and the app's cookies.

use std::collections::BTreeMap;

use miracl_platform::Fault;

use crate::browser::{Cookie, Request};
use crate::judge::Step;
use crate::module::Module;
use crate::profile::Profile::{self, Ours};
use crate::run::Run;
use crate::stop::{Checked, ensure};

const OURS: &[Profile] = &[Ours];

pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::play(
            "ours-session-id-changes-at-login",
            OURS,
            "a login gives a new session, and ends the one that was there before",
            |run| Box::pin(new_session(run)),
        ),
        Module::play(
            "ours-planted-session",
            OURS,
            "cookies that an attacker planted before a login are not those of the session afterwards",
            |run| Box::pin(planted(run)),
        ),
        Module::play(
            "ours-tampered-login-cookie",
            OURS,
            "a login whose cookie was changed is refused before the token request",
            |run| Box::pin(tampered_login(run)),
        ),
        Module::play(
            "ours-tampered-session-cookie",
            OURS,
            "a session whose cookies were changed, cut, swapped or lost does not count, and nothing breaks",
            |run| Box::pin(tampered_session(run)),
        ),
        Module::play(
            "ours-login-cookie-is-no-session",
            OURS,
            "the cookie of a login under way is not taken for a session, under any name",
            |run| Box::pin(wrong_purpose(run)),
        ),
        Module::play(
            "ours-session-in-several-cookies",
            OURS,
            "a session that outgrows one cookie works, shrinks and grows; parts of it, or another order, do not count",
            |run| Box::pin(several_cookies(run)),
        ),
        Module::play(
            "ours-oversized-cookie",
            OURS,
            "cookies of any size and any bytes break nothing",
            |run| Box::pin(oversized(run)),
        ),
        Module::play(
            "ours-set-cookie-is-never-cached",
            OURS,
            "every answer that sets or deletes a cookie has Cache-Control: no-store",
            |run| Box::pin(never_cached(run)),
        ),
        Module::play(
            "ours-cookies-are-deleted-as-they-were-set",
            OURS,
            "a deletion has the attributes the cookie was set with, and after log-out nothing is left",
            |run| Box::pin(deleted_alike(run)),
        ),
        Module::play(
            "ours-cookie-attributes",
            OURS,
            "every cookie is HttpOnly, has SameSite and no Domain",
            |run| Box::pin(attributes(run)),
        ),
    ]
}

async fn new_session(run: &Run) -> Checked {
    run.log_in().await?;
    let first = run.browser.cookies();
    let earlier = run.browser.copy();
    ensure!(run.probe(&earlier).await?, "a copied session is no session");
    run.log_in().await?;
    let kept = run
        .browser
        .cookies()
        .into_iter()
        .filter(|cookie| first.contains(cookie));
    let kept: Vec<String> = kept.map(|cookie| cookie.name).collect();
    ensure!(kept.is_empty(), "a login left {kept:?} as they were");
    run.ensure_logged_in("after a second login").await?;
    run.ensure_nobody(&earlier, "with the session from before a login")
        .await
}

async fn planted(run: &Run) -> Checked {
    // What an attacker can get from the app: an ended session of their own, and cookies that belong to no session.
    let attacker = run.browser.another();
    attacker.open(run.app().url(&run.app().login)).await?;
    let planted = attacker.cookies();
    run.browser.set_cookies(planted.clone());
    run.log_in().await?;
    run.ensure_nobody(&attacker, "with cookies that were planted before the login")
        .await?;
    let alone = run.browser.another();
    alone.set_cookies(planted);
    run.ensure_nobody(&alone, "with cookies that were planted before the login")
        .await
}

/// The value with its middle character changed, so that its length and framing stay right.
fn flipped(cookie: &Cookie) -> Cookie {
    let mut value: Vec<char> = cookie.value.chars().collect();
    let middle = value.len() / 2;
    if let Some(character) = value.get_mut(middle) {
        *character = if *character == 'A' { 'B' } else { 'A' };
    }
    with_value(cookie, value.into_iter().collect())
}

fn with_value(cookie: &Cookie, value: String) -> Cookie {
    Cookie {
        value,
        ..cookie.clone()
    }
}

/// How a cookie is tampered with.
type Change = fn(&Cookie) -> Cookie;

async fn tampered_login(run: &Run) -> Checked {
    let changes: [(&str, Change); 3] = [
        ("changed in the middle", flipped),
        ("cut in half", |cookie| {
            let half = cookie.value.chars().take(cookie.value.len() / 2);
            with_value(cookie, half.collect())
        }),
        ("emptied", |cookie| with_value(cookie, String::new())),
    ];
    for (how, change) in changes {
        run.browser.set_cookies(Vec::new());
        let callback = run.callback().await?;
        let cookies = run.browser.cookies();
        ensure!(
            !cookies.is_empty(),
            "a login under way is not bound to the browser: it set no cookie"
        );
        run.browser
            .set_cookies(cookies.iter().map(change).collect());
        let answer = run.deliver(&callback).await?;
        ensure!(
            (400..500).contains(&answer.status),
            "the login's cookie was {how}: {}",
            answer.line()
        );
        run.ensure_nobody(
            &run.browser,
            &format!("although the login's cookie was {how}"),
        )
        .await?;
    }
    let count = run.count(Step::Token);
    ensure!(count == 0, "a code was sent {count} times");
    Ok(())
}

async fn tampered_session(run: &Run) -> Checked {
    run.log_in().await?;
    let good = run.browser.cookies();
    let judge = async |what: String, cookies: Vec<Cookie>| {
        let browser = run.browser.another();
        browser.set_cookies(cookies);
        run.ensure_nobody(&browser, &what).await
    };
    let all = |change: &dyn Fn(&Cookie) -> String| -> Vec<Cookie> {
        good.iter()
            .map(|cookie| with_value(cookie, change(cookie)))
            .collect()
    };
    judge(
        "with every cookie changed".into(),
        good.iter().map(flipped).collect(),
    )
    .await?;
    judge(
        "with every cookie cut".into(),
        all(&|cookie| cookie.value.chars().skip(1).collect()),
    )
    .await?;
    judge(
        "with every cookie longer".into(),
        all(&|cookie| format!("{}A", cookie.value)),
    )
    .await?;
    judge(
        "with every cookie doubled".into(),
        all(&|cookie| cookie.value.repeat(2)),
    )
    .await?;
    let values: Vec<String> = good
        .iter()
        .rev()
        .map(|cookie| cookie.value.clone())
        .collect();
    if good.len() > 1 {
        let swapped = good
            .iter()
            .zip(values)
            .map(|(cookie, value)| with_value(cookie, value));
        judge("with the cookies' values swapped".into(), swapped.collect()).await?;
    }
    judge("without cookies".into(), Vec::new()).await?;
    // With one cookie changed at a time, nothing may break, no matter who the app then takes the person for.
    for place in 0..good.len() {
        for change in [
            flipped(&good[place]),
            with_value(&good[place], String::new()),
        ] {
            let browser = run.browser.another();
            let mut cookies = good.clone();
            cookies[place] = change;
            browser.set_cookies(cookies);
            run.probe(&browser).await?;
        }
    }
    run.ensure_logged_in("after others tampered with copies")
        .await
}

async fn wrong_purpose(run: &Run) -> Checked {
    run.log_in().await?;
    let session = run.browser.cookies();
    run.browser.set_cookies(Vec::new());
    run.authorize_url().await?;
    let pending = run.browser.cookies();
    for session in &session {
        for pending in &pending {
            let browser = run.browser.another();
            browser.keep(with_value(session, pending.value.clone()));
            run.ensure_nobody(
                &browser,
                &format!("with a login under way as {}", session.name),
            )
            .await?;
        }
    }
    Ok(())
}

/// A cookie's name and value, as its length counts (RFC 6265 §6.1).
const MAX_COOKIE: usize = 4096;

async fn several_cookies(run: &Run) -> Checked {
    let log_in = async |fault| {
        run.platform().set_fault(fault);
        let answer = run.log_in().await;
        run.platform().set_fault(None);
        answer
    };
    let size = || -> usize {
        run.browser
            .cookies()
            .iter()
            .map(|cookie| cookie.value.len())
            .sum()
    };
    log_in(None).await?;
    let small = run.browser.cookies().len();
    let small_size = size();
    for round in 0..2 {
        let answer = log_in(Some(Fault::UserinfoMuch)).await?;
        for cookie in answer.set_cookies() {
            let length =
                cookie.name.len() + cookie.value.len() + cookie.attributes.join("; ").len();
            ensure!(length <= MAX_COOKIE, "{} has {length} bytes", cookie.name);
        }
        run.ensure_logged_in(&format!("with much to keep, round {round}"))
            .await?;
        let large = run.browser.cookies();
        for lost in 0..large.len() {
            let browser = run.browser.another();
            let kept = large.iter().enumerate().filter(|(place, _)| *place != lost);
            browser.set_cookies(kept.map(|(_, cookie)| cookie.clone()).collect());
            run.probe(&browser).await?;
            if let Some(next) = large.get(lost + 1) {
                let mut swapped = large.clone();
                swapped[lost] = with_value(&large[lost], next.value.clone());
                swapped[lost + 1] = with_value(next, large[lost].value.clone());
                browser.set_cookies(swapped);
                run.ensure_nobody(
                    &browser,
                    &format!("with {} and {} swapped", large[lost].name, next.name),
                )
                .await?;
            }
        }
        log_in(None).await?;
        run.ensure_logged_in(&format!("with little to keep again, round {round}"))
            .await?;
        let left = run.browser.cookies().len();
        ensure!(
            left == small,
            "{left} cookies are left where {small} would do"
        );
        ensure!(
            size() < small_size + 200,
            "what was kept before is still in the cookies"
        );
    }
    Ok(())
}

async fn oversized(run: &Run) -> Checked {
    run.log_in().await?;
    for cookie in run.browser.cookies() {
        for value in [
            "A".repeat(5000),
            "=".repeat(300),
            "%00%ff".repeat(50),
            "\"\"".to_owned(),
        ] {
            let browser = run.browser.another();
            browser.keep(with_value(&cookie, value));
            let answer = browser
                .send(Request::fetch(
                    run.app().url(run.app().probe.as_deref().unwrap_or("/")),
                ))
                .await?;
            ensure!(
                answer.status < 500 && (answer.status != 200 || run.app().probe.is_none()),
                "an odd {}: {}",
                cookie.name,
                answer.line()
            );
        }
    }
    Ok(())
}

/// A login, a refused one, and a log-out, in one browser.
async fn a_day(run: &Run) -> Checked {
    run.log_in().await?;
    run.fail_with(Fault::IdTokenWrongNonce).await?;
    run.platform().set_fault(None);
    run.fail_with(Fault::CallbackWrongState).await?;
    run.probe(&run.browser).await?;
    if let Some(path) = &run.app().logout {
        let form: [(&str, &str); 0] = [];
        run.browser
            .send(Request::form(run.app().url(path), &form))
            .await?;
        run.ensure_nobody(&run.browser, "after log-out").await?;
    }
    Ok(())
}

async fn never_cached(run: &Run) -> Checked {
    a_day(run).await?;
    let mut set = 0;
    for answer in run.browser.seen() {
        if !answer.set_cookies().is_empty() {
            set += 1;
            ensure!(
                answer.is_no_store(),
                "it sets a cookie and may be cached: {}",
                answer.line()
            );
        }
    }
    ensure!(set > 1, "the app sets no cookies");
    Ok(())
}

async fn deleted_alike(run: &Run) -> Checked {
    a_day(run).await?;
    let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut deleted = 0;
    for answer in run.browser.seen() {
        for cookie in answer.set_cookies() {
            if !cookie.deleted {
                made.insert(cookie.name.clone(), cookie.attributes.clone());
            } else if let Some(attributes) = made.get(&cookie.name) {
                deleted += 1;
                ensure!(
                    *attributes == cookie.attributes,
                    "{} was set with {attributes:?} and is deleted with {:?}",
                    cookie.name,
                    cookie.attributes
                );
            }
        }
    }
    ensure!(deleted > 0, "the app deletes no cookies");
    Ok(())
}

async fn attributes(run: &Run) -> Checked {
    a_day(run).await?;
    for answer in run.browser.seen() {
        for cookie in answer.set_cookies() {
            let what = format!(
                "{} of {}: {:?}",
                cookie.name,
                answer.line(),
                cookie.attributes
            );
            ensure!(
                cookie.attribute("httponly").is_some(),
                "no HttpOnly: {what}"
            );
            ensure!(cookie.attribute("domain").is_none(), "a Domain: {what}");
            let same_site = cookie.attribute("samesite");
            ensure!(
                matches!(same_site, Some("lax" | "strict")) || cookie.attribute("secure").is_some(),
                "no SameSite: {what}"
            );
        }
    }
    Ok(())
}
