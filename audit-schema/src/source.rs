//! The text of the functions and views, as it lies below `sql/`.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// One file below `sql/`.
pub(crate) struct File {
    /// Its path below `sql/`.
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
}

/// Every file, in the order in which they are applied.
pub(crate) const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/source.rs"));

/// Changes when any file changes, appears or goes.
pub(crate) fn digest() -> String {
    let mut hash = Sha256::new();
    for file in FILES {
        // Lengths, so that text can not move from one file to the next unnoticed.
        hash.update((file.path.len() as u64).to_be_bytes());
        hash.update(file.path);
        hash.update((file.text.len() as u64).to_be_bytes());
        hash.update(file.text);
    }
    hash.finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
