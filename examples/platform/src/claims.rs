//! What a test says about people, in place of what the platform makes up.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Map, Value};

use crate::sync::lock;

/// Claims that are about a token and not about the person. They are always the platform's own.
const OWN: [&str; 12] = [
    "iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "c_hash", "jti", "sid",
];

/// The claims of people, by their addresses.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<HashMap<String, Map<String, Value>>>);

impl Claims {
    /// Replaces the claims of a person.
    pub(crate) fn set(&self, email: String, claims: Map<String, Value>) {
        lock(&self.0).insert(email, claims);
    }

    /// Puts the claims of a person over those that are there. `null` takes one away.
    pub(crate) fn apply(&self, email: &str, claims: &mut Value) {
        let people = lock(&self.0);
        let (Some(own), Value::Object(claims)) = (people.get(email), claims) else {
            return;
        };
        for (name, value) in own {
            if OWN.contains(&name.as_str()) {
                continue;
            }
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.clone(), value.clone()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_of_a_person_replace_others_and_leave_those_of_the_token_alone() {
        let claims = Claims::default();
        let own = json!({ "acr": "2fa", "roles": ["admin"], "auth_time": null, "sub": "eve" });
        claims.set("a@b".to_owned(), own.as_object().unwrap().clone());
        let made_up = json!({ "sub": "alice", "acr": "1fa", "auth_time": 1, "name": "Alice" });
        let told = |email| {
            let mut told = made_up.clone();
            claims.apply(email, &mut told);
            told
        };
        let expected = json!({ "sub": "alice", "acr": "2fa", "roles": ["admin"], "name": "Alice" });
        assert_eq!(told("a@b"), expected);
        assert_eq!(told("b@b"), made_up);
    }
}
