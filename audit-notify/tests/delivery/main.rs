//! From an alert to its message, against a real PostgreSQL and real HTTP.

mod notice;
mod outbox;
mod provider;
mod wire;
mod words;
