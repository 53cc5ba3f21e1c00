//! Log-out by a frame in a page of the provider: the OpenID Foundation's plan.

use crate::browser::{Answer, Request};
use crate::module::Module;
use crate::profile::Profile::FrontChannel;
use crate::run::Run;
use crate::setup::Setup;
use crate::stop::{Checked, ensure, lacks};

const EMAIL: &str = "bob@example.com";

pub(crate) fn modules() -> Vec<Module> {
    let module = |name, expects, play| {
        Module::play(name, &[FrontChannel], expects, play).with(Setup::PLAIN.front_channel())
    };
    vec![
        module(
            "oidcc-client-test-rp-frontchannel-rpinitlogout",
            "log-out that the app begins ends the session in another browser as well, by a frame without cookies",
            |run| Box::pin(by_frame(run, true)),
        ),
        module(
            "oidcc-client-test-rp-frontchannel-opinitlogout",
            "log-out at the provider ends the session, by a frame without cookies",
            |run| Box::pin(by_frame(run, false)),
        ),
    ]
}

async fn by_frame(run: &Run, begun_here: bool) -> Checked {
    lacks(
        &run.app().frontchannel_logout,
        "a front-channel log-out path",
    )?;
    let person = run.visitor(EMAIL)?;
    let elsewhere = run.visitor(EMAIL)?;
    let (other, stranger) = (run.browser.another(), run.browser.another());
    run.log_in_as(&person, &run.browser).await?;
    run.log_in_as(&person, &other).await?;
    run.log_in_as(&elsewhere, &stranger).await?;
    if begun_here {
        super::logout::log_out(run).await?;
        run.ensure_nobody(&run.browser, "after the app logged out")
            .await?;
    }
    ensure!(
        run.probe(&other).await?,
        "nobody is logged in before the provider has framed anything"
    );
    let frames = person.log_out().await.front_channel;
    ensure!(
        frames.len() == 1,
        "the provider frames {frames:?} for one session"
    );
    for frame in &frames {
        load(run, frame).await?;
    }
    run.ensure_nobody(&run.browser, "after the provider's page")
        .await?;
    run.ensure_nobody(&other, "in the other browser after the provider's page")
        .await?;
    ensure!(
        run.probe(&stranger).await?,
        "nobody is logged in with a session that no frame named"
    );
    Ok(())
}

/// Loads a frame in a browser that sends no cookies with frames of other sites.
async fn load(run: &Run, frame: &str) -> Checked {
    let url = url::Url::parse(frame).map_err(|error| format!("{frame:?}: {error}"))?;
    let request = Request::navigate(url)
        .sent_by(run.platform().issuer())
        .header("sec-fetch-dest", "iframe");
    let answer = run.browser.another().send(request).await?;
    ensure!(
        answer.status == 200,
        "the frame stays empty: {}",
        answer.line()
    );
    ensure!(
        answer.is_no_store(),
        "the frame may be stored: {}",
        answer.line()
    );
    let ancestors = ancestors(&answer);
    let issuer = run.platform().issuer();
    ensure!(
        ancestors.as_deref() == Some(&[issuer.to_owned()]),
        "not the provider alone may frame it, but {ancestors:?}: {}",
        answer.line()
    );
    Ok(())
}

/// The sources of `frame-ancestors` (Content Security Policy Level 3 §6.4.2), or none where any page may frame it.
/// Where there are some, browsers ignore `X-Frame-Options`.
fn ancestors(answer: &Answer) -> Option<Vec<String>> {
    let policy = answer.header("content-security-policy")?;
    policy.split(';').find_map(|directive| {
        let mut words = directive.split_ascii_whitespace();
        let name = words.next()?;
        name.eq_ignore_ascii_case("frame-ancestors")
            .then(|| words.map(str::to_owned).collect())
    })
}
