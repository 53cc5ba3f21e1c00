//! What proves that a person owns a user id: links, codes, and the activation tokens that they lead to.

use std::sync::Mutex;

use crate::hex;
use crate::identity::parse_email;
use crate::pending::Pending;
use crate::random;
use crate::sync::lock;

/// How long a link may be good, in seconds. By default an hour.
pub(crate) const MAX_LINK_SECONDS: u64 = 30 * 24 * 60 * 60;
pub(crate) const LINK_SECONDS: u64 = 60 * 60;

/// How long a code of six digits is good, in seconds.
const CODE_SECONDS: u64 = 10 * 60;

/// How long a person may take to choose a PIN, in seconds.
const ACTIVATION_SECONDS: u64 = 60 * 60;

/// How long a person must wait before another message is sent to the same address, in seconds.
const BACKOFF_SECONDS: u64 = 10;

/// How many of each kind may be pending.
const MOST: usize = 1000;

/// How often the digits of one mail may be tried.
const MAX_GUESSES: u8 = 5;

/// How many wrong digits a user may have in [`WRONG_SECONDS`], over all codes.
const MAX_WRONG: u8 = 10;
const WRONG_SECONDS: u64 = 60 * 60;

/// For how many users wrong digits are counted; the oldest are forgotten first.
const MOST_COUNTED: usize = 10_000;

/// The longest user id.
const MAX_USER_ID: usize = 254;

/// Why a user id is verified, and what follows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purpose {
    pub(crate) user_id: String,
    /// The session of the login that the registration is for.
    pub(crate) access_id: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    /// Where the person goes afterwards.
    pub(crate) redirect: Option<String>,
    /// Whose callback that is, and what its login asks for.
    pub(crate) client_id: Option<String>,
    pub(crate) scope: String,
    /// The M-Pin id whose PIN was forgotten.
    pub(crate) replaces: Option<String>,
}

#[derive(Debug)]
struct Link {
    purpose: Purpose,
    expires: u64,
}

/// Six digits for one user, and the session that asked for them. They are short, so that only few may be tried.
#[derive(Debug)]
struct Code {
    digits: String,
    guesses: u8,
    purpose: Purpose,
}

/// What a registration takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activation {
    pub(crate) user_id: String,
    /// The M-Pin id, if it was made before.
    pub(crate) mpin_id: Option<String>,
    pub(crate) replaces: Option<String>,
    /// Whether a login gave it to renew a secret.
    pub(crate) renewal: bool,
}

/// Everything that is being verified.
#[derive(Debug)]
pub(crate) struct Verifications {
    links: Pending<Link>,
    mail_codes: Pending<Code>,
    quick_codes: Pending<Code>,
    activations: Pending<Activation>,
    backoffs: Pending<u64>,
    /// How many wrong digits came for a user.
    wrong: Pending<u8>,
    /// Held by the guess that is being judged.
    guessing: Mutex<()>,
}

impl Default for Verifications {
    fn default() -> Self {
        Self {
            links: Pending::new(MAX_LINK_SECONDS, MOST),
            mail_codes: Pending::new(CODE_SECONDS, MOST),
            quick_codes: Pending::new(CODE_SECONDS, MOST),
            activations: Pending::new(ACTIVATION_SECONDS, MOST),
            backoffs: Pending::new(BACKOFF_SECONDS, MOST),
            wrong: Pending::new(WRONG_SECONDS, MOST_COUNTED),
            guessing: Mutex::default(),
        }
    }
}

impl Verifications {
    /// Makes the secret of a link that is good until `expires`.
    pub(crate) fn new_link(&self, purpose: Purpose, expires: u64) -> String {
        self.links.add(Link { purpose, expires })
    }

    /// Makes six digits that come by mail. Earlier ones of the same user and the same session end.
    pub(crate) fn new_mail_code(&self, purpose: Purpose) -> String {
        Self::new_code(&self.mail_codes, purpose)
    }

