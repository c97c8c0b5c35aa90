//! The worker: ticks, and delivers what is due. Once, for cron; or on and on.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use audit_schema::TickReport;
use audit_schema::outbox::{self, Claim, Delivery, Failed, Failure};
use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;

use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::clock::Clock;
use crate::error::{ChannelError, Error, Result};
use crate::message::{self, Kind, Message};
use crate::provider::{self, Timeouts};

/// How long the messages of a channel wait that can not be reached, or lacks its secret, when they were not tried.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);

/// The longest pause between two attempts to reach a database that went away.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Finds a variable of the environment.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Draws the dashboard, as PNG.
pub type Picture = Box<dyn FnMut(&mut PgConnection) -> Option<Vec<u8>> + Send>;

/// Hears what each round did.
pub type Listener = Box<dyn FnMut(&RunReport) + Send>;

/// How a worker works. The defaults suit most.
pub struct Options {
    /// The name of the worker, for whoever looks at what is being sent.
    pub worker: String,
    /// For how long a worker may be busy with what it claimed before somebody else tries: at least twice the timeout.
    pub lease: Duration,
    /// How long [`follow`] waits between two rounds.
    pub interval: Duration,
    /// How many deliveries are claimed at once.
    pub batch: i32,
    /// How often a delivery is tried before it is dead.
    pub last_attempt: i32,
    /// How patient a request is.
    pub timeouts: Timeouts,
    /// The time zone in which to tell times, for alerts that have none of their own.
    pub time_zone: Tz,
    /// Where secrets are looked up that the policy names as variables.
    pub environment: Environment,
    /// Draws the dashboard that goes inline, where the provider can.
    pub picture: Option<Picture>,
    /// Hears what each round of [`follow`] did.
    pub listener: Option<Listener>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            worker: format!("audit-notify {}", std::process::id()),
            lease: Duration::from_secs(120),
            interval: Duration::from_secs(1),
            batch: 20,
            last_attempt: 10,
            timeouts: Timeouts::default(),
            time_zone: Tz::UTC,
            environment: Box::new(|_| None),
            picture: None,
            listener: None,
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

/// What a round did.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Another short-lived notifier is at work, so nothing was done.
    pub busy: bool,
    /// What the tick found.
    pub tick: TickReport,
    /// Messages that were delivered.
    pub delivered: Vec<Delivered>,
    /// Messages that were not, and are tried again.
    pub delayed: Vec<Undelivered>,
    /// Messages that were given up.
    pub dead: Vec<Undelivered>,
    /// Channels that are paused because their credentials were refused, with what the provider answered.
    pub paused: Vec<(String, String)>,
    /// Channels that can not be used as they are declared, for example because a secret is missing.
    pub unusable: Vec<(String, String)>,
    /// Messages whose lease ran out before we were through: another worker answers for them.
    pub lost: usize,
}

/// A message that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The name of the channel.
    pub channel: String,
    /// What it was about.
    pub subject: String,
    /// What the provider calls it.
    pub message_id: Option<String>,
    /// Whether it is about a beginning or an end.
    pub kind: Kind,
}

/// A message that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The name of the channel.
    pub channel: String,
    /// What it was about.
    pub subject: String,
    /// What went wrong.
    pub error: String,
}

/// What a report comes down to, for an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All that was due is done.
    Done,
    /// Something is to be tried again by itself.
    Delayed,
    /// A person has to act: a message was given up, a channel is paused or can not be used, an alert policy is wrong.
    Trouble,
}

impl RunReport {
    /// What the report comes down to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let asks_for_a_person = !(self.dead.is_empty()
            && self.paused.is_empty()
            && self.unusable.is_empty()
            && self.tick.errors.is_empty());
        match (asks_for_a_person, self.delayed.is_empty()) {
            (true, _) => Outcome::Trouble,
            (false, false) => Outcome::Delayed,
            (false, true) => Outcome::Done,
        }
    }
}

