-- The query that gives the rows of a watched table at the time $1, with the columns that it has now. What changes brought
-- and took is added and taken away as in a sum, so that the order of the log matters little: backwards it begins with the
-- table, and gives back what the changes after $1 took away and takes away what they left; forwards it begins with nothing,
-- and does the opposite with the changes after the log position $2 up to $1. Values go through the types of their columns,
-- because a writer's time zone shows in what he wrote.
--
-- Where rows have keys, the sum over a key says whether there was a row, and the sum over a key, a column and a value
-- whether that was its value: updates of many rows log no more than the columns that they changed. Of several values the one
-- nearest to the time asked for is it; there is more than one only where something was written without being logged. What no
-- change tells of is as it was. Columns that are redacted or hashed are left out. With one_key, the query is about the row with the key $3 alone and finds it by indexes.
-- Without keys rows are added and taken away whole, and a negative sum says that the log does not lead there.
create or replace function audit._rewound(watched audit.watched_table, forwards boolean, one_key boolean)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select audit._filled(
        $query$
            with step as materialized (
                select s.key, s.sign, s.image, c.lsn
                from {changes} c
                cross join lateral (
                    select c.old_key as key, {old_sign} as sign, c.old as image where c.op <> 'I'
                    union all
                    select c.new_key, {new_sign}, c.new where c.op <> 'D'
                ) s
                where {bounds}{of_key}
            ), typed as (
                select s.key as "audit key", s.sign as "audit sign", s.lsn as "audit lsn", s.image as "audit names", {values}
                from step s{present}
            )$query$
        || case when watched.key_columns <> '{}' then $query$, cell as (
                select
                    audit_row."audit key" as key,
                    e.key as name,
                    e.value,
                    {nearest}(audit_row."audit lsn") filter (where audit_row."audit sign" > 0) as lsn
                from typed audit_row
                cross join lateral jsonb_each({object}::jsonb) e
                where coalesce(audit_row."audit names" ? e.key, true)
                group by audit_row."audit key", e.key, e.value
                having sum(audit_row."audit sign") > 0
            ), state as (
                select c.key, jsonb_object_agg(c.name, c.value) as image
                from (select distinct on (c.key, c.name) c.* from cell c order by c.key, c.name, c.lsn{order}) c
                join (select r."audit key" as key from typed r group by r."audit key" having sum(r."audit sign") > 0) r on r.key = c.key
                group by c.key
            )
            select {values} from state s{untouched}$query$
        else $query$, imaged as (
                select audit_row.*, {object}::jsonb as "audit image"
                from typed audit_row
            ), state as (
                select
                    audit_row.*,
                    sum(audit_row."audit sign") over (partition by audit_row."audit image") as "audit copies",
                    row_number() over (partition by audit_row."audit image" order by audit_row."audit sign" desc) as "audit number"
                from imaged audit_row
            )
            select {columns}
            from state audit_row
            where case when audit_row."audit copies" < 0 then audit._led_back(audit_row."audit copies") else audit_row."audit number" <= audit_row."audit copies" end$query$
        end,
        p.parts || jsonb_build_object(
            'present', case when forwards then '' else audit._filled(
                E'\n                union all\n                select {key}, 1, null, null, {columns}\n                from {relation} audit_row'
                    || case when watched.key_columns <> '{}' then E'\n                where {touched}' else '' end,
                p.parts
            ) end,
            'untouched', case when forwards then '' else audit._filled(
                E'\n            union all\n            select {columns} from {relation} audit_row where {untouched}', p.parts
            ) end
        )
    )
    from (
        select
            jsonb_build_object(
                'changes', format(
                    case when one_key then 'audit._changes_of(%s, $3)' when forwards then 'audit._changes(%s, until => $1)' else 'audit._changes(%s, since => $1)' end,
                    watched.table_id
                ),
                'bounds', case when forwards then 'c.lsn > $2 and c.at <= $1' else 'c.at > $1' end,
                'of_key', case when one_key then ' and s.key = $3' else '' end,
                'touched', case when one_key then audit._key_is(watched.relation, watched.key_columns, '$3') || ' and exists (select from step)'
                    else audit._log_key(watched.relation, watched.key_columns) || ' in (select s.key from step s)' end,
                'untouched', case when one_key then audit._key_is(watched.relation, watched.key_columns, '$3') || ' and not exists (select from step)'
                    else format('not exists (select from step s where s.key = %s)', audit._log_key(watched.relation, watched.key_columns)) end,
                'old_sign', case when forwards then '-1' else '1' end,
                'new_sign', case when forwards then '1' else '-1' end,
                'nearest', case when forwards then 'max' else 'min' end,
                'order', case when forwards then ' desc' else ' nulls last' end,
                'values', string_agg(format('(s.image ->> %L)::%s as %I', c.name, c.type, c.name), ', '),
                'columns', string_agg(format('audit_row.%I', c.name), ', '),
                'object', audit._log_object(watched.relation, which => 'known'),
                'key', audit._log_key(watched.relation, watched.key_columns),
                'relation', watched.relation
            ) as parts
        from audit._log_column(watched.relation, 'known') c
    ) p;
$$;

comment on function audit._rewound(audit.watched_table, boolean, boolean) is 'The query that gives the rows of a watched table at another time.';
revoke all on function audit._rewound(audit.watched_table, boolean, boolean) from public;
