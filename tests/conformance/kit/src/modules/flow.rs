//! Tabs, replays, and responses that belong to another browser or another provider.

use miracl_platform::Fault;
use url::Url;

use crate::browser::Browser;
use crate::callback::Callback;
use crate::judge::Step;
use crate::module::Module;
use crate::profile::Profile::{self, Ours};
use crate::run::{Run, together};
use crate::stop::{Checked, ensure};

const OURS: &[Profile] = &[Ours];

/// How many forged logins come at once, and how often.
const STORM: usize = 25;
const STORMS: usize = 4;

/// How often all of them together may have the keys fetched.
const FETCHES: usize = 20;

pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::play(
            "ours-parallel-tabs",
            OURS,
            "logins in two tabs both succeed, in either order",
            |run| Box::pin(parallel_tabs(run)),
        ),
        Module::play(
            "ours-replayed-callback",
            OURS,
            "a callback works once: not again, not with its cookies put back, and the code is sent once",
            |run| Box::pin(replayed(run)),
        ),
        Module::play(
            "ours-callback-opened-many-times-at-once",
            OURS,
            "of several copies of a callback one is accepted, and the code is sent once",
            |run| Box::pin(at_once(run)),
        ),
        Module::play(
            "ours-callback-in-another-browser",
            OURS,
            "a callback is refused in a browser that did not begin its login",
            |run| Box::pin(another_browser(run)),
        ),
        Module::play(
            "ours-state-of-another-login-of-the-same-browser",
            OURS,
            "a code is refused where the state belongs to another login",
            |run| Box::pin(swapped(run)),
        ),
        Module::play(
            "ours-state-of-another-provider",
            OURS,
            "what provider A sent is refused at the callback of provider B, and asked for at neither",
            |run| Box::pin(another_provider(run)),
        )
        .beside_another(),
        Module::play(
            "ours-duplicated-parameters",
            OURS,
            "a response with a parameter twice is refused before the token request",
            |run| Box::pin(duplicated(run)),
        ),
        Module::play(
            "ours-error-and-code",
            OURS,
            "a response with an error is refused, also when it has a code",
            |run| Box::pin(error_and_code(run)),
        ),
        Module::play(
            "ours-words-of-a-stranger",
            OURS,
            "what a response says is never part of the page as HTML",
            |run| Box::pin(words(run)),
        ),
        Module::play(
            "ours-tokens-in-the-response",
            OURS,
            "tokens that come with the response are not taken",
            |run| Box::pin(tokens(run)),
        ),
        Module::play(
            "ours-failed-login-leaves-the-session-alone",
            OURS,
            "somebody who is logged in stays so when a further login fails",
            |run| Box::pin(session_stays(run)),
        ),
        Module::play(
            "ours-unknown-kid-storm",
            OURS,
            "a hundred logins with unknown keys cause few fetches, and a really new key is found right after",
            |run| Box::pin(storm(run)),
        )
        .fresh(),
    ]
}

/// Fails unless a callback is refused with a 4xx before the provider is asked for anything.
async fn ensure_refused(run: &Run, browser: &Browser, callback: &Callback, what: &str) -> Checked {
    let before = run.count(Step::Token);
    let answer = run.deliver_in(browser, callback).await?;
    ensure!(
        (400..500).contains(&answer.status),
        "{what}: {}",
        answer.line()
    );
    let asked = run.count(Step::Token) - before;
    ensure!(asked == 0, "{what}: the code was sent");
    Ok(())
}

async fn parallel_tabs(run: &Run) -> Checked {
    for reversed in [false, true] {
        let mut tabs = [run.callback().await?, run.callback().await?];
        if reversed {
            tabs.reverse();
        }
        for tab in &tabs {
            let answer = run.deliver(tab).await?;
            ensure!(
                answer.status < 400,
                "a tab's login is refused: {}",
                answer.line()
            );
            run.ensure_logged_in("after a tab's login").await?;
        }
        run.browser.set_cookies(Vec::new());
    }
    Ok(())
}

