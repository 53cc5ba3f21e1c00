//! The OpenID Foundation's modules for a client of the code flow: Basic, Form Post, and what Comprehensive adds.

use miracl_platform::{ClientAuthMethod, Fault, SigningAlgorithm};

use crate::browser::Request;
use crate::judge::Blame::Anyone;
use crate::judge::Expect::{Accepted, Either, Refused};
use crate::judge::Step;
use crate::module::Module;
use crate::person::EMAIL;
use crate::profile::Profile::{self, Basic, Comprehensive, Config, FormPost};
use crate::run::Run;
use crate::setup::Setup;
use crate::stop::{Checked, ensure, lacks};

const ALL_SCOPES: &str = "openid email profile address phone";
const BASIC: &[Profile] = &[Basic, FormPost];

/// The module of a fault in the ID token, after which userinfo must not be requested.
fn refuses(name: &str, plans: &'static [Profile], fault: Fault) -> Module {
    Module::login(name, plans, &[fault], Refused(Step::Userinfo, Anyone))
}

pub(crate) fn modules() -> Vec<Module> {
    let modules = list().into_iter();
    let modules = modules.map(|module| match module.plans().contains(&FormPost) {
        true => module.also_by_form_post(),
        false => module,
    });
    modules.collect()
}

fn list() -> Vec<Module> {
    use SigningAlgorithm::{Es256, Rs256};
    vec![
        Module::play(
            "oidcc-client-test",
            &[Basic, FormPost, Comprehensive],
            "a login goes through, and every request of it is as the specifications demand",
            |run| Box::pin(happy_path(run)),
        ),
        refuses(
            "oidcc-client-test-invalid-iss",
            BASIC,
            Fault::IdTokenWrongIssuer,
        ),
        refuses(
            "oidcc-client-test-missing-sub",
            BASIC,
            Fault::IdTokenWithoutSub,
        ),
        refuses(
            "oidcc-client-test-invalid-aud",
            BASIC,
            Fault::IdTokenWrongAudience,
        ),
        refuses(
            "oidcc-client-test-missing-aud",
            &[Comprehensive],
            Fault::IdTokenWithoutAud,
        ),
        refuses(
            "oidcc-client-test-missing-iat",
            BASIC,
            Fault::IdTokenWithoutIat,
        ),
        Module::login(
            "oidcc-client-test-kid-absent-single-jwks",
            BASIC,
            &[Fault::IdTokenWithoutKid],
            Accepted,
        )
        .signed(Rs256),
        Module::login(
            "oidcc-client-test-kid-absent-multiple-jwks",
            BASIC,
            &[Fault::IdTokenWithoutKidSeveralKeys],
            Either,
        )
        .signed(Rs256)
        .fresh(),
        Module::play(
            "oidcc-client-test-idtoken-sig-rs256",
            BASIC,
            "an ID token signed with RS256 is accepted",
            |run| Box::pin(happy_path(run)),
        )
        .signed(Rs256),
        refuses(
            "oidcc-client-test-idtoken-sig-none",
            &[Basic, Config],
            Fault::IdTokenUnsigned,
        )
        .signed(Rs256),
        refuses(
            "oidcc-client-test-invalid-sig-rs256",
            BASIC,
            Fault::IdTokenBadSignature,
        )
        .signed(Rs256),
        refuses(
            "oidcc-client-test-invalid-sig-es256",
            &[Comprehensive],
            Fault::IdTokenBadSignature,
        )
        .signed(Es256),
        // No secret is registered for signatures, so every HMAC is wrong.
        refuses(
            "oidcc-client-test-invalid-sig-hs256",
            &[Comprehensive],
            Fault::IdTokenHmacWithSecret,
        )
        .signed(Rs256),
        Module::play(
            "oidcc-client-test-userinfo-signed",
            &[Comprehensive],
            "userinfo that is a token signed with RS256 is accepted",
            |run| Box::pin(happy_path(run)),
        )
        .with(Setup::PLAIN.userinfo(Rs256)),
        Module::play(
            "oidcc-client-test-userinfo-bearer-header",
            &[Comprehensive],
            "the access token is in the Authorization header, and nowhere else",
            |run| Box::pin(happy_path(run)),
        ),
        Module::login(
            "oidcc-client-test-userinfo-invalid-sub",
            BASIC,
            &[Fault::UserinfoOtherSub],
            Refused(Step::Session, Anyone),
        ),
        refuses(
            "oidcc-client-test-nonce-invalid",
            BASIC,
            Fault::IdTokenWrongNonce,
        ),
        Module::play(
            "oidcc-client-test-scope-userinfo-claims",
            BASIC,
            "the claims of the scopes profile, email, address and phone arrive at the app",
            |run| Box::pin(claims(run)),
        )
        .with(Setup::PLAIN.scopes(ALL_SCOPES)),
        Module::login(
            "oidcc-client-test-form-post-error",
            &[Comprehensive],
            &[Fault::CallbackLoginRequired],
            Refused(Step::Token, Anyone),
        )
        .with(Setup::PLAIN.form_post()),
        Module::play(
            "oidcc-client-test-client-secret-basic",
            BASIC,
            "client_secret_basic with both halves form-encoded",
            |run| Box::pin(happy_path(run)),
        )
        .with(Setup::PLAIN.auth(ClientAuthMethod::ClientSecretBasic)),
        refuses(
            "oidcc-client-test-invalid-athash",
            &[Comprehensive],
            Fault::IdTokenWrongAtHash,
        ),
    ]
}

/// A login. Its requests are checked after every module.
pub(super) async fn happy_path(run: &Run) -> Checked {
    run.log_in().await?;
    let count = run.count(Step::Token);
    ensure!(count == 1, "tokens were asked for {count} times");
    Ok(())
}

/// A login after which the app shows what the provider said about the person.
async fn claims(run: &Run) -> Checked {
    let path = lacks(&run.app().claims, "a page with all claims")?;
    run.log_in().await?;
    let requests = run.requests();
    let asked = requests
        .iter()
        .find_map(|request| request.query_value("scope"));
    let asked: Vec<&str> = asked.unwrap_or_default().split(' ').collect();
    for scope in ALL_SCOPES.split(' ') {
        ensure!(
            asked.contains(&scope),
            "the scope {scope} is not asked for: {asked:?}"
        );
    }
    let page = run
        .browser
        .send(Request::fetch(run.app().url(path)))
        .await?;
    for value in [
        EMAIL,
        "Alice Example",
        "1 Example Street",
        "+44 20 7946 0000",
    ] {
        ensure!(
            page.body.contains(value),
            "{value:?} does not arrive: {}\n{}",
            page.line(),
            page.body
        );
    }
    Ok(())
}
