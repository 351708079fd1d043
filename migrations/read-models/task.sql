create table task (
    id uuid primary key,
    owner_id uuid not null,
    title text not null,
    description text not null,
    type text collate "C" null,                     -- bug-fix | feature | refactor | documentation | test | deployment | unsure
    complexity text collate "C" null,               -- simple | medium | complex | epic
    status text collate "C" not null,               -- pending | classifying | in-progress | completed | failed | cancelled | deleted
    priority bigint not null,           -- 0 to 9, 9 is most urgent
    conversation_id uuid null,          -- may name a conversation that is not in `conversation` (yet)
    -- What the classifier said last; `type` and `complexity` may differ, since a person's choice wins.
    classified_type text null,
    classified_complexity text null,
    confidence_permille bigint null,    -- 0 to 1000
    classifier text null,
    classifier_version text null,
    classified_at timestamptz null,
    running_execution_id uuid null,
    attempt_count bigint not null,
    -- Why it is where it is: of the last failure or cancellation, cleared by a retry.
    error_code text null,
    error_message text null,
    cancel_reason text null,
    pull_request_repository text null,
    pull_request_number bigint null,
    pull_request_url text null,
    -- Sums over all executions.
    files_changed bigint not null,
    lines_added bigint not null,
    lines_removed bigint not null,
    tokens_used bigint not null,
    cost_micro_usd bigint not null,
    duration_ms bigint not null,
    last_commit text null,              -- of the last completed execution
    started_at timestamptz null,        -- of the last execution
    finished_at timestamptz null,       -- of the last execution
    created_at timestamptz not null,
    updated_at timestamptz not null,
    revision bigint not null
);

create index task_by_owner on task (owner_id, created_at, id);
create index task_by_creation on task (created_at, id);
create index task_by_update on task (updated_at, id);
create index task_by_owner_and_update on task (owner_id, updated_at, id);
create index task_by_status on task (status, created_at, id);
create index task_by_type on task (type, created_at, id);
create index task_by_conversation on task (conversation_id, created_at, id) where conversation_id is not null;
