//! E-mail through a mail server, after RFC 5321: for those whose mails go through one of their own.

use std::net::ToSocketAddrs as _;
use std::sync::mpsc;
use std::time::Duration;

use audit_core::{Mail, SecretValue, Tls};
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::address::Mailbox;
use super::authorities::Authorities;
use super::http::{Timeouts, distrusted, shorten};
use super::mime::mime;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::error::ChannelError;
use crate::message::Message;

/// The ways to prove who we are, the safest first. They are used over an encrypted connection only.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// A mail server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name.
    pub host: String,
    /// Its port; the usual one for the kind of encryption if nothing is said.
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// Who vouches for its certificate; the public authorities if nobody is named.
    pub authorities: Option<Authorities>,
    /// The user and the password.
    pub login: Option<(SecretValue, SecretValue)>,
    /// How patient we are: until a connection stands, and until all is said.
    pub timeouts: Timeouts,
}

/// E-mail through a mail server. It has no idempotency key: an attempt whose answer got lost may arrive twice, under the
/// same `Message-ID`, by which many mail servers drop the second.
#[derive(Debug)]
pub struct Smtp {
    server: Server,
    mail: Mail,
}

impl Smtp {
    /// Prepares to send.
    ///
    /// # Errors
    /// When the sender or a recipient is not an address.
    pub fn new(server: Server, mail: Mail) -> Result<Self, ChannelError> {
        for text in mail.recipients().chain([&mail.from]) {
            if address(text).is_none() {
                return Err(ChannelError::Address {
                    address: text.clone(),
                });
            }
        }
        Ok(Smtp { server, mail })
    }

    /// Speaks with the server on a thread of its own: one that goes on saying a little now and then must not hold us up.
    fn speak(&self, envelope: &Envelope<'_>, picture: Option<&[u8]>) -> Result<Receipt, SendError> {
        let mail = self.mail.without(envelope.dead);
        let letter = Letter {
            content: mime(envelope, &mail, picture),
            mail,
        };
        let server = self.server.clone();
        let (said, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = said.send(server.deliver(&letter));
        });
        heard
            .recv_timeout(self.server.timeouts.total)
            .unwrap_or_else(|_| Err(self.server.unreachable("it did not answer in time")))
    }
}

impl Channel for Smtp {
    fn recipients(&self) -> Vec<String> {
        self.mail.recipients().cloned().collect()
    }

    fn takes_picture(&self) -> bool {
        true
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let said = self.speak(envelope, envelope.picture);
        let said = match said {
            Err(SendError::Never {
                status: Some(552), ..
            }) if envelope.picture.is_some() => self.speak(envelope, None),
            said => said,
        };
        said.map(|receipt| Receipt {
            message_id: Some(Message::message_id(envelope.delivery_id)),
            ..receipt
        })
    }
}

/// A mail, ready to go.
struct Letter {
    mail: Mail,
    content: String,
}

impl Server {
    fn deliver(&self, letter: &Letter) -> Result<Receipt, SendError> {
        let mut connection = self.connect()?;
        let receipt = self.hand_over(&mut connection, letter);
        // What was accepted is accepted, whether or not the server says goodbye.
        let _ = connection.quit();
        receipt
    }

    fn connect(&self) -> Result<SmtpConnection, SendError> {
        let port = self.port.unwrap_or(match self.tls {
            Tls::Starttls => 587,
            Tls::Implicit => 465,
            Tls::None => 25,
        });
        let addresses: Vec<_> = (self.host.as_str(), port)
            .to_socket_addrs()
            .map_err(|_| self.unreachable("there is no such host"))?
            .collect();
        let hello = ClientId::default();
        let tls = match self.tls {
            Tls::None => None,
            _ => {
                let parameters = TlsParameters::builder(self.host.clone());
                let parameters = match &self.authorities {
                    Some(authorities) => authorities.for_smtp(parameters),
                    None => parameters,
                };
                Some(
                    parameters
                        .build()
                        .map_err(|error| self.failed(None, &error))?,
                )
            }
        };
        let implicit = tls.as_ref().filter(|_| self.tls == Tls::Implicit);
        let timeout: Duration = self.timeouts.connect;
        let mut connection =
            SmtpConnection::connect(addresses.as_slice(), Some(timeout), &hello, implicit, None)
                .map_err(|error| self.failed(None, &error))?;
        let _ = connection.set_timeout(Some(self.timeouts.total));
        if let (Tls::Starttls, Some(tls)) = (self.tls, &tls) {
            // Going on in the clear would show the message, and the password, to whoever took the offer out.
            if !connection.can_starttls() {
                return Err(SendError::Refused {
                    status: None,
                    error: format!(
                        "the mail server `{}` does not offer STARTTLS, so nothing was sent",
                        self.host
                    ),
                });
            }
            connection
                .starttls(tls, &hello)
                .map_err(|error| self.failed(None, &error))?;
        }
        if let Some((user, password)) = &self.login {
            let credentials =
                Credentials::new(user.reveal().to_owned(), password.reveal().to_owned());
            connection
                .auth(&MECHANISMS, &credentials)
                .map_err(|error| match self.failed(Some("the login"), &error) {
                    SendError::Never { status, error } => SendError::Refused { status, error },
                    other => other,
                })?;
        }
        Ok(connection)
    }

