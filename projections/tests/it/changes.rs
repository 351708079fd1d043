//! Whoever shows something live is told what has changed, and misses nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::StreamId;
use event_store::EventStore as _;
use event_store::postgres::PostgresStore;
use projections::administration::parked;
use projections::change_feed::{ChangeFeed, ChangedStream, WhatChanged};
use projections::{ProjectorOptions, ProjectorService};

use crate::administrator::{followed, tasks};
use crate::harness::{PATIENCE, Running, World, at, connect, id, run, user};
use crate::history::{classified, created, decided_at_random, task};

/// What the feed tells until it covers the log's end.
async fn told(world: &World, feed: &mut ChangeFeed) -> Vec<WhatChanged> {
    let end = world.store.end().await.unwrap();
    let until = async {
        let mut told = Vec::new();
        loop {
            let changes = feed.next().await.unwrap();
            told.push(changes.what);
            if changes.cut.covers(&end) {
                return told;
            }
        }
    };
    tokio::time::timeout(PATIENCE, until).await.expect("it is told in time")
}

fn streams(told: Vec<WhatChanged>) -> BTreeSet<String> {
    told.into_iter()
        .flat_map(|what| match what {
            WhatChanged::Everything => panic!("everything may have changed"),
            WhatChanged::Streams(streams) => streams,
        })
        .map(|changed| changed.stream.as_str().to_owned())
        .collect()
}

#[tokio::test]
async fn at_first_it_may_be_everything_and_then_it_is_what_was_written() {
    let (world, running) = followed().await;
    // One that has the projector beside it, and one of another process.
    let mut beside = ChangeFeed::new(world.pool.clone(), Some(running.handle.clone()));
    let mut apart = ChangeFeed::new(connect(&world.database).await, None);
    for feed in [&mut beside, &mut apart] {
        assert_eq!(told(&world, feed).await, [WhatChanged::Everything]);
    }
    world.append(task(801, [created()])).await;
    for feed in [&mut beside, &mut apart] {
        let changed = ChangedStream {
            stream: StreamId::of("task", id(801)),
            owner: user(7),
        };
        let told = told(&world, feed).await;
        assert!(
            matches!(&told[..], [WhatChanged::Streams(streams)] if streams.len() == 1 && streams[0].stream == changed.stream),
            "{told:?}"
        );
    }
    running.stop().await;
}

/// A projector with connections of its own, as another process has.
async fn another(world: &World) -> Running {
    let pool = connect(&world.database).await;
    let store = Arc::new(PostgresStore::open(pool.clone(), 1).await.unwrap());
    let options = ProjectorOptions {
        batch_events: 10,
        look_ms: 20,
        lanes: 2,
        ..ProjectorOptions::default()
    };
    run(ProjectorService::new(store, pool, options))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_of_what_several_processes_project_and_of_one_that_crashes() {
    let world = World::new().await;
    let (first, mut second) = (another(&world).await, Some(another(&world).await));
    let mut events = decided_at_random(3, 320);
    let later = events.split_off(20);
    world.append(events).await;
    world.level(&first).await;
    let mut feed = ChangeFeed::new(connect(&world.database).await, None);
    told(&world, &mut feed).await;
    let written: BTreeSet<String> = later.iter().map(|event| event.stream.as_str().to_owned()).collect();
    let half = later.len() / 2;
    let end = std::sync::OnceLock::new();
    let appending = async {
        for (number, event) in later.into_iter().enumerate() {
            if number == half {
                second.take().unwrap().crash().await;
            }
            world.append([event]).await;
        }
        world.level(&first).await;
        end.set(world.store.end().await.unwrap()).unwrap();
    };
    let listening = async {
        let mut all = Vec::new();
        loop {
            // Longer than the feed waits for a call.
            let changes = tokio::time::timeout(std::time::Duration::from_millis(1_500), feed.next()).await;
            match (changes, end.get()) {
                (Ok(changes), _) => all.push(changes.unwrap().what),
                (Err(_), Some(end)) => {
                    let mut connection = world.pool.acquire().await.unwrap();
                    let serving = projections::read::serving(&mut connection).await.unwrap();
                    if serving.cut.covers(end) {
                        return all;
                    }
                }
                (Err(_), None) => {}
            }
        }
    };
    let both = async { tokio::join!(appending, listening) };
    let ((), all) = tokio::time::timeout(PATIENCE, both).await.expect("all is told in time");
    let heard = streams(all);
    let missed: Vec<_> = written.difference(&heard).collect();
    assert!(missed.is_empty(), "{missed:?}");
    first.stop().await;
}

#[tokio::test]
async fn another_generation_a_parked_stream_and_one_that_is_freed_are_everything() {
    let (world, running) = followed().await;
    let mut feed = ChangeFeed::new(world.pool.clone(), Some(running.handle.clone()));
    told(&world, &mut feed).await;
    let everything = async |feed: &mut ChangeFeed| {
        let until = async { while feed.next().await.unwrap().what != WhatChanged::Everything {} };
        tokio::time::timeout(PATIENCE, until).await.expect("it is told in time");
    };
    let rebuilt = world.rebuild().await.unwrap();
    world.complete(&rebuilt).await;
    world.promote(&rebuilt).await.unwrap();
    everything(&mut feed).await;
    running.is_on(&rebuilt).await;
    // What is written from now on is told stream by stream again.
    tasks(&world, 810..812).await;
    let heard = streams(told(&world, &mut feed).await);
    assert_eq!(heard.len(), 2, "{heard:?}");

    let painted = StreamId::of("task", id(820));
    world.append(task(820, [created()])).await;
    world.append_raw(&painted, "task.painted.v1", "{}", at(1)).await;
    everything(&mut feed).await;
    parked::discard(&world.pool, None, &painted, "not ours").await.unwrap();
    everything(&mut feed).await;
    running.stop().await;
}

#[tokio::test]
async fn a_transaction_of_very_many_streams_is_everything_and_old_rows_are_no_news() {
    let (world, running) = followed().await;
    running.stop().await;
    let mut feed = ChangeFeed::new(world.pool.clone(), None);
    told(&world, &mut feed).await;
    tasks(&world, 1_000..2_100).await;
    let running = run(world.service(ProjectorOptions {
        write_interval_ms: 1_000,
        ..ProjectorOptions::default()
    }));
    assert!(told(&world, &mut feed).await.contains(&WhatChanged::Everything));
    world
        .append(task(
            1_001,
            [classified(
                domain::task::TaskType::BugFix,
                domain::task::Complexity::Simple,
            )],
        ))
        .await;
    let heard = streams(told(&world, &mut feed).await);
    assert_eq!(
        heard,
        BTreeSet::from([StreamId::of("task", id(1_001)).as_str().to_owned()])
    );
    running.stop().await;
}
