-- All there is to say about a refused statement, in one document: the DETAIL of the error, the line in the server's log
-- and the evidence that is kept are the same. The rules come with what their owners declared, so that whoever reads it
-- needs nothing else. What is not known is left out; a null within a sample is a value and stays.
create or replace function audit._evidence(table_id integer, op text, rows bigint, refusals jsonb)
    returns json
    language sql
    volatile
    set search_path = pg_catalog, pg_temp
    set timezone = utc
    set datestyle = iso, ymd
as $$
    select json_object_agg(field.name, field.value) filter (where field.value is not null)
    from audit.watched_table w
    cross join lateral (
        values
            ('rejected', (
                select json_agg(
                    (
                        select json_object_agg(part.name, part.value) filter (where part.value is not null)
                        from (
                            values
                                ('rule', refused.value -> 'rule'),
                                ('severity', to_jsonb(r.severity)),
                                ('columns', to_jsonb(nullif(r.columns, '{}'))),
                                ('rows', refused.value -> 'rows'),
                                ('keys', nullif(jsonb_path_query_array(refused.value, '$.keys[*] ? (@ != null)'), '[]')),
                                ('samples', nullif(refused.value -> 'samples', 'null')),
                                ('error', refused.value -> 'error'),
                                ('why', to_jsonb(nullif(r.why, ''))),
                                ('owner', to_jsonb(nullif(r.owner, '')))
                        ) part (name, value)
                    )
                    order by refused.position
                )
                from jsonb_array_elements(refusals) with ordinality refused (value, position)
                left join audit.rule r on r.table_id = w.table_id and r.name = refused.value ->> 'rule' and r.retired_at is null
            )),
            ('table', to_json(w.name)),
            ('op', to_json(case op when 'I' then 'insert' when 'U' then 'update' when 'D' then 'delete' else 'truncate' end)),
            ('rows', to_json(rows)),
            ('rejection_id', to_json(gen_random_uuid())),
            ('table_id', to_json(w.table_id)),
            ('at', to_json(clock_timestamp())),
            ('occurred_at', to_json(case when current_setting('audit.occurred_at', true) ~ '^\d{1,16}$' then to_timestamp(current_setting('audit.occurred_at', true)::float8 / 1000000) end)),
            ('session_role', to_json(session_user::text)),
            ('role', to_json(nullif(current_setting('role'), 'none'))),
            ('actor', to_json(nullif(current_setting('audit.actor', true), ''))),
            ('application', to_json(nullif(current_setting('application_name'), ''))),
            ('client', to_json(host(inet_client_addr()))),
            ('request_id', to_json(nullif(current_setting('audit.request_id', true), '')))
    ) field (name, value)
    where w.table_id = _evidence.table_id;
$$;

comment on function audit._evidence(integer, text, bigint, jsonb) is 'All there is to say about a refused statement, in one document.';
revoke all on function audit._evidence(integer, text, bigint, jsonb) from public;