    fn hand_over(
        &self,
        connection: &mut SmtpConnection,
        letter: &Letter,
    ) -> Result<Receipt, SendError> {
        let from = address(&letter.mail.from);
        connection
            .command(MailFrom::new(from, Vec::new()))
            .map_err(|error| match self.failed(Some("the sender"), &error) {
                SendError::Never { status, error } => SendError::Refused { status, error },
                other => other,
            })?;
        let mut dead: Vec<(String, SendError)> = Vec::new();
        let mut alive = 0;
        for text in letter.mail.recipients() {
            let Some(recipient) = address(text) else {
                continue;
            };
            match connection.command(Rcpt::new(recipient, Vec::new())) {
                Ok(_) => alive += 1,
                Err(error) => match self.failed(Some(text), &error) {
                    // It is not the recipient that is wrong, but us.
                    SendError::Never { status, error } if error.contains("5.7.") => {
                        return Err(SendError::Refused { status, error });
                    }
                    failed @ SendError::Never { .. } => dead.push((text.clone(), failed)),
                    // Nobody gets it now, so that nobody gets it twice.
                    later => return Err(later),
                },
            }
        }
        let named = dead.iter().map(|(address, _)| address.clone()).collect();
        if alive == 0 {
            return Err(match dead.pop() {
                Some((_, SendError::Never { status, error })) => SendError::DeadRecipients {
                    status,
                    error,
                    dead: named,
                },
                _ => SendError::Never {
                    status: None,
                    error: "there is no recipient".to_owned(),
                },
            });
        }
        connection
            .command(Data)
            .map_err(|error| self.failed(Some("the message"), &error))?;
        let response = connection
            .message(letter.content.as_bytes())
            .map_err(|error| self.failed(Some("the message"), &error))?;
        let status: u16 = response.code().into();
        Ok(Receipt {
            status: Some(status),
            message_id: None,
            dead: named,
        })
    }

    /// What a failure means: a code from 400 says later, one from 500 never, and none that the connection broke.
    fn failed(&self, what: Option<&str>, error: &Error) -> SendError {
        let reason = reason(error);
        let reason = match &self.login {
            Some((_, password)) if !password.reveal().is_empty() => {
                reason.replace(password.reveal(), "(secret)")
            }
            _ => reason,
        };
        let Some(status) = error.status().map(u16::from) else {
            if let Some(why) = distrusted(&reason) {
                return self.unreachable(&why);
            }
            return match error {
                error if error.is_timeout() => self.unreachable("it did not answer in time"),
                error if error.is_tls() => SendError::Refused {
                    status: None,
                    error: format!(
                        "the mail server `{}` is not to be trusted: {reason}",
                        self.host
                    ),
                },
                error if error.is_client() => SendError::Refused {
                    status: None,
                    error: format!("the mail server `{}` can not be used: {reason}", self.host),
                },
                _ => self.unreachable(&reason),
            };
        };
        let what = what.map(|what| format!(" to {what}")).unwrap_or_default();
        let error = shorten(&format!(
            "the mail server answered {status}{what}: {reason}"
        ));
        match status {
            400..=499 => SendError::Later {
                status: Some(status),
                error,
                retry_after: None,
            },
            _ => SendError::Never {
                status: Some(status),
                error,
            },
        }
    }

    fn unreachable(&self, reason: &str) -> SendError {
        SendError::Unreachable {
            error: shorten(&format!(
                "the mail server `{}` could not be reached: {reason}",
                self.host
            )),
        }
    }
}

fn address(text: &str) -> Option<Address> {
    Mailbox::read(text).address.parse().ok()
}

/// What lies behind an error: its own words only name its kind.
fn reason(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
