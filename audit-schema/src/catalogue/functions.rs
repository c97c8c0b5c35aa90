//! The pipeline's functions, and the triggers that call them.

use diesel::sql_types::{Array, Bool, SmallInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};

use super::{Function, Trigger};
use crate::Result;

pub(super) fn triggers(connection: &mut PgConnection) -> Result<Vec<Trigger>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        table: String,
        #[diesel(sql_type = SmallInt)]
        kind: i16,
        #[diesel(sql_type = Text)]
        function: String,
        #[diesel(sql_type = Bool)]
        enabled: bool,
        #[diesel(sql_type = Bool)]
        own: bool,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            t.tgname::text as name,
            n.nspname || '.' || c.relname as \"table\",
            t.tgtype as kind,
            function_schema.nspname || '.' || f.proname as function,
            t.tgenabled <> 'D' as enabled,
            n.nspname in ('audit', 'audit_compiled') as own
        from pg_trigger as t
        join pg_class as c
            on c.oid = t.tgrelid
        join pg_namespace as n
            on n.oid = c.relnamespace
        join pg_proc as f
            on f.oid = t.tgfoid
        join pg_namespace as function_schema
            on function_schema.oid = f.pronamespace
        where not t.tgisinternal
            and function_schema.nspname in ('audit', 'audit_compiled')
            and not (c.relispartition and n.nspname in ('audit', 'audit_compiled'))
        order by own desc, n.nspname collate \"C\", c.relname collate \"C\", t.tgname collate \"C\"",
    )
    .load(connection)?;
    #[derive(QueryableByName)]
    struct EventRow {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        event: String,
        #[diesel(sql_type = Text)]
        function: String,
        #[diesel(sql_type = Bool)]
        enabled: bool,
    }
    let events: Vec<EventRow> = diesel::sql_query(
        "select
            e.evtname::text as name,
            e.evtevent::text as event,
            n.nspname || '.' || f.proname as function,
            e.evtenabled <> 'D' as enabled
        from pg_event_trigger as e
        join pg_proc as f
            on f.oid = e.evtfoid
        join pg_namespace as n
            on n.oid = f.pronamespace
        where n.nspname in ('audit', 'audit_compiled')
        order by e.evtname collate \"C\"",
    )
    .load(connection)?;
    let on_tables = rows.into_iter().map(|row| Trigger {
        name: row.name,
        table: row.table,
        fires: fires(row.kind),
        function: row.function,
        enabled: row.enabled,
        own: row.own,
    });
    let on_events = events.into_iter().map(|row| Trigger {
        name: row.name,
        table: "the database".to_owned(),
        fires: format!("on {}", row.event.replace('_', " ")),
        function: row.function,
        enabled: row.enabled,
        own: true,
    });
    Ok(on_tables.chain(on_events).collect())
}

pub(super) fn functions(connection: &mut PgConnection) -> Result<Vec<Function>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        schema: String,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        arguments: String,
        #[diesel(sql_type = Text)]
        returns: String,
        #[diesel(sql_type = Text)]
        language: String,
        #[diesel(sql_type = Text)]
        volatility: String,
        #[diesel(sql_type = Bool)]
        definer: bool,
        #[diesel(sql_type = Text)]
        search_path: String,
        #[diesel(sql_type = Text)]
        comment: String,
        #[diesel(sql_type = Array<Text>)]
        callers: Vec<String>,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            n.nspname::text as schema,
            f.proname::text as name,
            pg_get_function_arguments(f.oid) as arguments,
            coalesce(pg_get_function_result(f.oid), '') as returns,
            l.lanname::text as language,
            case f.provolatile
                when 'i' then 'immutable'
                when 's' then 'stable'
                else 'volatile'
            end as volatility,
            f.prosecdef as definer,
            coalesce(
                (
                    select regexp_replace(setting, '^search_path=', '')
                    from unnest(f.proconfig) as setting
                    where setting like 'search\\_path=%'
                ),
                ''
            ) as search_path,
            coalesce(obj_description(f.oid, 'pg_proc'), '') as comment,
            array(
                select distinct coalesce(r.rolname::text, 'everybody') collate \"C\"
                from aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as acl
                left join pg_roles as r
                    on r.oid = acl.grantee
                where acl.grantee <> f.proowner
                    and (acl.grantee = 0 or r.rolname like 'audit\\_%')
                order by 1
            ) as callers
        from pg_proc as f
        join pg_namespace as n
            on n.oid = f.pronamespace
        join pg_language as l
            on l.oid = f.prolang
        where n.nspname in ('audit', 'audit_compiled')
        order by
            n.nspname collate \"C\",
            f.proname collate \"C\",
            pg_get_function_identity_arguments(f.oid) collate \"C\"",
    )
    .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|row| Function {
            schema: row.schema,
            name: row.name,
            arguments: row.arguments,
            returns: row.returns,
            language: row.language,
            volatility: row.volatility,
            definer: row.definer,
            search_path: row.search_path,
            comment: without_digest(&row.comment),
            callers: row.callers,
        })
        .collect())
}

/// The words for `pg_trigger.tgtype`; its bits are documented in PostgreSQL's `catalog/pg_trigger.h`.
fn fires(kind: i16) -> String {
    let when = match (kind & 2 != 0, kind & 64 != 0) {
        (true, _) => "before",
        (_, true) => "instead of",
        _ => "after",
    };
    let events: Vec<&str> = [
        (4, "insert"),
        (16, "update"),
        (8, "delete"),
        (32, "truncate"),
    ]
    .into_iter()
    .filter(|(bit, _)| kind & bit != 0)
    .map(|(_, event)| event)
    .collect();
    let each = if kind & 1 != 0 { "row" } else { "statement" };
    format!("{when} {}, for each {each}", events.join(" or "))
}

/// The comment of a generated function without the digest of the declarations that it came from.
fn without_digest(comment: &str) -> String {
    match comment.split_once(" from the declarations with the digest ") {
        Some((what, _)) => format!("{what}."),
        None => comment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_told_in_words() {
        assert_eq!(fires(4), "after insert, for each statement");
        assert_eq!(
            fires(1 | 2 | 16 | 8),
            "before update or delete, for each row"
        );
    }

    #[test]
    fn comments_of_generated_functions_lose_their_digest() {
        let comment = "Logs every insert. Generated by audit.compile() from the declarations with the digest 3db3a7df.";
        assert_eq!(
            without_digest(comment),
            "Logs every insert. Generated by audit.compile()."
        );
        assert_eq!(without_digest("Refuses."), "Refuses.");
    }
}
