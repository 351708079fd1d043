-- What those who answer queries tell of themselves, so that no generation is built at their cost. Worth nothing a moment later.
create unlogged table control.query_load (
    -- Host and process.
    name text primary key,
    -- By the clock of this database.
    seen_at timestamptz not null,
    -- Answered since the row was written before.
    queries bigint not null,
    p99_ms double precision not null
);
