-- What happened, for people: one row an event, except progress reports, which are many and say little.
create table activity (
    id uuid not null,                   -- of the event
    at timestamptz not null,
    type text not null,                 -- of the event, without the version: task.execution-completed
    stream text collate "C" not null,
    revision bigint not null,
    subject_kind text collate "C" not null, -- conversation | task
    subject_id uuid not null,
    owner_id uuid not null,
    actor_id uuid not null,
    role text not null,                 -- in which the actor acted
    summary text not null,              -- the title of the subject after the event, at most 120 characters
    primary key (subject_id, revision, subject_kind)
);

create index activity_by_owner on activity (owner_id, at, id);
create index activity_by_time on activity (at, id);