    /// Makes six digits that a registered device shows, and returns them with the seconds that they are good for.
    pub(crate) fn new_quick_code(&self, user_id: &str) -> (String, u64) {
        let purpose = Purpose {
            user_id: user_id.to_owned(),
            ..Purpose::default()
        };
        let digits = Self::new_code(&self.quick_codes, purpose);
        (digits, self.quick_codes.lifetime())
    }

    fn new_code(codes: &Pending<Code>, purpose: Purpose) -> String {
        let number = u32::from_be_bytes(random::bytes()) % 1_000_000;
        let digits = format!("{number:06}");
        let name = name(&purpose.user_id, purpose.access_id.as_deref());
        let code = Code {
            digits: digits.clone(),
            guesses: MAX_GUESSES,
            purpose,
        };
        codes.put(&name, code);
        digits
    }

    /// Uses up a link's secret, or digits, of one user. QuickCodes count if the project has them. `access_id` is the
    /// session of whoever asks, if they say so: then only its own digits count, and those of no session.
    pub(crate) fn confirm(
        &self,
        user_id: &str,
        access_id: Option<&str>,
        code: &str,
        now: u64,
        with_quick_codes: bool,
    ) -> Option<Purpose> {
        let fits = |link: &Link| link.purpose.user_id == user_id && link.expires > now;
        if let Some(link) = self.links.take_if(code, fits) {
            return Some(link.purpose);
        }
        let quick = with_quick_codes.then_some(&self.quick_codes);
        let found = self.guess(user_id, access_id, code, Some(&self.mail_codes), quick);
        if found.is_none() && is_digits(code) {
            // Another session's digits stay as they are.
            let mine = name(user_id, access_id);
            let left = self.mail_codes.with(&mine, |code| {
                code.guesses = code.guesses.saturating_sub(1);
                code.guesses
            });
            if left == Some(0) {
                self.mail_codes.take(&mine);
            }
        }
        found
    }

    /// Tries digits. After a few wrong ones of a user no more are taken for a while, and none of a user without codes
    /// is wrong.
    fn guess(
        &self,
        user_id: &str,
        access_id: Option<&str>,
        digits: &str,
        mail: Option<&Pending<Code>>,
        quick: Option<&Pending<Code>>,
    ) -> Option<Purpose> {
        if !is_digits(digits) {
            return None;
        }
        let _one = lock(&self.guessing);
        let wrong = self.wrong.with(user_id, |wrong| *wrong);
        if wrong.is_some_and(|wrong| wrong >= MAX_WRONG) {
            return None;
        }
        let mut has_code = false;
        for codes in [mail, quick].into_iter().flatten() {
            let is_users = |code: &Code| code.purpose.user_id == user_id;
            let may_try = |code: &Code| {
                let theirs = code.purpose.access_id.as_deref();
                access_id.is_none() || theirs.is_none() || theirs == access_id
            };
            let is_right = |code: &Code| is_users(code) && may_try(code) && code.digits == digits;
            if let Some(name) = codes.find(is_right) {
                return codes.take_if(&name, is_right).map(|code| code.purpose);
            }
            has_code |= codes.find(is_users).is_some();
        }
        if has_code && self.wrong.with(user_id, |wrong| *wrong += 1).is_none() {
            self.wrong.put(user_id, 1);
        }
        None
    }

    /// Returns the session that a link is for.
    pub(crate) fn session_of(&self, code: &str) -> Option<String> {
        self.links
            .with(code, |link| link.purpose.access_id.clone())?
    }

    /// Makes an activation token.
    pub(crate) fn activate(&self, activation: Activation) -> String {
        self.activations.add(activation)
    }

    /// How long an activation token is good, in seconds.
    pub(crate) fn activation_seconds(&self) -> u64 {
        self.activations.lifetime()
    }

