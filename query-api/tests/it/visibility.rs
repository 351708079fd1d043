//! Who sees what: every field, every role, own rows and those of others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Role;
use domain::conversation::ConversationEvent;
use domain::id::created_by;
use domain::task::{Complexity, ExecutionResult, TaskEvent, TaskType};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, conversation_stream, minute};

/// A question about rows of one owner, and where in the answer they show.
struct Question {
    name: &'static str,
    query: String,
    shows: fn(&Value) -> bool,
}

fn one(data: &Value) -> bool {
    !data["it"].is_null()
}

fn list(data: &Value) -> bool {
    let rows = data["it"]["nodes"].as_array().unwrap().len();
    assert_eq!(data["it"]["edges"].as_array().unwrap().len(), rows);
    assert_eq!(
        data["it"]["totalCount"], rows,
        "the total tells of rows that the list does not show"
    );
    rows > 0
}

fn sums(data: &Value) -> bool {
    let total = &data["it"]["rows"][0];
    total["tasks"] != 0 || total["messages"] != 0 || total["filesChanged"] != 0
}

const LIST: &str = "{ totalCount nodes { __typename } edges { cursor } }";

fn questions(owner: Uuid, conversation: Uuid, task: Uuid, word: &str) -> Vec<Question> {
    let message = created_by(conversation, "message 1");
    let execution = created_by(task, "execution");
    let global = |kind: &str, id: Uuid| STANDARD.encode(format!("{kind}:{id}"));
    let row = |name, query: String| Question {
        name,
        query: format!("{{ it: {query} }}"),
        shows: one,
    };
    let rows = |name, query: String| Question {
        name,
        query: format!("{{ it: {query} {LIST} }}"),
        shows: list,
    };
    vec![
        row(
            "conversation",
            format!(r#"conversation(id: "{conversation}") {{ id messages {{ totalCount }} }}"#),
        ),
        rows(
            "conversations",
            format!(r#"conversations(filter: {{ownerId: "{owner}", text: "{word}"}})"#),
        ),
        rows("messages", format!(r#"messages(conversationId: "{conversation}")"#)),
        rows("search", format!(r#"search(text: "{word}")"#)),
        row("task", format!(r#"task(id: "{task}") {{ id executions {{ id }} }}"#)),
        rows(
            "tasks",
            format!(r#"tasks(filter: {{ownerId: "{owner}", text: "{word}"}})"#),
        ),
        rows(
            "activity of a conversation",
            format!(r#"activity(filter: {{subjectId: "{conversation}"}})"#),
        ),
        rows(
            "activity of a task",
            format!(r#"activity(filter: {{subjectId: "{task}"}})"#),
        ),
        rows(
            "history of a conversation",
            format!(r#"streamHistory(stream: "conversation-{conversation}")"#),
        ),
        rows("history of a task", format!(r#"streamHistory(stream: "task-{task}")"#)),
        row(
            "node of a conversation",
            format!(r#"node(id: "{conversation}") {{ id }}"#),
        ),
        row("node of a message", format!(r#"node(id: "{message}") {{ id }}"#)),
        row(
            "node of a task",
            format!(r#"node(id: "{}") {{ id }}"#, global("Task", task)),
        ),
        row(
            "node of an execution",
            format!(r#"node(id: "{}") {{ id }}"#, global("Execution", execution)),
        ),
    ]
}

async fn row_of_history(world: &World, owner: Uuid, word: &str) -> (Uuid, Uuid) {
    let conversation = world
        .conversation(owner, &format!("{word} talk"), 0, &[&format!("the {word} sings")])
        .await;
    let task = world.task(owner, &format!("{word} work"), 5, Some(conversation)).await;
    let result = ExecutionResult {
        files_changed: 1,
        ..ExecutionResult::default()
    };
    world
        .finish(task, (TaskType::Feature, Complexity::Simple), 6, result)
        .await;
    (conversation, task)
}

#[tokio::test]
async fn every_field_shows_own_rows_to_users_and_all_rows_to_readers_of_history() {
    let world = World::start().await;
    let (owner, other) = (Uuid::new_v4(), Uuid::new_v4());
    let (conversation, task) = row_of_history(&world, owner, "walrus").await;
    row_of_history(&world, other, "penguin").await;
    world.level().await;
    let statistics = Question {
        name: "statistics",
        query: format!(r#"{{ it: statistics(ownerId: "{owner}") {{ rows {{ tasks messages filesChanged }} }} }}"#),
        shows: sums,
    };
    let mut questions = questions(owner, conversation, task, "walrus");
    questions.push(statistics);
    for (role, viewer, sees) in [
        ("user", owner, true),
        ("user", other, false),
        ("user", Uuid::new_v4(), false),
        ("analyst", other, true),
        ("admin", other, true),
        ("service", other, true),
    ] {
        for question in &questions {
            let data = world.ask(role, viewer, &question.query).await;
            assert_eq!(
                (question.shows)(&data),
                sees,
                "{} as {role}, own: {}: {data}",
                question.name,
                viewer == owner
            );
        }
    }
}

#[tokio::test]
async fn deleted_rows_are_gone_for_their_owner_and_stay_for_readers_of_history() {
    let world = World::start().await;
    let owner = Uuid::new_v4();
    let (conversation, task) = row_of_history(&world, owner, "walrus").await;
    let deleted = vec![(ConversationEvent::Deleted.into(), minute(20))];
    world
        .append(&conversation_stream(conversation), owner, Role::User, deleted)
        .await;
    world
        .task_events(task, owner, Role::User, 21, vec![TaskEvent::Deleted])
        .await;
    world.level().await;
    for question in questions(owner, conversation, task, "walrus") {
        let as_owner = world.ask("user", owner, &question.query).await;
        assert!(!(question.shows)(&as_owner), "{} as owner: {as_owner}", question.name);
        let as_analyst = world.ask("analyst", Uuid::new_v4(), &question.query).await;
        // Lists and search leave deleted rows out for everybody.
        let sees = !["conversations", "tasks", "search"].contains(&question.name);
        assert_eq!(
            (question.shows)(&as_analyst),
            sees,
            "{} as analyst: {as_analyst}",
            question.name
        );
    }
    let filtered =
        "{ tasks(filter: {status: DELETED}) { totalCount } conversations(filter: {status: DELETED}) { totalCount } }";
    let as_owner = world.ask("user", owner, filtered).await;
    assert_eq!(
        as_owner,
        json!({ "tasks": { "totalCount": 0 }, "conversations": { "totalCount": 0 } })
    );
    let as_analyst = world.ask("analyst", owner, filtered).await;
    assert_eq!(
        as_analyst,
        json!({ "tasks": { "totalCount": 1 }, "conversations": { "totalCount": 1 } })
    );
}

#[tokio::test]
async fn a_foreign_conversation_inside_an_own_task_is_null() {
    let world = World::start().await;
    let (owner, other) = (Uuid::new_v4(), Uuid::new_v4());
    let foreign = world.conversation(other, "private", 0, &["secret"]).await;
    let task = world.task(owner, "mine", 1, Some(foreign)).await;
    world.level().await;
    let query = format!(r#"{{ task(id: "{task}") {{ title conversation {{ title }} }} }}"#);
    let as_owner = world.ask("user", owner, &query).await;
    assert_eq!(as_owner, json!({ "task": { "title": "mine", "conversation": null } }));
    let as_admin = world.ask("admin", owner, &query).await;
    assert_eq!(as_admin["task"]["conversation"]["title"], "private");
}

#[tokio::test]
async fn projections_are_for_admins_and_a_refusal_leaves_the_other_fields() {
    let world = World::start().await;
    let viewer = Uuid::new_v4();
    world.task(viewer, "one", 0, None).await;
    world.level().await;
    let query = "{ projections { state serves lagEvents lagMs models { name version } } tasks { totalCount } }";
    for role in ["user", "analyst", "service"] {
        let reply = world.post(role, viewer, &json!({ "query": query })).await;
        assert_eq!(reply.body["errors"][0]["extensions"]["code"], "auth.forbidden");
        assert_eq!(
            reply.body["data"],
            json!({ "projections": null, "tasks": { "totalCount": 1 } })
        );
    }
    let data = world.ask("admin", viewer, query).await;
    let generation = &data["projections"][0];
    assert_eq!(
        (&generation["state"], &generation["serves"]),
        (&json!("serving"), &json!(true))
    );
    assert_eq!((&generation["lagEvents"], &generation["lagMs"]), (&json!(0), &json!(0)));
    assert!(
        generation["models"]
            .as_array()
            .unwrap()
            .iter()
            .any(|model| model["name"] == "task"),
        "{generation}"
    );
}
