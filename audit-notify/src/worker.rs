//! The worker: ticks, and delivers what is due. Once, for cron; or on and on.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use audit_schema::outbox::{self, Claim, Delivery, Failed, Failure};
use audit_schema::{TickReport, delivery};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::{Connection, PgConnection};

use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::clock::Clock;
use crate::error::{ChannelError, Error, Result};
use crate::message::{self, Kind, Message, Templates};
use crate::metrics::prometheus;
use crate::provider::{self, Http, Timeouts};

/// How long the messages of a channel wait that can not be reached, or lacks its secret, when they were not tried.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);

/// The longest pause between two attempts to reach a database that went away.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A round that took longer than this may have been overtaken by writers.
const SHORT: Duration = Duration::from_millis(50);

/// How often whoever waits for a sign of life gets one.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// How often figures are made: they read all deliveries.
const FIGURES: Duration = Duration::from_secs(15);

/// Finds a variable of the environment.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Draws the dashboard, as PNG.
pub type Picture = Box<dyn FnMut(&mut PgConnection) -> Option<Vec<u8>> + Send>;

/// Hears what each round did.
pub type Listener = Box<dyn FnMut(&RunReport) + Send>;

/// Takes the figures about all channels, in Prometheus's text format.
pub type Metrics = Box<dyn FnMut(&str) + Send>;

