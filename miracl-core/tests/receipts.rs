//! One login for each fault that a provider can have: does its receipt say why it failed, and whose fault it is?
//!
//! The text of each is in `receipts/<fault>.txt`, without the parts that differ from run to run. With
//! `RECEIPTS_BLESS=1` in the environment the files are written anew; read what changed before you commit it.
#![allow(clippy::unwrap_used)] // helpers of tests

use std::{
    borrow::Cow,
    collections::BTreeSet,
    env, fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use miracl_core::{
    AuthFailure, Clock, Config, CookieKey, FailureReason, IdTokenError, LoginOptions, Miracl,
    RequestView, SigningAlgorithm, Visit,
};
use miracl_platform::{Client, Fault, Platform, PlatformConfig};
use tokio::task::JoinSet;

const CALLBACK: &str = "http://127.0.0.1:5000/login";
const SECRET: &str = "a-secret-of-this-client";
const EMAIL: &str = "alice@example.com";
const PIN: &str = "7391";

/// How many platforms there are. Most faults wait for nothing but each other.
const PLATFORMS: usize = 8;
/// How long a provider that never answers is waited for.
const SHORT: Duration = Duration::from_secs(4);
/// How long any other provider is waited for, also on a busy machine.
const LONG: Duration = Duration::from_secs(120);
/// How long access tokens live here, in seconds.
const TOKEN_LIFE: u64 = 60;

/// A request of the one browser there is.
struct Request {
    path: &'static str,
    cookies: String,
}

impl RequestView for Request {
    fn method(&self) -> &str {
        "GET"
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        self.path.into()
    }

    fn host(&self) -> Option<&str> {
        Some("127.0.0.1:5000")
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let asked = name == "cookie" && !self.cookies.is_empty();
        asked.then_some(self.cookies.as_bytes()).into_iter()
    }
}

fn visit(miracl: &Miracl, path: &'static str, cookies: &str) -> Visit {
    let cookies = cookies.to_owned();
    miracl.visit(&Request { path, cookies })
}

/// The `Cookie` header of a browser that had none before this response.
fn cookies(visit: &Visit) -> String {
    let set = visit.finish().set_cookies;
    let pairs = set.iter().filter_map(|line| line.split(';').next());
    let kept: Vec<&str> = pairs.filter(|pair| !pair.ends_with('=')).collect();
    kept.join("; ")
}

/// Whether an app may still log somebody in.
fn is_harmless(fault: Fault) -> bool {
    use Fault::*;
    matches!(
        fault,
        DiscoverySlow
            | DiscoveryAlgorithmsNull
            | DiscoveryIssText
            | DiscoveryRelativeLogout
            | TokenSlow
            | TokenCreated
            | TokenScopeArray
            | TokenWithoutExpiresIn
            | TokenOddTokenType
            | TokenWithoutTokenType
            | TokenExpiresAtOnce
            | IdTokenExpiredSecondsAgo
            | IdTokenSecondsAhead
            | IdTokenAudArray
            | IdTokenWithoutAtHash
            | IdTokenWithoutKid
            | IdTokenWithoutKidSeveralKeys
            | IdTokenNullClaims
            | IdTokenAcrObject
            | IdTokenSidNumber
            | IdTokenKidNull
            | IdTokenOtherName
            | CertsNullMembers
            | CertsDecoys
            | CertsDuplicateKid
            | CertsSeveralKeys
            | CertsRotatedBeforeSigning
            | UserinfoSlow
            | UserinfoMuch
            | UserinfoWithoutEmail
            | UserinfoEmailNotVerified
            | RefreshWithoutIdToken
            | RefreshWithoutRotation
            | RefreshedOtherAuthTime
            | RefreshedAtHashNull
    )
}

/// The faults that a login or a refresh can meet. Logout tokens are the others, and leave no receipt.
fn faults() -> impl Iterator<Item = Fault> {
    let all = Fault::ALL.iter().copied();
    all.filter(|fault| !fault.name().starts_with("logout-token"))
}

/// Whether the provider never answers.
fn hangs(fault: Fault) -> bool {
    fault.name().ends_with("-hangs")
}

/// Whether the fault shows when tokens are refreshed, and not before.
fn is_of_refreshing(fault: Fault) -> bool {
    fault.name().starts_with("refresh")
}

/// An app that notices the fault.
fn config(platform: &Platform, fault: Fault) -> Config {
    use Fault::*;
    let mut config = Config {
        issuer: platform.issuer().to_owned(),
        client_id: "app".into(),
        client_secret: SECRET.into(),
        redirect_uri: CALLBACK.into(),
        cookie_keys: vec![CookieKey::generate()],
        request_timeout: if hangs(fault) { SHORT } else { LONG },
        ..Config::default()
    };
    if fault == IdTokenOtherAlgorithm {
        config.id_token_signed_response_alg = Some(SigningAlgorithm::RS256);
    }
    if fault.name().starts_with("userinfo-signed-") {
        config.userinfo_signed_response_alg = Some(SigningAlgorithm::RS256);
    }
    if is_of_refreshing(fault) {
        config.scopes.push("offline_access".to_owned());
    }
    config
}

/// A login that asks for what the fault withholds. The person is logged in at the provider already: a PIN is slow to
/// check.
fn options(fault: Fault) -> LoginOptions {
    use Fault::*;
    let asks_when = matches!(fault, IdTokenAuthTimeTooOld | IdTokenWithoutAuthTime);
    let asks_how = matches!(fault, IdTokenAcrNotMet | IdTokenWithoutAcr);
    LoginOptions {
        prompt: Some("none".to_owned()),
        max_age: asks_when.then_some(600),
        acr_values: asks_how.then(|| "gold silver".to_owned()),
        ..LoginOptions::default()
    }
}

async fn start() -> Platform {
    let platform = Platform::start(PlatformConfig {
        clients: vec![Client::new("app", SECRET, CALLBACK)],
        access_token_lifetime: Duration::from_secs(TOKEN_LIFE),
        ..PlatformConfig::default()
    });
    let platform = platform.await.unwrap();
    platform.register_identity(EMAIL, PIN).unwrap();
    let miracl = Miracl::new(config(&platform, Fault::TokenSlow)).unwrap();
    let url = visit(&miracl, "/", "").login_url().await.unwrap();
    platform.log_in(&url, EMAIL, PIN).await.unwrap();
    platform
}

/// A login that got as far as its callback, and the result.
struct Attempt {
    visit: Visit,
    failure: Option<AuthFailure>,
    printed: String,
}

/// Logs in, and begins the session.
async fn log_in(platform: &Platform, miracl: &Miracl, fault: Fault) -> Attempt {
    let start = visit(miracl, "/login/start", "");
    let url = match start.login_url_with(options(fault)).await {
        Ok(url) => url,
        Err(failure) => return Attempt::failed(start, failure, platform, ""),
    };
    let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
    let (_, query) = callback.split_once('?').unwrap();
    let back = visit(miracl, "/login", &cookies(&start));
    match back.complete_login(query).await {
        Ok(login) => {
            back.confirm_login().await.unwrap();
            let receipt = login.receipt();
            let printed = normalised(
                &format!("login succeeded\n{receipt}"),
                platform,
                receipt.id(),
            );
            assert!(receipt.failed().is_none() && receipt.at_fault().is_none());
            assert_secret_free(&receipt.to_string(), query);
            Attempt {
                visit: back,
                failure: None,
                printed,
            }
        }
        Err(failure) => Attempt::failed(back, failure, platform, query),
    }
}

impl Attempt {
    fn failed(visit: Visit, failure: AuthFailure, platform: &Platform, query: &str) -> Self {
        let receipt = failure.receipt();
        assert!(receipt.failed().is_some() && receipt.at_fault().is_some());
        let text = format!(
            "login failed, status {}: {failure}\n{receipt}",
            failure.status()
        );
        assert_secret_free(&format!("{text}{failure:?}"), query);
        let replica = receipt.replica().unwrap_or("no replica");
        let text = text.replace(replica, "<replica>");
        let mut printed = normalised(&text, platform, receipt.id());
        if let FailureReason::IdToken(
            IdTokenError::UnknownKey { kid: Some(kid) }
            | IdTokenError::UnreadableKey { kid: Some(kid) },
        ) = failure.reason()
        {
            printed = printed.replace(kid, "<kid>");
        }
        Self {
            visit,
            failure: Some(failure),
            printed,
        }
    }
}

/// Fails if a secret value of the login is in the printed text.
fn assert_secret_free(text: &str, query: &str) {
    let parameters = url_parameters(query);
    let long = parameters.iter().filter(|value| value.len() > 20);
    let own = [SECRET, EMAIL, "mallory", "eyJ"];
    for secret in long.map(String::as_str).chain(own) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// The values of a callback that nobody else may see.
fn url_parameters(query: &str) -> Vec<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| ["code", "state", "id_token", "access_token"].contains(name))
        .map(|(_, value)| value.to_owned())
        .collect()
}

