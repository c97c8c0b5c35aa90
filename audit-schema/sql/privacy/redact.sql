-- Says of which columns of a watched table the values must not enter the log: redacted ones not at all, hashed ones as a hash,
-- so that changes and equality are seen. In force after audit.compile(). Both lists are taken whole: a column that is in
-- neither is logged again. What was logged before keeps what it has. A key column can only be hashed, because rows could not
-- be told apart otherwise.
create or replace function audit.redact(target regclass, redact text[] default '{}', hash text[] default '{}')
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
    wrong text;
    became record;
begin
    select w.* into watched from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    if not found then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_is_not_watched',
            message = format('%s is not watched', target),
            hint = format('Call audit.watch(%L) first.', target);
    end if;
    select c into wrong
    from unnest(redact || hash) c
    where not exists (select from pg_attribute a where a.attrelid = target and a.attname = c and a.attnum > 0 and not a.attisdropped)
    limit 1;
    if found then
        raise exception using
            errcode = 'AU002',
            constraint = 'column_does_not_exist',
            column = wrong,
            message = format('table %s has no column `%s`', target, wrong);
    end if;
    select c into wrong from unnest(redact) c where c = any (watched.key_columns) limit 1;
    if found then
        raise exception using
            errcode = 'AU002',
            constraint = 'key_can_not_be_redacted',
            column = wrong,
            message = format('column `%s` is part of the primary key of %s: without it rows could not be told apart', wrong, target),
            hint = 'Hash it: then the history of a row is found by the hash of its key.';
    end if;
    select c into wrong from unnest(redact) c where c = any (hash) limit 1;
    if found then
        raise exception using
            errcode = 'AU002',
            constraint = 'column_is_redacted_or_hashed',
            column = wrong,
            message = format('column `%s` is both redacted and hashed', wrong),
            hint = 'Hash it if changes have to be seen, else redact it.';
    end if;
    if (watched.redact, watched.hash) is not distinct from (redact, hash) then
        return;
    end if;

    update audit.watched_table w
    set redact = redact.redact,
        hash = redact.hash,
        hidden_at = case
            when redact.redact || redact.hash = '{}' then null
            when redact.redact || redact.hash <@ (w.redact || w.hash) then w.hidden_at
            else clock_timestamp()
        end
    where w.table_id = watched.table_id;
    insert into audit.hash_salt (table_id) values (watched.table_id) on conflict on constraint hash_salt_pkey do nothing;
    for became in
        select c.name, b.was, b.became
        from (select distinct u.name from unnest(redact || hash || watched.redact || watched.hash) u (name)) c
        cross join lateral (
            select
                case when c.name = any (watched.redact) then 'redacted' when c.name = any (watched.hash) then 'hashed' end as was,
                case when c.name = any (redact) then 'redacted' when c.name = any (hash) then 'hashed' end as became
        ) b
        where b.was is distinct from b.became
        order by c.name
    loop
        perform audit._note_drift(watched.table_id, null, 'column ' || coalesce(became.became, 'logged again'), became.name, became.was, became.became);
    end loop;
end;
$$;

comment on function audit.redact(regclass, text[], text[]) is 'Says which columns of a watched table must not enter the log, or only as a hash.';
revoke all on function audit.redact(regclass, text[], text[]) from public;
