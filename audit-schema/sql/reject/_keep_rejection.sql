-- Hands the evidence of a rejection to a second connection, which commits by itself, if one was named. Whatever goes wrong
-- there is a line in the server's log: the writer sees his rejection and nothing else. dblink_connect() insists on a
-- password for whoever is no superuser; where the server asks for none, a superuser may grant dblink_connect_u() to
-- audit_owner instead, which looks for the user mapping of the owner of dblink, or that of public.
create or replace function audit._keep_rejection(evidence json)
    returns void
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    server text;
    home text;
    connect text;
    connected boolean := false;
begin
    select s.value into server from audit.setting s where s.name = 'rejection_server';
    select quote_ident(n.nspname) into home from pg_extension x join pg_namespace n on n.oid = x.extnamespace where x.extname = 'dblink';
    if server is null or home is null then
        return;
    end if;

    begin
        connect := case when has_function_privilege(format('%s.dblink_connect_u(text, text)', home), 'execute') then 'dblink_connect_u' else 'dblink_connect' end;
        execute format('select %s.%I(%L::text, %L::text)', home, connect, 'audit rejection', server);
        connected := true;
        execute format(
            'select %s.dblink_exec(%L::text, %L::text)',
            home, 'audit rejection', 'set statement_timeout = 2000; set lock_timeout = 1000; set synchronous_commit = local'
        );
        execute format(
            'select * from %s.dblink(%L::text, %L::text) as kept (kept text)',
            home, 'audit rejection', format('select audit.record_rejection(%L)::text', evidence)
        );
    exception when others or query_canceled then
        raise log 'the evidence of a rejection could not be kept through server "%": %', server, sqlerrm;
    end;
    if connected then
        execute format('select %s.dblink_disconnect(%L::text)', home, 'audit rejection');
    end if;
exception when others or query_canceled then
    raise log 'the second connection for rejections could not be closed: %', sqlerrm;
end;
$$;

comment on function audit._keep_rejection(json) is 'Hands the evidence of a rejection to a second connection, if one was named.';
revoke all on function audit._keep_rejection(json) from public;
