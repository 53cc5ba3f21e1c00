//! The standard claims about a person (OpenID Connect Core 1.0 §5.1), each by a method.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::provider::{
    claims::time,
    user_data::{UserData, is_confirmed},
};

/// The standard claims (OpenID Connect Core 1.0 §5.1). A claim that is absent, empty or of another type is `None`. The
/// method [`get_as`](Self::get_as) tells these apart.
///
/// Addresses of pages and pictures are what the person has typed at the provider. Before you link to one, check that it
/// begins with `https://`: a `javascript:` address runs in your page.
impl UserData {
    /// Returns the person's id at the provider (`sub`).
    pub fn sub(&self) -> Option<&str> {
        text(self.claims(), "sub")
    }

    /// Returns the full name to show (`name`).
    pub fn name(&self) -> Option<&str> {
        text(self.claims(), "name")
    }

    /// Returns the given or first names (`given_name`).
    pub fn given_name(&self) -> Option<&str> {
        text(self.claims(), "given_name")
    }

    /// Returns the family names or last names (`family_name`).
    pub fn family_name(&self) -> Option<&str> {
        text(self.claims(), "family_name")
    }

    /// Returns the middle names (`middle_name`).
    pub fn middle_name(&self) -> Option<&str> {
        text(self.claims(), "middle_name")
    }

    /// Returns the casual name (`nickname`).
    pub fn nickname(&self) -> Option<&str> {
        text(self.claims(), "nickname")
    }

    /// Returns the name that the person wishes to be called by (`preferred_username`). It is not unique, and may
    /// change: never use it as the key of a user.
    pub fn preferred_username(&self) -> Option<&str> {
        text(self.claims(), "preferred_username")
    }

    /// Returns the address of a page about the person (`profile`).
    pub fn profile(&self) -> Option<&str> {
        text(self.claims(), "profile")
    }

    /// Returns the address of a picture of the person (`picture`).
    pub fn picture(&self) -> Option<&str> {
        text(self.claims(), "picture")
    }

    /// Returns the address of the person's own page (`website`).
    pub fn website(&self) -> Option<&str> {
        text(self.claims(), "website")
    }

    /// Returns the e-mail address (`email`). Believe it only when [`email_verified`](Self::email_verified), and never
    /// use it as the key of a user.
    pub fn email(&self) -> Option<&str> {
        text(self.claims(), "email")
    }

    /// Returns the gender (`gender`): `female`, `male` or another text.
    pub fn gender(&self) -> Option<&str> {
        text(self.claims(), "gender")
    }

    /// Returns the date of birth (`birthdate`): `YYYY-MM-DD`, where the year is `0000` if it is left out, or `YYYY`
    /// alone.
    pub fn birthdate(&self) -> Option<&str> {
        text(self.claims(), "birthdate")
    }

    /// Returns the time zone (`zoneinfo`), such as `Europe/Paris`.
    pub fn zoneinfo(&self) -> Option<&str> {
        text(self.claims(), "zoneinfo")
    }

    /// Returns the language (`locale`), such as `en-US`; some providers write `en_US`.
    pub fn locale(&self) -> Option<&str> {
        text(self.claims(), "locale")
    }

    /// Returns the telephone number (`phone_number`). Believe it only when
    /// [`phone_number_verified`](Self::phone_number_verified).
    pub fn phone_number(&self) -> Option<&str> {
        text(self.claims(), "phone_number")
    }

    /// Returns whether the provider says that the person controls the telephone number (`phone_number_verified`).
    pub fn phone_number_verified(&self) -> bool {
        self.get("phone_number_verified").is_some_and(is_confirmed)
    }

    /// Returns the postal address (`address`, §5.1.1).
    pub fn address(&self) -> Option<Address<'_>> {
        self.get("address")?.as_object().map(Address)
    }

    /// Returns when the provider last changed what it says about the person (`updated_at`).
    pub fn updated_at(&self) -> Option<SystemTime> {
        let seconds = time(self.claims(), "updated_at").ok().flatten()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }
}

/// A postal address (OpenID Connect Core 1.0 §5.1.1). A part that is absent, empty or no text is `None`.
///
/// `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct Address<'a>(&'a Map<String, Value>);

