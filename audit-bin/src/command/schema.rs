//! `audit schema`: the language of the policy, for editors.

use std::fs;
use std::path::Path;

use anyhow::Context;
use audit_core::policy;

use crate::command::json;

/// Writes the JSON Schema of the policy to a file, or gives it as text.
///
/// # Errors
/// If the file can't be written.
pub fn run(out: Option<&Path>) -> anyhow::Result<String> {
    let schema = json(&policy::schema())?;
    let Some(path) = out else {
        return Ok(schema);
    };
    fs::write(path, schema).with_context(|| format!("cannot write `{}`", path.display()))?;
    let path = path.display();
    Ok(format!(
        "{path} is written; a policy names it in its first line:\n# yaml-language-server: $schema={path}\n"
    ))
}
