-- Appends many commits in one transaction of one round trip; used when the journal is the log.
--
-- READ COMMITTED matters: the first statement takes the lock of the head row, and the second takes a new snapshot, so it
-- sees the revisions of every transaction that held the lock before. Positions are therefore in commit order, and a reader
-- can never see a position while a lower one is still to come. Losers of a race are dropped one by one, the rest goes in.
--
-- Planning costs more than running it when there is one commit, hence the generic plans.
create function journal.append(
    commit_stream text[], commit_expected bigint[], commit_partition integer[], commit_events integer[],
    event_commit integer[], event_id uuid[], event_type text[], event_time timestamptz[], event_command uuid[],
    event_data jsonb[], event_metadata jsonb[]
) returns table (commit_number integer, accepted boolean, last_position bigint, recorded timestamptz)
language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    wanted bigint := cardinality(event_commit);
    base bigint;
    reached bigint;
    winners boolean[];
begin
    -- As if all of them win, which they nearly always do.
    update journal.head set position = position + wanted returning position - wanted into strict base;
    recorded := clock_timestamp();

    select array_agg(current.revision is not distinct from nullif(wanted_commit.expected, -1) order by wanted_commit.number)
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
