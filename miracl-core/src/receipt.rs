//! Login receipts: one record for each attempt, of every check in its order, that tells why a login failed and whose fault it
//! is. It holds no secret and no personal data.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use ring::digest;

use crate::{
    error::{FailureReason, ProviderError},
    id_token::IdTokenError,
    secret::{hex, random},
};

/// The record of one attempt to log in.
///
/// It is in [`AuthSuccess`](crate::AuthSuccess) and [`AuthFailure`](crate::AuthFailure), and in one `tracing` event at the end of each attempt.
/// `Display` prints it as lines, one for each check.
#[derive(Debug, Clone)]
pub struct Receipt(Arc<Content>);

#[derive(Debug)]
struct Content {
    id: String,
    checks: Vec<Check>,
    verdict: Option<(Party, &'static str)>,
    time: Duration,
}

/// One check of a login.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Check {
    /// What was checked: a parameter, a claim, or an endpoint, by the name the specification gives it.
    pub name: &'static str,
    /// The section of the specification that asks for it.
    pub section: &'static str,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// What would have been right, where that can be told.
    pub expected: Option<String>,
    /// What was there instead, where that can be told. Long values are hashed.
    pub found: Option<String>,
    /// The time since the check before.
    pub time: Duration,
}

/// What came of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckOutcome {
    /// It passed.
    Passed,
    /// It failed, and the login with it.
    Failed,
    /// There was nothing to check.
    NotApplicable,
}

/// Who has to do something about a failed login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Party {
    /// The person, or their browser: too slow, in another browser, cancelled. Trying again helps.
    Person,
    /// The provider: it answered wrongly, or is ill.
    Provider,
    /// This app: its configuration, or its registration at the provider.
    App,
    /// The way between this app and the provider.
    Network,
}

impl Receipt {
    /// Returns the id under which the log has this attempt.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the checks in the order they were made. After one that failed there is no further.
    pub fn checks(&self) -> &[Check] {
        &self.0.checks
    }

    /// Returns the check that failed; `None` for a login that succeeded.
    pub fn failed(&self) -> Option<&Check> {
        let last = self.0.checks.last()?;
        (last.outcome == CheckOutcome::Failed).then_some(last)
    }

    /// Returns who has to do something about it; `None` for a login that succeeded.
    pub fn at_fault(&self) -> Option<Party> {
        self.0.verdict.map(|(party, _)| party)
    }

    /// Returns what to do about it, for the operator; `None` for a login that succeeded.
    pub fn advice(&self) -> Option<&'static str> {
        self.0.verdict.map(|(_, advice)| advice)
    }

    /// Returns how long the attempt took here, from the browser's return on.
    pub fn time(&self) -> Duration {
        self.0.time
    }

    /// The checks on one line, for the log.
    pub(crate) fn line(&self) -> String {
        let words: Vec<String> = self
            .checks()
            .iter()
            .map(|check| format!("{}={}", check.name, check.outcome))
            .collect();
        words.join(" ")
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "receipt {} ({} ms)", self.id(), self.time().as_millis())?;
        for check in self.checks() {
            write!(
                f,
                "{:<14} {:<28} {}",
                check.outcome.to_string(),
                check.name,
                check.section
            )?;
            if let Some(expected) = &check.expected {
                write!(f, "; expected {expected}")?;
            }
            if let Some(found) = &check.found {
                write!(f, "; found {found}")?;
            }
            writeln!(f)?;
        }
        if let Some((party, advice)) = self.0.verdict {
            writeln!(f, "at fault: {party}. {advice}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CheckOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotApplicable => "not applicable",
        })
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Person => "the person or their browser",
            Self::Provider => "the provider",
            Self::App => "this app",
            Self::Network => "the way to the provider",
        })
    }
}

