//! The large part of a session: its tokens and user data.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    base::{
        claim_name::PROTOCOL_CLAIMS,
        json::is_plain_name,
        secret::Secret,
        wire::{Reader, Writer},
    },
    error::session::SessionTooLarge,
    provider::{
        login_claims::login_claims,
        tokens::Tokens,
        user_data::{CONFIRMED_CLAIMS, UserData},
    },
    session::{
        app_data::AppValues,
        asked::AskedFor,
        identity::{Session, SessionId},
        token_codec,
    },
};

/// What the large part has, and which claims of userinfo it leaves to the small one.
const REFRESH_TOKEN: u8 = 1;
const SUBJECT_CLAIM: u8 = 2;
const EMAIL_CLAIM: u8 = 4;
const EMAIL_VERIFIED_CLAIM: u8 = 8;

/// The large part of a session.
#[derive(Clone)]
pub(crate) struct SessionData {
    pub(crate) tokens: Tokens,
    pub(crate) userinfo: Map<String, Value>,
    /// The browser that the person logged in with. Only where sessions are in a store: a cookie has no room for it.
    pub(crate) user_agent: Option<String>,
    /// What the ID token of the login said about the login, where a refreshed one has taken its place.
    pub(crate) login: Option<Map<String, Value>>,
    /// Whether the login brought tokens that are not kept.
    pub(crate) without_tokens: bool,
    /// What the login was asked for.
    pub(crate) asked_for: AskedFor,
    /// The app's own values.
    pub(crate) app: AppValues,
}

/// What of it is small, or no token.
#[derive(Serialize, Deserialize)]
struct Rest {
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    renew_at: Option<u64>,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(rename = "u", default, skip_serializing_if = "Map::is_empty")]
    userinfo: Map<String, Value>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    login: Option<Map<String, Value>>,
    #[serde(rename = "t", default, skip_serializing_if = "is_false")]
    without_tokens: bool,
    #[serde(rename = "q", default, skip_serializing_if = "is_nothing")]
    asked_for: AskedFor,
    #[serde(rename = "d", default, skip_serializing_if = "AppValues::is_empty")]
    app: AppValues,
    /// Which claims of the ID token userinfo has as well: the first bit for the first name by the alphabet.
    #[serde(rename = "i", default, skip_serializing_if = "is_zero")]
    in_id_token: u64,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_nothing(asked_for: &AskedFor) -> bool {
    *asked_for == AskedFor::default()
}

fn is_zero(bits: &u64) -> bool {
    *bits == 0
}

/// The claims of an ID token that userinfo need not have a second time, each with its bit.
///
/// Not those that belong together with another claim: an older version, which does not know the bits, must not apply
/// the word of one source to the claim of the other.
fn bits(id_token: &Map<String, Value>) -> impl Iterator<Item = (u64, &String, &Value)> {
    let mut claims: Vec<_> = id_token.iter().collect();
    claims.sort_unstable_by_key(|(name, _)| *name);
    let bits = (0..u64::BITS).map(|place| 1 << place);
    let claims = bits
        .zip(claims)
        .map(|(bit, (name, value))| (bit, name, value));
    claims.filter(|(_, name, _)| {
        let mut paired = CONFIRMED_CLAIMS.iter();
        !paired.any(|(claim, confirmed)| name == claim || name == confirmed)
    })
}

