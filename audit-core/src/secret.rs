//! Secrets: where they are found, and values that do not show themselves.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Where a secret is found. The policy and the database hold this, and never the secret itself.
///
/// # Examples
///
/// ```
/// use audit_core::Secret;
///
/// let secret = Secret::Env("RESEND_API_KEY".to_owned());
/// let value = secret.resolve(&|name| (name == "RESEND_API_KEY").then(|| "re_123".to_owned())).unwrap();
/// assert_eq!(value.reveal(), "re_123");
/// assert_eq!(format!("{value} {value:?}"), "(secret) (secret)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secret {
    /// In this environment variable.
    Env(String),
    /// In this file, without the white space around it.
    File(String),
}

/// The value of a secret. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

/// A text of the policy that may also be kept outside of it, such as a web address with a key in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Written in the policy.
    Literal(String),
    /// Kept where secrets are kept.
    Kept(Secret),
}

impl Secret {
    /// Reads the secret; `environment` looks up a variable.
    ///
    /// # Errors
    ///
    /// When the variable is not set, or the file cannot be read.
    pub fn resolve(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SecretValue, Error> {
        match self {
            Secret::Env(name) => environment(name).map(SecretValue::new).ok_or_else(|| {
                Error::EnvironmentVariableMissing {
                    name: name.to_owned(),
                }
            }),
            Secret::File(path) => std::fs::read_to_string(path)
                .map(|text| SecretValue::new(text.trim()))
                .map_err(|source| Error::SecretFileUnreadable {
                    path: path.to_owned(),
                    source,
                }),
        }
    }
}

impl Setting {
    /// Reads the text; `environment` looks up a variable.
    ///
    /// # Errors
    ///
    /// When it is kept outside of the policy and is not there.
    pub fn resolve(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SecretValue, Error> {
        match self {
            Setting::Literal(text) => Ok(SecretValue::new(text)),
            Setting::Kept(secret) => secret.resolve(environment),
        }
    }
}

impl SecretValue {
    /// Wraps a value, so that it can no longer be shown by accident.
    pub fn new(value: impl Into<String>) -> Self {
        SecretValue(value.into())
    }

    /// The value itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

impl fmt::Display for SecretValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = Secret::Env("RESEND_API_KEY".to_owned())
            .resolve(&|_| None)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable `RESEND_API_KEY` is not set"
        );
    }

    #[test]
    fn a_secret_is_stored_by_the_name_of_its_place() {
        let json = serde_json::to_string(&Secret::File("/run/secrets/mail".to_owned())).unwrap();
        assert_eq!(json, r#"{"file":"/run/secrets/mail"}"#);
    }
}
