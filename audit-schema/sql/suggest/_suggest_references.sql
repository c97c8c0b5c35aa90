-- The keys of other tables in which values of a column are found: how many of up to ten thousand different ones are
-- looked up, how many rows have them, and how many of these rows find nothing. Numbers are found in any table that counts
-- its rows, so for them the names must fit: customer_id and customers.id, or the same name twice.
create or replace function audit._suggest_references(target regclass, source text, name text, class text)
    returns table (key_table text, key_column text, named boolean, key_rows bigint, looked_up bigint, rows bigint, missing bigint)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    candidate record;
    stem text := regexp_replace(lower(name), '_?(id|key|code|no|nr|fk|ref)$', '');
begin
    for candidate in
        select c.oid::regclass as relation, format('%I.%I', n.nspname, c.relname) as table_name, a.attname, greatest(c.reltuples, 0)::bigint as estimated, f.fits
        from pg_index i
        join pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'p') and c.relpersistence <> 't' and not c.relispartition
        join pg_namespace n on n.oid = c.relnamespace and n.nspname not in ('pg_catalog', 'information_schema', 'audit', 'audit_compiled')
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        join pg_type t on t.oid = a.atttypid
        cross join lateral (select rtrim(regexp_replace(lower(c.relname), 'ies$', 'y'), 's') as singular) u
        cross join lateral (
            select
                (lower(a.attname) = lower(name) and lower(name) not in ('id', 'key', 'code', 'name', 'no', 'nr'))
                or lower(c.relname) ~ ('^(' || regexp_replace(stem, '([^a-z0-9_])', '\\\1', 'g') || ')(s|es)?$')
                or lower(c.relname) = regexp_replace(stem, 'y$', 'ies')
                or (length(c.relname) > 3 and right(stem, length(u.singular) + 1) = '_' || u.singular)
                as fits
        ) f
        where i.indisunique
            and i.indisvalid
            and i.indnkeyatts = 1
            and i.indpred is null
            and i.indexprs is null
            and (c.oid, a.attname) is distinct from (target::oid, name::name)
            and c.oid <> target
            and case class
                when 'integer' then a.atttypid in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) and f.fits
                when 'uuid' then a.atttypid = 'uuid'::regtype
                else a.atttypid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
            end
            and has_column_privilege(c.oid, a.attnum, 'select')
        order by f.fits desc, c.reltuples, 2
        limit 100
    loop
        execute format(
            'select count(*), coalesce(sum(audit_value.rows), 0)::bigint, '
            'coalesce(sum(audit_value.rows) filter (where not exists (select from %3$s audit_referenced where audit_referenced.%4$I = audit_value.value)), 0)::bigint '
            'from (select audit_row.%1$I as value, count(*) as rows from %2$s where audit_row.%1$I is not null group by 1 limit 10000) audit_value',
            name, source, candidate.relation, candidate.attname
        )
        into looked_up, rows, missing;
        key_table := candidate.table_name;
        key_column := candidate.attname;
        named := candidate.fits;
        key_rows := candidate.estimated;
        -- A table that hardly any value is found in is no candidate.
        if rows > 0 and missing <= 0.2 * rows then
            return next;
        end if;
    end loop;
end;
$$;

comment on function audit._suggest_references(regclass, text, text, text) is 'The keys of other tables in which values of a column are found.';
revoke all on function audit._suggest_references(regclass, text, text, text) from public;
