-- The two ways to write events when nothing is expected to stand in the way: one statement each, which succeeds or fails as a whole.
-- The error CA001 says that something is not where the writer believed it to be; CA002 that a stream would get a hole, its message is the
-- place of the event, from 1.
--
-- All functions that append are planned once a connection: planning costs more than running them. Such a plan is made while the table may
-- still be small, where reading it whole looks cheap, and is kept while it grows to millions of rows. So reading it whole is forbidden; and
-- so is compiling plans to machine code, which the price of what is forbidden would set off, for 70 milliseconds each time.

-- The place, from 1, of the first event whose stream has not come to the expected revision.
create function journal.first_hole(event_stream text[], event_expected bigint[]) returns bigint
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
begin
    return (
        select min(event.number)
        from unnest(event_stream, event_expected) with ordinality as event (stream, expected, number)
        where event.expected is not null
            and (select true from journal.events before where before.stream = event.stream and before.revision = event.expected) is null
    );
end
$$;

-- Appends a group of commits of different streams; used when the journal is the log. Returns the position before the first event.
--
-- It is optimistic: a stream that has moved meets the primary key. `event_expected` is the revision before a commit, given with its first
-- event; that the event is there is looked at because a database that lost its end may know less than the writer's memory.
-- Positions are in commit order for the same reason as in journal.append: the head row stays locked until the commit.
create function journal.append_all(
    event_stream text[], event_revision bigint[], event_expected bigint[], event_partition integer[],
    event_id uuid[], event_type text[], event_time timestamptz[], event_command uuid[], event_data jsonb[], event_metadata jsonb[]
) returns bigint
language plpgsql volatile set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
declare
    wanted bigint := cardinality(event_stream);
    base bigint;
    recorded timestamptz;
begin
    update journal.head set position = position + wanted returning position - wanted into strict base;
    recorded := clock_timestamp();

    if journal.first_hole(event_stream, event_expected) is not null then
        raise exception using errcode = 'CA001', message = 'a stream is not where its commit believes it to be';
    end if;

    insert into journal.events
        (stream, revision, position, partition, "offset", index, id, type, time, recorded_at, command, data, metadata)
    select event.stream, event.revision, base + event.number, event.partition, base + event.number, 0,
        event.id, event.type, event.time, recorded, event.command, event.data, event.metadata
    from unnest(event_stream, event_revision, event_partition, event_id, event_type, event_time, event_command, event_data, event_metadata)
        with ordinality as event (stream, revision, partition, id, type, time, command, data, metadata, number)
    order by event.number;
    return base;
end
$$;

-- Takes a small piece of the log into the journal: moves checkpoints and gives positions. Returns the last position.
--
-- `event_expected` is the revision before the first event of each stream in the piece. When that is not there, the log has lost or changed
-- history.
create function journal.take(
    step_partition integer[], step_from bigint[], step_to bigint[], step_digest text[],
    event_stream text[], event_revision bigint[], event_expected bigint[], event_partition integer[], event_offset bigint[], event_index integer[],
    event_id uuid[], event_type text[], event_time timestamptz[], event_recorded_at timestamptz[], event_command uuid[],
    event_data jsonb[], event_metadata jsonb[]
) returns bigint
language plpgsql volatile set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
declare
    taken bigint := cardinality(event_stream);
    moved bigint;
    base bigint;
    hole bigint;
begin
    -- The row locks keep a second journaler out.
    update journal.checkpoints as checkpoint
    set next_offset = step.next, digest = step.digest, updated_at = now()
    from unnest(step_partition, step_from, step_to, step_digest) as step (partition, previous, next, digest)
    where checkpoint.partition = step.partition and checkpoint.next_offset = step.previous;
    get diagnostics moved = row_count;
    if moved < cardinality(step_partition) then
        raise exception using errcode = 'CA001', message = 'another journaler has moved the checkpoints';
    end if;

    hole := journal.first_hole(event_stream, event_expected);
    if hole is not null then
        raise exception using errcode = 'CA002', message = hole::text;
    end if;

    update journal.head set position = position + taken returning position - taken into strict base;
    insert into journal.events
        (stream, revision, position, partition, "offset", index, id, type, time, recorded_at, command, data, metadata)
    select event.stream, event.revision, base + event.number, event.partition, event."offset", event.index,
        event.id, event.type, event.time, event.recorded_at, event.command, event.data, event.metadata
    from unnest(event_stream, event_revision, event_partition, event_offset, event_index, event_id, event_type, event_time,
            event_recorded_at, event_command, event_data, event_metadata)
        with ordinality
        as event (stream, revision, partition, "offset", index, id, type, time, recorded_at, command, data, metadata, number)
    order by event.number;
    return base + taken;
end
$$;

alter function journal.append set enable_seqscan = off;
alter function journal.append set jit = off;
