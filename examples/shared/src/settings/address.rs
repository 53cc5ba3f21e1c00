//! Where a demo is: the address it listens on, and the one a browser opens.

use std::net::IpAddr;

use miracl_core::Config;
use url::{Host, Url};

/// Warns about a callback that a browser would not reach here. Behind a proxy that removes a path, the address is the
/// proxy's.
pub(super) fn warn_about(config: &Config, port: u16) {
    if !config.public_path.is_empty() {
        return;
    }
    let Ok(callback) = Url::parse(&config.redirect_uri) else {
        return;
    };
    if is_loopback(&callback) && callback.port_or_known_default() != Some(port) {
        tracing::warn!(
            redirect_uri = %callback,
            listening_on = port,
            "REDIRECT_URL names another port of this machine than the one listened on: \
             the callback will not arrive here"
        );
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A host that a browser can open, which a wildcard is not.
pub(super) fn reachable(host: &str) -> &str {
    match host.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => "127.0.0.1",
        _ => host,
    }
}

pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
