//! What is installed, read from PostgreSQL's own catalogue: tables, views, triggers, functions and roles with their
//! comments and rights; and what is declared: watched tables with their rules, summaries, alert policies, channels.
//!
//! Everything is in a fixed order and nothing in it depends on when or where the pipeline was installed: there are no
//! object numbers, no times, and no partitions of the log, which come and go with the months.

use std::collections::BTreeMap;

use audit_core::{Action, RuleKind, Severity};
use diesel::pg::sql_types::Oid;
use diesel::sql_types::{Array, Bool, Integer, Jsonb, Nullable, SmallInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use crate::{Error, Result};

/// Everything that is installed and declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Catalogue {
    /// The pipeline's two schemas.
    pub schemas: Vec<Schema>,
    /// The pipeline's tables, and the watched ones.
    pub tables: Vec<Table>,
    /// The pipeline's views.
    pub views: Vec<View>,
    /// Triggers that call the pipeline, on its own and on watched tables.
    pub triggers: Vec<Trigger>,
    /// The pipeline's functions.
    pub functions: Vec<Function>,
    /// The pipeline's roles.
    pub roles: Vec<Role>,
    /// The watched tables as declared, with their rules and summaries.
    pub watched: Vec<Watched>,
    /// The alert policies in force.
    pub alert_policies: Vec<Declared>,
    /// The channels in force.
    pub channels: Vec<Declared>,
    /// The routes in force, in the order in which they are tried.
    pub routes: Vec<Declared>,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub comment: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub comment: String,
    /// How it is partitioned, for example `RANGE (month)`; empty if it is not.
    pub partitioned: String,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// Its constraints: the primary key first, then by name.
    pub constraints: Vec<Constraint>,
    /// What it refers to.
    pub references: Vec<Reference>,
    /// Its indexes that are not behind a constraint.
    pub indexes: Vec<Index>,
    /// Who else than its owner may do what.
    pub rights: Vec<Right>,
}

impl Table {
    /// Schema and name.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: String,
    /// Whether it must have a value.
    pub not_null: bool,
    /// What it is when nothing is given; empty if nothing.
    pub default: String,
    /// What is in it.
    pub comment: String,
    /// Whether it belongs to the primary key.
    pub key: bool,
}

/// A constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Constraint {
    /// The fact that it holds.
    pub name: String,
    /// Its definition in SQL.
    pub definition: String,
}

/// From columns of one table to another table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// The columns that refer.
    pub columns: Vec<String>,
    /// Schema and name of the other table.
    pub to: String,
    /// Its columns.
    pub to_columns: Vec<String>,
    /// Whether PostgreSQL checks it. Log tables carry no foreign keys, because a writer must not lock what another
    /// writer locks; their columns say in their comments what they refer to.
    pub checked: bool,
    /// Whether a row may refer to nothing.
    pub optional: bool,
    /// Whether at most one row refers to each row of the other table.
    pub one: bool,
    /// Whether one row refers to several rows of the other table: a column with an array.
    pub many: bool,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its definition, from the method on.
    pub definition: String,
    /// Whether it allows a value once only.
    pub unique: bool,
}

/// What somebody may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Right {
    /// A role, or `everybody`.
    pub role: String,
    /// In lower case, in the order of the alphabet: `insert`, `select`, `execute` …
    pub privileges: Vec<String>,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it shows.
    pub comment: String,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// The pipeline's tables and views that it reads, by schema and name.
    pub reads: Vec<String>,
    /// Who else than its owner may do what.
    pub rights: Vec<Right>,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// Schema and name of its table.
    pub table: String,
    /// When it fires: `after insert, for each statement`.
    pub fires: String,
    /// Schema and name of the function that it calls.
    pub function: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether its table is one of the pipeline's own.
    pub own: bool,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its arguments with names, types and defaults.
    pub arguments: String,
    /// What it returns.
    pub returns: String,
    /// The language it is written in.
    pub language: String,
    /// `immutable`, `stable` or `volatile`.
    pub volatility: String,
    /// Whether it runs with the rights of its owner instead of those of its caller.
    pub definer: bool,
    /// The search_path that it sets for itself; empty if none.
    pub search_path: String,
    /// What it does.
    pub comment: String,
    /// Who else than its owner may call it.
    pub callers: Vec<String>,
}