/// Hears how far a delivery has come, wherever it may be cut off. For tests.
pub type Witness = Box<dyn Fn(Step) + Send + Sync>;

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
    /// How long [`follow`] waits at most between two rounds.
    pub interval: Duration,
    /// How often [`follow`] looks whether anybody wrote something, which makes it go round at once.
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
    pub heartbeat: Option<Http>,
    /// Gets figures about all channels now and then.
    pub metrics: Option<Metrics>,
    /// Draws the dashboard that goes inline, where the provider can.
    pub picture: Option<Picture>,
    /// Hears what each round of [`follow`] did.
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
    /// Recipients that a provider called dead, with the channel: further messages leave them out.
    pub left_out: Vec<(String, String)>,
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
    let report = report?;
    publish(conn, options, clock)?;
    if let Some(heartbeat) = &options.heartbeat {
        sign_of_life(heartbeat);
    }
    Ok(report)
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
    let mut seen = None;
    let mut signed: Option<Instant> = None;
    let mut published: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        let worked = match connection.as_mut() {
            Some(conn) => {
                round_if_due(conn, &mut options, &clock, &stop, &mut seen).and_then(|report| {
                    if report.is_some() && published.is_none_or(|at| at.elapsed() >= FIGURES) {
                        published = Some(Instant::now());
                        publish(conn, &mut options, &clock)?;
                    }
                    Ok(report)
                })
            }
            None => match audit_schema::connect(url) {
                Ok(conn) => {
                    tracing::info!("the database is back");
                    connection = Some(conn);
                    seen = None;
                    continue;
                }
                Err(error) => Err(Error::from(error)),
            },
        };
        let wait = match worked {
            Ok(report) => {
                pause = options.interval;
                if let Some(report) = report {
                    tell(&report);
                    if let Some(listener) = options.listener.as_mut() {
                        listener(&report);
                    }
                    if let Some(heartbeat) = &options.heartbeat
                        && signed.is_none_or(|at| at.elapsed() >= SIGN_OF_LIFE)
                    {
                        signed = Some(Instant::now());
                        sign_of_life(heartbeat);
                    }
                }
                options.poll.min(options.interval)
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

/// A round, if the last one is long enough ago or somebody wrote something since.
fn round_if_due(
    conn: &mut PgConnection,
    options: &mut Options,
    clock: &dyn Clock,
    stop: &AtomicBool,
    seen: &mut Option<(String, DateTime<Utc>)>,
) -> Result<Option<RunReport>> {
    let interval = TimeDelta::from_std(options.interval).unwrap_or(TimeDelta::seconds(1));
    if let Some((position, at)) = seen
        && clock.now() - *at < interval
        && outbox::position(conn)? == *position
    {
        return Ok(None);
    }
    let (began, now) = (Instant::now(), clock.now());
    *seen = None;
    let report = round(conn, options, clock, stop)?;
    // The round itself moved the position, and so did whoever wrote meanwhile.
    if began.elapsed() < SHORT {
        *seen = Some((outbox::position(conn)?, now));
    }
    Ok(Some(report))
}

fn publish(conn: &mut PgConnection, options: &mut Options, clock: &dyn Clock) -> Result<()> {
    if let Some(metrics) = options.metrics.as_mut() {
        let now = clock.wall().unwrap_or_else(Utc::now);
        metrics(&prometheus(&delivery::figures(conn)?, now));
    }
    Ok(())
}

/// That it does not get through is not our trouble: whoever waits for it will say so.
fn sign_of_life(heartbeat: &Http) {
    if let Err(error) = heartbeat.post("", &[], b"{}") {
        tracing::warn!("no sign of life could be given: {error}");
    }
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
        dead_recipients: dead_recipients(conn)?,
        picture: None,
    };
    while !stop.load(Ordering::Relaxed) && round.batch(conn, &mut report)? {}
    let paused = outbox::channels(conn)?.into_iter();
    report.paused = paused
        .filter_map(|channel| Some((channel.name, channel.paused_why?)))
        .collect();
    Ok(report)
}

/// A message that would go out now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The name of the channel.
    pub channel: String,
    /// Who would get it.
    pub recipients: Vec<String>,
    /// Which attempt it would be.
    pub attempt: i32,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// The messages that are due, as they would go out, without sending or changing anything. Nothing is ticked either, so what
/// the next tick would find is not among them.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn preview(conn: &mut PgConnection, options: &Options, clock: &dyn Clock) -> Result<Vec<Due>> {
    let mut due = Vec::new();
    let done = conn.transaction::<(), Undone, _>(|conn| {
        let claim = options.claim();
        for delivery in outbox::claim(conn, &claim, clock.wall()).map_err(Undone::Failed)? {
            let opened = options.open(&delivery);
            let recipients = opened.map_or_else(|_| Vec::new(), |channel| channel.recipients());
            let kept = kept(&delivery).or_else(|| {
                let content = content(&delivery, recipients.clone(), options.time_zone)?;
                Some(message::render(&content, &options.templates))
            });
            due.extend(kept.map(|message| Due {
                channel: delivery.channel_name,
                recipients,
                attempt: delivery.attempt,
                subject: message.subject,
                text: message.text,
            }));
        }
        Err(Undone::Seen)
    });
    match done {
        Ok(()) | Err(Undone::Seen) => Ok(due),
        Err(Undone::Failed(error)) => Err(error.into()),
    }
}

/// Why a transaction is rolled back.
enum Undone {
    Seen,
    Failed(audit_schema::Error),
}

impl From<diesel::result::Error> for Undone {
    fn from(error: diesel::result::Error) -> Self {
        Undone::Failed(error.into())
    }
}

impl Options {
    fn claim(&self) -> Claim {
        Claim {
            worker: self.worker.clone(),
            lease: TimeDelta::from_std(self.lease).unwrap_or(TimeDelta::minutes(2)),
            at_most: self.batch,
            last_attempt: self.last_attempt,
        }
    }