/// Ticks, delivers all that is due, and returns: for cron. Does nothing while another run of it is at work, so that runs
/// may overlap.
///
/// # Examples
///
/// ```no_run
/// use audit_notify::{Options, Outcome, SystemClock, run_once};
///
/// let mut conn = audit_schema::connect("postgres://localhost/shop")?;
/// let mut options = Options { environment: Box::new(|name| std::env::var(name).ok()), ..Options::default() };
/// let report = run_once(&mut conn, &mut options, &SystemClock)?;
/// assert_eq!(report.outcome(), Outcome::Done);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the database can not be reached or refuses. What could not be delivered is in the report.
pub fn run_once(
    conn: &mut PgConnection,
    options: &mut Options,
    clock: &dyn Clock,
) -> Result<RunReport> {
    if !outbox::try_only_notifier(conn)? {
        return Ok(RunReport {
            busy: true,
            ..RunReport::default()
        });
    }
    let report = round(conn, options, clock, &AtomicBool::new(false));
    outbox::release_only_notifier(conn)?;
    report
}

/// Ticks and delivers, on and on, until `stop` is set or the clock ends. A database that goes away is waited for.
///
/// # Errors
/// When the database can not be reached to begin with.
pub fn follow(
    url: &str,
    mut options: Options,
    mut clock: impl Clock,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    let mut connection = Some(audit_schema::connect(url)?);
    let mut pause = options.interval;
    while !stop.load(Ordering::Relaxed) {
        let worked = match connection.as_mut() {
            Some(conn) => round(conn, &mut options, &clock, &stop),
            None => match audit_schema::connect(url) {
                Ok(conn) => {
                    tracing::info!("the database is back");
                    connection = Some(conn);
                    continue;
                }
                Err(error) => Err(Error::from(error)),
            },
        };
        let wait = match worked {
            Ok(report) => {
                pause = options.interval;
                tell(&report);
                if let Some(listener) = options.listener.as_mut() {
                    listener(&report);
                }
                pause
            }
            Err(error) => {
                connection = None;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "trying the database again"
                );
                let wait = pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
                wait
            }
        };
        // In slices, so that a long pause does not keep whoever wants to stop.
        let mut left = wait;
        while !left.is_zero() && !stop.load(Ordering::Relaxed) {
            let slice = left.min(options.interval.max(Duration::from_millis(1)));
            if clock.wait(slice).is_break() {
                return Ok(());
            }
            left -= slice;
        }
    }
    Ok(())
}

/// One round: a tick, and all deliveries that are due. Several may run at once. Before each request it looks at `stop`.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn round(
    conn: &mut PgConnection,
    options: &mut Options,
    clock: &dyn Clock,
    stop: &AtomicBool,
) -> Result<RunReport> {
    let mut report = RunReport {
        tick: audit_schema::tick(conn, clock.now())?,
        ..RunReport::default()
    };
    let mut round = Round {
        options,
        clock,
        stop,
        channels: HashMap::new(),
        picture: None,
    };
    while !stop.load(Ordering::Relaxed) && round.batch(conn, &mut report)? {}
    let paused = outbox::channels(conn)?.into_iter();
    report.paused = paused
        .filter_map(|channel| Some((channel.name, channel.paused_why?)))
        .collect();
    Ok(report)
}

fn tell(report: &RunReport) {
    for notice in &report.tick.notices {
        tracing::info!(severity = %notice.severity, "{}: {}", notice.message, notice.title);
    }
    for delivered in &report.delivered {
        tracing::info!(
            channel = delivered.channel,
            subject = delivered.subject,
            "delivered"
        );
    }
    for undelivered in report.delayed.iter().chain(&report.dead) {
        tracing::warn!(
            channel = undelivered.channel,
            subject = undelivered.subject,
            "{}",
            undelivered.error
        );
    }
    for (channel, why) in &report.unusable {
        tracing::error!(channel, "{why}");
    }
}

/// What is kept from batch to batch.
struct Round<'a> {
    options: &'a mut Options,
    clock: &'a dyn Clock,
    stop: &'a AtomicBool,
    channels: HashMap<i32, Result<Box<dyn Channel>, String>>,
    /// Drawn at most once, when the first message wants it.
    picture: Option<Option<Vec<u8>>>,
}

