//! Log-out by a request of the provider: the OpenID Foundation's plan, and every fault that a logout token can have.

use base64_simd::URL_SAFE_NO_PAD;
use miracl_platform::{Fault, SigningAlgorithm};
use serde_json::json;

use crate::browser::{Answer, Browser, Request};
use crate::module::{Module, Player};
use crate::profile::Profile::{self, BackChannel, Ours};
use crate::run::{Run, together};
use crate::setup::{CLIENT_ID, Setup};
use crate::stop::{Checked, ensure, lacks};

use super::discovery::KEYS;

/// The person whom the modules log out. No other module logs in as them.
const EMAIL: &str = "bob@example.com";
const OTHER_EMAIL: &str = "carol@example.com";

/// How many forged tokens come, and how many of them at once.
const STORM: usize = 100;
const WAVE: usize = 25;

/// How often a storm may have the keys fetched: what a window of some seconds allows, no matter how many tokens ask
/// for it.
const FETCHES: usize = 20;

/// How an app must treat a logout token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It is accepted, and its session ends.
    Ended,
    /// Every session of the person ends.
    AllEnded,
    /// It is answered with a 400, and no session ends.
    Refused,
    /// The first time it is accepted, and the second time it is answered with a 400.
    Once,
}

/// How an app must treat each fault.
pub(super) const OUTCOMES: &[(Fault, Told, Player)] = {
    macro_rules! outcome {
        ($fault:ident, $told:ident) => {
            (Fault::$fault, Told::$told, |run| {
                Box::pin(told(run, Fault::$fault, Told::$told))
            })
        };
    }
    &[
        outcome!(LogoutTokenUnsigned, Refused),
        outcome!(LogoutTokenOtherAlgorithm, Refused),
        outcome!(LogoutTokenBadSignature, Refused),
        outcome!(LogoutTokenWithoutEvents, Refused),
        outcome!(LogoutTokenWrongEvent, Refused),
        outcome!(LogoutTokenWithNonce, Refused),
        outcome!(LogoutTokenNonceNull, Ended),
        outcome!(LogoutTokenWrongAudience, Refused),
        outcome!(LogoutTokenWrongIssuer, Refused),
        outcome!(LogoutTokenWithoutSubAndSid, Refused),
        outcome!(LogoutTokenSubOnly, AllEnded),
        outcome!(LogoutTokenSidOnly, Ended),
        outcome!(LogoutTokenWithoutJti, Refused),
        outcome!(LogoutTokenWithoutIat, Refused),
        outcome!(LogoutTokenWithoutExp, Refused),
        outcome!(LogoutTokenExpired, Refused),
        outcome!(LogoutTokenStale, Refused),
        // §2.4 recommends a type and does not require one.
        outcome!(LogoutTokenWithoutType, Ended),
        outcome!(LogoutTokenTypeJwt, Ended),
        outcome!(LogoutTokenSentTwice, Once),
    ]
};

/// The Foundation's modules about wrong tokens.
const FOUNDATION: &[(&str, Player)] = {
    macro_rules! refused {
        ($name:literal, $fault:ident) => {
            (
                concat!("oidcc-client-test-rp-backchannel-rpinitlogout-", $name),
                |run| Box::pin(told(run, Fault::$fault, Told::Refused)),
            )
        };
    }
    &[
        refused!("alg-none", LogoutTokenUnsigned),
        refused!("wrong-alg", LogoutTokenOtherAlgorithm),
        refused!("no-event", LogoutTokenWithoutEvents),
        refused!("wrong-event", LogoutTokenWrongEvent),
        refused!("with-nonce", LogoutTokenWithNonce),
        refused!("wrong-aud", LogoutTokenWrongAudience),
        refused!("wrong-iss", LogoutTokenWrongIssuer),
    ]
};

const REFUSED: &str = "the logout token is answered with a 400, and nobody is logged out";

/// With the algorithm registered: an app that was not told it cannot know that a published key is the wrong one.
fn module(name: &str, plans: &'static [Profile], expects: &str, play: Player) -> Module {
    Module::play(name, plans, expects, play).with(Setup::PLAIN.told())
}

