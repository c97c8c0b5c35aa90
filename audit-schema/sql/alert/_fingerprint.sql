-- What an alert is about: the policy, and the rule or the group. Long ones are digested, so that they fit an index.
create or replace function audit._fingerprint(policy text, subject jsonb)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when octet_length(subject::text) > 500 then policy || ' ' || encode(sha256(convert_to(subject::text, 'UTF8')), 'hex')
        when subject = '{}' then policy
        else policy || ' ' || subject::text
    end;
$$;

comment on function audit._fingerprint(text, jsonb) is 'What an alert is about: the policy, and the rule or the group.';
revoke all on function audit._fingerprint(text, jsonb) from public;
