-- Appends many commits in one transaction of one round trip; used when the journal is the log.
--
-- READ COMMITTED matters: the head row is locked in the first statement, and the second takes a new snapshot, so it sees
-- the revisions of every transaction that held the lock before. Positions are therefore in commit order, and a reader can
-- never see a position while a lower one is still to come. Losers of a race are dropped one by one, the rest goes in.
create function journal.append(
    commit_stream text[], commit_expected bigint[], commit_partition integer[],
    event_commit integer[], event_id uuid[], event_type text[], event_time timestamptz[], event_command uuid[],
    event_data jsonb[], event_metadata jsonb[]
) returns table (commit_number integer, accepted boolean, last_position bigint, recorded timestamptz)
language plpgsql volatile as $$
declare
    base bigint;
    winners boolean[];
    now_recorded timestamptz;
    taken bigint;
begin
    select head.position into strict base from journal.head for update;
    now_recorded := clock_timestamp();

    select array_agg(current.revision is not distinct from nullif(wanted.expected, -1) order by wanted.number)
    into winners
    from unnest(commit_stream, commit_expected) with ordinality as wanted (stream, expected, number)
    cross join lateral (
        select max(events.revision) as revision from journal.events where events.stream = wanted.stream
    ) as current;

    insert into journal.events
        (stream, revision, position, partition, "offset", index, id, type, time, recorded_at, command, data, metadata)
    select
        commit_stream[event.commit],
        commit_expected[event.commit] + row_number() over (partition by event.commit order by event.number),
        base + row_number() over (order by event.number),
        commit_partition[event.commit],
        base + row_number() over (order by event.number),
        0, event.id, event.type, event.time, now_recorded, event.command, event.data, event.metadata
    from unnest(event_commit, event_id, event_type, event_time, event_command, event_data, event_metadata)
        with ordinality as event (commit, id, type, time, command, data, metadata, number)
    where winners[event.commit]
    order by event.number;
    get diagnostics taken = row_count;

    if taken > 0 then
        update journal.head set position = base + taken;
    end if;

    return query
    select number::integer, winners[number],
        base + (
            select count(*) from unnest(event_commit) as counted (commit)
            where winners[counted.commit] and counted.commit <= number
        ),
        now_recorded
    from generate_series(1, cardinality(commit_stream)) as number;
end
$$;
