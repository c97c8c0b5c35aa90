-- A narrow table: the least that a business table has, so what is fixed in the cost of a change weighs most.
create table narrow (
    id bigint generated always as identity primary key,
    account integer not null,
    amount numeric(12, 2) not null,
    at timestamptz not null
);
