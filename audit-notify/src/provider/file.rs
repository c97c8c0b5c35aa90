//! One file for each message, for trying things out: an `.eml` for a mail program, and an `.html` for a browser.

use std::path::{Path, PathBuf};
use std::{fs, io};

use audit_core::Mail;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::mime::mime;
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::PICTURE_ID;

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
        let mail = Mail {
            from: "Audit <audit@localhost>".to_owned(),
            ..Mail::default()
        };
        let eml = mime(envelope, &mail, envelope.picture);
        let written = fs::create_dir_all(&self.directory)
            .and_then(|()| write(&self.directory.join(format!("{name}.eml")), &eml))
            .and_then(|()| {
                write(
                    &self.directory.join(format!("{name}.html")),
                    &page(envelope),
                )
            });
        match written {
            Ok(()) => Ok(Receipt {
                message_id: Some(format!("{name}.html")),
                ..Receipt::default()
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

fn slug(text: &str) -> String {
    let words = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}
