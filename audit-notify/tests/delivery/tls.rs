//! Servers whose certificates are trusted, and servers whose are not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit_notify::provider::{Timeouts, open};
use audit_notify::{Channel, Receipt, SendError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::golden::{KEY, envelope, environment, short};

/// Somebody who vouches for servers.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(certificate.der())
        );
        Authority {
            issuer: Issuer::new(parameters, key),
            pem,
        }
    }

    /// A server of this name that can show a certificate of ours.
    fn vouch_for(&self, name: &str, last_year: bool) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if last_year {
            parameters.not_after = rcgen::date_time_ymd(2025, 1, 1);
        }
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        Arc::new(config)
    }

    /// A file with our certificate, as a policy names it.
    fn file(&self) -> PemFile {
        let path = std::env::temp_dir().join(format!("audit-notify-{}.pem", uuid::Uuid::new_v4()));
        std::fs::write(&path, &self.pem).unwrap();
        PemFile(path)
    }
}

/// A file that is gone at the end of the test.
struct PemFile(PathBuf);

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// How a server begins to encrypt.
#[derive(Clone, Copy, PartialEq)]
enum Speaks {
    Https,
    Smtps,
    Starttls,
}

/// A server, and what it heard in the clear and encrypted.
struct TlsServer {
    address: SocketAddr,
    heard: Arc<Mutex<(String, String)>>,
}

impl TlsServer {
    fn start(speaks: Speaks, config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new((String::new(), String::new())));
        let book = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, speaks, &config, &book);
            }
        });
        TlsServer { address, heard }
    }

    fn heard(&self) -> (String, String) {
        self.heard.lock().unwrap().clone()
    }

    /// What sends to it; `ca` is who vouches for it.
    fn channel(&self, speaks: Speaks, ca: Option<&PemFile>) -> Box<dyn Channel> {
        let mut definition = json!({ "from": "a@example.com", "to": ["b@example.com"] });
        if let Some(ca) = ca {
            definition["ca"] = json!(ca.0);
        }
        let provider = match speaks {
            Speaks::Https => {
                definition["api_key"] = json!({ "env": "KEY" });
                definition["base_url"] = json!(format!("https://{}", self.address));
                definition["allow_private"] = json!(true);
                "resend"
            }
            _ => {
                definition["host"] = json!("127.0.0.1");
                definition["port"] = json!(self.address.port());
                definition["user"] = json!("audit");
                definition["password"] = json!({ "env": "KEY" });
                let implicit = speaks == Speaks::Smtps;
                definition["tls"] = json!(if implicit { "implicit" } else { "starttls" });
                "smtp"
            }
        };
        let timeouts = Timeouts {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(5),
        };
        open(
            provider,
            &json!({ provider: definition }),
            &environment,
            timeouts,
        )
        .unwrap()
    }

    fn send(&self, speaks: Speaks, ca: Option<&PemFile>) -> Result<Receipt, SendError> {
        self.channel(speaks, ca)
            .send(&envelope(&short("s", "firing"), None))
    }
}

fn serve(
    mut stream: TcpStream,
    speaks: Speaks,
    config: &Arc<ServerConfig>,
    book: &Mutex<(String, String)>,
) -> std::io::Result<()> {
    if speaks == Speaks::Starttls {
        stream.write_all(b"220 mail.example.com ESMTP\r\n")?;
        loop {
            let line = line(&mut stream)?;
            book.lock().unwrap().0.push_str(&line);
            if line.starts_with("EHLO") {
                stream.write_all(b"250-mail.example.com\r\n250 STARTTLS\r\n")?;
            } else if line.starts_with("STARTTLS") {
                stream.write_all(b"220 Go on\r\n")?;
                break;
            } else {
                stream.write_all(b"250 Ok\r\n")?;
            }
        }
    }
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    match speaks {
        Speaks::Https => {
            let mut length = 0;
            loop {
                let line = line(&mut stream)?.to_lowercase();
                book.lock().unwrap().1.push_str(&line);
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            stream.read_exact(&mut vec![0; length])?;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\":\"m\"}")
        }
        _ => {
            if speaks == Speaks::Smtps {
                stream.write_all(b"220 mail.example.com ESMTP\r\n")?;
            }
            loop {
                let line = line(&mut stream)?;
                book.lock().unwrap().1.push_str(&line);
                let reply: &[u8] = match line.split_whitespace().next().unwrap_or_default() {
                    "EHLO" => b"250-mail.example.com\r\n250 AUTH PLAIN\r\n",
                    "AUTH" => b"235 Come in\r\n",
                    "DATA" => b"354 Go on\r\n",
                    "MAIL" | "RCPT" | "." => b"250 Ok\r\n",
                    "QUIT" => b"221 Bye\r\n",
                    _ => continue,
                };
                stream.write_all(reply)?;
            }
        }
    }
}

