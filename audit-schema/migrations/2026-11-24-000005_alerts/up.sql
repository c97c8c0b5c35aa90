-- Who hears of what: alert policies, channels and routes as declared; the episodes they cause; and the outbox from which
-- `audit-notify` delivers. Secrets stay outside: a channel names the environment variable or the file that holds its key.

create table audit.alert_policy (
    alert_policy_id integer generated always as identity,
    name text not null,
    definition jsonb not null,
    owner text not null default '',
    declared_at timestamptz not null default now(),
    declared_by text not null default session_user,
    retired_at timestamptz,
    constraint alert_policy_pkey primary key (alert_policy_id)
);
create unique index alert_policy_name_is_unique on audit.alert_policy (name) where retired_at is null;
comment on table audit.alert_policy is 'When somebody is to be told: a condition over a summary, over the counters of the rules, over what was found lately, or over what is overdue.';
comment on column audit.alert_policy.alert_policy_id is 'The number by which alerts name the policy.';
comment on column audit.alert_policy.name is 'Unique among the live policies; part of the fingerprint of its alerts.';
comment on column audit.alert_policy.definition is 'As declared: on (a summary, rules, findings or overdue), within, per, when, until, for, keep_firing_for, severity, say, runbook, repeat_every, reopen_within, messages, inhibited_by, escalate.';
comment on column audit.alert_policy.owner is 'Who has to act; empty means the owner of the rule or the table.';
comment on column audit.alert_policy.declared_at is 'When this version of the policy was declared.';
comment on column audit.alert_policy.declared_by is 'The role that declared it.';
comment on column audit.alert_policy.retired_at is 'When it was taken back or replaced; null while it is in force. Open alerts of a retired policy resolve at the next tick.';

create table audit.channel (
    channel_id integer generated always as identity,
    name text not null,
    provider text not null,
    definition jsonb not null default '{}',
    per_minute integer not null default 10,
    per_second integer,
    tokens double precision not null default 0,
    tokens_at timestamptz not null default 'epoch',
    declared_at timestamptz not null default now(),
    declared_by text not null default session_user,
    paused_at timestamptz,
    paused_why text,
    retired_at timestamptz,
    constraint channel_pkey primary key (channel_id),
    constraint channel_gets_a_message_a_minute check (per_minute > 0),
    constraint channel_gets_a_message_a_second check (per_second > 0),
    constraint channel_paused_says_why check ((paused_at is null) = (paused_why is null))
);
create unique index channel_name_is_unique on audit.channel (name) where retired_at is null;
comment on table audit.channel is 'A way out: an e-mail provider with its recipients, a webhook, a directory.';
comment on column audit.channel.channel_id is 'The number by which deliveries name the channel.';
comment on column audit.channel.name is 'Unique among the live channels; routes name it.';
comment on column audit.channel.provider is 'Which wire format is spoken: resend, sendgrid, webhook, file.';
comment on column audit.channel.definition is 'The options of the provider, for example from, to, base_url. A secret is only named: {"env": "…"} or {"file": "…"}.';
comment on column audit.channel.per_minute is 'How many messages a minute it gets at most: the last of them speaks for all that follow.';
comment on column audit.channel.per_second is 'How many messages a second are sent to its provider; null means as fast as they are taken.';
comment on column audit.channel.tokens is 'How many messages could be sent at once, at tokens_at; below zero, so many are sent later. All that send draw from these, and per_second of them are added each second, up to that number.';
comment on column audit.channel.tokens_at is 'When tokens were last drawn.';
comment on column audit.channel.declared_at is 'When this version of the channel was declared.';
comment on column audit.channel.declared_by is 'The role that declared it.';
comment on column audit.channel.paused_at is 'When deliveries stopped because the provider refused the credentials; null while the channel is used. Its deliveries wait.';
comment on column audit.channel.paused_why is 'What the provider answered.';
comment on column audit.channel.retired_at is 'When it was taken back or replaced; null while it is in force.';

