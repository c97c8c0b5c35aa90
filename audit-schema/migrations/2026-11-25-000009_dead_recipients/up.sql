-- Addresses that a provider called dead. Later messages leave them out: whoever goes on writing to them loses the good
-- name of its sender, and with it the mail to everybody else.

create table audit.dead_recipient (
    channel text not null,
    address text not null,
    why text not null,
    at timestamptz not null default clock_timestamp(),
    constraint dead_recipient_pkey primary key (channel, address)
);
comment on table audit.dead_recipient is 'Recipients that a provider called dead, and that messages leave out until somebody takes them back in.';
comment on column audit.dead_recipient.channel is 'The name of the channel.';
comment on column audit.dead_recipient.address is 'The recipient, as the policy spells it.';
comment on column audit.dead_recipient.why is 'What the provider answered.';
comment on column audit.dead_recipient.at is 'When, by the clock of the server.';