    /// Uses up an activation token, or a QuickCode in its place, if the project has them.
    pub(crate) fn take_activation(
        &self,
        user_id: &str,
        token: &str,
        with_quick_codes: bool,
    ) -> Option<Activation> {
        let activation = self
            .activations
            .take_if(token, |activation| activation.user_id == user_id);
        activation.or_else(|| {
            if !with_quick_codes {
                return None;
            }
            let purpose = self.guess(user_id, None, token, None, Some(&self.quick_codes))?;
            Some(Activation {
                user_id: purpose.user_id,
                ..Activation::default()
            })
        })
    }

    /// Allows one message in ten seconds for each sender, which is a user, or a user and the login of a link:
    /// `Err` says when the next one may be sent.
    pub(crate) fn may_send(&self, sender: &str, now: u64) -> Result<u64, u64> {
        let _one = lock(&self.guessing);
        if let Some(next) = self.backoffs.with(sender, |next| *next) {
            return Err(next);
        }
        let next = now + self.backoffs.lifetime();
        self.backoffs.put(sender, next);
        Ok(next)
    }

    /// Ends the pause between the messages to a user.
    pub(crate) fn may_send_now(&self, user_id: &str) {
        self.backoffs.take(user_id);
    }
}

/// Returns the name of a user's digits for a session. No user id has a line feed.
fn name(user_id: &str, access_id: Option<&str>) -> String {
    format!("{user_id}\n{}", access_id.unwrap_or_default())
}

