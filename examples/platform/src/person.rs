//! The claims of the standard scopes about a person (OIDC Core §5.4).

use serde_json::{Value, json};

use crate::config::PlatformConfig;
use crate::grant::Grant;

/// Adds the claims of `email`, `profile`, `address` and `phone`, and the person's `groups`.
///
/// The platform knows only an e-mail address, and the groups in its settings. The rest is made up, and the same for
/// everybody unless it follows from the address.
pub(crate) fn add_claims(claims: &mut Value, grant: &Grant, config: &PlatformConfig) {
    let session = &grant.session;
    let groups = config.groups_of(&session.email);
    if !groups.is_empty() {
        claims["groups"] = json!(groups);
    }
    if grant.has_scope("email") {
        claims["email"] = json!(session.email);
        // An identity exists only once its address has been confirmed.
        claims["email_verified"] = json!(true);
    }
    if grant.has_scope("profile") {
        let username = session.email.split('@').next().unwrap_or("");
        let given_name = capitalised(username);
        claims["name"] = json!(format!("{given_name} Example"));
        claims["given_name"] = json!(given_name);
        claims["family_name"] = json!("Example");
        claims["preferred_username"] = json!(username);
        claims["zoneinfo"] = json!("Europe/London");
        claims["locale"] = json!("en-GB");
        claims["updated_at"] = json!(session.auth_time);
    }
    if grant.has_scope("address") {
        claims["address"] = json!({
            "formatted": "1 Example Street\nLondon\nUnited Kingdom",
            "street_address": "1 Example Street",
            "locality": "London",
            "country": "United Kingdom",
        });
    }
    if grant.has_scope("phone") {
        // One of the numbers that are reserved for fiction.
        claims["phone_number"] = json!("+44 20 7946 0000");
        claims["phone_number_verified"] = json!(false);
    }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_name_begins_with_a_capital() {
        assert_eq!(capitalised("alice"), "Alice");
        assert_eq!(capitalised("élodie"), "Élodie");
        assert_eq!(capitalised(""), "");
    }
}