async fn replayed(run: &Run) -> Checked {
    let callback = run.callback().await?;
    let before = run.browser.copy();
    let answer = run.deliver(&callback).await?;
    ensure!(
        answer.status < 400,
        "the login is refused: {}",
        answer.line()
    );
    // Somebody who is logged in may be led on to a page of the app.
    let before_again = run.count(Step::Token);
    let again = run.deliver(&callback).await?;
    ensure!(
        (300..500).contains(&again.status),
        "the same callback again: {}",
        again.line()
    );
    ensure!(
        run.count(Step::Token) == before_again,
        "the same callback again: the code was sent"
    );
    run.ensure_logged_in("after its callback was opened again")
        .await?;
    ensure_refused(run, &before, &callback, "with the cookies put back").await?;
    run.ensure_nobody(&before, "with a replayed callback").await
}

async fn at_once(run: &Run) -> Checked {
    let callback = run.callback().await?;
    let browsers: Vec<Browser> = (0..4).map(|_| run.browser.copy()).collect();
    let answers = together(
        browsers
            .iter()
            .map(|browser| run.deliver_in(browser, &callback)),
    )
    .await;
    let mut accepted = 0;
    for answer in answers {
        let answer = answer?;
        ensure!(answer.status < 500, "{}", answer.line());
        // The others are refused, or led where the first one is. They get no session of their own.
        let kept = answer.set_cookies().iter().any(|cookie| !cookie.deleted);
        accepted += usize::from(answer.status < 400 && kept);
    }
    ensure!(accepted == 1, "{accepted} of 4 began a session");
    let count = run.count(Step::Token);
    ensure!(count == 1, "the code was sent {count} times");
    Ok(())
}

async fn another_browser(run: &Run) -> Checked {
    let callback = run.callback().await?;
    let victim = run.browser.another();
    ensure_refused(run, &victim, &callback, "in another browser").await?;
    run.ensure_nobody(&victim, "by a callback of another browser")
        .await?;
    // Not even while the browser has a login of its own under way.
    let started = victim.open(run.app().url(&run.app().login)).await?;
    ensure!(
        started.location().is_some(),
        "the login does not begin: {}",
        started.line()
    );
    ensure_refused(
        run,
        &victim,
        &callback,
        "in another browser with a login under way",
    )
    .await?;
    run.ensure_nobody(&victim, "by a callback of another browser")
        .await?;
    let answer = run.deliver(&callback).await?;
    ensure!(
        answer.status < 400,
        "its own browser is refused: {}",
        answer.line()
    );
    Ok(())
}

async fn swapped(run: &Run) -> Checked {
    let (first, second) = (run.callback().await?, run.callback().await?);
    let state = second.get("state").unwrap_or_default();
    let mixed = first.set("state", &state);
    let answer = run.deliver(&mixed).await?;
    ensure!(
        (400..500).contains(&answer.status),
        "the code of another login is taken: {}",
        answer.line()
    );
    run.ensure_nobody(&run.browser, "with the code of another login")
        .await
}

async fn another_provider(run: &Run) -> Checked {
    let other = run.second()?;
    // One browser for both apps: cookies belong to a host, and not to its port.
    let theirs = other.callback().await?;
    run.browser.set_cookies(other.browser.cookies());
    let here = |url: &Url| {
        let mut url = url.clone();
        let callback = run.app().url(&run.app().callback);
        // A registered loopback URL must match in host and port.
        let moved = url
            .set_port(callback.port())
            .and_then(|()| url.set_host(callback.host_str()).map_err(|_| ()));
        url.set_path(callback.path());
        moved.map(|()| url)
    };
    let at_ours = here(&theirs.url).map_err(|()| "the callback cannot be moved".to_owned())?;
    let stray = Callback {
        url: at_ours,
        ..theirs.clone()
    };
    ensure_refused(run, &run.browser, &stray, "a response of another provider").await?;
    let own = run.callback().await?;
    let iss = theirs.get("iss").unwrap_or_default();
    let code = theirs.get("code").unwrap_or_default();
    ensure_refused(
        run,
        &run.browser,
        &own.set("iss", &iss).set("code", &code),
        "a mixed-up response",
    )
    .await?;
    run.ensure_nobody(&run.browser, "by a response of another provider")
        .await?;
    let asked = other.count(Step::Token);
    ensure!(
        asked == 0,
        "the other provider was asked for tokens {asked} times"
    );
    Ok(())
}

