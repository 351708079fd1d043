-- What an administrator was shown before a generation of other projectors, or with parked streams, was let serve, and what was accepted.

-- A difference that `projections verify` has found between what serves and what may serve next.
create table control.shown_diff (
    -- Follows from everything in `diff`.
    name text primary key,
    -- What served then, and what was verified. Numbers, since both may be dropped and what was shown stays.
    serving integer not null,
    generation integer not null,
    diff jsonb not null,
    shown_at timestamptz not null default now()
);

create table control.acceptance (
    id serial primary key,
    -- What was promoted with it, and instead of what.
    generation integer not null,
    instead_of integer not null,
    kind text not null check (kind in ('diff', 'parked')),
    -- Of a diff its name in `shown_diff`; of parked streams the name that follows from them.
    name text not null,
    -- What was accepted, as it was.
    accepted jsonb not null,
    accepted_by text not null,
    accepted_at timestamptz not null default now()
);

alter table control.generation
    -- A generation of one read model alone, which is to join the one that serves; null for one of all models.
    add column model text null;