impl Session {
    /// The claims of userinfo that the small part usually has as well: for each its flag in the large part, its name
    /// and its value.
    fn known_claims(&self) -> [(u8, &'static str, Option<Value>); 3] {
        let person = &self.person;
        [
            (SUBJECT_CLAIM, "sub", Some(person.subject().into())),
            (EMAIL_CLAIM, "email", person.email().map(Value::from)),
            (
                EMAIL_VERIFIED_CLAIM,
                "email_verified",
                Some(self.email_verified.into()),
            ),
        ]
    }

    /// Checks again whether the address is confirmed, which an earlier version wrote differently: it is confirmed only
    /// if the source that gave the address says so.
    pub(crate) fn look_at_email_again(&mut self, data: Option<&SessionData>) {
        let known = data.map(UserData::from);
        self.email_verified = known
            .is_some_and(|known| known.email_verified() && known.email() == self.person.email());
    }
}

impl SessionData {
    pub(crate) fn encode(&self, session: &Session) -> Vec<u8> {
        let tokens = &self.tokens;
        let mut userinfo = self.userinfo.clone();
        let mut flags = match &tokens.refresh_token {
            Some(_) => REFRESH_TOKEN,
            None => 0,
        };
        for (flag, name, known) in session.known_claims() {
            if known.is_some() && userinfo.get(name) == known.as_ref() {
                userinfo.remove(name);
                flags |= flag;
            }
        }
        // User data leaves these out.
        userinfo
            .retain(|name, value| !value.is_null() && !PROTOCOL_CLAIMS.contains(&name.as_str()));
        let mut in_id_token = 0;
        for (bit, name, value) in bits(&self.id_token_claims()) {
            if userinfo.get(name) == Some(value) {
                userinfo.remove(name);
                in_id_token |= bit;
            }
        }
        let rest = Rest {
            expires_at: tokens.expires_at,
            renew_at: tokens.renew_at,
            scope: tokens.scope.clone(),
            userinfo,
            user_agent: self.user_agent.clone(),
            login: self.login.clone(),
            without_tokens: self.without_tokens,
            asked_for: self.asked_for.clone(),
            app: self.app.clone(),
            in_id_token,
        };
        let rest = serde_json::to_vec(&rest).expect("texts and JSON values become JSON");
        let writer = Writer::default()
            .bytes(&session.id.0)
            .u32(session.generation)
            .u8(flags);
        let kept = [&tokens.access_token, &tokens.id_token];
        let kept = kept.into_iter().chain(&tokens.refresh_token);
        let texts = session.person.texts();
        let writer = kept.fold(writer, |writer, token| {
            token_codec::write(writer, token.expose(), texts)
        });
        writer.bytes(&rest).finish()
    }

    /// Reads the large part that belongs to this session in this generation.
    pub(crate) fn decode(bytes: &[u8], session: &Session) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if SessionId(reader.array()?) != session.id || reader.u32()? != session.generation {
            return None;
        }
        let flags = reader.u8()?;
        let texts = session.person.texts();
        let mut token = || token_codec::read(&mut reader, texts).map(Secret::from);
        let (access_token, id_token) = (token()?, token()?);
        let refresh_token = match flags & REFRESH_TOKEN {
            0 => None,
            _ => Some(token()?),
        };
        let mut rest: Rest = serde_json::from_slice(reader.rest()).ok()?;
        for (flag, name, known) in session.known_claims() {
            if flags & flag != 0 {
                rest.userinfo.insert(name.to_owned(), known?);
            }
        }
        let mut data = Self {
            tokens: Tokens {
                access_token,
                id_token,
                refresh_token,
                expires_at: rest.expires_at,
                renew_at: rest.renew_at,
                scope: rest.scope,
            },
            userinfo: rest.userinfo,
            user_agent: rest.user_agent,
            login: rest.login,
            without_tokens: rest.without_tokens,
            asked_for: rest.asked_for,
            app: rest.app,
        };
        if rest.in_id_token != 0 {
            for (bit, name, value) in bits(&data.id_token_claims()) {
                if rest.in_id_token & bit != 0 {
                    data.userinfo.insert(name.clone(), value.clone());
                }
            }
        }
        Some(data)
    }

    /// This session with renewed tokens. What the login's ID token said about the login stays: a refreshed one may
    /// leave it out, and says nothing about another login.
    pub(crate) fn renewed(&self, tokens: Tokens) -> Self {
        let is_other = tokens.id_token.expose() != self.tokens.id_token.expose();
        let login = match is_other {
            true => Some(self.login_claims(&self.id_token_claims())),
            false => self.login.clone(),
        };
        Self {
            tokens,
            login,
            ..self.clone()
        }
    }

