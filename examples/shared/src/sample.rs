//! What MIRACL's samples read from the environment.

use std::{env, error::Error};

use miracl_core::Config;

/// The settings of a sample, and the address that it listens on: `HOST`, by default `127.0.0.1`, and `PORT`, by default
/// 8000. Without `REDIRECT_URL` the callback is `http://localhost:8000/login`, with that port. Everything else is a
/// setting of [`Config`]: `ISSUER`, `CLIENT_ID`, `CLIENT_SECRET`, `PROXY_HOST`, `PROXY_PORT` and `CA_CERT` among them.
///
/// # Errors
///
/// When a setting is wrong.
pub fn sample() -> Result<(Config, (String, u16)), Box<dyn Error>> {
    let read = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let (host, port) = (read("HOST", "127.0.0.1"), read("PORT", "8000"));
    let port = port
        .parse()
        .map_err(|_| format!("PORT: {port:?} is not a port"))?;
    let mut config = Config::from_env()?;
    if config.redirect_uri.is_empty() {
        config.redirect_uri = Config::redirect_uri_for(&format!("http://localhost:{port}"));
    }
    Ok((config, (host, port)))
}
