//! `audit plan` and `audit apply`: what a policy would change, or has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use audit_core::{Action, Period, Severity};
use audit_schema::apply::Options;
use audit_schema::plan::{self, Kept, Lock, Object, Plan, Planned, Verb};
use audit_schema::{Provenance, apply_with, plan_with};
use chrono::Utc;
use clap::Args;
use diesel::PgConnection;
use sha2::{Digest, Sha256};

use crate::cells;
use crate::command::{Ended, Format, json, read_policy};
use crate::interrupt;
use crate::progress::Spinner;
use crate::terminal::{Columns, Painted, Style, Tone, count, number, table_name};

/// The exit code of a plan that would change something, if it was asked to tell.
const CHANGES: u8 = 2;

/// Variables in which services that build and deploy say which revision they work on.
const REVISIONS: [&str; 7] = [
    "AUDIT_REVISION",
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "GIT_COMMIT",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
];

/// Variables that name the person: first those of services, for which one user of the system does everything.
const PEOPLE: [&str; 6] = [
    "AUDIT_PERSON",
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "USER",
    "LOGNAME",
    "USERNAME",
];

/// The options of `audit plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  audit plan                                  what audit.yml would change
  audit plan team/orders.yml --format json    the same as JSON, for a review
  audit plan --exit-code                      in CI: 0 nothing to do, 2 something would change