    /// This session with other claims of userinfo.
    pub(crate) fn with_userinfo(&self, userinfo: Map<String, Value>) -> Self {
        Self {
            userinfo,
            ..self.clone()
        }
    }

    /// This session with other values of the app.
    pub(crate) fn with_app(&self, app: AppValues) -> Self {
        Self {
            app,
            ..self.clone()
        }
    }

    /// What the ID token of the login said about the login: `acr`, `auth_time` and `amr`.
    fn login_claims(&self, id_token: &Map<String, Value>) -> Map<String, Value> {
        let kept = self.login.clone();
        kept.unwrap_or_else(|| login_claims(id_token))
    }

    /// Everything that the provider said about the person, and about the login, by one reading of the ID token.
    pub(crate) fn known(&self) -> (UserData, Map<String, Value>) {
        let id_token = self.id_token_claims();
        let user_data = UserData::new(&id_token, &self.userinfo);
        (user_data, self.login_claims(&id_token))
    }

    /// The claims of the ID token, which was verified before it was kept.
    pub(crate) fn id_token_claims(&self) -> Map<String, Value> {
        let raw = self.tokens.id_token.expose();
        raw.split('.')
            .nth(1)
            .and_then(|payload| {
                base64_simd::URL_SAFE_NO_PAD
                    .decode_to_vec(payload.as_bytes())
                    .ok()
            })
            .and_then(|payload| crate::base::json::in_token(&payload).ok())
            .unwrap_or_default()
    }

    /// The error for a session of this size, naming what is large in it.
    pub(crate) fn too_large(&self, bytes: usize, limit: usize) -> SessionTooLarge {
        let len = |value: &Value| value.to_string().len();
        let claim = |name: &String| match is_plain_name(name) {
            true => format!("userinfo claim `{name}`"),
            false => "a userinfo claim".to_owned(),
        };
        let mut parts = vec![
            (
                "access token".to_owned(),
                self.tokens.access_token.expose().len(),
            ),
            ("ID token".to_owned(), self.tokens.id_token.expose().len()),
        ];
        parts.extend(
            self.tokens
                .refresh_token
                .iter()
                .map(|token| ("refresh token".to_owned(), token.expose().len())),
        );
        parts.extend(
            self.userinfo
                .iter()
                .map(|(name, value)| (claim(name), len(value))),
        );
        parts.extend(
            self.app
                .lens()
                .map(|(name, bytes)| (format!("app data `{name}`"), bytes)),
        );
        parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        SessionTooLarge {
            bytes,
            limit,
            parts,
        }
    }
}

