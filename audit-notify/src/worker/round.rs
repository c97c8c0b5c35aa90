//! One round: what is due is claimed, sent on its way, and what came of it is written down.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use audit_schema::delivery;
use audit_schema::outbox::{self, Claim, Delivery, Failed, Failure};
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::lane::{Lanes, PATIENCE, Parcel, Sent, Times};
use super::preview::{content, kept};
use super::{Delivered, Options, RunReport, Step, Undelivered};
use crate::channel::{Channel, SendError};
use crate::clock::Clock;
use crate::error::Result;
use crate::message;

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
    let witness = options.witness.clone();
    std::thread::scope(|scope| {
        let mut lanes = Lanes::new(scope, stop, witness);
        let mut report = RunReport {
            tick: audit_schema::tick(conn, clock.now())?,
            ..RunReport::default()
        };
        deliver(conn, options, clock, &mut lanes, None, &mut report)?;
        Ok(report)
    })
}

/// Delivers what is due: all of it; or, where there is somebody to come back, until `at_most` has passed or nothing is heard
/// for a while.
pub(super) fn deliver(
    conn: &mut PgConnection,
    options: &mut Options,
    clock: &dyn Clock,
    lanes: &mut Lanes<'_, '_>,
    at_most: Option<Duration>,
    report: &mut RunReport,
) -> Result<()> {
    let end = at_most.map(|at_most| Instant::now() + at_most);
    let mut round = Round {
        dead_recipients: dead_recipients(conn)?,
        options,
        clock,
        lanes,
        channels: HashMap::new(),
        picture: None,
    };
    round.write_down(conn, report)?;
    // Whoever has nothing to do is asked again whenever a channel is through with what it had.
    let mut somebody_is_free = true;
    loop {
        let claimed = somebody_is_free && !round.lanes.stopping() && round.batch(conn, report)?;
        if round.lanes.is_idle() {
            if claimed {
                continue;
            }
            break;
        }
        let wait = match end {
            None => Duration::from_secs(1),
            Some(end) => round
                .options
                .poll
                .min(end.saturating_duration_since(Instant::now())),
        };
        let busy = round.lanes.busy().len();
        if !round.lanes.wait(wait) && end.is_some() {
            break;
        }
        round.write_down(conn, report)?;
        if end.is_some_and(|end| Instant::now() >= end) {
            break;
        }
        somebody_is_free = round.lanes.busy().len() < busy;
    }
    let paused = outbox::channels(conn)?.into_iter();
    report.paused = paused
        .filter_map(|channel| Some((channel.name, channel.paused_why?)))
        .collect();
    Ok(())
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
struct Round<'a, 'scope, 'env> {
    options: &'a mut Options,
    clock: &'a dyn Clock,
    lanes: &'a mut Lanes<'scope, 'env>,
    channels: HashMap<i32, Result<Arc<dyn Channel>, String>>,
    /// By the name of the channel.
    dead_recipients: HashMap<String, Vec<String>>,
    /// Drawn at most once, when the first message wants it.
    picture: Option<Option<Vec<u8>>>,
}

