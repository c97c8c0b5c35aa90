-- How often a time-driven rule is asked: as declared, or as often as its question is cheap.
create or replace function audit._ask_every(rule audit.rule)
    returns interval
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        (rule.definition ->> 'every')::interval,
        case
            when rule.kind = 'fresh' and rule.definition ->> 'column' is null then interval '1 minute'
            when rule.kind in ('reconcile', 'sql') then interval '1 hour'
            else interval '5 minutes'
        end
    );
$$;

comment on function audit._ask_every(audit.rule) is 'How often a time-driven rule is asked.';
revoke all on function audit._ask_every(audit.rule) from public;