    /// The channel of a delivery, or why there is none.
    fn open(&self, delivery: &Delivery) -> Result<Arc<dyn Channel>, String> {
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

/// The message as an earlier attempt rendered it.
fn kept(delivery: &Delivery) -> Option<Message> {
    serde_json::from_value(delivery.message.clone()?).ok()
}

/// What a delivery has to say.
fn content(delivery: &Delivery, recipients: Vec<String>, zone: Tz) -> Option<message::Content> {
    let kind = Kind::from_name(&delivery.kind)?;
    let told = delivery.told().ok()?;
    message::decide(kind, &told, &delivery.channel_name, recipients, zone)
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
    for (channel, address) in &report.left_out {
        tracing::warn!(channel, address, "a dead recipient is left out from now on");
    }
    for (channel, why) in &report.unusable {
        tracing::error!(channel, "{why}");
    }
}

/// The recipients to leave out, by the name of the channel.
fn dead_recipients(conn: &mut PgConnection) -> Result<HashMap<String, Vec<String>>> {
    let mut by_channel: HashMap<String, Vec<String>> = HashMap::new();
    for recipient in delivery::dead_recipients(conn)? {
        by_channel
            .entry(recipient.channel)
            .or_default()
            .push(recipient.address);
    }
    Ok(by_channel)
}

/// What is kept from batch to batch.
struct Round<'a> {
    options: &'a mut Options,
    clock: &'a dyn Clock,
    stop: &'a AtomicBool,
    channels: HashMap<i32, Result<Arc<dyn Channel>, String>>,
    /// By the name of the channel.
    dead_recipients: HashMap<String, Vec<String>>,
    /// Drawn at most once, when the first message wants it.
    picture: Option<Option<Vec<u8>>>,
}

/// A delivery, ready to go.
struct Parcel {
    delivery: Delivery,
    message: Message,
    picture: Option<Vec<u8>>,
    /// The recipients that are left out.
    dead: Vec<String>,
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
        let claimed_at = Instant::now();
        let claimed = outbox::claim(conn, &self.options.claim(), self.clock.wall())?;
        if claimed.is_empty() {
            return Ok(false);
        }
        self.seen(Step::Claimed);

        let mut parcels: HashMap<i32, Vec<Parcel>> = HashMap::new();
        for delivery in claimed {
            if let Some(parcel) = self.pack(conn, delivery, report)? {
                parcels
                    .entry(parcel.delivery.channel_id)
                    .or_default()
                    .push(parcel);
            }
        }

