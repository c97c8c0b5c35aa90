//! The model of the pipeline, and the reader of the policy file that declares it.
//! It knows no database, no network and no clock of its own: other crates do what it describes.
//!
//! | module | what is in it |
//! |---|---|
//! | [`policy`] | the policy file: reading it, and saying what is wrong with it and where |
//! | [`import`], [`export`] | rules from and to the files of other tools |
//! | [`alert`] | alerts, and the state machine that opens and resolves them |
//! | [`say`] | the sentences of alerts |
//!
//! # Examples
//!
//! ```
//! use audit_core::Policy;
//!
//! let text = "version: 1\ntables:\n  public.flights:\n    rules:\n      - not_null: tailnum\n";
//! let policy = Policy::parse(text, "audit.yml").unwrap();
//! assert_eq!(policy.tables[0].rules[0].name, "not_null_tailnum");
//! ```

pub mod alert;
pub mod export;
pub mod import;
pub mod policy;
pub mod say;

mod action;
mod alert_policy;
mod change;
mod channel;
mod digest;
mod error;
mod finding;
mod format;
mod hours;
mod period;
mod retention;
mod route;
mod rule;
mod secret;
mod severity;
mod silence_policy;
mod summary;
mod time_rule;

pub use action::{Action, QuarantineMode};
pub use alert_policy::{AlertPolicy, AlertSeverity, Escalate, Messages, Per, Subject};
pub use change::{Author, Op, RowChange};
pub use channel::{Channel, Mail, MailApi, Place, Provider, Region, Tls};
pub use digest::Digest;
pub use error::Error;
pub use finding::Finding;
pub use format::Format;
pub use hours::Hours;
pub use period::{Period, Unit};
pub use policy::{Policy, PolicyErrors, TablePolicy};
pub use retention::{Kept, Retention};
pub use route::{Otherwise, Route};
pub use rule::{Nulls, OnError, Rule, RuleKind};
pub use secret::{Secret, SecretValue, Setting};
pub use severity::{Severity, Theme};
pub use silence_policy::SilencePolicy;
pub use summary::{Bucket, Function, Group, Measure, Reference, Summary};
pub use time_rule::{
    Asked, Bounds, Direction, Fresh, Gap, Measured, OnAskError, OnNoData, Reconcile, RowCount, Sql,
    TimedRows, Until, Volume, WhichBucket,
};

/// Keeps the example of the README true.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
