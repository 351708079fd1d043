//! Time travel: what was, what would have been, and how they come and go.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::StreamId;
use event_store::{Cut, EventStore as _, PositionToken};
use projections::leftovers::drop_leftovers;
use projections::read::serving;
use projections::travel::{
    Begun, Building, Journey, LocatedCut, Travel, TravelError, begin, complete_token, locate, models,
};
use projections::{ProjectorOptions, ReadError, ServingReader};

use crate::branching::branch;
use crate::harness::{PATIENCE, TABLES, World, run};
use crate::history::{created, decided_at_random, task};

const HOUR: Duration = Duration::from_hours(1);

fn small_batches() -> ProjectorOptions {
    ProjectorOptions {
        rebuild_batch_events: 50,
        ..ProjectorOptions::default()
    }
}

pub(crate) async fn start(world: &World, journey: Journey) -> Result<Begun, TravelError> {
    let epoch = world.store.epoch();
    begin(&world.pool, epoch, models(&[]).unwrap(), journey, &small_batches()).await
}

pub(crate) fn to(target: &Cut) -> Journey {
    Journey {
        target: target.clone(),
        lifetime: HOUR,
        branch: None,
        extends: false,
    }
}

pub(crate) async fn building(world: &World, journey: Journey) -> Building {
    match start(world, journey).await.unwrap() {
        Begun::Building(building) => *building,
        Begun::Standing(travel) => panic!("{travel:?} stands"),
    }
}

pub(crate) async fn complete(world: &World, mut building: Building) -> Travel {
    building.fold(&*world.store, |_, _| {}).await.unwrap();
    building.complete().await.unwrap()
}

/// Nothing can be copied from what serves.
pub(crate) async fn from_the_first_event(world: &World) {
    sqlx::query("insert into control.discarded_event values (1, 'task-1', 0, 'type', 'code', 'error', 'for a test')")
        .execute(&world.pool)
        .await
        .unwrap();
}

/// Schemas and rows of travels.
async fn traces(world: &World) -> i64 {
    sqlx::query_scalar(
        "select (select count(*) from information_schema.schemata where schema_name like 'as_of%' or schema_name like 'branch%')
              + (select count(*) from control.generation where purpose in ('as-of', 'branch')) + (select count(*) from control.travel)",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn as_of_a_cut_is_what_a_projector_held_there_whether_folded_or_extended() {
    let history = decided_at_random(11, 600);
    let (earlier, later) = history.split_at(history.len() / 2);
    let world = World::after(earlier.to_vec()).await;
    let held = serving(&mut world.pool.acquire().await.unwrap()).await.unwrap().cut;
    world.append(later.to_vec()).await;

    from_the_first_event(&world).await;
    let first = building(&world, to(&held)).await;
    assert_eq!(first.copied(), None);
    let first = complete(&world, first).await;
    world.assert_equal(&first.generation, "read_models_1").await;

    // The nearest saved one is the first as-of; the projector comes to the same end by itself.
    let end = world.store.end().await.unwrap();
    let extended = building(&world, to(&end)).await;
    assert_eq!(extended.copied(), Some(first.generation.as_str()));
    assert_eq!(extended.from(), &held);
    let extended = complete(&world, extended).await;
    assert_eq!(world.project(ProjectorOptions::default()).await, "read_models_1");
    world.assert_equal(&extended.generation, "read_models_1").await;
    assert_eq!(
        indexes(&world, &extended.generation).await,
        indexes(&world, "read_models_1").await
    );
    world.assert_equal(&first.generation, &first.generation).await;
    assert_ne!(
        world.everything(&first.generation).await,
        world.everything(&extended.generation).await,
        "the past did not move"
    );

    // What serves is copied where it is not ahead.
    sqlx::raw_sql("delete from control.discarded_event; delete from control.generation where purpose = 'as-of'")
        .execute(&world.pool)
        .await
        .unwrap();
    let copied = building(&world, to(&end)).await;
    assert_eq!(copied.copied(), Some("read_models_1"));
    let copied = complete(&world, copied).await;
    world.assert_equal(&copied.generation, "read_models_1").await;
}

pub(crate) async fn indexes(world: &World, schema: &str) -> Vec<String> {
    sqlx::query_scalar("select indexname::text from pg_indexes where schemaname = $1 order by 1")
        .bind(schema)
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_same_as_of_stands_and_lives_longer_and_can_never_serve() {
    let world = World::after(decided_at_random(12, 60)).await;
    let end = world.store.end().await.unwrap();
    let first = complete(&world, building(&world, to(&end)).await).await;
    let longer = Journey {
        lifetime: HOUR * 5,
        ..to(&end)
    };
    let Begun::Standing(again) = start(&world, longer).await.unwrap() else {
        panic!("it is built again");
    };
    assert_eq!(again.generation, first.generation);
    assert!(again.expires_at > first.expires_at + TimeDelta::hours(3));

    let listed = world.generations().await;
    let listed = listed
        .iter()
        .find(|record| record.generation == first.generation)
        .unwrap();
    assert_eq!(
        (listed.state.as_str(), listed.purpose.as_str(), listed.behind),
        ("held", "as-of", 0)
    );
    assert_eq!(listed.expires_at, Some(again.expires_at));
    for refused in [
        world.promote(&first.generation).await.unwrap_err(),
        world.promote(&listed.name.clone().unwrap()).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), "generation.disposable");
    }

    // Neither a projector nor its companions touch it, and it goes at once.
    world.append(task(900, [created()])).await;
    let running = run(world.service(crate::administrator::options()));
    world.level(&running).await;
    running.stop().await;
    assert_eq!(world.everything(&first.generation).await.len(), TABLES.len());
    world.retire(&first.generation, HOUR).await.unwrap();
    assert_eq!(traces(&world).await, 0);
}

