//! A connection to one server.

use std::{path::PathBuf, sync::Arc};

use ::redis::{AsyncConnectionConfig, RedisConnectionInfo, aio::MultiplexedConnection};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;

use crate::{
    base::tls::tls,
    store::redis::{
        address::Host,
        open::{Failure, Open},
    },
};

/// Opens connections, with TLS or without.
#[derive(Default)]
pub(super) struct Opener {
    tls: Option<TlsConnector>,
}

impl Opener {
    pub(super) fn with_tls(ca_certs: &[PathBuf]) -> Result<Self, String> {
        let tls = TlsConnector::from(Arc::new(tls(ca_certs)?));
        Ok(Self { tls: Some(tls) })
    }

    /// Connects to a server and logs in, for the requests from now on.
    pub(super) async fn open(
        &self,
        host: &Host,
        login: &RedisConnectionInfo,
    ) -> Result<Open, Failure> {
        let (connection, driver) = self.dial(host, login).await?;
        Ok(Open::server(connection, driver))
    }

    /// Connects to a server and logs in.
    pub(super) async fn dial(
        &self,
        host: &Host,
        login: &RedisConnectionInfo,
    ) -> Result<(MultiplexedConnection, JoinHandle<()>), Failure> {
        let stream = TcpStream::connect((host.name.as_str(), host.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => greet(stream, login).await,
            Some(tls) => {
                let name = ServerName::try_from(host.name.clone())?;
                greet(tls.connect(name, stream).await?, login).await
            }
        }
    }
}

async fn greet<S>(
    stream: S,
    login: &RedisConnectionInfo,
) -> Result<(MultiplexedConnection, JoinHandle<()>), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Each caller that waits has its own limit.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let greeted = MultiplexedConnection::new_with_config(login, stream, config);
    let (connection, driver) = greeted.await?;
    Ok((connection, tokio::spawn(driver)))
}
