-- Written in the order of n, whatever the order of the keys.
create table journey (
    id {type} primary key,
    n bigint not null unique,
    account integer not null,
    amount numeric(12, 2) not null,
    at timestamptz not null
);
select audit.watch('public.journey');
