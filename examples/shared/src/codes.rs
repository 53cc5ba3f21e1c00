//! How this app makes sure of people by its own means: by a code of six digits.
//!
//! An app of yours sends the code by letter or text message, or has a clerk ask. The demo writes it to its log and, in
//! development, onto the page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use miracl_core::app::trust::VerificationRequest;
use ring::rand::{SecureRandom, SystemRandom};

/// How long a code is good, and how long wrong ones count.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How many wrong codes a user may have in that time, over all codes that were made.
const MAX_WRONG: u8 = 5;

/// For how many users codes are kept. The oldest go first, but not those for whom a code was wrong: nobody gets rid of
/// what they have guessed.
const MAX_USERS: usize = 1000;

/// The longest user id, in bytes.
pub(crate) const MAX_USER_ID: usize = 255;

/// The codes that are under way. They are in the memory of this process: replicas would need a store that they share.
#[derive(Debug, Clone, Default)]
pub struct Codes(Arc<Mutex<HashMap<String, Code>>>);

#[derive(Debug)]
struct Code {
    digits: String,
    made: Instant,
    /// When the wrong codes began to count.
    since: Instant,
    wrong: u8,
}

/// How far a person has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// It is not known yet who they are. The platform may have said who they want to be.
    Who(Option<&'a str>),
    /// A code was made for them just now.
    Made {
        /// Whom it is for.
        user_id: &'a str,
        /// The code. In development only, a page may show it.
        code: String,
    },
    /// The code is wrong, and may be typed again.
    Wrong(&'a str),
    /// Too many codes were wrong, or the code is too old.
    Over(&'a str),
    /// They typed the right code, which is used up now. This is who they are, as the platform spells it.
    Right(String),
}

impl Codes {
    /// Takes the next step with what the app's own verification page was sent.
    pub fn step<'a>(&self, request: &'a VerificationRequest) -> Step<'a> {
        match request.is_posted() {
            true => self.next(request.field("user_id"), request.field("code")),
            false => Step::Who(request.user_id().filter(|id| id.len() <= MAX_USER_ID)),
        }
    }

    /// Takes the next step with what a form had: who they are, and the code if they have one.
    pub(crate) fn next<'a>(&self, user_id: Option<&'a str>, code: Option<&str>) -> Step<'a> {
        let user_id = user_id.map(str::trim);
        let Some(user_id) = user_id.filter(|id| (1..=MAX_USER_ID).contains(&id.len())) else {
            return Step::Who(None);
        };
        match code {
            Some(code) => self.judge(user_id, code.trim()),
            None => self.make(user_id),
        }
    }

    fn make<'a>(&self, user_id: &'a str) -> Step<'a> {
        let Some(digits) = random_digits() else {
            return Step::Over(user_id);
        };
        let mut codes = self.lock();
        let now = Instant::now();
        codes.retain(|_, code| now.duration_since(code.since) < LIFETIME);
        let key = folded(user_id);
        let (since, wrong) = match codes.get(&key) {
            Some(earlier) => (earlier.since, earlier.wrong),
            None => (now, 0),
        };
        if wrong >= MAX_WRONG {
            return Step::Over(user_id);
        }
        if codes.len() >= MAX_USERS && !codes.contains_key(&key) {
            let unused = codes.iter().filter(|(_, code)| code.wrong == 0);
            let oldest = unused.min_by_key(|(_, code)| code.made);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                return Step::Over(user_id);
            };
            codes.remove(&oldest);
        }
        let code = Code {
            digits: digits.clone(),
            made: now,
            since,
            wrong,
        };
        codes.insert(key, code);
        // In place of a letter. Who it is for stands in no log.
        tracing::info!(code = %digits, "made a code that verifies a person");
        Step::Made {
            user_id,
            code: digits,
        }
    }

    fn judge<'a>(&self, user_id: &'a str, digits: &str) -> Step<'a> {
        let mut codes = self.lock();
        let key = folded(user_id);
        let Some(code) = codes.get_mut(&key) else {
            return Step::Over(user_id);
        };
        if code.wrong >= MAX_WRONG || code.made.elapsed() >= LIFETIME {
            return Step::Over(user_id);
        }
        if code.digits == digits {
            codes.remove(&key);
            return Step::Right(key);
        }
        code.wrong += 1;
        match code.wrong {
            MAX_WRONG.. => Step::Over(user_id),
            _ => Step::Wrong(user_id),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Code>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A user id as the platform spells it: an e-mail address in small letters. All spellings of one person count together.
pub(crate) fn folded(user_id: &str) -> String {
    match user_id.contains('@') {
        true => user_id.to_lowercase(),
        false => user_id.to_owned(),
    }
}

fn random_digits() -> Option<String> {
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(format!("{:06}", u32::from_be_bytes(bytes) % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(codes: &Codes, user_id: &str) -> String {
        match codes.next(Some(user_id), None) {
            Step::Made { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    fn wrong(code: &str) -> &'static str {
        if code == "000000" { "000001" } else { "000000" }
    }

    #[test]
    fn a_code_verifies_its_user_once() {
        let codes = Codes::default();
        let code = made(&codes, "customer 7");
        assert_eq!(codes.next(Some("other"), Some(&code)), Step::Over("other"));
        let typed = format!(" {code} ");
        let right = codes.next(Some(" customer 7 "), Some(&typed));
        assert_eq!(right, Step::Right("customer 7".to_owned()));
        let again = codes.next(Some("customer 7"), Some(&code));
        assert_eq!(again, Step::Over("customer 7"));
    }

    #[test]
    fn wrong_codes_count_over_all_codes_of_a_user() {
        let codes = Codes::default();
        for _ in 0..MAX_WRONG - 1 {
            let code = made(&codes, "a");
            assert_eq!(codes.next(Some("a"), Some(wrong(&code))), Step::Wrong("a"));
        }
        let code = made(&codes, "a");
        assert_eq!(codes.next(Some("a"), Some(wrong(&code))), Step::Over("a"));
        assert_eq!(codes.next(Some("a"), Some(&code)), Step::Over("a"));
        assert_eq!(codes.next(Some("a"), None), Step::Over("a"));
        made(&codes, "b");
    }

    #[test]
    fn all_spellings_of_a_user_are_one_and_no_flood_takes_the_wrong_codes_back() {
        let codes = Codes::default();
        for spelling in ["a@b.example", "A@b.example", "a@B.example", "A@B.EXAMPLE"] {
            let code = made(&codes, spelling);
            let judged = codes.next(Some("a@b.example"), Some(wrong(&code)));
            assert_eq!(judged, Step::Wrong("a@b.example"));
        }
        for number in 0..=MAX_USERS {
            made(&codes, &number.to_string());
        }
        let code = made(&codes, "a@b.example");
        let judged = codes.next(Some("A@b.example"), Some(wrong(&code)));
        assert_eq!(judged, Step::Over("A@b.example"));
    }

    #[test]
    fn codes_are_kept_for_so_many_users_and_no_longer_id() {
        let codes = Codes::default();
        for number in 0..=MAX_USERS {
            made(&codes, &number.to_string());
        }
        assert_eq!(codes.lock().len(), MAX_USERS);
        for bad in [None, Some(""), Some("  "), Some(&*"x".repeat(256))] {
            assert_eq!(codes.next(bad, None), Step::Who(None));
        }
    }
}
