use domain::AttachmentId;
use domain::MessageId;
use domain::conversation::{ConversationEvent, Message, MessageRole};
use serde_json::json;

use crate::harness::{World, id, user};
use crate::history::{conversation, sent, started};

#[tokio::test]
async fn a_message_is_kept_whole_under_its_place_in_the_conversation() {
    let message = Message {
        id: MessageId::new(id(5)),
        role: MessageRole::Assistant,
        author_id: None,
        content: "Fixed in \"main\"; \u{1f980}".to_owned(),
        attachments: vec![AttachmentId::new(id(6)), AttachmentId::new(id(7))],
        model: Some("large".to_owned()),
        tokens_used: Some(42),
    };
    let world = World::after(conversation(1, [started(), ConversationEvent::MessageSent(message)])).await;
    let row = world.only("message").await;
    assert_eq!(row["conversation_id"], json!(id(1)));
    assert_eq!(row["sequence"], json!(1));
    assert_eq!(row["id"], json!(id(5)));
    assert_eq!(row["owner_id"], json!(user(7)));
    assert_eq!(row["content"], json!("Fixed in \"main\"; \u{1f980}"));
    assert_eq!(row["attachments"], json!([id(6), id(7)]));
    assert_eq!(
        (&row["role"], &row["model"], &row["tokens_used"]),
        (&json!("assistant"), &json!("large"), &json!(42))
    );
}

#[tokio::test]
async fn messages_with_the_same_id_in_two_conversations_do_not_meet() {
    let events = [
        conversation(1, [started(), sent(1, "one")]),
        conversation(2, [started(), sent(1, "two")]),
    ];
    let world = World::after(events.into_iter().flatten()).await;
    let contents: Vec<_> = world
        .serving("message")
        .await
        .into_iter()
        .map(|row| row["content"].clone())
        .collect();
    assert_eq!(contents.len(), 2);
    assert!(contents.contains(&json!("one")) && contents.contains(&json!("two")));
}

#[tokio::test]
async fn messages_are_found_by_the_stem_of_a_word() {
    let world = World::after(conversation(
        1,
        [started(), sent(1, "the builds were failing"), sent(2, "nothing")],
    ))
    .await;
    let found: Vec<(i64,)> = sqlx::query_as(
        "select sequence from read_models_1.message where search @@ websearch_to_tsquery('english', 'build fails')",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert_eq!(found, [(1,)]);
}