impl Function {
    /// Whether only the pipeline itself calls it: its name begins with an underscore, it is a trigger function, or it is
    /// generated.
    pub fn internal(&self) -> bool {
        self.name.starts_with('_')
            || self.schema == "audit_compiled"
            || matches!(self.returns.as_str(), "trigger" | "event_trigger")
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether somebody can log in as it.
    pub can_login: bool,
    /// How many tables, views and functions of the pipeline it owns.
    pub owns: i32,
}

/// A watched table as declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Watched {
    /// Schema and name.
    pub name: String,
    /// Why it is watched.
    pub why: String,
    /// Who answers for its data.
    pub owner: String,
    /// The columns of its primary key.
    pub key_columns: Vec<String>,
    /// Its rules in force, the worst severity first.
    pub rules: Vec<DeclaredRule>,
    /// The summaries of it, by name.
    pub summaries: Vec<Declared>,
}

/// A rule as declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeclaredRule {
    /// Its name.
    pub name: String,
    /// Its kind, as the policy spells it.
    pub kind: String,
    /// What it demands, in words.
    pub demands: String,
    /// The columns that it reads.
    pub columns: Vec<String>,
    /// It is about rows for which this SQL condition is true; empty means about all.
    pub condition: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// What happens to a failing row.
    pub action: Action,
    /// Who has to fix what fails.
    pub owner: String,
    /// Why it exists.
    pub why: String,
    /// How long a failure may last, in words; empty means for ever.
    pub fix_within: String,
    /// Whether a predicate that is null fails.
    pub nulls_fail: bool,
    /// Whether an error of the rule itself fails the write.
    pub error_blocks: bool,
}

/// Anything else that is declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Declared {
    /// Its name; of a route its position.
    pub name: String,
    /// Who it belongs to, where that is known; of a channel the provider.
    pub owner: String,
    /// As declared.
    pub definition: serde_json::Value,
}

/// Reads everything that is installed and declared.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn read(connection: &mut PgConnection) -> Result<Catalogue> {
    crate::metrics::in_one_snapshot(connection, |connection| {
        Ok(Catalogue {
            schemas: schemas(connection)?,
            tables: tables(connection)?,
            views: views(connection)?,
            triggers: triggers(connection)?,
            functions: functions(connection)?,
            roles: roles(connection)?,
            watched: watched(connection)?,
            alert_policies: declared(
                connection,
                "select policy.name, policy.owner, policy.definition
                from audit.alert_policy as policy
                where policy.retired_at is null
                order by policy.name collate \"C\"",
            )?,
            channels: declared(
                connection,
                "select channel.name, channel.provider as owner, channel.definition
                from audit.channel as channel
                where channel.retired_at is null
                order by channel.name collate \"C\"",
            )?,
            routes: declared(
                connection,
                "select route.position::text as name, '' as owner, route.definition
                from audit.route as route
                where route.retired_at is null
                order by route.position",
            )?,
        })
    })
}

fn schemas(connection: &mut PgConnection) -> Result<Vec<Schema>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        comment: String,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            n.nspname::text as name,
            coalesce(obj_description(n.oid, 'pg_namespace'), '') as comment
        from pg_namespace as n
        where n.nspname in ('audit', 'audit_compiled')
        order by n.nspname collate \"C\"",
    )
    .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|row| Schema {
            name: row.name,
            comment: row.comment,
        })
        .collect())
}

#[derive(QueryableByName)]
struct RelationRow {
    #[diesel(sql_type = Oid)]
    id: u32,
    #[diesel(sql_type = Text)]
    schema: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    comment: String,
    #[diesel(sql_type = Text)]
    partitioned: String,
}

