//! The OpenID Foundation's RP-initiated log-out plan, and what it leaves out.

use url::Url;

use crate::browser::{Answer, Request};
use crate::module::Module;
use crate::profile::Profile::{Ours, RpInitiatedLogout};
use crate::run::Run;
use crate::stop::{Checked, ensure, lacks};

pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::play(
            "oidcc-client-test-rp-init-logout",
            &[RpInitiatedLogout],
            "log-out ends at the provider with a hint that was issued to the app \
             and a registered address, and comes back",
            |run| Box::pin(comes_back(run, |_| {})),
        ),
        Module::play(
            "oidcc-client-test-rp-init-logout-other-state",
            &[RpInitiatedLogout],
            "the page after log-out works with a `state` that was not sent",
            |run| Box::pin(comes_back(run, other_state)),
        ),
        Module::play(
            "oidcc-client-test-rp-init-logout-no-state",
            &[RpInitiatedLogout],
            "the page after log-out works without `state`",
            |run| Box::pin(comes_back(run, |url| url.set_query(None))),
        ),
        Module::play(
            "ours-log-out-is-not-begun-by-another-site",
            &[Ours],
            "a link or a form of another site logs nobody out",
            |run| Box::pin(cross_site(run)),
        ),
        Module::play(
            "ours-a-copied-session-is-dead-after-log-out",
            &[Ours],
            "what a thief copied before the log-out is worth nothing afterwards",
            |run| Box::pin(copied(run)),
        ),
    ]
}

/// An address where a redirect by `state` would lead to another site.
fn other_state(url: &mut Url) {
    url.query_pairs_mut()
        .clear()
        .append_pair("state", "https://evil.example/");
}

pub(super) async fn log_out(run: &Run) -> Checked<Answer> {
    let path = lacks(&run.app().logout, "a log-out path")?;
    let form: [(&str, &str); 0] = [];
    Ok(run
        .browser
        .send(Request::form(run.app().url(path), &form))
        .await?)
}

async fn comes_back(run: &Run, change: fn(&mut Url)) -> Checked {
    let registered = run.app().post_logout_redirect_uri();
    let registered = lacks(&registered, "a page after log-out")?;
    run.log_in().await?;
    let answer = log_out(run).await?;
    let target = answer
        .location()
        .ok_or_else(|| format!("log-out does not go on: {}", answer.line()))?;
    ensure!(
        answer.status == 303 || answer.status == 302,
        "RFC 9700 §4.11: {}",
        answer.line()
    );
    ensure!(
        target.origin().ascii_serialization() == run.platform().issuer()
            && target.path() == "/oidc/logout",
        "log-out does not go on to the provider: {target}"
    );
    run.ensure_nobody(
        &run.browser,
        "before the provider has ended its own session",
    )
    .await?;
    let value = |name: &str| {
        target
            .query_pairs()
            .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    ensure!(
        value("id_token_hint").is_some(),
        "there is no `id_token_hint`: {target}"
    );
    ensure!(
        value("post_logout_redirect_uri").as_deref() == Some(registered),
        "`post_logout_redirect_uri` is not as registered: {target}"
    );
    // The provider leads back only for a hint of its own and a registered address.
    let back = run.platform().visit(target.as_str()).await;
    let back =
        back.map_err(|error| format!("the provider does not send the browser back: {error}"))?;
    let mut back = Url::parse(&back).map_err(|error| format!("{back:?}: {error}"))?;
    let state = back
        .query_pairs()
        .find_map(|(key, value)| (key == "state").then(|| value.into_owned()));
    ensure!(
        state == value("state"),
        "the provider returned another `state`: {back}"
    );
    change(&mut back);
    let mut page = run
        .browser
        .send(Request::navigate(back).sent_by(run.platform().issuer()))
        .await?;
    for _ in 0..3 {
        let Some(next) = page.location() else { break };
        ensure!(
            run.app().owns(&next),
            "the page after log-out leads to a stranger: {}",
            page.line()
        );
        page = run.browser.open(next).await?;
    }
    ensure!(
        page.status == 200,
        "the page after log-out does not work: {}",
        page.line()
    );
    run.ensure_nobody(&run.browser, "after log-out").await
}

async fn cross_site(run: &Run) -> Checked {
    let path = lacks(&run.app().logout, "a log-out path")?;
    let evil = "https://evil.example";
    run.log_in().await?;
    let url = || run.app().url(path);
    let form: [(&str, &str); 0] = [];
    let get = Request::navigate(url()).sent_by(evil);
    let post = Request::form(url(), &form).sent_by(evil);
    // A browser without Fetch Metadata, on a page that hides its address.
    let hidden = Request::form(url(), &form)
        .header("origin", "null")
        .header("sec-fetch-site", "cross-site");
    for request in [get, post, hidden] {
        run.browser.send(request).await?;
        run.ensure_logged_in("after another site began a log-out")
            .await?;
    }
    Ok(())
}

async fn copied(run: &Run) -> Checked {
    run.log_in().await?;
    let thief = run.browser.copy();
    ensure!(run.probe(&thief).await?, "a copied session is no session");
    log_out(run).await?;
    run.ensure_nobody(&run.browser, "after log-out").await?;
    run.ensure_nobody(&thief, "with a session that was copied before the log-out")
        .await
}