#[tokio::test]
async fn what_has_expired_is_dropped_by_whoever_looks_and_by_a_running_projector() {
    let world = World::after(decided_at_random(13, 40)).await;
    let end = world.store.end().await.unwrap();
    for by_a_projector in [false, true] {
        let travel = complete(&world, building(&world, to(&end)).await).await;
        assert_eq!(drop_leftovers(&world.pool).await.unwrap(), 0, "it is not its time");
        let reader = ServingReader::new(world.pool.clone(), None);
        let snapshot = reader.begin_travel(&travel.generation).await.unwrap();
        assert_eq!((snapshot.cut(), snapshot.travel().unwrap().is_branch), (&end, false));
        snapshot.close().await.unwrap();
        sqlx::query("update control.travel set expires_at = now() - interval '1 hour'")
            .execute(&world.pool)
            .await
            .unwrap();
        let gone = reader.begin_travel(&travel.generation).await;
        assert!(matches!(gone, Err(ReadError::Unknown { .. })), "its time is over");
        if by_a_projector {
            let running = run(world.service(crate::administrator::options()));
            let gone = async {
                while traces(&world).await > 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(PATIENCE, gone).await.expect("it is dropped");
            running.stop().await;
        } else {
            assert_eq!(drop_leftovers(&world.pool).await.unwrap(), 1);
            assert_eq!(traces(&world).await, 0);
        }
    }
}

#[tokio::test]
async fn an_as_of_whose_builder_died_is_gone_on_with_and_a_branch_is_removed() {
    let world = World::after(decided_at_random(14, 400)).await;
    from_the_first_event(&world).await;
    let end = world.store.end().await.unwrap();
    let mut dying = building(&world, to(&end)).await;
    let schema = dying.generation().to_owned();
    {
        // Until something is written.
        let (store, pool) = (&*world.store, world.pool.clone());
        let folding = dying.fold(store, |_, _| {});
        let written = async {
            let moved = "select exists (select from control.checkpoint join control.travel using (generation) where next_offset > 0)";
            while !sqlx::query_scalar::<_, bool>(moved).fetch_one(&pool).await.unwrap() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = written => {}
            folded = folding => folded.unwrap(),
        }
    }
    let other = start(&world, to(&end)).await;
    assert!(
        matches!(other, Err(TravelError::BeingBuilt { .. })),
        "its builder lives"
    );
    // Its session ends with it, as it would with its process.
    drop(dying);
    let next = async {
        loop {
            match start(&world, to(&end)).await {
                Err(TravelError::BeingBuilt { .. }) => tokio::task::yield_now().await,
                begun => return begun.unwrap(),
            }
        }
    };
    let Begun::Building(next) = tokio::time::timeout(PATIENCE, next).await.unwrap() else {
        panic!("it was not complete");
    };
    assert_eq!(next.generation(), schema);
    assert!(next.from().ahead_of(&Cut::start()) > 0, "what was folded counts");
    let travel = complete(&world, *next).await;
    world.assert_equal(&travel.generation, "read_models_1").await;

    drop(building(&world, branch("dying", &end, &[], None)).await);
    let removed = async {
        while drop_leftovers(&world.pool).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, removed).await.unwrap();
    complete(&world, building(&world, branch("dying", &end, &[], None)).await).await;
}

/// A journal in which the events of one stream were recorded at these milliseconds.
async fn recorded(world: &World, milliseconds: &[i64]) -> DateTime<Utc> {
    let begin = platform::clock::now() - TimeDelta::days(1);
    let begin = DateTime::from_timestamp(begin.timestamp(), 0).unwrap();
    sqlx::query(
        "insert into journal.events (stream, revision, position, partition, \"offset\", index, id, type, time, recorded_at, command, data, metadata) \
         select 'quota-' || number, 0, number, number % 4, number, 0, gen_random_uuid(), 'quota.none.v1', now(), \
                $1 + make_interval(secs => after / 1000.0), gen_random_uuid(), '{}', '{}' \
         from unnest($2::bigint[]) with ordinality as event (after, number)",
    )
    .bind(begin)
    .bind(milliseconds)
    .execute(&world.pool)
    .await
    .unwrap();
    begin
}

async fn at(world: &World, at: DateTime<Utc>) -> Result<LocatedCut, TravelError> {
    locate(&world.pool, &*world.store, at, |_, _| {}).await
}

#[tokio::test]
async fn a_time_is_a_cut_and_the_answer_says_how_sure_it_is() {
    let world = World::new().await;
    let mut times: Vec<i64> = (0..20_000).collect();
    // Two clocks that went back: within a block that is summed up, and over the border of two.
    times[5_000] = 4_000;
    times[16_500] = 15_900;
    let begin = recorded(&world, &times).await;
    let ms = |ms| begin + TimeDelta::milliseconds(ms);
    let next = |located: &LocatedCut| located.cut.next(0);

    let located = at(&world, ms(10_000)).await.unwrap();
    assert_eq!((next(&located), located.certainty.exact), (10_002, true), "{located:?}");
    assert_eq!(located.cut.next(3), 10_002, "one clock for all partitions");
    let located = at(&world, ms(19_999) + TimeDelta::days(1) - TimeDelta::seconds(30))
        .await
        .unwrap();
    assert_eq!((next(&located), located.certainty.exact), (20_001, true));

    let located = at(&world, ms(4_500)).await.unwrap();
    let stretch = &located.certainty.clock_went_back[0];
    assert_eq!(next(&located), 4_502);
    assert_eq!(
        (stretch.from_offset, stretch.to_offset, stretch.events, stretch.by_ms),
        (4_502, 5_002, 1, 999)
    );
    let located = at(&world, ms(16_000)).await.unwrap();
    assert_eq!(
        (next(&located), located.certainty.clock_went_back[0].to_offset),
        (16_002, 16_502)
    );

    // The second question finds the blocks summed up.
    let blocks: i64 = sqlx::query_scalar("select count(distinct block) from control.recorded_time")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(blocks, 2);
    let located = at(&world, ms(7) - TimeDelta::microseconds(400)).await.unwrap();
    assert_eq!((next(&located), located.certainty.in_the_same_millisecond), (8, 0));

    let code = |outcome: Result<LocatedCut, TravelError>| outcome.unwrap_err().code();
    assert_eq!(
        code(at(&world, begin - TimeDelta::seconds(1)).await),
        "travel.before-first-event"
    );
    assert_eq!(
        code(at(&world, platform::clock::now() + TimeDelta::hours(1)).await),
        "travel.in-future"
    );
}

#[tokio::test]
async fn a_token_is_a_cut_and_one_that_is_not_of_this_log_is_refused() {
    let world = World::after(decided_at_random(16, 100)).await;
    let end = world.store.end().await.unwrap();
    let token = |cut: Cut| PositionToken {
        epoch: world.store.epoch(),
        cut,
        stream: Some(StreamId::of("task", uuid::Uuid::nil())),
    };
    // The answer to a command names one partition; here that is a place in the order of all.
    let of_a_command = token(std::iter::once((2, 10)).collect());
    let (cut, _) = complete_token(&world.pool, &*world.store, &of_a_command).await.unwrap();
    assert_eq!(cut, (0..4).map(|partition| (partition, 10)).collect());
    let mut beyond = end.clone();
    beyond.raise(1, 1_000_000);
    let refused = complete_token(&world.pool, &*world.store, &token(beyond)).await;
    assert_eq!(refused.unwrap_err().code(), "travel.beyond-end");
    let foreign = PositionToken {
        epoch: event_store::LogEpoch(uuid::Uuid::nil()),
        ..token(end)
    };
    let refused = complete_token(&world.pool, &*world.store, &foreign).await;
    assert_eq!(refused.unwrap_err().code(), "travel.token-of-another-log");
}
