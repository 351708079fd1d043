-- Attempts at tasks. `id` was chosen by the caller, so the key is the place in the task's history.
create table execution (
    task_id uuid not null,
    attempt bigint not null,            -- 1 for the first
    id uuid not null,
    owner_id uuid not null,             -- of the task
    strategy text not null,             -- single-shot | iterative | multi-agent | imported
    model text null,
    status text not null,               -- running | completed | failed | cancelled
    progress_percent bigint null,
    log_line_count bigint not null,     -- all that were reported; the last 100 are in execution_log
    files_changed bigint null,
    lines_added bigint null,
    lines_removed bigint null,
    tokens_used bigint null,
    cost_micro_usd bigint null,
    duration_ms bigint null,
    commit text null,
    error_code text null,
    error_message text null,
    started_at timestamptz not null,
    finished_at timestamptz null,
    primary key (task_id, attempt)
);

create index execution_by_id on execution (id);
create index execution_by_owner on execution (owner_id, started_at, id);
create index execution_by_start on execution (started_at, id);

-- The last 100 lines of each execution.
create table execution_log (
    task_id uuid not null,
    attempt bigint not null,
    line bigint not null,               -- 1 for the first that was reported
    at timestamptz not null,
    level text not null,                -- debug | info | warn | error
    message text not null,
    primary key (task_id, attempt, line)
);
