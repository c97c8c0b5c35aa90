-- A row before and after a change, with its keys. The row after is completed with the columns that an update left alone,
-- which a segment does not repeat.
create or replace function audit._paired(before jsonb, after jsonb, key_columns text[])
    returns table (old_key text, new_key text, old jsonb, new jsonb)
    language sql
    immutable
    rows 1
as $$
    select
        audit._key(coalesce(before, after), key_columns),
        audit._key(coalesce(after, before), key_columns),
        before,
        case when after is not null then coalesce(before, '{}') || after end;
$$;

comment on function audit._paired(jsonb, jsonb, text[]) is 'A row before and after a change, with its keys.';
revoke all on function audit._paired(jsonb, jsonb, text[]) from public;
