use domain::conversation::ConversationEvent;
use serde_json::json;

use crate::harness::{World, id, user};
use crate::history::{conversation, sent, started};

#[tokio::test]
async fn a_conversation_counts_messages_and_previews_the_last() {
    let long = "\u{e9}".repeat(200);
    let world = World::after(conversation(1, [started(), sent(1, "first"), sent(2, &long)])).await;
    let row = world.only("conversation").await;
    assert_eq!(row["id"], json!(id(1)));
    assert_eq!(row["owner_id"], json!(user(7)));
    assert_eq!(row["message_count"], json!(2));
    assert_eq!(row["last_message_preview"], json!("\u{e9}".repeat(120)));
    assert_eq!(row["last_message_role"], json!("user"));
    assert_eq!(row["last_message_author_id"], json!(user(7)));
    assert_eq!(row["last_message_at"], row["updated_at"]);
    assert_eq!(row["revision"], json!(2));
}

#[tokio::test]
async fn a_conversation_follows_its_title_and_status() {
    let renamed = ConversationEvent::Renamed {
        title: "Other".to_owned(),
    };
    let world = World::after(conversation(1, [started(), renamed, ConversationEvent::Archived])).await;
    let row = world.only("conversation").await;
    assert_eq!((&row["title"], &row["status"]), (&json!("Other"), &json!("archived")));

    for (event, status) in [
        (ConversationEvent::Reopened, "active"),
        (ConversationEvent::Deleted, "deleted"),
    ] {
        world.append(conversation(1, [event])).await;
        world.project(projections::ProjectorOptions::default()).await;
        assert_eq!(world.only("conversation").await["status"], json!(status));
    }
}
