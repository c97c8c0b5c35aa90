//! `audit demo`: the whole pipeline on real data, from an empty server to a dashboard and a proof.

pub mod clock;
pub mod data;
pub mod mail_api;
pub mod replay;
