//! Rulings are kept beside the log.

use event_store::acceptance::{Ruled, Ruling};
use event_store::log::Log as _;
use kafka::KafkaLog;
use uuid::Uuid;

#[tokio::test]
async fn rulings_are_read_in_the_order_in_which_they_were_given() {
    let options = crate::servers::topic();
    let log = KafkaLog::open(options.clone()).await.unwrap();
    assert_eq!(log.rulings().await.unwrap(), []);
    let ruling = |offset, ruled| Ruling {
        log_id: Uuid::new_v4(),
        partition: 3,
        offset,
        ruled,
        reason: "a broker lost its disk".to_owned(),
        at: chrono::DateTime::UNIX_EPOCH,
    };
    let given = [
        ruling(7, Ruled::Missing { until: 9 }),
        ruling(7, Ruled::Void),
        ruling(8, Ruled::Judge),
    ];
    for ruling in &given {
        log.rule(ruling).await.unwrap();
    }
    let other = KafkaLog::open(options).await.unwrap();
    assert_eq!(other.rulings().await.unwrap(), given);
}
