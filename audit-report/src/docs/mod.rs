//! The documents of an installed database: the entities and their relations, the flow of the data, a technical
//! breakdown of every object, and the list of what is audited. They say what is there, not what was planned, because
//! they are read from the database.
//!
//! The same installation and policy always give the same text, so a test can check that committed documents are up to
//! date: [`check`] compares, [`write()`] writes.

mod area;
mod audited;
mod breakdown;
mod entities;
mod flow;
mod html;
mod markdown;
mod routes;

use std::path::Path;

use audit_schema::catalogue::{self, Catalogue};
use diesel::PgConnection;

use crate::error::{Error, Result};

pub use audited::audited_objects;
pub use breakdown::breakdown;
pub use entities::{erd, erd_mermaid, erd_subject_svgs, erd_svg};
pub use flow::{flow, flow_mermaid, flow_svg};
pub use html::page;

/// A document: the name of its file and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The name of the file.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// All documents, from what a database says.
///
/// # Errors
/// When the pipeline is not installed or may not be read.
pub fn all(connection: &mut PgConnection) -> Result<Vec<Document>> {
    Ok(of(&catalogue::read(connection)?))
}

/// All documents, from a catalogue that was read before.
pub fn of(catalogue: &Catalogue) -> Vec<Document> {
    let mut documents = vec![
        Document::new("README.md", contents()),
        Document::new("audited-objects.md", audited_objects(catalogue)),
        Document::new("flow.md", flow(catalogue)),
        Document::new("flow.svg", flow_svg(catalogue)),
        Document::new("erd.md", erd(catalogue)),
        Document::new("erd.svg", erd_svg(catalogue)),
        Document::new("breakdown.md", breakdown(catalogue)),
    ];
    documents.extend(
        erd_subject_svgs(catalogue)
            .into_iter()
            .map(|(name, text)| Document { name, text }),
    );
    documents
}

impl Document {
    fn new(name: &str, text: String) -> Self {
        Document {
            name: name.to_owned(),
            text,
        }
    }
}

/// Writes all documents into a directory, which is made if it is missing. Returns the names of the files.
///
/// # Errors
/// When the database can not be read or a file can not be written.
pub fn write(connection: &mut PgConnection, directory: &Path) -> Result<Vec<String>> {
    let documents = all(connection)?;
    std::fs::create_dir_all(directory).map_err(|source| Error::File {
        path: directory.to_owned(),
        source,
    })?;
    for document in &documents {
        let path = directory.join(&document.name);
        std::fs::write(&path, &document.text).map_err(|source| Error::File { path, source })?;
    }
    Ok(documents
        .into_iter()
        .map(|document| document.name)
        .collect())
}

/// Checks that the documents in a directory are what [`write()`] would write.
///
/// # Errors
/// [`Error::OutOfDate`] with the names of the files that differ or are missing; or that the database or a file can not
/// be read.
pub fn check(connection: &mut PgConnection, directory: &Path) -> Result<()> {
    let mut files = Vec::new();
    for document in all(connection)? {
        let path = directory.join(&document.name);
        match std::fs::read_to_string(&path) {
            Ok(text) if text == document.text => {}
            Ok(_) => files.push(document.name),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                files.push(document.name)
            }
            Err(source) => return Err(Error::File { path, source }),
        }
    }
    if files.is_empty() {
        Ok(())
    } else {
        Err(Error::OutOfDate { files })
    }
}

fn contents() -> String {
    "# What is installed and what is audited\n\
     \n\
     Written by `audit docs` from an installed database; a test checks that it is up to date. Do not edit.\n\
     \n\
     | document | what it answers |\n\
     |---|---|\n\
     | [Audited objects](audited-objects.md) | What is audited and why, which errors are looked for, how bad each is, when it is flagged, who has to fix it and by when |\n\
     | [Flow](flow.md) ([picture](flow.svg)) | How the data moves, from a write to a message, and what happens to it on the way |\n\
     | [Entities and relations](erd.md) ([picture](erd.svg)) | Which tables there are and how they refer to each other |\n\
     | [Technical breakdown](breakdown.md) | Every table, view, trigger and function: what it is for, its columns, who may use it |\n"
        .to_owned()
}
