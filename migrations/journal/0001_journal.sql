-- The journal: the SQL index of the log. On the embedded PostgreSQL store it is the log itself.
-- Kept for ever; migrations here only expand.

-- One row: which history this is, and the last global position that was given.
create table journal.head (
    only_row boolean primary key default true check (only_row),
    log_kind text not null check (log_kind in ('postgresql', 'log')),
    -- Identity of the log behind the journal.
    log_id uuid not null,
    -- Raised (replaced) after a restore, a timeline change or a rebuild; positions belong to it.
    epoch uuid not null,
    partitions integer not null check (partitions > 0),
    position bigint not null default 0,
    -- The cluster and timeline that positions were given on; a change means that the database was restored or failed over.
    system_identifier text not null,
    timeline integer not null
) with (fillfactor = 10);

create table journal.events (
    stream text collate "C" not null,
    revision bigint not null check (revision >= 0),
    -- Place in the total order; visible in order, because it is given under the lock of the head row.
    position bigint not null,
    -- Place in the log.
    partition integer not null,
    "offset" bigint not null,
    index integer not null,
    id uuid not null,
    type text collate "C" not null,
    -- When it happened; may go backwards in imported history.
    time timestamptz not null,
    -- When the log took it.
    recorded_at timestamptz not null,
    -- UUID v5 of principal and command id: what deduplication compares.
    command uuid not null,
    data jsonb not null,
    -- Camel-case fields of EventMetadata.
    metadata jsonb not null,
    primary key (stream, revision),
    constraint events_position unique (position),
    constraint events_log_position unique (partition, "offset", index)
);

-- Fences are commits without events; they stay for ever, or a late commit that they made void would come alive
-- for a reader that starts behind them.
create table journal.fences (
    partition integer not null,
    "offset" bigint not null,
    -- Exactly one of the two.
    stream text collate "C",
    category text collate "C",
    recorded_at timestamptz not null,
    primary key (partition, "offset"),
    check ((stream is null) <> (category is null))
);
create index fences_by_stream on journal.fences (stream, "offset") where stream is not null;
create index fences_by_category on journal.fences (category, partition, "offset") where category is not null;

-- How far each partition of the log was taken, with the running digest of everything below. Unused when the journal is the log.
create table journal.checkpoints (
    partition integer primary key,
    next_offset bigint not null,
    digest text not null,
    updated_at timestamptz not null default now()
);