/// Takes out what differs from run to run: the id, times, the port. Seconds become minutes.
fn normalised(text: &str, platform: &Platform, id: &str) -> String {
    let text = text.replace(id, "<id>");
    let text = text.replace(&format!(":{}", platform.address().port()), ":<port>");
    let mut lines = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let mut new: Vec<String> = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let unit = words.get(place + 1).copied().unwrap_or_default();
            new.push(
                match (word.parse::<u64>(), unit.trim_end_matches([';', ','])) {
                    (Ok(seconds), "s") => format!("<{}", (seconds + 30) / 60),
                    _ if *word == "s" || *word == "s;" || *word == "s," => {
                        word.replace('s', "min>")
                    }
                    _ if unit == "ms)" => "(<n>".to_owned(),
                    _ => (*word).to_owned(),
                },
            );
        }
        lines.push(new.join(" ").trim_end().to_owned());
    }
    lines.join("\n") + "\n"
}

/// What a fault that concerns logging in prints.
async fn judge_login(platform: &Platform, fault: Fault) -> String {
    let miracl = Miracl::new(config(platform, fault)).unwrap();
    if fault == Fault::CertsRotatedBeforeSigning {
        // Only an app that knows the old keys can notice it.
        let before = log_in(platform, &miracl, fault).await;
        assert!(before.failure.is_none(), "{}", before.printed);
    }
    platform.set_fault(Some(fault));
    let attempt = log_in(platform, &miracl, fault).await;
    platform.set_fault(None);
    let logged_in = attempt.visit.is_authenticated().await.unwrap();
    assert_eq!(logged_in, is_harmless(fault), "{}", attempt.printed);
    assert_eq!(attempt.failure.is_none(), logged_in, "{}", attempt.printed);
    // A time-out of a busy machine must not be recorded as a provider's fault.
    let timed_out = attempt.printed.contains("did not answer in time");
    assert_eq!(timed_out, hangs(fault), "{}", attempt.printed);
    attempt.printed
}

