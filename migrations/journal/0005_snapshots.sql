-- States of long streams, so that a load does not fold everything again. A droppable cache (`truncate journal.snapshots` costs time and nothing
-- else), hence unlogged: a crash empties it.
create unlogged table journal.snapshots (
    stream text collate "C" not null,
    -- Which fold made it; others do not look at it.
    fold_version bigint not null,
    -- The last event that was folded, and its id: a stream with another event there has another history.
    revision bigint not null,
    event uuid not null,
    content bytea not null,
    taken_at timestamptz not null default now(),
    primary key (stream, fold_version)
);
