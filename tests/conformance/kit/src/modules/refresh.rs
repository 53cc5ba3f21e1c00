//! Refresh tokens: the OpenID Foundation's plan, and every fault that a refresh can have.

use miracl_platform::{ClientAuthMethod, Fault, SigningAlgorithm};

use crate::browser::{Answer, Browser};
use crate::judge::Step;
use crate::module::{Module, Player};
use crate::profile::Profile::{self, Fapi2, Ours, Refresh};
use crate::run::{Run, together};
use crate::setup::Setup;
use crate::stop::{Checked, ensure, lacks};

const SETUP: Setup = Setup::PLAIN.scopes("openid email offline_access");

/// How many requests come at once.
const CROWD: usize = 100;

/// How an app must treat a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// The new access token is used, and the session goes on.
    Renewed,
    /// Nothing from the response is used. The app decides whether the session goes on.
    Dropped,
    /// The session has ended.
    Ended,
    /// The session goes on as it was.
    Unchanged,
}

/// How an app must treat each fault.
pub(super) const OUTCOMES: &[(Fault, After, Player)] = {
    use After::{Dropped, Ended, Renewed, Unchanged};
    macro_rules! outcome {
        ($fault:ident, $after:ident) => {
            (Fault::$fault, $after, |run| {
                Box::pin(refreshed(run, Some(Fault::$fault), $after))
            })
        };
    }
    &[
        outcome!(RefreshInvalidGrant, Ended),
        outcome!(RefreshInvalidGrantWithOk, Ended),
        outcome!(RefreshServerError, Unchanged),
        outcome!(RefreshWithoutIdToken, Renewed),
        outcome!(RefreshWithoutRotation, Renewed),
        outcome!(RefreshedWrongIssuer, Dropped),
        outcome!(RefreshedOtherSub, Dropped),
        outcome!(RefreshedOtherAudience, Dropped),
        // OpenID Connect Core 1.0 §12.2 says that the session stays. Who logged in is known without it.
        outcome!(RefreshedOtherAuthTime, Renewed),
        outcome!(RefreshedOtherNonce, Dropped),
        outcome!(RefreshedAtHashNull, Renewed),
    ]
};

fn module(name: &str, plans: &'static [Profile], expects: &str, play: Player) -> Module {
    Module::play(name, plans, expects, play).with(SETUP)
}

pub(crate) fn modules() -> Vec<Module> {
    let foundation = [
        module(
            "oidcc-client-test-refresh-token",
            &[Refresh],
            "an access token that has run out is renewed, and userinfo is asked for with the new one",
            |run| Box::pin(refreshed(run, None, After::Renewed)),
        ),
        module(
            "oidcc-client-test-refresh-token-invalid-issuer",
            &[Refresh],
            "what comes with an ID token of another issuer is not used",
            |run| {
                Box::pin(refreshed(
                    run,
                    Some(Fault::RefreshedWrongIssuer),
                    After::Dropped,
                ))
            },
        ),
        module(
            "oidcc-client-test-refresh-token-invalid-sub",
            &[Refresh],
            "what comes with an ID token about somebody else is not used",
            |run| {
                Box::pin(refreshed(
                    run,
                    Some(Fault::RefreshedOtherSub),
                    After::Dropped,
                ))
            },
        ),
        module(
            "fapi2-security-profile-final-client-refresh-token-test",
            &[Fapi2],
            "an access token is renewed twice, each time with the refresh token that came last",
            |run| Box::pin(twice(run)),
        )
        .with(
            SETUP
                .signed(SigningAlgorithm::Es256)
                .told()
                .auth(ClientAuthMethod::PrivateKeyJwt)
                .require_pkce(),
        ),
        module(
            "ours-a-hundred-requests-refresh-once",
            &[Ours],
            "of a hundred requests with an access token that has run out one renews it, and all are answered",
            |run| Box::pin(crowd(run)),
        ),
    ];
    let faults = OUTCOMES.iter().map(|(fault, after, play)| {
        let expects = match after {
            After::Renewed => "the new access token is used, and the session goes on",
            After::Dropped => "nothing that came is used",
            After::Ended => "the session is ended",
            After::Unchanged => "the session goes on as it was",
        };
        module(
            &format!("ours-fault-{}", fault.name()),
            &[Ours],
            expects,
            *play,
        )
    });
    foundation.into_iter().chain(faults).collect()
}

