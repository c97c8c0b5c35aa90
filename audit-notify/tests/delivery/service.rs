//! `follow`: what goes on while a channel hangs, the database is away, or somebody says stop.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use audit_notify::{Channel, Clock, Envelope, Options, Receipt, RunReport, SendError, follow};
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::plant::{At, Board, count, declare_channel, options, outcomes, resend, run, trouble};
use crate::provider::Provider;

#[test]
fn following_notices_what_is_written_without_waiting_for_its_interval() {
    struct Steps {
        url: String,
        waits: usize,
    }
    impl Clock for Steps {
        // It stands still, so no interval ever ends.
        fn now(&self) -> DateTime<Utc> {
            At::noon().now
        }
        fn wait(&mut self, _at_most: Duration) -> ControlFlow<()> {
            self.waits += 1;
            if self.waits == 2 {
                let mut conn = audit_schema::connect(&self.url).unwrap();
                conn.batch_execute("insert into public.trouble values ('new')")
                    .unwrap();
            }
            if self.waits < 4 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        }
        fn wall(&self) -> Option<DateTime<Utc>> {
            Some(At::noon().wall)
        }
    }

    let server = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let heard = Arc::clone(&heard);
        move |report: &RunReport| {
            heard
                .lock()
                .unwrap()
                .extend(report.delivered.iter().map(|one| one.subject.clone()))
        }
    };
    let options = Options {
        listener: Some(Box::new(listener)),
        interval: Duration::from_secs(3600),
        ..options()
    };
    let clock = Steps {
        url: database.url(),
        waits: 0,
    };
    follow(
        &database.url(),
        options,
        clock,
        Arc::new(AtomicBool::new(false)),
    )
    .unwrap();
    assert_eq!(
        *heard.lock().unwrap(),
        [
            "Critical: public.trouble, trouble, T1",
            "Critical: public.trouble, trouble, new"
        ]
    );
}

#[test]
fn following_survives_the_loss_of_the_database() {
    struct Steps {
        url: String,
        rounds: usize,
    }
    impl Clock for Steps {
        fn now(&self) -> DateTime<Utc> {
            At::noon().now
        }
        fn wait(&mut self, _at_most: Duration) -> ControlFlow<()> {
            self.rounds += 1;
            if self.rounds == 1 {
                let mut conn = audit_schema::connect(&self.url).unwrap();
                conn.batch_execute(
                    "insert into public.trouble values ('new');
                     select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and pid <> pg_backend_pid();",
                )
                .unwrap();
            }
            if self.rounds == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
        fn wall(&self) -> Option<DateTime<Utc>> {
            Some(At::noon().wall)
        }
    }

    let server = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let heard = Arc::clone(&heard);
        move |report: &RunReport| heard.lock().unwrap().push(report.delivered.len())
    };
    let options = Options {
        listener: Some(Box::new(listener)),
        ..options()
    };
    let clock = Steps {
        url: database.url(),
        rounds: 0,
    };
    follow(
        &database.url(),
        options,
        clock,
        Arc::new(AtomicBool::new(false)),
    )
    .unwrap();
    assert_eq!(*heard.lock().unwrap(), [1, 1]);
}

#[test]
fn following_stops_when_told() {
    let database = trouble(0);
    follow(
        &database.url(),
        options(),
        At::noon(),
        Arc::new(AtomicBool::new(true)),
    )
    .unwrap();
}

#[test]
fn no_database_is_an_error_at_once() {
    let error = follow(
        "postgres://nobody@127.0.0.1:9/nothing",
        options(),
        At::noon(),
        Arc::new(AtomicBool::new(false)),
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "the outbox could not be worked on"
    );
}

/// A channel whose requests hang until somebody opens it.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    fn requests(&self) -> usize {
        self.state.lock().unwrap().0
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

impl Channel for Gate {
    fn recipients(&self) -> Vec<String> {
        Vec::new()
    }
    fn takes_picture(&self) -> bool {
        false
    }
    fn send(&self, _envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        let patience = Duration::from_secs(60);
        let opened = self
            .changed
            .wait_timeout_while(state, patience, |state| !state.1)
            .unwrap();
        assert!(!opened.1.timed_out(), "nobody opened it");
        Ok(Receipt::default())
    }
}

/// A clock that asks at every pause whether to go on.
struct Asking<F>(F, Instant);

impl<F: FnMut() -> ControlFlow<()> + Send> Clock for Asking<F> {
    fn now(&self) -> DateTime<Utc> {
        At::noon().now
    }
    fn wait(&mut self, _at_most: Duration) -> ControlFlow<()> {
        assert!(
            self.1.elapsed() < Duration::from_secs(60),
            "it does not end"
        );
        (self.0)()
    }
    fn wall(&self) -> Option<DateTime<Utc>> {
        Some(At::noon().wall)
    }
}

