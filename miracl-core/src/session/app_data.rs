//! What an app keeps in a session: values of its own, each under its type's name.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::error::app_data::DataError;

/// How long one value may be, as JSON.
const MAX_VALUE: usize = 64 * 1024;
/// How long a name may be.
const MAX_NAME: usize = 64;

/// A type of the app's own that it keeps in a person's session: a chosen tenant, the step of a form, a preference.
///
/// [`AuthSuccess::set`](crate::AuthSuccess::set) keeps a value in a session that begins,
/// [`Visit::set`](crate::Visit::set) in one that is there, and [`Visit::get`](crate::Visit::get) reads it.
///
/// A value belongs to a session, and so to one person at one browser. It ends with the session. A new login of the same
/// person in the same browser takes it over; that of another person does not. For data that should outlive the session,
/// use a database, with [`User::issuer`](crate::User::issuer) and [`User::id`](crate::User::id) as its key. For
/// visitors who are not logged in there is nothing here: use the crate `tower-sessions` with axum, `actix-session` with
/// actix-web, or a private cookie with Rocket.
///
/// Where sessions are kept in cookies, each value takes room in the browser's cookies, which hold 6,144 bytes in all,
/// sealed. Where they are in a store, a value may take 64 KiB as JSON, which it may not exceed in cookies either.
///
/// ```
/// use miracl_core::app::session::AppData;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Tenant {
///     id: u64,
///     name: String,
/// }
///
/// impl AppData for Tenant {
///     const NAME: &'static str = "tenant";
/// }
/// ```
///
/// After an upgrade of the app, a session may hold a value of the type before. Give new fields `#[serde(default)]`, or
/// change the name with the type. A value that cannot be read is [`DataError::Unreadable`], and
/// [`Visit::remove`](crate::Visit::remove) drops it.
pub trait AppData: Serialize + DeserializeOwned + Send + 'static {
    /// Under which name the session has the value. It is in the session of everybody who has one, so keep it short.
    ///
    /// It has 1 to 64 ASCII letters, digits, and `_`, `-`, `.`. Another name does not compile. Two types of one name
    /// overwrite each other's value.
    const NAME: &'static str;
}

/// Whether a name of app data is one.
const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut place = 0;
    while place < bytes.len() {
        let byte = bytes[place];
        if !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.') {
            return false;
        }
        place += 1;
    }
    !name.is_empty() && name.len() <= MAX_NAME
}

/// The app's values of one session, by name.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AppValues(Map<String, Value>);

impl AppValues {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the value of a type.
    pub(crate) fn get<T: AppData>(&self) -> Result<Option<T>, DataError> {
        let Some(value) = self.0.get(name::<T>()) else {
            return Ok(None);
        };
        let read = T::deserialize(value);
        read.map(Some)
            .map_err(|error| DataError::unreadable(T::NAME, &error))
    }

    /// Keeps a value in place of the one before.
    pub(crate) fn set<T: AppData>(&mut self, value: &T) -> Result<(), DataError> {
        let name = name::<T>();
        let invalid = |error: serde_json::Error| DataError::unwritable(name, &error);
        let value = serde_json::to_value(value).map_err(invalid)?;
        let bytes = len(&value);
        if bytes > MAX_VALUE {
            return Err(DataError::ValueTooLarge {
                name,
                bytes,
                limit: MAX_VALUE,
            });
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Drops the value of a type. Returns whether there was one.
    pub(crate) fn remove<T: AppData>(&mut self) -> bool {
        self.0.remove(name::<T>()).is_some()
    }

    /// Adds the values of another session, or of a hook. They replace those of the same names.
    pub(crate) fn extend(&mut self, values: Self) {
        self.0.extend(values.0);
    }

    /// How long each value is, as JSON.
    pub(crate) fn lens(&self) -> impl Iterator<Item = (&str, usize)> {
        let values = self.0.iter();
        values.map(|(name, value)| (name.as_str(), len(value)))
    }
}

/// The name of a type, which is checked when the app is compiled.
fn name<T: AppData>() -> &'static str {
    const {
        assert!(
            is_name(T::NAME),
            "a name of app data has 1 to 64 ASCII letters, digits, `_`, `-` and `.`"
        )
    };
    T::NAME
}

fn len(value: &Value) -> usize {
    value.to_string().len()
}

/// What the app's hook keeps in a session that has not begun yet. Clones are the same values.
#[derive(Clone, Default)]
pub(crate) struct Draft(Arc<Mutex<AppValues>>);

impl Draft {
    pub(crate) fn set<T: AppData>(&self, value: &T) -> Result<(), DataError> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.set(value)
    }

