-- What of a summary can not be had by adding and taking away: the least and the greatest of some values. All values of a
-- group are kept, with the number of rows that have them, in one table for each expression. A mean is rounded as
-- PostgreSQL does it, by the greatest scale among its numbers, where these may differ in scale.
create or replace function audit._summary_ends(summary_id integer)
    returns table (place bigint, name text, function text, expression text, type text, "values" text, first_of_values boolean)
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with sought as (
        select s.name as summary, s.standing, p.position, e.name, e.function, e.expression, e.type
        from audit.summary s
        cross join jsonb_array_elements(s.definition -> 'checked') with ordinality p (value, position)
        cross join lateral (
            select format('m%s', p.position) as name, p.value ->> 'role' as function, p.value ->> 'expression' as expression, p.value ->> 'type' as type
            where p.value ->> 'role' in ('min', 'max')
            union all
            select format('m%s_scale', p.position), 'max', format('scale(%s)', p.value ->> 'expression'), 'integer'
            where p.value ->> 'role' in ('avg', 'stddev')
                and p.value ->> 'type' not in ('smallint', 'integer', 'bigint')
                and p.value ->> 'type' not like 'numeric(%'
        ) e
        where s.summary_id = _summary_ends.summary_id
    ), kept as (
        select s.*, min(s.position) over (partition by s.expression) as first_position from sought s
    )
    select
        k.position,
        k.name,
        k.function,
        k.expression,
        k.type,
        format('audit_compiled.%I', case when k.standing then k.summary else 'summary_' || _summary_ends.summary_id end || '_values_' || k.first_position),
        k.position = k.first_position
    from kept k;
$$;

comment on function audit._summary_ends(integer) is 'The least and greatest values that a summary shows or needs, and the tables in which their values are counted.';
revoke all on function audit._summary_ends(integer) from public;
