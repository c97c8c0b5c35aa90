-- Keeps the true values of an edit of rows in quarantine apart from what is shown of them. A row that is hidden in its table
-- stands for the version there, so what is secret of that is kept with its first edit.
create or replace function audit._keep_secret(watched audit.watched_table, ids uuid[], secret json)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
    insert into audit.quarantine_secret as s (quarantine_id, "row")
    select q.quarantine_id, secret
    from audit.quarantine q
    where q.quarantine_id = any (ids)
        and (secret::text <> '{}' or exists (select from audit.quarantine_secret b where b.quarantine_id = q.quarantine_id))
    on conflict on constraint quarantine_secret_pkey do update
    set restored = case when (select q.mode from audit.quarantine q where q.quarantine_id = s.quarantine_id) = 'hide' then coalesce(s.restored, s."row") else s.restored end,
        "row" = (
            select json_object_agg(f.key, f.value)
            from (
                select o.key, coalesce(secret -> o.key, o.value) from json_each(coalesce(s."row", '{}')) o
                union all
                select n.key, n.value from json_each(secret) n where s."row" -> n.key is null
            ) f (key, value)
        );
    if audit._hidden_key(watched) then
        execute format(
            'update audit.quarantine q set key = k.key from (select audit_entry.quarantine_id, %s as key from audit._held($1) audit_entry cross join lateral json_populate_record(null::%s, audit_entry.row) audit_row) k where q.quarantine_id = k.quarantine_id and q.mode <> ''hide''',
            audit._log_key(watched.relation, watched.key_columns), watched.relation
        )
        using ids;
    end if;
end;
$$;

comment on function audit._keep_secret(audit.watched_table, uuid[], json) is 'Keeps the true values of an edit of rows in quarantine apart from what is shown of them.';
revoke all on function audit._keep_secret(audit.watched_table, uuid[], json) from public;
