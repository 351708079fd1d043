create table conversation (
    id uuid primary key,
    owner_id uuid not null,
    title text not null,
    status text not null,               -- active | archived | deleted
    message_count bigint not null,
    last_message_at timestamptz null,
    last_message_role text null,        -- user | assistant | system
    last_message_author_id uuid null,
    last_message_preview text null,     -- the first 120 characters
    created_at timestamptz not null,
    updated_at timestamptz not null,
    revision bigint not null
);

create index conversation_by_owner on conversation (owner_id, created_at, id);
create index conversation_by_owner_and_update on conversation (owner_id, updated_at, id);
create index conversation_by_creation on conversation (created_at, id);
create index conversation_by_update on conversation (updated_at, id);
