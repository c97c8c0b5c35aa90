//! Replayed time, in lock-step: the notifier works through one step while the replay waits, and the other way round.
//!
//! Two months pass in seconds. If the notifier ticked by the wall clock, which alerts it saw would depend on the speed
//! of the machine; in lock-step every run of the demo raises the same alerts at the same replayed hours.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// Who has the turn, and what time it is.
#[derive(Debug)]
struct Turn {
    now: DateTime<Utc>,
    /// True while the notifier works; the replay waits then.
    notifier_works: bool,
    /// True when there will be no further step.
    over: bool,
}

#[derive(Debug)]
struct Shared {
    turn: Mutex<Turn>,
    changed: Condvar,
}

impl Shared {
    // A poisoned lock means that the other thread has panicked. Its guard has ended the game already, and a turn holds
    // no invariant that a panic could break.
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until(&self, ready: impl Fn(&Turn) -> bool) -> MutexGuard<'_, Turn> {
        let mut turn = self.lock();
        while !ready(&turn) && !turn.over {
            turn = self
                .changed
                .wait(turn)
                .unwrap_or_else(PoisonError::into_inner);
        }
        turn
    }
}

/// The replay's end: says what time it has become.
#[derive(Debug)]
pub struct ReplayHand {
    shared: Arc<Shared>,
}

/// The notifier's end: tells the time and waits for the next step.
#[derive(Debug)]
pub struct ReplayClock {
    shared: Arc<Shared>,
}

/// Makes both ends of a clock that stands at `start`. The notifier has the first turn.
pub fn replay_clock(start: DateTime<Utc>) -> (ReplayHand, ReplayClock) {
    let shared = Arc::new(Shared {
        turn: Mutex::new(Turn {
            now: start,
            notifier_works: true,
            over: false,
        }),
        changed: Condvar::new(),
    });
    (
        ReplayHand {
            shared: Arc::clone(&shared),
        },
        ReplayClock { shared },
    )
}

impl ReplayHand {
    /// Lets the notifier work at `now`, and returns when it waits again. Returns false if it has ended.
    pub fn step(&self, now: DateTime<Utc>) -> bool {
        let mut turn = self.shared.wait_until(|turn| !turn.notifier_works);
        if turn.over {
            return false;
        }
        turn.now = now;
        turn.notifier_works = true;
        self.shared.changed.notify_all();
        drop(turn);
        !self.shared.wait_until(|turn| !turn.notifier_works).over
    }

    /// Tells the notifier that there is nothing more to wait for.
    pub fn end(&self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for ReplayHand {
    fn drop(&mut self) {
        self.end();
    }
}

impl ReplayClock {
    /// The replayed time.
    pub fn time(&self) -> DateTime<Utc> {
        self.shared.lock().now
    }

    /// Gives the turn to the replay and waits for the next step. Returns false when there is none.
    pub fn next_step(&self) -> bool {
        let mut turn = self.shared.lock();
        turn.notifier_works = false;
        self.shared.changed.notify_all();
        drop(turn);
        !self.shared.wait_until(|turn| turn.notifier_works).over
    }
}

impl Drop for ReplayClock {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn the_notifier_sees_every_step_once_and_in_order() {
        let start = DateTime::UNIX_EPOCH;
        let (hand, clock) = replay_clock(start);
        let notifier = std::thread::spawn(move || {
            let mut seen = vec![clock.time()];
            while clock.next_step() {
                seen.push(clock.time());
            }
            seen
        });
        let hours: Vec<_> = (1..=3).map(|hour| start + TimeDelta::hours(hour)).collect();
        for hour in &hours {
            assert!(hand.step(*hour));
        }
        hand.end();
        let mut expected = vec![start];
        expected.extend(hours);
        assert_eq!(notifier.join().unwrap(), expected);
    }

    #[test]
    fn the_replay_does_not_wait_for_a_notifier_that_has_ended() {
        let (hand, clock) = replay_clock(DateTime::UNIX_EPOCH);
        drop(clock);
        assert!(!hand.step(DateTime::UNIX_EPOCH));
    }
}
