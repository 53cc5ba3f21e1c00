//! Where Redis is, as its URL says.

use std::fmt;

use ::redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use url::Url;

/// What a URL has to look like. An error never repeats the given one, which may contain a password.
const FORM: &str = "is no address of a Redis; it looks like `redis://[user:password@]host[:port][/database]`, \
    `redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/database]` or \
    `redis+cluster://[user:password@]host[:port][,host[:port]…]`, and with TLS it begins with `rediss`";
const NO_TLS: &str = "names a cluster behind TLS, which is not spoken here; it may be `redis+cluster://`, or \
    `rediss://` to a proxy in front of the cluster";

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Where to ask for Redis, and how to log in there.
pub(crate) struct Address {
    pub(super) way: Way,
    pub(super) hosts: Vec<Host>,
    /// At the servers that have the sessions.
    pub(super) login: RedisConnectionInfo,
    pub(super) tls: bool,
}

/// What the hosts are.
pub(super) enum Way {
    /// One server.
    Direct,
    /// Sentinels, which know the server in charge of a service, with the login that they want themselves.
    Sentinel {
        service: String,
        login: RedisConnectionInfo,
    },
    /// Some of a cluster's nodes.
    Cluster,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads a URL; the error says what one has to look like.
    pub(super) fn read(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once(':').ok_or(FORM)?;
        // In other clients, `#insecure` means that any certificate is accepted.
        if rest.contains('#') {
            return Err(FORM);
        }
        let read = match scheme.to_ascii_lowercase().as_str() {
            "redis" => direct(rest, false),
            "rediss" => direct(rest, true),
            "redis+sentinel" => sentinel(rest, false),
            "rediss+sentinel" => sentinel(rest, true),
            "redis+cluster" => cluster(rest),
            "rediss+cluster" => return Err(NO_TLS),
            _ => None,
        };
        read.ok_or(FORM)
    }
}

fn direct(rest: &str, tls: bool) -> Option<Address> {
    let (host, login) = server(&format!("redis:{rest}"), PORT)?;
    Some(Address {
        way: Way::Direct,
        hosts: vec![host],
        login,
        tls,
    })
}

fn sentinel(rest: &str, tls: bool) -> Option<Address> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.strip_prefix("//")?.split_once('/')?;
    let (service, database) = path.split_once('/').unwrap_or((path, ""));
    // The characters that Sentinel allows in the name of a service.
    let named = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if service.is_empty() || !service.chars().all(named) {
        return None;
    }
    let mut to_sentinels = RedisConnectionInfo::default().set_skip_set_lib_name();
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        to_sentinels = match &*key {
            "sentinel_user" => to_sentinels.set_username(value),
            "sentinel_password" => to_sentinels.set_password(value),
            _ => return None,
        };
    }
    let (hosts, login) = servers(authority, database, SENTINEL_PORT)?;
    Some(Address {
        way: Way::Sentinel {
            service: service.to_owned(),
            login: to_sentinels,
        },
        hosts,
        login,
        tls,
    })
}

fn cluster(rest: &str) -> Option<Address> {
    let authority = rest.strip_prefix("//")?;
    // Nothing may follow: a cluster has one database.
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    if authority.contains(['/', '?']) {
        return None;
    }
    let (hosts, login) = servers(authority, "", PORT)?;
    Some(Address {
        way: Way::Cluster,
        hosts,
        login,
        tls: false,
    })
}

/// Reads `[user:password@]host[:port][,host[:port]…]`.
fn servers(authority: &str, database: &str, port: u16) -> Option<(Vec<Host>, RedisConnectionInfo)> {
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let read = |host: &str| {
        let url = format!("redis://{user}@{host}/{database}");
        (!host.contains(['/', '?'])).then(|| server(&url, port))?
    };
    let servers = hosts.split(',').map(read).collect::<Option<Vec<_>>>()?;
    let (hosts, mut logins): (Vec<_>, Vec<_>) = servers.into_iter().unzip();
    Some((hosts, logins.pop()?))
}

