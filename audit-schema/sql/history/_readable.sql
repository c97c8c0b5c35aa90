-- The watched table with the rows of a table or partition; an error if there is none, or if its rows can not be told apart
-- where that is needed.
create or replace function audit._readable(target regclass, needs_key boolean)
    returns audit.watched_table
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    watched audit.watched_table;
begin
    select w.*
    into watched
    from audit.watched_table w
    where w.relation in (select target union all select a.relid from pg_partition_ancestors(target) a)
    order by w.unwatched_at is not null, w.unwatched_at desc
    limit 1;
    if not found then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_is_not_watched',
            message = format('%s is not watched', target),
            hint = format('Its changes are logged from select audit.watch(%L) on.', target);
    elsif needs_key and watched.key_columns = '{}' then
        raise exception using
            errcode = 'AU002',
            constraint = 'table_has_no_primary_key',
            message = format('the rows of %s can not be told apart', target),
            detail = 'It has no primary key.',
            hint = 'audit.row_change has its log, one row per changed row.';
    end if;
    return watched;
end;
$$;

comment on function audit._readable(regclass, boolean) is 'The watched table with the rows of a table or partition.';
revoke all on function audit._readable(regclass, boolean) from public;
