//! Importing again, or twice at once, adds nothing.

use serde_json::json;
use system_tests::expectation::Expectation;
use system_tests::journal::{self, Fold};
use system_tests::{LogKind, System, rows, sample};

const COMMITS: usize = 250;

#[tokio::test(flavor = "multi_thread")]
async fn importing_twice_adds_no_event() {
    let history = sample::svix();
    let expected = Expectation::of(&sample::lines(&history)[..COMMITS]);
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        let first = system.import(&history, COMMITS).await;
        assert_eq!(
            (&first["applied"], &first["repeated"]),
            (&json!(expected.events()), &json!(0)),
            "{first}"
        );
        system.wait_level().await;
        let (events, tables) = (journal::events(system.pool()).await, rows::tables(system.pool()).await);
        assert_eq!(events, expected.events());

        let second = system.import(&history, COMMITS).await;
        assert_eq!(
            (&second["applied"], &second["repeated"]),
            (&json!(0), &json!(expected.events())),
            "{second}"
        );
        system.wait_level().await;
        assert_eq!(journal::events(system.pool()).await, events);
        rows::assert_equal(&rows::tables(system.pool()).await, &tables);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_importers_at_once_add_no_event_twice_even_through_two_instances() {
    let history = sample::svix();
    let expected = Expectation::of(&sample::lines(&history)[..COMMITS]);
    for log in LogKind::ALL {
        let system = System::on(log).instances(2).start().await;
        let limit = COMMITS.to_string();
        let importers = [0, 1].map(|instance| system.importer(instance, &history, &["--limit", &limit]));
        let (left, right) = tokio::join!(importers[0].run(), importers[1].run());
        let (left, right) = (left.json(), right.json());
        for report in [&left, &right] {
            assert_eq!(report["rejected"], 0, "{report}");
            let answered = report["applied"].as_i64().unwrap() + report["repeated"].as_i64().unwrap();
            assert_eq!(
                answered,
                expected.events(),
                "each importer is told of each command: {report}"
            );
        }
        system.wait_level().await;
        assert_eq!(
            journal::events(system.pool()).await,
            expected.events(),
            "{left} {right}"
        );
        journal::assert_in_order(system.pool()).await;
        Fold::assert_projected(system.pool()).await;
    }
}
