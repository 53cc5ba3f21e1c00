//! The OpenID Foundation's Config plan: a provider that is known by its discovery document, and keys that change.

use miracl_platform::Fault;

use crate::judge::Blame::Anyone;
use crate::judge::Expect::{Accepted, Refused};
use crate::judge::Step;
use crate::module::Module;
use crate::profile::Profile::{self, Config};
use crate::run::Run;
use crate::stop::{Checked, ensure};

const CONFIG: &[Profile] = &[Config];
const DOCUMENT: &str = "/.well-known/openid-configuration";
pub(super) const KEYS: &str = "/oidc/certs";

pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::play(
            "oidcc-client-test-discovery-openid-config",
            CONFIG,
            "the discovery document is fetched before the first login, and used",
            |run| Box::pin(document(run)),
        )
        .fresh(),
        Module::play(
            "oidcc-client-test-discovery-jwks-uri-keys",
            CONFIG,
            "the keys are fetched from where the document says",
            |run| Box::pin(keys(run)),
        )
        .fresh(),
        Module::login(
            "oidcc-client-test-discovery-issuer-mismatch",
            CONFIG,
            &[Fault::DiscoveryWrongIssuer],
            Refused(Step::Authorization, Anyone),
        )
        .fresh(),
        Module::login(
            "oidcc-client-test-signing-key-rotation-just-before-signing",
            CONFIG,
            &[Fault::CertsRotatedBeforeSigning],
            Accepted,
        )
        .fresh(),
        Module::play(
            "oidcc-client-test-signing-key-rotation",
            CONFIG,
            "a second login is accepted although the provider has new keys",
            |run| Box::pin(rotation(run)),
        )
        .fresh(),
    ]
}

async fn document(run: &Run) -> Checked {
    run.log_in().await?;
    let requests = run.requests();
    let first = requests.iter().map(|request| request.path.as_str()).next();
    ensure!(
        first == Some(DOCUMENT),
        "the first request is for {first:?}"
    );
    Ok(())
}

async fn keys(run: &Run) -> Checked {
    run.log_in().await?;
    let count = run.platform().count(KEYS);
    ensure!(count == 1, "the keys were fetched {count} times");
    Ok(())
}

async fn rotation(run: &Run) -> Checked {
    run.log_in().await?;
    run.platform()
        .rotate_keys()
        .await
        .map_err(|error| error.to_string())?;
    run.log_in().await?;
    let count = run.platform().count(KEYS);
    ensure!(
        count == 2,
        "the keys were fetched {count} times for two logins"
    );
    Ok(())
}
