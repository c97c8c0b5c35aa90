//! The loop of `audit-notify`, in a thread of its own, with the replayed time for a clock.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow};
use audit_notify::worker::Environment;
use audit_notify::{Clock, Options, follow};
use chrono::{DateTime, Utc};

use super::ZONE;
use super::clock::ReplayClock;
use crate::command::image;

/// The key that the demo's mail API asks for.
pub const API_KEY: &str = "re_demo";

/// The variables of the environment that the demo's policy names.
pub fn environment(mail_api: &str) -> Environment {
    let mail_api = mail_api.to_owned();
    Box::new(move |name| match name {
        "RESEND_API_KEY" => Some(API_KEY.to_owned()),
        "DEMO_MAIL_API" => Some(mail_api.clone()),
        _ => None,
    })
}

impl Clock for ReplayClock {
    fn now(&self) -> DateTime<Utc> {
        self.time()
    }

    fn wait(&mut self, _at_most: Duration) -> ControlFlow<()> {
        if self.next_step() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

/// A running loop.
#[derive(Debug)]
pub struct Notifier {
    thread: JoinHandle<audit_notify::Result<()>>,
}

impl Notifier {
    /// Starts the loop. It ends with its clock.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn start(url: &str, mail_api: &str, clock: ReplayClock) -> anyhow::Result<Self> {
        let url = url.to_owned();
        let options = Options {
            worker: "demo".to_owned(),
            time_zone: ZONE,
            environment: environment(mail_api),
            picture: Some(Box::new(|connection| image::for_mail(connection).ok())),
            ..Options::default()
        };
        let thread = std::thread::Builder::new()
            .name("audit-notify".to_owned())
            .spawn(move || follow(&url, options, clock, Arc::new(AtomicBool::new(false))))
            .context("could not start the notifier")?;
        Ok(Self { thread })
    }

    /// Waits until it has ended, which it does when its clock is at its end.
    ///
    /// # Errors
    /// What it ended with.
    pub fn join(self) -> anyhow::Result<()> {
        self.thread
            .join()
            .map_err(|_| anyhow!("the notifier panicked"))?
            .context("the notifier gave up")
    }
}
