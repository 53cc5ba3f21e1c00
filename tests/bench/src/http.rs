//! One keep-alive connection, of which every answer is checked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

/// How long an answer may take under valgrind on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Longer than any answer here.
const MAX_BODY: usize = 64 * 1024;

/// A connection to a server of this machine.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    port: u16,
}

/// A request that is sent again and again, and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) path: &'static str,
    /// The whole `Cookie` header, if one is sent.
    pub(crate) cookie: Option<String>,
    /// The body of the answer, whose status must be 200.
    pub(crate) body: String,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(port: u16) -> Result<Self, String> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LIMIT))?;
            Ok(stream)
        });
        Ok(Self {
            stream: BufReader::new(stream.map_err(|error| format!("port {port}: {error}"))?),
            port,
        })
    }

    /// Sends a request, and compares its answer with the one it must have.
    pub(crate) fn play(&mut self, exchange: &Exchange) -> Result<(), String> {
        let (status, body) = self.get(exchange.path, exchange.cookie.as_deref())?;
        if status != 200 || body != exchange.body {
            let path = exchange.path;
            return Err(format!(
                "{path} answered {status} {body:?}, and not 200 {:?}",
                exchange.body
            ));
        }
        Ok(())
    }

    /// Sends a request and returns status and body.
    pub(crate) fn get(
        &mut self,
        path: &str,
        cookie: Option<&str>,
    ) -> Result<(u16, String), String> {
        self.ask("GET", path, cookie)
    }

    /// Sends a request with another method and without a body, and returns status and body.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        cookie: Option<&str>,
    ) -> Result<(u16, String), String> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n",
            self.port
        );
        if method == "POST" {
            request.push_str("Content-Length: 0\r\n");
        }
        if let Some(cookie) = cookie {
            request.push_str(&format!("Cookie: {cookie}\r\n"));
        }
        request.push_str("\r\n");
        let sent = self.stream.get_mut().write_all(request.as_bytes());
        sent.map_err(|error| format!("{path}: {error}"))?;
        read_answer(&mut self.stream).map_err(|error| format!("{path}: {error}"))
    }
}

/// Reads an answer that has a `Content-Length`.
fn read_answer(stream: &mut impl BufRead) -> Result<(u16, String), String> {
    let mut line = || {
        let mut line = String::new();
        match stream.by_ref().take(16 * 1024).read_line(&mut line) {
            Ok(_) if line.ends_with('\n') => Ok(line.trim_end().to_owned()),
            Ok(_) => Err("the connection was closed".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    let status_line = line()?;
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .ok_or_else(|| format!("no status: {status_line:?}"))?;
    let mut length = None;
    loop {
        let header = line()?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("connection")
            && value.trim().eq_ignore_ascii_case("close")
        {
            return Err("the connection is not kept alive".to_owned());
        }
    }
    let length: usize = length
        .filter(|length| *length <= MAX_BODY)
        .ok_or("no length of a body")?;
    let mut body = vec![0; length];
    let read = stream.read_exact(&mut body);
    read.map_err(|error| format!("no whole body: {error}"))?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_on_one_connection_are_told_apart() {
        let mut stream: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nok\
            HTTP/1.1 401 Unauthorized\r\ncontent-length:0\r\n\r\n";
        assert_eq!(read_answer(&mut stream), Ok((200, "ok".to_owned())));
        assert_eq!(read_answer(&mut stream), Ok((401, String::new())));
        let closed = read_answer(&mut stream).unwrap_err();
        assert!(closed.contains("closed"), "{closed}");
    }

    #[test]
    fn what_is_no_whole_answer_is_an_error() {
        for wrong in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nok",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Len",
        ] {
            assert!(read_answer(&mut wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