Exit codes: 0 it could be applied, 1 it could not, 2 something would change and --exit-code was given.")]
pub struct PlanOptions {
    /// The policy
    #[arg(default_value = "audit.yml", value_name = "POLICY")]
    policy: PathBuf,
    /// Show what would become of the database if it had to be exactly as the policy says: what was declared by SQL goes
    #[arg(long)]
    prune: bool,
    /// End with 2 if something would change
    #[arg(long)]
    exit_code: bool,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The options of `audit apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  audit apply                                  apply audit.yml
  audit apply --lock-timeout 2s --retries 20   on a busy table: wait short, try often
  audit apply --as ann --revision \"$(git rev-parse HEAD)\"

Without --revision the variables AUDIT_REVISION, GITHUB_SHA, CI_COMMIT_SHA, GIT_COMMIT, BUILDKITE_COMMIT, CIRCLE_SHA1 and
BITBUCKET_COMMIT are looked at; without --as AUDIT_PERSON, GITHUB_ACTOR, GITLAB_USER_LOGIN and the user of the system.

Exit codes: 0 it is applied, 1 nothing was applied.")]
pub struct ApplyOptions {
    /// The policy
    #[arg(default_value = "audit.yml", value_name = "POLICY")]
    policy: PathBuf,
    /// Make the database be exactly as the policy says: what was declared by SQL goes, what was changed is set back
    #[arg(long)]
    prune: bool,
    /// How long an attempt waits for locks; who writes meanwhile queues behind it no longer
    #[arg(long, value_name = "TIME", default_value = "5s")]
    lock_timeout: Period,
    /// How many more attempts there are after one that waited in vain, with pauses that grow
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    retries: u32,
    /// Who does it, for the record [default: the user of the system]
    #[arg(long = "as", value_name = "NAME")]
    person: Option<String>,
    /// The revision of the policy in version control, for the record [default: as the CI service says]
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Shows what a policy would change.
///
/// # Errors
/// If the policy or the database can't be read, or they do not fit together.
pub fn plan(
    connection: &mut PgConnection,
    options: &PlanOptions,
    style: Style,
) -> anyhow::Result<Ended> {
    let policy = read_policy(&options.policy)?;
    let spinner = Spinner::new();
    let how = plan::Options {
        prune: options.prune,
        ..plan::Options::default()
    };
    let plan = plan_with(connection, &policy, &how, &mut |progress| {
        spinner.applying(progress);
    })?;
    spinner.end();
    // A plan survives what could not be counted, also when it was cancelled; who cancelled it does not want it.
    if interrupt::code().is_some() {
        bail!("interrupted");
    }
    Ok(Ended {
        text: match options.format {
            Format::Text => render(&plan, false, style),
            Format::Json => json(&plan)?,
        },
        code: match options.exit_code && !plan.is_empty() {
            true => CHANGES,
            false => 0,
        },
    })
}

/// Applies a policy, and shows what that changed.
///
/// # Errors
/// As [`plan()`]; then nothing was applied.
pub fn apply(
    connection: &mut PgConnection,
    options: &ApplyOptions,
    style: Style,
) -> anyhow::Result<Ended> {
    let policy = read_policy(&options.policy)?;
    let first_of = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| std::env::var(name).ok());
        values.find(|value| !value.is_empty())
    };
    let how = Options {
        lock_timeout: options
            .lock_timeout
            .to_delta()
            .to_std()
            .unwrap_or(Duration::ZERO),
        retries: options.retries,
        prune: options.prune,
        by: Provenance {
            person: options
                .person
                .clone()
                .or_else(|| first_of(&PEOPLE))
                .unwrap_or_default(),
            program: format!("audit {}", env!("CARGO_PKG_VERSION")),
            revision: options.revision.clone().or_else(|| first_of(&REVISIONS)),
            digest: fs::read(&options.policy).ok().map(|text| digest(&text)),
        },
        ..Options::default()
    };
    let spinner = Spinner::new();
    let plan = apply_with(connection, &policy, &how, &mut |progress| {
        spinner.applying(progress);
    })?;
    spinner.end();
    Ok(Ended {
        text: match options.format {
            Format::Text => render(&plan, true, style),
            Format::Json => json(&plan)?,
        },
        code: 0,
    })
}

/// The sha256 of a text, as `sha256sum` prints it.
pub(crate) fn digest(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Shows a plan: green what is new, yellow what becomes different, red what goes; then what it costs and who notices.
pub fn render(plan: &Plan, applied: bool, style: Style) -> String {
    let mut parts = Vec::new();
    if !plan.changes.is_empty() {
        parts.push(changes(&plan.changes, style));
    }
    parts.extend(costs(&plan.changes, style));
    if !applied {
        parts.extend(locks(&plan.locks, style));
        parts.extend(notices(plan, style));
    }
    parts.extend(kept(&plan.kept, style));
    parts.push(last(plan, applied, style));
    parts.join("\n\n") + "\n"
}

/// The changes, rules below their tables.
pub(crate) fn changes(changes: &[Planned], style: Style) -> String {
    let mut lines = Vec::new();
    let mut section: Option<&str> = None;
    for change in changes {
        // Rules stand below their table, and everything else by itself.
        let table = match change.object {
            Object::Rule => change.table.as_deref(),
            Object::Table => Some(change.name.as_str()),
            _ => None,
        };
        if change.object == Object::Rule && table != section {
            let name = table_name(table.unwrap_or_default());
            lines.push(format!("  table   {}", style.bold(name)));
        }
        section = table;
        let indent = match change.object {
            Object::Rule => "  ",
            _ => "",
        };
        lines.extend(
            lines_of(change, style)
                .into_iter()
                .map(|line| format!("{indent}{line}")),
        );
    }
    lines.join("\n")
}

fn lines_of(change: &Planned, style: Style) -> Vec<String> {
    let tone = match change.verb {
        Verb::Create => Tone::Good,
        Verb::Change => Tone::Severity(Severity::Important),
        Verb::Drop => Tone::Severity(Severity::Critical),
    };
    let name = match (change.object, &change.table) {
        (Object::Table, _) => table_name(&change.name).to_owned(),
        (Object::Summary, Some(table)) => format!("{} of {}", change.name, table_name(table)),
        _ => change.name.clone(),
    };
    let sign = format!("{} {:<7}", change.verb.symbol(), change.object.name());
    let mut first = format!(
        "{} {}",
        style.paint(&Painted::new(sign, tone)),
        style.bold(&name)
    );
    if let (Some(severity), Some(action)) = (change.severity, change.action) {
        let severity = style.paint(&Painted::severity(severity.name()));
        let action = match action {
            Action::Flag => action.to_string(),
            Action::Quarantine | Action::Reject => style.bold(action.name()),
        };
        first.push_str(&format!("  {severity}, {action}"));
    }
    if !change.what.is_empty() {
        first.push_str(&format!("  {}", change.what));
    }
    let mut lines = vec![first];
    for difference in &change.differences {
        let shown = |text: &str| match text {
            "" => "(nothing)".to_owned(),
            text => text.to_owned(),
        };
        lines.push(format!(
            "    {}: {} → {}",
            difference.property,
            style.quiet(&shown(&difference.before)),
            shown(&difference.after)
        ));
    }
    let warning =
        |text: String| style.paint(&Painted::new(text, Tone::Severity(Severity::Important)));
    if let Some(failing) = change.failing.filter(|failing| failing.rows > 0) {
        lines.push(match failing.failing {
            0 if failing.sample.is_none() => style.good(&format!(
                "    ✓ no row of {} fails it now",
                number(failing.rows)
            )),
            0 => style.good(&format!("    ✓ {}", failing.in_words())),
            _ => warning(format!("    {}", failing.in_words())),
        });
    }
    lines.extend(
        change
            .notes
            .iter()
            .map(|note| warning(format!("    ! {note}"))),
    );
    lines
}

/// What the new rules cost whoever writes: one line for each class and table.
fn costs(changes: &[Planned], style: Style) -> Option<String> {
    let mut classes: BTreeMap<(&str, usize), (plan::Cost, i64)> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.verb != Verb::Drop) {
        if let (Some(cost), Some(table)) = (change.cost, &change.table) {
            let class = classes.entry((table, cost as usize)).or_insert((cost, 0));
            class.1 += 1;
        }
    }
    let mut columns = Columns::new(style, &["what a write pays", ">rules", "class", "cost"]);
    for ((table, _), (cost, rules)) in classes {
        columns.row(cells![
            table_name(table),
            number(rules),
            cost.name(),
            match cost {
                plan::Cost::Scan =>
                    Painted::new(cost.in_words(), Tone::Severity(Severity::Important)),
                _ => cost.in_words().into(),
            },
        ]);
    }
    (!columns.is_empty()).then(|| columns.render())
}

/// Who waits while the plan is applied, and for how long.
fn locks(locks: &[Lock], style: Style) -> Option<String> {
    let mut columns = Columns::new(
        style,
        &[
            "while it is applied",
            "lock",
            "what happens",
            "for (an estimate)",
        ],
    );
    for lock in locks {
        let what = match (lock.rows, lock.scans) {
            (_, 0) => "readers and writers wait".to_owned(),
            (0, scans) => format!("writers wait while it is read {}", times(scans)),
            (rows, scans) => format!(
                "writers wait while about {} are read {}",
                count(rows, "row"),
                times(scans)
            ),
        };
        columns.row(cells![
            table_name(&lock.table),
            lock.mode,
            what,
            lock.seconds.map_or_else(
                || match lock.scans {
                    0 => "a moment".to_owned(),
                    _ => "unknown".to_owned(),
                },
                estimate
            ),
        ]);
    }
    (!columns.is_empty()).then(|| columns.render())
}

fn times(scans: usize) -> String {
    match scans {
        1 => "once".to_owned(),
        scans => format!("{scans} times"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an estimate in seconds")]
fn estimate(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.0 => "under a second".to_owned(),
        seconds if seconds < 100.0 => format!("about {} s", seconds.ceil() as i64),
        seconds => format!("about {} min", (seconds / 60.0).ceil() as i64),
    }
}

/// What clients may notice from then on.
fn notices(plan: &Plan, style: Style) -> Option<String> {
    let mut columns = Columns::new(style, &["what clients may notice", "because of", "what"]);
    for notice in &plan.notices {
        columns.row(cells![
            table_name(&notice.table),
            notice.rules.join(", "),
            notice.what.as_str(),
        ]);
    }
    (!columns.is_empty()).then(|| columns.render())
}

/// What was declared by SQL, and is not or not so in the policy.
pub(crate) fn kept(kept: &[Kept], style: Style) -> Option<String> {
    if kept.is_empty() {
        return None;
    }
    let important = Tone::Severity(Severity::Important);
    let mut lines = Vec::new();
    for kept in kept {
        let what = match kept.what.as_str() {
            "" => String::new(),
            what => format!("  {what}"),
        };
        lines.push(format!(
            "{} {}{what}",
            style.paint(&Painted::new(
                format!("= {:<7}", kept.object.name()),
                important
            )),
            style.bold(table_name(&kept.full_name())),
        ));
        lines.push(format!(
            "    {}",
            style.paint(&Painted::new(
                format!(
                    "declared by {} by SQL on {}; {}",
                    kept.declared_by,
                    style.time(kept.declared_at),
                    if kept.in_policy {
                        "the policy has it otherwise:"
                    } else {
                        "not in the policy"
                    }
                ),
                important
            ))
        ));
        for difference in &kept.differences {
            lines.push(format!(
                "    {}: {} {}",
                difference.property,
                difference.before,
                style.quiet(&format!("(in the policy: {})", difference.after))
            ));
        }
    }
    Some(lines.join("\n"))
}

fn last(plan: &Plan, applied: bool, style: Style) -> String {
    let (create, change, drop) = plan.counts();
    let kept = plan.kept.len();
    if plan.is_empty() {
        return match kept {
            0 => style.good("nothing to do: the database is as the policy declares it"),
            kept => style.bold(&format!(
                "nothing to do; {kept} declared by SQL kept, which --prune would not"
            )),
        };
    }
    let kept = match kept {
        0 => String::new(),
        kept => format!(" · {kept} declared by SQL kept, which --prune would not"),
    };
    if applied {
        style.good(&format!(
            "✓ applied: {create} created · {change} changed · {drop} dropped{kept}"
        ))
    } else {
        style.bold(&format!(
            "{create} to create · {change} to change · {drop} to drop{kept} · nothing was changed; `audit apply` does it"
        ))
    }
}

/// When and by whom a policy was last applied, in one line.
pub(crate) fn last_apply(applied: &audit_schema::Applied, style: Style) -> String {
    let mut facts = vec![format!(
        "last applied {} by {}",
        style.time(applied.applied_at.with_timezone(&Utc)),
        applied.who()
    )];
    if applied.who() != applied.applied_by {
        facts.push(format!("as {}", applied.applied_by));
    }
    facts.push(applied.file.clone());
    facts.extend(
        applied
            .revision
            .as_ref()
            .map(|revision| format!("revision {}", revision.chars().take(12).collect::<String>())),
    );
    facts.join(" · ")
}
