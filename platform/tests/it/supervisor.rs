use std::io;
use std::time::Duration;

use platform::shutdown::{Shutdown, Supervisor, SupervisorError};

async fn until_shutdown(shutdown: Shutdown) -> io::Result<()> {
    shutdown.requested().await;
    Ok(())
}

#[tokio::test]
async fn all_tasks_end_when_one_fails_and_the_failed_one_is_named() {
    let shutdown = Shutdown::new();
    let mut supervisor = Supervisor::new(shutdown.clone());
    supervisor.spawn("api", until_shutdown(shutdown.clone()));
    supervisor.spawn("journal", async { Err::<(), _>(io::Error::other("disk is gone")) });

    let error = supervisor.run().await.unwrap_err();

    assert!(
        matches!(error, SupervisorError::Failed { task: "journal", .. }),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "task journal failed");
    assert!(shutdown.is_requested());
}

#[tokio::test]
async fn a_panic_ends_all_tasks_too() {
    let shutdown = Shutdown::new();
    let mut supervisor = Supervisor::new(shutdown.clone());
    supervisor.spawn("api", until_shutdown(shutdown.clone()));
    supervisor.spawn("journal", async {
        if true {
            panic!("as the test wants")
        } else {
            Ok::<(), io::Error>(())
        }
    });

    let error = supervisor.run().await.unwrap_err();

    assert!(
        matches!(error, SupervisorError::Panicked { task: "journal" }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_task_that_is_done_leaves_the_others_running() {
    let shutdown = Shutdown::new();
    let mut supervisor = Supervisor::new(shutdown.clone());
    supervisor.spawn("import", async { Ok::<(), io::Error>(()) });
    supervisor.spawn("api", until_shutdown(shutdown.clone()));
    let running = tokio::spawn(supervisor.run());

    // Nothing but this trigger can end the second task.
    tokio::task::yield_now().await;
    assert!(!shutdown.is_requested() && !running.is_finished());
    shutdown.trigger();

    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_of_all_tasks_ends_the_supervisor() {
    let shutdown = Shutdown::new();
    let mut supervisor = Supervisor::new(shutdown.clone());
    supervisor.spawn("import", async { Ok::<(), io::Error>(()) });

    supervisor.run().await.unwrap();

    assert!(!shutdown.is_requested());
}

#[tokio::test]
async fn tasks_that_do_not_finish_in_time_are_named_and_aborted() {
    let shutdown = Shutdown::new();
    let mut supervisor = Supervisor::new(shutdown.clone()).with_grace(Duration::from_millis(50));
    for name in ["second", "first"] {
        supervisor.spawn(name, std::future::pending::<io::Result<()>>());
    }
    supervisor.spawn("polite", until_shutdown(shutdown.clone()));
    shutdown.trigger();

    let error = supervisor.run().await.unwrap_err();

    assert_eq!(error.to_string(), "tasks did not finish in time: first, second");
}

#[tokio::test]
async fn a_failure_during_shutdown_is_still_reported() {
    let shutdown = Shutdown::new();
    let mut supervisor = Supervisor::new(shutdown.clone());
    supervisor.spawn("journal", {
        let shutdown = shutdown.clone();
        async move {
            shutdown.requested().await;
            Err::<(), _>(io::Error::other("last write failed"))
        }
    });
    shutdown.trigger();

    let error = supervisor.run().await.unwrap_err();

    assert!(
        matches!(error, SupervisorError::Failed { task: "journal", .. }),
        "{error:?}"
    );
}