pub(crate) fn modules() -> Vec<Module> {
    let happy = module(
        "oidcc-client-test-rp-backchannel-rpinitlogout",
        &[BackChannel],
        "a logout token ends the session that it names, with a 200 that nobody stores",
        |run| Box::pin(ended(run)),
    );
    let es256 = Setup::PLAIN.signed(SigningAlgorithm::Es256).told();
    let foundation = FOUNDATION.iter().map(|(name, play)| {
        let module = module(name, &[BackChannel], REFUSED, *play);
        if name.ends_with("-alg") {
            module.also_with(es256)
        } else {
            module
        }
    });
    let faults = OUTCOMES.iter().map(|(fault, told, play)| {
        let expects = match told {
            Told::Ended => "the session ends that the logout token names",
            Told::AllEnded => "every session of the person ends",
            Told::Refused => REFUSED,
            Told::Once => "the logout token is taken once",
        };
        let name = format!("ours-fault-{}", fault.name());
        module(&name, &[Ours], expects, *play)
    });
    let ours = [
        module(
            "ours-logout-token-replayed",
            &[Ours],
            "a logout token that was taken is answered with a 400, and a login after it lives",
            |run| Box::pin(replayed(run)),
        ),
        module(
            "ours-logout-token-without-iat-or-jti",
            &[Ours],
            REFUSED,
            |run| {
                Box::pin(each_refused(
                    run,
                    &[Fault::LogoutTokenWithoutIat, Fault::LogoutTokenWithoutJti],
                ))
            },
        ),
        module(
            "ours-logout-token-with-a-stale-iat",
            &[Ours],
            REFUSED,
            |run| {
                Box::pin(each_refused(
                    run,
                    &[Fault::LogoutTokenStale, Fault::LogoutTokenExpired],
                ))
            },
        ),
        module(
            "ours-logout-token-with-the-sid-of-another-person",
            &[Ours],
            "no session ends that the logout token does not name",
            |run| Box::pin(other_person(run)),
        ),
        module(
            "ours-logout-token-with-sub-only-ends-every-session",
            &[Ours],
            "every session of the person ends, and no other",
            |run| Box::pin(told(run, Fault::LogoutTokenSubOnly, Told::AllEnded)),
        ),
        module(
            "ours-unknown-kid-storm-at-the-back-channel",
            &[Ours],
            "a hundred logout tokens with unknown keys cause few fetches, \
             and a login with a really new key works right after",
            |run| Box::pin(storm(run)),
        )
        .fresh(),
    ];
    std::iter::once(happy)
        .chain(foundation)
        .chain(ours)
        .chain(faults)
        .collect()
}

/// A person at the provider who is logged in to the app.
struct Login {
    at_provider: miracl_platform::Browser,
    sid: String,
    browser: Browser,
}

impl Login {
    async fn new(run: &Run, email: &str) -> Checked<Self> {
        let at_provider = run.visitor(email)?;
        let browser = run.browser.another();
        run.log_in_as(&at_provider, &browser).await?;
        let sid = at_provider.sid();
        let sid = sid.ok_or_else(|| "the provider has no session".to_owned())?;
        Ok(Self {
            at_provider,
            sid,
            browser,
        })
    }

    /// A logout token for this session, as the provider makes them at present.
    fn token(&self, run: &Run) -> Checked<String> {
        token(run, EMAIL, &self.sid)
    }

    async fn ensure_there(&self, run: &Run, when: &str) -> Checked {
        ensure!(
            run.probe(&self.browser).await?,
            "nobody is logged in {when}"
        );
        Ok(())
    }

    async fn ensure_gone(&self, run: &Run, when: &str) -> Checked {
        run.ensure_nobody(&self.browser, when).await
    }
}

fn token(run: &Run, sub: &str, sid: &str) -> Checked<String> {
    let token = run.platform().logout_token(CLIENT_ID, sub, sid);
    Ok(token.ok_or_else(|| "the app is not registered".to_owned())?)
}