/// What a fault that concerns refreshing tokens does to a session whose access token is about to run out.
async fn judge_refresh(platform: &Platform, fault: Fault) -> String {
    let ahead = Arc::new(Mutex::new(Duration::ZERO));
    let passed = Arc::clone(&ahead);
    let miracl = Miracl::new(Config {
        clock: Clock::from_fn(move || SystemTime::now() + *passed.lock().unwrap()),
        ..config(platform, fault)
    })
    .unwrap();
    let login = log_in(platform, &miracl, fault).await;
    let before = login.visit.tokens().await.unwrap().unwrap();
    let sent = cookies(&login.visit);
    *ahead.lock().unwrap() = Duration::from_secs(TOKEN_LIFE - 5);
    platform.set_fault(Some(fault));
    let later = visit(&miracl, "/", &sent);
    let outcome = later.refresh_user_data().await;
    let after = later.tokens().await.unwrap();
    platform.set_fault(None);
    let text = match &outcome {
        Ok(_) => "refresh succeeded".to_owned(),
        Err(error) => format!("refresh failed: {error}"),
    };
    assert_eq!(outcome.is_ok(), is_harmless(fault), "{text}");
    let session = match &after {
        None => "the session is ended",
        Some(after) if after.access_token().expose() == before.access_token().expose() => {
            "the session stays, with the old access token"
        }
        Some(_) => "the session stays, with a new access token",
    };
    assert_eq!(later.is_authenticated().await.unwrap(), after.is_some());
    assert_secret_free(&format!("{text}{outcome:?}"), "");
    normalised(&format!("{text}\n{session}"), platform, "<id>")
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "receipts"]
        .iter()
        .collect()
}