fn is_digits(code: &str) -> bool {
    code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a user id as the platform keeps it: an e-mail address in lower case, anything else as it is.
pub(crate) fn parse_user_id(text: &str) -> Option<String> {
    if text.contains('@') {
        return parse_email(text);
    }
    let text = text.trim();
    let fits = (1..=MAX_USER_ID).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// Returns whether `text` is an M-Pin id as messages have it.
pub(crate) fn is_mpin_id(text: &str) -> bool {
    !text.is_empty() && hex::decode(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(user_id: &str) -> Purpose {
        Purpose {
            user_id: user_id.to_owned(),
            ..Purpose::default()
        }
    }

    #[test]
    fn a_link_is_used_once_by_its_user_and_in_time() {
        let verifications = Verifications::default();
        let code = verifications.new_link(purpose("a@b"), 100);
        assert!(
            verifications
                .confirm("c@d", None, &code, 50, true)
                .is_none()
        );
        assert!(
            verifications
                .confirm("a@b", None, &code, 100, true)
                .is_none()
        );
        assert!(
            verifications
                .confirm("a@b", None, &code, 99, true)
                .is_some()
        );
        assert!(
            verifications
                .confirm("a@b", None, &code, 99, true)
                .is_none()
        );
    }

    #[test]
    fn digits_end_after_five_guesses_and_belong_to_one_user() {
        let verifications = Verifications::default();
        let code = verifications.new_mail_code(purpose("a@b"));
        let wrong = if code == "000000" { "000001" } else { "000000" };
        assert!(verifications.confirm("c@d", None, &code, 0, true).is_none());
        for _ in 0..4 {
            assert!(verifications.confirm("a@b", None, wrong, 0, true).is_none());
        }
        assert!(verifications.confirm("a@b", None, &code, 0, true).is_some());
        assert!(verifications.confirm("a@b", None, &code, 0, true).is_none());
        let code = verifications.new_mail_code(purpose("a@b"));
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            assert!(verifications.confirm("a@b", None, wrong, 0, true).is_none());
        }
        assert!(verifications.confirm("a@b", None, &code, 0, true).is_none());
    }

    fn wrong(code: &str) -> &'static str {
        if code == "000000" { "000001" } else { "000000" }
    }

    fn of_session(access_id: &str) -> Purpose {
        Purpose {
            access_id: Some(access_id.to_owned()),
            ..purpose("a@b")
        }
    }

    #[test]
    fn a_stranger_ends_neither_the_digits_of_another_session_nor_a_quick_code() {
        let verifications = Verifications::default();
        let mine = verifications.new_mail_code(of_session("mine"));
        let (quick, _) = verifications.new_quick_code("a@b");
        let theirs = verifications.new_mail_code(of_session("theirs"));
        let guess =
            |session, code: &str| verifications.confirm("a@b", Some(session), code, 0, true);
        for _ in 0..MAX_GUESSES {
            assert!(guess("theirs", "000000").is_none() || theirs == "000000");
        }
        // Their own digits have ended, and nobody takes mine.
        assert!(guess("theirs", &theirs).is_none());
        assert!(mine == theirs || guess("theirs", &mine).is_none());
        let purpose = guess("mine", &mine).unwrap();
        assert_eq!(purpose.access_id.as_deref(), Some("mine"));
        assert!(guess("mine", &quick).is_some());
    }

    #[test]
    fn wrong_digits_count_for_a_user_over_all_codes_until_the_hour_is_over() {
        let verifications = Verifications::default();
        for number in 0..MAX_WRONG {
            let session = number.to_string();
            let code = verifications.new_mail_code(of_session(&session));
            let guess = verifications.confirm("a@b", Some(&session), wrong(&code), 0, true);
            assert!(guess.is_none());
        }
        let code = verifications.new_mail_code(of_session("last"));
        let (quick, _) = verifications.new_quick_code("a@b");
        for digits in [&code, &quick] {
            let last = verifications.confirm("a@b", Some("last"), digits, 0, true);
            assert!(last.is_none());
        }
        assert!(verifications.take_activation("a@b", &quick, true).is_none());
        // Links go on, and other users.
        let link = verifications.new_link(purpose("a@b"), 100);
        assert!(verifications.confirm("a@b", None, &link, 0, true).is_some());
        let other = verifications.new_mail_code(purpose("c@d"));
        assert!(
            verifications
                .confirm("c@d", None, &other, 0, true)
                .is_some()
        );
        verifications.wrong.age(WRONG_SECONDS);
        assert!(verifications.take_activation("a@b", &quick, true).is_some());
    }

    #[test]
    fn wrong_digits_for_nobody_do_not_count() {
        let verifications = Verifications::default();
        for _ in 0..2 * MAX_WRONG {
            assert!(
                verifications
                    .confirm("a@b", None, "000000", 0, true)
                    .is_none()
            );
        }
        let code = verifications.new_mail_code(purpose("a@b"));
        assert!(verifications.confirm("a@b", None, &code, 0, true).is_some());
    }

    #[test]
    fn a_quick_code_stands_for_an_activation_token_and_a_mail_code_does_not() {
        let verifications = Verifications::default();
        let mail = verifications.new_mail_code(purpose("a@b"));
        assert!(verifications.take_activation("a@b", &mail, true).is_none());
        let (quick, _) = verifications.new_quick_code("a@b");
        assert!(verifications.take_activation("c@d", &quick, true).is_none());
        // The project has switched QuickCodes off.
        assert!(
            verifications
                .take_activation("a@b", &quick, false)
                .is_none()
        );
        assert!(
            verifications
                .confirm("a@b", None, &quick, 0, false)
                .is_none()
        );
        assert!(verifications.take_activation("a@b", &quick, true).is_some());
        assert!(verifications.take_activation("a@b", &quick, true).is_none());
    }

    #[test]
    fn messages_to_one_user_have_a_pause_between_them() {
        let verifications = Verifications::default();
        assert_eq!(verifications.may_send("a@b", 100), Ok(110));
        assert_eq!(verifications.may_send("a@b", 101), Err(110));
        assert_eq!(verifications.may_send("c@d", 101), Ok(111));
    }

    #[test]
    fn user_ids_are_addresses_in_lower_case_or_plain_names() {
        assert_eq!(parse_user_id("A@B"), Some("a@b".to_owned()));
        assert_eq!(parse_user_id(" Alice-1 "), Some("Alice-1".to_owned()));
        for bad in ["", " ", "a@", "a\u{0}b", &"x".repeat(MAX_USER_ID + 1)] {
            assert_eq!(parse_user_id(bad), None, "{bad:?}");
        }
    }
}
