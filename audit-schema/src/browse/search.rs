//! One search over everything that has a name.

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};

use super::MENTIONS;
use crate::Result;

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HitKind {
    /// A watched table.
    Table,
    /// A rule in force.
    Rule,
    /// Somebody who answers for tables or rules.
    Owner,
    /// A finding: about a row with this key, or with this identity.
    Finding,
    /// An alert.
    Alert,
}

/// Something that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What it is.
    pub kind: HitKind,
    /// Its number or identity; the name of an owner.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What else helps to recognise it.
    pub about: String,
    /// How bad it is, where it is.
    pub severity: Option<String>,
}

/// What mentions a text, at most so many of each kind. A finding is found by the primary key of one of its first rows, or
/// by the first characters of its identity.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn search(connection: &mut PgConnection, text: &str, most: i64) -> Result<Vec<Hit>> {
    let digits: String = text
        .chars()
        .filter(|character| *character != '-')
        .flat_map(char::to_lowercase)
        .collect();
    let identity =
        (4..=32).contains(&digits.len()) && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    let identity = identity.then_some(digits);
    let queries = [
        (
            HitKind::Table,
            format!(
                "select watched.table_id::text as id, watched.name, watched.why as about, null as severity
                from audit.watched_table as watched
                where watched.unwatched_at is null
                    and {MENTIONS}watched.name, watched.why))) > 0
                order by length(watched.name), watched.name
                limit $2"
            ),
        ),
        (
            HitKind::Rule,
            format!(
                "select rule.rule_id::text as id, rule.name, watched.name as about, rule.severity
                from audit.rule as rule
                join audit.watched_table as watched on watched.table_id = rule.table_id
                where rule.retired_at is null
                    and watched.unwatched_at is null
                    and {MENTIONS}rule.name, rule.why))) > 0
                order by length(rule.name), rule.name, watched.name
                limit $2"
            ),
        ),
        (
            HitKind::Owner,
            format!(
                "select owner.name as id, owner.name, sum(owner.tables)::text || ' tables, ' || sum(owner.rules)::text || ' rules' as about, null as severity
                from (
                    select watched.owner as name, 1 as tables, 0 as rules
                    from audit.watched_table as watched
                    where watched.unwatched_at is null
                    union all
                    select rule.owner, 0, 1
                    from audit.rule as rule
                    where rule.retired_at is null
                ) as owner
                where owner.name <> '' and {MENTIONS}owner.name))) > 0
                group by owner.name
                order by owner.name
                limit $2"
            ),
        ),
        (
            HitKind::Alert,
            format!(
                "select alert.alert_id::text as id, alert.title as name, alert.policy || ', ' || alert.state as about, alert.severity
                from audit.alert as alert
                where alert.fired_at is not null
                    and (
                        {MENTIONS}alert.policy, alert.title, alert.owner))) > 0
                        or alert.alert_id between rpad($3, 32, '0')::uuid and rpad($3, 32, 'f')::uuid
                    )
                order by alert.state = 'resolved', alert.opened_at desc, alert.alert_id
                limit $2"
            ),
        ),
        (
            HitKind::Finding,
            "select finding.finding_id::text as id, rule.name, watched.name as about, rule.severity
            from audit.finding as finding
            join audit.rule as rule on rule.rule_id = finding.rule_id
            join audit.watched_table as watched on watched.table_id = finding.table_id
            where finding.finding_id in (
                select found.finding_id
                from audit.finding as found
                where found.finding_id between rpad($3, 32, '0')::uuid and rpad($3, 32, 'f')::uuid
                union all
                select found.finding_id
                from audit.finding as found
                where found.keys @> array[$1]
                limit $2
            )
            order by coalesce(finding.occurred_at, finding.at) desc, finding.finding_id
            limit $2"
                .to_owned(),
        ),
    ];
    let mut hits = Vec::new();
    for (kind, query) in queries {
        let rows: Vec<Row> = diesel::sql_query(query)
            .bind::<Text, _>(text)
            .bind::<BigInt, _>(most)
            .bind::<Nullable<Text>, _>(&identity)
            .load(connection)?;
        hits.extend(rows.into_iter().map(|row| Hit {
            kind,
            id: row.id,
            name: row.name,
            about: row.about,
            severity: row.severity,
        }));
    }
    Ok(hits)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    about: String,
    #[diesel(sql_type = Nullable<Text>)]
    severity: Option<String>,
}
