//! SIGKILL in the middle of an import and of projecting, again and again: afterwards the rows are those of a run that nobody
//! disturbed. When to kill is told by rows, not by time.

use std::path::Path;
use std::time::Duration;

use system_tests::expectation::Expectation;
use system_tests::journal::{self, Fold};
use system_tests::rows::{self, Tables};
use system_tests::{LogKind, System, eventually, sample};

const COMMITS: usize = 600;
const PATIENCE: Duration = Duration::from_mins(1);

/// Seen in the database, from outside.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So many events are in the journal.
    Journaled(i64),
    /// So many rows are in a table of the serving generation.
    Projected(&'static str, i64),
}

/// How many commits an import has, and when it is killed: each within those that the import before had not.
const KILLS: [(usize, Moment); 6] = [
    (100, Moment::Journaled(1)),
    (100, Moment::Journaled(150)),
    (200, Moment::Projected("message", 110)),
    (300, Moment::Projected("task", 210)),
    (400, Moment::Journaled(1_600)),
    (500, Moment::Projected("execution", 410)),
];
/// So many kills must come before the import itself is at its end; counted where the journal is the log and knows at once.
const KILLS_WITHIN_IMPORTS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn after_kills_at_any_moment_the_rows_are_those_of_an_undisturbed_run() {
    let history = sample::svix();
    let lines = sample::lines(&history);
    let events = |commits: usize| Expectation::of(&lines[..commits]).events();
    let undisturbed = undisturbed(&history).await;
    let mut within_imports = 0;
    for log in LogKind::ALL {
        let mut system = System::on(log).start().await;
        for (commits, moment) in KILLS {
            let importer = system.importer(0, &history, &["--limit", &commits.to_string()]).spawn();
            reached(&system, moment).await;
            system.instance(0).kill();
            // Killed with it: the next one begins at the first commit again.
            drop(importer);
            if log == LogKind::Postgresql && journal::events(system.pool()).await < events(commits) {
                within_imports += 1;
            }
            system.instance(0).start_again().await;
        }
        let report = system.import(&history, COMMITS).await;
        assert_eq!(report["rejected"], 0, "{report}");
        assert!(
            report["repeated"] != 0 && report["applied"] != 0,
            "the kills came before the end: {report}"
        );
        system.wait_level().await;
        assert_eq!(journal::events(system.pool()).await, events(COMMITS), "{log:?}");
        journal::assert_in_order(system.pool()).await;
        Fold::assert_projected(system.pool()).await;
        rows::assert_equal(&rows::tables(system.pool()).await, &undisturbed);
    }
    assert!(
        within_imports >= KILLS_WITHIN_IMPORTS,
        "only {within_imports} kills came while commands were taken"
    );
}

async fn undisturbed(history: &Path) -> Tables {
    let system = System::on(LogKind::Postgresql).start().await;
    system.import(history, COMMITS).await;
    system.wait_level().await;
    rows::tables(system.pool()).await
}

async fn reached(system: &System, moment: Moment) {
    eventually(&format!("{moment:?}"), PATIENCE, || async {
        let reached = match moment {
            Moment::Journaled(events) => journal::events(system.pool()).await >= events,
            Moment::Projected(table, wanted) => rows::count(system.pool(), table).await >= wanted,
        };
        reached.then_some(())
    })
    .await;
}