/// One line, without reading a byte of what comes after it.
fn line(stream: &mut impl Read) -> std::io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn why(sent: Result<Receipt, SendError>) -> String {
    match sent {
        Err(SendError::Unreachable { error }) => error
            .split_once("could not be reached: ")
            .unwrap()
            .1
            .to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_server_that_somebody_trusted_vouches_for_gets_the_message() {
    let ours = Authority::new();
    let file = ours.file();
    for speaks in [Speaks::Https, Speaks::Smtps, Speaks::Starttls] {
        let server = TlsServer::start(speaks, ours.vouch_for("127.0.0.1", false));
        let sent = server.send(speaks, Some(&file));
        assert!(sent.is_ok(), "{sent:?}");
        let (clear, encrypted) = server.heard();
        let secret = if speaks == Speaks::Https {
            KEY
        } else {
            "AUTH PLAIN "
        };
        assert!(encrypted.contains(secret), "{encrypted}");
        assert!(!clear.contains(KEY) && !clear.contains("MAIL"), "{clear}");
    }
}

#[test]
fn a_server_that_nobody_trusted_vouches_for_gets_nothing() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let file = ours.file();
    let distrusted = "its certificate is not trusted: ";
    for speaks in [Speaks::Https, Speaks::Smtps, Speaks::Starttls] {
        for (config, ca) in [
            // Only the public authorities are trusted, unless the channel names others.
            (ours.vouch_for("127.0.0.1", false), None),
            (theirs.vouch_for("127.0.0.1", false), Some(&file)),
            (ours.vouch_for("mail.example.com", false), Some(&file)),
            (ours.vouch_for("127.0.0.1", true), Some(&file)),
        ] {
            let server = TlsServer::start(speaks, config);
            let why = why(server.send(speaks, ca));
            assert!(why.starts_with(distrusted), "{why}");
            let (clear, encrypted) = server.heard();
            assert_eq!(encrypted, "");
            let said: Vec<&str> = clear
                .lines()
                .filter_map(|line| line.split(' ').next())
                .collect();
            let begun: &[&str] = if speaks == Speaks::Starttls {
                &["EHLO", "STARTTLS"]
            } else {
                &[]
            };
            assert_eq!(said, begun);
        }
    }
}

#[test]
fn certificates_that_are_not_there_are_told_before_anything_is_sent() {
    let nothing = Authority {
        pem: "-----BEGIN NOTHING-----\n".to_owned(),
        ..Authority::new()
    }
    .file();
    for (provider, mut definition) in [
        (
            "webhook",
            json!({ "url": "https://example.com", "secret": { "env": "SECRET" } }),
        ),
        ("slack", json!({ "url": { "env": "URL" } })),
        (
            "smtp",
            json!({ "from": "a@example.com", "to": ["b@example.com"], "host": "example.com" }),
        ),
    ] {
        let environment = |name: &str| match name {
            "URL" => Some("https://example.com/services/x".to_owned()),
            other => environment(other),
        };
        let mut error = |path: &str| {
            definition["ca"] = json!(path);
            let definition = json!({ provider: definition });
            open(provider, &definition, &environment, Timeouts::default())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error("/nowhere/ca.pem"),
            "the certificates in `/nowhere/ca.pem` could not be read"
        );
        let path = nothing.0.display().to_string();
        assert_eq!(
            error(&path),
            format!("`{path}` holds no certificate as PEM")
        );
    }
}
