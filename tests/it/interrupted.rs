//! Ctrl-C: every long command ends at once wherever it is, says how to go on, and the same command then comes to its end.
//!
//! Each is stopped while it waits for a lock on what it reads, so that it is certainly in the middle.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Executor as _};
use system_tests::{CommandLine, Finished, LogKind, System, eventually, sample, settled};

const PATIENCE: Duration = Duration::from_mins(1);
/// A person waits no longer.
const AT_ONCE: Duration = Duration::from_secs(5);
const COMMITS: usize = 40;

/// A command, what it needs, and what it says when it is stopped: its exit code, and a part of its last words.
struct Case {
    command: &'static [&'static str],
    needs: &'static str,
    code: i32,
    says: &'static str,
}

const EVENTS: &str = "journal.events";

const CASES: [Case; 10] = [
    Case {
        command: &["history", "verify"],
        needs: EVENTS,
        code: 2,
        says: "interrupted",
    },
    Case {
        command: &["history", "grep", "--text", "nowhere"],
        needs: EVENTS,
        code: 2,
        says: "",
    },
    Case {
        command: &["history", "stats"],
        needs: EVENTS,
        code: 2,
        says: "",
    },
    Case {
        command: &["history", "export", "--to", "exported"],
        needs: EVENTS,
        code: 2,
        says: "same command",
    },
    Case {
        command: &["history", "as-of", "2026-01-01T00:00:00Z"],
        needs: EVENTS,
        code: 2,
        says: "same command",
    },
    Case {
        command: &["history", "branch", "quiet", "--drop", "type=task.amended"],
        needs: EVENTS,
        code: 2,
        says: "interrupted",
    },
    Case {
        command: &["history", "diff", "read_models_1", "quiet"],
        needs: "read_models_1.task",
        code: 2,
        says: "",
    },
    Case {
        command: &["projections", "rebuild", "task"],
        needs: EVENTS,
        code: 1,
        says: "goes on where this has come to",
    },
    Case {
        // It has nothing to say that is better than the general words.
        command: &["projections", "rebuild"],
        needs: EVENTS,
        code: 2,
        says: "look before you repeat it",
    },
    Case {
        command: &["projections", "verify", "read_models_1"],
        needs: EVENTS,
        code: 2,
        says: "interrupted",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn every_long_command_ends_at_once_and_is_done_by_the_same_words_afterwards() {
    let mut system = System::on(LogKind::Postgresql).start().await;
    system.import(&sample::svix(), COMMITS).await;
    system.wait_level().await;
    // It would wait for the same locks, and hold what others ask for.
    system.instance(0).terminate().await;
    for case in &CASES {
        let stopped = stopped(&system, case).await;
        assert_eq!(stopped.code, Some(case.code), "{:?}: {stopped:?}", case.command);
        assert!(stopped.stderr.contains(case.says), "{:?}: {stopped:?}", case.command);
        assert_eq!(stopped.stdout, "", "{:?}: half an answer is none", case.command);
        let again = tool(&system, case).run().await;
        assert!(
            matches!(again.code, Some(0 | 1)),
            "{:?}, once more: {again:?}",
            case.command
        );
    }
}

fn tool(system: &System, case: &Case) -> CommandLine {
    let url = system.variable("CODING_AGENT__POSTGRES__URL");
    let url = format!("{url}?application_name={}", case.command[1]);
    CommandLine::new(system.directory(), case.command)
        .environment(system.environment().iter().cloned())
        .environment([("CODING_AGENT__POSTGRES__URL".to_owned(), url)])
}

/// Starts it, and stops it while it waits for what it needs.
async fn stopped(system: &System, case: &Case) -> Finished {
    let mut held = system.pool().begin().await.unwrap();
    let lock = format!("lock table {} in access exclusive mode", case.needs);
    held.execute(AssertSqlSafe(lock)).await.unwrap();
    let child = tool(system, case).spawn();
    eventually("it is in the middle", PATIENCE, || async {
        sqlx::query_scalar::<_, bool>(
            "select exists (select from pg_stat_activity where datname = current_database() \
             and application_name = $1 and wait_event_type = 'Lock')",
        )
        .bind(case.command[1])
        .fetch_one(&mut *system.pool().acquire().await.unwrap())
        .await
        .unwrap()
        .then_some(())
    })
    .await;
    let process = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).unwrap();
    kill_process(process, Signal::INT).unwrap();
    let end = format!("the end of {:?}", case.command);
    let output = settled(&end, AT_ONCE, child.wait_with_output()).await.unwrap();
    held.rollback().await.unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