impl<'a> Address<'a> {
    /// Returns the whole address, as it is written on a letter; its lines end in `\n` or `\r\n` (`formatted`).
    pub fn formatted(&self) -> Option<&'a str> {
        text(self.0, "formatted")
    }

    /// Returns the street, with the house number; it may have several lines (`street_address`).
    pub fn street_address(&self) -> Option<&'a str> {
        text(self.0, "street_address")
    }

    /// Returns the city (`locality`).
    pub fn locality(&self) -> Option<&'a str> {
        text(self.0, "locality")
    }

    /// Returns the state, province or region (`region`).
    pub fn region(&self) -> Option<&'a str> {
        text(self.0, "region")
    }

    /// Returns the postal code (`postal_code`).
    pub fn postal_code(&self) -> Option<&'a str> {
        text(self.0, "postal_code")
    }

    /// Returns the country (`country`).
    pub fn country(&self) -> Option<&'a str> {
        text(self.0, "country")
    }
}

impl std::fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

/// Reads a text that is not empty.
fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = claims.get(name)?.as_str()?;
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data(claims: &Value) -> UserData {
        UserData::new(&Map::new(), claims.as_object().unwrap())
    }

    /// The methods that return a text.
    fn texts(data: &UserData) -> Vec<(&'static str, Option<&str>)> {
        vec![
            ("sub", data.sub()),
            ("name", data.name()),
            ("given_name", data.given_name()),
            ("family_name", data.family_name()),
            ("middle_name", data.middle_name()),
            ("nickname", data.nickname()),
            ("preferred_username", data.preferred_username()),
            ("profile", data.profile()),
            ("picture", data.picture()),
            ("website", data.website()),
            ("email", data.email()),
            ("gender", data.gender()),
            ("birthdate", data.birthdate()),
            ("zoneinfo", data.zoneinfo()),
            ("locale", data.locale()),
            ("phone_number", data.phone_number()),
        ]
    }

    #[test]
    fn each_standard_claim_that_is_a_text_is_read_by_its_method_and_nothing_else_is_a_text() {
        let none = UserData::default();
        for (name, value) in texts(&none) {
            assert_eq!(value, None, "{name}");
            let told = data(&json!({ name: format!("the {name}") }));
            for (other, value) in texts(&told) {
                let expected = (other == name).then(|| format!("the {name}"));
                assert_eq!(value.map(str::to_owned), expected, "{other} of {name}");
            }
            for odd in [
                json!(""),
                json!(null),
                json!(7),
                json!(true),
                json!(["a"]),
                json!({ "a": "b" }),
            ] {
                let told = data(&json!({ name: odd }));
                assert!(
                    texts(&told).iter().all(|(_, value)| value.is_none()),
                    "{name}: {odd}"
                );
            }
        }
    }

    #[test]
    fn an_address_is_read_part_by_part() {
        let parts = [
            "formatted",
            "street_address",
            "locality",
            "region",
            "postal_code",
            "country",
        ];
        let read = |address: Address<'static>| {
            [
                address.formatted(),
                address.street_address(),
                address.locality(),
                address.region(),
                address.postal_code(),
                address.country(),
            ]
        };
        let whole: Map<String, Value> = parts
            .iter()
            .map(|part| ((*part).to_owned(), json!(part)))
            .collect();
        let whole = data(&json!({ "address": whole }));
        let whole: &'static UserData = Box::leak(Box::new(whole));
        assert_eq!(read(whole.address().unwrap()), parts.map(Some));
        let odd = data(&json!({ "address": { "country": 7, "locality": "" } }));
        let odd: &'static UserData = Box::leak(Box::new(odd));
        assert_eq!(read(odd.address().unwrap()), [None; 6]);
        assert!(
            data(&json!({ "address": "1 Example Street" }))
                .address()
                .is_none()
        );
        assert!(!format!("{:?}", whole.address()).contains("country"));
    }

    #[test]
    fn what_is_confirmed_and_when_it_was_updated_is_read_as_providers_write_it() {
        for (said, is_confirmed) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!("yes"), false),
            (json!(1), false),
            (json!(null), false),
        ] {
            let told = data(&json!({
                "email": "a@b", "email_verified": said, "phone_number": "+1", "phone_number_verified": said,
            }));
            assert_eq!(told.email_verified(), is_confirmed, "{said}");
            assert_eq!(told.phone_number_verified(), is_confirmed, "{said}");
        }
        for (said, seconds) in [
            (json!(7), Some(7)),
            (json!(7.9), Some(7)),
            (json!("7"), None),
            (json!(-7), None),
            (json!(1e300), None),
        ] {
            let at = data(&json!({ "updated_at": said })).updated_at();
            assert_eq!(
                at,
                seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
                "{said}"
            );
        }
    }
}
