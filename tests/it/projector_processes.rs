//! Several processes share the partitions of the read models. One of them is killed under load, again and again: others have its partitions
//! within seconds, and no row is lost or made twice.

use std::time::{Duration, Instant};

use system_tests::journal::{self, Fold};
use system_tests::load::Load;
use system_tests::{LogKind, System, eventually};

const PROCESSES: usize = 3;
const KILLS: usize = 3;
const PATIENCE: Duration = Duration::from_mins(1);
/// What is promised.
const MOVED_WITHIN: Duration = Duration::from_secs(5);

/// Who holds how many partitions of the serving generation; `None` for those that nobody holds.
async fn holders(system: &System) -> Vec<(Option<String>, i64)> {
    sqlx::query_as(
        "select projector.name, count(*) from control.serving join control.checkpoint using (generation) \
         left join control.projector on projector.id = checkpoint.holder group by projector.name",
    )
    .fetch_all(system.pool())
    .await
    .unwrap()
}

/// Waits until so many processes hold all partitions between them, without that one.
async fn shared_by(system: &System, processes: usize, gone: Option<u32>) {
    let gone = gone.map(|pid| format!(":{pid}"));
    eventually("the partitions are shared", PATIENCE, || async {
        let holders = holders(system).await;
        let living = holders.iter().all(|(name, _)| {
            let name = name.as_deref();
            name.is_some_and(|name| gone.as_ref().is_none_or(|gone| !name.ends_with(gone.as_str())))
        });
        (living && holders.len() >= processes).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_replaced_within_seconds_and_nothing_is_lost() {
    for log in LogKind::ALL {
        let mut system = System::on(log).instances(PROCESSES).start().await;
        let load = Load::start((0..4).map(|_| system.client("user")));
        shared_by(&system, PROCESSES, None).await;
        for _ in 0..KILLS {
            load.goes_on_for(50).await;
            let victim = system.instance(PROCESSES - 1);
            let pid = victim.pid();
            victim.kill();
            let killed = Instant::now();
            shared_by(&system, PROCESSES - 1, Some(pid)).await;
            let took = killed.elapsed();
            println!("{log:?}: the partitions of a killed process were others' after {took:?}");
            assert!(took < MOVED_WITHIN, "{took:?}");
            load.goes_on_for(50).await;
            system.instance(PROCESSES - 1).start_again().await;
            shared_by(&system, PROCESSES, None).await;
        }
        load.finish().await;
        system.wait_level().await;
        journal::assert_in_order(system.pool()).await;
        Fold::assert_projected(system.pool()).await;
    }
}
