-- What nobody has to hear of for a while, because somebody knows: work on a feed, a known fault that is being repaired.

create table audit.silence (
    silence_id uuid not null default gen_random_uuid(),
    name text,
    definition jsonb,
    matchers jsonb not null,
    hours jsonb,
    from_time timestamptz not null,
    until_time timestamptz not null,
    reason text not null,
    author text not null,
    ended_at timestamptz,
    ended_by text,
    end_reason text,
    created_at timestamptz not null default clock_timestamp(),
    constraint silence_pkey primary key (silence_id),
    constraint silence_ends_after_it_begins check (until_time > from_time),
    constraint silence_has_a_reason check (reason ~ '[^[:space:]]'),
    constraint silence_means_something check (jsonb_typeof(matchers) = 'object' and matchers <> '{}'),
    constraint silence_declared_has_a_name check ((name is null) = (definition is null)),
    constraint silence_ended_says_by_whom check ((ended_at is null) = (ended_by is null))
);
create unique index silence_name on audit.silence (name) where ended_at is null and name is not null;
create index silence_until_time on audit.silence (until_time) where ended_at is null;
comment on table audit.silence is 'What nobody has to hear of for a while: alerts that match are recorded and not told. Times are in the clock of the tick.';
comment on column audit.silence.silence_id is 'Identifies the silence.';
comment on column audit.silence.name is 'Its name in the policy that declares it; null if a person asked for it.';
comment on column audit.silence.definition is 'How the policy declares it; null if a person asked for it.';
comment on column audit.silence.hours is 'The hours in which it is in force: days of the week from 1 for Monday, from and to as times of day, time_zone; null means always.';
comment on column audit.silence.matchers is 'Which alerts: lists of words for policy, table, rule, severity and owner, and values of the group. All that is said must be true of an alert.';
comment on column audit.silence.from_time is 'When it begins.';
comment on column audit.silence.until_time is 'When it ends by itself.';
comment on column audit.silence.reason is 'Why nobody has to hear of it.';
comment on column audit.silence.author is 'The person or the role that asked for it, or whom the policy names.';
comment on column audit.silence.ended_at is 'When somebody ended it before its time; null if nobody did.';
comment on column audit.silence.ended_by is 'Who did.';
comment on column audit.silence.end_reason is 'Why.';
comment on column audit.silence.created_at is 'When it was written, by the clock of the server.';
