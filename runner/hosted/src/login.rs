//! The browser's way to a key: a listener on this machine that waits for one callback.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pome_wire::control::Secret;
use url::Url;

use crate::address::Address;
use crate::clock::Clock;
use crate::error::strip;

/// How long a person has.
pub const LIMIT: Duration = Duration::from_mins(5);
const STEP: Duration = Duration::from_millis(50);
/// How long a browser may take to send its request, and how much of it is read.
const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: usize = 16 << 10;

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listener cannot be made.
    #[error("cannot listen on this machine for the browser's answer")]
    Listen(#[source] io::Error),
    /// No random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandom(getrandom::Error),
    /// The person said no, or the page failed.
    #[error("the login was refused: {0}")]
    Refused(String),
    /// Nothing happened.
    #[error("nobody finished the login within {} minutes", LIMIT.as_secs() / 60)]
    TimedOut,
    /// Interrupted here.
    #[error("the login was cancelled")]
    Cancelled,
}

/// A listener for one login. It answers the browser until it is dropped.
#[derive(Debug)]
pub struct Callback {
    port: u16,
    state: String,
    outcome: Receiver<Outcome>,
    closing: Arc<AtomicBool>,
}

type Outcome = Result<Secret, String>;

impl Callback {
    /// Listens on a free port of the loopback address.
    pub fn listen() -> Result<Self, Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(Error::NoRandom)?;
        let state = URL_SAFE_NO_PAD.encode(random);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Listen)?;
        listener.set_nonblocking(true).map_err(Error::Listen)?;
        let port = listener.local_addr().map_err(Error::Listen)?.port();
        let (sender, outcome) = mpsc::channel();
        let closing = Arc::new(AtomicBool::new(false));
        let (stop, expected) = (Arc::clone(&closing), state.clone());
        thread::spawn(move || serve(&listener, &expected, &sender, &stop));
        Ok(Self { port, state, outcome, closing })
    }

    /// The page that the person has to see.
    pub fn login_url(&self, dashboard: &Address) -> String {
        let mut url = dashboard.join(["cli-auth"]);
        url.query_pairs_mut()
            .append_pair("redirect_uri", &format!("http://127.0.0.1:{}/callback", self.port))
            .append_pair("state", &self.state);
        url.into()
    }

    /// Waits for the code.
    pub fn wait(&self, clock: &dyn Clock, cancelled: &AtomicBool) -> Result<Secret, Error> {
        let end = clock.elapsed() + LIMIT;
        loop {
            match self.outcome.try_recv() {
                Ok(Ok(code)) => return Ok(code),
                Ok(Err(word)) => return Err(Error::Refused(word)),
                Err(TryRecvError::Disconnected) => {
                    return Err(Error::Listen(io::Error::other("the listener has ended")));
                }
                Err(TryRecvError::Empty) if cancelled.load(Ordering::Relaxed) => return Err(Error::Cancelled),
                Err(TryRecvError::Empty) if clock.elapsed() >= end => return Err(Error::TimedOut),
                Err(TryRecvError::Empty) => clock.sleep(STEP),
            }
        }
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

fn serve(listener: &TcpListener, state: &str, outcome: &Sender<Outcome>, closing: &AtomicBool) {
    while !closing.load(Ordering::Relaxed) {
        match listener.accept() {
            // Browsers open connections on which they say nothing yet: each has a thread.
            Ok((stream, _)) => {
                let (state, outcome) = (state.to_owned(), outcome.clone());
                thread::spawn(move || {
                    // A browser that goes away has its reasons.
                    let _ = answer(stream, &state, &outcome);
                });
            }
            Err(_) => thread::sleep(STEP),
        }
    }
}

fn answer(mut stream: TcpStream, state: &str, outcome: &Sender<Outcome>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = head(&mut stream)?;
    let (status, text) = match read(&head, state) {
        Callbacks::Code(code) => {
            // The first is what counts; who waits has stopped listening then.
            let _ = outcome.send(Ok(code));
            ("200 OK", "Login complete. You can close this page and go back to the terminal.")
        }
        Callbacks::Refused(word) => {
            let _ = outcome.send(Err(word));
            ("400 Bad Request", "The login was refused. Go back to the terminal to try again.")
        }
        Callbacks::Unrelated => ("400 Bad Request", "This is not the login that the terminal waits for."),
        Callbacks::Elsewhere => ("404 Not Found", "There is nothing here."),
    };
    let page = format!("<!doctype html><meta charset=\"utf-8\"><title>pome</title><p>{text}</p>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(page.as_bytes())
}

/// Everything up to the empty line.
fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut block = [0; 2048];
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut block)?;
        bytes.extend_from_slice(block.get(..read).unwrap_or_default());
        if read == 0 || bytes.len() > LARGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no request"));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a request to the listener means.
#[derive(Debug, PartialEq, Eq)]
enum Callbacks {
    Code(Secret),
    Refused(String),
    Unrelated,
    Elsewhere,
}

fn read(head: &str, state: &str) -> Callbacks {
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let url = match Url::parse(&format!("http://127.0.0.1{target}")) {
        Ok(url) if method == "GET" && target.starts_with('/') && url.path() == "/callback" => url,
        _ => return Callbacks::Elsewhere,
    };
    let value = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    match (value("state"), value("code"), value("error")) {
        (Some(said), Some(code), None) if said == state => Callbacks::Code(Secret::new(code)),
        (Some(said), _, Some(word)) if said == state => {
            Callbacks::Refused(strip(&word.replace('\n', " ")).chars().take(200).collect())
        }
        _ => Callbacks::Unrelated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::time::{Instant, SystemTime};

    fn get(callback: &Callback, target: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, callback.port)).unwrap();
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn status(callback: &Callback, target: &str) -> String {
        let text = get(callback, target);
        assert!(text.contains("text/html"), "{text}");
        text.split(' ').nth(1).unwrap().to_owned()
    }

    fn wait(callback: &Callback) -> Result<Secret, Error> {
        callback.wait(&crate::SystemClock::new(), &AtomicBool::new(false))
    }

    /// A clock whose time passes by waiting only.
    #[derive(Debug, Default)]
    struct Fake(Mutex<Duration>);

    impl Clock for Fake {
        fn elapsed(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn date(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + self.elapsed()
        }

        fn sleep(&self, duration: Duration) {
            *self.0.lock().unwrap() += duration;
        }
    }

    #[test]
    fn the_page_gets_where_to_come_back_to_and_a_state() {
        let callback = Callback::listen().unwrap();
        let url = callback.login_url(&Address::parse("https://pome.sh").unwrap());
        assert_eq!(
            url,
            format!(
                "https://pome.sh/cli-auth?redirect_uri=http%3A%2F%2F127.0.0.1%3A{}%2Fcallback&state={}",
                callback.port, callback.state
            )
        );
        assert_eq!(callback.state.len(), 22);
        assert_ne!(callback.state, Callback::listen().unwrap().state);
    }

    #[test]
    fn the_code_counts_once_and_the_browser_may_come_again() {
        let callback = Callback::listen().unwrap();
        let target = format!("/callback?code=c%2B1&state={}", callback.state);
        assert_eq!(status(&callback, &target), "200");
        assert_eq!(status(&callback, &target), "200");
        assert_eq!(wait(&callback).unwrap().expose(), "c+1");
        assert_eq!(status(&callback, &target), "200");
    }

    #[test]
    fn a_wrong_state_or_a_missing_code_changes_nothing() {
        let callback = Callback::listen().unwrap();
        for target in ["/callback?code=a&state=wrong", "/callback?code=a", "/callback?error=x&state=wrong"] {
            assert_eq!(status(&callback, target), "400", "{target}");
        }
        assert_eq!(status(&callback, &format!("/callback?state={}", callback.state)), "400");
        assert_eq!(status(&callback, "/favicon.ico"), "404");
        assert_eq!(status(&callback, &format!("/callback?code=right&state={}", callback.state)), "200");
        assert_eq!(wait(&callback).unwrap().expose(), "right");
    }

    #[test]
    fn a_refusal_ends_the_login() {
        let callback = Callback::listen().unwrap();
        let target = format!("/callback?error=access_denied%1b%5B31m&state={}", callback.state);
        assert_eq!(status(&callback, &target), "400");
        let error = wait(&callback).unwrap_err();
        assert_eq!(error.to_string(), "the login was refused: access_denied[31m");
    }

    #[test]
    fn a_connection_that_says_nothing_holds_nobody_up() {
        let callback = Callback::listen().unwrap();
        let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, callback.port)).unwrap();
        let started = Instant::now();
        assert_eq!(status(&callback, &format!("/callback?code=a&state={}", callback.state)), "200");
        assert!(started.elapsed() < PATIENCE);
    }

    #[test]
    fn nobody_has_longer_than_five_minutes() {
        let callback = Callback::listen().unwrap();
        let clock = Fake::default();
        let error = callback.wait(&clock, &AtomicBool::new(false)).unwrap_err();
        assert_eq!(error.to_string(), "nobody finished the login within 5 minutes");
        assert_eq!(clock.elapsed(), LIMIT);
    }

    #[test]
    fn waiting_can_be_cancelled() {
        let callback = Callback::listen().unwrap();
        let error = callback.wait(&Fake::default(), &AtomicBool::new(true)).unwrap_err();
        assert!(matches!(error, Error::Cancelled));
    }
}