/// A delivery, ready to go.
struct Parcel {
    delivery: Delivery,
    message: Message,
    picture: Option<Vec<u8>>,
}

/// What came of a delivery.
enum Sent {
    Tried(Result<Receipt, SendError>),
    /// Not tried: the channel was found wanting, the lease would not have lasted, or we are to stop.
    NotTried(TimeDelta),
}

impl Round<'_> {
    /// Claims and sends some deliveries. False when none is due.
    fn batch(&mut self, conn: &mut PgConnection, report: &mut RunReport) -> Result<bool> {
        let claim = Claim {
            worker: self.options.worker.clone(),
            lease: TimeDelta::from_std(self.options.lease).unwrap_or(TimeDelta::minutes(2)),
            at_most: self.options.batch,
            last_attempt: self.options.last_attempt,
        };
        let claimed_at = Instant::now();
        let claimed = outbox::claim(conn, &claim, self.clock.wall())?;
        if claimed.is_empty() {
            return Ok(false);
        }

        let mut parcels: HashMap<i32, Vec<Parcel>> = HashMap::new();
        for delivery in claimed {
            if let Some(parcel) = self.pack(conn, delivery, report)? {
                parcels
                    .entry(parcel.delivery.channel_id)
                    .or_default()
                    .push(parcel);
            }
        }

        // No request may begin that the lease might not outlive.
        let begin_before = claimed_at
            + self
                .options
                .lease
                .saturating_sub(self.options.timeouts.total);
        let wall = self.clock.wall();
        let channels = &self.channels;
        let stop = self.stop;
        let last_attempt = self.options.last_attempt;
        // A channel is served in order, channels side by side: one that hangs does not hold up the others. Results are
        // written as they come, so that a crash forgets as little as possible.
        std::thread::scope(|scope| {
            let (results, received) = mpsc::channel();
            for (channel_id, parcels) in parcels {
                let results = results.clone();
                let Some(Ok(channel)) = channels.get(&channel_id) else {
                    continue;
                };
                scope.spawn(move || {
                    let mut wanting = None;
                    for parcel in parcels {
                        let sent = match wanting {
                            Some(wait) => Sent::NotTried(wait),
                            None if Instant::now() >= begin_before
                                || stop.load(Ordering::Relaxed) =>
                            {
                                Sent::NotTried(TimeDelta::zero())
                            }
                            None => Sent::Tried(channel.send(&Envelope {
                                delivery_id: parcel.delivery.delivery_id,
                                message: &parcel.message,
                                picture: parcel.picture.as_deref(),
                                now: wall.unwrap_or_else(Utc::now),
                            })),
                        };
                        wanting = match &sent {
                            Sent::Tried(Err(SendError::Refused { .. })) => Some(TimeDelta::zero()),
                            Sent::Tried(Err(SendError::Unreachable { .. })) => Some(PATIENCE),
                            _ => wanting,
                        };
                        // The receiver is gone only when writing results failed; leases bring the rest back.
                        if results.send((parcel, sent)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(results);
            for (parcel, sent) in received {
                settle(conn, parcel, sent, last_attempt, wall, report)?;
            }
            Ok(true)
        })
    }

    /// Finds the channel and renders the message. `None` if the delivery can not go now.
    fn pack(
        &mut self,
        conn: &mut PgConnection,
        delivery: Delivery,
        report: &mut RunReport,
    ) -> Result<Option<Parcel>> {
        let environment = &self.options.environment;
        let timeouts = self.options.timeouts;
        let channel = self.channels.entry(delivery.channel_id).or_insert_with(|| {
            provider::open(
                &delivery.provider,
                &delivery.channel_definition,
                environment,
                timeouts,
            )
            .map_err(|error| chain(&error))
            .inspect_err(|why| {
                report
                    .unusable
                    .push((delivery.channel_name.clone(), why.clone()))
            })
        });
        let channel = match channel {
            Ok(channel) => channel,
            Err(_) => {
                outbox::release(conn, &delivery, PATIENCE, self.clock.wall())?;
                return Ok(None);
            }
        };

        // An earlier attempt may have got through without our hearing of it: the same key must carry the same message.
        let kept = delivery
            .message
            .clone()
            .and_then(|message| serde_json::from_value::<Message>(message).ok());
        if let Some(message) = kept {
            let picture = delivery.picture.clone();
            return Ok(Some(Parcel {
                delivery,
                message,
                picture,
            }));
        }

        let content = Kind::from_name(&delivery.kind).and_then(|kind| {
            let told = delivery.told().ok()?;
            message::decide(
                kind,
                &told,
                &delivery.channel_name,
                channel.recipients(),
                self.options.time_zone,
            )
        });
        let Some(content) = content else {
            let failure = Failure {
                error: "the notice could not be read from the outbox".to_owned(),
                permanent: true,
                ..Failure::default()
            };
            outbox::fail(
                conn,
                &delivery,
                &failure,
                self.options.last_attempt,
                self.clock.wall(),
            )?;
            report.dead.push(undelivered(&delivery, "", failure.error));
            return Ok(None);
        };
        let message = message::render(&content);
        let picture = if channel.takes_picture() {
            if self.picture.is_none() {
                self.picture = Some(self.options.picture.as_mut().and_then(|draw| draw(conn)));
            }
            self.picture.clone().flatten()
        } else {
            None
        };
        let kept = serde_json::to_value(&message).unwrap_or_default();
        if !outbox::keep_message(conn, &delivery, &kept, picture.as_deref())? {
            report.lost += 1;
            return Ok(None);
        }
        Ok(Some(Parcel {
            delivery,
            message,
            picture,
        }))
    }
}

/// Writes down what came of a delivery.
fn settle(
    conn: &mut PgConnection,
    parcel: Parcel,
    sent: Sent,
    last_attempt: i32,
    wall: Option<chrono::DateTime<Utc>>,
    report: &mut RunReport,
) -> Result<()> {
    let Parcel {
        delivery, message, ..
    } = parcel;
    let subject = message.subject.as_str();
    let failure = match sent {
        Sent::Tried(Ok(receipt)) => {
            let status = receipt.status.map(i32::from);
            if outbox::complete(conn, &delivery, status, receipt.message_id.as_deref(), wall)? {
                report.delivered.push(Delivered {
                    channel: delivery.channel_name,
                    subject: message.subject,
                    message_id: receipt.message_id,
                    kind: message.kind,
                });
            } else {
                report.lost += 1;
            }
            return Ok(());
        }
        Sent::NotTried(wait) => {
            outbox::release(conn, &delivery, wait, wall)?;
            return Ok(());
        }
        Sent::Tried(Err(SendError::Refused { status, error })) => {
            outbox::refuse(conn, &delivery, &error, status.map(i32::from), wall)?;
            report.delayed.push(undelivered(&delivery, subject, error));
            return Ok(());
        }
        Sent::Tried(Err(SendError::Later {
            status,
            error,
            retry_after,
        })) => Failure {
            error,
            status: status.map(i32::from),
            retry_after,
            permanent: false,
        },
        Sent::Tried(Err(SendError::Never { status, error })) => Failure {
            error,
            status: status.map(i32::from),
            retry_after: None,
            permanent: true,
        },
        Sent::Tried(Err(SendError::Unreachable { error })) => Failure {
            error,
            ..Failure::default()
        },
    };
    match outbox::fail(conn, &delivery, &failure, last_attempt, wall)? {
        Failed::Later => report
            .delayed
            .push(undelivered(&delivery, subject, failure.error)),
        Failed::Dead => report
            .dead
            .push(undelivered(&delivery, subject, failure.error)),
        Failed::LeaseLost => report.lost += 1,
    }
    Ok(())
}

fn undelivered(delivery: &Delivery, subject: &str, error: String) -> Undelivered {
    Undelivered {
        channel: delivery.channel_name.clone(),
        subject: subject.to_owned(),
        error,
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
