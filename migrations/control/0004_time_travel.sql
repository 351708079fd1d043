-- Time travel: generations that show the log up to a cut, or a what-if variant of it. They live for a while and answer who asks for them by
-- name; nobody follows them and they never serve. For that they are in state `retired` from their first moment: whatever follows, shows
-- or promotes generations leaves that state alone.

alter table control.generation
    drop constraint generation_purpose_check,
    add constraint generation_purpose_check check (purpose in ('version', 'rebuild', 'as-of', 'branch'));

create table control.travel (
    generation integer primary key references control.generation (id) on delete cascade,
    -- By which it is asked for, besides the name of its schema.
    name text not null unique,
    -- The cut at which it ends: {"<partition>": <next offset>}.
    target jsonb not null,
    -- Of a branch: which events it lacks and what rewrites the others. Null where it is the log.
    variant jsonb null,
    -- Of a branch that is complete: what was dropped, rewritten and left out.
    tally jsonb null,
    -- When it had come to its cut; null while it is built.
    complete_at timestamptz null,
    -- From then on it may be dropped by anybody who looks.
    expires_at timestamptz not null
);

-- When the log took what: the earliest and the latest time of recording in each block of positions, by partition. It spares the journal an
-- index on every append, and is filled by whoever asks for a time. A droppable cache: `truncate control.recorded_time` costs time and
-- nothing else.
create table control.recorded_time (
    epoch uuid not null,
    -- Positions `block * 8192 + 1` to `(block + 1) * 8192` of the journal.
    block bigint not null,
    partition integer not null,
    first_offset bigint not null,
    last_offset bigint not null,
    earliest timestamptz not null,
    latest timestamptz not null,
    primary key (epoch, block, partition)
);