async fn duplicated(run: &Run) -> Checked {
    for name in ["state", "code", "iss"] {
        for value in [None, Some("another-value")] {
            let callback = run.callback().await?;
            let own = callback
                .get(name)
                .ok_or_else(|| format!("the provider sends no {name}"))?;
            let twice = callback.change(|parameters| {
                parameters.push((name.to_owned(), value.map_or(own, str::to_owned)));
            });
            ensure_refused(run, &run.browser, &twice, &format!("{name} twice")).await?;
            run.ensure_nobody(&run.browser, &format!("with {name} twice"))
                .await?;
        }
    }
    Ok(())
}

async fn error_and_code(run: &Run) -> Checked {
    for error in ["access_denied", "login_required", ""] {
        let callback = run.callback().await?.set("error", error);
        ensure_refused(
            run,
            &run.browser,
            &callback,
            &format!("error={error:?} with a code"),
        )
        .await?;
        run.ensure_nobody(&run.browser, "by a response with an error")
            .await?;
    }
    Ok(())
}

async fn words(run: &Run) -> Checked {
    const MARKUP: &str = "<script>alert('words-of-a-stranger')</script>";
    for name in ["error_description", "error", "state", "iss", "error_uri"] {
        let callback = run
            .callback()
            .await?
            .set("error", "access_denied")
            .set(name, MARKUP);
        for browser in [&run.browser, &run.browser.another()] {
            let answer = run.deliver_in(browser, &callback).await?;
            ensure!(answer.status < 500, "{}", answer.line());
            ensure!(
                !answer.body.contains("<script>alert"),
                "{name} is part of the page:\n{}",
                answer.body
            );
        }
    }
    Ok(())
}

async fn tokens(run: &Run) -> Checked {
    let callback = run.callback().await?.change(|parameters| {
        parameters.retain(|(name, _)| name != "code");
        parameters.push(("access_token".to_owned(), "from-nowhere".to_owned()));
        parameters.push(("id_token".to_owned(), "e30.e30.".to_owned()));
    });
    ensure_refused(run, &run.browser, &callback, "tokens without a code").await?;
    run.ensure_nobody(&run.browser, "by tokens from nowhere")
        .await
}

async fn session_stays(run: &Run) -> Checked {
    run.log_in().await?;
    for fault in [
        Fault::CallbackWrongState,
        Fault::CallbackWrongIssuer,
        Fault::TokenInvalidGrant,
        Fault::IdTokenWrongNonce,
        Fault::UserinfoOtherSub,
    ] {
        run.fail_with(fault).await?;
        run.ensure_logged_in(&format!("after a login failed by {}", fault.name()))
            .await?;
    }
    Ok(())
}

async fn storm(run: &Run) -> Checked {
    run.log_in().await?;
    let keys = super::discovery::KEYS;
    let before = run.platform().count(keys);
    run.platform().set_fault(Some(Fault::IdTokenUnknownKey));
    for _ in 0..STORMS {
        let callbacks = together((0..STORM).map(|_| async {
            let browser = run.browser.another();
            let started = browser.open(run.app().url(&run.app().login)).await?;
            let url = started.location().ok_or_else(|| started.line())?;
            Checked::Ok((browser, run.approve(&url).await?))
        }))
        .await;
        let callbacks = callbacks.into_iter().collect::<Checked<Vec<_>>>()?;
        let answers = together(
            callbacks
                .iter()
                .map(|(browser, callback)| run.deliver_in(browser, callback)),
        )
        .await;
        for answer in answers {
            let answer = answer?;
            ensure!(
                (400..500).contains(&answer.status),
                "a forged login: {}",
                answer.line()
            );
        }
    }
    run.platform().set_fault(None);
    let fetched = run.platform().count(keys) - before;
    ensure!(
        fetched <= FETCHES,
        "{} forged logins had the keys fetched {fetched} times",
        STORM * STORMS
    );
    run.platform()
        .set_fault(Some(Fault::CertsRotatedBeforeSigning));
    run.browser.set_cookies(Vec::new());
    run.log_in().await?;
    Ok(())
}
