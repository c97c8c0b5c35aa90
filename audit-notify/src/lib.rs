#![doc = include_str!("../README.md")]

pub mod channel;
pub mod clock;
pub mod error;
pub mod message;
pub mod metrics;
pub mod provider;
pub mod worker;

pub use channel::{Channel, Envelope, Receipt, SendError};
pub use clock::{Clock, SystemClock};
pub use error::{Error, Result};
pub use worker::{Options, Outcome, RunReport, follow, preview, round, run_once};
