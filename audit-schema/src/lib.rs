//! PostgreSQL: migrations, triggers and functions, and typed access to them.

pub mod alert;
pub mod applied;
pub mod apply;
pub mod as_of;
mod author;
pub mod browse;
pub mod catalogue;
pub mod check;
pub mod context;
mod declared;
pub mod delivery;
pub mod doctor;
pub mod drift;
pub mod error;
mod export;
pub mod finding;
pub mod history;
mod identity;
pub mod inspect;
pub mod metrics;
pub mod migrate;
pub mod outbox;
pub mod plan;
pub mod pool;
pub mod quarantine;
pub mod rejection;
pub mod silence;
mod source;
pub mod suggest;
pub mod tick;
pub mod time_rule;
pub mod undo;
pub mod verify;
mod words;

#[cfg(feature = "embedded")]
pub mod embedded;
#[cfg(feature = "embedded")]
pub mod testing;

pub use applied::{Applied, Provenance, applied};
pub use apply::{apply, apply_with};
pub use as_of::{AsOf, AsOfRow, as_of};
pub use check::{check, check_policy};
pub use doctor::doctor;
pub use drift::{Drift, drift};
pub use error::{Error, Result};
pub use export::export;
pub use history::history;
pub use migrate::{MigrationReport, migrate, uninstall};
pub use plan::{Plan, plan, plan_with};
pub use pool::{Pool, connect, pool};
pub use rejection::{Rejection, record_rejection};
pub use tick::{Notice, PolicyError, TickReport, tick};
pub use verify::{Verified, replay_differences, verify};
