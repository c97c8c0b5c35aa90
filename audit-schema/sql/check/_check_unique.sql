-- How a unique rule is checked on rows that exist. proven: an index of the table keeps it already. row: the index on its
-- columns is asked for each row whether an earlier one has the same values. whole: without an index on its columns, one
-- statement groups the whole table. fails is then null, and statement is that statement.
create or replace function audit._check_unique(target regclass, rule_columns text[], key text, sample text, out how text, out fails text, out statement text)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with index as (
        select
            i.indisunique,
            array(
                select a.attname::text
                from unnest(i.indkey::smallint[]) with ordinality n (attnum, position)
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = n.attnum
                where n.position <= i.indnkeyatts
                order by n.position
            ) as columns
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        join pg_class x on x.oid = i.indexrelid
        join pg_am m on m.oid = x.relam and m.amname in ('btree', 'hash')
        where i.indrelid = target
            and i.indisvalid
            and i.indpred is null
            and i.indexprs is null
            and (c.relkind = 'p' or not c.relhassubclass)
    ), way as (
        select
            exists (select from index x where x.indisunique and x.columns <@ rule_columns) as proven,
            exists (select from index x where x.columns[1:cardinality(rule_columns)] @> rule_columns) as by_index
    ), text as (
        select
            string_agg(format('audit_row.%I is not null', c.name), ' and ' order by c.position) as present,
            string_agg(format('audit_other.%1$I = audit_row.%1$I', c.name), ' and ' order by c.position) as same,
            string_agg(format('audit_row.%I', c.name), ', ' order by c.position) as columns,
            string_agg(format('audit_row.%I as k%s', c.name, c.position), ', ' order by c.position) as named,
            string_agg(format('audit_row.%I = audit_key.k%s', c.name, c.position), ' and ' order by c.position) as joined
        from unnest(rule_columns) with ordinality c (name, position)
    ), place as (
        select
            string_agg(format('audit_other.%I', c.name), ', ' order by c.position) as other,
            string_agg(format('audit_row.%I', c.name), ', ' order by c.position) as own
        from audit._check_columns(target) k
        cross join unnest(case when k.by_key then k.columns else array['tableoid', 'ctid'] end) with ordinality c (name, position)
    )
    select
        case when w.proven then 'proven' when w.by_index then 'row' else 'whole' end,
        case when w.by_index and not w.proven then format(
            '(%s and exists (select from %s audit_other where %s and (%s) < (%s)))',
            t.present, target, t.same, p.other, p.own
        ) end,
        case when not w.by_index and not w.proven then format(
            'with audit_key as materialized (select %s, count(*) as audit_rows from %s audit_row where %s group by %s having count(*) > 1) '
            'select coalesce((select sum(audit_rows - 1) from audit_key), 0)::bigint, to_jsonb(array_agg(audit_found.key)), to_jsonb((array_agg(audit_found.sample))[1:3]) '
            'from (select %s as key, %s as sample from %s audit_row join (select * from audit_key limit 100) audit_key on %s limit 100) audit_found',
            t.named, target, t.present, t.columns, key, sample, target, t.joined
        ) end
    from way w, text t, place p;
$$;

comment on function audit._check_unique(regclass, text[], text, text) is 'How a unique rule is checked on rows that exist.';
revoke all on function audit._check_unique(regclass, text[], text, text) from public;
