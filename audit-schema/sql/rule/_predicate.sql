-- The predicate of a rule as SQL over the columns of a row: true for a row that passes. Constants are left untyped, so
-- that each takes the type of its column. A column of the row before an update is old.column. Look-ups (references,
-- unique, no_overlap) and writers have none: null.
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
                    hint = 'The guide to rules lists them.';
            end if;
            return concat_ws(
                ' and ',
                format('%s::text ~ %L', subject, audit._format_pattern(definition ->> 'format')),
                case when definition ->> 'format' = 'iban' then format(
                    'case when %s::text ~ %L then %s = 1 end',
                    subject, audit._format_pattern('iban'), audit._iban_rest(subject || '::text')
                ) end
            );
        when 'not_future' then
            return format('%s <= now() + interval %L', subject, coalesce(definition ->> 'tolerance', '0'));
        when 'expression' then
            return definition ->> 'expression';
        when 'immutable' then
            return format('%1$s is not distinct from old.%1$s', subject);
        when 'transition' then
            return (
                select concat_ws(' or ', format('%1$s = old.%1$s', subject), string_agg(
                    format('(old.%1$s = %2$L and %1$s in (%3$s))', subject, w.key, t.constants), ' or ' order by w.key
                ))
                from jsonb_each(definition -> 'allowed') w
                cross join lateral (
                    select string_agg(quote_literal(v.value), ', ') as constants from jsonb_array_elements_text(w.value) v (value)
                ) t
                where t.constants is not null
            );
        when 'max_change' then
            -- As numeric, because the difference of two integers may be too large for an integer.
            return format('%1$s = old.%1$s or (', subject) || concat_ws(
                ' and ',
                format('abs(%1$s::numeric - old.%1$s::numeric) <= %2$L::numeric', subject, definition ->> 'absolute')
                    || case when definition ? 'absolute' then '' end,
                format('abs(%1$s::numeric - old.%1$s::numeric) <= %2$L::numeric * abs(old.%1$s::numeric)', subject, definition ->> 'relative')
                    || case when definition ? 'relative' then '' end
            ) || ')';
        when 'references', 'unique', 'no_overlap', 'writers' then
            return null;
        else
            raise exception using
                errcode = 'AU002',
                constraint = 'rule_kind_is_not_known',
                message = format('there is no kind of rule `%s`', kind),
                hint = 'Kinds are not_null, not_blank, one_of, not_one_of, range, length, matches, format, not_future, expression, references, unique, no_overlap, immutable, transition, max_change, writers.';
    end case;
end;
$$;

comment on function audit._predicate(text, jsonb) is 'The predicate of a rule as SQL over the columns of a row; null for look-ups and writers.';
revoke all on function audit._predicate(text, jsonb) from public;