fn tables(connection: &mut PgConnection) -> Result<Vec<Table>> {
    let relations: Vec<RelationRow> = diesel::sql_query(
        "select
            c.oid as id,
            n.nspname::text as schema,
            c.relname::text as name,
            coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
            coalesce(pg_get_partkeydef(c.oid), '') as partitioned
        from pg_class as c
        join pg_namespace as n
            on n.oid = c.relnamespace
        where c.relkind in ('r', 'p')
            and not c.relispartition
            and (
                n.nspname in ('audit', 'audit_compiled')
                or c.oid in (select w.relation from audit.watched_table as w where w.unwatched_at is null)
            )
        order by n.nspname collate \"C\", c.relname collate \"C\"",
    )
    .load(connection)?;
    let mut columns = columns(connection)?;
    let mut constraints = constraints(connection)?;
    let mut foreign_keys = foreign_keys(connection)?;
    let mut indexes = indexes(connection)?;
    let mut rights = relation_rights(connection)?;
    let mut tables: Vec<Table> = relations
        .into_iter()
        .map(|relation| Table {
            columns: columns.remove(&relation.id).unwrap_or_default(),
            constraints: constraints.remove(&relation.id).unwrap_or_default(),
            references: foreign_keys.remove(&relation.id).unwrap_or_default(),
            indexes: indexes.remove(&relation.id).unwrap_or_default(),
            rights: rights.remove(&relation.id).unwrap_or_default(),
            schema: relation.schema,
            name: relation.name,
            comment: relation.comment,
            partitioned: relation.partitioned,
        })
        .collect();
    add_unchecked_references(&mut tables);
    Ok(tables)
}

/// Adds the references that are only told in comments: `References audit.rule.`
fn add_unchecked_references(tables: &mut [Table]) {
    let keys: BTreeMap<String, Vec<String>> = tables
        .iter()
        .map(|table| {
            let key = table
                .columns
                .iter()
                .filter(|column| column.key)
                .map(|column| column.name.clone());
            (table.full_name(), key.collect())
        })
        .collect();
    for table in tables.iter_mut() {
        let told: Vec<Reference> = table
            .columns
            .iter()
            .filter_map(|column| {
                let (_, rest) = column.comment.split_once("References ")?;
                let to = rest.trim_end_matches('.').to_owned();
                let to_columns = keys.get(&to)?.clone();
                Some(Reference {
                    columns: vec![column.name.clone()],
                    to,
                    to_columns,
                    checked: false,
                    optional: !column.not_null,
                    one: column.key && table.columns.iter().filter(|other| other.key).count() == 1,
                    many: column.data_type.ends_with("[]"),
                })
            })
            .collect();
        table.references.extend(told);
    }
}

fn columns(connection: &mut PgConnection) -> Result<BTreeMap<u32, Vec<Column>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Oid)]
        relation: u32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        data_type: String,
        #[diesel(sql_type = Bool)]
        not_null: bool,
        #[diesel(sql_type = Text)]
        value: String,
        #[diesel(sql_type = Text)]
        comment: String,
        #[diesel(sql_type = Bool)]
        key: bool,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            a.attrelid as relation,
            a.attname::text as name,
            format_type(a.atttypid, a.atttypmod) as data_type,
            a.attnotnull as not_null,
            case a.attidentity
                when 'a' then 'generated always as identity'
                when 'd' then 'generated by default as identity'
                else coalesce(pg_get_expr(d.adbin, d.adrelid), '')
            end as value,
            coalesce(col_description(a.attrelid, a.attnum), '') as comment,
            coalesce(a.attnum = any (k.conkey), false) as key
        from pg_attribute as a
        join pg_class as c
            on c.oid = a.attrelid
        join pg_namespace as n
            on n.oid = c.relnamespace
        left join pg_attrdef as d
            on d.adrelid = a.attrelid
            and d.adnum = a.attnum
        left join pg_constraint as k
            on k.conrelid = a.attrelid
            and k.contype = 'p'
        where a.attnum > 0
            and not a.attisdropped
            and c.relkind in ('r', 'p', 'v', 'm')
            and (
                n.nspname in ('audit', 'audit_compiled')
                or c.oid in (select w.relation from audit.watched_table as w where w.unwatched_at is null)
            )
        order by a.attrelid, a.attnum",
    )
    .load(connection)?;
    Ok(grouped(rows, |row| {
        let column = Column {
            name: row.name,
            data_type: row.data_type,
            not_null: row.not_null,
            default: row.value,
            comment: row.comment,
            key: row.key,
        };
        (row.relation, column)
    }))
}

