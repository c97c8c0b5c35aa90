-- Leaves out rules whose columns or referenced table are gone, and says why; takes them in again when they are back.
create or replace function audit._mark_broken_rules(table_id integer)
    returns void
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
    update audit.rule r
    set broken = b.broken
    from (
        select
            r.rule_id,
            coalesce(
                (
                    select format('column %s does not exist', c)
                    from unnest(r.columns) c
                    where not exists (
                        select from pg_attribute a
                        where a.attrelid = w.relation and a.attname = c and a.attnum > 0 and not a.attisdropped
                    )
                    limit 1
                ),
                (
                    select format('column %s does not exist', c.name)
                    from (
                        select distinct coalesce(replace(m.match[2], '""', '"'), m.match[1]) as name
                        from regexp_matches(r.applies, '\maudit_(?:row|old)\.(?:(\w+)|"((?:[^"]|"")+)")', 'g') m (match)
                    ) c
                    where not exists (
                        select from pg_attribute a
                        where a.attrelid = w.relation and a.attname = c.name and a.attnum > 0 and not a.attisdropped
                    )
                    order by 1
                    limit 1
                ),
                case when r.kind = 'references' and not exists (
                    select from pg_attribute a
                    where a.attrelid = to_regclass(r.definition ->> 'table') and a.attname = r.definition ->> 'key' and not a.attisdropped
                ) then format('column %s of %s does not exist', r.definition ->> 'key', r.definition ->> 'table') end
            ) as broken
        from audit.rule r
        join audit.watched_table w using (table_id)
        where r.table_id = _mark_broken_rules.table_id
            and r.retired_at is null
    ) b
    where b.rule_id = r.rule_id
        and b.broken is distinct from r.broken;
$$;

comment on function audit._mark_broken_rules(integer) is 'Leaves out rules whose columns or referenced table are gone, and says why.';
revoke all on function audit._mark_broken_rules(integer) from public;
