//! One connection to Redis, opened when it is first needed and again whenever it is lost.

use std::{error::Error, fmt, path::PathBuf, sync::Arc, time::Duration};

use ::redis::{
    AsyncConnectionConfig, ConnectionAddr, FromRedisValue, IntoConnectionInfo, Pipeline,
    RedisConnectionInfo, aio::MultiplexedConnection,
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Mutex,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::{
    config::{ConfigError, Problems},
    http::{Home, tls},
    store::StoreError,
};

/// What a URL has to look like; an error repeats none that was given, since it may hold a password.
const FORM: &str = "is no address of a Redis; it looks like `redis://[user:password@]host[:port][/database]`, or `rediss://` with TLS";

type Failure = Box<dyn Error + Send + Sync>;

/// Where Redis is, and the connection to it.
pub(super) struct Link {
    host: String,
    port: u16,
    settings: RedisConnectionInfo,
    tls: Option<TlsConnector>,
    home: Option<Home>,
    open: Mutex<Option<Open>>,
}

/// A connection that many commands share at the same time.
#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    /// Reads and writes. It ends when the connection does, and nobody has to send a command to find out.
    driver: Arc<JoinHandle<()>>,
}

impl Link {
    /// Reads a URL, and the certificates for TLS. Uses no network.
    pub(super) fn new(url: &str, ca_certs: &[PathBuf]) -> Result<Self, ConfigError> {
        Self::parse(url, ca_certs).or_else(|(key, message)| {
            let mut problems = Problems::default();
            problems.add(key, message);
            problems.into_result(None)
        })
    }

    fn parse(url: &str, ca_certs: &[PathBuf]) -> Result<Self, (&'static str, String)> {
        let wrong = || ("session_store", FORM.to_owned());
        let url = Url::parse(url).map_err(|_| wrong())?;
        let encrypted = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(wrong()),
        };
        // Elsewhere `#insecure` would mean that any certificate will do.
        if url.fragment().is_some() {
            return Err(wrong());
        }
        let plain = format!("redis{}", &url.as_str()[url.scheme().len()..]);
        let info = plain.into_connection_info().map_err(|_| wrong())?;
        let ConnectionAddr::Tcp(host, port) = info.addr().clone() else {
            return Err(wrong());
        };
        let tls = match encrypted {
            true => Some(tls(ca_certs).map_err(|message| ("ca_certs", message))?),
            false => None,
        };
        Ok(Self {
            host,
            port,
            settings: info.redis_settings().clone().set_skip_set_lib_name(),
            tls: tls.map(|settings| TlsConnector::from(Arc::new(settings))),
            home: Home::here(),
            open: Mutex::new(None),
        })
    }

    /// Sends commands one after the other and returns what Redis answered to those that are not ignored.
    ///
    /// All of it within `limit`, a new connection included. Nothing is sent a second time: what became of a change whose answer
    /// is missing cannot be told.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
        limit: Duration,
    ) -> Result<T, StoreError> {
        let mut used = None;
        let asked = async {
            let open = self.connection().await?;
            let mut connection = used.insert(open).connection.clone();
            Ok::<T, Failure>(commands.query_async(&mut connection).await?)
        };
        let error = match timeout(limit, asked).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_) => format!("Redis did not answer within {limit:?}").into(),
        };
        tracing::warn!(
            host = self.host,
            port = self.port,
            error = &*error as &(dyn Error + 'static),
            "Redis did not do what it was asked to"
        );
        // It may be to a server that is gone, or is now another's replica. The next command finds out where to go.
        if let Some(used) = used {
            self.give_up(&used).await;
        }
        Err(StoreError::new(error))
    }

    async fn connection(&self) -> Result<Open, Failure> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| !open.driver.is_finished()) {
            return Ok(open.clone());
        }
        *open = None;
        let connected = match &self.home {
            Some(home) => home.poll(self.connect()).await,
            None => self.connect().await,
        }?;
        tracing::debug!(host = self.host, port = self.port, "connected to Redis");
        Ok(open.insert(connected).clone())
    }

    async fn give_up(&self, used: &Open) {
        let mut open = self.open.lock().await;
        if open
            .as_ref()
            .is_some_and(|open| Arc::ptr_eq(&open.driver, &used.driver))
        {
            *open = None;
        }
    }

    async fn connect(&self) -> Result<Open, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => self.greet(stream).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone())?;
                self.greet(tls.connect(name, stream).await?).await
            }
        }
    }

    async fn greet<S>(&self, stream: S) -> Result<Open, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Whoever waits has a limit of their own.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let greeted = MultiplexedConnection::new_with_config(&self.settings, stream, config);
        let (connection, driver) = greeted.await?;
        Ok(Open {
            connection,
            driver: Arc::new(tokio::spawn(driver)),
        })
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_a_wrong_one_is_refused_without_its_password() {
        for (url, host, port, tls) in [
            ("redis://h", "h", 6379, false),
            ("redis://:hunter2@h:7/3", "h", 7, false),
            ("rediss://user:hunter2@10.1.2.3:7", "10.1.2.3", 7, true),
            ("REDIS://[::1]:7/", "::1", 7, false),
        ] {
            let link = Link::new(url, &[]).unwrap();
            assert_eq!((link.host.as_str(), link.port), (host, port), "{url}");
            assert_eq!(link.tls.is_some(), tls, "{url}");
            assert!(!format!("{link:?}").contains("hunter2"));
        }
        for url in [
            "hunter2",
            "redis:",
            "redis://",
            "redis://:hunter2@",
            "redis://:hunter2@h:port",
            "redis://:hunter2@h/database",
            "rediss://:hunter2@h#insecure",
            "redis+unix:///hunter2",
            "http://:hunter2@h",
        ] {
            let error = Link::new(url, &[]).unwrap_err().to_string();
            assert!(error.contains("session_store: is no address"), "{url}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_named_where_one_is_needed() {
        let certs = [PathBuf::from("/nowhere/ca.pem")];
        assert!(Link::new("redis://h", &certs).is_ok());
        let error = Link::new("rediss://h", &certs).unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
