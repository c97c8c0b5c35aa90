-- A fact about a row and its table as the only reason for which the row can not be released.
create or replace function audit._release_fact(fact text, subject text default '')
    returns jsonb
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_array(jsonb_build_object('kind', 'fact', 'name', fact, 'message', case fact
        when 'row_changed' then 'the row in the table was changed in the meantime; overwrite replaces it'
        when 'row_is_gone' then 'the row was deleted in the meantime; overwrite brings it back'
        when 'key_is_taken' then 'the table has a row with this key; overwrite replaces it'
        when 'row_was_not_written' then 'a trigger or rewrite rule of the table dropped the row'
        when 'column_is_gone' then format('the table has no column %s any more, and the value would be lost; edit it to null', subject)
        when 'table_is_gone' then format('the table %s was dropped', subject)
        when 'table_is_not_watched' then format('the table %s is not watched any more, so the row can not be checked', subject)
        when 'table_has_no_primary_key' then format('the table %s has no primary key any more', subject)
    end));
$$;

comment on function audit._release_fact(text, text) is 'A fact about a row and its table as the only reason for which the row can not be released.';
revoke all on function audit._release_fact(text, text) from public;
