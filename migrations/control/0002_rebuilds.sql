-- A rebuild is one more generation of the same projectors, so a fingerprint does not name one generation any more. Who creates one
-- holds a lock and looks first.
drop index control.generation_in_use;

alter table control.generation
    -- Why it was made: `version` when there was none of its fingerprint, `rebuild` when an administrator asked for another.
    add column purpose text not null default 'version' check (purpose in ('version', 'rebuild')),
    -- Secondary indexes are made last while a generation is rebuilt.
    add column indexed boolean not null default true,
    -- When it was level with the log for the first time; null before.
    add column level_at timestamptz null,
    -- When it began to serve, and ended, the last time.
    add column served_from timestamptz null,
    add column served_until timestamptz null;

update control.generation set level_at = created_at, served_from = created_at where state = 'serving';

create index generation_by_fingerprint on control.generation (fingerprint, epoch) where state <> 'retired';
