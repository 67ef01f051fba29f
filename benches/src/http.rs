//! The smallest HTTP/1.1 client that can keep a connection busy: it must cost less than what it measures.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// One kept-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { reader: BufReader::with_capacity(64 * 1024, stream), body: Vec::new() })
    }

    /// Sends bytes that are a whole request and reads the whole answer: status and body.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.reader.get_mut().write_all(request)?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("not an answer: {line:?}")))?;
        let mut length = 0;
        let mut chunked = false;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            } else if header.eq_ignore_ascii_case("transfer-encoding: chunked") {
                chunked = true;
            }
        }
        if chunked {
            self.chunks()?;
        } else {
            self.body.resize(length, 0);
            self.reader.read_exact(&mut self.body)?;
        }
        Ok((status, &self.body))
    }

    /// Reads a body that comes in pieces.
    fn chunks(&mut self) -> io::Result<()> {
        self.body.clear();
        let mut line = String::new();
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            let from = self.body.len();
            self.body.resize(from + length + 2, 0);
            let Some(piece) = self.body.get_mut(from..) else { return Err(io::Error::other("no room")) };
            self.reader.read_exact(piece)?;
            self.body.truncate(from + length);
            if length == 0 {
                return Ok(());
            }
        }
    }
}

/// A request as bytes.
pub(crate) fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What a load gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Sends the requests in turn over `connections` for `time`, each connection beginning at another one; every answer must have
/// `status`.
pub(crate) fn load(
    address: SocketAddr,
    requests: &[Vec<u8>],
    status: u16,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Load> {
    let started = Instant::now();
    let worker = |number: usize| -> anyhow::Result<Vec<u32>> {
        let mut connection = Connection::open(address)?;
        let mut micros = Vec::with_capacity(100_000);
        for request in requests.iter().cycle().skip(number * requests.len() / connections) {
            if started.elapsed() >= time {
                break;
            }
            let sent = Instant::now();
            let (got, body) = connection.exchange(request)?;
            anyhow::ensure!(got == status, "answered {got}: {}", String::from_utf8_lossy(body));
            micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        Ok(micros)
    };
    let worker = &worker;
    let mut micros = Vec::new();
    thread::scope(|scope| -> anyhow::Result<()> {
        let workers: Vec<_> = (0..connections).map(|number| scope.spawn(move || worker(number))).collect();
        for worker in workers {
            micros.extend(worker.join().map_err(|_| anyhow::anyhow!("a load thread panicked"))??);
        }
        Ok(())
    })?;
    let elapsed = started.elapsed();
    micros.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
    let per_second = micros.len() as f64 / elapsed.as_secs_f64();
    Ok(Load { per_second, p50: quantile(&micros, 50), p99: quantile(&micros, 99) })
}

/// The time below which `percent` of sorted microseconds lie.
pub(crate) fn quantile(sorted: &[u32], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    Duration::from_micros(sorted.get(at).copied().unwrap_or_default().into())
}

/// The rival in the same run: a server that answers 200 with two bytes and does nothing else, a thread a connection.
#[derive(Debug)]
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Bare {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let ended = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                thread::spawn(move || bare(stream));
            }
        });
        Ok(Self { address, ended })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn bare(stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").ok()?;
        }
    }
}