/// Writes a receipt while the checks are made.
#[derive(Debug)]
pub(crate) struct Recorder {
    began: Instant,
    last: Instant,
    checks: Vec<Check>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            last: now,
            checks: Vec::with_capacity(28),
        }
    }

    /// Records a check by its result, and hands the result on.
    pub(crate) fn check<T, E: Into<FailureReason>>(
        &mut self,
        name: &'static str,
        section: &'static str,
        result: Result<T, E>,
    ) -> Result<T, FailureReason> {
        match result {
            Ok(value) => {
                self.note(name, section, CheckOutcome::Passed, (None, None));
                Ok(value)
            }
            Err(error) => {
                let reason = error.into();
                let details = reason.details();
                self.note(name, section, CheckOutcome::Failed, details);
                Err(reason)
            }
        }
    }

    /// The same for a request to the provider, whose error is wanted as it is.
    pub(crate) fn check_provider<T>(
        &mut self,
        name: &'static str,
        section: &'static str,
        result: Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        // What matters is what it writes down.
        let _ = match &result {
            Ok(_) => self.check(name, section, Ok::<_, FailureReason>(())),
            Err(error) => self.check(name, section, Err(error.clone())),
        };
        result
    }

    /// Records a check that may not apply, and hands its result on.
    pub(crate) fn check_if<E: Into<FailureReason>>(
        &mut self,
        name: &'static str,
        section: &'static str,
        result: Result<Applied, E>,
    ) -> Result<(), FailureReason> {
        match result {
            Ok(Applied::No) => {
                self.note(name, section, CheckOutcome::NotApplicable, (None, None));
                Ok(())
            }
            Ok(Applied::Yes) => self.check(name, section, Ok::<_, FailureReason>(())),
            Err(error) => self.check(name, section, Err(error)),
        }
    }

    fn note(
        &mut self,
        name: &'static str,
        section: &'static str,
        outcome: CheckOutcome,
        (expected, found): (Option<String>, Option<String>),
    ) {
        let now = Instant::now();
        self.checks.push(Check {
            name,
            section,
            outcome,
            expected,
            found,
            time: now - self.last,
        });
        self.last = now;
    }

    /// Ends the receipt of a login that succeeded, or failed for this reason.
    pub(crate) fn finish(self, reason: Option<&FailureReason>) -> Receipt {
        Receipt(Arc::new(Content {
            id: hex(&random::<6>()),
            time: self.began.elapsed(),
            checks: self.checks,
            verdict: reason.map(FailureReason::verdict),
        }))
    }
}

/// Whether there was something to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    Yes,
    No,
}

/// Names a value that must not stand in a receipt itself.
fn hashed(value: &str) -> String {
    let hash = digest::digest(&digest::SHA256, value.as_bytes());
    format!("sha256:{}", hex(&hash.as_ref()[..4]))
}

/// A value as a receipt shows it: short ones as they are, long ones hashed.
fn shown(value: &str) -> String {
    if value.len() <= 120 {
        format!("`{value}`")
    } else {
        hashed(value)
    }
}

impl FailureReason {
    /// What was expected and what was found.
    fn details(&self) -> (Option<String>, Option<String>) {
        let both = |expected: String, found: String| (Some(expected), Some(found));
        match self {
            Self::DuplicateParameter { name } => {
                both("each parameter once".to_owned(), format!("`{name}` twice"))
            }
            Self::ResponseIssuer { expected } => {
                (Some(shown(expected)), Some("another".to_owned()))
            }
            Self::ResponseIssuerMissing => both("`iss`".to_owned(), "none".to_owned()),
            Self::OtherHost { here, there } => both(shown(there), shown(here)),
            Self::InitiationIssuer { expected } => {
                (Some(shown(expected)), Some("another or none".to_owned()))
            }
            Self::InitiationTarget => both("a page of this site".to_owned(), "another".to_owned()),
            Self::LoginLoop => both(
                "a session that comes back".to_owned(),
                "none after three logins within a minute".to_owned(),
            ),
            Self::Denied { error, .. } => {
                both("a code".to_owned(), format!("error {}", shown(error)))
            }
            Self::IdToken(error) | Self::UserinfoToken(error) => error.details(),
            Self::Provider(error) => provider_details(error),
            Self::SessionTooLarge(error) => both(
                format!("at most {} bytes", error.limit),
                format!("{} bytes", error.bytes),
            ),
            _ => (None, None),
        }
    }

