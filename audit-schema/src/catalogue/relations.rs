//! The pipeline's schemas, and its and the watched relations: tables and views, with what belongs to them.

use std::collections::BTreeMap;

use diesel::pg::sql_types::Oid;
use diesel::sql_types::{Array, Bool, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};

use super::{Column, Constraint, Index, Reference, Right, Schema, Table, View, grouped};
use crate::Result;

pub(super) fn schemas(connection: &mut PgConnection) -> Result<Vec<Schema>> {
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

pub(super) fn tables(connection: &mut PgConnection) -> Result<Vec<Table>> {
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
    add_references_by_rules(connection, &mut tables)?;
    Ok(tables)
}

/// Adds the references between tables that a rule checks, where no foreign key does.
fn add_references_by_rules(connection: &mut PgConnection, tables: &mut [Table]) -> Result<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        column: String,
        #[diesel(sql_type = Text)]
        other: String,
        #[diesel(sql_type = Text)]
        other_column: String,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            n.nspname || '.' || c.relname as name,
            r.definition ->> 'column' as \"column\",
            other_schema.nspname || '.' || other.relname as other,
            r.definition ->> 'key' as other_column
        from audit.rule as r
        join pg_class as other
            on other.oid = to_regclass(r.definition ->> 'table')
        join pg_namespace as other_schema
            on other_schema.oid = other.relnamespace
        join audit.watched_table as w
            using (table_id)
        join pg_class as c
            on c.oid = w.relation
        join pg_namespace as n
            on n.oid = c.relnamespace
        where r.kind = 'references'
            and r.retired_at is null
            and w.unwatched_at is null
        order by r.name collate \"C\"",
    )
    .load(connection)?;
    for row in rows {
        let Some(table) = tables
            .iter_mut()
            .find(|table| table.full_name() == row.name)
        else {
            continue;
        };
        let is_known = table
            .references
            .iter()
            .any(|known| known.columns == [row.column.as_str()] && known.to == row.other);
        let optional = table
            .columns
            .iter()
            .any(|column| column.name == row.column && !column.not_null);
        if !is_known {
            table.references.push(Reference {
                columns: vec![row.column],
                to: row.other,
                to_columns: vec![row.other_column],
                checked: false,
                optional,
                one: false,
                many: false,
            });
        }
    }
    Ok(())
}

pub(super) fn views(connection: &mut PgConnection) -> Result<Vec<View>> {
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
