//! The life of an alert: what always holds, and how single cases go.

use audit_core::Severity;
use audit_core::alert::{
    Cause, Episode, Message, Observation, State, Step, Timing, acknowledge, snooze, step,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

fn noon() -> DateTime<Utc> {
    "2013-02-08T12:00:00Z".parse().unwrap()
}

fn observation(holds: bool, severity: Severity) -> Observation {
    Observation {
        policy: "cancellations".to_owned(),
        fingerprint: "cancellations origin=\"EWR\"".to_owned(),
        holds,
        severity,
        title: "EWR: 112 of 305 departures cancelled".to_owned(),
        group: Default::default(),
        observed: Default::default(),
        table: Some("public.flights".to_owned()),
        rule: None,
        owner: "ops@example.com".to_owned(),
    }
}

/// The life of one fingerprint, as a caller would keep it: open and resolved episodes in their order.
#[derive(Default)]
struct Life {
    episodes: Vec<Episode>,
    steps: Vec<(DateTime<Utc>, Step)>,
}

impl Life {
    fn observe(&mut self, holds: bool, severity: Severity, timing: &Timing, now: DateTime<Utc>) {
        let step = step(
            self.episodes.last(),
            &observation(holds, severity),
            timing,
            now,
        );
        self.keep(step, now);
    }

    fn keep(&mut self, step: Step, now: DateTime<Utc>) {
        if let Some(episode) = step.episode.clone() {
            if !step.begins() {
                self.episodes.pop();
            }
            self.episodes.push(episode);
        }
        self.steps.push((now, step));
    }

    fn messages(&self) -> Vec<(i64, Message)> {
        self.steps
            .iter()
            .flat_map(|(now, step)| {
                step.messages()
                    .map(|message| ((*now - noon()).num_minutes(), message))
            })
            .collect()
    }

    fn causes(&self) -> Vec<Cause> {
        self.steps
            .iter()
            .flat_map(|(_, step)| step.transitions.iter().map(|transition| transition.cause))
            .collect()
    }

    fn state(&self) -> Option<State> {
        self.episodes.last().map(|episode| episode.state)
    }
}

/// Looks once a minute; `+` says that the condition holds, `-` that it does not.
fn life(looks: &str, timing: &Timing) -> Life {
    let mut life = Life::default();
    for (minute, look) in looks.chars().enumerate() {
        let now = noon() + TimeDelta::minutes(i64::try_from(minute).unwrap());
        life.observe(look == '+', Severity::Normal, timing, now);
    }
    life
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

#[test]
fn a_condition_that_holds_fires_and_its_end_is_told() {
    let life = life("-++-", &Timing::default());
    assert_eq!(
        life.messages(),
        [(1, Message::Firing), (3, Message::Resolved)]
    );
    assert_eq!(life.causes(), [Cause::Opened, Cause::Fired, Cause::Ended]);
}

#[test]
fn a_condition_that_does_not_hold_for_long_enough_is_not_told() {
    let timing = Timing {
        hold_for: minutes(3),
        ..Timing::default()
    };
    let life_short = life("+++-", &timing);
    assert_eq!(life_short.messages(), []);
    assert_eq!(life_short.causes(), [Cause::Opened, Cause::Lapsed]);
    assert_eq!(life("++++", &timing).messages(), [(3, Message::Firing)]);
}

#[test]
fn a_short_pause_does_not_end_an_alert_that_is_kept_firing() {
    let timing = Timing {
        keep_firing_for: minutes(3),
        ..Timing::default()
    };
    assert_eq!(
        life("+--+---+----", &timing).messages(),
        [(0, Message::Firing), (11, Message::Resolved)]
    );
}

#[test]
fn people_are_reminded_at_most_as_often_as_they_asked() {
    let timing = Timing {
        repeat_every: Some(minutes(2)),
        ..Timing::default()
    };
    assert_eq!(
        life("++++++", &timing).messages(),
        [
            (0, Message::Firing),
            (2, Message::Repeat),
            (4, Message::Repeat)
        ]
    );
}

#[test]
fn what_comes_back_soon_is_the_same_alert() {
    let timing = Timing {
        reopen_within: minutes(2),
        ..Timing::default()
    };
    let soon = life("+-+", &timing);
    assert_eq!(soon.episodes.len(), 1);
    assert_eq!(soon.episodes[0].reopened, 1);
    assert_eq!(
        soon.messages(),
        [
            (0, Message::Firing),
            (1, Message::Resolved),
            (2, Message::Firing)
        ]
    );
    let late = life("+---+", &timing);
    assert_eq!(late.episodes.len(), 2);
}

#[test]
fn an_acknowledged_alert_is_not_repeated_and_its_end_is_told() {
    let timing = Timing {
        repeat_every: Some(minutes(1)),
        ..Timing::default()
    };
    let mut life = life("+", &timing);
    let acknowledged = acknowledge(&life.episodes[0], "ada@example.com", noon()).unwrap();
    assert_eq!(
        acknowledged.transitions[0].actor.as_deref(),
        Some("ada@example.com")
    );
    life.keep(acknowledged, noon());
    life.observe(true, Severity::Normal, &timing, noon() + minutes(5));
    assert_eq!(life.state(), Some(State::Acknowledged));
    life.observe(false, Severity::Normal, &timing, noon() + minutes(6));
    assert_eq!(
        life.messages(),
        [(0, Message::Firing), (6, Message::Resolved)]
    );
}

#[test]
fn a_snoozed_alert_comes_back_when_its_time_is_over() {
    let timing = Timing::default();
    let mut life = life("+", &timing);
    let snoozed = snooze(&life.episodes[0], noon() + minutes(10), "ada", noon()).unwrap();
    life.keep(snoozed, noon());
    life.observe(true, Severity::Normal, &timing, noon() + minutes(9));
    life.observe(true, Severity::Normal, &timing, noon() + minutes(10));
    assert_eq!(
        life.messages(),
        [(0, Message::Firing), (10, Message::Repeat)]
    );
    assert_eq!(life.state(), Some(State::Firing));
}

#[test]
fn what_gets_worse_is_told_again_also_when_somebody_takes_care_of_it() {
    let timing = Timing::default();
    let mut life = life("+", &timing);
    let acknowledged = acknowledge(&life.episodes[0], "ada", noon()).unwrap();
    life.keep(acknowledged, noon());
    life.observe(true, Severity::Critical, &timing, noon() + minutes(1));
    assert_eq!(
        life.messages(),
        [(0, Message::Firing), (1, Message::Firing)]
    );
    assert_eq!(
        life.episodes[0].severity,
        Severity::Critical,
        "the worst severity is kept"
    );
}

#[test]
fn nobody_can_act_on_an_alert_that_is_over() {
    let life = life("+-", &Timing::default());
    let error = acknowledge(&life.episodes[0], "ada", noon()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the alert is resolved and can no longer be acknowledged"
    );
}

#[derive(Clone, Debug)]
enum Event {
    Look { holds: bool, severity: Severity },
    Acknowledge,
    Snooze { minutes: i64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (any::<bool>(), prop::sample::select(Severity::ALL.to_vec()))
            .prop_map(|(holds, severity)| Event::Look { holds, severity }),
        1 => Just(Event::Acknowledge),
        1 => (0..60_i64).prop_map(|minutes| Event::Snooze { minutes }),
    ]
}

fn timing() -> impl Strategy<Value = Timing> {
    (0..30_i64, 0..30_i64, prop::option::of(0..30_i64), 0..30_i64).prop_map(
        |(hold_for, keep_firing_for, repeat_every, reopen_within)| Timing {
            hold_for: minutes(hold_for),
            keep_firing_for: minutes(keep_firing_for),
            repeat_every: repeat_every.map(minutes),
            reopen_within: minutes(reopen_within),
        },
    )
}

fn any_life() -> impl Strategy<Value = (Timing, Vec<(i64, Event)>)> {
    // The clock of a replay may stand still, and may even go back a little.
    (
        timing(),
        prop::collection::vec(((-2..15_i64), event()), 0..60),
    )
}

fn live(timing: &Timing, events: &[(i64, Event)]) -> (Life, DateTime<Utc>) {
    let mut life = Life::default();
    let mut now = noon();
    for (passed, event) in events {
        now += minutes(*passed);
        match event {
            Event::Look { holds, severity } => life.observe(*holds, *severity, timing, now),
            Event::Acknowledge | Event::Snooze { .. } => {
                let Some(episode) = life.episodes.last().filter(|episode| episode.is_open()) else {
                    continue;
                };
                let step = match event {
                    Event::Snooze { minutes: length } => {
                        snooze(episode, now + minutes(*length), "ada", now)
                    }
                    _ => acknowledge(episode, "ada", now),
                }
                .unwrap();
                life.keep(step, now);
            }
        }
    }
    (life, now)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fingerprint_has_at_most_one_open_episode((timing, events) in any_life()) {
        let (life, _) = live(&timing, &events);
        let open = life.episodes.iter().filter(|episode| episode.is_open()).count();
        prop_assert!(open <= 1);
        // Only the latest can be open: a new one begins only after the one before is over.
        for episode in life.episodes.iter().rev().skip(1) {
            prop_assert_eq!(episode.state, State::Resolved);
        }
    }

    #[test]
    fn every_message_belongs_to_a_transition_and_states_join((timing, events) in any_life()) {
        let (life, _) = live(&timing, &events);
        let mut state = None;
        for (_, step) in &life.steps {
            prop_assert!(step.messages().count() <= 1, "one look tells one thing at most");
            for transition in &step.transitions {
                match transition.from {
                    None => prop_assert!(state.is_none_or(|state| state == State::Resolved)),
                    from => prop_assert_eq!(from, state),
                }
                match transition.message {
                    Some(Message::Firing | Message::Repeat) => prop_assert_eq!(transition.to, State::Firing),
                    Some(Message::Resolved) => prop_assert_eq!(transition.to, State::Resolved),
                    None => prop_assert_ne!(transition.to, State::Firing),
                }
                state = Some(transition.to);
            }
            prop_assert_eq!(step.episode.as_ref().map(|episode| episode.state).or(state), state);
        }
    }

    #[test]
    fn whatever_fired_is_resolved_with_a_message_once_it_no_longer_holds((timing, events) in any_life()) {
        let (mut life, mut now) = live(&timing, &events);
        // From here on the condition no longer holds; two looks, one of them late enough, must end it.
        life.observe(false, Severity::Low, &timing, now);
        now += timing.keep_firing_for.max(TimeDelta::zero()) + minutes(60);
        life.observe(false, Severity::Low, &timing, now);
        prop_assert!(life.state().is_none_or(|state| state == State::Resolved));
        // Messages alternate between firing and resolved, and end with resolved.
        let mut told = false;
        for (_, message) in life.messages() {
            match message {
                Message::Firing => told = true,
                Message::Repeat => prop_assert!(told),
                Message::Resolved => {
                    prop_assert!(told, "a resolution is told only of what was told before");
                    told = false;
                }
            }
        }
        prop_assert!(!told, "the last firing was not resolved");
    }

    #[test]
    fn looking_twice_at_the_same_moment_changes_nothing((timing, events) in any_life(), holds: bool) {
        prop_assume!(timing.repeat_every != Some(TimeDelta::zero()));
        let (mut life, now) = live(&timing, &events);
        life.observe(holds, Severity::Normal, &timing, now);
        let before = life.episodes.clone();
        life.observe(holds, Severity::Normal, &timing, now);
        prop_assert_eq!(&before, &life.episodes);
        prop_assert!(life.steps.last().unwrap().1.transitions.is_empty());
    }
}