impl Round<'_, '_, '_> {
    /// Claims some deliveries of channels that are free, and sends them on their way. False when none is due.
    fn batch(&mut self, conn: &mut PgConnection, report: &mut RunReport) -> Result<bool> {
        let claimed_at = Instant::now();
        let claim = Claim {
            busy: self.lanes.busy(),
            ..self.options.claim()
        };
        let claimed = outbox::claim(conn, &claim, self.clock.wall())?;
        if claimed.is_empty() {
            return Ok(false);
        }
        self.lanes.seen(Step::Claimed);

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
        let times = Times {
            begin_before: claimed_at
                + self
                    .options
                    .lease
                    .saturating_sub(self.options.timeouts.total),
            wall: self.clock.wall(),
        };
        for (channel_id, parcels) in parcels {
            self.lanes.send(channel_id, parcels, times);
        }
        Ok(true)
    }

    /// Writes down what came of deliveries, as it comes, so that a crash forgets as little as possible. What can not be written
    /// is kept for when the database is back.
    fn write_down(&mut self, conn: &mut PgConnection, report: &mut RunReport) -> Result<()> {
        while let Some((parcel, sent)) = self.lanes.next() {
            let written = leave_out(conn, &parcel, &sent, &mut self.dead_recipients, report)
                .and_then(|()| {
                    let others = has_somebody(
                        parcel.channel.as_ref(),
                        &parcel.delivery,
                        &self.dead_recipients,
                    );
                    let last_attempt = self.options.last_attempt;
                    let wall = self.clock.wall();
                    settle(conn, &parcel, &sent, last_attempt, others, wall, report)
                });
            if let Err(error) = written {
                self.lanes.give_back(parcel, sent);
                return Err(error);
            }
            self.lanes.written(parcel.delivery.channel_id);
        }
        Ok(())
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
                channel,
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
        self.lanes.seen(Step::Kept);
        Ok(Some(Parcel {
            delivery,
            channel,
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
        report.dead.push(undelivered(delivery, "", &failure.error));
        Ok(())
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
    parcel: &Parcel,
    sent: &Sent,
    last_attempt: i32,
    others: bool,
    wall: Option<DateTime<Utc>>,
    report: &mut RunReport,
) -> Result<()> {
    let Parcel {
        delivery, message, ..
    } = parcel;
    let in_numbers = |status: &Option<u16>| status.map(i32::from);
    let subject = message.subject.as_str();
    let failure = match sent {
        Sent::Tried(Ok(receipt)) => {
            let status = in_numbers(&receipt.status);
            if outbox::complete(conn, delivery, status, receipt.message_id.as_deref(), wall)? {
                report.delivered.push(Delivered {
                    channel: delivery.channel_name.clone(),
                    subject: message.subject.clone(),
                    message_id: receipt.message_id.clone(),
                    kind: message.kind,
                });
            } else {
                report.lost += 1;
            }
            return Ok(());
        }
        Sent::NotTried(wait) => {
            outbox::release(conn, delivery, *wait, wall)?;
            return Ok(());
        }
        Sent::Tried(Err(SendError::Refused { status, error })) => {
            outbox::refuse(conn, delivery, error, in_numbers(status), wall)?;
            report.delayed.push(undelivered(delivery, subject, error));
            return Ok(());
        }
        Sent::Tried(Err(SendError::Later {
            status,
            error,
            retry_after,
        })) => Failure {
            error: error.clone(),
            status: in_numbers(status),
            retry_after: *retry_after,
            permanent: false,
        },
        Sent::Tried(Err(SendError::Never { status, error })) => Failure {
            error: error.clone(),
            status: in_numbers(status),
            retry_after: None,
            permanent: true,
        },
        // The others get it with the next attempt. Where none is named, asking again would be in vain.
        Sent::Tried(Err(SendError::DeadRecipients {
            status,
            error,
            dead,
        })) => Failure {
            error: error.clone(),
            status: in_numbers(status),
            retry_after: None,
            permanent: !others || dead.is_empty(),
        },
        Sent::Tried(Err(SendError::Unreachable { error })) => Failure {
            error: error.clone(),
            ..Failure::default()
        },
    };
    match outbox::fail(conn, delivery, &failure, last_attempt, wall)? {
        Failed::Later => report
            .delayed
            .push(undelivered(delivery, subject, &failure.error)),
        Failed::Dead => report
            .dead
            .push(undelivered(delivery, subject, &failure.error)),
        Failed::LeaseLost => report.lost += 1,
    }
    Ok(())
}

fn undelivered(delivery: &Delivery, subject: &str, error: &str) -> Undelivered {
    Undelivered {
        channel: delivery.channel_name.clone(),
        subject: subject.to_owned(),
        error: error.to_owned(),
    }
}
