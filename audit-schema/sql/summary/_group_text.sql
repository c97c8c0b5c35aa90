-- The expression that gives the text of a value by which rows are grouped: equal values have the same. Output functions,
-- not casts: a cast may be anybody's function.
create or replace function audit._group_text(expression text, type text)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select format(
        'case when (%1$s) is not null then format(''%%s'', %2$s) end',
        expression,
        case
            when type ~ '^numeric' then format('trim_scale(%s)', expression)
            -- Zero may be negative.
            when type in ('real', 'double precision') then format('(%s) + 0', expression)
            when type ~ '\mcitext\M' then format('lower(format(''%%s'', %s))', expression)
            else expression
        end
    );
$$;

comment on function audit._group_text(text, text) is 'The expression that gives the text of a value by which rows are grouped: equal values have the same.';
revoke all on function audit._group_text(text, text) from public;
