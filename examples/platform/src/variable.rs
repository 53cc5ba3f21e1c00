//! Variables of the environment, read by the same rule as those of an app.

use std::ffi::OsString;

/// Reads a variable: `MIRACL_<name>` where it says something, otherwise `<name>`. An empty value counts as not given,
/// and so does one that Kubernetes sets for a Service, such as `MIRACL_PORT=tcp://10.0.0.1:80`. Returns the name under
/// which it was given, and the value.
///
/// # Errors
/// A value that is not UTF-8 or has quotes around it, by the variable's name.
pub fn variable(
    name: &str,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(String, String)>, String> {
    for name in [format!("MIRACL_{name}"), name.to_owned()] {
        let Some(value) = environment(&name) else {
            continue;
        };
        let Ok(value) = value.into_string() else {
            return Err(format!("{name}: is not UTF-8"));
        };
        let value = value.trim();
        let is_link = name.ends_with("_PORT") && value.contains("://");
        if value.is_empty() || is_link {
            continue;
        }
        if is_quoted(value) {
            return Err(format!(
                "{name}: has quotes around it, which count as part of the value; remove them"
            ));
        }
        return Ok(Some((name, value.to_owned())));
    }
    Ok(None)
}

fn is_quoted(text: &str) -> bool {
    ['"', '\''].into_iter().any(|quote| {
        let inner = text.strip_prefix(quote);
        inner.is_some_and(|inner| inner.ends_with(quote))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_wins_and_a_mistake_is_named_as_it_was_given() {
        let read = |variables: &[(&str, &str)]| {
            variable("PORT", |name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        let some = |name: &str, value: &str| Ok(Some((name.to_owned(), value.to_owned())));
        let plain = ("PORT", "1");
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[plain]), some("PORT", "1"));
        assert_eq!(
            read(&[plain, ("MIRACL_PORT", " 2\n")]),
            some("MIRACL_PORT", "2")
        );
        for none in ["", " ", "tcp://10.0.0.1:80"] {
            assert_eq!(read(&[plain, ("MIRACL_PORT", none)]), some("PORT", "1"));
        }
        for name in ["PORT", "MIRACL_PORT"] {
            let told = read(&[(name, "'1'")]).unwrap_err();
            assert!(told.starts_with(&format!("{name}: ")), "{told}");
        }
    }
}