fn constraints(connection: &mut PgConnection) -> Result<BTreeMap<u32, Vec<Constraint>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Oid)]
        relation: u32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        definition: String,
    }
    // PostgreSQL 18 lists every NOT NULL as a constraint; the columns say it already.
    let rows: Vec<Row> = diesel::sql_query(
        "select
            k.conrelid as relation,
            k.conname::text as name,
            pg_get_constraintdef(k.oid) as definition
        from pg_constraint as k
        where k.conrelid <> 0
            and k.contype in ('p', 'u', 'c', 'f', 'x')
        order by k.conrelid, array_position(array['p', 'u', 'f', 'c', 'x'], k.contype::text), k.conname collate \"C\"",
    )
    .load(connection)?;
    Ok(grouped(rows, |row| {
        (
            row.relation,
            Constraint {
                name: row.name,
                definition: row.definition,
            },
        )
    }))
}

fn foreign_keys(connection: &mut PgConnection) -> Result<BTreeMap<u32, Vec<Reference>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Oid)]
        relation: u32,
        #[diesel(sql_type = Array<Text>)]
        columns: Vec<String>,
        #[diesel(sql_type = Text)]
        other: String,
        #[diesel(sql_type = Array<Text>)]
        other_columns: Vec<String>,
        #[diesel(sql_type = Bool)]
        optional: bool,
        #[diesel(sql_type = Bool)]
        one: bool,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            k.conrelid as relation,
            array(
                select a.attname::text
                from unnest(k.conkey) with ordinality as column_number (attnum, place)
                join pg_attribute as a
                    on a.attrelid = k.conrelid
                    and a.attnum = column_number.attnum
                order by column_number.place
            ) as columns,
            n.nspname || '.' || c.relname as other,
            array(
                select a.attname::text
                from unnest(k.confkey) with ordinality as column_number (attnum, place)
                join pg_attribute as a
                    on a.attrelid = k.confrelid
                    and a.attnum = column_number.attnum
                order by column_number.place
            ) as other_columns,
            exists (
                select
                from pg_attribute as a
                where a.attrelid = k.conrelid
                    and a.attnum = any (k.conkey)
                    and not a.attnotnull
            ) as optional,
            exists (
                select
                from pg_constraint as u
                where u.conrelid = k.conrelid
                    and u.contype in ('p', 'u')
                    and u.conkey <@ k.conkey
            ) as one
        from pg_constraint as k
        join pg_class as c
            on c.oid = k.confrelid
        join pg_namespace as n
            on n.oid = c.relnamespace
        where k.contype = 'f'
        order by k.conrelid, k.conname collate \"C\"",
    )
    .load(connection)?;
    Ok(grouped(rows, |row| {
        let reference = Reference {
            columns: row.columns,
            to: row.other,
            to_columns: row.other_columns,
            checked: true,
            optional: row.optional,
            one: row.one,
            many: false,
        };
        (row.relation, reference)
    }))
}

fn indexes(connection: &mut PgConnection) -> Result<BTreeMap<u32, Vec<Index>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Oid)]
        relation: u32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        definition: String,
        #[diesel(sql_type = Bool)]
        unique: bool,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            i.indrelid as relation,
            c.relname::text as name,
            regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') as definition,
            i.indisunique as \"unique\"
        from pg_index as i
        join pg_class as c
            on c.oid = i.indexrelid
        where not exists (select from pg_constraint as k where k.conindid = i.indexrelid)
        order by i.indrelid, c.relname collate \"C\"",
    )
    .load(connection)?;
    Ok(grouped(rows, |row| {
        (
            row.relation,
            Index {
                name: row.name,
                definition: row.definition,
                unique: row.unique,
            },
        )
    }))
}

fn relation_rights(connection: &mut PgConnection) -> Result<BTreeMap<u32, Vec<Right>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Oid)]
        relation: u32,
        #[diesel(sql_type = Text)]
        role: String,
        #[diesel(sql_type = Array<Text>)]
        privileges: Vec<String>,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            c.oid as relation,
            coalesce(r.rolname::text, 'everybody') as role,
            array_agg(distinct lower(acl.privilege_type) collate \"C\" order by lower(acl.privilege_type) collate \"C\") as privileges
        from pg_class as c
        cross join lateral aclexplode(c.relacl) as acl
        left join pg_roles as r
            on r.oid = acl.grantee
        where acl.grantee <> c.relowner
            and (acl.grantee = 0 or r.rolname like 'audit\\_%')
        group by c.oid, r.rolname
        order by c.oid, coalesce(r.rolname::text, 'everybody') collate \"C\"",
    )
    .load(connection)?;
    Ok(grouped(rows, |row| {
        (
            row.relation,
            Right {
                role: row.role,
                privileges: row.privileges,
            },
        )
    }))
}

