//! One file for each message, for trying things out: an `.eml` for a mail program, and an `.html` for a browser.

use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::{Message, PICTURE_ID};

/// A directory that messages are written to. Writing one again replaces it.
#[derive(Debug)]
pub struct File {
    directory: PathBuf,
}

impl File {
    /// Prepares to write to a directory, which is made when the first message comes.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        File {
            directory: directory.into(),
        }
    }
}

impl Channel for File {
    fn recipients(&self) -> Vec<String> {
        vec![self.directory.display().to_string()]
    }

    fn takes_picture(&self) -> bool {
        true
    }

    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let name = format!(
            "{}-{}-{}",
            envelope.message.at.format("%Y%m%dT%H%M%SZ"),
            slug(&envelope.message.subject),
            &envelope.delivery_id.simple().to_string()[..8],
        );
        let written = fs::create_dir_all(&self.directory)
            .and_then(|()| write(&self.directory.join(format!("{name}.eml")), &eml(envelope)))
            .and_then(|()| {
                write(
                    &self.directory.join(format!("{name}.html")),
                    &page(envelope),
                )
            });
        match written {
            Ok(()) => Ok(Receipt {
                status: None,
                message_id: Some(format!("{name}.html")),
            }),
            Err(error) => Err(SendError::Later {
                status: None,
                error: format!(
                    "`{}` could not be written to: {error}",
                    self.directory.display()
                ),
                retry_after: None,
            }),
        }
    }
}

/// A reader never sees half a message.
fn write(path: &Path, content: &str) -> io::Result<()> {
    let draft = path.with_extension("tmp");
    fs::write(&draft, content)?;
    fs::rename(draft, path)
}

fn page(envelope: &Envelope<'_>) -> String {
    let html = envelope.message.html(envelope.picture.is_some());
    match envelope.picture {
        Some(picture) => html.replace(
            &format!("cid:{PICTURE_ID}"),
            &format!("data:image/png;base64,{}", STANDARD.encode(picture)),
        ),
        None => html,
    }
}

/// The message in the format of RFC 5322 and 2045.
fn eml(envelope: &Envelope<'_>) -> String {
    let message = envelope.message;
    let id = envelope.delivery_id;
    let mut lines = vec![
        "From: Audit <audit@localhost>".to_owned(),
        "To: undisclosed-recipients:;".to_owned(),
        format!("Subject: {}", encoded_word(&message.subject)),
        format!("Date: {}", message.at.to_rfc2822()),
        format!("Message-ID: <{id}@{}>", Message::DOMAIN),
        "MIME-Version: 1.0".to_owned(),
    ];
    for (name, value) in message.headers(id) {
        lines.push(format!("{name}: {value}"));
    }
    lines.push(format!(
        "Content-Type: multipart/related; boundary=\"related-{id}\"\r\n"
    ));
    lines.push(format!(
        "--related-{id}\r\nContent-Type: multipart/alternative; boundary=\"bodies-{id}\"\r\n"
    ));
    for (kind, body) in [
        ("plain", message.text.clone()),
        ("html", message.html(envelope.picture.is_some())),
    ] {
        lines.push(format!(
            "--bodies-{id}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            wrapped(body.as_bytes())
        ));
    }
    lines.push(format!("--bodies-{id}--\r\n"));
    if let Some(picture) = envelope.picture {
        lines.push(format!(
            "--related-{id}\r\nContent-Type: image/png; name=\"dashboard.png\"\r\nContent-ID: <{PICTURE_ID}>\r\n\
             Content-Disposition: inline; filename=\"dashboard.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            wrapped(picture)
        ));
    }
    lines.push(format!("--related-{id}--\r\n"));
    lines.join("\r\n")
}

fn encoded_word(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    // An encoded word may have 75 characters, of which 12 are its frame.
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if word.len() + character.len_utf8() > 45 {
            words.push(std::mem::take(&mut word));
        }
        word.push(character);
    }
    words.push(word);
    let words: Vec<_> = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)))
        .collect();
    words.join("\r\n ")
}

fn wrapped(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = String::with_capacity(text.len() + text.len() / 38);
    for (position, character) in text.chars().enumerate() {
        if position > 0 && position % 76 == 0 {
            lines.push_str("\r\n");
        }
        lines.push(character);
    }
    lines.push_str("\r\n");
    lines
}

fn slug(text: &str) -> String {
    let words = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}