create table audit.route (
    route_id integer generated always as identity,
    position integer not null,
    definition jsonb not null,
    declared_at timestamptz not null default now(),
    declared_by text not null default session_user,
    retired_at timestamptz,
    constraint route_pkey primary key (route_id)
);
create unique index route_position_is_unique on audit.route (position) where retired_at is null;
comment on table audit.route is 'Which alerts go to which channels. The first route that matches is taken, unless it says continue.';
comment on column audit.route.route_id is 'The number of the route.';
comment on column audit.route.position is 'Routes are tried in this order.';
comment on column audit.route.definition is 'What it matches (severity, owner, table; what is missing matches all), hours and otherwise (wait, next or digest), digest (when it goes out), to (names of channels), continue.';
comment on column audit.route.declared_at is 'When this version of the route was declared.';
comment on column audit.route.declared_by is 'The role that declared it.';
comment on column audit.route.retired_at is 'When it was taken back or replaced; null while it is in force.';

create table audit.alert (
    alert_id uuid not null default gen_random_uuid(),
    fingerprint text not null,
    policy text not null,
    alert_policy_id integer,
    rule_id integer,
    table_id integer,
    group_values jsonb not null default '{}',
    severity text not null,
    title text not null,
    owner text not null default '',
    runbook text,
    time_zone text,
    state text not null default 'pending',
    opened_at timestamptz not null,
    fired_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    snoozed_until timestamptz,
    last_held_at timestamptz not null,
    notified_at timestamptz,
    clear_since timestamptz,
    reopened integer not null default 0,
    resolved_at timestamptz,
    stays_resolved boolean not null default false,
    muted text,
    unattended_since timestamptz,
    escalated_at timestamptz,
    observed jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    constraint alert_pkey primary key (alert_id),
    constraint alert_belongs_to_an_alert_policy foreign key (alert_policy_id) references audit.alert_policy (alert_policy_id),
    constraint alert_is_about_a_rule foreign key (rule_id) references audit.rule (rule_id),
    constraint alert_is_about_a_watched_table foreign key (table_id) references audit.watched_table (table_id),
    constraint alert_severity_is_known check (severity in ('critical', 'important', 'normal', 'low')),
    constraint alert_state_is_known check (state in ('pending', 'firing', 'acknowledged', 'snoozed', 'resolved')),
    constraint alert_resolved_has_its_time check ((state = 'resolved') = (resolved_at is not null)),
    constraint alert_that_stays_resolved_is_resolved check (state = 'resolved' or not stays_resolved),
    constraint alert_snoozed_has_an_end check (state <> 'snoozed' or snoozed_until is not null)
);
create unique index alert_has_one_open_episode on audit.alert (fingerprint) where state <> 'resolved';
create index alert_alert_policy_id on audit.alert (alert_policy_id);
create index alert_rule_id on audit.alert (rule_id);
create index alert_table_id on audit.alert (table_id);
create index alert_opened_at on audit.alert (opened_at);
create index alert_stays_resolved on audit.alert (fingerprint) where stays_resolved;
comment on table audit.alert is 'An episode: something crossed a threshold, from its opening to its resolution. Times are in the clock of the tick, so that a replay has the times of what it replays.';
comment on column audit.alert.alert_id is 'Identifies the episode.';
comment on column audit.alert.fingerprint is 'What the alert is about: policy and rule, or policy and group values. Never a text or a count, so that it stays the same while numbers change.';
comment on column audit.alert.policy is 'Name of the alert policy; pipeline for what the pipeline reports about itself.';
comment on column audit.alert.alert_policy_id is 'The policy that opened the episode; null for what the pipeline reports about itself.';
comment on column audit.alert.rule_id is 'The rule, when the policy is about rules.';
comment on column audit.alert.table_id is 'The watched table of the rule or the summary.';
comment on column audit.alert.group_values is 'The group of the summary, for example {"origin": "EWR"}.';
comment on column audit.alert.severity is 'How bad it is: critical (business critical), important, normal, low.';
comment on column audit.alert.title is 'One sentence with the numbers, as last observed while it held.';
comment on column audit.alert.owner is 'Who has to act.';
comment on column audit.alert.runbook is 'Where to read what to do.';
comment on column audit.alert.time_zone is 'The time zone in which its times are told; null means that of the reader.';
comment on column audit.alert.state is 'pending (holds, but not yet for long enough), firing, acknowledged (somebody is on it), snoozed, resolved.';
comment on column audit.alert.opened_at is 'When the condition was first seen to hold; after a reopening, when it began again.';
comment on column audit.alert.fired_at is 'When it had held for long enough, so that people were told, unless it was muted.';
comment on column audit.alert.acknowledged_at is 'When somebody took it on.';
comment on column audit.alert.acknowledged_by is 'Who took it on.';
comment on column audit.alert.snoozed_until is 'Until when nobody wants to hear of it.';
comment on column audit.alert.last_held_at is 'When the condition was last seen to hold.';
comment on column audit.alert.notified_at is 'When people were last told of it.';
comment on column audit.alert.clear_since is 'Since when the condition does not hold, while the alert is kept firing all the same.';
comment on column audit.alert.reopened is 'How often it came back soon after it was resolved.';
comment on column audit.alert.resolved_at is 'When it ended; null while the episode is open.';
comment on column audit.alert.stays_resolved is 'A person resolved it: it stays resolved until its condition has ended once.';
comment on column audit.alert.muted is 'Why nobody is told of it now: it is silenced, or another alert inhibits it; null while people are told.';
comment on column audit.alert.unattended_since is 'Since when it waits for somebody to take it on: since people were told, or were told again after a snooze.';
comment on column audit.alert.escalated_at is 'When more people were told, because nobody had taken it on in time.';
comment on column audit.alert.observed is 'The numbers as last observed while it held.';
comment on column audit.alert.created_at is 'When the episode was written, by the clock of the server.';

