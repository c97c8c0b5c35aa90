//! What is said to a mail server, and what its answers mean.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use audit_notify::provider::{Timeouts, open};
use audit_notify::{Channel, Envelope, Receipt, SendError};
use serde_json::{Value, json};

use crate::golden::{PIXEL, envelope, environment, short};

/// A mail server: takes everything but what begins so, which gets another answer.
struct MailServer {
    address: SocketAddr,
    heard: Arc<Mutex<String>>,
}

impl MailServer {
    fn start(answers: &[(&str, &str)]) -> Self {
        let answers: Vec<(String, String)> = answers
            .iter()
            .map(|(command, answer)| ((*command).to_owned(), (*answer).to_owned()))
            .collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(String::new()));
        let book = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                talk(stream, &answers, &book);
            }
        });
        MailServer { address, heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }

    fn channel(&self, options: Value) -> Box<dyn Channel> {
        self.channel_within(options, Duration::from_secs(5))
    }

    fn channel_within(&self, options: Value, total: Duration) -> Box<dyn Channel> {
        let mut definition = json!({
            "from": "Audit <audit@example.com>", "to": ["ops@example.com", "Ann <ann@example.com>"],
            "host": "127.0.0.1", "port": self.address.port(), "tls": "none",
        });
        for (name, value) in options.as_object().into_iter().flatten() {
            definition[name] = value.clone();
        }
        let timeouts = Timeouts {
            connect: total,
            total,
        };
        open(
            "smtp",
            &json!({ "smtp": definition }),
            &environment,
            timeouts,
        )
        .unwrap()
    }
}

fn talk(mut stream: TcpStream, answers: &[(String, String)], book: &Mutex<String>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let answer = |command: &str, usual: &str| {
        let other = answers
            .iter()
            .find(|(begin, _)| command.starts_with(begin.as_str()));
        other.map_or(usual.to_owned(), |(_, answer)| answer.clone()) + "\r\n"
    };
    let greeting = answer("connect", "220 mail.example.com ESMTP");
    if greeting.starts_with('\0') {
        return None;
    }
    stream.write_all(greeting.as_bytes()).ok()?;
    let mut in_message = false;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        book.lock().unwrap().push_str(&line.replace("\r\n", "\n"));
        let line = line.trim_end();
        let reply = match line.split(' ').next()? {
            _ if in_message && line != "." => continue,
            "." => {
                in_message = false;
                answer(".", "250 2.0.0 Ok: queued as 4F6F1")
            }
            "EHLO" => answer(
                "EHLO",
                "250-mail.example.com\r\n250-SIZE 1000000\r\n250 AUTH PLAIN",
            ),
            "DATA" => {
                let reply = answer("DATA", "354 Go on");
                in_message = reply.starts_with("354");
                reply
            }
            "QUIT" => answer("QUIT", "221 Bye"),
            _ => answer(line, "250 Ok"),
        };
        if reply.starts_with('\0') {
            return None;
        }
        if reply.starts_with('\u{1}') {
            // Nobody ever says anything here, so this only paces.
            let (_never, silence) = mpsc::channel::<()>();
            while stream.write_all(b"2").is_ok() {
                let _ = silence.recv_timeout(Duration::from_millis(5));
            }
            return None;
        }
        stream.write_all(reply.as_bytes()).ok()?;
    }
}

fn send(answers: &[(&str, &str)]) -> Result<Receipt, SendError> {
    MailServer::start(answers)
        .channel(json!({}))
        .send(&envelope(&short("s", "firing"), None))
}

#[test]
fn a_mail_server_gets_a_whole_mail() {
    let server = MailServer::start(&[]);
    let channel = server.channel(json!({
        "cc": ["Bob, B. <bob@example.com>"], "bcc": ["cyd@example.com"], "reply_to": "Ünal <desk@example.com>",
    }));
    let message = short(
        "Critical: public.flüge, “EWR”\r\nBcc: evil@example.com",
        "firing",
    );
    let receipt = channel.send(&envelope(&message, Some(PIXEL))).unwrap();
    assert_eq!(receipt.status, Some(250));
    assert_eq!(
        receipt.message_id.as_deref(),
        Some("<8d2f2a60-0000-4000-8000-000000000001@audit.invalid>")
    );
    insta::assert_snapshot!("smtp", server.heard());
}

#[test]
fn a_plain_mail_to_one_has_no_picture() {
    let server = MailServer::start(&[]);
    server
        .channel(json!({ "to": ["ops@example.com"] }))
        .send(&envelope(&short("s", "resolved"), None))
        .unwrap();
    let heard = server.heard();
    assert!(
        heard.contains("\nTo: ops@example.com\nSubject: s\n"),
        "{heard}"
    );
    assert!(!heard.contains("image/png"), "{heard}");
    assert!(
        heard
            .contains("\nReferences: <alert-3c1f7f60-0000-4000-8000-00000000000a@audit.invalid>\n")
    );
}

