-- The open episodes, for whoever is about to observe: takes the lock that makes observing and recording one step, until
-- the end of the transaction, so that two ticks at once never open two episodes.
create or replace function audit.open_episodes()
    returns setof jsonb
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('audit.open_episodes', 0));
    return query
    select to_jsonb(episode.*)
    from audit.alert as episode
    where episode.state <> 'resolved';
end;
$$;

comment on function audit.open_episodes() is 'The open episodes, locked against another tick until the end of the transaction.';
revoke all on function audit.open_episodes() from public;
