-- The part of a generated function that lists hidden rows: rows that fail a hide rule and stayed in the table. The view of
-- visible rows leaves them out by the rules themselves; the entries are there to be seen and worked on. A row that is
-- hidden already has one entry, which now stands for its newest version.
create or replace function audit._hide(table_id integer, op text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        (
            select format(
                E'    if hidden then\n'
                '        select array_agg(audit_bad.row_key), array_agg(audit_bad.row_object), array_agg(audit_bad.rules::text)%7$s\n'
                '        into set_aside_keys, set_aside_rows, set_aside_rules%8$s\n'
                '        from (\n'
                '            select %1$s as row_key, %2$s as row_object, array_remove(array[%3$s], null) as rules%9$s\n'
                '            from (select audit_row.*, row_number() over () as "audit position" from new_rows audit_row) audit_row\n'
                '        ) audit_bad\n'
                '        where audit_bad.rules && %4$L::integer[] and audit_bad.row_key not in (select unnest(set_aside_keys));\n'
                '        insert into audit.quarantine (table_id, op, key, rules, row, mode)\n'
                '        select %5$s, %6$L, audit_bad.row_key, audit_bad.rules::integer[], audit_bad.row_object, ''hide''\n'
                '        from unnest(set_aside_keys, set_aside_rules, set_aside_rows) audit_bad (row_key, rules, row_object)\n'
                '        on conflict (table_id, md5(key)) where state = ''held'' and mode = ''hide'' do update\n'
                '        set lsn = excluded.lsn, xid = excluded.xid, rules = excluded.rules, row = excluded.row, restored = null,\n'
                '            session_role = excluded.session_role, actor = excluded.actor, application = excluded.application, request_id = excluded.request_id;\n%10$s'
                '    end if;\n',
                audit._log_key(w.relation, w.key_columns),
                audit._log_object(w.relation, which => 'shown'),
                string_agg(format('case when errored_%s is not true and (%s) then %s end', r.rule_id, r.fails, r.rule_id), ', ' order by r.rule_id),
                array_agg(r.rule_id order by r.rule_id) filter (where d.mode = 'hide'),
                w.table_id,
                op,
                case when w.redact || w.hash <> '{}' then ', array_agg(audit_bad.secret)' else '' end,
                case when w.redact || w.hash <> '{}' then ', set_aside_secrets' else '' end,
                case when w.redact || w.hash <> '{}' then format(', %s as secret', audit._log_object(w.relation, which => 'secret')) else '' end,
                case when w.redact || w.hash <> '{}' then format(
                    E'        insert into audit.quarantine_secret (quarantine_id, "row")\n'
                    '        select audit_entry.quarantine_id, audit_bad.secret\n'
                    '        from unnest(set_aside_keys, set_aside_secrets) audit_bad (row_key, secret)\n'
                    '        join audit.quarantine audit_entry on audit_entry.table_id = %s and md5(audit_entry.key) = md5(audit_bad.row_key)\n'
                    '        where audit_entry.state = ''held'' and audit_entry.mode = ''hide''\n'
                    '        on conflict on constraint quarantine_secret_pkey do update set "row" = excluded."row", restored = null;\n',
                    w.table_id
                ) else '' end
            )
            from audit.watched_table w
            cross join lateral audit._compiled_rule(w.table_id, 'new') r
            join audit.rule d using (rule_id)
            where w.table_id = _hide.table_id
                and r.action = 'quarantine'
            group by w.table_id, w.relation, w.key_columns, w.redact, w.hash
            having bool_or(d.mode = 'hide')
        ),
        ''
    );
$$;

comment on function audit._hide(integer, text) is 'The part of a generated function that lists hidden rows.';
revoke all on function audit._hide(integer, text) from public;
