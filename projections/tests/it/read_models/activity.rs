use domain::conversation::ConversationEvent;
use domain::task::{Complexity, TaskType};
use serde_json::json;

use crate::harness::{World, id, user};
use crate::history::{classified, conversation, created, progressed, sent, started, started_execution, task};

#[tokio::test]
async fn every_event_but_progress_is_an_activity_of_the_owner() {
    let events = [
        created(),
        classified(TaskType::Test, Complexity::Simple),
        started_execution(1),
        progressed(1, Some(5), 0..3),
    ];
    let world = World::after(task(1, events)).await;
    let mut rows = world.serving("activity").await;
    rows.sort_by_key(|row| row["revision"].as_i64());
    let types: Vec<_> = rows.iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["task.created", "task.classified", "task.execution-started"]);
    for row in &rows {
        assert_eq!(
            (&row["subject_kind"], &row["subject_id"]),
            (&json!("task"), &json!(id(1)))
        );
        assert_eq!(
            (&row["owner_id"], &row["summary"]),
            (&json!(user(7)), &json!("Fix the build"))
        );
        assert_eq!((&row["actor_id"], &row["role"]), (&json!(id(0)), &json!("service")));
    }
}

#[tokio::test]
async fn a_message_is_summed_up_by_its_first_words_and_the_rest_by_the_title() {
    let long = "word ".repeat(100);
    let renamed = ConversationEvent::Renamed {
        title: "Now".to_owned(),
    };
    let world = World::after(conversation(1, [started(), sent(1, &long), renamed])).await;
    let mut rows = world.serving("activity").await;
    rows.sort_by_key(|row| row["revision"].as_i64());
    let summaries: Vec<_> = rows.iter().map(|row| row["summary"].as_str().unwrap()).collect();
    assert_eq!(summaries, ["Builds", &long[..120], "Now"]);
}

#[tokio::test]
async fn a_conversation_and_a_task_with_the_same_uuid_do_not_take_each_others_rows() {
    let world = World::after(
        [conversation(1, [started()]), task(1, [created()])]
            .into_iter()
            .flatten(),
    )
    .await;
    let mut types: Vec<_> = world
        .serving("activity")
        .await
        .iter()
        .map(|row| row["type"].clone())
        .collect();
    types.sort_by_key(ToString::to_string);
    assert_eq!(types, ["conversation.started", "task.created"]);
}
