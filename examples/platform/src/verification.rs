//! What proves that a person owns a user id: links, codes, and the activation tokens that they lead to.

use crate::hex;
use crate::identity::parse_email;
use crate::pending::Pending;
use crate::random;

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

/// How often digits may be tried.
const MAX_GUESSES: u8 = 5;

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
    /// The M-Pin id whose PIN was forgotten.
    pub(crate) replaces: Option<String>,
}

#[derive(Debug)]
struct Link {
    purpose: Purpose,
    expires: u64,
}

/// Six digits for one user. They are short, so that only few may be tried.
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
}

impl Default for Verifications {
    fn default() -> Self {
        Self {
            links: Pending::new(MAX_LINK_SECONDS, MOST),
            mail_codes: Pending::new(CODE_SECONDS, MOST),
            quick_codes: Pending::new(CODE_SECONDS, MOST),
            activations: Pending::new(ACTIVATION_SECONDS, MOST),
            backoffs: Pending::new(BACKOFF_SECONDS, MOST),
        }
    }
}

impl Verifications {
    /// Makes the secret of a link that is good until `expires`.
    pub(crate) fn new_link(&self, purpose: Purpose, expires: u64) -> String {
        self.links.add(Link { purpose, expires })
    }

    /// Makes six digits that come by mail. Earlier ones of the same user end.
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
        let user_id = purpose.user_id.clone();
        let code = Code {
            digits: digits.clone(),
            guesses: MAX_GUESSES,
            purpose,
        };
        codes.put(&user_id, code);
        digits
    }

    /// Uses up a link's secret, or digits, of one user. QuickCodes count if the project has them.
    pub(crate) fn confirm(
        &self,
        user_id: &str,
        code: &str,
        now: u64,
        with_quick_codes: bool,
    ) -> Option<Purpose> {
        let fits = |link: &Link| link.purpose.user_id == user_id && link.expires > now;
        if let Some(link) = self.links.take_if(code, fits) {
            return Some(link.purpose);
        }
        let quick = || Self::guess(&self.quick_codes, user_id, code);
        Self::guess(&self.mail_codes, user_id, code)
            .or_else(|| with_quick_codes.then(quick).flatten())
    }

    /// Tries digits, which end after a few wrong ones.
    fn guess(codes: &Pending<Code>, user_id: &str, digits: &str) -> Option<Purpose> {
        let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_code {
            return None;
        }
        let (is_right, is_over) = codes.with(user_id, |code| {
            code.guesses = code.guesses.saturating_sub(1);
            (code.digits == digits, code.guesses == 0)
        })?;
        if is_right || is_over {
            let code = codes.take(user_id)?;
            return is_right.then_some(code.purpose);
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
            let purpose = Self::guess(&self.quick_codes, user_id, token)?;
            Some(Activation {
                user_id: purpose.user_id,
                ..Activation::default()
            })
        })
    }

    /// Allows one message in ten seconds for each user and login: `Err` says when the next one may be sent.
    pub(crate) fn may_send(&self, sender: &str, now: u64) -> Result<u64, u64> {
        if let Some(next) = self.backoffs.with(sender, |next| *next) {
            return Err(next);
        }
        let next = now + self.backoffs.lifetime();
        self.backoffs.put(sender, next);
        Ok(next)
    }
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
        assert!(verifications.confirm("c@d", &code, 50, true).is_none());
        assert!(verifications.confirm("a@b", &code, 100, true).is_none());
        assert!(verifications.confirm("a@b", &code, 99, true).is_some());
        assert!(verifications.confirm("a@b", &code, 99, true).is_none());
    }

    #[test]
    fn digits_end_after_five_guesses_and_belong_to_one_user() {
        let verifications = Verifications::default();
        let code = verifications.new_mail_code(purpose("a@b"));
        let wrong = if code == "000000" { "000001" } else { "000000" };
        assert!(verifications.confirm("c@d", &code, 0, true).is_none());
        for _ in 0..4 {
            assert!(verifications.confirm("a@b", wrong, 0, true).is_none());
        }
        assert!(verifications.confirm("a@b", &code, 0, true).is_some());
        assert!(verifications.confirm("a@b", &code, 0, true).is_none());
        let code = verifications.new_mail_code(purpose("a@b"));
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            assert!(verifications.confirm("a@b", wrong, 0, true).is_none());
        }
        assert!(verifications.confirm("a@b", &code, 0, true).is_none());
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
        assert!(verifications.confirm("a@b", &quick, 0, false).is_none());
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
