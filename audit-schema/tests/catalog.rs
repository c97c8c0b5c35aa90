//! Rules that every object of the pipeline keeps, read from the catalogue of an installed database.
#![cfg(feature = "embedded")]

use std::collections::BTreeSet;
use std::path::Path;

use audit_schema::testing;
use diesel::prelude::*;
use diesel::sql_types::Text;

#[test]
fn everything_belongs_to_the_owner() {
    assert_none(
        "select format('%s %s of %s', kind, name, owner)
        from (
            select 'schema', n.nspname::text, n.nspowner::regrole::text, n.nspname
            from pg_namespace n
            union all
            select 'relation', c.relname, c.relowner::regrole::text, c.relnamespace::regnamespace::text
            from pg_class c
            union all
            select 'routine', p.proname, p.proowner::regrole::text, p.pronamespace::regnamespace::text
            from pg_proc p
            union all
            select 'type', t.typname, t.typowner::regrole::text, t.typnamespace::regnamespace::text
            from pg_type t
        ) object (kind, name, owner, schema)
        where schema in ('audit', 'audit_compiled') and owner <> 'audit_owner'",
    );
}

#[test]
fn the_owner_can_not_log_in_and_has_no_attribute() {
    assert_none(
        "select r.rolname::text
        from pg_roles r
        where r.rolname ~ '^audit_' and (r.rolcanlogin or r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls)",
    );
}

#[test]
fn functions_that_run_with_the_owners_rights_set_their_search_path() {
    assert_none(
        "select p.oid::regprocedure::text
        from pg_proc p
        where p.pronamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
            and p.prosecdef
            and not coalesce(p.proconfig @> array['search_path=pg_catalog, pg_temp'], false)",
    );
}

#[test]
fn backslashes_are_read_as_they_were_written() {
    assert_none(
        r"select p.oid::regprocedure::text
        from pg_proc p
        where p.pronamespace = 'audit'::regnamespace
            and position('\' in p.prosrc) > 0
            and not coalesce('standard_conforming_strings=on' = any (p.proconfig), false)",
    );
}

#[test]
fn nobody_may_run_a_function_without_a_grant_except_to_set_the_context() {
    // Anybody may run DDL, and PostgreSQL refuses the calls that follow it outside an event trigger.
    assert_none(
        "select p.oid::regprocedure::text
        from pg_proc p
        where p.pronamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
            and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))
            and p.proname not in ('set_context', 'recompile_after_ddl', '_rights_to_lend', '_recompile_changed', '_foreign_children', '_strange_triggers', 'forget_after_drop', '_forget_dropped')",
    );
}

#[test]
fn nobody_may_read_or_write_a_table_without_a_grant_except_to_learn_what_is_installed() {
    assert_none(
        "select format('%s: %s', c.oid::regclass, a.privilege_type)
        from pg_class c
        cross join lateral aclexplode(c.relacl) a
        where c.relnamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
            and a.grantee = 0
            and not (c.relname in ('migration', 'source') and a.privilege_type = 'SELECT')",
    );
}

#[test]
fn everybody_who_may_read_may_read_everything_but_secrets() {
    assert_none(
        "select format('%s: %s', c.oid::regclass, role)
        from pg_class c
        cross join unnest(array['audit_reader', 'audit_operator', 'audit_admin']) role
        where c.relnamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
            and c.relkind in ('r', 'p', 'v', 'm')
            and has_table_privilege(role, c.oid, 'select') = (c.relname in ('hash_salt', 'quarantine_secret'))",
    );
}

#[test]
fn every_table_view_and_column_has_a_comment() {
    assert_none(
        "select concat_ws('.', c.oid::regclass, a.attname)
        from pg_class c
        left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'audit'::regnamespace
            and c.relkind in ('r', 'p', 'v', 'm')
            and (obj_description(c.oid, 'pg_class') is null or col_description(c.oid, a.attnum) is null)",
    );
}

#[test]
fn every_schema_function_type_and_trigger_has_a_comment() {
    assert_none(
        "select n.nspname::text
        from pg_namespace n
        where n.nspname in ('audit', 'audit_compiled') and obj_description(n.oid, 'pg_namespace') is null
        union all
        select p.oid::regprocedure::text
        from pg_proc p
        where p.pronamespace = 'audit'::regnamespace and obj_description(p.oid, 'pg_proc') is null
        union all
        select t.oid::regtype::text
        from pg_type t
        left join pg_class c on c.oid = t.typrelid
        where t.typnamespace = 'audit'::regnamespace
            and t.typtype in ('c', 'd', 'e')
            and coalesce(c.relkind, 'c') = 'c'
            and obj_description(t.oid, 'pg_type') is null
        union all
        select format('%s on %s', t.tgname, t.tgrelid::regclass)
        from pg_trigger t
        where not t.tgisinternal and obj_description(t.oid, 'pg_trigger') is null",
    );
}

#[test]
fn every_foreign_key_has_an_index() {
    assert_none(
        "select format('%s: %s', o.conrelid::regclass, o.conname)
        from pg_constraint o
        where o.contype = 'f'
            and o.connamespace = 'audit'::regnamespace
            and not exists (
                select
                from pg_index i
                where i.indrelid = o.conrelid
                    and (i.indkey::smallint[])[0:cardinality(o.conkey) - 1] @> o.conkey
            )",
    );
}

#[test]
fn a_writer_takes_no_number_from_a_sequence_and_locks_no_row_of_the_log() {
    assert_none(
        "select format('%s.%s', a.attrelid::regclass, a.attname)
        from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid in ('audit.change'::regclass, 'audit.finding'::regclass, 'audit.quarantine'::regclass)
            and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ 'nextval')
        union all
        select o.conname::text
        from pg_constraint o
        where o.conrelid in ('audit.change'::regclass, 'audit.finding'::regclass, 'audit.quarantine'::regclass)
            and o.contype = 'f'",
    );
}

#[test]
fn constraints_have_names_that_read_as_facts() {
    // What PostgreSQL names by itself: table_column_check, table_column_fkey.
    assert_none(
        "select o.conname::text
        from pg_constraint o
        where o.connamespace = 'audit'::regnamespace and o.conname ~ '_(check|fkey|excl)[0-9]*$'",
    );
}

#[test]
fn every_function_and_view_has_its_file_and_every_file_its_function_or_view() {
    let installed: BTreeSet<String> = query(
        "select p.proname::text
        from pg_proc p
        where p.pronamespace = 'audit'::regnamespace
        union
        select c.relname::text
        from pg_class c
        where c.relnamespace = 'audit'::regnamespace and c.relkind = 'v'",
    )
    .into_iter()
    .collect();
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sql"));
    let without_file: Vec<_> = installed.difference(&files).collect();
    let without_object: Vec<_> = files.difference(&installed).collect();
    assert!(
        without_file.is_empty() && without_object.is_empty(),
        "no file: {without_file:?}, no object: {without_object:?}"
    );
}

/// The names of the files in the folders, without `.sql`.
fn files(sql: &Path) -> BTreeSet<String> {
    let folders = std::fs::read_dir(sql)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir());
    folders
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

fn assert_none(query_of_offenders: &str) {
    assert_eq!(query(query_of_offenders), Vec::<String>::new());
}

fn query(text: &str) -> Vec<String> {
    let database = testing::database();
    diesel::dsl::sql::<Text>(text)
        .load(&mut database.connect())
        .unwrap()
}