create table audit.alert_transition (
    alert_transition_id bigint generated always as identity,
    alert_id uuid not null,
    from_state text,
    to_state text not null,
    at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    actor text not null default session_user,
    reason text not null default '',
    title text not null default '',
    observed jsonb not null default '{}',
    constraint alert_transition_pkey primary key (alert_transition_id),
    constraint alert_transition_belongs_to_an_alert foreign key (alert_id) references audit.alert (alert_id),
    constraint alert_transition_states_are_known check (
        (from_state is null or from_state in ('pending', 'firing', 'acknowledged', 'snoozed', 'resolved'))
        and to_state in ('pending', 'firing', 'acknowledged', 'snoozed', 'resolved'))
);
create index alert_transition_alert_id on audit.alert_transition (alert_id, alert_transition_id);
comment on table audit.alert_transition is 'The history of alerts: who or what moved an episode from one state to the next. Append-only. A reminder is a transition from firing to firing.';
comment on column audit.alert_transition.alert_transition_id is 'In the order in which they were written.';
comment on column audit.alert_transition.alert_id is 'The episode.';
comment on column audit.alert_transition.from_state is 'The state before; null when the episode opened.';
comment on column audit.alert_transition.to_state is 'The state after.';
comment on column audit.alert_transition.at is 'When, in the clock of the tick.';
comment on column audit.alert_transition.recorded_at is 'When it was written, by the clock of the server.';
comment on column audit.alert_transition.actor is 'The role or the person who caused it; tick when time and data did.';
comment on column audit.alert_transition.reason is 'Why, in words.';
comment on column audit.alert_transition.title is 'One sentence with the numbers at that moment.';
comment on column audit.alert_transition.observed is 'The numbers at that moment.';

