-- Which of the rows with these keys are not as these images say, with an image of null for a row that is not there.
-- Columns that an image does not have are not looked at, nor those that are redacted or hashed.
create or replace function audit._altered(watched audit.watched_table, keys text[], images jsonb[])
    returns setof text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
    set datestyle = iso, ymd
    set timezone = utc
    set extra_float_digits = 1
    set intervalstyle = postgres
    set bytea_output = hex
as $$
begin
    return query execute audit._filled(
        $query$
            select k.key
            from unnest($1, $2) k (key, image)
            left join {relation} audit_row on {is_it}
            cross join lateral (select {object}::jsonb as object) p
            cross join lateral (
                select {object}::jsonb - array(select c.name from unnest({names}::text[]) c (name) where not k.image ? c.name) as object
                from (select {values}) audit_row
            ) i
            where case
                when k.image is null or audit_row.tableoid is null then k.image is not null or audit_row.tableoid is not null
                else p.object || i.object <> p.object
            end$query$,
        (
            select jsonb_build_object(
                'relation', watched.relation,
                'is_it', audit._key_is(watched.relation, watched.key_columns, 'k.key'),
                'object', audit._log_object(watched.relation, which => 'known'),
                'names', quote_literal(array_agg(c.name)::text),
                'values', string_agg(format('(k.image ->> %L)::%s as %I', c.name, c.type, c.name), ', ')
            )
            from audit._log_column(watched.relation, 'known') c
        )
    )
    using keys, images;
end;
$$;

comment on function audit._altered(audit.watched_table, text[], jsonb[]) is 'Which of the rows with these keys are not as these images say.';
revoke all on function audit._altered(audit.watched_table, text[], jsonb[]) from public;
