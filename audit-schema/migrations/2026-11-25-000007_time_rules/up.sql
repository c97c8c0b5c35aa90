-- What the tick found when it asked time-driven rules: how each group of each rule is now, how it came to be so, and what
-- volume rules have to know of the past. Times are those of the clock that the tick was run for.

create table audit.time_rule_state (
    rule_id integer not null,
    group_key text not null,
    group_values jsonb not null default '{}',
    state text not null,
    fails boolean not null,
    since timestamptz not null,
    checked_at timestamptz not null,
    value text,
    expected text,
    detail text,
    samples jsonb,
    constraint time_rule_state_pkey primary key (rule_id, group_key),
    constraint time_rule_state_belongs_to_a_rule foreign key (rule_id) references audit.rule (rule_id),
    constraint time_rule_state_is_known check (state in ('ok', 'failing', 'no_data', 'error'))
) with (fillfactor = 70);
comment on table audit.time_rule_state is 'How each group of each time-driven rule is, as the tick found it last. A rule that was taken back keeps what was last found.';
comment on column audit.time_rule_state.rule_id is 'The rule.';
comment on column audit.time_rule_state.group_key is 'Digest of the group.';
comment on column audit.time_rule_state.group_values is 'The group: its columns and their values as text, null where they are null; empty for a rule without groups, and for an answer that is about a rule as a whole.';
comment on column audit.time_rule_state.state is 'ok, failing, no_data (there is nothing to judge), error (the rule itself raised an error or took too long).';
comment on column audit.time_rule_state.fails is 'Whether it is taken as failing: failing always is, no_data and error as the rule declares.';
comment on column audit.time_rule_state.since is 'Since when it is in this state.';
comment on column audit.time_rule_state.checked_at is 'When it was last asked.';
comment on column audit.time_rule_state.value is 'What was found.';
comment on column audit.time_rule_state.expected is 'What should be found.';
comment on column audit.time_rule_state.detail is 'What was found, in words; for an error its message.';
comment on column audit.time_rule_state.samples is 'The first rows of a query, or the first stretches without a row.';

create table audit.time_rule_transition (
    time_rule_transition_id bigint generated always as identity,
    rule_id integer not null,
    group_values jsonb not null,
    from_state text,
    to_state text not null,
    fails boolean not null,
    at timestamptz not null,
    value text,
    expected text,
    detail text,
    recorded_at timestamptz not null default clock_timestamp(),
    constraint time_rule_transition_pkey primary key (time_rule_transition_id),
    constraint time_rule_transition_belongs_to_a_rule foreign key (rule_id) references audit.rule (rule_id)
);
create index time_rule_transition_rule_id on audit.time_rule_transition (rule_id, at);
comment on table audit.time_rule_transition is 'Each change of the state of a group of a time-driven rule. Append-only.';
comment on column audit.time_rule_transition.time_rule_transition_id is 'In the order in which they were recorded.';
comment on column audit.time_rule_transition.rule_id is 'The rule.';
comment on column audit.time_rule_transition.group_values is 'The group.';
comment on column audit.time_rule_transition.from_state is 'The state before; null for the first one.';
comment on column audit.time_rule_transition.to_state is 'The state after.';
comment on column audit.time_rule_transition.fails is 'Whether it is taken as failing from then on.';
comment on column audit.time_rule_transition.at is 'When, by the clock that the tick was run for.';
comment on column audit.time_rule_transition.value is 'What was found.';
comment on column audit.time_rule_transition.expected is 'What should have been found.';
comment on column audit.time_rule_transition.detail is 'What was found, in words; for an error its message.';
comment on column audit.time_rule_transition.recorded_at is 'When it was recorded, by the clock of the server.';

create table audit.volume_verdict (
    rule_id integer not null,
    group_key text not null,
    starts timestamptz not null,
    rows bigint not null,
    anomalous boolean not null,
    constraint volume_verdict_pkey primary key (rule_id, group_key, starts),
    constraint volume_verdict_belongs_to_a_rule foreign key (rule_id) references audit.rule (rule_id)
);
comment on table audit.volume_verdict is 'What volume rules decided about each window of each group. An anomalous window is not learned from.';
comment on column audit.volume_verdict.rule_id is 'The rule.';
comment on column audit.volume_verdict.group_key is 'Digest of the group, as in audit.time_rule_state.';
comment on column audit.volume_verdict.starts is 'Start of the window.';
comment on column audit.volume_verdict.rows is 'Rows in the window when it was last looked at.';
comment on column audit.volume_verdict.anomalous is 'Whether their number was too far from what is usual.';
