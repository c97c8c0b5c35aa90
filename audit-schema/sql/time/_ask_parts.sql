-- The fragments of which questions about the rows of a relation are made, where the row is audit_row. labelled is the group
-- as an object of texts and grouped_by its columns; both are so that null is a group like any other. to_moment and from_moment
-- are templates with one place: they turn a value of the time column into a moment and back, and span, with two places, is
-- the condition that a row lies between two moments, the first of which belongs to it. It compares the bare column too, so
-- that an index can be used. condition begins with "and", or is empty.
create or replace function audit._ask_parts(
    rule audit.rule,
    relation regclass,
    out labelled text,
    out grouped_by text,
    out to_moment text,
    out from_moment text,
    out span text,
    out condition text,
    out zone text
)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    type text;
    column_in_template text;
begin
    select
        -- Output functions, not casts: a cast may be anybody's function.
        format('jsonb_build_object(%s)', string_agg(format('%L, case when num_nulls(audit_row.%2$I) = 0 then format(''%%s'', audit_row.%2$I) end', g.name, g.name), ', ' order by g.position)),
        string_agg(format('audit_row.%I', g.name), ', ' order by g.position)
    into labelled, grouped_by
    from jsonb_array_elements_text(rule.definition -> 'group_by') with ordinality g (name, position);

    condition := coalesce(' and ' || rule.applies, '');
    zone := coalesce(rule.definition ->> 'time_zone', 'UTC');
    select format_type(t.oid, null)
    into type
    from pg_attribute a
    join pg_type y on y.oid = a.atttypid
    join pg_type t on t.oid = coalesce(nullif(y.typbasetype, 0), y.oid)
    where a.attrelid = relation
        and a.attname = rule.definition ->> 'column'
        and not a.attisdropped;
    to_moment := case type
        when 'date' then format('(%%s::timestamp at time zone %L)', zone)
        when 'timestamp without time zone' then format('(%%s at time zone %L)', zone)
        when 'timestamp with time zone' then '%s'
    end;
    from_moment := case type
        when 'date' then format('(%%s at time zone %L)::date', zone)
        when 'timestamp without time zone' then format('(%%s at time zone %L)', zone)
        when 'timestamp with time zone' then '%s'
    end;
    column_in_template := replace(format('audit_row.%I', coalesce(rule.definition ->> 'column', '')), '%', '%%');
    span := format(
        '%1$s >= %2$s and %1$s <= %3$s and %4$s >= %%1$s and %4$s < %%2$s',
        column_in_template,
        replace(from_moment, '%s', '%1$s'),
        replace(from_moment, '%s', '%2$s'),
        replace(to_moment, '%s', column_in_template)
    );
end;
$$;

comment on function audit._ask_parts(audit.rule, regclass) is 'The fragments of which questions about the rows of a relation are made.';
revoke all on function audit._ask_parts(audit.rule, regclass) from public;
