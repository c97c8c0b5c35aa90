//! What is declared in a database now.

use std::collections::{BTreeMap, HashMap, HashSet};

use audit_core::RuleKind;
use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Oid, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::Result;
use crate::plan::Object;

/// Everything that is in force.
pub(crate) struct Declared {
    pub(crate) tables: Vec<Table>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) summaries: Vec<Summary>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) routes: BTreeMap<i32, Route>,
    pub(crate) silences: Vec<Silence>,
    /// How long a silence may last, as the database writes it.
    pub(crate) longest_silence: Option<String>,
    /// How long what is over is kept, by kind; what is not in it for ever.
    pub(crate) retain: Value,
    /// What the last apply left because the policy said so. All else was declared by SQL.
    pub(crate) by_policy: HashSet<(Object, i32)>,
    /// What the last apply left and somebody has taken back since.
    pub(crate) taken_back: Vec<TakenBack>,
}

/// Who declared something, and when.
#[derive(Clone, QueryableByName)]
pub(crate) struct Origin {
    #[diesel(sql_type = Text)]
    pub(crate) declared_by: String,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) declared_at: DateTime<Utc>,
}

/// A declaration of the last apply that is not in force any more, and that nothing has replaced.
#[derive(QueryableByName)]
pub(crate) struct TakenBack {
    #[diesel(sql_type = Text)]
    pub(crate) object: String,
    #[diesel(sql_type = Nullable<Oid>)]
    pub(crate) relation: Option<u32>,
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) retired_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
pub(crate) struct Route {
    #[diesel(sql_type = Integer)]
    pub(crate) route_id: i32,
    #[diesel(sql_type = Integer)]
    pub(crate) position: i32,
    #[diesel(sql_type = Jsonb)]
    pub(crate) definition: Value,
    #[diesel(embed)]
    pub(crate) origin: Origin,
}

#[derive(QueryableByName)]
pub(crate) struct Table {
    #[diesel(sql_type = Integer)]
    pub(crate) table_id: i32,
    #[diesel(sql_type = Oid)]
    pub(crate) relation: u32,
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Text)]
    pub(crate) why: String,
    #[diesel(sql_type = Text)]
    pub(crate) owner: String,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) redact: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) hash: Vec<String>,
    #[diesel(sql_type = Jsonb)]
    pub(crate) retain: Value,
    #[diesel(embed)]
    pub(crate) origin: Origin,
}

#[derive(QueryableByName)]
pub(crate) struct Rule {
    #[diesel(sql_type = Integer)]
    pub(crate) rule_id: i32,
    #[diesel(sql_type = Oid)]
    pub(crate) relation: u32,
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) definition: Value,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) condition: Option<String>,
    #[diesel(sql_type = Text)]
    pub(crate) severity: String,
    #[diesel(sql_type = Text)]
    pub(crate) action: String,
    #[diesel(sql_type = Text)]
    pub(crate) mode: String,
    #[diesel(sql_type = Text)]
    pub(crate) owner: String,
    #[diesel(sql_type = Text)]
    pub(crate) why: String,
    /// In seconds.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) fix_within: Option<i64>,
    #[diesel(sql_type = Text)]
    pub(crate) nulls: String,
    #[diesel(sql_type = Text)]
    pub(crate) on_error: String,
    #[diesel(sql_type = Nullable<Double>)]
    pub(crate) mostly: Option<f64>,
    #[diesel(sql_type = Bool)]
    pub(crate) shadow: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) broken: bool,
    #[diesel(embed)]
    pub(crate) origin: Origin,
}

#[derive(QueryableByName)]
pub(crate) struct Summary {
    #[diesel(sql_type = Integer)]
    pub(crate) summary_id: i32,
    #[diesel(sql_type = Oid)]
    pub(crate) relation: u32,
    #[diesel(sql_type = Text)]
    pub(crate) table: String,
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) definition: Value,
    #[diesel(embed)]
    pub(crate) origin: Origin,
}

