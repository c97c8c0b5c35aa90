-- Refuses a time-driven rule that can not be asked, and gives the columns of its table that it names and the relations besides
-- that it reads. What a person can write wrongly in a policy file is refused there already, with its place; this is for everybody
-- else, and for what only the database knows.
create or replace function audit._check_time_rule(
    target regclass,
    name text,
    kind text,
    definition jsonb,
    condition text,
    action text,
    nulls text,
    on_error text,
    out columns text[],
    out reads regclass[]
)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set intervalstyle = postgres
as $$
#variable_conflict use_variable
declare
    by_column boolean := definition ->> 'column' is not null;
    rows boolean := kind in ('gap', 'reconcile') or kind in ('fresh', 'row_count', 'volume') and by_column;
    width interval;
    other regclass := to_regclass(definition ->> 'table');
    wrong record;
begin
    begin
        width := coalesce(definition ->> 'per', definition ->> 'width', definition ->> 'within')::interval;
        select w.fact, w.message, w.hint
        into wrong
        from (
            values
                (
                    action <> 'flag', 'time_rule_only_flags',
                    format('rule `%s` is asked by the tick, when rows are long written, so it can not %s them', name, action), 'Leave `action` out.'
                ),
                (
                    nulls <> 'pass' or on_error <> 'pass', 'nulls_say_nothing_to_the_kind',
                    format('rule `%s` is %s, and looks at no row while it is written', name, kind), 'Leave `nulls` and `on_error` out; the definition may have on_no_data and on_error.'
                ),
                (
                    not rows and condition is not null, 'time_rule_has_no_rows',
                    format('rule `%s` can have no condition: it reads no rows of its table', name),
                    case when kind in ('sql', 'bounds') then 'Write it into the rule itself.' else 'Name a column in which the rows have their time.' end
                ),
                (
                    not rows and definition ? 'group_by', 'time_rule_has_no_rows',
                    format('rule `%s` can have no groups: it reads no rows of its table', name),
                    case kind when 'sql' then 'The rows of its query are what fails.' when 'bounds' then 'Its groups are those of the summary.' else 'Name a column in which the rows have their time.' end
                ),
                (
                    not (definition ?& case kind
                        when 'fresh' then '{within}' when 'gap' then '{column,width}' when 'row_count' then '{per}' when 'volume' then '{per,history,minimum,threshold}'
                        when 'reconcile' then '{measure,table}' when 'sql' then '{query}' else '{on,value}'
                    end::text[]), 'time_rule_is_not_valid',
                    format('rule `%s` does not say all that %s needs', name, kind), 'The guide to time-driven rules says what it needs.'
                ),
                (
                    definition ->> 'on_no_data' not in ('pass', 'keep', 'fail') or definition ->> 'on_error' not in ('keep', 'fail')
                        or definition ->> 'until' not in ('last', 'now') or definition ->> 'direction' not in ('both', 'drop', 'spike')
                        or definition ->> 'bucket' not in ('current', 'complete'),
                    'time_rule_is_not_valid', format('rule `%s` has an option that is no word of it', name), 'The guide to time-driven rules says which words there are.'
                ),
                (
                    width <= '0' or (definition ->> 'over')::interval <= '0' or (definition ->> 'every')::interval < '0', 'time_rule_is_not_valid',
                    format('rule `%s` has a length of time that is none', name), 'Give it a length above 0.'
                ),
                (
                    definition ? 'time_zone' and not exists (select from pg_timezone_names z where z.name = definition ->> 'time_zone')
                        or definition ? 'during' and not coalesce(exists (select from pg_timezone_names z where z.name = coalesce(substring(definition ->> 'during' from '\d +(\S+)$'), 'UTC')), false),
                    'time_rule_is_not_valid', format('rule `%s` has a time zone that is not known', name), 'Write it as in America/New_York.'
                ),
                (
                    definition ->> 'during' !~ '^((Mon|Tue|Wed|Thu|Fri|Sat|Sun)(-(Mon|Tue|Wed|Thu|Fri|Sat|Sun))? +)?([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)( +\S+)?$',
                    'time_rule_is_not_valid', format('`%s` are no hours', definition ->> 'during'), 'Write them as in: Mon-Fri 05:00-23:00 America/New_York'
                ),
                (
                    kind in ('row_count', 'volume') and not by_column and extract(epoch from width)::numeric % 3600 <> 0, 'time_rule_is_not_valid',
                    format('rule `%s` counts rows as they were written, which is known by the hour', name), 'Give it whole hours, or a column in which the rows have their time.'
                ),
                (
                    kind = 'volume' and not (width in ('1 day', '7 days') or width <= '1 hour' and 3600 % extract(epoch from width)::numeric = 0), 'time_rule_is_not_valid',
                    format('rule `%s` compares a window with those of other weeks, and windows of %s are not at the same times in each', name, width), 'Give it 1 hour or a part of it, 1 day or 1 week.'
                ),
                (
                    kind = 'volume' and extract(epoch from (definition ->> 'history')::interval) / 604800 < (definition ->> 'minimum')::integer, 'time_rule_is_not_valid',
                    format('rule `%s` needs %s weeks, and its history is shorter', name, definition ->> 'minimum'), 'Each window is compared with one a week: lower the minimum, or look back further.'
                ),
                (
                    kind = 'gap' and extract(epoch from (definition ->> 'over')::interval) > 10000 * extract(epoch from width), 'time_rule_is_not_valid',
                    format('rule `%s` looks at more than 10,000 stretches', name), 'Let it look back over less.'
                ),
                (
                    kind in ('row_count', 'bounds') and not definition ?| '{min,max}', 'time_rule_is_not_valid',
                    format('rule `%s` has no bound', name), 'Give it min, max or both.'
                ),
                (
                    (definition ->> 'min')::numeric > (definition ->> 'max')::numeric, 'time_rule_is_not_valid',
                    format('nothing is at least %s and at most %s', definition ->> 'min', definition ->> 'max'), 'Let min not be greater than max.'
                ),
                (
                    kind = 'bounds' and concat(definition ->> 'value', definition ->> 'when') ~ ';', 'predicate_is_not_valid',
                    'an expression may not contain a semicolon', 'Write chr(59) where the character itself is meant.'
                ),
                (
                    kind = 'reconcile' and not coalesce(definition ->> 'measure' = 'count' or definition ->> 'measure' = 'sum' and definition ?& '{column,its}', false), 'time_rule_is_not_valid',
                    format('rule `%s` compares neither counts nor sums', name), 'Let it compare count, or the sum of a column with the sum of a column of the other table.'
                ),
                (
                    kind = 'reconcile' and other is null, 'referenced_table_does_not_exist',
                    format('rule `%s` refers to table `%s`, which does not exist', name, definition ->> 'table'), 'Write the table as schema.table.'
                )
        ) w (holds, fact, message, hint)
        where w.holds
        limit 1;
    exception when data_exception then
        raise exception using errcode = 'AU002', constraint = 'time_rule_is_not_valid', message = sqlerrm, hint = 'The guide to time-driven rules says what can be written.';
    end;
    if found then
        raise exception using errcode = 'AU002', constraint = wrong.fact, message = wrong.message, hint = wrong.hint;
    end if;

    select format('column %s is of type %s, which is no time', a.attname, format_type(a.atttypid, a.atttypmod)) as message
    into wrong
    from pg_attribute a
    join pg_type y on y.oid = a.atttypid
    where a.attrelid = target
        and a.attname = definition ->> 'column'
        and kind <> 'reconcile'
        and coalesce(nullif(y.typbasetype, 0), y.oid) not in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype);
    if found then
        raise exception using errcode = 'AU002', constraint = 'predicate_is_not_valid', message = wrong.message, hint = 'It needs a date or a timestamp.';
    end if;

    select c.name
    into wrong
    from (
        select definition ->> 'its' as name
        union all
        select jsonb_array_elements_text(definition -> 'group_by')
    ) c
    where kind = 'reconcile'
        and c.name is not null
        and not exists (select from pg_attribute a where a.attrelid = other and a.attname = c.name and a.attnum > 0 and not a.attisdropped)
    limit 1;
    if found then
        raise exception using
            errcode = 'AU002',
            constraint = 'predicate_is_not_valid',
            message = format('table %s has no column `%s`', definition ->> 'table', wrong.name),
            hint = format('Its columns are %s.', (select string_agg(a.attname, ', ' order by a.attnum) from pg_attribute a where a.attrelid = other and a.attnum > 0 and not a.attisdropped));
    end if;

    reads := case when kind = 'reconcile' then array[other] else '{}' end;
    if other is not null then
        perform audit._refuse_hidden_rows(other);
    end if;
    columns := array(
        select definition ->> 'column' where by_column
        union all
        select jsonb_array_elements_text(definition -> 'group_by')
    );
end;
$$;

comment on function audit._check_time_rule(regclass, text, text, jsonb, text, text, text, text) is 'Refuses a time-driven rule that can not be asked, and gives the columns and relations that it reads.';
revoke all on function audit._check_time_rule(regclass, text, text, jsonb, text, text, text, text) from public;
