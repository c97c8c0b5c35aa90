//! Servers that do not keep to the rules: what becomes of a message then.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit_notify::provider::{Timeouts, open};
use audit_notify::{Channel, Receipt, SendError};
use serde_json::json;

use crate::classes::PROVIDERS;
use crate::golden::{channel_at, envelope, environment, short};
use crate::provider::{Answer, Provider};

/// What a server does with a connection on which a request came.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Says this, whatever it is, and closes.
    Say(String),
    /// Says this, then a byte now and then, without end.
    Trickle(String),
    /// Closes so that the other side hears of it as of an error.
    Reset,
    /// Says nothing, and keeps the connection.
    Hang,
}

/// A server that does one deed after the other, the last one again and again. It ends with the tests.
pub struct Rogue {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Rogue {
    pub fn start(deeds: impl IntoIterator<Item = Deed>) -> Self {
        let deeds: Vec<Deed> = deeds.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&requests);
        std::thread::spawn(move || {
            for (place, stream) in listener.incoming().flatten().enumerate() {
                let deed = deeds[place.min(deeds.len() - 1)].clone();
                let book = Arc::clone(&book);
                std::thread::spawn(move || serve(stream, &deed, &book));
            }
        });
        Rogue { address, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests, whole, as text.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, deed: &Deed, book: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        request.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.push_str(&String::from_utf8_lossy(&body));
    book.lock().unwrap().push(request);
    let mut stream = stream;
    match deed {
        Deed::Say(text) => stream.write_all(text.as_bytes()).ok(),
        // The end of the request is left unread, so closing resets the connection.
        Deed::Reset => {
            let socket = socket(&stream);
            socket.set_linger(Some(Duration::ZERO)).ok()
        }
        Deed::Hang => {
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).map(|_| ()).ok()
        }
        Deed::Trickle(text) => {
            stream.write_all(text.as_bytes()).ok()?;
            // Nobody ever says anything here, so this only paces.
            let (_never, silence) = mpsc::channel::<()>();
            while stream.write_all(b"a").is_ok() {
                let _ = silence.recv_timeout(Duration::from_millis(5));
            }
            None
        }
    }
}

fn socket(stream: &TcpStream) -> socket2::SockRef<'_> {
    socket2::SockRef::from(stream)
}

const IMPATIENT: Timeouts = Timeouts {
    connect: Duration::from_millis(300),
    total: Duration::from_millis(300),
};

fn channel(url: &str, allow_private: bool, timeouts: Timeouts) -> Box<dyn Channel> {
    let definition = json!({ "resend": {
        "from": "a@example.com", "to": ["b@example.com"], "api_key": { "env": "KEY" }, "base_url": url,
        "allow_private": allow_private,
    }});
    open("resend", &definition, &environment, timeouts).unwrap()
}

fn send(deed: Deed, timeouts: Timeouts) -> Result<Receipt, SendError> {
    let rogue = Rogue::start([deed]);
    channel(&rogue.url(), true, timeouts).send(&envelope(&short("s", "firing"), None))
}

fn said(sent: &Result<Receipt, SendError>) -> String {
    match sent {
        Ok(receipt) => format!("taken as {:?}", receipt.message_id),
        Err(error @ SendError::Unreachable { .. }) => {
            let error = error.to_string();
            let (_, reason) = error.split_once("could not be reached: ").unwrap();
            reason.to_owned()
        }
        Err(other) => format!("{other:?}"),
    }
}

#[test]
fn a_server_that_breaks_off_may_have_taken_the_message() {
    for deed in [
        Deed::Reset,
        Deed::Say(String::new()),
        Deed::Say("HTTP/1.1 200 O".to_owned()),
        Deed::Say("220 mail.example.com ESMTP\r\n".to_owned()),
        Deed::Say("HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nshort".to_owned()),
        Deed::Say("HTTP/1.1 500 Oh\r\ncontent-length: many\r\n\r\nshort".to_owned()),
    ] {
        let sent = send(deed.clone(), Timeouts::default());
        assert!(
            matches!(sent, Err(SendError::Unreachable { .. })),
            "{deed:?}: {sent:?}"
        );
    }
}

#[test]
fn a_server_that_said_yes_has_taken_the_message_whatever_comes_then() {
    for (answer, id) in [
        ("content-length: 100\r\n\r\n{\"id\":\"m\"}", "None"),
        ("content-length: 3\r\n\r\n{\"id\":\"m\"}", "None"),
        (
            "content-length: 10\r\n\r\n{\"id\":\"m\"}, and more",
            "Some(\"m\")",
        ),
        ("transfer-encoding: chunked\r\n\r\nzzz\r\n", "None"),
    ] {
        let sent = send(
            Deed::Say(format!("HTTP/1.1 200 OK\r\n{answer}")),
            Timeouts::default(),
        );
        assert_eq!(said(&sent), format!("taken as {id}"), "{answer}");
    }
}

