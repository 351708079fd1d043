-- Several processes share a generation by its partitions, and an event that cannot be projected stops its stream alone.

-- A process that follows a generation. It lives as long as its session holds an advisory lock on the id, and looks in from time to
-- time: a process that died has no session, one that hangs does not look in.
create table control.projector (
    id serial primary key,
    generation integer not null references control.generation (id) on delete cascade,
    -- Host and process, for people.
    name text not null,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    -- When it ended in good order. What it held is free, without having touched the checkpoints: somebody may hold those.
    left_at timestamptz null,
    -- Where its time went between its last two looks, in milliseconds.
    timings jsonb not null default '{}'
);

create index projector_by_generation on control.projector (generation);

alter table control.checkpoint
    -- Who may move it; nobody after an end in good order.
    add column holder integer null references control.projector (id) on delete set null,
    -- Raised with every change of the holder, and compared in every transaction that moves the checkpoint.
    add column fence bigint not null default 0,
    -- How many holders in a row died here before things went well again.
    add column crashes integer not null default 0,
    -- After several of them: the event that is projected now, written before it is touched.
    add column trying_stream text null,
    add column trying_revision bigint null,
    -- It is under the holder's hands; else it is what an earlier one died of, and this one has not come to it yet.
    add column trying_now boolean not null default false,
    -- How many holders died with this event under their hands.
    add column trying_crashes integer not null default 0;

-- A stream that stands still before an event that cannot be projected. What comes after it stays in the log and waits.
create table control.parked_stream (
    generation integer not null references control.generation (id) on delete cascade,
    stream text collate "C" not null,
    partition integer not null,
    -- The event that it stands before.
    revision bigint not null,
    record_offset bigint not null,
    event_type text not null,
    -- What is wrong with it.
    code text not null,
    error text not null,
    attempts integer not null default 1,
    -- How many of them ended the process.
    crashes integer not null default 0,
    -- One is under way.
    retrying boolean not null default false,
    parked_at timestamptz not null default now(),
    last_attempt_at timestamptz not null default now(),
    retry_requested_at timestamptz null,
    primary key (generation, stream)
);

-- Events that an administrator gave up: the rows of their streams lack what these events would have done.
create table control.discarded_event (
    generation integer not null references control.generation (id) on delete cascade,
    stream text collate "C" not null,
    revision bigint not null,
    event_type text not null,
    code text not null,
    error text not null,
    reason text not null,
    discarded_at timestamptz not null default now(),
    primary key (generation, stream, revision)
);
