-- The predicate of a rule as SQL over the columns of a row: true for a row that passes. Constants are left untyped, so
-- that each takes the type of its column. Look-ups (references, unique) have none: null.
create or replace function audit._predicate(kind text, definition jsonb)
    returns text
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    subject text := quote_ident(definition ->> 'column');
    constants text;
begin
    select string_agg(quote_literal(v.value), ', ')
    into constants
    from jsonb_array_elements_text(definition -> 'values') v (value);

    case kind
        when 'not_null' then
            return format('%s is not null', subject);
        when 'not_blank' then
            return format('%s::text !~ ''^\s*$''', subject);
        when 'one_of' then
            return format('%s in (%s)', subject, constants);
        when 'not_one_of' then
            return format('%s not in (%s)', subject, constants);
        when 'range' then
            return concat_ws(
                ' and ',
                subject || ' >= ' || quote_literal(definition ->> 'min'),
                subject || ' <= ' || quote_literal(definition ->> 'max')
            );
        when 'length' then
            return concat_ws(
                ' and ',
                'char_length(' || subject || '::text) >= ' || (definition ->> 'min')::integer,
                'char_length(' || subject || '::text) <= ' || (definition ->> 'max')::integer
            );
        when 'matches' then
            return format('%s::text ~ %L', subject, definition ->> 'pattern');
        when 'format' then
            if audit._format_pattern(definition ->> 'format') is null then
                raise exception using
                    errcode = 'AU002',
                    constraint = 'format_is_not_known',
                    message = format('there is no format `%s`', definition ->> 'format'),
                    hint = 'Formats are email, uuid, url, ip, iso_date, country, currency.';
            end if;
            return format('%s::text ~ %L', subject, audit._format_pattern(definition ->> 'format'));
        when 'not_future' then
            return format('%s <= now() + interval %L', subject, coalesce(definition ->> 'tolerance', '0'));
        when 'expression' then
            return definition ->> 'expression';
        when 'references', 'unique' then
            return null;
        else
            raise exception using
                errcode = 'AU002',
                constraint = 'rule_kind_is_not_known',
                message = format('there is no kind of rule `%s`', kind),
                hint = 'Kinds are not_null, not_blank, one_of, not_one_of, range, length, matches, format, not_future, expression, references, unique.';
    end case;
end;
$$;

comment on function audit._predicate(text, jsonb) is 'The predicate of a rule as SQL over the columns of a row; null for look-ups.';
revoke all on function audit._predicate(text, jsonb) from public;