        // No request may begin that the lease might not outlive; and a slow channel gives way now and then, so that what
        // came in for the others meanwhile does not wait for all of it.
        let lease = self
            .options
            .lease
            .saturating_sub(self.options.timeouts.total);
        let begin_before = claimed_at + lease.min(self.options.interval.max(SHORT));
        let wall = self.clock.wall();
        let Round {
            options,
            channels,
            stop,
            dead_recipients,
            ..
        } = self;
        let (stop, witness) = (*stop, &options.witness);
        let seen = |step| {
            if let Some(witness) = witness {
                witness(step);
            }
        };
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
                    for (place, parcel) in parcels.into_iter().enumerate() {
                        let late = Instant::now() >= begin_before && place > 0;
                        let sent = match wanting {
                            Some(wait) => Sent::NotTried(wait),
                            None if late || stop.load(Ordering::Relaxed) => {
                                Sent::NotTried(TimeDelta::zero())
                            }
                            None => {
                                seen(Step::Sending);
                                let sent = channel.send(&Envelope {
                                    delivery_id: parcel.delivery.delivery_id,
                                    message: &parcel.message,
                                    picture: parcel.picture.as_deref(),
                                    dead: &parcel.dead,
                                    now: wall.unwrap_or_else(Utc::now),
                                });
                                seen(Step::Answered);
                                Sent::Tried(sent)
                            }
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
                leave_out(conn, &parcel, &sent, dead_recipients, report)?;
                let others = channels
                    .get(&parcel.delivery.channel_id)
                    .and_then(|channel| channel.as_ref().ok())
                    .is_some_and(|channel| {
                        has_somebody(channel.as_ref(), &parcel.delivery, dead_recipients)
                    });
                settle(
                    conn,
                    parcel,
                    sent,
                    options.last_attempt,
                    others,
                    wall,
                    report,
                )?;
                seen(Step::Written);
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
        let options = &*self.options;
        let channel = self.channels.entry(delivery.channel_id).or_insert_with(|| {
            options.open(&delivery).inspect_err(|why| {
                let channel = delivery.channel_name.clone();
                report.unusable.push((channel, why.clone()));
            })
        });
        let channel = match channel {
            Ok(channel) => Arc::clone(channel),
            Err(_) => {
                outbox::release(conn, &delivery, PATIENCE, self.clock.wall())?;
                return Ok(None);
            }
        };

        let dead = self
            .dead_recipients
            .get(&delivery.channel_name)
            .cloned()
            .unwrap_or_default();
        if !dead.is_empty() && !has_somebody(channel.as_ref(), &delivery, &self.dead_recipients) {
            let why = "every recipient of the channel is dead";
            self.give_up(conn, &delivery, why, report)?;
            return Ok(None);
        }

        // An earlier attempt may have got through without our hearing of it: the same key must carry the same message.
        if let Some(message) = kept(&delivery) {
            let picture = delivery.picture.clone();
            return Ok(Some(Parcel {
                delivery,
                message,
                picture,
                dead,
            }));
        }

        let content = content(&delivery, channel.recipients(), self.options.time_zone);
        let Some(content) = content else {
            let why = "the notice could not be read from the outbox";
            self.give_up(conn, &delivery, why, report)?;
            return Ok(None);
        };
        let message = message::render(&content, &self.options.templates);
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
        self.seen(Step::Kept);
        Ok(Some(Parcel {
            delivery,
            message,
            picture,
            dead,
        }))
    }

    /// Gives up a delivery that no attempt could bring through.
    fn give_up(
        &self,
        conn: &mut PgConnection,
        delivery: &Delivery,
        why: &str,
        report: &mut RunReport,
    ) -> Result<()> {
        let failure = Failure {
            error: why.to_owned(),
            permanent: true,
            ..Failure::default()
        };
        let last_attempt = self.options.last_attempt;
        outbox::fail(conn, delivery, &failure, last_attempt, self.clock.wall())?;
        report.dead.push(undelivered(delivery, "", failure.error));
        Ok(())
    }

    fn seen(&self, step: Step) {
        if let Some(witness) = &self.options.witness {
            witness(step);
        }
    }
}

/// Whether anybody is left to whom a channel can deliver. One without addresses delivers to whom it may concern.
fn has_somebody(
    channel: &dyn Channel,
    delivery: &Delivery,
    dead: &HashMap<String, Vec<String>>,
) -> bool {
    let recipients = channel.recipients();
    let dead = dead
        .get(&delivery.channel_name)
        .map_or(&[][..], Vec::as_slice);
    recipients.is_empty() || recipients.iter().any(|recipient| !dead.contains(recipient))
}

/// Writes down which recipients the provider called dead.
fn leave_out(
    conn: &mut PgConnection,
    parcel: &Parcel,
    sent: &Sent,
    dead: &mut HashMap<String, Vec<String>>,
    report: &mut RunReport,
) -> Result<()> {
    let (named, why) = match sent {
        Sent::Tried(Ok(receipt)) => (&receipt.dead, "the provider called it dead".to_owned()),
        Sent::Tried(Err(SendError::DeadRecipients { dead, error, .. })) => (dead, error.clone()),
        _ => return Ok(()),
    };
    let channel = &parcel.delivery.channel_name;
    for address in named {
        delivery::leave_out(conn, channel, address, &why)?;
        report.left_out.push((channel.clone(), address.clone()));
        dead.entry(channel.clone())
            .or_default()
            .push(address.clone());
    }
    Ok(())
}

/// Writes down what came of a delivery. `others` says whether anybody is left whom the provider did not call dead.
fn settle(
    conn: &mut PgConnection,
    parcel: Parcel,
    sent: Sent,
    last_attempt: i32,
    others: bool,
    wall: Option<DateTime<Utc>>,
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
        // The others get it with the next attempt. Where none is named, asking again would be in vain.
        Sent::Tried(Err(SendError::DeadRecipients {
            status,
            error,
            dead,
        })) => Failure {
            error,
            status: status.map(i32::from),
            retry_after: None,
            permanent: !others || dead.is_empty(),
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
