//! The life of an alert: what always holds, and how single cases go.

use audit_core::Severity;
use audit_core::alert::{
    Cause, Episode, Escalation, Message, Observation, State, Step, Timing, acknowledge, resolve,
    snooze, step,
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
        lingers: false,
        muted: None,
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
    /// For every look, whether the alert was muted.
    muted: Vec<bool>,
}

impl Life {
    fn observe(&mut self, holds: bool, severity: Severity, timing: &Timing, now: DateTime<Utc>) {
        self.look(observation(holds, severity), timing, now);
    }

    fn look(&mut self, observation: Observation, timing: &Timing, now: DateTime<Utc>) {
        let step = step(self.episodes.last(), &observation, timing, now);
        self.muted.push(observation.muted.is_some());
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

/// Looks once a minute; `+` says that the condition holds, `-` that it does not, `~` that it does not and the one that ends
/// the alert does not either; `m` and `.` are `+` and `-` while the alert is muted.
fn life(looks: &str, timing: &Timing) -> Life {
    let mut life = Life::default();
    for (minute, look) in looks.chars().enumerate() {
        let now = noon() + TimeDelta::minutes(i64::try_from(minute).unwrap());
        let seen = Observation {
            lingers: look == '~',
            muted: matches!(look, 'm' | '.').then(|| "silenced".to_owned()),
            ..observation(matches!(look, '+' | 'm'), Severity::Normal)
        };
        life.look(seen, timing, now);
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
fn an_alert_with_an_end_of_its_own_goes_on_until_it() {
    let timing = Timing::default();
    assert_eq!(
        life("~+~~+~-~", &timing).messages(),
        [(1, Message::Firing), (6, Message::Resolved)]
    );
    // What nobody was told of has not begun, so there is nothing to go on.
    let patient = Timing {
        hold_for: minutes(3),
        ..Timing::default()
    };
    assert_eq!(
        life("+~++", &patient).causes(),
        [Cause::Opened, Cause::Lapsed, Cause::Opened]
    );
}

#[test]
fn a_muted_alert_is_recorded_and_told_when_it_is_heard_again() {
    let timing = Timing {
        repeat_every: Some(minutes(1)),
        ..Timing::default()
    };
    let life_heard = life("mmm++-", &timing);
    assert_eq!(
        life_heard.causes(),
        [
            Cause::Opened,
            Cause::Fired,
            Cause::Unmuted,
            Cause::Repeated,
            Cause::Ended
        ]
    );
    assert_eq!(
        life_heard.messages(),
        [
            (3, Message::Firing),
            (4, Message::Repeat),
            (5, Message::Resolved)
        ]
    );
    let life_unheard = life("mm.", &timing);
    assert_eq!(life_unheard.messages(), []);
    assert_eq!(
        life_unheard.causes(),
        [Cause::Opened, Cause::Fired, Cause::Lapsed]
    );
}

#[test]
fn who_was_told_before_an_alert_was_muted_hears_of_its_end_and_of_nothing_else() {
    let timing = Timing {
        repeat_every: Some(minutes(1)),
        ..Timing::default()
    };
    assert_eq!(
        life("+mmm.", &timing).messages(),
        [(0, Message::Firing), (4, Message::Resolved)]
    );
}

#[test]
fn what_gets_worse_while_it_is_muted_is_told_as_such_afterwards() {
    let timing = Timing::default();
    let mut life = life("+", &timing);
    let muted = Observation {
        muted: Some("silenced".to_owned()),
        ..observation(true, Severity::Critical)
    };
    life.look(muted, &timing, noon() + minutes(1));
    assert_eq!(life.messages(), [(0, Message::Firing)]);
    life.observe(true, Severity::Critical, &timing, noon() + minutes(2));
    assert_eq!(
        life.messages(),
        [(0, Message::Firing), (2, Message::Firing)]
    );
    assert_eq!(life.causes().last(), Some(&Cause::Escalated));
}

#[test]
fn what_nobody_takes_on_in_time_is_told_to_more_people_once() {
    let timing = Timing {
        escalation: Some(Escalation {
            after: minutes(3),
            severity: Some(Severity::Critical),
        }),
        ..Timing::default()
    };
    let mut life_alone = life("+++++++", &timing);
    assert_eq!(
        life_alone.messages(),
        [(0, Message::Firing), (3, Message::Firing)]
    );
    assert_eq!(life_alone.episodes[0].severity, Severity::Critical);
    // It stays as bad as it became, although the numbers say less.
    life_alone.observe(true, Severity::Normal, &timing, noon() + minutes(60));
    assert_eq!(life_alone.episodes[0].severity, Severity::Critical);

    let mut life_taken = life("+", &timing);
    life_taken.keep(
        acknowledge(&life_taken.episodes[0], "ada", noon()).unwrap(),
        noon(),
    );
    life_taken.observe(true, Severity::Normal, &timing, noon() + minutes(60));
    assert_eq!(life_taken.messages(), [(0, Message::Firing)]);
}

#[test]
fn the_time_to_take_an_alert_on_begins_when_people_are_told() {
    let timing = Timing {
        escalation: Some(Escalation {
            after: minutes(3),
            severity: None,
        }),
        ..Timing::default()
    };
    assert_eq!(
        life("mmmmm+++++", &timing).messages(),
        [(5, Message::Firing), (8, Message::Firing)]
    );
    // A snooze is an answer; when it is over, people have their time again.
    let mut life = life("+", &timing);
    let snoozed = snooze(&life.episodes[0], noon() + minutes(10), "ada", noon()).unwrap();
    life.keep(snoozed, noon());
    for minute in 1..=13 {
        life.observe(true, Severity::Normal, &timing, noon() + minutes(minute));
    }
    assert_eq!(
        life.messages(),
        [
            (0, Message::Firing),
            (10, Message::Repeat),
            (13, Message::Firing)
        ]
    );
}

#[test]
fn what_a_person_resolved_stays_resolved_until_its_condition_has_ended_once() {
    let timing = Timing {
        reopen_within: TimeDelta::zero(),
        ..Timing::default()
    };
    let mut life = life("+", &timing);
    let resolved = resolve(&life.episodes[0], "ada", noon()).unwrap();
    assert_eq!(resolved.transitions[0].actor.as_deref(), Some("ada"));
    life.keep(resolved, noon());
    for minute in 1..=5 {
        life.observe(true, Severity::Normal, &timing, noon() + minutes(minute));
    }
    assert_eq!(life.state(), Some(State::Resolved));
    life.observe(false, Severity::Normal, &timing, noon() + minutes(6));
    life.observe(true, Severity::Normal, &timing, noon() + minutes(7));
    assert_eq!(life.episodes.len(), 2);
    assert_eq!(
        life.messages(),
        [
            (0, Message::Firing),
            (0, Message::Resolved),
            (7, Message::Firing)
        ]
    );
}

#[test]
fn nobody_hears_of_the_end_of_what_nobody_heard_of() {
    let life = life("mm", &Timing::default());
    let resolved = resolve(&life.episodes[0], "ada", noon()).unwrap();
    assert_eq!(resolved.messages().count(), 0);
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
    Look {
        holds: bool,
        lingers: bool,
        muted: bool,
        severity: Severity,
    },
    Acknowledge,
    Resolve,
    Snooze {
        minutes: i64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (any::<bool>(), any::<bool>(), prop::bool::weighted(0.3), prop::sample::select(Severity::ALL.to_vec()))
            .prop_map(|(holds, lingers, muted, severity)| Event::Look { holds, lingers, muted, severity }),
        1 => Just(Event::Acknowledge),
        1 => Just(Event::Resolve),
        1 => (0..60_i64).prop_map(|minutes| Event::Snooze { minutes }),
    ]
}

fn timing() -> impl Strategy<Value = Timing> {
    (
        0..30_i64,
        0..30_i64,
        prop::option::of(0..30_i64),
        0..30_i64,
        prop::option::of((
            1..30_i64,
            prop::option::of(prop::sample::select(Severity::ALL.to_vec())),
        )),
    )
        .prop_map(
            |(hold_for, keep_firing_for, repeat_every, reopen_within, escalation)| Timing {
                hold_for: minutes(hold_for),
                keep_firing_for: minutes(keep_firing_for),
                repeat_every: repeat_every.map(minutes),
                reopen_within: minutes(reopen_within),
                escalation: escalation.map(|(after, severity)| Escalation {
                    after: minutes(after),
                    severity,
                }),
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
            Event::Look {
                holds,
                lingers,
                muted,
                severity,
            } => {
                let seen = Observation {
                    lingers: *lingers && !holds,
                    muted: muted.then(|| "silenced".to_owned()),
                    ..observation(*holds, *severity)
                };
                life.look(seen, timing, now);
            }
            Event::Acknowledge | Event::Resolve | Event::Snooze { .. } => {
                let Some(episode) = life.episodes.last().filter(|episode| episode.is_open()) else {
                    continue;
                };
                let step = match event {
                    Event::Snooze { minutes: length } => {
                        snooze(episode, now + minutes(*length), "ada", now)
                    }
                    Event::Resolve => resolve(episode, "ada", now),
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
                    // Only what is muted fires without a word.
                    None => prop_assert!(transition.to != State::Firing || transition.cause == Cause::Fired),
                }
                state = Some(transition.to);
            }
            prop_assert_eq!(step.episode.as_ref().map(|episode| episode.state).or(state), state);
        }
    }

    #[test]
    fn while_an_alert_is_muted_nobody_hears_that_it_began_or_goes_on((timing, events) in any_life()) {
        let (life, _) = live(&timing, &events);
        let looks = life.steps.iter().filter(|(_, step)| {
            step.transitions.iter().all(|transition| transition.actor.is_none())
        });
        for ((_, step), muted) in looks.zip(&life.muted) {
            prop_assert!(!muted || step.messages().all(|message| message == Message::Resolved));
        }
    }

    #[test]
    fn what_goes_on_is_told_when_it_is_no_longer_muted((timing, events) in any_life()) {
        let (mut life, mut now) = live(&timing, &events);
        // A person may have settled it, which holds until the condition has ended once.
        life.observe(false, Severity::Low, &timing, now);
        now += minutes(60);
        for _ in 0..3 {
            now += minutes(60);
            life.observe(true, Severity::Low, &timing, now);
        }
        prop_assert!(life.episodes.last().unwrap().is_known());
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
