//! Whatever several connections do to whatever table, at the same time, with rollbacks in between: the log, the counters,
//! the findings and the quarantine say what a model written here says.
#![cfg(feature = "embedded")]

mod shared;

use std::collections::BTreeMap;

use audit_schema::testing;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use proptest::prelude::*;
use shared::{run, show, tick, wrong};

/// How many connections write at the same time, each the rows that it owns, so that none waits for another.
const WRITERS: usize = 3;

/// A table: how its key is made, and what there is besides the columns that the rules are about.
#[derive(Clone, Copy, Debug)]
struct Shape {
    create: &'static str,
    /// Expressions over `owner` and `id` for the columns that identify a row or are only there, with a comma before each.
    values: &'static str,
    columns: &'static str,
    /// The key as the log has it, as an expression over `owner` and `id`. No key: no quarantine and no history.
    key: Option<&'static str>,
}

const SHAPES: &[Shape] = &[
    Shape {
        create: "create table model (owner integer, id integer, region text, amount numeric, ref integer primary key, tags text[] default '{a,null}')",
        columns: ", ref",
        values: ", owner * 1000 + id",
        key: Some("(owner * 1000 + id)::text"),
    },
    Shape {
        create: "create table model (gone integer, owner integer, \"it's\" text primary key, amount numeric, region text, id integer, at timestamptz default 'infinity'); alter table model drop column gone",
        columns: ", \"it's\"",
        values: ", format('%s\"%s', owner, id)",
        key: Some("format('%s\"%s', owner, id)"),
    },
    Shape {
        create: "create type mood as enum ('so', 'la'); create table model (owner integer, id integer, region text, amount numeric, m mood default 'la', twice integer generated always as (id * 2) stored, primary key (id, owner))",
        columns: "",
        values: "",
        key: Some("json_build_array(id, owner)::text"),
    },
    Shape {
        create: "create table model (owner integer, id integer, region text, amount numeric, j jsonb default '{\"a\": 1.0}', primary key (owner, id)) partition by list (owner);
            create table model_0 partition of model for values in (0); create table model_rest (region text, id integer not null, amount numeric, j jsonb, owner integer not null); alter table model attach partition model_rest default",
        columns: "",
        values: "",
        key: Some("json_build_array(owner, id)::text"),
    },
    Shape {
        create: "create table model (owner integer, id integer, region text, amount numeric)",
        columns: "",
        values: "",
        key: None,
    },
];

#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: i32,
    region: Option<&'static str>,
    amount: Option<i32>,
}

impl Row {
    fn shown(&self) -> String {
        format!(
            "{}/{}",
            self.region.unwrap_or("-"),
            self.amount
                .map_or("-".to_owned(), |amount| amount.to_string())
        )
    }

    fn negative(&self) -> bool {
        self.amount.is_some_and(|amount| amount < 0)
    }
}

#[derive(Clone, Debug)]
enum Write {
    Insert(Vec<Row>),
    Update {
        modulus: i32,
        rest: i32,
        region: Option<Option<&'static str>>,
        amount: Option<i32>,
    },
    Delete {
        modulus: i32,
        rest: i32,
    },
}

#[derive(Clone, Debug)]
enum Step {
    Write(Write),
    Begin,
    Savepoint,
    RollBackToSavepoint,
    Commit,
    RollBack,
    Tick,
}

/// Which rules there are: a value must be given (flag), an amount may not be negative (quarantine), and not be 13 (reject).
#[derive(Clone, Copy, Debug)]
struct Rules {
    given: bool,
    positive: bool,
    lucky: bool,
}

/// What one writer has done, as far as its transaction can see.
#[derive(Clone, Debug, Default)]
struct State {
    rows: Vec<Row>,
    /// What was done to each row, in order.
    events: BTreeMap<i32, Vec<String>>,
    held: Vec<String>,
    /// How many rows failed a rule, by rule and kind of statement: new rows, old rows.
    found: BTreeMap<(&'static str, char), (usize, usize)>,
}

impl State {
    fn event(&mut self, op: char, old: Option<&Row>, new: Option<&Row>) {
        let side = |row: Option<&Row>| row.map_or("-/-".to_owned(), Row::shown);
        let id = old.or(new).map_or(0, |row| row.id);
        self.events
            .entry(id)
            .or_default()
            .push(format!("{op}:{}>{}", side(old), side(new)));
    }

