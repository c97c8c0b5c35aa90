-- The changes of the rows that had a primary key, under every key that they had. A change of the key is followed back to
-- where the row came from and on to where it went, from key to key, until it was inserted or deleted. A change may appear
-- more than once.
create or replace function audit._followed(table_id integer, key text)
    returns table (
        lsn pg_lsn, place bigint, at timestamptz, occurred_at timestamptz, op "char", old_key text, new_key text, old jsonb, new jsonb,
        session_role text, role text, actor text, application text, client inet, request_id text, cause text,
        xid xid8, sealed boolean, shape integer
    )
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    -- What has to be followed: a key, from a position on back or forth. The first is followed everywhere.
    keys text[] := array[key];
    positions pg_lsn[] := array['0/0'::pg_lsn];
    directions text[] := '{everywhere}';
    following integer := 1;
    here text;
    direction text;
begin
    while following <= cardinality(keys) loop
        here := keys[following];
        direction := directions[following];
        for lsn, place, at, occurred_at, op, old_key, new_key, old, new, session_role, role, actor, application, client, request_id, cause, xid, sealed, shape in
            select c.*
            from audit._changes_of(table_id, here) c
            where case direction when 'back' then c.lsn < positions[following] else c.lsn > positions[following] end
            order by case direction when 'back' then '0/0' - c.lsn else c.lsn - '0/0' end
        loop
            return next;
            if old_key <> new_key and new_key = here and direction <> 'forth'
                and not exists (select from unnest(keys, positions, directions) k (key, lsn, direction) where (k.key, k.lsn, k.direction) = (old_key, lsn, 'back'))
            then
                keys := keys || old_key;
                positions := positions || lsn;
                directions := directions || 'back'::text;
            end if;
            if old_key <> new_key and old_key = here and direction <> 'back'
                and not exists (select from unnest(keys, positions, directions) k (key, lsn, direction) where (k.key, k.lsn, k.direction) = (new_key, lsn, 'forth'))
            then
                keys := keys || new_key;
                positions := positions || lsn;
                directions := directions || 'forth'::text;
            end if;
            -- Beyond the place where the row began or ended under this key, the key may have been another row's.
            exit when direction = 'back' and new_key = here and (op = 'I' or old_key <> new_key);
            exit when direction = 'forth' and old_key = here and (op = 'D' or old_key <> new_key);
        end loop;
        following := following + 1;
    end loop;
end;
$$;

comment on function audit._followed(integer, text) is 'The changes of the rows that had a primary key, under every key that they had.';
revoke all on function audit._followed(integer, text) from public;
