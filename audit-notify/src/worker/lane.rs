//! Lanes: each channel is served on a thread of its own, in order, so that one that hangs does not hold up the others.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use audit_schema::outbox::Delivery;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Step, Witness};
use crate::channel::{Channel, Envelope, Receipt, SendError};
use crate::message::Message;

/// How long the messages of a channel wait that can not be reached, or lacks its secret, when they were not tried.
pub(super) const PATIENCE: TimeDelta = TimeDelta::seconds(30);

/// A delivery, ready to go.
pub(super) struct Parcel {
    pub(super) delivery: Delivery,
    pub(super) channel: Arc<dyn Channel>,
    pub(super) message: Message,
    pub(super) picture: Option<Vec<u8>>,
    /// The recipients that are left out.
    pub(super) dead: Vec<String>,
}

/// What came of a delivery.
pub(super) enum Sent {
    Tried(Result<Receipt, SendError>),
    /// Not tried: the channel was found wanting, the lease would not have lasted, or we are to stop.
    NotTried(TimeDelta),
}

/// Until when parcels may be begun.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) begin_before: Instant,
    /// The clock of a test.
    pub(super) wall: Option<DateTime<Utc>>,
}

/// The threads that send, and what they have to say. It outlives rounds: a request may take longer than one.
pub(super) struct Lanes<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    stop: &'env AtomicBool,
    witness: Option<Witness>,
    speak: Sender<(Parcel, Sent)>,
    listen: Receiver<(Parcel, Sent)>,
    /// By the number of the channel.
    lanes: HashMap<i32, Lane>,
    /// What came of parcels and is not written down yet.
    heard: VecDeque<(Parcel, Sent)>,
}

struct Lane {
    /// How many parcels are on their way.
    left: usize,
    /// The next one may begin: what came of the one before is written down.
    go_on: Sender<()>,
}

impl<'scope, 'env> Lanes<'scope, 'env> {
    pub(super) fn new(
        scope: &'scope Scope<'scope, 'env>,
        stop: &'env AtomicBool,
        witness: Option<Witness>,
    ) -> Self {
        let (speak, listen) = channel();
        Lanes {
            scope,
            stop,
            witness,
            speak,
            listen,
            lanes: HashMap::new(),
            heard: VecDeque::new(),
        }
    }

    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn seen(&self, step: Step) {
        if let Some(witness) = &self.witness {
            witness(step);
        }
    }

    /// Nothing is on its way, and all that came of it is written down.
    pub(super) fn is_idle(&self) -> bool {
        self.lanes.is_empty() && self.heard.is_empty()
    }

    /// The channels that are being served.
    pub(super) fn busy(&self) -> Vec<i32> {
        self.lanes.keys().copied().collect()
    }

    /// Sends parcels of one channel that is not being served yet, one after the other: each when it is written down what came of
    /// the one before, so that whoever is killed leaves one at most of which nobody knows.
    pub(super) fn send(&mut self, channel_id: i32, parcels: Vec<Parcel>, times: Times) {
        let (go_on, may_go_on) = channel();
        let left = parcels.len();
        self.lanes.insert(channel_id, Lane { left, go_on });
        let (stop, witness, speak) = (self.stop, self.witness.clone(), self.speak.clone());
        self.scope.spawn(move || {
            let mut wanting = None;
            let began = Instant::now();
            for (place, parcel) in parcels.into_iter().enumerate() {
                // Nobody listens any more only when writing results failed; leases bring the rest back.
                if place > 0 && may_go_on.recv().is_err() {
                    break;
                }
                let turn = began + parcel.delivery.wait.to_std().unwrap_or_default();
                let late = turn.max(Instant::now()) >= times.begin_before && place > 0;
                let sent = match wanting {
                    Some(wait) => Sent::NotTried(wait),
                    None if late => Sent::NotTried(TimeDelta::zero()),
                    None => {
                        // No more than a second: a claim reserves no further.
                        std::thread::sleep(turn.saturating_duration_since(Instant::now()));
                        if stop.load(Ordering::Relaxed) {
                            Sent::NotTried(TimeDelta::zero())
                        } else {
                            Sent::Tried(attempt(&parcel, times.wall, witness.as_ref()))
                        }
                    }
                };
                wanting = match &sent {
                    Sent::Tried(Err(SendError::Refused { .. })) => Some(TimeDelta::zero()),
                    Sent::Tried(Err(SendError::Unreachable { .. })) => Some(PATIENCE),
                    _ => wanting,
                };
                if speak.send((parcel, sent)).is_err() {
                    break;
                }
            }
        });
    }

    /// Waits until something came of a parcel, at most so long. False if nothing did.
    pub(super) fn wait(&mut self, at_most: Duration) -> bool {
        if !self.heard.is_empty() {
            return true;
        }
        match self.listen.recv_timeout(at_most) {
            Ok(heard) => {
                self.hear(heard);
                true
            }
            Err(_) => false,
        }
    }

    /// The next of what came of parcels. Whoever can not write it down gives it back.
    pub(super) fn next(&mut self) -> Option<(Parcel, Sent)> {
        while let Ok(heard) = self.listen.try_recv() {
            self.hear(heard);
        }
        self.heard.pop_front()
    }

    /// What came of a parcel of a channel is written down.
    pub(super) fn written(&self, channel_id: i32) {
        self.seen(Step::Written);
        if let Some(lane) = self.lanes.get(&channel_id) {
            // A lane that has ended needs no word.
            let _ = lane.go_on.send(());
        }
    }

    pub(super) fn give_back(&mut self, parcel: Parcel, sent: Sent) {
        self.heard.push_front((parcel, sent));
    }

    fn hear(&mut self, heard: (Parcel, Sent)) {
        let channel_id = heard.0.delivery.channel_id;
        if let Some(lane) = self.lanes.get_mut(&channel_id) {
            lane.left -= 1;
            if lane.left == 0 {
                self.lanes.remove(&channel_id);
            }
        }
        self.heard.push_back(heard);
    }
}

/// One request. A channel that a program brought along may panic: that is its own failure, and nobody else's.
fn attempt(
    parcel: &Parcel,
    wall: Option<DateTime<Utc>>,
    witness: Option<&Witness>,
) -> Result<Receipt, SendError> {
    let seen = |step| {
        if let Some(witness) = witness {
            witness(step);
        }
    };
    seen(Step::Sending);
    let sent = catch_unwind(AssertUnwindSafe(|| {
        parcel.channel.send(&Envelope {
            delivery_id: parcel.delivery.delivery_id,
            message: &parcel.message,
            picture: parcel.picture.as_deref(),
            dead: &parcel.dead,
            now: wall.unwrap_or_else(Utc::now),
        })
    }));
    seen(Step::Answered);
    sent.unwrap_or_else(|_| {
        Err(SendError::Unreachable {
            error: "the program that sends panicked".to_owned(),
        })
    })
}