impl From<&SessionData> for UserData {
    fn from(data: &SessionData) -> Self {
        Self::new(&data.id_token_claims(), &data.userinfo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::identity::tests::session;

    fn data() -> SessionData {
        SessionData {
            tokens: Tokens {
                access_token: "access".into(),
                id_token: "a.e30.c".into(),
                refresh_token: None,
                expires_at: Some(1900),
                renew_at: Some(1890),
                scope: None,
            },
            userinfo: Map::from_iter([("email".to_owned(), Value::from("alice@example.com"))]),
            user_agent: None,
            login: None,
            without_tokens: false,
            asked_for: Default::default(),
            app: AppValues::default(),
        }
    }

    #[test]
    fn what_is_large_is_named_only_where_its_name_can_be_nothing_else() {
        let named = |name: &str| {
            let data = SessionData {
                userinfo: Map::from_iter([(name.to_owned(), Value::from("x".repeat(9000)))]),
                ..data()
            };
            data.too_large(9000, 6144).parts[0].clone()
        };
        for plain in ["groups", "https://app.example/roles", "cognito:groups"] {
            let name = format!("userinfo claim `{plain}`");
            assert_eq!(named(plain), (name, 9002), "{plain}");
        }
        let long = "n".repeat(65);
        for odd in [
            "alice@example.com",
            "a\n2026-01-01 ERROR",
            "\u{1b}[31m",
            &long,
            "",
        ] {
            assert_eq!(named(odd), ("a userinfo claim".to_owned(), 9002), "{odd:?}");
        }
    }

    #[test]
    fn what_the_id_token_says_as_well_is_kept_once_and_what_nobody_reads_is_not_kept() {
        let session = session();
        let groups = "a group of many names ".repeat(20);
        let claims = serde_json::json!({
            "aud": "id", "email": "alice@example.com", "email_verified": true, "groups": groups, "name": "Alice",
            "phone_number": "+1", "zoneinfo": "Europe/Paris",
        });
        let payload = base64_simd::URL_SAFE_NO_PAD.encode_to_string(claims.to_string());
        let userinfo = |value: Value| match value {
            Value::Object(members) => members,
            _ => unreachable!("an object"),
        };
        let with = |members: Value| {
            let mut data = data();
            data.tokens.id_token = format!("a.{payload}.c").into();
            data.userinfo = userinfo(members);
            data
        };
        let said = serde_json::json!({
            "groups": groups, "name": "Alice Liddell", "phone_number": "+1", "zoneinfo": "Europe/Paris",
        });
        let kept = with(said.clone());
        let bytes = kept.encode(&session);
        let alone = with(serde_json::json!({ "name": "Alice Liddell", "phone_number": "+1" }));
        assert!(bytes.len() < alone.encode(&session).len() + 16);
        let read = SessionData::decode(&bytes, &session).unwrap();
        assert_eq!(Value::Object(read.userinfo.clone()), said);
        assert_eq!(
            UserData::from(&read).claims(),
            UserData::from(&kept).claims()
        );
        let mut more = said.clone();
        more["iss"] = "https://issuer.example".into();
        more["aud"] = "id".into();
        more["nickname"] = Value::Null;
        let more = with(more);
        let read = SessionData::decode(&more.encode(&session), &session).unwrap();
        assert_eq!(Value::Object(read.userinfo.clone()), said);
        assert_eq!(
            UserData::from(&read).claims(),
            UserData::from(&more).claims()
        );
        // An ID token that replaces this one, and says less, takes nothing away.
        let mut renewed = read;
        renewed.tokens.id_token = "a.e30.c".into();
        let read = SessionData::decode(&renewed.encode(&session), &session).unwrap();
        assert_eq!(Value::Object(read.userinfo), said);
    }

    #[test]
    fn the_large_part_counts_only_with_its_own_session_and_generation() {
        let session = session();
        let bytes = data().encode(&session);
        let read = SessionData::decode(&bytes, &session).unwrap();
        assert_eq!(read.user_agent, None);
        assert_eq!(read.userinfo, data().userinfo);
        let told = String::from_utf8_lossy(&bytes).matches("alice").count();
        assert_eq!(told, 0, "what the small part has is not kept twice");
        let other_address = Map::from_iter([("email".to_owned(), Value::from("bob@example.com"))]);
        let other = SessionData {
            userinfo: other_address.clone(),
            ..data()
        };
        let read_other = SessionData::decode(&other.encode(&session), &session);
        assert_eq!(read_other.unwrap().userinfo, other_address);
        let with_browser = SessionData {
            user_agent: Some("A Browser/1.0".to_owned()),
            ..data()
        };
        let longer = with_browser.encode(&session);
        let read = SessionData::decode(&longer, &session).unwrap();
        assert_eq!(read.user_agent, with_browser.user_agent);
        let newer = Session {
            generation: 4,
            ..session.clone()
        };
        assert!(SessionData::decode(&bytes, &newer).is_none());
        let other = Session {
            id: SessionId([8; 32]),
            ..session
        };
        assert!(SessionData::decode(&bytes, &other).is_none());
    }
}
