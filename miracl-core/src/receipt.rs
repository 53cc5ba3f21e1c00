//! Login receipts: one record for each attempt, with every check in its order. It tells why a login failed and whose
//! fault it is, and holds no secret and no personal data.
//!
//! What is told about an error stands with the error (`error/told.rs`). Here it is written down and printed.

pub(crate) mod check;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    base::{hex::hex, random::random, replica},
    error::{
        login::FailureReason,
        provider::ProviderError,
        told::{Blame, Details},
    },
    receipt::check::{Check, CheckOutcome, Pass},
};

pub use crate::error::party::Party;

/// The record of one attempt to log in.
///
/// It is in [`AuthSuccess`](crate::AuthSuccess) and [`AuthFailure`](crate::AuthFailure), and in one `tracing` event at
/// the end of each attempt. `Display` prints it as lines, one for each check.
#[derive(Debug, Clone)]
pub struct Receipt(Arc<Content>);

#[derive(Debug)]
struct Content {
    id: String,
    checks: Vec<Check>,
    blame: Option<Blame>,
    time: Duration,
}

impl Receipt {
    /// Returns the id under which the log has this attempt.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the checks in the order they were made. After one that failed there are no more.
    pub fn checks(&self) -> &[Check] {
        &self.0.checks
    }

    /// Returns the check that failed; `None` for a login that succeeded.
    pub fn failed(&self) -> Option<&Check> {
        let last = self.0.checks.last()?;
        (last.outcome == CheckOutcome::Failed).then_some(last)
    }

    /// Returns who has to do something about the failure; `None` for a login that succeeded.
    pub fn at_fault(&self) -> Option<Party> {
        self.0.blame.map(|blame| blame.party)
    }

    /// Returns what to do about the failure, for the operator; `None` for a login that succeeded.
    pub fn advice(&self) -> Option<&'static str> {
        self.0.blame.map(|blame| blame.advice)
    }

    /// Returns the replica that noticed a failure for which this app may be at fault, as host name and number of the
    /// process: `web-3/17`. `None` for every other attempt.
    pub fn replica(&self) -> Option<&'static str> {
        self.at_fault().filter(|party| party.may_be_app())?;
        Some(replica::name())
    }

    /// Returns how long the attempt took here, since the browser came back.
    pub fn time(&self) -> Duration {
        self.0.time
    }

    /// Returns the checks on one line, for the log.
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
        if let Some(Blame { party, advice }) = self.0.blame {
            writeln!(f, "at fault: {party}. {advice}")?;
        }
        if let Some(replica) = self.replica() {
            writeln!(f, "noticed at: {replica}")?;
        }
        Ok(())
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
            checks: Vec::with_capacity(32),
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
                self.note(name, section, CheckOutcome::Passed, Details::default());
                Ok(value)
            }
            Err(error) => {
                let reason = error.into();
                self.note(name, section, CheckOutcome::Failed, reason.told().details);
                Err(reason)
            }
        }
    }

    /// Records a request to the provider by its result, and hands the result on unchanged.
    pub(crate) fn check_provider<T>(
        &mut self,
        name: &'static str,
        section: &'static str,
        result: Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        // Only the record matters: the result is returned as it came.
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
        result: Result<Pass, E>,
    ) -> Result<(), FailureReason> {
        match result {
            Ok(Pass::NotApplicable) => {
                self.note(
                    name,
                    section,
                    CheckOutcome::NotApplicable,
                    Details::default(),
                );
                Ok(())
            }
            Ok(Pass::Checked) => self.check(name, section, Ok::<_, FailureReason>(())),
            Err(error) => self.check(name, section, Err(error)),
        }
    }

    fn note(
        &mut self,
        name: &'static str,
        section: &'static str,
        outcome: CheckOutcome,
        details: Details,
    ) {
        let now = Instant::now();
        self.checks.push(Check {
            name,
            section,
            outcome,
            expected: details.expected,
            found: details.found,
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
            blame: reason.map(|reason| reason.told().blame),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::token::IdTokenError;

    fn receipt(reason: FailureReason) -> Receipt {
        let mut recorder = Recorder::new();
        let fine = Ok::<_, FailureReason>(());
        recorder.check("state", "RFC 6749 §10.12", fine).unwrap();
        let skipped = Ok::<_, FailureReason>(Pass::NotApplicable);
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
