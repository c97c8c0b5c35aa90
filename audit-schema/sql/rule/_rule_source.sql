-- The predicate of a rule as somebody would write it, after everything is refused that the kind can not mean. It is true
-- where the kind has no predicate. Runs with the search_path of the caller, as audit.declare_rule() does.
create or replace function audit._rule_source(target regclass, name text, kind text, definition jsonb, condition text, nulls text)
    returns text
    language plpgsql
    volatile
as $$
#variable_conflict use_variable
declare
    referenced regclass;
    subject_type regtype;
begin
    -- A row with a null in it is never a duplicate, and of who writes nothing is null.
    if (kind in ('unique', 'no_overlap', 'writers') and nulls = 'fail') or (kind = 'unique' and condition is not null) then
        raise exception using
            errcode = 'AU002',
            constraint = case kind when 'unique' then 'unique_is_about_all_rows' else 'nulls_say_nothing_to_the_kind' end,
            message = pg_catalog.format('rule `%s` is %s, and can have %s', name, kind, case kind when 'unique' then 'neither a condition nor nulls: fail' else 'no nulls: fail' end),
            hint = case kind when 'unique' then 'Leave `where` and `nulls` out.' else 'Leave `nulls` out.' end;
    end if;

    select a.atttypid into subject_type
    from pg_catalog.pg_attribute a
    where a.attrelid = target and a.attname = definition ->> 'column' and a.attnum > 0 and not a.attisdropped;

    case kind
        when 'references' then
            referenced := pg_catalog.to_regclass(definition ->> 'table');
            if referenced is null then
                raise exception using
                    errcode = 'AU002',
                    constraint = 'referenced_table_does_not_exist',
                    message = pg_catalog.format('rule `%s` refers to table `%s`, which does not exist', name, definition ->> 'table'),
                    hint = 'Write the table as schema.table.';
            end if;
            perform audit._refuse_hidden_rows(referenced);
            return pg_catalog.format(
                'exists (select from %s audit_referenced where audit_referenced.%I = audit_row.%I)',
                referenced, definition ->> 'key', definition ->> 'column'
            );
        when 'unique', 'writers' then
            return 'true';
        when 'no_overlap' then
            return pg_catalog.format('%I < %I', definition ->> 'from', definition ->> 'to');
        when 'immutable' then
            -- These have no notion of equality; what they are written as has.
            if subject_type in ('json'::regtype, 'xml'::regtype) then
                return pg_catalog.format('%1$I::text is not distinct from old.%1$I::text', definition ->> 'column');
            end if;
        when 'max_change' then
            if (select t.typcategory from pg_catalog.pg_type t where t.oid = subject_type) <> 'N' then
                raise exception using
                    errcode = 'AU002',
                    constraint = 'predicate_is_not_valid',
                    message = pg_catalog.format('column %s is of type %s, which has no differences', definition ->> 'column', subject_type),
                    hint = 'max_change is about numbers.';
            end if;
        when 'matches' then
            -- A pattern is only parsed when it is used.
            begin
                perform '' ~ (definition ->> 'pattern');
            exception when others then
                raise exception using
                    errcode = 'AU002', constraint = 'predicate_is_not_valid', message = sqlerrm, detail = definition ->> 'pattern';
            end;
        when 'not_future' then
            -- A tolerance that leads past the end of time would fail every write.
            begin
                perform pg_catalog.now() + 2 * coalesce(definition ->> 'tolerance', '0')::interval;
            exception when others then
                raise exception using
                    errcode = 'AU002', constraint = 'predicate_is_not_valid', message = sqlerrm, detail = definition ->> 'tolerance';
            end;
        else
    end case;
    return audit._predicate(kind, definition);
end;
$$;

comment on function audit._rule_source(regclass, text, text, jsonb, text, text) is 'The predicate of a rule as somebody would write it, after everything is refused that the kind can not mean.';
revoke all on function audit._rule_source(regclass, text, text, jsonb, text, text) from public;
