//! Everything that the provider says about a person.

pub(crate) mod standard;

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    base::{
        claim_name::{PROTOCOL_CLAIMS, find},
        json::kind,
    },
    error::claim::ClaimError,
};

/// Claims about the person, each with the claim that says whether it is confirmed (OpenID Connect Core 1.0 §5.1).
pub(crate) const CONFIRMED_CLAIMS: [(&str, &str); 2] = [
    ("email", "email_verified"),
    ("phone_number", "phone_number_verified"),
];

/// What the provider says about the person: the claims of the ID token and of the userinfo together.
///
/// If both have a claim, the userinfo's counts, since it is newer. A claim that is `null` is absent.
///
/// An e-mail address and its `email_verified` come from one source, and so do a `phone_number` and its
/// `phone_number_verified`: a statement of one source about its address is never applied to the address of the other.
/// If the source says nothing about its address, neither does this.
///
/// `Debug` shows only the names of the claims.
///
/// ```
/// use miracl_core::UserData;
///
/// fn greeting(data: &UserData) -> String {
///     match data.get("name").and_then(|name| name.as_str()) {
///         Some(name) => format!("Hello, {name}!"),
///         None => "Hello!".to_owned(),
///     }
/// }
/// # assert_eq!(greeting(&UserData::default()), "Hello!");
/// ```
#[derive(Clone, Default)]
pub struct UserData(Map<String, Value>);

impl UserData {
    pub(crate) fn new(id_token: &Map<String, Value>, userinfo: &Map<String, Value>) -> Self {
        let mut claims = Map::new();
        // The newer last.
        for (name, value) in id_token.iter().chain(userinfo) {
            if !PROTOCOL_CLAIMS.contains(&name.as_str()) && !value.is_null() {
                claims.insert(name.clone(), value.clone());
            }
        }
        for (claim, confirmed) in CONFIRMED_CLAIMS {
            match confirmation(id_token, userinfo, claim, confirmed) {
                Some(value) => claims.insert(confirmed.to_owned(), value.clone()),
                None => claims.remove(confirmed),
            };
        }
        Self(claims)
    }

    /// Returns all claims by name.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns one claim, such as `name` or `mpin_id`.
    pub fn get(&self, claim: &str) -> Option<&Value> {
        self.0.get(claim)
    }

    /// Returns one claim as a type of the app's choice.
    ///
    /// The claim is named as in a [`Requirement`](crate::app::access::Requirement::claim): by its name, or by a JSON
    /// pointer into it (RFC 6901), such as `/realm_access/roles`.
    ///
    /// ```
    /// use miracl_core::app::error::ClaimError;
    /// use miracl_core::UserData;
    ///
    /// fn is_admin(data: &UserData) -> Result<bool, ClaimError> {
    ///     match data.get_as::<Vec<String>>("roles") {
    ///         Ok(roles) => Ok(roles.iter().any(|role| role == "admin")),
    ///         Err(ClaimError::Absent { .. }) => Ok(false),
    ///         Err(error) => Err(error),
    ///     }
    /// }
    /// # assert_eq!(is_admin(&UserData::default()), Ok(false));
    /// ```
    ///
    /// # Errors
    ///
    /// [`ClaimError`] when the claim is absent or of another type. It never contains the claim's value.
    pub fn get_as<'a, T: Deserialize<'a>>(&'a self, claim: &str) -> Result<T, ClaimError> {
        let found = find(&self.0, claim).filter(|value| !value.is_null());
        let value = found.ok_or_else(|| ClaimError::Absent {
            claim: claim.to_owned(),
        })?;
        T::deserialize(value).map_err(|_| ClaimError::OtherType {
            claim: claim.to_owned(),
            expected: short_name::<T>(),
            found: kind(value),
        })
    }

    /// Returns MIRACL's id of the registration that logged in (`mpin_id`), if the scope `mpin_id` was granted. It
    /// contains the user id: do not log it.
    pub fn mpin_id(&self) -> Option<&str> {
        self.0.get("mpin_id")?.as_str()
    }

    /// Returns the hash of that id (`hash_mpin_id`), as MIRACL's audit log has it, if the scope `hash_mpin_id` was
    /// granted.
    pub fn hash_mpin_id(&self) -> Option<&str> {
        self.0.get("hash_mpin_id")?.as_str()
    }

    /// Returns what MIRACL says about the keys that this person signs documents with (`dvs_keys`), if the scope `dvs`
    /// was granted.
    pub fn dvs_keys(&self) -> Option<&Value> {
        self.0.get("dvs_keys")
    }

    /// Returns whether the provider says that the person controls the e-mail address (`email_verified`).
    pub fn email_verified(&self) -> bool {
        self.0.get("email_verified").is_some_and(is_confirmed)
    }
}

/// Returns the name of a type without the paths of its parts: `Vec<String>`.
fn short_name<T>() -> String {
    let name = std::any::type_name::<T>();
    let part = |part: &str| part.rsplit("::").next().unwrap_or_default().to_owned();
    let ends = |c: char| !c.is_alphanumeric() && c != '_' && c != ':';
    name.split_inclusive(ends).map(part).collect()
}

/// Returns whether a claim confirms something. Some providers send the boolean as text.
pub(crate) fn is_confirmed(said: &Value) -> bool {
    match said {
        Value::Bool(verified) => *verified,
        Value::String(text) => text == "true",
        _ => false,
    }
}

/// Returns what is said about the claim that counts: by its own source, or by the ID token about exactly this value.
fn confirmation<'a>(
    id_token: &'a Map<String, Value>,
    userinfo: &'a Map<String, Value>,
    claim: &str,
    confirmed: &str,
) -> Option<&'a Value> {
    let get = |claims: &'a Map<String, Value>, name: &str| {
        claims.get(name).filter(|value| !value.is_null())
    };
    let (older, newer) = (get(id_token, claim), get(userinfo, claim));
    let (first, then) = (get(id_token, confirmed), get(userinfo, confirmed));
    match (older, newer) {
        (None, None) => None,
        (_, Some(_)) if then.is_some() => then,
        (Some(older), Some(newer)) => first.filter(|_| older == newer),
        (None, Some(_)) => None,
        // Userinfo that has no such claim can withdraw a confirmation, but cannot give one.
        (Some(_), None) => then
            .filter(|said| first.is_some() && !is_confirmed(said))
            .or(first),
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests;
