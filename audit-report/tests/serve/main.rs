//! The live page as programs see it: what it answers, what it refuses, and what it lets nobody do.

#[path = "../live/mod.rs"]
mod live;

mod acting;
mod asking;
mod many;
mod rights;
