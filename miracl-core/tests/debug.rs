//! `Debug` of everything public shows no secret and no personal data.

use miracl_core::{ClientCredentials, Config, CookieKey, Flash, LoginOptions, Miracl, Secret};

const CANARY: &str = "canary-5e1f";

#[test]
fn debug_output_of_what_an_app_holds_shows_no_secret_and_no_personal_data() {
    let config = Config {
        issuer: "https://issuer.example".into(),
        client_id: "id".into(),
        client_secret: CANARY.into(),
        redirect_uri: "https://app.example/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    };
    let options = LoginOptions {
        prerollid: Some(CANARY.into()),
        acttoken: Some(CANARY.into()),
        login_hint: Some(CANARY.into()),
        extra: vec![("x".into(), CANARY.into())],
        ..LoginOptions::default()
    };
    let credentials = ClientCredentials {
        client_id: "id".into(),
        client_secret: CANARY.into(),
    };
    let miracl = Miracl::new(config.clone()).unwrap();
    for printed in [
        format!("{config:?}"),
        format!("{miracl:?}"),
        format!("{options:?}"),
        format!("{credentials:?}"),
        format!("{:?}", Secret::from(CANARY)),
        miracl.summary(),
    ] {
        assert!(!printed.contains(CANARY), "{printed}");
    }
    // A message is the app's own text, and is printed.
    let flash = Flash::new(miracl_core::Category::Info, "seen");
    assert!(format!("{flash:?}").contains("seen"));
}

#[test]
fn what_a_main_returns_is_readable_as_it_is_printed() {
    use std::error::Error;

    use miracl_core::{ClientKey, CookieKeyError};

    fn main() -> Result<(), Box<dyn Error>> {
        Miracl::new(Config::default())?;
        Ok(())
    }
    let config = main().unwrap_err();
    let key = CookieKey::from_base64("short").unwrap_err();
    assert!(matches!(key, CookieKeyError::NotBase64));
    let errors: [Box<dyn Error>; 3] = [
        config,
        Box::new(key),
        Box::new(ClientKey::from_jwk("{}").unwrap_err()),
    ];
    for error in errors {
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(!error.to_string().contains(['{', '"']), "{error:?}");
    }
}