/// Sends a logout token as a provider does: without a browser or a cookie, and with a meaningless parameter in the
/// form.
async fn post(run: &Run, token: &str) -> Checked<Answer> {
    let uri = run.app().backchannel_logout_uri();
    lacks(&uri, "a back channel over plain http")?;
    let path = lacks(&run.app().backchannel_logout, "a back channel")?;
    let fields = [("logout_token", token), ("unknown", "ignored")];
    let request = Request::form(run.app().url(path), &fields).by_a_program();
    let answer = run.browser.another().send(request).await?;
    ensure!(
        answer.is_no_store(),
        "§2.8: the answer may be stored: {}",
        answer.line()
    );
    ensure!(
        answer.set_cookies().is_empty(),
        "the provider is given a cookie: {}",
        answer.line()
    );
    Ok(answer)
}

/// §2.8: 200; some frameworks turn an empty one into 204.
async fn accepted(run: &Run, token: &str) -> Checked {
    let answer = post(run, token).await?;
    ensure!(
        matches!(answer.status, 200 | 204),
        "a good logout token is refused: {}\n{}",
        answer.line(),
        answer.body
    );
    Ok(())
}

async fn refused(run: &Run, token: &str, what: &str) -> Checked {
    let answer = post(run, token).await?;
    ensure!(
        answer.status == 400,
        "§2.8: {what} is not answered with a 400: {}",
        answer.line()
    );
    Ok(())
}

async fn ended(run: &Run) -> Checked {
    lacks(&run.app().backchannel_logout, "a back channel")?;
    let (here, stranger) = (Login::new(run, EMAIL).await?, Login::new(run, EMAIL).await?);
    accepted(run, &here.token(run)?).await?;
    here.ensure_gone(run, "after a logout token").await?;
    stranger
        .ensure_there(run, "whose session no logout token named")
        .await?;

    // The app begins the log-out, and the provider tells it of its other browser.
    lacks(&run.app().logout, "a log-out path")?;
    run.log_in_as(&stranger.at_provider, &run.browser).await?;
    let target = super::logout::log_out(run).await?;
    let target = target
        .location()
        .ok_or_else(|| format!("log-out does not go on: {}", target.line()))?;
    let back = stranger.at_provider.visit(target.as_str()).await;
    back.map_err(|error| format!("the provider does not send the browser back: {error}"))?;
    stranger
        .ensure_gone(run, "after another browser began a log-out")
        .await
}

async fn told(run: &Run, fault: Fault, told: Told) -> Checked {
    lacks(&run.app().backchannel_logout, "a back channel")?;
    let here = Login::new(run, EMAIL).await?;
    let there = Login::new(run, EMAIL).await?;
    let stranger = Login::new(run, OTHER_EMAIL).await?;
    run.platform().set_fault(Some(fault));
    let first = here.token(run)?;
    if told == Told::Refused {
        refused(run, &first, fault.name()).await?;
        here.ensure_there(run, "after a logout token that is wrong")
            .await?;
    }
    // The provider sends its own token, too.
    let sent = here.at_provider.log_out().await;
    run.platform().set_fault(None);
    // A request without any answer counts as 0, which is no status.
    let statuses = sent.back_channel.iter();
    let statuses: Vec<u16> = statuses
        .map(|sent| sent.status.unwrap_or_default())
        .collect();
    let right: &[&[u16]] = match told {
        Told::Ended | Told::AllEnded => &[&[200], &[204]],
        Told::Refused => &[&[400]],
        Told::Once => &[&[200, 400], &[204, 400]],
    };
    ensure!(
        right.contains(&statuses.as_slice()),
        "the provider's logout token was answered with {statuses:?}"
    );
    match told {
        Told::Ended | Told::AllEnded | Told::Once => {
            here.ensure_gone(run, "after a logout token").await?;
        }
        Told::Refused => {
            here.ensure_there(run, "after a logout token that is wrong")
                .await?;
            // A refusal proves something only where a token without the fault is accepted.
            accepted(run, &here.token(run)?).await?;
            here.ensure_gone(run, "after a logout token").await?;
        }
    }
    if told == Told::AllEnded {
        there
            .ensure_gone(run, "after a logout token about every session")
            .await?;
    } else {
        there
            .ensure_there(run, "in a session that no logout token named")
            .await?;
    }
    stranger
        .ensure_there(run, "who is not the person that the logout token named")
        .await
}

