//! The OpenID Foundation's plan for logins that another site begins, and what it leaves out.

use url::Url;

use super::redirects::{ensure_stays, foreign_targets};
use crate::browser::Request;
use crate::judge::Step;
use crate::module::Module;
use crate::person::EMAIL;
use crate::profile::Profile::{Ours, ThirdPartyInit};
use crate::run::Run;
use crate::stop::{Checked, ensure, lacks};

/// The site where the logins begin.
const PORTAL: &str = "https://portal.example";

pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::play(
            "oidcc-client-test-3rd-party-init-login",
            &[ThirdPartyInit],
            "GET and POST begin a login at the issuer they name, with the hint, and end at the page they name",
            |run| Box::pin(begins(run)),
        ),
        Module::play(
            "ours-third-party-login-at-an-unknown-issuer",
            &[Ours],
            "a login that is to begin at an unknown issuer, at none, or at two, is refused and leads nowhere",
            |run| Box::pin(unknown_issuer(run)),
        ),
        Module::play(
            "ours-open-redirects-after-a-third-party-login",
            &[Ours],
            "a login for a page elsewhere is refused, or ends on the app's own site",
            |run| Box::pin(elsewhere(run)),
        ),
    ]
}

fn url(run: &Run) -> Checked<Url> {
    Ok(run
        .app()
        .url(lacks(&run.app().initiate, "an initiate_login_uri")?))
}

fn by_get(run: &Run, parameters: &[(&str, &str)]) -> Checked<Request> {
    let mut url = url(run)?;
    url.query_pairs_mut().extend_pairs(parameters);
    Ok(Request::navigate(url).sent_by(PORTAL))
}

fn by_post(run: &Run, parameters: &[(&str, &str)]) -> Checked<Request> {
    Ok(Request::form(url(run)?, parameters).sent_by(PORTAL))
}

async fn begins(run: &Run) -> Checked {
    let issuer = run.platform().issuer();
    let page = run
        .app()
        .protected
        .as_deref()
        .map(|path| run.app().url(path).to_string());
    let mut parameters = vec![("iss", issuer), ("login_hint", EMAIL)];
    for target in [None, page.as_deref()] {
        parameters.extend(target.map(|target| ("target_link_uri", target)));
        for request in [by_get(run, &parameters)?, by_post(run, &parameters)?] {
            run.browser.set_cookies(Vec::new());
            let started = run.browser.send(request).await?;
            let to = started
                .location()
                .ok_or_else(|| format!("no login begins: {}", started.line()))?;
            ensure!(
                to.origin().ascii_serialization() == issuer
                    && Some(to.path()) == Step::Authorization.path(),
                "the login does not begin at the issuer: {}",
                started.line()
            );
            ensure!(
                to.query_pairs()
                    .any(|(name, value)| name == "login_hint" && value == EMAIL),
                "the hint is lost: {to}"
            );
            let callback = run.approve(&to).await?;
            let answer = run.deliver(&callback).await?;
            ensure!(
                answer.status < 400,
                "the login is refused: {}",
                answer.line()
            );
            run.ensure_logged_in("after a login that another site began")
                .await?;
            ensure!(
                target.is_none()
                    || answer
                        .location()
                        .is_some_and(|to| Some(to.as_str()) == target),
                "the login does not end at {target:?}: {}",
                answer.line()
            );
        }
    }
    Ok(())
}

async fn unknown_issuer(run: &Run) -> Checked {
    let issuer = run.platform().issuer();
    let evil = "https://evil.example";
    let longer = format!("{issuer}.evil.example");
    let upper = format!("{issuer}/EVIL");
    for parameters in [
        vec![],
        vec![("iss", "")],
        vec![("iss", evil)],
        vec![("iss", &longer)],
        vec![("iss", &upper)],
        vec![("iss", issuer), ("iss", evil)],
        vec![("iss", evil), ("iss", issuer)],
    ] {
        for request in [by_get(run, &parameters)?, by_post(run, &parameters)?] {
            let answer = run.browser.send(request).await?;
            ensure!(answer.status == 400, "{parameters:?}: {}", answer.line());
            ensure!(
                answer.set_cookies().iter().all(|cookie| cookie.deleted),
                "{parameters:?} begins a login: {}",
                answer.line()
            );
        }
    }
    Ok(())
}

async fn elsewhere(run: &Run) -> Checked {
    let issuer = run.platform().issuer();
    for target in foreign_targets(&run.app().url("/")) {
        run.browser.set_cookies(Vec::new());
        let what = format!("target_link_uri={target:?}");
        let started = run
            .browser
            .send(by_get(
                run,
                &[("iss", issuer), ("target_link_uri", &target)],
            )?)
            .await?;
        let Some(to) = started.location() else {
            ensure!(
                (400..500).contains(&started.status),
                "{what}: {}",
                started.line()
            );
            continue;
        };
        ensure!(
            to.origin().ascii_serialization() == issuer,
            "{what} leads to {to}"
        );
        let callback = run.approve(&to).await?;
        let answer = run.deliver(&callback).await?;
        ensure!(
            answer.status < 400,
            "{what}: the login is refused: {}",
            answer.line()
        );
        ensure_stays(run, answer, &what).await?;
    }
    Ok(())
}