#[derive(QueryableByName)]
pub(crate) struct Alert {
    #[diesel(sql_type = Integer)]
    pub(crate) alert_policy_id: i32,
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) definition: Value,
    #[diesel(sql_type = Text)]
    pub(crate) owner: String,
    #[diesel(embed)]
    pub(crate) origin: Origin,
}

#[derive(QueryableByName)]
pub(crate) struct Channel {
    #[diesel(sql_type = Integer)]
    pub(crate) channel_id: i32,
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Text)]
    pub(crate) provider: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) definition: Value,
    #[diesel(sql_type = Integer)]
    pub(crate) per_minute: i32,
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) per_second: Option<i32>,
    #[diesel(embed)]
    pub(crate) origin: Origin,
}

/// A silence that was declared and that nobody ended, whether or not it is over.
#[derive(QueryableByName)]
pub(crate) struct Silence {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) silence_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) definition: Value,
}

/// A table as the catalogue of PostgreSQL knows it.
#[derive(QueryableByName)]
pub(crate) struct Relation {
    #[diesel(sql_type = Oid)]
    pub(crate) relation: u32,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) bytes: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) rows: i64,
    #[diesel(sql_type = Bool)]
    pub(crate) has_key: bool,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) columns: Vec<String>,
    /// Of the primary key, in its order.
    #[diesel(sql_type = Array<Text>)]
    pub(crate) key_columns: Vec<String>,
}

/// Reads everything that is in force.
pub(crate) fn load(connection: &mut PgConnection) -> Result<Declared> {
    #[derive(QueryableByName)]
    struct Definition {
        #[diesel(sql_type = Jsonb)]
        definition: Value,
    }
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        value: String,
    }

    Ok(Declared {
        tables: diesel::sql_query(
            "select w.table_id, w.relation::oid as relation, w.name, w.why, w.owner, w.redact, w.hash, w.retain,
                 w.watched_by as declared_by, w.watched_at as declared_at
             from audit.watched_table w
             where w.unwatched_at is null
             order by w.table_id",
        )
        .load(connection)?,
        rules: diesel::sql_query(
            "select r.rule_id, w.relation::oid as relation, r.name, r.kind, r.definition, r.condition, r.severity,
                 r.action, r.mode, r.owner, r.why, extract(epoch from r.fix_within)::bigint as fix_within, r.nulls, r.on_error,
                 r.mostly, r.shadow, r.broken is not null as broken, r.declared_by, r.declared_at
             from audit.rule r
             join audit.watched_table w using (table_id)
             where r.retired_at is null
             order by r.rule_id",
        )
        .load(connection)?,
        // What the database found out about the expressions is no part of the declaration.
        summaries: diesel::sql_query(
            "select s.summary_id, w.relation::oid as relation, w.name as \"table\", s.name,
                 s.definition - 'checked' - 'columns' as definition, s.declared_by, s.declared_at
             from audit.summary s
             join audit.watched_table w using (table_id)
             where s.retired_at is null
             order by s.summary_id",
        )
        .load(connection)?,
        alerts: diesel::sql_query(
            "select p.alert_policy_id, p.name, p.definition, p.owner, p.declared_by, p.declared_at
             from audit.alert_policy p
             where p.retired_at is null
             order by p.alert_policy_id",
        )
        .load(connection)?,
        channels: diesel::sql_query(
            "select c.channel_id, c.name, c.provider, c.definition, c.per_minute, c.per_second,
                 c.declared_by, c.declared_at
             from audit.channel c
             where c.retired_at is null
             order by c.channel_id",
        )
        .load(connection)?,
        routes: diesel::sql_query(
            "select r.route_id, r.position, r.definition, r.declared_by, r.declared_at
             from audit.route r
             where r.retired_at is null",
        )
        .load::<Route>(connection)?
        .into_iter()
        .map(|route| (route.position, route))
        .collect(),
        silences: diesel::sql_query(
            "select s.silence_id, s.name, s.definition
             from audit.silence s
             where s.name is not null and s.ended_at is null
             order by s.created_at, s.silence_id",
        )
        .load(connection)?,
        longest_silence: diesel::sql_query("select s.value from audit.setting s where s.name = 'longest_silence'")
            .load::<Setting>(connection)?
            .pop()
            .map(|setting| setting.value),
        retain: diesel::sql_query("select coalesce(jsonb_object_agg(r.kind, r.keep), '{}') as definition from audit.retention r")
            .get_result::<Definition>(connection)?
            .definition,
        by_policy: by_policy(connection)?,
        taken_back: taken_back(connection)?,
    })
}

