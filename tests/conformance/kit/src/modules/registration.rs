//! Ways of registering an app that the OpenID Foundation's plans for the code flow do not try one by one.

use miracl_platform::ClientAuthMethod::{ClientSecretJwt, ClientSecretPost, PrivateKeyJwt};
use miracl_platform::{ClientAuthMethod, Fault, SigningAlgorithm};

use super::foundation::happy_path;
use crate::callback::Callback;
use crate::judge::Blame::Login;
use crate::judge::{Expect, Step};
use crate::module::Module;
use crate::profile::Profile::{self, Ours};
use crate::run::Run;
use crate::setup::Setup;
use crate::stop::{Checked, ensure};

const OURS: &[Profile] = &[Ours];

fn authenticates(method: ClientAuthMethod) -> Module {
    let name = method.as_str().replace('_', "-");
    let expects = format!(
        "an app that is registered for {} authenticates so",
        method.as_str()
    );
    Module::play(
        &format!("ours-authenticates-by-{name}"),
        OURS,
        &expects,
        |run| Box::pin(twice(run)),
    )
    .with(Setup::PLAIN.auth(method))
}

pub(crate) fn modules() -> Vec<Module> {
    vec![
        authenticates(ClientSecretPost),
        authenticates(ClientSecretJwt),
        authenticates(PrivateKeyJwt),
        Module::play(
            "ours-every-algorithm",
            OURS,
            "with nothing registered, every asymmetric algorithm of the discovery document is accepted, and verified",
            |run| Box::pin(every_algorithm(run)),
        )
        .with(Setup::PLAIN.numbered(9)),
        Module::play(
            "ours-the-other-response-mode",
            OURS,
            "a response that comes otherwise than registered is refused before the token request",
            |run| Box::pin(other_mode(run)),
        ),
        Module::play(
            "ours-a-login-by-form-post-replaces-the-session",
            OURS,
            "a form that comes without the session's cookies begins a new session all the same",
            |run| Box::pin(happy_path_twice_by_form(run)),
        )
        .with(Setup::PLAIN.form_post()),
    ]
}

/// Two logins, so that a reused assertion shows.
async fn twice(run: &Run) -> Checked {
    run.log_in().await?;
    run.browser.set_cookies(Vec::new());
    run.log_in().await?;
    Ok(())
}

async fn every_algorithm(run: &Run) -> Checked {
    let signed_by = |algorithm| {
        run.setup()
            .signed(algorithm)
            .register(run.platform(), run.app())
    };
    for algorithm in SigningAlgorithm::ALL {
        let name = algorithm.as_str();
        signed_by(*algorithm)?;
        run.platform().clear_requests();
        run.browser.set_cookies(Vec::new());
        run.log_in()
            .await
            .map_err(|stop| stop.while_("signed with", name))?;
        run.browser.set_cookies(Vec::new());
        run.platform().clear_requests();
        run.platform().set_fault(Some(Fault::IdTokenBadSignature));
        let attempt = run.attempt().await;
        run.platform().set_fault(None);
        let verdict = Expect::Refused(Step::Userinfo, Login)
            .judge(run, &attempt?)
            .await;
        verdict.map_err(|stop| stop.while_("signed badly with", name))?;
    }
    signed_by(run.setup().signs)?;
    Ok(())
}

async fn other_mode(run: &Run) -> Checked {
    let callback = run.callback().await?;
    let mut url = callback.url.clone();
    url.set_query(None);
    let form = callback.url.query_pairs().into_owned().collect();
    let posted = run
        .deliver(&Callback {
            url,
            form: Some(form),
        })
        .await?;
    ensure!(
        (400..500).contains(&posted.status),
        "a form is taken: {}",
        posted.line()
    );
    let count = run.count(Step::Token);
    ensure!(count == 0, "the code of a form is sent");
    run.ensure_nobody(&run.browser, "by a form").await
}

async fn happy_path_twice_by_form(run: &Run) -> Checked {
    happy_path(run).await?;
    let earlier = run.browser.copy();
    run.log_in().await?;
    run.ensure_nobody(
        &earlier,
        "with the session from before a login by form_post",
    )
    .await?;
    run.ensure_logged_in("after a second login by form_post")
        .await
}
