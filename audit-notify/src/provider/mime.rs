//! A message in the format of RFC 5322 and 2045, for those who take mails whole.

use audit_core::Mail;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::address::Mailbox;
use crate::channel::Envelope;
use crate::message::{Message, PICTURE_ID};

/// The mail. Who is in `bcc` is not in it.
pub(super) fn mime(envelope: &Envelope<'_>, mail: &Mail, picture: Option<&[u8]>) -> String {
    let message = envelope.message;
    let id = envelope.delivery_id;
    let mut lines = vec![format!("From: {}", mailbox(&mail.from))];
    for (name, addresses) in [("To", &mail.to), ("Cc", &mail.cc)] {
        if !addresses.is_empty() {
            let addresses: Vec<String> = addresses.iter().map(|one| mailbox(one)).collect();
            lines.push(format!("{name}: {}", addresses.join(",\r\n ")));
        }
    }
    if mail.to.is_empty() {
        lines.push("To: undisclosed-recipients:;".to_owned());
    }
    if let Some(reply_to) = &mail.reply_to {
        lines.push(format!("Reply-To: {}", mailbox(reply_to)));
    }
    lines.push(format!("Subject: {}", encoded_word(&message.subject)));
    lines.push(format!("Date: {}", message.at.to_rfc2822()));
    lines.push(format!("Message-ID: {}", Message::message_id(id)));
    // Nobody's absence note needs to come back.
    lines.push("Auto-Submitted: auto-generated".to_owned());
    lines.push("MIME-Version: 1.0".to_owned());
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
        ("html", message.html(picture.is_some())),
    ] {
        lines.push(format!(
            "--bodies-{id}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            wrapped(body.as_bytes())
        ));
    }
    lines.push(format!("--bodies-{id}--\r\n"));
    if let Some(picture) = picture {
        lines.push(format!(
            "--related-{id}\r\nContent-Type: image/png; name=\"dashboard.png\"\r\nContent-ID: <{PICTURE_ID}>\r\n\
             Content-Disposition: inline; filename=\"dashboard.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            wrapped(picture)
        ));
    }
    lines.push(format!("--related-{id}--\r\n"));
    lines.join("\r\n")
}

/// An address with its name, as a header has it: in ASCII.
pub(super) fn mailbox(text: &str) -> String {
    let mailbox = Mailbox::read(text);
    match mailbox.name {
        Some(name) if !name.is_ascii() => {
            format!("{} <{}>", encoded_word(name), one_line(mailbox.address))
        }
        _ => one_line(&mailbox.quoted()),
    }
}

/// A header's value, encoded if it is not plain.
fn encoded_word(text: &str) -> String {
    let text = one_line(text);
    if text.is_ascii() {
        return text;
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

/// A value that ended its line would begin a header of its own.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
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
