-- Negative answers that are recorded in the log and thereby final ("strict rejections"). On a log they stand in fences and the journaler
-- brings them here; where the journal is the log this is their place. The first answer to a command stays.
create table journal.rejections (
    stream text collate "C" not null,
    -- UUID v5 of principal and command id, as in journal.events.
    command uuid not null,
    command_hash text not null,
    -- What the client was told.
    answer jsonb not null,
    partition integer not null,
    -- Offset of the fence; where the journal is the log, the last position that was given before.
    "offset" bigint not null,
    recorded_at timestamptz not null,
    primary key (stream, command)
);

-- Records negative answers that were decided on a stream at revision `decided_on`; used when the journal is the log. False, and nothing is
-- written, when the stream has moved or one of the commands has an answer.
create function journal.reject(
    of_stream text, decided_on bigint, in_partition integer, command uuid[], command_hash text[], answer jsonb[]
) returns boolean
language plpgsql volatile as $$
declare
    reached bigint;
begin
    -- The lock that appends take: while it is held, none of them is between its look and its commit. READ COMMITTED gives the
    -- statements after it a newer snapshot.
    select position into strict reached from journal.head for update;
    if (select max(events.revision) from journal.events where events.stream = of_stream) is distinct from decided_on
        or exists (select from journal.rejections known where known.stream = of_stream and known.command = any (reject.command))
    then
        return false;
    end if;
    insert into journal.rejections (stream, command, command_hash, answer, partition, "offset", recorded_at)
    select of_stream, rejection.command, rejection.hash, rejection.answer, in_partition, reached, clock_timestamp()
    from unnest(reject.command, reject.command_hash, reject.answer) as rejection (command, hash, answer);
    return true;
end
$$;

-- Was one of these commands refused for good?
create function journal.is_rejected(of_stream text[], of_command uuid[]) returns boolean
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
begin
    return exists (
        select from unnest(of_stream, of_command) as wanted (stream, command)
        join journal.rejections known on known.stream = wanted.stream and known.command = wanted.command
    );
end
$$;

-- As in 0003, and in nobody's way what was refused for good.
create or replace function journal.append_all(
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
    -- Most journals record no refusal, and pay one look for it.
    if exists (select from journal.rejections) and journal.is_rejected(event_stream, event_command) then
        raise exception using errcode = 'CA001', message = 'a command was refused for good';
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

-- As in 0001; a commit with a command that was refused for good loses.
create or replace function journal.append(
    commit_stream text[], commit_expected bigint[], commit_partition integer[], commit_events integer[],
    event_commit integer[], event_id uuid[], event_type text[], event_time timestamptz[], event_command uuid[],
    event_data jsonb[], event_metadata jsonb[]
) returns table (commit_number integer, accepted boolean, last_position bigint, recorded timestamptz)
language plpgsql volatile set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
declare
    wanted bigint := cardinality(event_commit);
    base bigint;
    reached bigint;
    winners boolean[];
begin
    -- As if all of them win, which they nearly always do.
    update journal.head set position = position + wanted returning position - wanted into strict base;
    recorded := clock_timestamp();

    select array_agg(
        current.revision is not distinct from nullif(wanted_commit.expected, -1)
        and not exists (
            select from unnest(event_commit, event_command) as event (commit, command)
            join journal.rejections known on known.stream = wanted_commit.stream and known.command = event.command
            where event.commit = wanted_commit.number
        )
        order by wanted_commit.number
    )
    into winners
    from unnest(commit_stream, commit_expected) with ordinality as wanted_commit (stream, expected, number)
    cross join lateral (
        select max(events.revision) as revision from journal.events where events.stream = wanted_commit.stream
    ) as current;

    insert into journal.events
        (stream, revision, position, partition, "offset", index, id, type, time, recorded_at, command, data, metadata)
    select
        commit_stream[event.commit],
        commit_expected[event.commit] + row_number() over (partition by event.commit order by event.number),
        base + row_number() over (order by event.number),
        commit_partition[event.commit],
        base + row_number() over (order by event.number),
        0, event.id, event.type, event.time, recorded, event.command, event.data, event.metadata
    from unnest(event_commit, event_id, event_type, event_time, event_command, event_data, event_metadata)
        with ordinality as event (commit, id, type, time, command, data, metadata, number)
    where winners[event.commit]
    order by event.number;

    reached := base;
    for number in 1 .. cardinality(commit_stream) loop
        commit_number := number;
        accepted := winners[number];
        if accepted then
            reached := reached + commit_events[number];
        end if;
        last_position := reached;
        return next;
    end loop;
    if reached < base + wanted then
        update journal.head set position = reached;
    end if;
end
$$;
