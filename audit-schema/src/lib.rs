//! PostgreSQL: migrations, triggers and functions, and typed access to them.

pub mod error;
pub mod inspect;
pub mod pool;

#[cfg(feature = "embedded")]
pub mod embedded;

pub use error::{Error, Result};
pub use pool::{Pool, connect, pool};