impl Rule {
    /// What it demands, in one line.
    pub(crate) fn in_words(&self) -> String {
        RuleKind::from_definition(&self.kind, self.definition.clone())
            .map_or_else(|_| self.kind.clone(), |kind| kind.to_string())
    }
}

impl Declared {
    /// Whether somebody declared this by SQL since the last apply, or before any.
    pub(crate) fn is_by_sql(&self, object: Object, id: i32) -> bool {
        !self.by_policy.contains(&(object, id))
    }

    /// When somebody took back by SQL what the last apply had left.
    pub(crate) fn taken_back_at(
        &self,
        object: Object,
        relation: Option<u32>,
        name: &str,
    ) -> Option<DateTime<Utc>> {
        self.taken_back
            .iter()
            .find(|gone| {
                gone.object == object.name() && gone.relation == relation && gone.name == name
            })
            .map(|gone| gone.retired_at)
    }
}

fn by_policy(connection: &mut PgConnection) -> Result<HashSet<(Object, i32)>> {
    #[derive(QueryableByName)]
    struct One {
        #[diesel(sql_type = Text)]
        object: String,
        #[diesel(sql_type = Integer)]
        id: i32,
    }
    let left: Vec<One> = diesel::sql_query(
        "select o.key as object, i.value::integer as id
         from (select a.declared from audit.applied_policy a order by a.applied_id desc limit 1) a
         cross join pg_catalog.jsonb_each(a.declared) o
         cross join pg_catalog.jsonb_array_elements_text(o.value) i",
    )
    .load(connection)?;
    Ok(left
        .into_iter()
        .filter_map(|one| Some((Object::named(&one.object)?, one.id)))
        .collect())
}

fn taken_back(connection: &mut PgConnection) -> Result<Vec<TakenBack>> {
    Ok(diesel::sql_query(
        "with left_behind as (
             select o.key as object, i.value::integer as id
             from (select a.declared from audit.applied_policy a order by a.applied_id desc limit 1) a
             cross join pg_catalog.jsonb_each(a.declared) o
             cross join pg_catalog.jsonb_array_elements_text(o.value) i
         )
         select l.object, w.relation::oid as relation, r.name, r.retired_at
         from left_behind l
         join audit.rule r on l.object = 'rule' and r.rule_id = l.id
         join audit.watched_table w using (table_id)
         where r.retired_at is not null
         union all
         select l.object, null, s.name, s.retired_at
         from left_behind l
         join audit.summary s on l.object = 'summary' and s.summary_id = l.id
         where s.retired_at is not null
         union all
         select l.object, null, p.name, p.retired_at
         from left_behind l
         join audit.alert_policy p on l.object = 'alert' and p.alert_policy_id = l.id
         where p.retired_at is not null
         union all
         select l.object, null, c.name, c.retired_at
         from left_behind l
         join audit.channel c on l.object = 'channel' and c.channel_id = l.id
         where c.retired_at is not null",
    )
    .load(connection)?)
}

