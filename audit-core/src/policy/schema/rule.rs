//! The schema of rules.

use serde_json::{Value, json};

use super::{
    by_column, fix_within, list, mode, number, object, period, positive, severity, text, texts,
    truth, value, whole, word,
};
use crate::{Action, Format, Nulls, RuleKind};

/// A rule: the words that every rule may say, and one kind.
pub(super) fn rule() -> Value {
    let mut properties = vec![
        (
            "name",
            json!({
                "type": "string",
                "pattern": "^[a-z_]|\\$\\{",
                "description": "Its name, unique in the table. An expression and a query need one.",
            }),
        ),
        (
            "severity",
            severity("How much a failure matters: who hears of it, and how soon it must be fixed."),
        ),
        (
            "action",
            word(
                &Action::ALL.map(Action::name),
                "What happens to a row that fails: `flag` writes it, `quarantine` sets it aside, `reject` refuses the statement.",
            ),
        ),
        ("mode", mode()),
        ("owner", text("Who fixes what fails.")),
        (
            "why",
            text("Why the rule exists, in the words of its owner."),
        ),
        (
            "fix_within",
            fix_within("How long a failure may last, or `none`."),
        ),
        (
            "where",
            text("The rule is about rows for which this SQL condition is true."),
        ),
        (
            "nulls",
            word(
                &[Nulls::Pass, Nulls::Fail].map(Nulls::name),
                "Whether a predicate that is null passes.",
            ),
        ),
        (
            "on_error",
            word(
                &["pass", "block", "keep", "fail"],
                "What it means that the rule itself raises an error: to a write `pass` or `block`, for a rule that the tick asks `keep` or `fail`.",
            ),
        ),
        (
            "mostly",
            number("The share of rows that has to pass, for example `0.95`."),
        ),
        (
            "shadow",
            truth(
                "Whether the rule is on trial: evaluated and counted, without acting and without alerts.",
            ),
        ),
        ("every", period("How often the tick asks.")),
        (
            "on_no_data",
            word(
                &["pass", "keep", "fail"],
                "What it means that there is nothing to judge.",
            ),
        ),
    ];
    properties.extend(RuleKind::NAMES.map(|name| (name, kind(name))));
    let mut rule = object(
        "a rule",
        "What correct rows look like: one kind, what it is about, and what follows if a row fails.",
        properties,
        &[],
    );
    rule["oneOf"] = RuleKind::NAMES
        .iter()
        .map(|name| json!({ "required": [name] }))
        .collect();
    rule
}

/// What a kind of rule is about.
fn kind(name: &str) -> Value {
    let title = format!("`{name}`");
    let title = title.as_str();
    match name {
        "not_null" => texts("These columns are never null."),
        "not_blank" => texts("These columns are neither null nor empty nor only blanks."),
        "one_of" => by_column(
            "These columns have one of these values: `{ origin: [EWR, JFK] }`.",
            list("The values.", value()),
        ),
        "not_one_of" => by_column(
            "These columns have none of these values.",
            list("The values.", value()),
        ),
        "range" => by_column(
            "These columns lie between bounds: `{ distance: { min: 1 } }`.",
            at_least_one(object(
                title,
                "The bounds, both included.",
                [
                    ("min", bound("The lowest value.")),
                    ("max", bound("The highest value.")),
                ],
                &[],
            )),
        ),
        "length" => by_column(
            "These texts have so many characters: `{ carrier: { min: 2, max: 2 } }`.",
            at_least_one(object(
                title,
                "The bounds, both included.",
                [
                    ("min", whole("The least number of characters.", 0)),
                    ("max", whole("The greatest number of characters.", 0)),
                ],
                &[],
            )),
        ),
        "matches" => by_column(
            "These texts match a regular expression of PostgreSQL.",
            text("The regular expression."),
        ),
        "format" => by_column(
            "These texts have a format: `{ contact: email }`.",
            word(&Format::ALL.map(Format::name), "The format."),
        ),
        "not_future" => json!({
            "description": "These times are not in the future.",
            "anyOf": [texts("Columns."), by_column("Columns and how much clocks may differ.", object(
                title,
                "What is allowed.",
                [("tolerance", period("By how much clocks may differ."))],
                &[],
            ))],
        }),
        "expression" => {
            text("An SQL condition over the row that is true of every correct one. Needs a `name`.")
        }
        "references" => by_column(
            "Each value is found in a column of another table: `{ carrier: public.airlines.carrier }`.",
            text("The other column, as `schema.table.column`."),
        ),
        "unique" => texts("No two rows have the same values in these columns together."),
        "no_overlap" => object(
            title,
            "No two rows overlap in time, or in another range.",
            [
                (
                    "columns",
                    texts(
                        "What may not be taken twice, for example `[room]`; without it all rows are compared.",
                    ),
                ),
                ("from", text("The column in which a row begins.")),
                ("to", text("The column in which it ends.")),
            ],
            &["from", "to"],
        ),
        "immutable" => texts("These columns never change."),
        "transition" => by_column(
            "From each value to which others a column may change: `{ status: { new: [open], open: closed, closed: [] } }`.",
            by_column(
                "To which values each value may change.",
                json!({ "anyOf": [value(), { "type": "array", "items": value() }] }),
            ),
        ),
        "max_change" => by_column(
            "By how much a column may change at once.",
            at_least_one(object(
                title,
                "The bounds.",
                [
                    ("absolute", digits("The greatest difference.")),
                    (
                        "relative",
                        digits(
                            "The greatest difference as a share of the value before: `0.5` is half of it.",
                        ),
                    ),
                ],
                &[],
            )),
        ),
        "writers" => at_least_one(object(
            title,
            "Who may write.",
            [
                (
                    "roles",
                    texts("Roles: the one that logged in, or the one it has taken on."),
                ),
                ("applications", texts("Values of `application_name`.")),
            ],
            &[],
        )),
        "sql" => text("A query that gives no row if all is well. Needs a `name`."),
        _ => time_driven(name, title),
    }
}

