//! What summaries say.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Double, Jsonb, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::Scope;
use crate::{Error, Result};

/// A declared summary that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SummaryShape {
    /// Its name, which is that of its view in `audit_compiled`.
    pub name: String,
    /// Schema and name of the table that it sums up.
    pub table: String,
    /// The width of a bucket and the zone that it begins in, if it has buckets.
    pub bucket: Option<(String, String)>,
    /// The columns that it is split by.
    pub groups: Vec<String>,
    /// Its measures that are numbers.
    pub measures: Vec<SummaryMeasure>,
}

/// A measure of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SummaryMeasure {
    /// Its name.
    pub name: String,
    /// `count`, `count_if`, `sum`, `avg`, `min`, `max` or `stddev`.
    pub function: String,
}

impl SummaryMeasure {
    /// Whether the measure of two groups is the sum of theirs.
    pub fn adds_up(&self) -> bool {
        matches!(self.function.as_str(), "count" | "count_if" | "sum")
    }
}

/// A measure of one group, in one bucket if there are buckets.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct SummaryPoint {
    /// Its group in words; empty without groups.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Start of its bucket.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub bucket: Option<DateTime<Utc>>,
    /// The measure; `None` where there is none.
    #[diesel(sql_type = Nullable<Double>)]
    pub value: Option<f64>,
    /// How many groups there are in all.
    #[diesel(sql_type = BigInt)]
    pub groups: i64,
}

/// The summaries that can be read, by name.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn summaries(connection: &mut PgConnection) -> Result<Vec<SummaryShape>> {
    let rows: Vec<Row> = diesel::sql_query(SHAPE).load(connection)?;
    Ok(rows.into_iter().map(Row::shape).collect())
}

/// The shape of a summary.
///
/// # Errors
/// [`Error::NoSummary`] if none has that name and is complete, and if the pipeline is not installed or may not be read.
pub fn summary(connection: &mut PgConnection, name: &str) -> Result<SummaryShape> {
    let mut all = summaries(connection)?;
    match all.iter().position(|summary| summary.name == name) {
        Some(place) => Ok(all.swap_remove(place)),
        None => Err(Error::NoSummary {
            name: name.to_owned(),
            known: all.into_iter().map(|summary| summary.name).collect(),
        }),
    }
}

const SHAPE: &str = "select
            summary.name,
            watched.name as table_name,
            summary.definition -> 'bucket' ->> 'width' as bucket,
            coalesce(summary.definition -> 'bucket' ->> 'time_zone', 'UTC') as time_zone,
            array(
                select part.value ->> 'name'
                from jsonb_array_elements(summary.definition -> 'checked') with ordinality as part (value, place)
                where part.value ->> 'role' = 'group'
                order by part.place
            ) as groups,
            coalesce((
                select jsonb_agg(
                    jsonb_build_object(
                        'name', part.value ->> 'name',
                        'function', part.value ->> 'role',
                        'number', part.value ->> 'role' not in ('min', 'max')
                            or coalesce(part.value ->> 'type', '') in ('smallint', 'integer', 'bigint', 'real', 'double precision')
                            or part.value ->> 'type' like 'numeric%'
                    )
                    order by part.place
                )
                from jsonb_array_elements(summary.definition -> 'checked') with ordinality as part (value, place)
                where part.value ->> 'role' not in ('bucket', 'group', 'where')
            ), '[]') as measures,
            jsonb_typeof(summary.definition -> 'bucket') is not distinct from 'object' as has_bucket
        from audit.summary as summary
        join audit.watched_table as watched
            on watched.table_id = summary.table_id
        where summary.standing
        order by summary.name";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    bucket: Option<String>,
    #[diesel(sql_type = Text)]
    time_zone: String,
    #[diesel(sql_type = Array<Text>)]
    groups: Vec<String>,
    #[diesel(sql_type = Jsonb)]
    measures: serde_json::Value,
    #[diesel(sql_type = Bool)]
    has_bucket: bool,
}

impl Row {
    fn shape(self) -> SummaryShape {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let measures = self.measures.as_array().cloned().unwrap_or_default();
        SummaryShape {
            name: self.name,
            table: self.table_name,
            bucket: self
                .has_bucket
                .then(|| (self.bucket.unwrap_or_default(), self.time_zone)),
            groups: self.groups,
            measures: measures
                .iter()
                .filter(|measure| measure["number"] == true)
                .map(|measure| SummaryMeasure {
                    name: text(&measure["name"]),
                    function: text(&measure["function"]),
                })
                .collect(),
        }
    }
}

/// How many buckets are read at most: the newest. A picture has fewer pixels.
pub const BUCKETS: i64 = 2_000;

/// A measure of a summary by group: of the groups with the largest values, at most `limit`, in their order, with their
/// buckets in the window in order of time.
///
/// # Errors
/// If the summary may not be read, or could not be folded.
pub fn summary_points(
    connection: &mut PgConnection,
    scope: &Scope,
    shape: &SummaryShape,
    measure: &SummaryMeasure,
    limit: i64,
) -> Result<Vec<SummaryPoint>> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let groups: Vec<String> = shape
        .groups
        .iter()
        .map(|group| format!("coalesce(summary.{}::text, 'null')", quoted(group)))
        .collect();
    let name = if groups.is_empty() {
        "''::text".to_owned()
    } else {
        format!("concat_ws(' · ', {})", groups.join(", "))
    };
    let (bucket, newest) = match shape.bucket {
        Some(_) => (
            "summary.bucket",
            format!(
                "where summary.bucket >= $4
                    and summary.bucket < $5
                    and summary.bucket >= (
                        select min(newest.bucket)
                        from (
                            select part.bucket
                            from audit_compiled.{} as part
                            where part.bucket >= $4
                                and part.bucket < $5
                            group by part.bucket
                            order by part.bucket desc
                            limit {BUCKETS}
                        ) as newest
                    )",
                quoted(&shape.name)
            ),
        ),
        None => ("null::timestamptz", String::new()),
    };
    let weight = if measure.adds_up() { "sum" } else { "avg" };
    Ok(scope
        .query(&format!(
            "with point as (
                select
                    {name} as name,
                    {bucket} as bucket,
                    -- What is no finite number has no place on a scale.
                    case when summary.{measure}::text not in ('NaN', 'Infinity', '-Infinity') then summary.{measure}::float8 end as value
                from audit_compiled.{view} as summary
                {newest}
            ), ranked as (
                select
                    point.name,
                    row_number() over (order by {weight}(abs(point.value)) desc nulls last, point.name) as place,
                    count(*) over () as groups
                from point
                group by point.name
            )
            select point.name, point.bucket, point.value, ranked.groups
            from point
            join ranked
                on ranked.name = point.name
            where ranked.place <= $8
            order by ranked.place, point.bucket",
            measure = quoted(&measure.name),
            view = quoted(&shape.name),
        ))
        .bind::<BigInt, _>(limit)
        .load(connection)?)
}
