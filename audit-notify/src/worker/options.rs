//! How a worker works.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use audit_schema::outbox::{Claim, Delivery};
use chrono::TimeDelta;
use chrono_tz::Tz;
use diesel::PgConnection;

use super::RunReport;
use crate::channel::Channel;
use crate::error::ChannelError;
use crate::message::Templates;
use crate::provider::{self, Http, Timeouts};

/// Finds a variable of the environment.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Draws the dashboard, as PNG.
pub type Picture = Box<dyn FnMut(&mut PgConnection) -> Option<Vec<u8>> + Send>;

/// Hears what each round did.
pub type Listener = Box<dyn FnMut(&RunReport) + Send>;

/// Takes the figures about all channels, in Prometheus's text format.
pub type Metrics = Box<dyn FnMut(&str) + Send>;

/// Hears how far a delivery has come, wherever it may be cut off. For tests.
pub type Witness = Arc<dyn Fn(Step) + Send + Sync>;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is leased to us.
    Claimed,
    /// Its message is rendered and kept.
    Kept,
    /// The request begins now.
    Sending,
    /// The provider answered, and nobody else knows.
    Answered,
    /// What it answered is written down.
    Written,
}

/// How a worker works. The defaults suit most.
pub struct Options {
    /// The name of the worker, for whoever looks at what is being sent.
    pub worker: String,
    /// For how long a worker may be busy with what it claimed before somebody else tries: at least twice the timeout.
    pub lease: Duration,
    /// How long [`follow`](crate::follow) waits at most between two rounds.
    pub interval: Duration,
    /// How often [`follow`](crate::follow) looks whether anybody wrote something, which makes it go round at once.
    pub poll: Duration,
    /// How many deliveries are claimed at once for each channel.
    pub batch: i32,
    /// How often a delivery is tried before it is dead.
    pub last_attempt: i32,
    /// How patient a request is.
    pub timeouts: Timeouts,
    /// The time zone in which to tell times, for alerts that have none of their own.
    pub time_zone: Tz,
    /// Where secrets are looked up that the policy names as variables.
    pub environment: Environment,
    /// How messages look.
    pub templates: Templates,
    /// Ways out that the program brings along, by the names of the channels that the policy declares as custom.
    pub channels: HashMap<String, Arc<dyn Channel>>,
    /// Gets a sign of life after rounds that went well, so that somebody notices when they end.
    pub heartbeat: Option<Arc<Http>>,
    /// Gets figures about all channels now and then.
    pub metrics: Option<Metrics>,
    /// Draws the dashboard that goes inline, where the provider can.
    pub picture: Option<Picture>,
    /// Hears what each round of [`follow`](crate::follow) did.
    pub listener: Option<Listener>,
    /// Hears how far deliveries have come.
    pub witness: Option<Witness>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            worker: format!("audit-notify {}", std::process::id()),
            lease: Duration::from_secs(120),
            interval: Duration::from_secs(1),
            poll: Duration::from_millis(100),
            batch: 20,
            last_attempt: 10,
            timeouts: Timeouts::default(),
            time_zone: Tz::UTC,
            environment: Box::new(|_| None),
            templates: Templates::default(),
            channels: HashMap::new(),
            heartbeat: None,
            metrics: None,
            picture: None,
            listener: None,
            witness: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

impl Options {
    pub(super) fn claim(&self) -> Claim {
        Claim {
            worker: self.worker.clone(),
            lease: TimeDelta::from_std(self.lease).unwrap_or(TimeDelta::minutes(2)),
            at_most: self.batch,
            last_attempt: self.last_attempt,
            busy: Vec::new(),
        }
    }

    /// The channel of a delivery, or why there is none.
    pub(super) fn open(&self, delivery: &Delivery) -> Result<Arc<dyn Channel>, String> {
        if delivery.provider == "custom"
            && let Some(channel) = self.channels.get(&delivery.channel_name)
        {
            return Ok(Arc::clone(channel));
        }
        let definition = &delivery.channel_definition;
        provider::open(
            &delivery.provider,
            definition,
            &self.environment,
            self.timeouts,
        )
        .map(Arc::from)
        .map_err(|error| chain(&error))
    }
}

/// An error with its causes, in one line.
fn chain(error: &ChannelError) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
