-- Who acts: the person whom the transaction names, or else the role that is logged in.
create or replace function audit._person()
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(nullif(current_setting('audit.actor', true), ''), session_user);
$$;

comment on function audit._person() is 'Who acts: the person whom the transaction names, or else the role that is logged in.';
revoke all on function audit._person() from public;