/// The table with a name, if there is one. A name that is no name is an error of the database.
pub(crate) fn relation(
    connection: &mut PgConnection,
    name: &str,
) -> diesel::QueryResult<Option<Relation>> {
    Ok(diesel::sql_query(
        "select c.oid as relation,
             case
                 when c.relpersistence = 't' then 'a temporary table'
                 when n.nspname in ('audit', 'audit_compiled') then 'part of the pipeline itself'
                 when n.nspname in ('pg_catalog', 'information_schema') then 'a system table'
                 else case c.relkind
                     when 'r' then 'table'
                     when 'p' then 'table'
                     when 'v' then 'a view'
                     when 'm' then 'a materialized view'
                     when 'f' then 'a foreign table'
                     when 'S' then 'a sequence'
                     when 'i' then 'an index'
                     else 'a composite type'
                 end
             end as kind,
             coalesce(parts.bytes, pg_catalog.pg_table_size(c.oid)) as bytes,
             coalesce(parts.rows, greatest(c.reltuples, 0)::bigint) as rows,
             exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary) as has_key,
             array(
                 select a.attname::text
                 from pg_catalog.pg_attribute a
                 where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                 order by a.attnum
             ) as columns,
             array(
                 select a.attname::text
                 from pg_catalog.pg_index i
                 join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey::int2[])
                 where i.indrelid = c.oid and i.indisprimary
             ) as key_columns
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         -- A partitioned table has its rows in its partitions.
         cross join lateral (
             select pg_catalog.sum(pg_catalog.pg_table_size(p.oid))::bigint as bytes,
                 pg_catalog.sum(greatest(p.reltuples, 0))::bigint as rows
             from pg_catalog.pg_partition_tree(c.oid) t
             join pg_catalog.pg_class p on p.oid = t.relid
             where t.isleaf
         ) parts
         where c.oid = pg_catalog.to_regclass($1)",
    )
    .bind::<Text, _>(name)
    .load(connection)?
    .pop())
}

/// The names of all tables that could have been meant.
pub(crate) fn table_names(connection: &mut PgConnection) -> diesel::QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    Ok(diesel::sql_query(
        "select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p')
             and n.nspname not in ('pg_catalog', 'information_schema', 'audit', 'audit_compiled')
             and n.nspname !~ '^pg_(toast|temp)'
         order by 1
         limit 10000",
    )
    .load::<Name>(connection)?
    .into_iter()
    .map(|row| row.name)
    .collect())
}

/// Whether an index finds rows by these columns, in whatever order: they are its first ones.
pub(crate) fn has_index(
    connection: &mut PgConnection,
    table: &str,
    columns: &[String],
) -> diesel::QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        answer: bool,
    }
    Ok(diesel::sql_query(
        "select exists (
             select
             from pg_catalog.pg_index i
             where i.indrelid = pg_catalog.to_regclass($1)
                 and i.indisvalid
                 and i.indpred is null
                 and array(
                     select a.attname::text
                     from pg_catalog.unnest(i.indkey::int2[]) with ordinality k (attnum, position)
                     join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                     where k.position <= pg_catalog.cardinality($2)
                 ) @> $2
         ) as answer",
    )
    .bind::<Text, _>(table)
    .bind::<Array<Text>, _>(columns)
    .get_result::<Answer>(connection)?
    .answer)
}

/// Lengths of time in seconds, as the database counts them.
pub(crate) fn seconds(
    connection: &mut PgConnection,
    lengths: &[String],
) -> diesel::QueryResult<HashMap<String, i64>> {
    #[derive(QueryableByName)]
    struct Pair {
        #[diesel(sql_type = Text)]
        given: String,
        #[diesel(sql_type = BigInt)]
        seconds: i64,
    }
    Ok(diesel::sql_query(
        "select given, extract(epoch from given::interval)::bigint as seconds from pg_catalog.unnest($1) as given",
    )
    .bind::<Array<Text>, _>(lengths)
    .load::<Pair>(connection)?
    .into_iter()
    .map(|pair| (pair.given, pair.seconds))
    .collect())
}
