-- The rows of a watched table as they were at a time: every change logged until then is in it, and none logged later. The
-- log knows when a statement had finished, not when its transaction committed; between the statements of a transaction the
-- table is shown as the transaction itself saw it. Columns are those that the table has now: a column that was dropped is
-- left out, and one that was added later is null or as it is now, for then it said nothing. A column that is redacted or
-- hashed is left out, or null; a notice says which.
--
-- Runs with the rights of the caller, who must be allowed to read the log and the table. It comes in two forms: with a row
-- of the table's type, as in audit.as_of(null::public.orders, '2026-01-01'), it returns rows of that type; with the name of
-- the table, each row as json, with its key. The second form may be asked for one key, and then reads no more than that.
create or replace function audit.as_of(target regclass, at timestamptz, only_key text default null)
    returns table (key text, "row" jsonb)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set jit = off
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
    set intervalstyle = postgres
    set bytea_output = hex
as $$
#variable_conflict use_variable
declare
    rewind record;
    key_columns text[];
begin
    select r.* into rewind from audit._rewind(target, at, one_key => only_key is not null) r;
    select w.key_columns into key_columns from audit.watched_table w where w.relation = target and w.unwatched_at is null;
    perform audit._say_unknown(target);
    return query execute format(
        'select %s, %s::jsonb from (%s) audit_row', audit._log_key(target, key_columns), audit._log_object(target, which => 'known'), rewind.query
    )
    using at, rewind.from_lsn, only_key;
end;
$$;

create or replace function audit.as_of(target text, at timestamptz, only_key text default null)
    returns table (key text, "row" jsonb)
    language plpgsql
    stable
as $$
begin
    return query select a.key, a."row" from audit.as_of(target::pg_catalog.regclass, at, only_key) a;
end;
$$;

create or replace function audit.as_of(target anyelement, at timestamptz)
    returns setof anyelement
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set jit = off
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
    set intervalstyle = postgres
    set bytea_output = hex
as $$
#variable_conflict use_variable
declare
    relation regclass := (select t.typrelid from pg_type t where t.oid = pg_typeof(target) and t.typrelid <> 0);
    rewind record;
begin
    if relation is null then
        raise exception using
            errcode = 'AU002',
            constraint = 'row_type_is_expected',
            message = format('%s is not the type of the rows of a table', pg_typeof(target)),
            hint = 'Name the table by its row type, as in audit.as_of(null::public.orders, now()).';
    end if;
    select r.* into rewind from audit._rewind(relation, at) r;
    perform audit._say_unknown(relation);
    -- A column that is computed when it is read is not logged.
    return query execute format(
        'select %s from (%s) audit_row',
        (
            select string_agg(case when c.name is null then format('null::%s', format_type(a.atttypid, a.atttypmod)) else format('audit_row.%I', a.attname) end, ', ' order by a.attnum)
            from pg_attribute a
            left join audit._log_column(relation, 'known') c on c.name = a.attname
            where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
        ),
        rewind.query
    )
    using at, rewind.from_lsn;
end;
$$;

comment on function audit.as_of(regclass, timestamptz, text) is 'The rows of a watched table, or the one with a key, as they were at a time, as json.';
comment on function audit.as_of(text, timestamptz, text) is 'The rows of a watched table, or the one with a key, as they were at a time, as json.';
comment on function audit.as_of(anyelement, timestamptz) is 'The rows of a watched table as they were at a time. Takes a row of the type of the table, which may be null.';
revoke all on function audit.as_of(regclass, timestamptz, text), audit.as_of(text, timestamptz, text), audit.as_of(anyelement, timestamptz) from public;
