-- Says how long a silence may last at most, whoever asks for it; null means as long as one likes.
create or replace function audit.limit_silences(longest interval)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set intervalstyle = postgres
as $$
#variable_conflict use_variable
begin
    if longest is null then
        delete from audit.setting s where s.name = 'longest_silence';
        return;
    end if;
    if longest <= interval '0' then
        raise exception 'a silence lasts some time'
            using errcode = 'AU002', constraint = 'silence_lasts_some_time', hint = 'Name a length such as 7 days.';
    end if;
    insert into audit.setting as s (name, value) values ('longest_silence', longest::text)
    on conflict on constraint setting_pkey do update set value = excluded.value, set_at = now(), set_by = session_user;
end;
$$;

comment on function audit.limit_silences(interval) is 'Says how long a silence may last at most; null means as long as one likes.';
revoke all on function audit.limit_silences(interval) from public;
