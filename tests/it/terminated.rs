//! SIGTERM under load: a stop in order, in time, that loses nothing.

use system_tests::journal::{self, Fold};
use system_tests::load::Load;
use system_tests::{LogKind, System};

const CLIENTS: usize = 5;
const COMMANDS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_is_in_order_and_every_acknowledged_command_is_there_afterwards() {
    for log in LogKind::ALL {
        let mut system = System::on(log)
            .setting("COMMAND_API__RATE_PER_SECOND", "100000")
            .setting("COMMAND_API__RATE_BURST", "100000")
            .start()
            .await;
        let load = Load::start((0..CLIENTS).map(|_| system.client("user")));
        for _ in 0..2 {
            load.goes_on_for(COMMANDS).await;
            let status = system.instance(0).terminate().await;
            assert_eq!(status.code(), Some(0), "{status}");
            system.instance(0).start_again().await;
        }
        load.goes_on_for(COMMANDS).await;
        let record = load.finish().await;
        assert!(record.unanswered > 0, "the clients knocked while nobody was there");
        system.wait_level().await;
        record.assert_each_done_once(system.pool()).await;
        journal::assert_in_order(system.pool()).await;
        Fold::assert_projected(system.pool()).await;
    }
}