fn time_driven(name: &str, title: &str) -> Value {
    let rows = || {
        [
            (
                "column",
                text(
                    "The column in which rows have their time; without it, when they were written.",
                ),
            ),
            (
                "time_zone",
                text("Whose midnight begins a day. By default that of the defaults, or UTC."),
            ),
            (
                "group_by",
                texts(
                    "The rule is about each group of rows with the same values in these columns.",
                ),
            ),
        ]
    };
    match name {
        "fresh" => object(
            title,
            "Something new comes often enough.",
            [
                ("within", period("How old the newest may be.")),
                ("during", text("Hours in which it matters: `05:00-23:00 America/New_York`, `Mon-Fri 08:00-18:00 Europe/London`.")),
            ]
            .into_iter()
            .chain(rows()),
            &["within"],
        ),
        "gap" => object(
            title,
            "Every stretch of time has at least one row.",
            [
                ("width", period("How long a stretch is.")),
                ("over", period("How far back it is looked.")),
                ("until", word(&["last", "now"], "Where the last stretch ends: with the last row, or now.")),
            ]
            .into_iter()
            .chain(rows()),
            &["width", "column"],
        ),
        "row_count" => object(
            title,
            "The last window that is over has neither too few nor too many rows.",
            [
                ("per", period("How long a window is.")),
                ("min", whole("The least number of rows.", 0)),
                ("max", whole("The greatest number of rows.", 0)),
            ]
            .into_iter()
            .chain(rows()),
            &["per"],
        ),
        "volume" => object(
            title,
            "The last window that is over has about as many rows as the same one in other weeks.",
            [
                ("per", period("How long a window is.")),
                ("history", period("How far back it is compared; by default 8 weeks.")),
                ("minimum", whole("With how many windows it must be compared at least; by default 4.", 1)),
                ("threshold", positive("How unlike the others a window may be, as a robust z-score; by default 3.5.")),
                ("direction", word(&["both", "drop", "spike"], "Whether too few, too many or both matter.")),
            ]
            .into_iter()
            .chain(rows()),
            &["per"],
        ),
        "reconcile" => object(
            title,
            "Two tables agree, by group.",
            [
                ("count", text("The other table, as `schema.table`: both have the same number of rows.")),
                ("sum", json!({
                    "type": "object",
                    "description": "The sums of two columns agree: `{ amount: public.ledger.total }`.",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": text("The other column, as `schema.table.column`."),
                })),
                ("tolerance", positive("By how much they may differ.")),
                ("group_by", texts("Columns that both tables have.")),
            ],
            &[],
        ),
        "bounds" => object(
            title,
            "A value of a summary lies between bounds, in every group.",
            [
                ("on", text("The summary.")),
                ("value", text("An SQL expression over its groups and measures.")),
                ("min", number("The lowest value.")),
                ("max", number("The highest value.")),
                ("when", text("Only groups of which this SQL condition is true matter.")),
                ("bucket", word(&["current", "complete"], "Which bucket is looked at: the current one, or the last that is over.")),
            ],
            &["on", "value"],
        ),
        // A kind that is not described here would have no completion: a test says so.
        _ => json!({}),
    }
}

/// A number above 0; one of many digits may stand between quotes.
fn digits(about: &str) -> Value {
    let number = json!({ "type": "number", "exclusiveMinimum": 0 });
    let text = json!({ "type": "string", "pattern": "^[^-]*[0-9]|\\$\\{" });
    json!({ "description": about, "anyOf": [number, text] })
}

fn bound(about: &str) -> Value {
    json!({ "type": ["string", "number"], "description": about })
}

fn at_least_one(mut object: Value) -> Value {
    object["minProperties"] = json!(1);
    object
}