    /// One statement: what it logs and what its rules find.
    fn statement(&mut self, op: char, rules: Rules, changes: &[(Option<Row>, Option<Row>)]) {
        for (old, new) in changes {
            self.event(op, old.as_ref(), new.as_ref());
        }
        let mut find = |rule, fails: fn(&Row) -> bool| {
            let new = changes
                .iter()
                .filter(|(_, new)| new.as_ref().is_some_and(fails))
                .count();
            let old = changes
                .iter()
                .filter(|(old, _)| old.as_ref().is_some_and(fails))
                .count();
            if new + old > 0 {
                let found = self.found.entry((rule, op)).or_default();
                *found = (found.0 + new, found.1 + old);
            }
        };
        if rules.given {
            find("given", |row| row.region.is_none());
        }
        if rules.positive {
            find("positive", Row::negative);
        }
    }

    /// What becomes of a write, or false if it is refused.
    fn write(&mut self, write: &Write, rules: Rules, keyed: bool) -> bool {
        let sets_aside = rules.positive && keyed;
        let matches = |row: &Row, modulus: i32, rest: i32| row.id % modulus == rest % modulus;
        match write {
            Write::Insert(rows) => {
                let known = |row: &Row| self.rows.iter().any(|there| there.id == row.id);
                if keyed && rows.iter().any(known)
                    || rules.lucky && rows.iter().any(|row| row.amount == Some(13))
                {
                    return false;
                }
                let changes: Vec<_> = rows.iter().map(|row| (None, Some(row.clone()))).collect();
                self.statement('I', rules, &changes);
                let (bad, good): (Vec<Row>, Vec<Row>) = rows
                    .iter()
                    .cloned()
                    .partition(|row| sets_aside && row.negative());
                self.rows.extend(good);
                self.held
                    .extend(bad.iter().map(|row| format!("I:{}", row.shown())));
                let changes: Vec<_> = bad.into_iter().map(|row| (Some(row), None)).collect();
                self.statement('D', rules, &changes);
            }
            Write::Update {
                modulus,
                rest,
                region,
                amount,
            } => {
                let changes: Vec<_> = self
                    .rows
                    .iter()
                    .filter(|row| matches(row, *modulus, *rest))
                    .map(|old| {
                        let new = Row {
                            id: old.id,
                            region: region.unwrap_or(old.region),
                            amount: amount
                                .map_or(old.amount, |add| old.amount.map(|was| was + add)),
                        };
                        (Some(old.clone()), Some(new))
                    })
                    .collect();
                if rules.lucky
                    && changes
                        .iter()
                        .any(|(_, new)| new.as_ref().is_some_and(|row| row.amount == Some(13)))
                {
                    return false;
                }
                self.statement('U', rules, &changes);
                let mut undone = Vec::new();
                let mut written = changes.iter();
                for row in self
                    .rows
                    .iter_mut()
                    .filter(|row| matches(row, *modulus, *rest))
                {
                    let Some((_, Some(new))) = written.next() else {
                        unreachable!()
                    };
                    if sets_aside && new.negative() {
                        self.held.push(format!("U:{}", new.shown()));
                        undone.push((Some(new.clone()), Some(row.clone())));
                    } else {
                        *row = new.clone();
                    }
                }
                self.statement('U', rules, &undone);
            }
            Write::Delete { modulus, rest } => {
                let (gone, kept): (Vec<Row>, Vec<Row>) = self
                    .rows
                    .drain(..)
                    .partition(|row| matches(row, *modulus, *rest));
                self.rows = kept;
                let changes: Vec<_> = gone.into_iter().map(|row| (Some(row), None)).collect();
                self.statement('D', rules, &changes);
            }
        }
        true
    }
}

/// The statement that a writer sends.
fn sql(write: &Write, owner: usize, shape: Shape) -> String {
    let text = |value: Option<&str>| value.map_or("null".to_owned(), |value| format!("'{value}'"));
    match write {
        Write::Insert(rows) => {
            let rows: Vec<String> = rows
                .iter()
                .map(|row| {
                    let amount = row
                        .amount
                        .map_or("null".to_owned(), |amount| amount.to_string());
                    format!(
                        "({owner}, {}, {}, {amount}::numeric)",
                        row.id,
                        text(row.region)
                    )
                })
                .collect();
            format!(
                "insert into model (owner, id, region, amount{}) select owner, id, region, amount{} from (values {}) v (owner, id, region, amount)",
                shape.columns,
                shape.values,
                rows.join(", ")
            )
        }
        Write::Update {
            modulus,
            rest,
            region,
            amount,
        } => {
            let region = region.map_or("region".to_owned(), text);
            let amount = amount.map_or("amount".to_owned(), |add| format!("amount + {add}"));
            format!(
                "update model set region = {region}, amount = {amount} where owner = {owner} and id % {modulus} = {rest} % {modulus}"
            )
        }
        Write::Delete { modulus, rest } => format!(
            "delete from model where owner = {owner} and id % {modulus} = {rest} % {modulus}"
        ),
    }
}

/// One connection, what it has committed, and what its transaction sees, a state more for each savepoint.
struct Writer {
    connection: PgConnection,
    committed: State,
    open: Vec<State>,
}

impl Writer {
    fn step(&mut self, owner: usize, step: &Step, shape: Shape, rules: Rules) {
        let open = !self.open.is_empty();
        match step {
            Step::Begin if !open => {
                run(&mut self.connection, "begin");
                self.open.push(self.committed.clone());
            }
            Step::Savepoint if open => {
                run(
                    &mut self.connection,
                    &format!("savepoint s{}", self.open.len()),
                );
                self.open.push(self.open[self.open.len() - 1].clone());
            }
            Step::RollBackToSavepoint if self.open.len() > 1 => {
                self.open.pop();
                run(
                    &mut self.connection,
                    &format!("rollback to s{}", self.open.len()),
                );
            }
            Step::Commit if open => {
                run(&mut self.connection, "commit");
                self.committed = self.open.pop().unwrap_or_default();
                self.open.clear();
            }
            Step::RollBack if open => {
                run(&mut self.connection, "rollback");
                self.open.clear();
            }
            Step::Write(write) => self.write(owner, write, shape, rules),
            _ => {}
        }
    }

