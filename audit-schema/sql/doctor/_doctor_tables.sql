-- What is wrong with watched tables. The catalogue is read once for all of them, so that a thousand cost little more than
-- one.
create or replace function audit._doctor_tables()
    returns table (severity text, remark text, object text, what text, todo text)
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    with recursive watched as materialized (
        select w.table_id, w.relation, w.name, w.compiled, w.shape, c.oid is not null as there
        from audit.watched_table w
        left join pg_class c on c.oid = w.relation
        where w.unwatched_at is null
    ), relative as (
        select w.table_id, w.relation::oid as relid from watched w where w.there
        union
        select r.table_id, i.inhrelid
        from relative r
        join pg_inherits i on i.inhparent = r.relid
        where not exists (select from watched w where w.relation = i.inhrelid)
    ), place as materialized (
        select w.table_id, w.relation, w.name, k.oid as relid, k.relkind, k.relrowsecurity, k.relnamespace, k.oid::regclass::text as relative_name
        from relative r
        join watched w using (table_id)
        join pg_class k on k.oid = r.relid
    ), generated as materialized (
        select
            p.oid,
            substring(p.proname from '_(\d+)_[a-z]+$')::integer as table_id,
            substring(p.proname from '_([a-z]+)$') as verb,
            md5(substr(p.prosrc, 2)) is not distinct from substring(obj_description(p.oid, 'pg_proc') from 'digest ([0-9a-f]{32})\.$') as as_generated
        from pg_proc p
        where p.pronamespace = 'audit_compiled'::regnamespace and p.prorettype = 'trigger'::regtype
    ), attached as materialized (
        select g.tgrelid, g.tgname, g.tgenabled, f.table_id, f.verb
        from pg_trigger g
        join generated f on f.oid = g.tgfoid
    ), bypassing as (
        select p.relid
        from place p
        join pg_roles r on r.rolname = 'audit_owner' and not r.rolbypassrls
        where p.relrowsecurity
    )
    select 'critical', 'table_dropped', w.name, 'the table does not exist any more', format('select audit.unwatch(%s::regclass)', w.relation::oid)
    from watched w
    where not w.there
    union all
    select 'critical', 'trigger_missing', p.relative_name,
        format('%s is not logged: the trigger is missing', string_agg(v.verb, ', ' order by v.verb)),
        format('select audit.compile(%L)', p.name)
    from place p
    cross join unnest('{delete,insert,truncate,update}'::text[]) v (verb)
    where p.relkind <> 'f'
        and not exists (select from attached a where a.tgrelid = p.relid and a.table_id = p.table_id and a.verb = v.verb)
    group by p.relative_name, p.name
    union all
    select 'critical', 'trigger_disabled', a.tgrelid::regclass::text,
        format('%s is not logged: the trigger is disabled', string_agg(a.verb, ', ' order by a.verb)),
        string_agg(format('alter table %s enable trigger %I', a.tgrelid::regclass, a.tgname), '; ' order by a.verb)
    from attached a
    where a.tgenabled in ('D', 'R')
    group by a.tgrelid
    union all
    select 'critical', 'function_changed', w.name,
        format('the function for %s was changed by hand', string_agg(g.verb, ', ' order by g.verb)),
        format('select audit.compile(%L)', w.name)
    from generated g
    join watched w using (table_id)
    where not g.as_generated
    group by w.name
    union all
    select 'important', 'declarations_not_compiled', w.name,
        'the generated functions are not those of the declarations in force',
        format('select audit.compile(%L)', w.name)
    from watched w
    where w.there and w.compiled is distinct from audit._declared_digest(w.table_id)
    union all
    select 'important', 'shape_drifted', w.name,
        'the table was changed and the pipeline has not followed: writes may fail, and values may be missing from the log',
        format('select audit.compile(%L)', w.name)
    from watched w
    where w.there
        and w.shape - '{disabled,row_security}'::text[] is distinct from audit._shape(w.relation) - '{disabled,row_security}'::text[]
    union all
    select 'critical', 'row_security_hides_rows', p.relative_name,
        'row-level security hides rows from the pipeline: what it counts, looks up or takes out may be wrong',
        'alter role audit_owner bypassrls, as a superuser'
    from place p
    where p.relid in (select b.relid from bypassing b)
    union all
    select 'critical', 'right_missing', p.relative_name,
        format('audit_owner may not %s', n.privilege),
        format('select audit.compile(%L) as the owner of the table, or grant it', p.name)
    from place p
    cross join lateral (
        select 'select' as privilege where not has_table_privilege('audit_owner', p.relid, 'select')
        union all
        select 'create triggers' where not has_table_privilege('audit_owner', p.relid, 'trigger')
        union all
        select 'use its schema' where not has_schema_privilege('audit_owner', p.relnamespace, 'usage')
        union all
        select v.privilege
        from unnest('{delete,update}'::text[]) v (privilege)
        where p.relid = p.relation
            and not has_table_privilege('audit_owner', p.relid, v.privilege)
            and exists (select from audit.rule r where r.table_id = p.table_id and r.retired_at is null and r.action = 'quarantine')
        union all
        select format('select from %s, which rule %s looks into', t.relation, r.name)
        from audit.rule r
        cross join lateral (select to_regclass(r.definition ->> 'table') as relation) t
        where p.relid = p.relation
            and r.table_id = p.table_id
            and r.retired_at is null
            and r.kind = 'references'
            and t.relation is not null
            and not has_table_privilege('audit_owner', t.relation, 'select')
    ) n
    union all
    select 'critical', 'foreign_child', p.relative_name,
        format('it is a foreign table below %s, which is watched: writes to it fail', p.name),
        format('detach it, or select audit.unwatch(%L)', p.name)
    from place p
    where p.relkind = 'f'
    union all
    select 'normal', 'child_watched_by_itself', k.name,
        format('it inherits from %s, and both are watched: statements are logged under the table that they name', w.name),
        format('select audit.unwatch(%L)', k.name)
    from watched k
    join pg_inherits i on i.inhrelid = k.relation
    join watched w on w.relation = i.inhparent
    union all
    select 'important', 'counters_void', w.name,
        format('counters must start again from a scan: %s', string_agg(v.name, ', ' order by v.name)),
        format('select audit.compile(%L)', w.name)
    from watched w
    join (
        select b.table_id, 'rows' as name from audit.table_counter_base b where b.start_lsn = 'FFFFFFFF/FFFFFFFF'
        union all
        select r.table_id, 'rule ' || r.name
        from audit.rule_counter_base b
        join audit.rule r using (rule_id)
        where b.start_lsn = 'FFFFFFFF/FFFFFFFF' and r.retired_at is null and r.broken is null
        union all
        select s.table_id, 'summary ' || s.name from audit.summary s where s.start_lsn = 'FFFFFFFF/FFFFFFFF' and s.retired_at is null
    ) v using (table_id)
    where w.there
    group by w.name
    union all
    select r.severity, 'rule_broken', w.name || '.' || r.name,
        format('the rule can not be evaluated: %s%s', r.broken, case r.on_error when 'block' then '; it refuses every write' else '' end),
        format('declare the rule anew, or undo the change and select audit.compile(%L)', w.name)
    from audit.rule r
    join watched w using (table_id)
    where r.retired_at is null and r.broken is not null and w.there
    union all
    select 'important', 'summary_broken', s.name,
        format('changes of %s can not be folded into the summary: %s', w.name, s.broken),
        format('correct the summary, or the rows, and select audit.compile(%L)', w.name)
    from audit.summary s
    join watched w using (table_id)
    where s.retired_at is null and s.broken is not null and w.there
    union all
    select 'normal', 'summary_not_started', s.name,
        format('the summary of %s is declared and has not started', w.name),
        format('select audit.compile(%L)', w.name)
    from audit.summary s
    join watched w using (table_id)
    where s.retired_at is null and not s.standing and w.there;
$$;

comment on function audit._doctor_tables() is 'What is wrong with watched tables and their rules.';
revoke all on function audit._doctor_tables() from public;
