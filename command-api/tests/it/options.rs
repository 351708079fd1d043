//! What can be configured, and what happens at the bounds.

use command_api::CommandApiOptions;
use command_api::handling::HandlingOptions;
use serde_json::json;

use crate::harness::TestApi;

#[test]
fn unknown_options_are_refused_and_missing_ones_have_defaults() {
    let options: CommandApiOptions = serde_json::from_value(json!({"rate_burst": 7})).unwrap();
    assert_eq!(
        options,
        CommandApiOptions {
            rate_burst: 7.try_into().unwrap(),
            ..Default::default()
        }
    );
    assert_eq!(
        (
            options.rate_per_second.get(),
            CommandApiOptions::default().rate_burst.get()
        ),
        (50, 100)
    );
    for wrong in [
        json!({"rate_brust": 7}),
        json!({"handling": {"cache": 1}}),
        json!({"rate_burst": 0}),
    ] {
        assert!(
            serde_json::from_value::<CommandApiOptions>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_full_queue_refuses_without_applying() {
    let handling = HandlingOptions {
        queued_commands: 0,
        ..Default::default()
    };
    let api = TestApi::with_options(CommandApiOptions {
        handling,
        ..Default::default()
    })
    .await;
    let user = api.client("user");
    let reply = user
        .post("/api/conversations")
        .json(&json!({"title": "x"}))
        .send()
        .await;
    reply.must_be(503, "command.queue-full");
    assert_eq!(reply.body["outcome"], json!("not-applied"));
    assert_eq!(reply.header("retry-after"), "1");
    let answers = user
        .bulk("{\"command\": \"conversation.start\", \"body\": {\"title\": \"x\"}}")
        .await;
    assert_eq!(
        (&answers[0]["status"], &answers[0]["outcome"]),
        (&json!(503), &json!("not-applied"))
    );
}