fn asking<F: FnMut() -> ControlFlow<()> + Send>(ask: F) -> Asking<F> {
    Asking(ask, Instant::now())
}

#[test]
fn a_channel_that_hangs_holds_up_nobody_else_of_the_same_notifier() {
    let database = trouble(1);
    for name in ["ops", "oncall"] {
        declare_channel(&database, name, "custom", json!({ "custom": {} }));
    }
    run(
        &database,
        "update audit.route set definition = '{\"to\": [\"ops\", \"oncall\"]}'",
    );
    let (gate, board) = (Arc::new(Gate::default()), Arc::new(Board::default()));
    let options = Options {
        channels: [
            ("ops".to_owned(), Arc::clone(&gate) as Arc<dyn Channel>),
            ("oncall".to_owned(), Arc::clone(&board) as Arc<dyn Channel>),
        ]
        .into(),
        ..options()
    };
    let mut is_new = false;
    let clock = asking(|| {
        if board.subjects().len() == 1 && gate.requests() == 1 && !is_new {
            is_new = true;
            run(&database, "insert into public.trouble values ('new')");
        }
        if board.subjects().len() < 2 {
            return ControlFlow::Continue(());
        }
        // The first request of the other channel is still on its way.
        assert_eq!(outcomes(&database), "1 delivered, 1 delivered");
        gate.open();
        ControlFlow::Break(())
    });
    let stop = Arc::new(AtomicBool::new(false));
    follow(&database.url(), options, clock, stop).unwrap();
    assert_eq!(
        gate.requests(),
        2,
        "what hung is finished, and the rest sent"
    );
    assert_eq!(
        count(&database, "audit.outbox where state <> 'delivered'"),
        0
    );
    assert_eq!(count(&database, "audit.delivery_attempt"), 4);
}

#[test]
fn what_was_answered_while_the_database_was_away_is_written_down_when_it_is_back() {
    let database = trouble(2);
    declare_channel(&database, "ops", "custom", json!({ "custom": {} }));
    let gate = Arc::new(Gate::default());
    let options = Options {
        channels: [("ops".to_owned(), Arc::clone(&gate) as Arc<dyn Channel>)].into(),
        ..options()
    };
    let mut was_away = false;
    let clock = asking(|| {
        if gate.requests() == 1 && !was_away {
            was_away = true;
            run(
                &database,
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()",
            );
            gate.open();
        }
        if count(&database, "audit.outbox where state = 'delivered'") < 2 {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(())
    });
    let stop = Arc::new(AtomicBool::new(false));
    follow(&database.url(), options, clock, stop).unwrap();
    assert_eq!(gate.requests(), 2, "neither was sent twice");
    assert_eq!(outcomes(&database), "1 delivered, 1 delivered");
}

#[test]
fn being_told_to_stop_finishes_what_is_on_its_way_and_begins_nothing() {
    let database = trouble(3);
    declare_channel(&database, "ops", "custom", json!({ "custom": {} }));
    let gate = Arc::new(Gate::default());
    let options = Options {
        channels: [("ops".to_owned(), Arc::clone(&gate) as Arc<dyn Channel>)].into(),
        ..options()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let clock = asking(|| {
        if gate.requests() == 1 {
            told.store(true, Ordering::Relaxed);
            gate.open();
        }
        ControlFlow::Continue(())
    });
    follow(&database.url(), options, clock, stop).unwrap();
    assert_eq!(gate.requests(), 1);
    assert_eq!(outcomes(&database), "1 delivered");
    // Nobody has to wait for a lease: what was not begun was given back.
    assert_eq!(
        count(
            &database,
            "audit.outbox where state = 'ready' and attempt = 0"
        ),
        2
    );
}

/// A channel that panics.
#[derive(Debug)]
struct Clumsy;

impl Channel for Clumsy {
    fn recipients(&self) -> Vec<String> {
        Vec::new()
    }
    fn takes_picture(&self) -> bool {
        false
    }
    fn send(&self, _envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        panic!("oh")
    }
}

#[test]
fn a_channel_of_a_program_that_panics_is_one_that_does_not_answer() {
    let database = trouble(1);
    declare_channel(&database, "ops", "custom", json!({ "custom": {} }));
    let mut options = Options {
        channels: [("ops".to_owned(), Arc::new(Clumsy) as Arc<dyn Channel>)].into(),
        ..options()
    };
    let report =
        audit_notify::run_once(&mut database.connect(), &mut options, &At::noon()).unwrap();
    assert_eq!(report.delayed[0].error, "the program that sends panicked");
}
