-- What the error of a reject rule says about rows that should be released: which of them failed, with the reasons, and
-- whether it names all of them. Its detail lists the rules, each with the number of rows and the keys of some.
create or replace function audit._refusal(
    table_id integer,
    ids uuid[],
    rule_name text,
    message text,
    detail text,
    out failing jsonb,
    out complete boolean,
    out facts jsonb
)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    rules jsonb;
begin
    rules := case jsonb_typeof(detail::jsonb) when 'array' then detail::jsonb else detail::jsonb -> 'rejected' end;
    select jsonb_agg(v.reason), bool_and(v.rows <= v.keys)
    into facts, complete
    from (
        select
            audit._rule_reason(r.rule_id) as reason,
            (d.value ->> 'rows')::bigint as rows,
            jsonb_array_length(d.value -> 'keys') as keys
        from jsonb_array_elements(rules) d (value)
        join audit.rule r on r.table_id = table_id and r.name = d.value ->> 'rule' and r.retired_at is null
    ) v;
    select jsonb_object_agg(k.quarantine_id, k.reasons)
    into failing
    from (
        select e.quarantine_id, jsonb_agg(audit._rule_reason(r.rule_id) order by r.rule_id) as reasons
        from jsonb_array_elements(rules) d (value)
        cross join lateral jsonb_array_elements_text(d.value -> 'keys') k (key)
        join audit.rule r on r.table_id = table_id and r.name = d.value ->> 'rule' and r.retired_at is null
        join audit.quarantine e on e.key = k.key and e.quarantine_id = any (ids)
        group by e.quarantine_id
    ) k;
    complete := coalesce(complete, false) and failing is not null;
    facts := coalesce(facts, jsonb_build_array(jsonb_build_object('kind', 'rule', 'name', rule_name, 'message', message)));
exception when data_exception then
    -- A rule that could not be evaluated has no list.
    complete := false;
    facts := jsonb_build_array(jsonb_build_object('kind', 'rule', 'name', rule_name, 'message', message));
end;
$$;

comment on function audit._refusal(integer, uuid[], text, text, text) is 'What the error of a reject rule says about rows that should be released.';
revoke all on function audit._refusal(integer, uuid[], text, text, text) from public;
