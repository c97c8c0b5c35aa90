//! A mail API on loopback that speaks Resend's wire format and writes every message to a folder.
//!
//! It is a real HTTP server: it checks the key, refuses what the real one would refuse, honours idempotency keys, and
//! answers with an id. What it does not do is send mail.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

/// What is needed to start the mail API.
#[derive(Debug)]
pub struct Options {
    /// Where messages are written, one HTML file each. Made if it is missing.
    pub directory: PathBuf,
    /// The key that callers must show as `Authorization: Bearer …`.
    pub api_key: String,
    /// The port to listen on, if it is free; else any free one.
    pub preferred_port: u16,
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id that the caller was given.
    pub id: String,
    /// Who it is for, separated by commas.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// The file it was written to.
    pub file: PathBuf,
}

/// The running mail API. It stops when this is dropped.
#[derive(Debug)]
pub struct MailApi {
    address: SocketAddr,
    mailbox: Arc<Mailbox>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MailApi {
    /// Starts the server on loopback and returns once it accepts connections.
    ///
    /// # Errors
    /// If the folder can't be made or no port can be had.
    pub fn start(options: Options) -> anyhow::Result<Self> {
        fs::create_dir_all(&options.directory).with_context(|| {
            format!(
                "could not make the folder `{}`",
                options.directory.display()
            )
        })?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.preferred_port))
            .or_else(|_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .context("could not open a port on loopback for the mail API")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let mailbox = Arc::new(Mailbox {
            directory: options.directory,
            api_key: options.api_key,
            accepted: Mutex::default(),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("could not start the mail API")?;
        let router = Router::new()
            .route("/emails", post(receive))
            .with_state(Arc::clone(&mailbox));
        let thread = std::thread::Builder::new()
            .name("mail-api".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                        return;
                    };
                    // Not a graceful shutdown: that waits for clients to close the connections they keep alive.
                    tokio::select! {
                        _ = axum::serve(listener, router).into_future() => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            mailbox,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address to give as `base_url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The messages accepted so far, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.mailbox
            .accepted
            .lock()
            .map(|accepted| accepted.messages.clone())
            .unwrap_or_default()
    }
}

impl Drop for MailApi {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
struct Mailbox {
    directory: PathBuf,
    api_key: String,
    accepted: Mutex<Accepted>,
}

#[derive(Debug, Default)]
struct Accepted {
    messages: Vec<Message>,
    /// Idempotency key to the body it came with and the id it was answered with.
    by_key: HashMap<String, (Bytes, String)>,
}

/// The body of `POST /emails`, as far as the demo reads it.
#[derive(Debug, Deserialize)]
struct Email {
    from: Option<String>,
    to: Option<Addresses>,
    subject: Option<String>,
    html: Option<String>,
    text: Option<String>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

/// Resend takes one address or a list of up to 50.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Addresses {
    One(String),
    Many(Vec<String>),
}

impl Addresses {
    fn list(&self) -> &[String] {
        match self {
            Self::One(address) => std::slice::from_ref(address),
            Self::Many(addresses) => addresses,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Attachment {
    content: Option<String>,
    filename: Option<String>,
    content_type: Option<String>,
    content_id: Option<String>,
}

async fn receive(State(mailbox): State<Arc<Mailbox>>, headers: HeaderMap, body: Bytes) -> Response {
    match mailbox.accept(&headers, body) {
        Ok(id) => Json(json!({ "id": id })).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

impl Mailbox {
    fn accept(&self, headers: &HeaderMap, body: Bytes) -> Result<String, Refusal> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
            None => {
                return Err(Refusal::new(
                    StatusCode::UNAUTHORIZED,
                    "missing_api_key",
                    "Missing API Key",
                ));
            }
            Some(key) if key != self.api_key => {
                return Err(Refusal::new(
                    StatusCode::FORBIDDEN,
                    "invalid_api_key",
                    "API key is invalid",
                ));
            }
            Some(_) => {}
        }
        let key = header("idempotency-key");
        if key.is_some_and(|key| key.is_empty() || key.len() > 256) {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "invalid_idempotency_key",
                "The idempotency key must be between 1-256 characters",
            ));
        }
        let email: Email = serde_json::from_slice(&body).map_err(|error| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "validation_error",
                &error.to_string(),
            )
        })?;
        let envelope = Envelope::check(&email)?;

        let mut accepted = self.accepted.lock().map_err(|_| {
            Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_server_error",
                "mailbox is broken",
            )
        })?;
        if let Some((earlier, id)) = key.and_then(|key| accepted.by_key.get(key)) {
            return if *earlier == body {
                Ok(id.clone())
            } else {
                Err(Refusal::new(
                    StatusCode::CONFLICT,
                    "invalid_idempotent_request",
                    "Same idempotency key used with a different request payload",
                ))
            };
        }
        let number = accepted.messages.len() + 1;
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let file = self
            .directory
            .join(format!("{number:03}-{}.html", slug(envelope.subject)));
        fs::write(&file, page(&envelope, &email)).map_err(|error| {
            Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_server_error",
                &error.to_string(),
            )
        })?;
        accepted.messages.push(Message {
            id: id.clone(),
            to: envelope.to.join(", "),
            subject: envelope.subject.to_owned(),
            file,
        });
        if let Some(key) = key {
            accepted.by_key.insert(key.to_owned(), (body, id.clone()));
        }
        let _ = fs::write(self.directory.join("index.html"), index(&accepted.messages));
        Ok(id)
    }
}

/// The fields without which Resend refuses a message.
struct Envelope<'a> {
    from: &'a str,
    to: &'a [String],
    subject: &'a str,
}

impl<'a> Envelope<'a> {
    fn check(email: &'a Email) -> Result<Self, Refusal> {
        let missing = |field: &str| {
            Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "missing_required_field",
                &format!("Missing `{field}` field."),
            )
        };
        let from = email.from.as_deref().ok_or_else(|| missing("from"))?;
        let to = email.to.as_ref().ok_or_else(|| missing("to"))?.list();
        let subject = email.subject.as_deref().ok_or_else(|| missing("subject"))?;
        if email.html.is_none() && email.text.is_none() {
            return Err(missing("html` or `text"));
        }
        let invalid = |message: &str| {
            Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "validation_error",
                message,
            )
        };
        if to.is_empty() || to.len() > 50 {
            return Err(invalid(
                "The `to` field must hold between 1 and 50 addresses.",
            ));
        }
        if !std::iter::once(from)
            .chain(to.iter().map(String::as_str))
            .all(is_address)
        {
            return Err(invalid(
                "Invalid address. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.",
            ));
        }
        for attachment in &email.attachments {
            if attachment.content.is_none() || attachment.filename.is_none() {
                return Err(Refusal::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid_attachment",
                    "Attachment must have a `content` and a `filename`.",
                ));
            }
        }
        Ok(Self { from, to, subject })
    }
}

fn is_address(text: &str) -> bool {
    let bare = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(start), Some(end)) => &end[start + 1..],
        _ => text,
    };
    bare.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !bare.contains(char::is_whitespace)
    })
}

/// An answer other than success, in the shape the real API gives it.
struct Refusal {
    status: StatusCode,
    name: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, name: &'static str, message: &str) -> Self {
        Self {
            status,
            name,
            message: message.to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "statusCode": self.status.as_u16(), "name": self.name, "message": self.message });
        (self.status, Json(body)).into_response()
    }
}

/// The message as a page that opens in a browser: the envelope, then the body with its inline images.
fn page(envelope: &Envelope<'_>, email: &Email) -> String {
    let mut body = match (&email.html, &email.text) {
        (Some(html), _) => html.clone(),
        (None, Some(text)) => format!(
            "<!doctype html><meta charset=\"utf-8\"><body><pre>{}</pre></body>",
            escape(text)
        ),
        (None, None) => String::new(),
    };
    for attachment in &email.attachments {
        if let (Some(id), Some(content)) = (&attachment.content_id, &attachment.content) {
            let kind = attachment.content_type.as_deref().unwrap_or("image/png");
            body = body.replace(
                &format!("cid:{id}"),
                &format!("data:{kind};base64,{content}"),
            );
        }
    }
    let header = format!(
        "<div style=\"font:13px/1.6 system-ui,sans-serif;color:#475467;background:#F2F4F7;padding:12px 24px;border-bottom:1px solid #D0D5DD\">\
         From <b>{}</b> · to <b>{}</b><br>Subject <b style=\"color:#101828\">{}</b></div>",
        escape(envelope.from),
        escape(&envelope.to.join(", ")),
        escape(envelope.subject),
    );
    let after_body_tag = body
        .find("<body")
        .and_then(|start| body[start..].find('>').map(|end| start + end + 1))
        .unwrap_or(0);
    body.insert_str(after_body_tag, &header);
    body
}

/// A list of all messages, so that a person has one page to open.
fn index(messages: &[Message]) -> String {
    let mut rows = String::new();
    for (number, message) in messages.iter().enumerate() {
        let file = message
            .file
            .file_name()
            .map(|name| name.to_string_lossy())
            .unwrap_or_default();
        let _ = write!(
            rows,
            "<tr><td style=\"text-align:right;color:#475467;padding:6px 16px 6px 0\">{}</td>\
             <td style=\"padding:6px 16px 6px 0\"><a href=\"{}\">{}</a></td><td style=\"color:#475467\">{}</td></tr>",
            number + 1,
            escape(&file),
            escape(&message.subject),
            escape(&message.to),
        );
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mail of the demo</title></head>\
         <body style=\"font:14px/1.5 system-ui,sans-serif;color:#101828;margin:24px\">\
         <h1 style=\"font-size:20px\">Mail of the demo</h1><table style=\"border-collapse:collapse\">{rows}</table></body></html>"
    )
}

/// A subject as part of a file name: lower case, words joined by dashes.
fn slug(subject: &str) -> String {
    let words: Vec<String> = subject
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut slug = words.join("-");
    slug.truncate(60);
    slug.trim_end_matches('-').to_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Removes what an earlier run wrote, and nothing else.
pub fn empty_folder(directory: &Path) -> anyhow::Result<()> {
    if !directory.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    struct Api {
        server: MailApi,
        directory: PathBuf,
    }

    impl Api {
        fn start(name: &str) -> Self {
            let directory =
                std::env::temp_dir().join(format!("audit-mail-api-{}-{name}", std::process::id()));
            let server = MailApi::start(Options {
                directory: directory.clone(),
                api_key: "re_demo".to_owned(),
                preferred_port: 0,
            })
            .unwrap();
            Self { server, directory }
        }

        fn send(&self, key: &str, idempotency_key: &str, body: &Value) -> (u16, Value) {
            let agent: ureq::Agent = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .build()
                .into();
            let mut answer = agent
                .post(format!("{}/emails", self.server.url()))
                .header("authorization", format!("Bearer {key}"))
                .header("idempotency-key", idempotency_key)
                .send_json(body)
                .unwrap();
            (
                answer.status().as_u16(),
                answer.body_mut().read_json().unwrap(),
            )
        }
    }

    impl Drop for Api {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }

    fn mail() -> Value {
        json!({
            "from": "Audit <audit@example.com>",
            "to": ["ops@example.com"],
            "subject": "Critical: flights · EWR",
            "html": "<html><body><img src=\"cid:chart\"></body></html>",
            "attachments": [{ "content": "QUJD", "filename": "chart.png", "content_type": "image/png", "content_id": "chart" }]
        })
    }

    #[test]
    fn a_message_becomes_a_page_with_its_picture_inside() {
        let api = Api::start("page");
        let (status, answer) = api.send("re_demo", "one", &mail());
        assert_eq!(status, 200);
        let messages = api.server.messages();
        assert_eq!(answer["id"], messages[0].id.as_str());
        let page = fs::read_to_string(&messages[0].file).unwrap();
        assert!(
            page.contains("src=\"data:image/png;base64,QUJD\""),
            "{page}"
        );
        assert!(page.contains("Critical: flights · EWR"));
        assert!(messages[0].file.ends_with("001-critical-flights-ewr.html"));
    }

    #[test]
    fn a_repeated_idempotency_key_sends_nothing_twice() {
        let api = Api::start("idempotency");
        let first = api.send("re_demo", "one", &mail());
        assert_eq!(api.send("re_demo", "one", &mail()), first);
        assert_eq!(api.server.messages().len(), 1);

        let mut other = mail();
        other["subject"] = json!("another");
        let (status, answer) = api.send("re_demo", "one", &other);
        assert_eq!(
            (status, answer["name"].as_str()),
            (409, Some("invalid_idempotent_request"))
        );
    }

    #[test]
    fn a_wrong_key_is_refused() {
        let api = Api::start("key");
        let (status, answer) = api.send("re_wrong", "one", &mail());
        assert_eq!(
            (status, answer["name"].as_str()),
            (403, Some("invalid_api_key"))
        );
        assert!(api.server.messages().is_empty());
    }

    #[test]
    fn a_message_without_a_receiver_is_refused() {
        let api = Api::start("receiver");
        let mut nobody = mail();
        nobody.as_object_mut().unwrap().remove("to");
        let (status, answer) = api.send("re_demo", "one", &nobody);
        assert_eq!(
            (status, answer["name"].as_str()),
            (422, Some("missing_required_field"))
        );
    }
}
