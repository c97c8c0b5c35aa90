//! From an alert to its message, against a real PostgreSQL and real HTTP.

mod classes;
mod golden;
mod notice;
mod outbox;
mod plant;
mod provider;
mod rogue;
mod service;
mod sharing;
mod smtp;
mod tls;
mod wire;
mod words;
