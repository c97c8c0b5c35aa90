-- A row that is shown with markers, with the true values in their place. Every other value stays as it was written. Null if
-- nothing of it is secret.
create or replace function audit._whole(shown json, secret json)
    returns json
    language sql
    immutable
    strict
    set search_path = pg_catalog, pg_temp
as $$
    select json_object_agg(f.key, coalesce(secret -> f.key, f.value)) from json_each(shown) f;
$$;

comment on function audit._whole(json, json) is 'A row that is shown with markers, with the true values in their place.';
revoke all on function audit._whole(json, json) from public;
