-- A stream as projectors see it, folded from its own events only. Written by the engine, not by a projector.
-- Streams of quotas have no row.
create table subject (
    stream text collate "C" primary key,
    kind text not null,                 -- conversation | task
    id uuid not null,
    owner_id uuid not null,
    title text not null,
    created_day date not null,          -- UTC day of the first event
    task_type text null,
    type_chosen boolean not null,       -- by a person, so a classifier cannot change it
    complexity text null,
    complexity_chosen boolean not null,
    status text not null,               -- conversation: active | archived | deleted; task: see task.sql
    conversation_id uuid null,          -- of a task
    attempt bigint not null,            -- executions started
    running_execution_id uuid null,
    log_lines bigint not null,          -- lines logged by the last execution
    message_count bigint not null,      -- of a conversation
    measures jsonb not null,            -- per UTC day what the executions of a task add to the statistics
    revision bigint not null
);
