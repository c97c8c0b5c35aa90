#![doc = include_str!("../README.md")]

mod canvas;
mod error;
mod font;
mod picture;
mod style;

pub mod bars;
pub mod dashboard;
pub mod docs;
pub mod format;

pub use error::{Error, Result};
pub use picture::png;
pub use style::Style;
