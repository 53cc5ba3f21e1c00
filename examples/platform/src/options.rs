//! What the command line says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use url::Url;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A local MIRACL platform: an OpenID provider for development, on this machine alone.

Usage: miracl-platform [--app URL [--settings FILE]] [--group EMAIL=NAME]...

  --app URL        registers your app at URL, such as http://127.0.0.1:5000, whose callback is /login there,
                   or whose callback is URL itself, such as http://127.0.0.1:5000/callback
  --settings FILE  where to write the app's settings, by default miracl.json
  --group EMAIL=NAME
                   puts a person into a group, which the claim `groups` tells the app; may be given several times
  --help           prints this

Variables: HOST (127.0.0.1), PORT (5050; 0 takes a free one), PLATFORM_DATA (.miracl/platform),
PLATFORM_ALLOWED_ORIGINS (none), PLATFORM_ALLOW_NETWORK (0; with 1, HOST may be 0.0.0.0, and everybody on the network
reaches the login pages), each also with the prefix MIRACL_, which wins.
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Run the platform.
    Run(Options),
    /// Explain the options.
    Help,
}

/// How to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// An app to register.
    pub(crate) app: Option<App>,
    /// The groups of people, by e-mail address.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

/// An app to register.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct App {
    pub(crate) redirect_uri: String,
    /// The file for its settings.
    pub(crate) settings: PathBuf,
}

/// Reads the arguments.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let (mut redirect_uri, mut settings) = (None, None);
    let mut groups = BTreeMap::<String, Vec<String>>::new();
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let value = |arguments: &mut dyn Iterator<Item = String>| {
            let value = value.or_else(|| arguments.next());
            value.ok_or_else(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "--help" | "-h" => return Ok(Wanted::Help),
            "--app" => redirect_uri = Some(callback(&value(&mut arguments)?)?),
            "--group" => {
                let (email, group) = membership(&value(&mut arguments)?)?;
                groups.entry(email).or_default().push(group);
            }
            "--settings" => settings = Some(PathBuf::from(value(&mut arguments)?)),
            _ => return Err(format!("there is no option {name}")),
        }
    }
    let app = match (redirect_uri, settings) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err("--settings needs --app, whose settings it is for".to_owned());
        }
        (Some(redirect_uri), settings) => Some(App {
            redirect_uri,
            settings: settings.unwrap_or_else(|| "miracl.json".into()),
        }),
    };
    Ok(Wanted::Run(Options { app, groups }))
}

/// Returns an e-mail address and a group.
fn membership(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((email, group)) if email.contains('@') && !group.is_empty() => {
            Ok((email.to_owned(), group.to_owned()))
        }
        _ => Err(format!(
            "--group: {text:?} is no address and group; give both, such as alice@example.com=admins"
        )),
    }
}

/// Returns an app's callback: the address itself, or `/login` where it has no path.
fn callback(address: &str) -> Result<String, String> {
    match Url::parse(address) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") => {
            if url.path() != "/" {
                return Ok(address.to_owned());
            }
            url.set_path("/login");
            Ok(url.into())
        }
        _ => Err(format!(
            "--app: {address:?} is no http or https address; give the app's, such as http://127.0.0.1:5000"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(arguments: &[&str]) -> Result<Wanted, String> {
        parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn an_app_is_named_by_its_address_or_its_callback() {
        let run = |redirect_uri: &str, settings: &str| {
            let app = Some(App {
                redirect_uri: redirect_uri.to_owned(),
                settings: settings.into(),
            });
            Ok(Wanted::Run(Options {
                app,
                ..Options::default()
            }))
        };
        let login = "http://127.0.0.1:3000/login";
        assert_eq!(wanted(&[]), Ok(Wanted::Run(Options::default())));
        for address in ["http://127.0.0.1:3000", "http://127.0.0.1:3000/", login] {
            assert_eq!(wanted(&["--app", address]), run(login, "miracl.json"));
        }
        assert_eq!(
            wanted(&["--settings=a.json", "--app=http://localhost:1/callback"]),
            run("http://localhost:1/callback", "a.json")
        );
    }

    #[test]
    fn a_person_can_be_in_several_groups() {
        let arguments = [
            "--group",
            "a@example.com=x",
            "--group=a@example.com=y",
            "--group",
            "b@example.com=x",
        ];
        let Ok(Wanted::Run(Options { app: None, groups })) = wanted(&arguments) else {
            panic!("two people in groups");
        };
        assert_eq!(groups["a@example.com"], ["x", "y"]);
        assert_eq!(groups["b@example.com"], ["x"]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (arguments, named) in [
            (&["--app"][..], "--app needs a value"),
            (&["--app", "localhost:3000"], "localhost:3000"),
            (&["--settings", "a.json"], "--settings needs --app"),
            (&["--port", "1"], "--port"),
            (
                &["--group", "alice@example.com"],
                "alice@example.com=admins",
            ),
            (&["--group", "admins=alice"], "--group"),
            (&["--group", "alice@example.com="], "--group"),
        ] {
            let told = wanted(arguments).unwrap_err();
            assert!(told.contains(named), "{told}");
        }
        assert_eq!(wanted(&["-h"]), Ok(Wanted::Help));
    }
}
