//! Log-out that the platform reports to apps by frames in its page (OpenID Connect Front-Channel Logout 1.0).

use url::Url;

use crate::client::Client;

/// Checks that an address is at the origin of a callback (§2).
pub(crate) fn check_uri(uri: &str, redirect_uris: &[String]) -> Result<(), String> {
    let parsed = Url::parse(uri).map_err(|_| format!("{uri:?} is not an absolute address"))?;
    let origin = parsed.origin();
    let known = redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok());
    // The origin of a mobile app's scheme equals no other, not even itself.
    match known.map(|uri| uri.origin()).any(|other| other == origin) {
        true => Ok(()),
        false => Err(format!("{uri:?} is not at the origin of a redirect URI")),
    }
}

/// Returns the address to load in a frame for a session of an app, if the app wants one.
pub(crate) fn frame(client: &Client, issuer: &str, sid: &str) -> Option<Url> {
    let mut url = Url::parse(client.frontchannel_logout_uri.as_deref()?).ok()?;
    if client.frontchannel_logout_session_required {
        // §3: both or neither.
        url.query_pairs_mut()
            .append_pair("iss", issuer)
            .append_pair("sid", sid);
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origin_of_a_callback_may_be_framed() {
        let callbacks = ["http://127.0.0.1:5000/login", "com.example.app:/done"];
        let callbacks = callbacks.map(str::to_owned);
        let check = |uri| check_uri(uri, &callbacks);
        assert_eq!(check("http://127.0.0.1:5000/frontchannel-logout?x"), Ok(()));
        for bad in [
            "http://127.0.0.1:5001/",
            "http://localhost:5000/",
            "https://127.0.0.1:5000/",
            "com.example.app:/out",
            "/frontchannel-logout",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_frame_names_issuer_and_session_or_neither() {
        let mut client = Client::new("app", "s", "http://127.0.0.1:5000/login");
        let at = |client: &Client| frame(client, "http://localhost:1", "s&d").map(String::from);
        assert_eq!(at(&client), None);
        client.frontchannel_logout_uri = Some("http://127.0.0.1:5000/out?x=1".to_owned());
        assert_eq!(
            at(&client).as_deref(),
            Some("http://127.0.0.1:5000/out?x=1&iss=http%3A%2F%2Flocalhost%3A1&sid=s%26d")
        );
        client.frontchannel_logout_session_required = false;
        assert_eq!(at(&client), client.frontchannel_logout_uri);
    }
}
