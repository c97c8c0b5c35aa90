//! PostgreSQL: migrations, triggers and functions, and typed access to them.

pub mod alert;
pub mod error;
pub mod inspect;
pub mod outbox;
pub mod pool;
pub mod tick;

#[cfg(feature = "embedded")]
pub mod embedded;

pub use error::{Error, Result};
pub use pool::{Pool, connect, pool};
pub use tick::{Notice, PolicyError, TickReport, tick};
