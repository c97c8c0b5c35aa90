-- What a digest has to tell a channel: each alert once, as the last of its collected transitions left it, and whether it is new
-- since the last digest; and then, as standing, the alerts that earlier digests told of and that are still open.
create or replace function audit._digested(channel integer, transitions bigint[])
    returns jsonb
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    with collected as materialized (
        select
            transition.alert_id,
            max(transition.alert_transition_id) as last,
            bool_or(transition.to_state = 'firing' and transition.from_state is distinct from 'firing') as is_new
        from audit.alert_transition as transition
        where transition.alert_transition_id = any (transitions)
        group by transition.alert_id
    ), standing as materialized (
        select
            episode.alert_id,
            (
                select max(transition.alert_transition_id)
                from audit.alert_transition as transition
                where transition.alert_id = episode.alert_id
            ) as last
        from audit.alert as episode
        where episode.state in ('firing', 'acknowledged', 'snoozed')
            and episode.alert_id not in (select collected.alert_id from collected)
            and exists (
                select
                from audit.outbox as delivery
                join audit.channel as former on former.channel_id = delivery.channel_id
                join audit.channel as live on live.name = former.name and live.channel_id = channel
                where delivery.kind = 'digest'
                    and delivery.state = 'delivered'
                    and (delivery.alert_transition_id || delivery.more) && array(
                        select transition.alert_transition_id
                        from audit.alert_transition as transition
                        where transition.alert_id = episode.alert_id
                    )
            )
        limit 1000
    )
    select coalesce(jsonb_agg(audit._told(item.last, false) || item.place order by item.last), '[]')
    from (
        select collected.last, jsonb_build_object('is_new', collected.is_new, 'standing', false) as place
        from collected
        union all
        select standing.last, jsonb_build_object('is_new', false, 'standing', true)
        from standing
    ) as item;
$$;

comment on function audit._digested(integer, bigint[]) is 'What a digest has to tell a channel: each alert once, and those that are still open.';
revoke all on function audit._digested(integer, bigint[]) from public;