    /// Takes the values, once the hook has returned.
    pub(crate) fn take(&self) -> AppValues {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Cart {
        items: Vec<u64>,
    }

    impl AppData for Cart {
        const NAME: &'static str = "cart";
    }

    /// The same value after an upgrade of the app.
    #[derive(Debug, Serialize, Deserialize)]
    struct NewCart {
        #[expect(dead_code, reason = "only its type matters")]
        #[serde(skip_serializing)]
        items: String,
    }

    impl AppData for NewCart {
        const NAME: &'static str = "cart";
    }

    #[derive(Serialize, Deserialize)]
    struct Text(String);

    impl AppData for Text {
        const NAME: &'static str = "text";
    }

    /// A map whose keys are no text, which JSON does not have.
    #[derive(Serialize, Deserialize)]
    struct Odd(std::collections::BTreeMap<Vec<u8>, u8>);

    impl AppData for Odd {
        const NAME: &'static str = "odd";
    }

    #[test]
    fn a_name_has_1_to_64_letters_digits_and_little_else() {
        let long = "n".repeat(64);
        for good in ["cart", "a", "my-app.cart_2", &long] {
            assert!(is_name(good), "{good}");
        }
        let longer = "n".repeat(65);
        for bad in ["", "a cart", "cart\n", "kärt", "a/b", "\"", &longer] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_value_is_read_as_it_was_kept_and_a_later_one_takes_its_place() {
        let mut values = AppValues::default();
        assert_eq!(values.get::<Cart>().unwrap(), None);
        for items in [vec![1], vec![], vec![2, 3]] {
            values
                .set(&Cart {
                    items: items.clone(),
                })
                .unwrap();
            assert_eq!(values.get::<Cart>().unwrap(), Some(Cart { items }));
        }
        assert!(values.remove::<Cart>());
        assert!(!values.remove::<Cart>());
        assert!(values.is_empty());
    }

    #[test]
    fn a_value_of_another_type_is_an_error_that_names_it_and_never_shows_it_and_can_be_dropped() {
        let mut values = AppValues::default();
        values
            .set(&Cart {
                items: vec![1_234_567],
            })
            .unwrap();
        let error = values.get::<NewCart>().unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("`cart`"), "{text}");
        assert!(text.contains("a string"), "{text}");
        assert!(!text.contains("1234567"), "{text}");
        assert!(values.remove::<NewCart>());
        assert!(values.get::<NewCart>().unwrap().is_none());
    }

    #[test]
    fn a_value_that_is_too_long_or_no_json_is_refused_and_the_one_before_stays() {
        let mut values = AppValues::default();
        let longest = Text("x".repeat(MAX_VALUE - 2));
        values.set(&longest).unwrap();
        let error = values.set(&Text("x".repeat(MAX_VALUE - 1))).unwrap_err();
        assert!(
            matches!(error, DataError::ValueTooLarge { name: "text", bytes, .. } if bytes == MAX_VALUE + 1)
        );
        assert_eq!(values.get::<Text>().unwrap().unwrap().0, longest.0);
        let odd = Odd([(vec![1], 1)].into());
        let error = values.set(&odd).unwrap_err();
        assert!(
            matches!(error, DataError::Unwritable { name: "odd", .. }),
            "{error:?}"
        );
    }
}