    fn write(&mut self, owner: usize, write: &Write, shape: Shape, rules: Rules) {
        let open = !self.open.is_empty();
        let state = self.open.last_mut().unwrap_or(&mut self.committed);
        let before = state.clone();
        let allowed = state.write(write, rules, shape.key.is_some());
        if !allowed {
            *state = before;
        }
        if open {
            run(&mut self.connection, "savepoint statement");
        }
        let statement = sql(write, owner, shape);
        let outcome = self.connection.batch_execute(&statement);
        assert_eq!(outcome.is_ok(), allowed, "{statement}: {outcome:?}");
        if open {
            run(
                &mut self.connection,
                if allowed {
                    "release savepoint statement"
                } else {
                    "rollback to statement; release savepoint statement"
                },
            );
        }
    }
}

fn region() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("EU"), Some(""), Some("é")])
}

fn write() -> impl Strategy<Value = Write> {
    let row = (0..10_i32, region(), prop::option::weighted(0.9, -2..14_i32))
        .prop_map(|(id, region, amount)| Row { id, region, amount });
    let rows = prop::collection::vec(row, 1..6).prop_map(|rows| {
        let distinct: BTreeMap<i32, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
        distinct.into_values().collect()
    });
    prop_oneof![
        4 => rows.prop_map(Write::Insert),
        4 => (1..4_i32, 0..10_i32, prop::option::of(region()), prop::option::of(-4..5_i32))
            .prop_map(|(modulus, rest, region, amount)| Write::Update { modulus, rest, region, amount }),
        2 => (1..5_i32, 0..10_i32).prop_map(|(modulus, rest)| Write::Delete { modulus, rest }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => write().prop_map(Step::Write),
        3 => Just(Step::Begin),
        2 => Just(Step::Savepoint),
        2 => Just(Step::RollBackToSavepoint),
        2 => Just(Step::Commit),
        1 => Just(Step::RollBack),
        1 => Just(Step::Tick),
    ]
}

/// The rows of a query as one string, in the order of its first column.
fn listed(db: &mut PgConnection, query: &str) -> String {
    show(
        db,
        &format!("select string_agg(shown, ';' order by place) from ({query}) q (place, shown)"),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_pipeline_says_what_the_model_says(
        shape in prop::sample::select(SHAPES),
        (given, positive, lucky) in any::<(bool, bool, bool)>(),
        steps in prop::collection::vec((0..WRITERS, step()), 1..60),
    ) {
        let rules = Rules { given, positive, lucky };
        let database = testing::database();
        let mut db = database.connect();
        run(&mut db, &format!("{}; select audit.watch('model')", shape.create));
        if given {
            run(&mut db, r#"select audit.declare_rule('model', 'given', 'not_null', '{"column": "region"}')"#);
        }
        if positive {
            let action = if shape.key.is_some() { "quarantine" } else { "flag" };
            run(&mut db, &format!(r#"select audit.declare_rule('model', 'positive', 'range', '{{"column": "amount", "min": 0}}', action => '{action}')"#));
        }
        if lucky {
            run(&mut db, r#"select audit.declare_rule('model', 'lucky', 'expression', '{"expression": "amount <> 13"}', action => 'reject')"#);
        }
        run(&mut db, "select audit.compile('model')");

        let mut writers: Vec<Writer> = (0..WRITERS)
            .map(|_| Writer { connection: database.connect(), committed: State::default(), open: Vec::new() })
            .collect();
        for (owner, step) in &steps {
            if let Step::Tick = step {
                run(&mut db, "select audit.tick()");
                prop_assert_eq!(show(&mut db, "select audit.replay_differences('model')"), "(0)");
                prop_assert_eq!(wrong(&mut db), "");
            }
            writers[*owner].step(*owner, step, shape, rules);
        }
        for (owner, writer) in writers.iter_mut().enumerate() {
            writer.step(owner, &Step::Commit, shape, rules);
        }

        for sealed in [false, true] {
            if sealed {
                tick(&mut db);
            }
            prop_assert_eq!(show(&mut db, "select audit.replay_differences('model')"), "(0)");
            prop_assert_eq!(wrong(&mut db), "");
            for (owner, writer) in writers.iter().enumerate() {
                let state = &writer.committed;
                let mut rows: Vec<String> = state.rows.iter().map(|row| format!("{}:{}", row.id, row.shown())).collect();
                rows.sort();
                prop_assert_eq!(
                    listed(&mut db, &format!("select s.shown collate \"C\", s.shown from (select format('%s:%s/%s', id, coalesce(region, '-'), coalesce(amount::text, '-')) from model where owner = {owner}) s (shown)")),
                    format!("({})", rows.join(";"))
                );
                for (id, events) in &state.events {
                    let rows = match shape.key {
                        Some(key) => format!("select h.lsn, h.op, h.old, h.new from (select {owner} as owner, {id} as id) k cross join lateral audit.history('model', {key}) h"),
                        None => format!("select c.lsn, c.op, c.old, c.new from audit.row_change c where coalesce(c.new, c.old) ->> 'owner' = '{owner}' and coalesce(c.new, c.old) ->> 'id' = '{id}'"),
                    };
                    let seen = listed(&mut db, &format!(
                        "select h.lsn, format('%s:%s/%s>%s/%s', h.op, coalesce(h.old ->> 'region', '-'), coalesce(h.old ->> 'amount', '-'), coalesce(h.new ->> 'region', '-'), coalesce(h.new ->> 'amount', '-')) from ({rows}) h"
                    ));
                    if shape.key.is_some() {
                        prop_assert_eq!(seen, format!("({})", events.join(";")), "{} of {}", id, owner);
                    } else {
                        // Rows without a key can not be told apart: what one statement did to them has no order.
                        let mut seen: Vec<&str> = seen.trim_matches(['(', ')']).split(';').collect();
                        let mut events: Vec<&str> = events.iter().map(String::as_str).collect();
                        seen.sort_unstable();
                        events.sort_unstable();
                        prop_assert_eq!(seen, events);
                    }
                }
            }
            let mut held: Vec<&str> = writers.iter().flat_map(|writer| &writer.committed.held).map(String::as_str).collect();
            held.sort_unstable();
            prop_assert_eq!(
                listed(&mut db, "select s.shown collate \"C\", s.shown from (select format('%s:%s/%s', op, coalesce(row ->> 'region', '-'), coalesce(row ->> 'amount', '-')) from audit.quarantine where state = 'held') s (shown)"),
                format!("({})", held.join(";"))
            );
            let mut found = BTreeMap::<String, (usize, usize)>::new();
            for writer in &writers {
                for ((rule, op), (new, old)) in &writer.committed.found {
                    let sum = found.entry(format!("{op}{rule}")).or_default();
                    *sum = (sum.0 + new, sum.1 + old);
                }
            }
            let found: Vec<String> = found.iter().map(|(rule, (new, old))| format!("{rule}={new}/{old}")).collect();
            prop_assert_eq!(
                listed(&mut db, "select s.rule collate \"C\", format('%s=%s/%s', s.rule, s.new, s.old) from (select f.op::text || r.name, sum(f.new_failed), sum(f.old_failed) from audit.finding f join audit.rule r using (rule_id) group by 1) s (rule, new, old)"),
                format!("({})", found.join(";"))
            );
        }
    }
}