/// Compares with the snapshot, or writes it. Returns what is wrong.
fn compare(name: &str, printed: &str) -> Option<String> {
    let file = folder().join(format!("{name}.txt"));
    if env::var_os("RECEIPTS_BLESS").is_some() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(file, printed).unwrap();
        return None;
    }
    match fs::read_to_string(&file) {
        Ok(kept) if kept == printed => None,
        Ok(kept) => Some(format!("{name}: was\n{kept}and is\n{printed}")),
        Err(error) => Some(format!("{name} has no snapshot ({error}):\n{printed}")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_a_provider_has_a_receipt_that_says_whose_it_is() {
    // Faults with a long wait come first, and the others run in the meantime.
    let (slow, quick): (Vec<_>, Vec<_>) = faults().partition(|fault| hangs(*fault));
    let faults = Arc::new(Mutex::new(slow.into_iter().chain(quick)));
    let mut workers = JoinSet::new();
    for _ in 0..PLATFORMS {
        // The first makes the keys, which the others share.
        let platform = start().await;
        let faults = Arc::clone(&faults);
        workers.spawn(async move {
            let mut wrong = Vec::new();
            loop {
                let next = faults.lock().unwrap().next();
                let Some(fault) = next else { break };
                let printed = if is_of_refreshing(fault) {
                    judge_refresh(&platform, fault).await
                } else {
                    judge_login(&platform, fault).await
                };
                wrong.extend(compare(fault.name(), &printed));
            }
            platform.shutdown().await;
            wrong
        });
    }
    let wrong: Vec<String> = workers.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn snapshots() -> Vec<(String, String)> {
    let files = fs::read_dir(folder()).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn there_is_one_snapshot_for_each_fault_and_no_other() {
    let kept: BTreeSet<String> = snapshots().into_iter().map(|(name, _)| name).collect();
    let faults = faults().map(|fault| fault.name().to_owned());
    assert_eq!(kept, faults.collect());
}

#[test]
fn no_receipt_holds_a_secret_or_says_who_somebody_is() {
    // A token, a key or a code: long, with digits and letters of both cases.
    let is_random = |word: &str| {
        let has = |what: fn(char) -> bool| word.chars().any(what);
        word.len() > 20
            && has(|c| c.is_ascii_digit())
            && has(|c| c.is_ascii_lowercase())
            && has(|c| c.is_ascii_uppercase())
    };
    assert!(is_random("eyJhbGciOiJSUzI1NiIsImtpZCI6"));
    for (name, text) in snapshots() {
        for secret in ["@", "eyJ", "mallory", "alice", SECRET, PIN] {
            assert!(!text.contains(secret), "{secret} in {name}");
        }
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
        let random: Vec<&str> = words.filter(|word| is_random(word)).collect();
        assert!(random.is_empty(), "{random:?} in {name}");
    }
}
