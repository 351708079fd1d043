//! Subscriptions and live queries: told when rows change, and of nothing else.

use domain::Role;
use domain::conversation::{ConversationEvent, Message, MessageRole};
use domain::id::created_by;
use domain::task::TaskEvent;
use domain::{MessageId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::socket::{Heard, Socket};
use crate::world::{World, conversation_stream, minute};

const ANN: Uuid = Uuid::from_u128(0xa);
const BOB: Uuid = Uuid::from_u128(0xb);

async fn say(world: &World, conversation: Uuid, owner: Uuid, text: &str, at: i64) {
    let message = Message {
        id: MessageId::new(created_by(conversation, text)),
        role: MessageRole::User,
        author_id: Some(UserId::new(owner)),
        content: text.to_owned(),
        attachments: Vec::new(),
        model: None,
        tokens_used: None,
    };
    let events = vec![(ConversationEvent::MessageSent(message).into(), minute(at))];
    world
        .append(&conversation_stream(conversation), owner, Role::User, events)
        .await;
}

async fn retitle(world: &World, task: Uuid, owner: Uuid, title: &str) {
    let amended = TaskEvent::Amended {
        title: Some(title.to_owned()),
        description: None,
        task_type: None,
        complexity: None,
        priority: None,
    };
    world.task_events(task, owner, Role::User, 9, vec![amended]).await;
}

fn texts(answer: &Value) -> Vec<&str> {
    let messages = answer["data"]["conversation"]["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| message["content"].as_str().unwrap())
        .collect()
}

fn position(answer: &Value) -> String {
    answer["extensions"]["position"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_task_is_told_when_what_is_selected_of_it_changes() {
    let world = World::start().await;
    let (mine, another) = (
        world.task(ANN, "mine", 0, None).await,
        world.task(ANN, "another", 0, None).await,
    );
    world.level().await;
    let mut socket = Socket::acknowledged(&world, "user", ANN).await;
    socket
        .subscribe("t", &format!("subscription {{ task(id: \"{mine}\") {{ title }} }}"))
        .await;
    assert_eq!(socket.next("t").await["data"]["task"]["title"], "mine");
    // Of another task, and of what is not selected, nothing is heard.
    retitle(&world, another, ANN, "quite another").await;
    let priority = TaskEvent::Amended {
        title: None,
        description: None,
        task_type: None,
        complexity: None,
        priority: Some(7),
    };
    world.task_events(mine, ANN, Role::User, 8, vec![priority]).await;
    retitle(&world, mine, ANN, "mine, still").await;
    assert_eq!(socket.next("t").await["data"]["task"]["title"], "mine, still");
    // One that is not there yet, and another's.
    let theirs = world.task(BOB, "theirs", 0, None).await;
    world.level().await;
    socket
        .subscribe("x", &format!("subscription {{ task(id: \"{theirs}\") {{ title }} }}"))
        .await;
    assert_eq!(socket.next("x").await["data"]["task"], Value::Null);
}

#[tokio::test]
async fn messages_are_told_once_and_in_order_and_who_comes_back_misses_none() {
    let world = World::start().await;
    let thread = world.conversation(ANN, "talk", 0, &["one", "two"]).await;
    world.level().await;
    let query = |after: Option<&str>| {
        let after = after.map(|token| format!(", after: \"{token}\"")).unwrap_or_default();
        format!(
            "subscription {{ conversation(id: \"{thread}\"{after}) {{ conversation {{ messageCount }} messages {{ content }} }} }}"
        )
    };
    let mut socket = Socket::acknowledged(&world, "user", ANN).await;
    socket.subscribe("m", &query(None)).await;
    let first = socket.next("m").await;
    assert_eq!(texts(&first), Vec::<&str>::new(), "what was said before is a query's");
    assert_eq!(first["data"]["conversation"]["conversation"]["messageCount"], 2);
    say(&world, thread, ANN, "three", 3).await;
    let second = socket.next("m").await;
    assert_eq!(texts(&second), ["three"]);
    drop(socket);
    for (number, text) in (4..).zip(["four", "five"]) {
        say(&world, thread, ANN, text, number).await;
    }
    world.level().await;
    let mut socket = Socket::acknowledged(&world, "user", ANN).await;
    socket.subscribe("m", &query(Some(&position(&second)))).await;
    let back = socket.next("m").await;
    assert_eq!(texts(&back), ["four", "five"]);
    say(&world, thread, ANN, "six", 6).await;
    assert_eq!(texts(&socket.next("m").await), ["six"]);
    // From the very beginning, more than fits into one answer.
    for number in 0..130 {
        say(&world, thread, ANN, &format!("much {number}"), 10 + number).await;
    }
    world.level().await;
    let mut late = Socket::acknowledged(&world, "user", ANN).await;
    late.subscribe("m", &query(Some(&position(&back)))).await;
    let (page, rest) = (late.next("m").await, late.next("m").await);
    assert_eq!((texts(&page).len(), texts(&rest).len()), (100, 31));
    assert_eq!(
        (texts(&page)[0], texts(&page)[1], texts(&rest)[30]),
        ("six", "much 0", "much 129")
    );
}

#[tokio::test]
async fn activity_is_that_of_the_viewer_in_the_order_of_the_log() {
    let world = World::start().await;
    world.task(ANN, "before", 0, None).await;
    let start = world.level().await;
    let mut socket = Socket::acknowledged(&world, "user", ANN).await;
    let query = "subscription { activity { items { summary type } } }";
    socket.subscribe("a", query).await;
    assert_eq!(socket.next("a").await["data"]["activity"]["items"], json!([]));
    world.task(BOB, "not hers", 5, None).await;
    // Event times go backwards in real histories.
    let first = world.task(ANN, "first", 9, None).await;
    world.task(ANN, "second", 1, None).await;
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let answer = socket.next("a").await;
        let items = answer["data"]["activity"]["items"].as_array().unwrap();
        heard.extend(items.iter().map(|item| item["summary"].as_str().unwrap().to_owned()));
    }
    assert_eq!(heard, ["first", "second"]);
    retitle(&world, first, ANN, "third").await;
    let answer = socket.next("a").await;
    assert_eq!(answer["data"]["activity"]["items"][0]["summary"], "third");
    // Everything since a position, and only what the filter lets through.
    let mut back = Socket::acknowledged(&world, "analyst", BOB).await;
    back.subscribe("a", &format!("subscription {{ activity(after: \"{start}\", filter: {{ type: \"task.created\" }}) {{ items {{ summary }} }} }}")).await;
    let answer = back.next("a").await;
    let items = answer["data"]["activity"]["items"].as_array().unwrap();
    let summaries: Vec<_> = items.iter().map(|item| item["summary"].as_str().unwrap()).collect();
    assert_eq!(summaries, ["not hers", "first", "second"]);
}

#[tokio::test]
async fn a_live_query_is_sent_again_when_its_rows_change_and_a_plain_one_is_not() {
    let world = World::start().await;
    let task = world.task(ANN, "one", 0, None).await;
    world.level().await;
    let mut socket = Socket::acknowledged(&world, "user", ANN).await;
    socket
        .subscribe("plain", "{ tasks(first: 5) { nodes { title } } }")
        .await;
    socket.next("plain").await;
    assert_eq!(
        socket.hear().await,
        Heard::Message(json!({ "type": "complete", "id": "plain" }))
    );
    socket
        .subscribe(
            "live",
            "{ tasks(first: 5, orderBy: { field: CREATED_AT, direction: ASC }) @live { nodes { title } } }",
        )
        .await;
    let titles = |answer: &Value| answer["data"]["tasks"]["nodes"].clone();
    assert_eq!(titles(&socket.next("live").await), json!([{ "title": "one" }]));
    world.task(BOB, "not hers", 1, None).await;
    retitle(&world, task, ANN, "eins").await;
    assert_eq!(titles(&socket.next("live").await), json!([{ "title": "eins" }]));
    world.task(ANN, "two", 2, None).await;
    assert_eq!(
        titles(&socket.next("live").await),
        json!([{ "title": "eins" }, { "title": "two" }])
    );
    // Over plain HTTP it is a query.
    let once = world.ask("user", ANN, "{ tasks(first: 5) @live { totalCount } }").await;
    assert_eq!(once["tasks"]["totalCount"], 2);
}

#[tokio::test]
async fn statistics_are_told_when_they_change() {
    let world = World::start().await;
    world.level().await;
    let mut socket = Socket::acknowledged(&world, "user", ANN).await;
    socket
        .subscribe("s", "subscription { statistics { rows { tasks } } }")
        .await;
    let tasks = |answer: &Value| answer["data"]["statistics"]["rows"][0]["tasks"].as_i64().unwrap();
    assert_eq!(tasks(&socket.next("s").await), 0);
    world.task(BOB, "not hers", 1, None).await;
    world.task(ANN, "hers", 1, None).await;
    assert_eq!(tasks(&socket.next("s").await), 1);
}

#[tokio::test]
async fn a_subscription_over_plain_http_is_told_where_to_go() {
    let world = World::start().await;
    world.level().await;
    let code = world
        .refused("user", ANN, "subscription { statistics { rows { tasks } } }")
        .await;
    assert_eq!(code, "operation.kind");
}