    /// Whose fault it is, and what to do about it.
    fn verdict(&self) -> (Party, &'static str) {
        use Party::{App, Person, Provider};
        match self {
            Self::StateMissing => (
                Person,
                "The callback was opened without a login before it. Nothing to do, unless it happens often: then see whether the provider returns `state`.",
            ),
            Self::StateUnknown => (
                Person,
                "The login began in another browser or on another host name, or its cookie was lost or blocked. If it happens often, compare the address people use with the redirect URI, and see that every replica has the same cookie keys.",
            ),
            Self::OtherHost { .. } => (
                App,
                "People reach this app by another host name than the redirect URI's. Use one of them everywhere, and have proxies in front pass `Host` on.",
            ),
            Self::LoginExpired => (
                Person,
                "The person took too long. If it happens often, raise `login_timeout`.",
            ),
            Self::LoginReplayed => (
                Person,
                "The callback was opened twice: reloaded, or gone back to. Nothing to do.",
            ),
            Self::DuplicateParameter { .. } | Self::ResponseTooLarge => (
                Person,
                "Whoever sent this request did not get it from the provider in this form. Nothing to do.",
            ),
            Self::TokenInResponse => (
                Provider,
                "See that the client is registered for the code flow only.",
            ),
            Self::ResponseIssuer { .. } => (
                Provider,
                "The answer came from another provider than the login went to. If that is not an attack, correct `issuer`.",
            ),
            Self::ResponseIssuerMissing => (
                Provider,
                "The provider's metadata promises `iss` in its answers, but this one has none. Report it to the provider.",
            ),
            Self::Denied { error, .. } => match error.as_str() {
                "access_denied"
                | "login_required"
                | "interaction_required"
                | "consent_required"
                | "account_selection_required"
                | "unmet_authentication_requirements" => (
                    Person,
                    "The person cancelled, or could not be logged in as asked for. Nothing to do.",
                ),
                "server_error" | "temporarily_unavailable" => (
                    Provider,
                    "The provider is ill. Try again later, and report it if it stays.",
                ),
                _ => (
                    App,
                    "The provider does not accept what this app asks for. Compare scopes, redirect URI and options with the app's registration.",
                ),
            },
            Self::CodeMissing => (
                Provider,
                "The provider answered with neither a code nor an error. Report it to the provider.",
            ),
            Self::Provider(error) => provider_verdict(error),
            Self::IdTokenMissing => (
                Provider,
                "See that `openid` is among the scopes and that the provider supports OpenID Connect for this client.",
            ),
            Self::IdToken(error) | Self::UserinfoToken(error) => id_token_verdict(error),
            Self::UserinfoSubject => (
                Provider,
                "The userinfo endpoint answered about somebody else. Report it to the provider at once.",
            ),
            Self::SessionTooLarge(_) => (
                App,
                "Ask for fewer scopes, or have the provider issue smaller tokens.",
            ),
            Self::InitiationIssuer { .. } | Self::InitiationTarget => (
                Person,
                "Whoever made this link means another app, or no good. If it is the provider's own portal, compare the issuer and the address that it has of this app.",
            ),
            Self::LoginLoop => (
                App,
                "The session's cookies are set and do not come back, or are not understood. See that every replica has the same cookie keys, that no proxy in front drops or shortens `Cookie` and `Set-Cookie`, and that the clocks agree.",
            ),
            Self::Session(_) => (App, "See the error before this one in the log."),
        }
    }
}

fn provider_details(error: &ProviderError) -> (Option<String>, Option<String>) {
    let both = |expected: &str, found: String| (Some(expected.to_owned()), Some(found));
    match error {
        ProviderError::Unreachable { .. } => both("an answer", "no connection".to_owned()),
        ProviderError::Timeout { .. } => both("an answer in time", "none".to_owned()),
        ProviderError::Status { status, .. } => both("status 200", format!("status {status}")),
        ProviderError::Refused { status, error, .. } => both(
            "status 200",
            format!("status {status}, error {}", shown(error)),
        ),
        ProviderError::Malformed { detail, .. } => both("a JSON object", shown(detail)),
        ProviderError::TooLarge { .. } => both("at most 1 MiB", "more".to_owned()),
        ProviderError::Redirect { .. } => both("status 200", "a redirect".to_owned()),
        ProviderError::IssuerMismatch { configured, found } => {
            (Some(shown(configured)), Some(shown(found)))
        }
        ProviderError::Insecure { .. } => both("https", "http off loopback".to_owned()),
        ProviderError::NoAuthMethod { offered } => both(
            "client_secret_basic or client_secret_post",
            offered.join(", "),
        ),
        ProviderError::Credentials { .. } => both("a client id and secret", "none".to_owned()),
    }
}

