//! From where a request comes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::header;
use axum::http::request::Parts;

tokio::task_local! {
    /// The address of whoever sent the request that is being answered.
    static ADDRESS: IpAddr;
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visitor {
    pub(crate) address: IpAddr,
    /// Whether both the connection and the name in the request are those of this machine, and no proxy has passed the
    /// request on. The name keeps away pages whose own name resolves to this machine (DNS rebinding).
    pub(crate) is_here: bool,
}

impl Visitor {
    /// Returns the visitor; `None` if the request names a host that the platform does not answer to. On a network
    /// these are the IP addresses, which no name server can point elsewhere.
    pub(crate) fn of(parts: &Parts, allow_network: bool) -> Option<Self> {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| {
            info.0.ip().to_canonical()
        });
        let host = host(parts)?;
        let is_local = match host {
            Host::Localhost => true,
            Host::Ip(ip) => ip.is_loopback(),
        };
        let is_known = is_local || allow_network;
        is_known.then_some(Self {
            address,
            is_here: is_local && address.is_loopback() && !is_passed_on(parts),
        })
    }

    /// Answers a request, and lets [`address`] say from where it came.
    pub(crate) async fn scope<T>(self, answer: impl Future<Output = T>) -> T {
        ADDRESS.scope(self.address, answer).await
    }
}

/// Returns from where the request comes that is being answered.
pub(crate) fn address() -> IpAddr {
    let address = ADDRESS.try_with(|address| *address);
    address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The hosts by which the platform is reached; it has no other name.
#[derive(Debug, Clone, Copy)]
enum Host {
    Localhost,
    Ip(IpAddr),
}

/// Returns the host of a request (RFC 9110 §7.2): there is one `Host`, and the target of the request names no other.
fn host(parts: &Parts) -> Option<Host> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return None;
    };
    let host = host.to_str().ok()?;
    let target = parts.uri.authority();
    if target.is_some_and(|target| target.as_str() != host) {
        return None;
    }
    parse_host(host)
}

/// Parses a host and a port (RFC 3986 §3.2), which must be written as they are: an address has four decimal numbers,
/// or brackets around it, and nothing is decoded.
fn parse_host(authority: &str) -> Option<Host> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']')?;
            let ip: Ipv6Addr = ip.parse().ok()?;
            (Host::Ip(ip.into()), port)
        }
        None => {
            let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            let host = match name.eq_ignore_ascii_case("localhost") {
                true => Host::Localhost,
                false => Host::Ip(name.parse::<Ipv4Addr>().ok()?.into()),
            };
            (host, port)
        }
    };
    if port.is_empty() {
        return Some(host);
    }
    let port = port.strip_prefix(':')?;
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_port.then_some(host)
}

/// Whether a proxy says that it has passed a request on: the connection is then its own.
fn is_passed_on(parts: &Parts) -> bool {
    let mut names = parts.headers.keys().map(header::HeaderName::as_str);
    names.any(|name| {
        name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "via" | "x-real-ip")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(from: &str, host: &str, allow_network: bool) -> Option<Visitor> {
        let mut request = axum::http::Request::builder();
        if !host.is_empty() {
            request = request.header("host", host);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let from = SocketAddr::new(from.parse().unwrap(), 1);
        parts.extensions.insert(ConnectInfo(from));
        Visitor::of(&parts, allow_network)
    }

    #[test]
    fn only_loopback_names_are_answered_and_on_a_network_addresses() {
        for host in [
            "127.0.0.1:5050",
            "localhost:5050",
            "localhost",
            "[::1]:5050",
        ] {
            for network in [false, true] {
                assert!(
                    visitor("127.0.0.1", host, network).unwrap().is_here,
                    "{host}"
                );
            }
        }
        for host in ["192.168.0.1:5050", "[fd00::1]:5050"] {
            assert_eq!(visitor("127.0.0.1", host, false), None, "{host}");
            assert!(!visitor("127.0.0.1", host, true).unwrap().is_here, "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "a.local:5050",
            "127.0.0.1@example.com",
            "example.com@127.0.0.1",
            "@localhost",
            "localhost/",
            "localhost\\",
            "localhost?",
            "localhost#",
            "localhost%2f",
            "%6cocalhost",
            "localhost ",
            " localhost",
            "local host",
            "local\thost",
            "localhost.",
            "localhost:",
            "localhost:x",
            "localhost:+1",
            "localhost:65536",
            "localhost:1:1",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "::1",
            "[::1",
            "[::1]x",
            "[::1%25lo]",
            "[127.0.0.1]",
            "１２７.0.0.1",
        ] {
            for network in [false, true] {
                assert_eq!(visitor("127.0.0.1", host, network), None, "{host}");
            }
        }
    }

    #[test]
    fn a_loopback_name_alone_makes_nobody_a_visitor_from_here() {
        for (from, is_here) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.168.0.7", false),
        ] {
            assert_eq!(
                visitor(from, "localhost", true).unwrap().is_here,
                is_here,
                "{from}"
            );
        }
    }

    fn with(headers: &[(&str, &str)], uri: &str) -> Option<Visitor> {
        let mut request = axum::http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        parts.extensions.insert(ConnectInfo(from));
        Visitor::of(&parts, true)
    }

    #[test]
    fn a_request_has_one_host_and_its_target_no_other() {
        let host = ("host", "localhost:1");
        assert!(with(&[host], "/").unwrap().is_here);
        assert!(with(&[host], "http://localhost:1/").unwrap().is_here);
        assert_eq!(with(&[], "/"), None);
        assert_eq!(with(&[host, host], "/"), None);
        assert_eq!(with(&[host, ("host", "example.com")], "/"), None);
        assert_eq!(with(&[host], "http://example.com/"), None);
    }

    #[test]
    fn what_a_proxy_passes_on_is_not_from_here() {
        let host = ("host", "127.0.0.1:1");
        for name in [
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "Forwarded",
            "Via",
            "X-Real-IP",
        ] {
            for value in ["127.0.0.1", ""] {
                let visitor = with(&[host, (name, value)], "/").unwrap();
                assert!(!visitor.is_here, "{name}: {value}");
            }
        }
    }
}