create table audit.outbox (
    delivery_id uuid not null default gen_random_uuid(),
    alert_id uuid not null,
    alert_transition_id bigint not null,
    channel_id integer not null,
    kind text not null,
    more bigint[] not null default '{}',
    thread uuid not null,
    at timestamptz not null,
    state text not null default 'ready',
    attempt integer not null default 0,
    due_at timestamptz not null default clock_timestamp(),
    lease_until timestamptz,
    lease_token uuid,
    worker text,
    message jsonb,
    picture bytea,
    provider_message_id text,
    last_error text,
    created_at timestamptz not null default clock_timestamp(),
    delivered_at timestamptz,
    constraint outbox_pkey primary key (delivery_id),
    constraint outbox_belongs_to_an_alert foreign key (alert_id) references audit.alert (alert_id),
    constraint outbox_tells_of_a_transition foreign key (alert_transition_id) references audit.alert_transition (alert_transition_id),
    constraint outbox_goes_to_a_channel foreign key (channel_id) references audit.channel (channel_id),
    constraint outbox_tells_a_channel_once unique (alert_transition_id, channel_id),
    constraint outbox_kind_is_known check (kind in ('firing', 'repeat', 'acknowledged', 'resolved', 'several', 'digest')),
    constraint outbox_state_is_known check (state in ('ready', 'sending', 'delivered', 'dead')),
    constraint outbox_sending_has_a_lease check ((state = 'sending') = (lease_token is not null and lease_until is not null)),
    constraint outbox_delivered_has_its_time check ((state = 'delivered') = (delivered_at is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 100);
create index outbox_ready on audit.outbox (channel_id, due_at, created_at, alert_transition_id) where state = 'ready';
create index outbox_sending on audit.outbox (lease_until) where state = 'sending';
create index outbox_several on audit.outbox using gin (more) where kind in ('several', 'digest');
create index outbox_alert_id on audit.outbox (alert_id);
create index outbox_thread on audit.outbox (thread);
create index outbox_channel_id on audit.outbox (channel_id, at);
comment on table audit.outbox is 'Deliveries: one message of an alert to one channel. Claimed in a short transaction with a lease, sent outside any transaction, and completed by whoever holds the lease.';
comment on column audit.outbox.delivery_id is 'Identifies the delivery; the idempotency key towards the provider, the same in every attempt.';
comment on column audit.outbox.alert_id is 'The episode it tells of; the first one when it tells of several.';
comment on column audit.outbox.alert_transition_id is 'The transition it tells of.';
comment on column audit.outbox.channel_id is 'Where it goes.';
comment on column audit.outbox.kind is 'firing, repeat, acknowledged (only to those who keep incidents of their own), resolved, or several: one message in the place of many, because they are of one policy, waited together, or were too many for a minute; digest: what was collected until due_at.';
comment on column audit.outbox.more is 'The other transitions that a message of kind several or digest tells of. References audit.alert_transition.';
comment on column audit.outbox.thread is 'The alert whose thread the message belongs to: the one that it is about, or that in whose message the channel was first told of it. References audit.alert. A digest belongs to none, and has its own delivery_id.';
comment on column audit.outbox.at is 'When it was caused, in the clock of the tick.';
comment on column audit.outbox.state is 'ready (waits for due_at), sending (leased), delivered, dead (given up; can be driven again).';
comment on column audit.outbox.attempt is 'How often sending began, not counting what a refused credential cost.';
comment on column audit.outbox.due_at is 'Not before this time, by the clock of the server.';
comment on column audit.outbox.lease_until is 'Until when the worker may finish; after that somebody else may try.';
comment on column audit.outbox.lease_token is 'Proves that a result comes from the holder of the lease.';
comment on column audit.outbox.worker is 'Who holds the lease, or held it last.';
comment on column audit.outbox.message is 'Subject and bodies as rendered for the first attempt, so that every attempt sends the same.';
comment on column audit.outbox.picture is 'The dashboard as drawn for the first attempt (PNG); taken away once delivered.';
comment on column audit.outbox.provider_message_id is 'What the provider calls the message.';
comment on column audit.outbox.last_error is 'Why the last attempt failed.';
comment on column audit.outbox.created_at is 'When it was put here, by the clock of the server.';
comment on column audit.outbox.delivered_at is 'When the provider accepted it, by the clock of the server.';

create table audit.delivery_attempt (
    delivery_attempt_id bigint generated always as identity,
    delivery_id uuid not null,
    attempt integer not null,
    worker text,
    outcome text not null,
    status integer,
    error text,
    retry_at timestamptz,
    ended_at timestamptz not null default clock_timestamp(),
    constraint delivery_attempt_pkey primary key (delivery_attempt_id),
    constraint delivery_attempt_belongs_to_a_delivery foreign key (delivery_id) references audit.outbox (delivery_id),
    constraint delivery_attempt_outcome_is_known check (outcome in ('delivered', 'failed', 'refused', 'abandoned', 'dead'))
);
create index delivery_attempt_delivery_id on audit.delivery_attempt (delivery_id, delivery_attempt_id);
comment on table audit.delivery_attempt is 'What came of each attempt to deliver. Append-only.';
comment on column audit.delivery_attempt.delivery_attempt_id is 'In the order in which they ended.';
comment on column audit.delivery_attempt.delivery_id is 'The delivery.';
comment on column audit.delivery_attempt.attempt is 'Counted from 1 within the delivery.';
comment on column audit.delivery_attempt.worker is 'Who tried.';
comment on column audit.delivery_attempt.outcome is 'delivered, failed (tried again later), refused (credentials: the channel is paused), abandoned (the worker vanished and its lease ran out), dead (given up).';
comment on column audit.delivery_attempt.status is 'HTTP status of the answer; null when there was none.';
comment on column audit.delivery_attempt.error is 'What went wrong.';
comment on column audit.delivery_attempt.retry_at is 'When it is tried again.';
comment on column audit.delivery_attempt.ended_at is 'When the attempt ended, by the clock of the server.';
