-- What each transaction of a projector has changed, for those who show something live: one row a transaction, in it.
-- Worth nothing a minute later, and removed then.
create unlogged table control.change (
    generation integer not null references control.generation (id) on delete cascade,
    -- One of the partitions that the transaction has moved, and to where: whoever has seen the checkpoint there has seen this row.
    partition integer not null,
    next_offset bigint not null,
    -- Streams whose rows were written, and who owns each; null when there were too many to be told.
    streams text[] null,
    owners uuid[] null,
    -- By the clock of this database.
    changed_at timestamptz not null default clock_timestamp(),
    primary key (generation, partition, next_offset)
);