fn provider_verdict(error: &ProviderError) -> (Party, &'static str) {
    use Party::{App, Network, Provider};
    match error {
        ProviderError::Unreachable { .. } => (
            Network,
            "See whether the provider is up, and whether this machine reaches it: name resolution, firewall, proxy, certificates.",
        ),
        ProviderError::Timeout { .. } => (
            Network,
            "The provider is slow, or the way to it. If it stays, raise `request_timeout`.",
        ),
        ProviderError::Refused { error, .. }
            if matches!(error.as_str(), "invalid_client" | "unauthorized_client") =>
        {
            (
                App,
                "The provider does not accept this client: compare client id, secret and `token_endpoint_auth_method` with the app's registration.",
            )
        }
        ProviderError::Refused { error, .. } if error == "invalid_grant" => (
            Provider,
            "The provider does not accept the code it gave. It may have expired; if it happens always, compare the redirect URI with the app's registration.",
        ),
        ProviderError::Refused { .. } => (
            Provider,
            "The provider refused the request. Its error code says why.",
        ),
        ProviderError::IssuerMismatch { .. } => (
            App,
            "Set `issuer` to the value that the provider's discovery document has.",
        ),
        ProviderError::NoAuthMethod { .. } => (
            App,
            "Register the client for a method that is supported, and set `token_endpoint_auth_method`.",
        ),
        ProviderError::Credentials { .. } => (App, "See to the app's source of credentials."),
        _ => (
            Provider,
            "The provider is ill, or its address is not the provider's. Try again later, and report it if it stays.",
        ),
    }
}

fn id_token_verdict(error: &IdTokenError) -> (Party, &'static str) {
    use Party::{App, Person, Provider};
    match error {
        IdTokenError::Algorithm { .. } => (
            App,
            "Register the client for an allowed algorithm, and set `id_token_signed_response_alg` to it.",
        ),
        IdTokenError::UntrustedAudience { .. } => (
            App,
            "If this audience is right, add it to `trusted_audiences`.",
        ),
        IdTokenError::Expired { .. }
        | IdTokenError::NotYetValid { .. }
        | IdTokenError::IssuedTooLongAgo { .. } => (
            Provider,
            "One of the two clocks is wrong: compare this machine's with the provider's.",
        ),
        IdTokenError::UnknownKey { .. } => (
            Provider,
            "The provider signs with a key that it does not publish. Report it to the provider.",
        ),
        IdTokenError::WeakKey => (
            Provider,
            "The provider must use RSA keys of 2048 bits or more.",
        ),
        IdTokenError::AuthTime { .. } | IdTokenError::Acr { .. } => (
            Person,
            "The person has not proved who they are as recently or as strongly as asked for. Ask them to log in again.",
        ),
        IdTokenError::Signature | IdTokenError::Nonce | IdTokenError::AccessTokenHash => (
            Provider,
            "The token was not made for this login. If it happens more than once, take it for an attack.",
        ),
        _ => (
            Provider,
            "The provider issued an ID token that breaks the specification, or one for another client. Report it to the provider.",
        ),
    }
}