#[test]
fn a_server_that_takes_its_time_is_left() {
    let slow = "it did not answer in time";
    assert_eq!(said(&send(Deed::Hang, IMPATIENT)), slow);
    assert_eq!(
        said(&send(
            Deed::Trickle("HTTP/1.1 500 Oh\r\nx: ".to_owned()),
            IMPATIENT
        )),
        slow
    );
    let body = "HTTP/1.1 500 Oh\r\ncontent-length: 1000000\r\n\r\n";
    assert_eq!(said(&send(Deed::Trickle(body.to_owned()), IMPATIENT)), slow);
    let body = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    assert_eq!(
        said(&send(Deed::Trickle(body.to_owned()), IMPATIENT)),
        "taken as None"
    );
}

#[test]
fn no_provider_takes_a_broken_answer_for_a_no() {
    let deeds = [
        ("reset", Deed::Reset),
        ("closed", Deed::Say(String::new())),
        (
            "cut off",
            Deed::Say("HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nshort".to_owned()),
        ),
        (
            "not HTTP",
            Deed::Say("220 mail.example.com ESMTP\r\n".to_owned()),
        ),
        ("hangs", Deed::Hang),
        (
            "trickles",
            Deed::Trickle("HTTP/1.1 503 Wait\r\ncontent-length: 1000000\r\n\r\n".to_owned()),
        ),
        (
            "trickles headers",
            Deed::Trickle("HTTP/1.1 200 OK\r\nx: ".to_owned()),
        ),
    ];
    std::thread::scope(|scope| {
        for provider in PROVIDERS {
            let deeds = &deeds;
            scope.spawn(move || {
                for (name, deed) in deeds {
                    let rogue = Rogue::start([deed.clone()]);
                    let sent = channel_at(provider, &rogue.url(), json!({}), IMPATIENT)
                        .send(&envelope(&short("s", "firing"), None));
                    // Nobody knows whether it was taken, so it is asked again, and later.
                    assert!(
                        matches!(sent, Err(SendError::Unreachable { .. })),
                        "{provider} {name}: {sent:?}"
                    );
                    assert_eq!(rogue.requests().len(), 1, "{provider} {name}");
                }
            });
        }
    });
}

#[test]
fn no_provider_takes_its_key_along_to_another_place() {
    for provider in PROVIDERS {
        let elsewhere = Provider::start([]);
        let over_there = Answer::status(307).with("location", &elsewhere.url());
        let server = Provider::start([over_there]);
        let sent = crate::golden::channel(provider, &server, json!({}))
            .send(&envelope(&short("s", "firing"), None));
        assert!(
            matches!(sent, Err(SendError::Later { .. })),
            "{provider}: {sent:?}"
        );
        assert_eq!(elsewhere.requests().len(), 0, "{provider}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Provider::start([]);
    for status in [301, 302, 303, 307, 308] {
        let answer =
            Answer::status(status).with("location", &format!("{}/emails", elsewhere.url()));
        let server = Provider::start([answer]);
        let sent = channel(&server.url(), true, Timeouts::default())
            .send(&envelope(&short("s", "firing"), None));
        assert!(
            matches!(sent, Err(SendError::Later { .. })),
            "{status}: {sent:?}"
        );
        assert_eq!(server.requests().len(), 1);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn a_private_address_is_refused_before_anything_is_looked_up() {
    for host in [
        "127.0.0.1:1",
        "[::1]:1",
        "localhost",
        "10.0.0.8",
        "169.254.169.254",
        "[::ffff:10.0.0.8]:80",
    ] {
        let definition = json!({ "webhook": { "url": format!("http://{host}/x"), "secret": { "env": "SECRET" } } });
        let error = open("webhook", &definition, &environment, Timeouts::default()).unwrap_err();
        assert!(
            error.to_string().ends_with(
                "is in a private network, and the channel does not say `allow_private: true`"
            ),
            "{error}"
        );
    }
}

#[test]
fn a_server_that_speaks_no_tls_gets_nothing() {
    let rogue = Rogue::start([Deed::Say("HTTP/1.1 200 OK\r\n\r\n".to_owned())]);
    let url = rogue.url().replace("http://", "https://");
    let sent = channel(&url, true, IMPATIENT).send(&envelope(&short("s", "firing"), None));
    assert!(
        matches!(sent, Err(SendError::Unreachable { .. })),
        "{sent:?}"
    );
    assert_eq!(rogue.requests().len(), 0);
}
