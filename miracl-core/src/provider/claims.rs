//! Claims that tokens of several kinds have in common, and their checks.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{base::text::printable, error::token::IdTokenError};

/// Times beyond the year 9999 are no times.
const LAST_TIME: f64 = 253_402_300_800.0;

/// The audiences of a token: one as text, or several.
pub(crate) fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, IdTokenError> {
    match claims.get("aud") {
        None => Err(IdTokenError::Missing { claim: "aud" }),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => several
            .iter()
            .map(|value| value.as_str().ok_or(IdTokenError::Invalid { claim: "aud" }))
            .collect(),
        Some(_) => Err(IdTokenError::Invalid { claim: "aud" }),
    }
}

/// Step 3: this client is among the audiences, and all others are trusted.
pub(crate) fn check_audience(
    claims: &Map<String, Value>,
    client_id: &str,
    trusted: &[String],
) -> Result<(), IdTokenError> {
    let audiences = audiences(claims)?;
    if !audiences.contains(&client_id) {
        return Err(IdTokenError::Audience {
            expected: client_id.to_owned(),
            found: audiences.iter().map(|one| printable(one, 200)).collect(),
        });
    }
    let untrusted = audiences
        .iter()
        .find(|audience| **audience != client_id && !trusted.iter().any(|t| t == *audience));
    match untrusted {
        Some(untrusted) => Err(IdTokenError::UntrustedAudience {
            found: printable(untrusted, 200),
        }),
        None => Ok(()),
    }
}

/// A claim that is text where it is there. The wrong type is an error, never the same as missing.
pub(crate) fn text<'a>(
    claims: &'a Map<String, Value>,
    claim: &'static str,
) -> Result<Option<&'a str>, IdTokenError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(IdTokenError::Invalid { claim }),
    }
}

/// The provider's name of the session: text, and a number with some.
///
/// A whole number has one name, however it is written: `1`, `1.0` and `1e0` are `1`. One that may be read as another
/// is no name: two sessions could have it, and the log-out of one would end the other.
pub(crate) fn sid(claims: &Map<String, Value>) -> Result<Option<Cow<'_, str>>, IdTokenError> {
    /// So far from the end of a double that no other whole number is read as it, however many digits it is written with.
    const EXACT: f64 = 1e12;
    let Some(Value::Number(number)) = claims.get("sid") else {
        return Ok(text(claims, "sid")?.map(Cow::from));
    };
    if number.is_u64() || number.is_i64() {
        return Ok(Some(number.to_string().into()));
    }
    match number.as_f64() {
        // The range makes the conversion exact.
        #[allow(clippy::cast_possible_truncation)]
        Some(whole) if whole.fract() == 0.0 && whole.abs() <= EXACT => {
            Ok(Some((whole as i64).to_string().into()))
        }
        _ => Err(IdTokenError::Invalid { claim: "sid" }),
    }
}

/// A claim that is a `NumericDate` (RFC 7519 §2) where it is there: a number, maybe with a fraction, that is a time.
pub(crate) fn time(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<u64>, IdTokenError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::Number(number)) => match number.as_f64() {
            // The range makes the conversion exact up to the fraction, which is dropped.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some(seconds) if (0.0..LAST_TIME).contains(&seconds) => Ok(Some(seconds as u64)),
            _ => Err(IdTokenError::Invalid { claim }),
        },
        Some(_) => Err(IdTokenError::Invalid { claim }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json;

    #[test]
    fn a_number_names_one_session_of_the_providers_however_it_is_written() {
        for (written, name) in [
            ("1", Some("1")),
            ("1.0", Some("1")),
            ("1e0", Some("1")),
            ("-0", Some("0")),
            ("-7.0", Some("-7")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("999999999999.0", Some("999999999999")),
            // Others are read as the same.
            ("18446744073709551616", None),
            ("18446744073709551617", None),
            ("9007199254740991.0", None),
            ("1.5", None),
        ] {
            let claims = json::in_token(format!(r#"{{"sid":{written}}}"#).as_bytes()).unwrap();
            let found = sid(&claims).ok().flatten();
            assert_eq!(found.as_deref(), name, "{written}");
            assert_eq!(sid(&claims).is_err(), name.is_none(), "{written}");
        }
    }
}