impl IdTokenError {
    fn details(&self) -> (Option<String>, Option<String>) {
        let both = |expected: String, found: String| (Some(expected), Some(found));
        let or_none = |found: &Option<String>| found.as_deref().map_or("none".to_owned(), shown);
        match self {
            Self::Malformed { detail } => both("a signed JWT".to_owned(), shown(detail)),
            Self::Algorithm { allowed, found } => both(allowed.join(", "), shown(found)),
            Self::UnknownKey { kid } => both(
                "a published key".to_owned(),
                format!("kid {}", or_none(kid)),
            ),
            Self::WeakKey => both("2048 bits".to_owned(), "less".to_owned()),
            Self::Missing { claim } => both(format!("`{claim}`"), "none".to_owned()),
            Self::Invalid { claim } => both(
                format!("a valid `{claim}`"),
                "a value that is not allowed".to_owned(),
            ),
            Self::Issuer { expected, found } => both(shown(expected), shown(found)),
            Self::Audience { expected, found } => both(shown(expected), shown(&found.join(" "))),
            Self::UntrustedAudience { found } => {
                both("trusted audiences only".to_owned(), shown(found))
            }
            Self::AuthorizedParty { expected, found } => both(shown(expected), or_none(found)),
            Self::Expired { seconds } => {
                both("in the future".to_owned(), format!("{seconds} s ago"))
            }
            Self::NotYetValid { seconds, .. } => {
                both("not in the future".to_owned(), format!("in {seconds} s"))
            }
            Self::IssuedTooLongAgo { seconds } => {
                both("just now".to_owned(), format!("{seconds} s ago"))
            }
            Self::AuthTime { max_age, age } => {
                both(format!("at most {max_age} s ago"), format!("{age} s ago"))
            }
            Self::Acr { asked, found } => both(shown(&asked.join(" ")), or_none(found)),
            Self::Nonce => both("the nonce of this login".to_owned(), "another".to_owned()),
            Self::Signature => both("the provider's signature".to_owned(), "another".to_owned()),
            Self::Changed { claim } => {
                both(format!("the session's `{claim}`"), "another".to_owned())
            }
            Self::AccessTokenHash => {
                both("the access token's hash".to_owned(), "another".to_owned())
            }
            Self::CriticalHeader => both("no `crit`".to_owned(), "`crit`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(reason: FailureReason) -> Receipt {
        let mut recorder = Recorder::new();
        let fine = Ok::<_, FailureReason>(());
        recorder.check("state", "RFC 6749 §10.12", fine).unwrap();
        let skipped = Ok::<_, FailureReason>(Applied::No);
        recorder.check_if("iss", "RFC 9207 §2.4", skipped).unwrap();
        let failed = Err::<(), _>(reason);
        let reason = recorder.check("code", "RFC 6749 §4.1.2", failed);
        recorder.finish(Some(&reason.unwrap_err()))
    }

    #[test]
    fn a_receipt_tells_what_was_checked_what_failed_and_whose_fault_it_is() {
        let receipt = receipt(FailureReason::IdToken(IdTokenError::Issuer {
            expected: "https://right".to_owned(),
            found: "https://wrong".to_owned(),
        }));
        let outcomes: Vec<_> = receipt.checks().iter().map(|check| check.outcome).collect();
        use CheckOutcome::{Failed, NotApplicable, Passed};
        assert_eq!(outcomes, [Passed, NotApplicable, Failed]);
        let failed = receipt.failed().unwrap();
        assert_eq!(failed.expected.as_deref(), Some("`https://right`"));
        assert_eq!(failed.found.as_deref(), Some("`https://wrong`"));
        assert_eq!(receipt.at_fault(), Some(Party::Provider));
        let printed = receipt.to_string();
        for part in [receipt.id(), "not applicable iss", "at fault: the provider"] {
            assert!(printed.contains(part), "{printed}");
        }
        assert_eq!(
            receipt.line(),
            "state=passed iss=not applicable code=failed"
        );
    }

    #[test]
    fn a_receipt_of_a_good_login_accuses_nobody() {
        let receipt = Recorder::new().finish(None);
        assert!(receipt.failed().is_none() && receipt.at_fault().is_none());
        assert!(receipt.advice().is_none());
    }

    #[test]
    fn long_values_are_hashed_and_what_the_provider_says_of_a_person_is_left_out() {
        let long = receipt(FailureReason::Denied {
            error: "x".repeat(500),
            description: crate::Description(Some("alice@example.com may not".to_owned())),
        });
        let printed = long.to_string();
        assert!(printed.contains("sha256:") && !printed.contains("xxxx"));
        assert!(!printed.contains("alice"));
    }
}
