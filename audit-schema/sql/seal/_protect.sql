-- Makes a table append-only. Calling it again changes nothing, and does not even lock the table. A partition needs it
-- for itself: a statement on the partition does not fire the triggers of its parent.
create or replace function audit._protect(target regclass)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from pg_trigger t where t.tgrelid = target and t.tgname = 'audit_append_only') then
        execute format(
            'create trigger audit_append_only before update or delete or truncate on %s '
            'for each statement execute function audit._refuse_change()',
            target);
        execute format('comment on trigger audit_append_only on %s is %L', target, 'Rows are only ever added.');
    end if;
end;
$$;

comment on function audit._protect(regclass) is 'Makes a table append-only. Calling it again changes nothing.';
revoke all on function audit._protect(regclass) from public;