fn views(connection: &mut PgConnection) -> Result<Vec<View>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Oid)]
        id: u32,
        #[diesel(sql_type = Text)]
        schema: String,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        comment: String,
        #[diesel(sql_type = Array<Text>)]
        reads: Vec<String>,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            c.oid as id,
            n.nspname::text as schema,
            c.relname::text as name,
            coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
            array(
                select distinct (source_schema.nspname || '.' || source.relname) collate \"C\"
                from pg_rewrite as rule
                join pg_depend as dependency
                    on dependency.classid = 'pg_rewrite'::regclass
                    and dependency.objid = rule.oid
                    and dependency.refclassid = 'pg_class'::regclass
                join pg_class as source
                    on source.oid = dependency.refobjid
                join pg_namespace as source_schema
                    on source_schema.oid = source.relnamespace
                where rule.ev_class = c.oid
                    and source.oid <> c.oid
                    and source_schema.nspname in ('audit', 'audit_compiled')
                order by 1
            ) as reads
        from pg_class as c
        join pg_namespace as n
            on n.oid = c.relnamespace
        where c.relkind in ('v', 'm')
            and n.nspname in ('audit', 'audit_compiled')
        order by n.nspname collate \"C\", c.relname collate \"C\"",
    )
    .load(connection)?;
    let mut columns = columns(connection)?;
    let mut rights = relation_rights(connection)?;
    Ok(rows
        .into_iter()
        .map(|row| View {
            columns: columns.remove(&row.id).unwrap_or_default(),
            rights: rights.remove(&row.id).unwrap_or_default(),
            schema: row.schema,
            name: row.name,
            comment: row.comment,
            reads: row.reads,
        })
        .collect())
}

fn triggers(connection: &mut PgConnection) -> Result<Vec<Trigger>> {
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

fn functions(connection: &mut PgConnection) -> Result<Vec<Function>> {
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

/// The comment of a generated function without the digest of the declarations that it came from.
fn without_digest(comment: &str) -> String {
    match comment.split_once(" from the declarations with the digest ") {
        Some((what, _)) => format!("{what}."),
        None => comment.to_owned(),
    }
}

fn roles(connection: &mut PgConnection) -> Result<Vec<Role>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Bool)]
        can_login: bool,
        #[diesel(sql_type = Integer)]
        owns: i32,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            r.rolname::text as name,
            r.rolcanlogin as can_login,
            (
                (
                    select count(*)
                    from pg_class as c
                    where c.relowner = r.oid
                        and c.relkind in ('r', 'p', 'v')
                        and not c.relispartition
                        and c.relnamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
                ) + (
                    select count(*)
                    from pg_proc as f
                    where f.proowner = r.oid
                        and f.pronamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
                )
            )::integer as owns
        from pg_roles as r
        where r.rolname in ('audit_owner', 'audit_admin', 'audit_operator', 'audit_reader')
        order by array_position(array['audit_owner', 'audit_admin', 'audit_operator', 'audit_reader'], r.rolname::text)",
    )
    .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|row| Role {
            name: row.name,
            can_login: row.can_login,
            owns: row.owns,
        })
        .collect())
}

