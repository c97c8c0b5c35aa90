-- Says that nobody has to hear of certain alerts until a time, and why. They are recorded all the same, and what still fires
-- when the silence ends is told then. Matchers are lists of words for policy, table, rule, severity and owner, and a group of
-- values: {"table": ["public.flights"], "group": {"origin": "EWR"}}.
create or replace function audit.add_silence(
    matchers jsonb,
    until timestamptz,
    reason text,
    begins timestamptz default null,
    clock timestamptz default now()
)
    returns uuid
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    unknown text;
    longest interval;
    result uuid;
begin
    if jsonb_typeof(matchers) is distinct from 'object' or matchers = '{}' then
        raise exception 'a silence must say which alerts it is for'
            using errcode = 'AU002', constraint = 'silence_means_something',
                hint = 'Name a policy, table, rule, severity, owner, or values of a group.';
    end if;
    select string_agg(format('`%s`', entry.key), ', ') into unknown
    from jsonb_each(matchers) as entry
    where case
        when entry.key in ('policy', 'table', 'rule', 'severity', 'owner') then jsonb_typeof(entry.value) <> 'array'
        when entry.key = 'group' then jsonb_typeof(entry.value) <> 'object'
        else true
    end;
    if unknown is not null then
        raise exception 'a silence can not be matched by %', unknown
            using errcode = 'AU002', constraint = 'silence_matchers_are_known',
                hint = 'Expected lists of words for policy, table, rule, severity and owner, and an object for group.';
    end if;
    if coalesce(reason, '') !~ '[^[:space:]]' then
        raise exception 'a silence needs a reason'
            using errcode = 'AU002', constraint = 'silence_has_a_reason', hint = 'Say why nobody has to hear of it.';
    end if;
    if until is null or until <= greatest(begins, clock) then
        raise exception 'a silence must end after it begins'
            using errcode = 'AU002', constraint = 'silence_ends_after_it_begins', hint = 'Name a time that is to come.';
    end if;
    select s.value::interval into longest from audit.setting s where s.name = 'longest_silence';
    if until - coalesce(begins, clock) > longest then
        raise exception 'a silence may last % at most', longest
            using errcode = 'AU002', constraint = 'silence_is_short_enough', hint = 'Name an earlier end; the policy says how long one may last.';
    end if;

    insert into audit.silence (matchers, from_time, until_time, reason, author)
    values (matchers, coalesce(begins, clock), until, reason, audit._person())
    returning silence_id into result;
    return result;
end;
$$;

comment on function audit.add_silence(jsonb, timestamptz, text, timestamptz, timestamptz) is 'Says that nobody has to hear of certain alerts until a time, and why.';
revoke all on function audit.add_silence(jsonb, timestamptz, text, timestamptz, timestamptz) from public;
