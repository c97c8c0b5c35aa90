//! What can go wrong in this crate.

use crate::policy::{PolicyErrors, Problem};

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A policy file is wrong, in one place or in many.
    #[error(transparent)]
    Policy(#[from] PolicyErrors),
    /// A file of another tool that is not what it should be, with the place.
    #[error("{0}")]
    NotImported(Box<Problem>),
    /// A length of time that does not read as one.
    #[error("`{text}` is not a length of time such as `10m`, `4h`, `7d` or `1 day`")]
    NotAPeriod {
        /// What was written.
        text: String,
    },
    /// Hours of work that do not read as such.
    #[error("`{text}` are not hours such as `Mon-Fri 08:00-18:00 Europe/London`")]
    NotHours {
        /// What was written.
        text: String,
    },
    /// A time for digests that does not read as one.
    #[error(
        "`{text}` is no time for a digest such as `daily`, `hourly`, `weekly` or `Mon-Fri 08:00 Europe/London`"
    )]
    NotADigest {
        /// What was written.
        text: String,
    },
    /// A word from a closed list was expected.
    #[error("`{text}` is not a known {what}: expected {expected}")]
    UnknownWord {
        /// What kind of word was expected.
        what: &'static str,
        /// What was written.
        text: String,
        /// The words that are known.
        expected: &'static str,
    },
    /// A stored rule whose definition does not fit its kind.
    #[error("the definition of a rule of kind `{kind}` could not be read")]
    RuleDefinition {
        /// The kind of the rule.
        kind: String,
        /// What did not fit.
        #[source]
        source: serde_json::Error,
    },
    /// A secret that is named in the policy, but is not in the environment.
    #[error("the environment variable `{name}` is not set")]
    EnvironmentVariableMissing {
        /// The name of the variable.
        name: String,
    },
    /// A secret that is named in the policy, but cannot be read from its file.
    #[error("the secret file `{path}` could not be read")]
    SecretFileUnreadable {
        /// Where the file should be.
        path: String,
        /// Why it could not be read.
        #[source]
        source: std::io::Error,
    },
    /// A person acted on an alert that has ended already.
    #[error("the alert is {state} and can no longer be {verb}")]
    AlertHasEnded {
        /// The state it is in.
        state: crate::alert::State,
        /// What was tried.
        verb: &'static str,
    },
}