fn watched(connection: &mut PgConnection) -> Result<Vec<Watched>> {
    #[derive(QueryableByName)]
    struct TableRow {
        #[diesel(sql_type = Integer)]
        table_id: i32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        why: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Array<Text>)]
        key_columns: Vec<String>,
    }
    #[derive(QueryableByName)]
    struct RuleRow {
        #[diesel(sql_type = Integer)]
        table_id: i32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Jsonb)]
        definition: serde_json::Value,
        #[diesel(sql_type = Array<Text>)]
        columns: Vec<String>,
        #[diesel(sql_type = Text)]
        condition: String,
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = Text)]
        action: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Text)]
        why: String,
        #[diesel(sql_type = Nullable<Integer>)]
        fix_seconds: Option<i32>,
        #[diesel(sql_type = Bool)]
        nulls_fail: bool,
        #[diesel(sql_type = Bool)]
        error_blocks: bool,
    }
    #[derive(QueryableByName)]
    struct SummaryRow {
        #[diesel(sql_type = Integer)]
        table_id: i32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Jsonb)]
        definition: serde_json::Value,
    }
    let tables: Vec<TableRow> = diesel::sql_query(
        "select w.table_id, w.name, w.why, w.owner, w.key_columns
        from audit.watched_table as w
        where w.unwatched_at is null
        order by w.name collate \"C\"",
    )
    .load(connection)?;
    let rules: Vec<RuleRow> = diesel::sql_query(
        "select
            r.table_id,
            r.name,
            r.kind,
            r.definition,
            r.columns,
            coalesce(r.condition, '') as condition,
            r.severity,
            r.action,
            r.owner,
            r.why,
            extract(epoch from r.fix_within)::integer as fix_seconds,
            r.nulls = 'fail' as nulls_fail,
            r.on_error = 'block' as error_blocks
        from audit.rule as r
        where r.retired_at is null
        order by
            array_position(array['critical', 'important', 'normal', 'low'], r.severity),
            array_position(array['reject', 'quarantine', 'flag'], r.action),
            r.name collate \"C\"",
    )
    .load(connection)?;
    let summaries: Vec<SummaryRow> = diesel::sql_query(
        "select s.table_id, s.name, s.definition
        from audit.summary as s
        where s.retired_at is null
        order by s.name collate \"C\"",
    )
    .load(connection)?;
    let mut rules_of: BTreeMap<i32, Vec<DeclaredRule>> = BTreeMap::new();
    for row in rules {
        let demands = RuleKind::from_definition(&row.kind, row.definition)
            .map_or_else(|_| row.name.replace('_', " "), |kind| kind.to_string());
        rules_of
            .entry(row.table_id)
            .or_default()
            .push(DeclaredRule {
                name: row.name,
                kind: row.kind,
                demands,
                columns: row.columns,
                condition: row.condition,
                severity: word(&row.severity)?,
                action: word(&row.action)?,
                owner: row.owner,
                why: row.why,
                fix_within: row.fix_seconds.map(span).unwrap_or_default(),
                nulls_fail: row.nulls_fail,
                error_blocks: row.error_blocks,
            });
    }
    let mut summaries_of: BTreeMap<i32, Vec<Declared>> = grouped(summaries, |row| {
        (
            row.table_id,
            Declared {
                name: row.name,
                owner: String::new(),
                definition: row.definition,
            },
        )
    });
    Ok(tables
        .into_iter()
        .map(|row| Watched {
            rules: rules_of.remove(&row.table_id).unwrap_or_default(),
            summaries: summaries_of.remove(&row.table_id).unwrap_or_default(),
            name: row.name,
            why: row.why,
            owner: row.owner,
            key_columns: row.key_columns,
        })
        .collect())
}

fn declared(connection: &mut PgConnection, query: &str) -> Result<Vec<Declared>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Jsonb)]
        definition: serde_json::Value,
    }
    let rows: Vec<Row> = diesel::sql_query(query).load(connection)?;
    Ok(rows
        .into_iter()
        .map(|row| Declared {
            name: row.name,
            owner: row.owner,
            definition: row.definition,
        })
        .collect())
}

fn word<T: std::str::FromStr<Err = audit_core::Error>>(text: &str) -> Result<T> {
    text.parse().map_err(|error: audit_core::Error| {
        Error::Database(diesel::result::Error::DeserializationError(error.into()))
    })
}

/// A length of time in words: `4 hours`, `1 day`.
fn span(seconds: i32) -> String {
    let (number, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn grouped<Row, K: Ord, V>(rows: Vec<Row>, part: impl Fn(Row) -> (K, V)) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for row in rows {
        let (key, value) = part(row);
        groups.entry(key).or_default().push(value);
    }
    groups
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

    #[test]
    fn spans_are_in_their_largest_unit() {
        assert_eq!(
            [14_400, 86_400, 604_800, 90].map(span),
            ["4 hours", "1 day", "7 days", "90 seconds"]
        );
    }
}
