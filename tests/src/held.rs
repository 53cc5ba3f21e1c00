//! A port that is kept while nothing listens at it.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// The port of something that has been stopped and will be started again. A connection to it is refused. The kernel
/// gives the port to nobody else, because a socket is bound to it.
#[derive(Debug)]
pub(crate) struct Held {
    _socket: Option<TcpSocket>,
}

impl Held {
    /// Takes the port. Where that fails, the port is as free as any other.
    pub(crate) fn port(port: u16) -> Self {
        let held = TcpSocket::new_v4().and_then(|socket| {
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
            Ok(socket)
        });
        Self { _socket: held.ok() }
    }

    /// Holds no port.
    pub(crate) fn nothing() -> Self {
        Self { _socket: None }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_to_a_held_port_is_refused() {
        let bound = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bound.local_addr().unwrap();
        // The port had a listener, and remembers it for a while.
        let client = TcpStream::connect(address).unwrap();
        let (server, _) = bound.accept().unwrap();
        drop((bound, server));
        drop(client);
        let held = Held::port(address.port());
        assert!(held._socket.is_some());
        assert!(TcpStream::connect(address).is_err());
        drop(held);
        assert!(TcpListener::bind(address).is_ok());
    }
}
