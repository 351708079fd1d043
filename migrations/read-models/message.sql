-- Messages never change. `id` was chosen by the sender, so the key is the place in the stream, which cannot be taken twice.
create table message (
    conversation_id uuid not null,
    sequence bigint not null,           -- revision of the event in the conversation's stream
    id uuid not null,
    owner_id uuid not null,             -- of the conversation
    role text not null,                 -- user | assistant | system
    author_id uuid null,
    content text not null,
    attachments text[] not null,        -- ids of uploaded files
    model text null,
    tokens_used bigint null,
    sent_at timestamptz not null,
    search tsvector generated always as (to_tsvector('pg_catalog.english', content)) stored,
    primary key (conversation_id, sequence)
);

create index message_by_id on message (id);
create index message_by_owner on message (owner_id, sent_at, id);
create index message_search on message using gin (search);
