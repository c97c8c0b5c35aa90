-- What is wrong with what the log must not know, and with how long it remembers.
create or replace function audit._doctor_privacy()
    returns table (severity text, remark text, object text, what text, todo text)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select 'normal', 'old_values_logged', w.name,
        format('what was logged before %s has the values of %s', w.hidden_at, array_to_string(w.redact || w.hash, ', ')),
        coalesce(
            'retention drops it after ' || (select k.keep from audit._kept('changes') k where k.table_id = w.table_id),
            'it is kept for ever: declare how long in the policy, as in retain: { changes: 90d, findings: 90d }'
        )
    from audit.watched_table w
    where w.unwatched_at is null
        and w.hidden_at is not null
        and (
            exists (select from audit.change c where c.table_id = w.table_id and c.at < w.hidden_at)
            or exists (
                select
                from audit.segment s
                where s.month <= date_trunc('month', w.hidden_at)
                    and s.table_id = w.table_id
                    and s.at_lo < w.hidden_at
            )
        )
    union all
    select 'normal', 'key_redacted', w.name,
        format('%s is redacted and has become part of the primary key: it is hashed, so that rows can be told apart', k.name),
        'hash it in the policy, or give the table another key'
    from audit.watched_table w
    cross join unnest(w.key_columns) k (name)
    where w.unwatched_at is null
        and k.name = any (w.redact)
    union all
    select 'important', 'computed_from_hidden', w.name,
        format('%s is computed from %s, and its values are logged', a.attname, string_agg(distinct h.attname, ', ' order by h.attname)),
        'redact or hash it as well'
    from audit.watched_table w
    join pg_attribute a on a.attrelid = w.relation and a.attgenerated = 's' and not a.attisdropped and a.attname <> all (w.redact || w.hash)
    join pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
    -- Which of the two depends on the columns differs by version.
    join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = w.relation
        and ((d.classid = 'pg_attrdef'::regclass and d.objid = e.oid) or (d.classid = 'pg_class'::regclass and d.objid = a.attrelid and d.objsubid = a.attnum))
    join pg_attribute h on h.attrelid = w.relation and h.attnum = d.refobjsubid and h.attname = any (w.redact || w.hash)
    where w.unwatched_at is null
    group by w.name, a.attname
    union all
    select 'critical', 'secret_readable', c.oid::regclass::text,
        format('%s may %s it, and so find out what is redacted or hashed', coalesce(nullif(a.grantee::regrole::text, '-'), 'everybody'), lower(string_agg(a.privilege_type, ', ' order by a.privilege_type))),
        format('revoke all on %s from %s', c.oid::regclass, coalesce(nullif(a.grantee::regrole::text, '-'), 'public'))
    from pg_class c
    cross join lateral aclexplode(c.relacl) a
    where c.oid in ('audit.hash_salt'::regclass, 'audit.quarantine_secret'::regclass)
        and a.grantee <> c.relowner
    group by c.oid, a.grantee
    union all
    select 'normal', 'retention_lags', 'audit.retain',
        format('retention has not come to an end since %s', p.retained_at),
        'let audit-notify tick more often, or call audit.retain() until it gives 0'
    from audit.progress p
    where p.retained_at < clock_timestamp() - interval '1 day'
        and exists (
            select from unnest('{changes,findings,quarantine,rejections,checks}'::text[]) kind cross join lateral audit._kept(kind)
            union all
            select from audit.retention
        );
$$;

comment on function audit._doctor_privacy() is 'What is wrong with what the log must not know, and with how long it remembers.';
revoke all on function audit._doctor_privacy() from public;
