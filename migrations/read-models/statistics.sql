-- Counters, kept by increments that commute. A row whose counters have all gone back to zero is removed.
--
-- day        `tasks`: UTC day on which the task was created. `executions`: day of the start. Results (files, lines, tokens, cost):
--            day on which they were reported. `messages` and their tokens: day on which they were sent.
-- type, complexity, status
--            of the task as it is now: counters move with the task when it changes. '' while unknown, and '' for messages.
--            A deleted task has status 'deleted'. Messages of a deleted conversation stay counted.
-- owner_id   of the task or conversation.
create table statistics (
    day date not null,
    type text collate "C" not null,
    complexity text collate "C" not null,
    status text collate "C" not null,
    owner_id uuid not null,
    tasks bigint not null default 0,
    executions bigint not null default 0,
    messages bigint not null default 0,
    files_changed bigint not null default 0,
    lines_added bigint not null default 0,
    lines_removed bigint not null default 0,
    tokens_used bigint not null default 0,
    cost_micro_usd bigint not null default 0,
    primary key (day, type, complexity, status, owner_id)
);

create index statistics_by_owner on statistics (owner_id, day);
