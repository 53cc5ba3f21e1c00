//! The verdict on one login: by the requests that the provider received, and by the app's answers.

use std::fmt;

use crate::browser::Answer;
use crate::run::Run;
use crate::stop::{Checked, Stop, ensure};

/// How a login must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The person is logged in.
    Accepted,
    /// The person is not logged in, and the app stops before this step.
    Refused(Step, Blame),
    /// Either is right, as long as nothing breaks.
    Either,
}

/// A step of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The authorization request.
    Authorization,
    /// The token request.
    Token,
    /// The userinfo request.
    Userinfo,
    /// The session.
    Session,
}

/// Who must be at fault, by the answer to a refused login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Any refusal will do, including a redirect to a page that explains it.
    Anyone,
    /// The login: a 4xx.
    Login,
    /// The provider: 502, 503 or 504.
    Provider,
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("somebody is logged in"),
            Self::Either => {
                f.write_str("somebody is logged in, or the login is refused; nothing breaks")
            }
            Self::Refused(step, blame) => {
                let step = match step {
                    Step::Authorization => "before the authorization request",
                    Step::Token => "before the token request",
                    Step::Userinfo => "before the userinfo request",
                    Step::Session => "and there is no session",
                };
                let with = match blame {
                    Blame::Anyone => "",
                    Blame::Login => ", with a 4xx",
                    Blame::Provider => ", with 502, 503 or 504",
                };
                write!(f, "the login is refused {step}{with}")
            }
        }
    }
}

/// A login, as far as it got.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Whether the browser reached the provider and came back.
    pub(crate) came_back: bool,
    /// The app's last answer: to the callback, or to the start of the login.
    pub(crate) answer: Answer,
}

impl Expect {
    /// Judges a login that has ended.
    pub(crate) async fn judge(self, run: &Run, attempt: &Attempt) -> Checked {
        let logged_in = run.is_logged_in(&attempt.answer).await?;
        let answer = &attempt.answer;
        let status = answer.status;
        let line = answer.line();
        ensure!(
            status < 500 || (502..=504).contains(&status),
            "the app broke: {line}\n{}",
            answer.body
        );
        match self {
            Self::Either => Ok(()),
            Self::Accepted => {
                ensure!(
                    attempt.came_back,
                    "the browser did not come to the provider: {line}"
                );
                ensure!(logged_in, "nobody is logged in: {line}\n{}", answer.body);
                ensure!(status < 400, "somebody is logged in, but {line}");
                let userinfo = run.count(Step::Userinfo);
                ensure!(userinfo >= 1, "userinfo was not asked for");
                Ok(())
            }
            Self::Refused(step, blame) => {
                ensure!(!logged_in, "somebody is logged in: {line}");
                ensure!(
                    attempt.came_back || step == Step::Authorization,
                    "the browser did not come to the provider: {line}"
                );
                // The steps before must have happened: a login that fails by itself proves nothing.
                for earlier in [Step::Token, Step::Userinfo] {
                    let count = run.count(earlier);
                    ensure!(
                        earlier >= step || count == 1,
                        "the login ended too early: {earlier:?} was asked for {count} times; {line}"
                    );
                }
                for later in [Step::Authorization, Step::Token, Step::Userinfo] {
                    let count = run.count(later);
                    ensure!(
                        later < step || count == 0,
                        "the login went on too far: {later:?} was asked for {count} times"
                    );
                }
                let right = match blame {
                    Blame::Anyone => true,
                    Blame::Login => (400..500).contains(&status),
                    Blame::Provider => status >= 502,
                };
                ensure!(right, "the answer blames the wrong one: {line}, but {self}");
                Ok(())
            }
        }
    }
}

impl Step {
    /// The provider's path.
    pub(crate) const fn path(self) -> Option<&'static str> {
        match self {
            Self::Authorization => Some("/authorize"),
            Self::Token => Some("/oidc/token"),
            Self::Userinfo => Some("/oidc/userinfo"),
            Self::Session => None,
        }
    }
}

/// Fails with both messages where two things went wrong.
pub(crate) fn both(first: Checked, second: Checked) -> Checked {
    match (first, second) {
        (Err(Stop::Failed(one)), Err(Stop::Failed(other))) => {
            Err(Stop::Failed(format!("{one}\nand: {other}")))
        }
        (first, second) => first.and(second),
    }
}
