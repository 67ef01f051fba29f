//! One plain request to a twin on this machine. Nothing secret goes further than that, so there is no TLS here.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// How long a twin may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than any answer that is read here.
const LARGEST: u64 = 16 << 20;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends a request without a body. `url` is `http://host:port/path`.
pub(crate) fn call(method: &str, url: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
    let (host, path) = split(url)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("`{url}` is not an http address")))?;
    let mut stream = connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // Version 1.0, so that the answer ends where the connection ends.
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n");
    for (name, value) in headers {
        if value.contains(['\r', '\n']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("the value of `{name}` has a line end")));
        }
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(LARGEST).read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end)?;
    Some((host, if path.is_empty() { "/" } else { path }))
}

fn connect(host: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("`{host}` has no address"));
    let with_port = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    for address in with_port.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let body = String::from_utf8_lossy(bytes.get(end + 4..)?).into_owned();
    Some(Answer { status, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;

    #[test]
    fn a_request_is_sent_and_its_answer_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            stream.write_all(b"HTTP/1.0 403 Forbidden\r\nA: b\r\n\r\n{\"x\":1}").unwrap();
            lines
        });
        let answer = call("POST", &format!("http://{address}/admin/reset"), &[("X-Admin-Token", "t")]).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (403, "{\"x\":1}"));
        let lines = server.join().unwrap();
        assert_eq!(lines[0], "POST /admin/reset HTTP/1.0");
        assert!(lines.contains(&"X-Admin-Token: t".to_owned()));
    }

    #[test]
    fn a_header_cannot_smuggle_another_one() {
        assert!(call("GET", "http://127.0.0.1:1/", &[("A", "b\r\nC: d")]).is_err());
    }

    #[test]
    fn other_addresses_are_refused() {
        assert!(call("GET", "https://127.0.0.1:1/", &[]).is_err());
    }
}