#[test]
fn the_answers_of_a_mail_server_mean_what_they_say() {
    type Answers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Answers<'_>, &str); 12] = [
        (&[("MAIL", "550 5.1.8 Bad sender")], "Refused"),
        (&[("MAIL", "451 4.3.0 Try again")], "Later"),
        (&[("RCPT TO:<ann", "450 4.2.0 Greylisted")], "Later"),
        (&[("RCPT TO:<ann", "550 5.7.1 Relaying denied")], "Refused"),
        (&[("RCPT", "550 5.1.1 No such user")], "DeadRecipients"),
        (&[("DATA", "554 5.5.1 No")], "Never"),
        (&[(".", "554 5.6.0 Bad content")], "Never"),
        (&[(".", "452 4.3.1 Full")], "Later"),
        (&[("connect", "554 No service for you")], "Never"),
        (&[("connect", "421 Too busy")], "Later"),
        (&[("EHLO", "nonsense")], "Unreachable"),
        (&[("QUIT", "500 What?")], "Ok"),
    ];
    for (answers, class) in cases {
        let sent = format!("{:?}", send(answers));
        assert!(
            sent.starts_with(class) || sent.starts_with(&format!("Err({class}")),
            "{answers:?}: {sent}"
        );
    }
}

#[test]
fn whoever_exists_gets_it_when_another_does_not() {
    let server =
        MailServer::start(&[("RCPT TO:<ann", "550 5.1.1 <ann@example.com>: no such user")]);
    let channel = server.channel(json!({}));
    let message = short("s", "firing");
    let receipt = channel.send(&envelope(&message, None)).unwrap();
    assert_eq!(receipt.dead, ["Ann <ann@example.com>"]);
    let before = server.heard().len();
    channel
        .send(&Envelope {
            dead: &receipt.dead,
            ..envelope(&message, None)
        })
        .unwrap();
    assert!(!server.heard()[before..].contains("ann@example.com"));
}

#[test]
fn a_login_that_is_refused_is_told_without_the_password() {
    let server = MailServer::start(&[("AUTH", "535 5.7.8 bad: a_very_secret_key")]);
    let options = json!({ "user": "audit", "password": { "env": "KEY" } });
    let refused = server
        .channel(options)
        .send(&envelope(&short("s", "firing"), None));
    let Err(SendError::Refused {
        status: Some(535),
        error,
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert!(!error.contains("very_secret"), "{error}");
    assert!(!server.heard().contains("MAIL FROM"));
}

#[test]
fn a_server_without_encryption_gets_nothing_unless_that_is_declared() {
    let server = MailServer::start(&[]);
    let options = json!({ "tls": "starttls", "user": "audit", "password": { "env": "KEY" } });
    let refused = server
        .channel(options)
        .send(&envelope(&short("s", "firing"), None));
    assert!(
        matches!(refused, Err(SendError::Refused { .. })),
        "{refused:?}"
    );
    let heard = server.heard();
    assert!(
        !heard.contains("AUTH") && !heard.contains("MAIL"),
        "{heard}"
    );
}

#[test]
fn a_mail_that_is_too_large_goes_without_its_picture() {
    let server = MailServer::start(&[(".", "552 5.3.4 Too big")]);
    let sent = server
        .channel(json!({}))
        .send(&envelope(&short("s", "firing"), Some(PIXEL)));
    assert!(
        matches!(
            sent,
            Err(SendError::Never {
                status: Some(552),
                ..
            })
        ),
        "{sent:?}"
    );
    let heard = server.heard();
    assert_eq!(heard.matches("MAIL FROM").count(), 2);
    assert_eq!(heard.matches("image/png").count(), 1);
}

#[test]
fn a_mail_server_that_breaks_off_is_asked_again() {
    for (answers, when) in [
        (&[("connect", "\0close")][..], "at once"),
        (&[("RCPT", "\0close")], "in between"),
        (&[(".", "\0close")], "when it may have taken the mail"),
        (
            &[("EHLO", "250-no end of it\r\n250-and more")],
            "in the middle of an answer",
        ),
        (&[("EHLO", "\u{1}trickle")], "after a byte now and then"),
    ] {
        let sent = MailServer::start(answers)
            .channel_within(json!({}), Duration::from_millis(300))
            .send(&envelope(&short("s", "firing"), None));
        assert!(
            matches!(sent, Err(SendError::Unreachable { .. })),
            "{when}: {sent:?}"
        );
    }
}

#[test]
fn a_mail_server_that_hangs_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let definition = json!({ "smtp": {
        "from": "a@example.com", "to": ["b@example.com"], "host": "127.0.0.1",
        "port": listener.local_addr().unwrap().port(), "tls": "none",
    }});
    let timeouts = Timeouts {
        connect: Duration::from_millis(300),
        total: Duration::from_millis(300),
    };
    let channel = open("smtp", &definition, &environment, timeouts).unwrap();
    let sent = channel.send(&envelope(&short("s", "firing"), None));
    assert!(
        sent.unwrap_err()
            .to_string()
            .ends_with("it did not answer in time")
    );
}
