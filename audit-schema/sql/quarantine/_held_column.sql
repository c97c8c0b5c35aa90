-- The columns of a table that a row in quarantine can be written into, and the expression that gives the value again,
-- exactly as it was: from the json `source`, and from the row `typed`, which json_populate_record() made of it through the
-- input functions of the types. json itself was logged as text, because that is how it comes back with its blanks.
create or replace function audit._held_column(target regclass, source text, typed text)
    returns table (name text, key_position bigint, generated boolean, numbered boolean, value text)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with recursive base as (
        select a.attnum, a.attname, a.attgenerated, a.attidentity, a.atttypid as type
        from pg_attribute a
        where a.attrelid = target
            and a.attnum > 0
            and not a.attisdropped
        union all
        select b.attnum, b.attname, b.attgenerated, b.attidentity, t.typbasetype
        from base b
        join pg_type t on t.oid = b.type and t.typtype = 'd'
    )
    select
        b.attname::text,
        k.position,
        b.attgenerated <> '',
        b.attidentity = 'a',
        case
            when b.type in ('json'::regtype, 'jsonb'::regtype) then format('(%s ->> %L)::%s', source, b.attname, b.type::regtype)
            else format('%s.%I', typed, b.attname)
        end
    from base b
    join pg_type t on t.oid = b.type and t.typtype <> 'd'
    left join pg_index i on i.indrelid = target and i.indisprimary
    left join lateral unnest(i.indkey::smallint[]) with ordinality k (attnum, position) on k.attnum = b.attnum
    order by b.attnum;
$$;

comment on function audit._held_column(regclass, text, text) is 'The columns that a row in quarantine can be written into, and the expressions that give the values again.';
revoke all on function audit._held_column(regclass, text, text) from public;
