//! Open redirects: where a login may lead.

use url::Url;

use crate::browser::Answer;
use crate::module::Module;
use crate::profile::Profile::{self, Ours};
use crate::run::{Run, Started};
use crate::stop::{Checked, ensure, lacks};

const OURS: &[Profile] = &[Ours];

/// Places that are not on the app's site, in spellings that have deceived browsers, parsers and routers.
const ELSEWHERE: &[&str] = &[
    "https://evil.example",
    "https://evil.example/",
    "http://evil.example/path?query#fragment",
    "HTTPS://EVIL.EXAMPLE/",
    "//evil.example",
    "//evil.example/path",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\u{a0}//evil.example",
    "/%09/evil.example",
    "/%5cevil.example",
    "/%2f/evil.example",
    "//evil.example%2f..",
    "/.//evil.example",
    "/..//evil.example",
    "/a/../..//evil.example",
    "/./\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:\\\\evil.example",
    "//evil.example@127.0.0.1",
    "//127.0.0.1@evil.example/",
    "https://127.0.0.1@evil.example/",
    "https://127.0.0.1.evil.example/",
    "https://evil.example/127.0.0.1",
    "https://evil.example?127.0.0.1",
    "https://evil.example#127.0.0.1",
    "//evil。example",
    "//[::ffff:192.0.2.1]/",
    "//3221225985",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "/\r\nLocation: https://evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "evil.example",
    ".evil.example",
    "@evil.example",
    ":80@evil.example",
    "/login/start?return_to=//evil.example",
];

pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::play(
            "ours-open-redirects-after-a-login",
            OURS,
            "a login ends on the app's own site, no matter what is asked for",
            |run| Box::pin(after_login(run)),
        ),
        Module::play(
            "ours-return-to-a-page-of-the-app",
            OURS,
            "a path of the app that was asked for is where the login ends",
            |run| Box::pin(own_page(run)),
        ),
        Module::play(
            "ours-protocol-parameters-cannot-be-set-by-a-link",
            OURS,
            "parameters of a link to the login do not change the authorization request",
            |run| Box::pin(reserved(run)),
        ),
    ]
}

/// Fails unless an answer, and every page that it leads to within the app, stays on the app's site.
pub(super) async fn ensure_stays(run: &Run, mut answer: Answer, what: &str) -> Checked {
    for _ in 0..4 {
        ensure!(answer.status < 500, "{what}: {}", answer.line());
        if let Some(refresh) = answer.header("refresh") {
            ensure!(
                !refresh.contains("evil"),
                "{what} leads away by Refresh: {refresh}"
            );
        }
        let Some(target) = answer.header("location").map(str::to_owned) else {
            return Ok(());
        };
        // Browsers resolve against the address that answered; some routers and proxies don't.
        let url = answer
            .url
            .join(&target)
            .map_err(|error| format!("{what} leads to {target:?}: {error}"))?;
        if url.origin().ascii_serialization() == run.platform().issuer() {
            return Ok(());
        }
        ensure!(
            run.app().owns(&url) && !target.starts_with("//") && !target.contains('\\'),
            "{what} leads to {target:?}"
        );
        answer = run.browser.open(url).await?;
    }
    Ok(())
}

async fn after_login(run: &Run) -> Checked {
    let parameter = lacks(
        &run.app().return_to,
        "a parameter that says where to return to",
    )?;
    for payload in ELSEWHERE {
        run.browser.set_cookies(Vec::new());
        let what = format!("{parameter}={payload:?}");
        match run.start_with(&[(parameter, payload)]).await? {
            Started::Stopped(answer) => {
                ensure!(
                    (400..500).contains(&answer.status),
                    "{what}: {}",
                    answer.line()
                );
            }
            Started::At(url) => {
                let callback = run.approve(&url).await?;
                let answer = run.deliver(&callback).await?;
                ensure!(
                    answer.status < 400,
                    "{what}: the login is refused: {}",
                    answer.line()
                );
                ensure_stays(run, answer, &what).await?;
            }
        }
    }
    Ok(())
}

async fn own_page(run: &Run) -> Checked {
    let parameter = lacks(
        &run.app().return_to,
        "a parameter that says where to return to",
    )?;
    let page = lacks(&run.app().protected, "a protected page")?;
    let page = format!("{page}?tab=2&x=%2F%2Fa");
    let Started::At(url) = run.start_with(&[(parameter, &page)]).await? else {
        return Err("the login does not begin".to_owned().into());
    };
    let callback = run.approve(&url).await?;
    let answer = run.deliver(&callback).await?;
    let target = answer.location();
    ensure!(
        target.as_ref() == Some(&run.app().url(&page)),
        "the login does not end at {page}: {}",
        answer.line()
    );
    Ok(())
}

async fn reserved(run: &Run) -> Checked {
    let set = [
        ("state", "fixed-by-an-attacker-of-128-bits"),
        ("nonce", "fixed-by-an-attacker-of-128-bits"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "plain"),
        ("client_id", "another-client"),
        ("redirect_uri", "https://evil.example/"),
        ("response_type", "token"),
        ("response_mode", "fragment"),
        ("scope", "openid everything"),
        ("request", "e30.e30."),
        ("request_uri", "https://evil.example/"),
        ("claims", "{}"),
        ("iss", "https://evil.example"),
    ];
    let Started::At(url) = run.start_with(&set).await? else {
        return Err("the login does not begin".to_owned().into());
    };
    let asked = |name: &str| -> Vec<String> {
        let pairs = url.query_pairs().filter(|(key, _)| key == name);
        pairs.map(|(_, value)| value.into_owned()).collect()
    };
    for (name, value) in set {
        ensure!(
            !asked(name).iter().any(|asked| asked == value),
            "{name} was set by a link: {url}"
        );
    }
    let callback = run.approve(&url).await?;
    let answer = run.deliver(&callback).await?;
    ensure!(
        answer.status < 400,
        "the login is refused: {}",
        answer.line()
    );
    run.ensure_logged_in("after a login from an odd link").await
}

/// For paths that take a whole URL to go on to.
pub(super) fn foreign_targets(origin: &Url) -> Vec<String> {
    let host = origin.host_str().unwrap_or_default();
    let port = origin
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let mut targets: Vec<String> = ELSEWHERE
        .iter()
        .map(|payload| (*payload).to_owned())
        .collect();
    targets.extend([
        format!("{}://{host}{port}@evil.example/", origin.scheme()),
        format!("{}://{host}{port}.evil.example/", origin.scheme()),
        format!("{}://evil.example\\@{host}{port}/", origin.scheme()),
    ]);
    targets
}
