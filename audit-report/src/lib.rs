#![doc = include_str!("../README.md")]

mod canvas;
mod draw;
mod drawing;
mod error;
mod font;
mod period;
mod picture;
mod selection;
mod style;
mod words;

pub mod bars;
pub mod chart;
pub mod dashboard;
pub mod docs;
pub mod format;
pub mod page;
#[cfg(feature = "serve")]
pub mod serve;

pub use drawing::Drawing;
pub use error::{Error, Result};
pub use picture::png;
pub use selection::{NoSince, Range, Selection, Since};
pub use style::Style;
