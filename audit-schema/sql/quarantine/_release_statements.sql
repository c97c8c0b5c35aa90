-- The statements that put rows in quarantine back into their table. All take the rows as $1, an array of quarantine_id;
-- all of these rows have the columns `names`, and the versions in the table that they stand for the columns `located`.
--   lock     locks the rows of the table that stand where they belong
--   compare  says of each what is there now, whether it changed since, and which hide rules it fails
--   insert, update  write
--   constraints  deferred ones, to be checked at once; null if there are none
create or replace function audit._release_statements(
    table_id integer,
    target regclass,
    names text[],
    located text[],
    out lock text,
    out compare text,
    out "insert" text,
    out update text,
    out constraints text
)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    located_json text := 'coalesce(audit_entry.restored, audit_entry.row)';
    found_by text;
    same text;
    hidden text;
begin
    select
        string_agg(format('audit_row.%I = %s', c.name, c.value), ' and ' order by c.key_position) filter (where c.key_position is not null),
        -- Values are compared as their types write them: a type need not have an operator for it.
        string_agg(
            format(
                'case when num_nulls(audit_row.%1$I) = 0 then format(''%%s'', audit_row.%1$I) end is not distinct from case when num_nulls(%2$s) = 0 then format(''%%s'', %2$s) end',
                c.name, c.value
            ),
            ' and '
        ) filter (where not c.generated and c.name = any (located))
    into found_by, same
    from audit._held_column(target, located_json, 'audit_located') c;
    select string_agg(format('case when %s then %s end', c.fails, c.rule_id), ', ' order by c.rule_id)
    into hidden
    from audit._compiled_rule(table_id, 'new') c
    join audit.rule r using (rule_id)
    where r.mode = 'hide' and c.action = 'quarantine';

    lock := format(
        'select from audit._held($1) audit_entry cross join lateral json_populate_record(null::%1$s, %2$s) audit_located join %1$s audit_row on %3$s for no key update of audit_row',
        target, located_json, found_by
    );
    compare := format(
        'select audit_entry.quarantine_id, audit_entry.op, audit_entry.mode, audit_entry.restored is not null as edited, audit_row.tableoid is not null as present, %4$s as same, array_remove(array[%5$s]::integer[], null) as fails '
        'from audit._held($1) audit_entry cross join lateral json_populate_record(null::%1$s, %2$s) audit_located left join %1$s audit_row on %3$s',
        target, located_json, found_by, coalesce(same, 'true'), hidden
    );

    select
        format(
            'insert into %1$s (%2$s) overriding system value select %3$s from (select q.row from audit._held($1) q order by q.lsn, q.quarantine_id) audit_entry cross join lateral json_populate_record(null::%1$s, audit_entry.row) audit_row',
            target,
            string_agg(format('%I', c.name), ', ' order by c.position),
            string_agg(c.value, ', ' order by c.position)
        ),
        format(
            'update %1$s audit_row set %2$s from (select %3$s, %4$s from audit._held($1) audit_entry cross join lateral json_populate_record(null::%1$s, audit_entry.row) audit_row cross join lateral json_populate_record(null::%1$s, %5$s) audit_located) audit_new where %6$s',
            target,
            string_agg(format('%I = audit_new."audit value %s"', c.name, c.position), ', ' order by c.position) filter (where not c.numbered),
            string_agg(format('%s as "audit value %s"', c.value, c.position), ', ' order by c.position),
            (select string_agg(format('%s as "audit key %s"', k.value, k.key_position), ', ' order by k.key_position) from audit._held_column(target, located_json, 'audit_located') k where k.key_position is not null),
            located_json,
            (select string_agg(format('audit_row.%I = audit_new."audit key %s"', k.name, k.key_position), ' and ' order by k.key_position) from audit._held_column(target, located_json, 'audit_located') k where k.key_position is not null)
        )
    into "insert", update
    from audit._held_column(target, 'audit_entry.row', 'audit_row') with ordinality c (name, key_position, generated, numbered, value, position)
    where not c.generated
        and c.name = any (names);

    select string_agg(distinct format('%I.%I', n.nspname, o.conname), ', ')
    into constraints
    from pg_constraint o
    join pg_namespace n on n.oid = o.connamespace
    where o.condeferrable
        and o.condeferred
        and (
            o.conrelid = target or o.confrelid = target
            or o.conrelid in (select p.relid from pg_partition_tree(target) p) or o.confrelid in (select p.relid from pg_partition_tree(target) p)
        );
end;
$$;

comment on function audit._release_statements(integer, regclass, text[], text[]) is 'The statements that put rows in quarantine back into their table.';
revoke all on function audit._release_statements(integer, regclass, text[], text[]) from public;
