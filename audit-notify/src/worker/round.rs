//! One round: what is due is claimed, sent side by side, and written down.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use audit_schema::delivery;
use audit_schema::outbox::{self, Delivery, Failed, Failure};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::preview::{content, kept};
use super::{Delivered, Options, RunReport, Step, Undelivered};
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::clock::Clock;
use crate::error::Result;
use crate::message::{self, Message};

/// How long the messages of a channel wait that can not be reached, or lacks its secret, when they were not tried.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);

/// A round that took longer than this may have been overtaken by writers.
pub(super) const SHORT: Duration = Duration::from_millis(50);

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
