//! From where a request comes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::header;
use axum::http::request::Parts;
use url::{Host, Url};

tokio::task_local! {
    /// The address of whoever sent the request that is being answered.
    static ADDRESS: IpAddr;
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visitor {
    pub(crate) address: IpAddr,
    /// Whether both the connection and the name in the request are those of this machine. The second keeps away pages
    /// whose name resolves to this machine (DNS rebinding), and what a proxy passes on.
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
        let is_local = match &host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        let is_known = is_local || (allow_network && !matches!(host, Host::Domain(_)));
        is_known.then_some(Self {
            address,
            is_here: is_local && address.is_loopback(),
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

fn host(parts: &Parts) -> Option<Host> {
    let host = parts.headers.get(header::HOST)?.to_str().ok()?;
    let url = Url::parse(&format!("http://{host}/")).ok()?;
    url.host().map(|host| host.to_owned())
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
}