async fn each_refused(run: &Run, faults: &[Fault]) -> Checked {
    lacks(&run.app().backchannel_logout, "a back channel")?;
    let here = Login::new(run, EMAIL).await?;
    for fault in faults {
        run.platform().set_fault(Some(*fault));
        let token = here.token(run);
        run.platform().set_fault(None);
        refused(run, &token?, fault.name()).await?;
        here.ensure_there(run, "after a logout token that is wrong")
            .await?;
    }
    accepted(run, &here.token(run)?).await?;
    here.ensure_gone(run, "after a logout token").await
}

async fn replayed(run: &Run) -> Checked {
    lacks(&run.app().backchannel_logout, "a back channel")?;
    let here = Login::new(run, EMAIL).await?;
    // A token that would end the next session as well.
    run.platform().set_fault(Some(Fault::LogoutTokenSubOnly));
    let token = here.token(run);
    run.platform().set_fault(None);
    let token = token?;
    accepted(run, &token).await?;
    here.ensure_gone(run, "after a logout token").await?;
    let next = Login::new(run, EMAIL).await?;
    refused(run, &token, "a logout token that was taken before").await?;
    next.ensure_there(run, "after an old logout token came again")
        .await
}

async fn other_person(run: &Run) -> Checked {
    lacks(&run.app().backchannel_logout, "a back channel")?;
    let (bob, carol) = (
        Login::new(run, EMAIL).await?,
        Login::new(run, OTHER_EMAIL).await?,
    );
    // The two do not belong together: it ends that one session, or none.
    let answer = post(run, &token(run, EMAIL, &carol.sid)?).await?;
    ensure!(
        matches!(answer.status, 200 | 204 | 400),
        "the app broke: {}",
        answer.line()
    );
    bob.ensure_there(run, "whose session the logout token did not name")
        .await?;
    accepted(run, &bob.token(run)?).await?;
    bob.ensure_gone(run, "after a logout token").await
}

/// The token, as if signed with a key that nobody published.
fn forged(token: &str, number: usize) -> Checked<String> {
    let (_, signed) = token
        .split_once('.')
        .ok_or_else(|| "the logout token is no JWT".to_owned())?;
    let header = json!({
        "alg": SigningAlgorithm::Rs256.as_str(),
        "kid": format!("unknown-{number}"),
        "typ": "logout+jwt",
    });
    let header = URL_SAFE_NO_PAD.encode_to_string(header.to_string().as_bytes());
    Ok(format!("{header}.{signed}"))
}

async fn storm(run: &Run) -> Checked {
    lacks(&run.app().backchannel_logout, "a back channel")?;
    let here = Login::new(run, EMAIL).await?;
    let before = run.platform().count(KEYS);
    for first in (0..STORM).step_by(WAVE) {
        let tokens = (first..first + WAVE).map(|number| forged(&here.token(run)?, number));
        let tokens = tokens.collect::<Checked<Vec<_>>>()?;
        let what = "a forged logout token";
        let refusals = together(tokens.iter().map(|token| refused(run, token, what))).await;
        refusals.into_iter().collect::<Checked<Vec<()>>>()?;
    }
    let fetched = run.platform().count(KEYS) - before;
    ensure!(
        fetched <= FETCHES,
        "{STORM} forged logout tokens had the keys fetched {fetched} times"
    );
    here.ensure_there(run, "after forged logout tokens").await?;
    run.platform()
        .set_fault(Some(Fault::CertsRotatedBeforeSigning));
    let login = run.log_in().await;
    run.platform().set_fault(None);
    login.map(drop)
}