fn server(url: &str, port: u16) -> Option<(Host, RedisConnectionInfo)> {
    let port = Url::parse(url).ok()?.port().unwrap_or(port);
    let info = url.into_connection_info().ok()?;
    let ConnectionAddr::Tcp(name, _) = info.addr().clone() else {
        return None;
    };
    let login = info.redis_settings().clone().set_skip_set_lib_name();
    (!name.contains(',')).then_some((Host { name, port }, login))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// Where Redis is, without user or password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Direct => {}
            Way::Sentinel { service, .. } => write!(f, "{service} by ")?,
            Way::Cluster => write!(f, "cluster ")?,
        }
        for (place, host) in self.hosts.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{host}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read() {
        for (url, shown, tls) in [
            ("redis://h", "h:6379", false),
            ("redis://:hunter2@h:7/3", "h:7", false),
            ("rediss://user:hunter2@10.1.2.3:7", "10.1.2.3:7", true),
            ("REDIS://[::1]:7/", "[::1]:7", false),
            ("redis+sentinel://h/main", "main by h:26379", false),
            (
                "rediss+sentinel://:hunter2@h:7,[::1],i/my-main.1/3?sentinel_user=u&sentinel_password=hunter2",
                "my-main.1 by h:7,[::1]:26379,i:26379",
                true,
            ),
            ("redis+cluster://h", "cluster h:6379", false),
            (
                "Redis+Cluster://user:hunter2@h:7,i/",
                "cluster h:7,i:6379",
                false,
            ),
        ] {
            let address = Address::read(url).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(address.tls, tls, "{url}");
        }
    }

    #[test]
    fn each_login_is_the_one_of_its_place() {
        let of = |login: &RedisConnectionInfo| {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            (text(login.username()), text(login.password()), login.db())
        };
        let url =
            "redis+sentinel://me:p%40ss@h,i/main/3?sentinel_user=watch&sentinel_password=a%26b";
        let address = Address::read(url).unwrap();
        assert_eq!(of(&address.login), ("me".to_owned(), "p@ss".to_owned(), 3));
        let Way::Sentinel { login, .. } = &address.way else {
            panic!("it is Sentinel");
        };
        assert_eq!(of(login), ("watch".to_owned(), "a&b".to_owned(), 0));
        // The server's password is not sent to the sentinels.
        let address = Address::read("redis+sentinel://:secret@h/main").unwrap();
        let Way::Sentinel { login, .. } = &address.way else {
            panic!("it is Sentinel");
        };
        assert_eq!(of(login), of(&RedisConnectionInfo::default()));
        let address = Address::read("redis+cluster://me:secret@h,i").unwrap();
        assert_eq!(
            of(&address.login),
            ("me".to_owned(), "secret".to_owned(), 0)
        );
    }

    #[test]
    fn a_wrong_address_is_refused() {
        for url in [
            "hunter2",
            "redis:",
            "redis://",
            "redis://:hunter2@",
            "redis://:hunter2@h:port",
            "redis://:hunter2@h/database",
            "redis://h,i",
            "rediss://:hunter2@h#insecure",
            "redis+unix:///hunter2",
            "http://:hunter2@h",
            "redis+sentinel://h",
            "redis+sentinel://h/",
            "redis+sentinel://h//3",
            "redis+sentinel:h/main",
            "redis+sentinel://h/main/database",
            "redis+sentinel://h/main/3/4",
            "redis+sentinel://h/hunter%32",
            "redis+sentinel://h,/main",
            "redis+sentinel://h:port/main",
            "redis+sentinel://h/main?password=hunter2",
            "rediss+sentinel://h/main#insecure",
            "redis+cluster://",
            "redis+cluster://h,",
            "redis+cluster://h/3",
            "redis+cluster://h?protocol=resp2",
            "redis+cluster:h",
        ] {
            assert_eq!(Address::read(url).err(), Some(FORM), "{url}");
        }
        assert_eq!(Address::read("rediss+cluster://h").err(), Some(NO_TLS));
    }
}
