-- Why a rule can not be evaluated as its table is now; null when it can. A predicate is parsed, not run.
create or replace function audit._broken_because(rule_id integer)
    returns text
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    rule audit.rule;
    watched audit.watched_table;
    missing text;
begin
    select r.* into rule from audit.rule r where r.rule_id = _broken_because.rule_id;
    select w.* into watched from audit.watched_table w where w.table_id = rule.table_id;
    select c into missing
    from unnest(rule.columns) c
    where not exists (
        select from pg_attribute a
        where a.attrelid = watched.relation and a.attname = c and a.attnum > 0 and not a.attisdropped
    )
    limit 1;
    if missing is null then
        select c.name into missing
        from (
            select distinct coalesce(replace(m.match[2], '""', '"'), m.match[1]) as name
            from regexp_matches(rule.applies, '\maudit_(?:row|old)\.(?:(\w+)|"((?:[^"]|"")+)")', 'g') m (match)
        ) c
        where not exists (
            select from pg_attribute a
            where a.attrelid = watched.relation and a.attname = c.name and a.attnum > 0 and not a.attisdropped
        )
        order by 1
        limit 1;
    end if;
    if missing is not null then
        return format('column %s does not exist', missing);
    end if;
    if rule.kind = 'references' and not exists (
        select from pg_attribute a
        where a.attrelid = to_regclass(rule.definition ->> 'table') and a.attname = rule.definition ->> 'key' and not a.attisdropped
    ) then
        return format('column %s of %s does not exist', rule.definition ->> 'key', rule.definition ->> 'table');
    end if;
    if rule.action = 'quarantine' and not exists (select from pg_index i where i.indrelid = watched.relation and i.indisprimary) then
        return 'the table has no primary key, which setting rows aside needs';
    end if;
    if rule.class = 'time' then
        perform audit._try_question(rule_id);
        return null;
    end if;
    if rule.predicate is not null or rule.applies is not null then
        execute format(
            'prepare "audit probe" as select from %1$s audit_row cross join %1$s audit_old where (%2$s) is false and (%3$s)',
            watched.relation, coalesce(rule.predicate, 'true'), coalesce(rule.applies, 'true')
        );
        deallocate "audit probe";
    end if;
    return null;
exception
    when query_canceled or lock_not_available or deadlock_detected then
        raise;
    when others then
        return sqlerrm;
end;
$$;

comment on function audit._broken_because(integer) is 'Why a rule can not be evaluated as its table is now; null when it can.';
revoke all on function audit._broken_because(integer) from public;
