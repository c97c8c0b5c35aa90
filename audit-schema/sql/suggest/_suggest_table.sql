-- What the catalogue and the statistics say about a table, and from what its rows are to be looked at: all of it if it
-- has no more than about `most` rows, else a sample of whole blocks that is the same each time. The caller must be allowed
-- to read it.
create or replace function audit._suggest_table(target regclass, most bigint)
    returns jsonb
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    relation record;
    estimated bigint;
    whole boolean;
begin
    select c.relkind, n.nspname, c.relname into relation from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target;
    if relation.relkind not in ('r', 'p') then
        raise exception using
            errcode = 'AU002',
            constraint = 'relation_can_not_be_watched',
            message = format('nothing can be suggested for %s: it is not a table', target),
            hint = 'Name an ordinary or partitioned table.';
    end if;

    -- A table that was never analysed is taken to have sixty rows in a block.
    select coalesce(sum(case when c.reltuples >= 0 and c.relpages > 0 then c.reltuples / c.relpages else 60 end * p.blocks), 0)
    into estimated
    from audit._check_parts(target) p
    join pg_class c on c.oid = p.part;
    whole := estimated <= most * 1.2;

    return jsonb_build_object(
        'table', format('%I.%I', relation.nspname, relation.relname),
        'estimated', estimated,
        'whole', whole,
        'source', target::text || ' audit_row' || case when whole then '' else format(' tablesample system (%s) repeatable (1)', round(100.0 * most / estimated, 6)) end,
        'keys', (
            select coalesce(jsonb_agg(k.columns), '[]')
            from (
                select array_agg(a.attname order by n.position) as columns
                from pg_index i
                cross join unnest(i.indkey::smallint[]) with ordinality n (attnum, position)
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = n.attnum
                where i.indrelid = target and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null and n.position <= i.indnkeyatts
                group by i.indexrelid
            ) k
        ),
        'columns', (
            with recursive base as (
                select a.attnum, a.attname, a.attnotnull, a.attidentity, a.atttypmod, a.atttypid, a.atttypid as base_type
                from pg_attribute a
                where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                union all
                select b.attnum, b.attname, b.attnotnull or t.typnotnull, b.attidentity, t.typtypmod, b.atttypid, t.typbasetype
                from base b
                join pg_type t on t.oid = b.base_type and t.typtype = 'd'
            )
            select coalesce(jsonb_agg(jsonb_build_object(
                'name', b.attname,
                'type', format_type(b.base_type, null),
                'class', case
                    -- No rule should quote a value that must not be kept.
                    when exists (select from audit.watched_table w where w.relation = target and w.unwatched_at is null and b.attname = any (w.redact || w.hash)) then 'other'
                    when b.base_type = 'boolean'::regtype then 'boolean'
                    when b.base_type = 'uuid'::regtype then 'uuid'
                    when b.base_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then 'integer'
                    when b.base_type in ('numeric'::regtype, 'real'::regtype, 'double precision'::regtype) then 'number'
                    when b.base_type in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) then 'time'
                    when b.base_type in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) then 'text'
                    else 'other'
                end,
                'not_null', b.attnotnull,
                'numbered', b.attidentity <> '' or coalesce(pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(', false),
                'max_length', case when b.base_type in ('varchar'::regtype, 'bpchar'::regtype) and b.atttypmod > 4 then b.atttypmod - 4 end,
                'foreign_key', exists (select from pg_constraint f where f.conrelid = target and f.contype = 'f' and f.conkey = array[b.attnum]),
                'null_frac', s.null_frac,
                'n_distinct', s.n_distinct
            ) order by b.attnum), '[]')
            from base b
            join pg_type t on t.oid = b.base_type and t.typtype <> 'd'
            left join pg_attrdef d on d.adrelid = target and d.adnum = b.attnum
            left join lateral (
                select p.null_frac, p.n_distinct
                from pg_stats p
                where p.schemaname = relation.nspname and p.tablename = relation.relname and p.attname = b.attname
                order by p.inherited desc
                limit 1
            ) s on true
        )
    );
end;
$$;

comment on function audit._suggest_table(regclass, bigint) is 'What the catalogue and the statistics say about a table, and from what its rows are to be looked at.';
revoke all on function audit._suggest_table(regclass, bigint) from public;
