-- The expression that gives the rest by which an IBAN is checked (ISO 7064, MOD 97-10): the first four characters go to
-- the end, every letter becomes two digits, and the number divided by 97 leaves 1. The subject must be an IBAN by its
-- pattern.
create or replace function audit._iban_rest(subject text)
    returns text
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
declare
    digits text := format('substr(%1$s, 5) || substr(%1$s, 1, 4)', subject);
begin
    for letter in 10..35 loop
        digits := format('replace(%s, %L, %L)', digits, chr(letter + 55), letter);
    end loop;
    return format('(%s)::numeric %% 97', digits);
end;
$$;

comment on function audit._iban_rest(text) is 'The expression that gives the rest by which an IBAN is checked.';
revoke all on function audit._iban_rest(text) from public;
