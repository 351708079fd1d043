-- Which copies of the read models exist, how far each is, and which one answers queries.
-- A generation is one schema `read_models_<id>`, filled by one set of projectors. Kept when read models are dropped.

create schema if not exists control;

create table control.generation (
    id serial primary key,
    schema_name text unique,
    -- Projector names and versions, the text of the tables, and the event types that can be read: who holds the same may follow.
    fingerprint text not null,
    -- The history that its checkpoints count in. After a restore of the log another generation is needed.
    epoch uuid not null,
    -- [{"name": .., "version": ..}], for people.
    models jsonb not null,
    state text not null check (state in ('building', 'serving', 'following', 'retired')),
    created_at timestamptz not null default now()
);

-- Two processes that start at once must agree on one generation.
create unique index generation_in_use on control.generation (fingerprint, epoch) where state <> 'retired';

create table control.checkpoint (
    generation integer not null references control.generation (id) on delete cascade,
    partition integer not null,
    -- The first record that is not covered yet.
    next_offset bigint not null,
    -- The latest time at which the log took an event below `next_offset`; null before the first.
    recorded_at timestamptz null,
    primary key (generation, partition)
);

create table control.serving (
    only_row boolean primary key default true check (only_row),
    generation integer not null references control.generation (id)
);