/// Logs in, with an access token that has expired, as far as the app knows.
async fn run_out(run: &Run) -> Checked {
    lacks(&run.app().refresh, "a path that uses the access token")?;
    run.platform().set_fault(Some(Fault::TokenExpiresAtOnce));
    let attempt = run.attempt().await;
    run.platform().set_fault(None);
    // Not by the probe, which may use the access token, too.
    let answer = attempt?.answer;
    ensure!(
        answer.status < 400 && run.count(Step::Userinfo) > 0,
        "the login is refused: {}",
        answer.line()
    );
    Ok(())
}

/// Has the app use its access token.
async fn use_token(run: &Run, browser: &Browser) -> Checked<Answer> {
    let path = lacks(&run.app().refresh, "a path that uses the access token")?;
    let answer = browser.open(run.app().url(path)).await?;
    let ill = (502..=504).contains(&answer.status);
    ensure!(
        answer.status < 500 || ill,
        "the app broke: {}",
        answer.line()
    );
    Ok(answer)
}

/// How often the app renewed the access token, or tried to.
fn renewals(run: &Run) -> usize {
    let requests = run.requests();
    let renewals = requests
        .iter()
        .filter(|request| request.form_value("grant_type") == Some("refresh_token"));
    renewals.count()
}

async fn refreshed(run: &Run, fault: Option<Fault>, after: After) -> Checked {
    run_out(run).await?;
    ensure!(
        renewals(run) == 0,
        "the access token was renewed before it was needed"
    );
    let fetched = run.count(Step::Userinfo);
    run.platform().set_fault(fault);
    let answer = use_token(run, &run.browser).await?;
    let used = run.count(Step::Userinfo) - fetched;
    let count = renewals(run);
    ensure!(
        count >= 1,
        "the access token is not renewed: {}",
        answer.line()
    );
    let there = run.probe(&run.browser).await?;
    run.platform().set_fault(None);
    let (use_it, stays) = match after {
        After::Renewed => (Some(true), Some(true)),
        After::Dropped => (Some(false), None),
        After::Ended => (Some(false), Some(false)),
        // An app may still try the old access token.
        After::Unchanged => (None, Some(true)),
    };
    ensure!(
        use_it.is_none_or(|wanted| wanted == (used > 0)),
        "userinfo was asked for {used} times after the refresh: {}",
        answer.line()
    );
    ensure!(
        stays.is_none_or(|wanted| wanted == there),
        "after the refresh somebody is {}logged in: {}",
        if there { "" } else { "not " },
        answer.line()
    );
    if after == After::Unchanged {
        use_token(run, &run.browser).await?;
        run.ensure_logged_in("when the provider is well again")
            .await?;
        ensure!(
            run.count(Step::Userinfo) > fetched,
            "the access token is not renewed when the provider is well again"
        );
    }
    Ok(())
}

async fn twice(run: &Run) -> Checked {
    run_out(run).await?;
    run.platform().set_fault(Some(Fault::TokenExpiresAtOnce));
    for time in 1..=2 {
        let fetched = run.count(Step::Userinfo);
        let answer = use_token(run, &run.browser).await?;
        let count = renewals(run);
        ensure!(
            count == time,
            "the access token was renewed {count} times, and not {time}: {}",
            answer.line()
        );
        ensure!(
            run.count(Step::Userinfo) > fetched,
            "the new access token is not used: {}",
            answer.line()
        );
    }
    run.platform().set_fault(None);
    run.ensure_logged_in("after two refreshes").await
}

async fn crowd(run: &Run) -> Checked {
    run_out(run).await?;
    let browsers: Vec<Browser> = (0..CROWD).map(|_| run.browser.copy()).collect();
    let answers = together(browsers.iter().map(|browser| use_token(run, browser))).await;
    for answer in answers {
        let answer = answer?;
        ensure!(
            answer.status < 400,
            "one of the crowd is turned away: {}",
            answer.line()
        );
    }
    let count = renewals(run);
    ensure!(count == 1, "the access token was renewed {count} times");
    for browser in [browsers.first(), browsers.last()].into_iter().flatten() {
        ensure!(run.probe(browser).await?, "one of the crowd is logged out");
    }
    Ok(())
}
