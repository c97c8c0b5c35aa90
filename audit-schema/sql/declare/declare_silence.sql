-- Declares a silence, or a new version of one. It may be for hours that come again and again. A silence that is over is kept
-- as well: the policy may still name it.
create or replace function audit.declare_silence(name text, definition jsonb, clock timestamptz default now())
    returns uuid
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    before audit.silence;
    longest interval;
    begins timestamptz := coalesce((definition ->> 'from')::timestamptz, clock);
    ends timestamptz := (definition ->> 'until')::timestamptz;
    result uuid;
begin
    select s.* into before from audit.silence s where s.name = name and s.ended_at is null;
    if found then
        if before.definition = definition then
            return before.silence_id;
        end if;
        perform audit.retire_silence(before.silence_id, clock);
    end if;
    select s.value::interval into longest from audit.setting s where s.name = 'longest_silence';
    if definition -> 'hours' is null and ends - begins > longest then
        raise exception 'the silence would last longer than %', longest
            using errcode = 'AU002', constraint = 'silence_is_short_enough',
                hint = 'The defaults of the policy say how long a silence may last.';
    end if;

    insert into audit.silence (name, definition, matchers, hours, from_time, until_time, reason, author)
    values (
        name, definition, definition -> 'matchers', definition -> 'hours',
        least(begins, ends - interval '1 microsecond'), ends, definition ->> 'why', definition ->> 'owner'
    )
    returning silence_id into result;
    return result;
end;
$$;

comment on function audit.declare_silence(text, jsonb, timestamptz) is 'Declares a silence, or a new version of one.';
revoke all on function audit.declare_silence(text, jsonb, timestamptz) from public;
