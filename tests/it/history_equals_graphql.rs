//! A real history, imported: every number that GraphQL shows is the one computed from the file, on both logs, and the tables
//! of both are equal.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use system_tests::expectation::{Dimension, Expectation, ExpectedMessage, ExpectedTask, statistics_of_answer};
use system_tests::journal::{self, Fold};
use system_tests::{Client, LogKind, System, paging, rows, sample};

#[tokio::test(flavor = "multi_thread")]
async fn every_number_is_that_of_the_file_on_both_logs_whose_tables_are_equal() {
    let history = sample::svix();
    let lines = sample::lines(&history);
    let expected = Expectation::of(&lines);
    let mut tables = Vec::new();
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        let report = system.import(&history, lines.len()).await;
        assert_eq!(
            (&report["applied"], &report["rejected"]),
            (&json!(expected.events()), &json!(0)),
            "{report}"
        );
        system.wait_level().await;

        let analyst = system.client("analyst");
        statistics_are_equal(&analyst, &expected).await;
        tasks_are_counted(&analyst, &expected).await;
        tasks_are_equal(&analyst, &expected).await;
        conversations_are_equal(&analyst, &expected).await;

        assert_eq!(journal::events(system.pool()).await, expected.events());
        journal::assert_in_order(system.pool()).await;
        Fold::assert_projected(system.pool()).await;
        tables.push(rows::tables(system.pool()).await);
    }
    rows::assert_equal(&tables[0], &tables[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subject_of_a_commit_becomes_title_and_message_as_it_is() {
    let system = System::on(LogKind::Postgresql).start().await;
    let with_space: Vec<String> = sample::lines(&sample::svix())
        .into_iter()
        .filter(|line| line.contains("\"subject\": \" "))
        .collect();
    assert!(!with_space.is_empty(), "real subjects begin with white space at times");
    let expected = Expectation::of(&with_space);
    let history = sample::write(system.directory(), "with-space", &with_space);
    system.import(&history, with_space.len()).await;
    system.wait_level().await;
    let tasks = paging::all(&system.client("analyst"), "tasks", "title results { commit }").await;
    assert_eq!(tasks.len(), with_space.len());
    for task in tasks {
        assert_eq!(
            task["title"],
            expected.tasks[&text(&task["results"]["commit"])].title.as_str()
        );
    }
}

async fn statistics_are_equal(analyst: &Client, expected: &Expectation) {
    use Dimension::{Complexity, Day, Owner, Status, Type};
    let query = "query($groupBy: [StatisticsGroup!]) { statistics(groupBy: $groupBy) { rows { day type complexity status \
                 ownerId tasks executions messages filesChanged linesAdded linesRemoved tokensUsed costMicroUsd } } }";
    let combinations: [&[Dimension]; 10] = [
        &[],
        &[Day],
        &[Type],
        &[Complexity],
        &[Status],
        &[Owner],
        &[Type, Complexity],
        &[Day, Owner],
        &[Type, Owner],
        &[Day, Type, Complexity, Status, Owner],
    ];
    for group_by in combinations {
        let names: Vec<&str> = group_by.iter().copied().map(Dimension::as_str).collect();
        let answer = analyst.graphql(query, json!({"groupBy": names})).await;
        let found = statistics_of_answer(&answer["statistics"]["rows"], group_by);
        assert_eq!(found, expected.statistics(group_by), "sums by {names:?}");
    }
}

/// `totalCount` of lists by type and complexity together, which also gives each alone, and by owner.
async fn tasks_are_counted(analyst: &Client, expected: &Expectation) {
    let query = "query($filter: TaskFilter) { tasks(first: 1, filter: $filter) { totalCount } }";
    let count = async |filter: Value| {
        analyst.graphql(query, json!({"filter": filter})).await["tasks"]["totalCount"]
            .as_u64()
            .unwrap()
    };
    let matching =
        |holds: &dyn Fn(&ExpectedTask) -> bool| expected.tasks.values().filter(|task| holds(task)).count() as u64;
    for (group, _) in expected.statistics(&[Dimension::Type, Dimension::Complexity]) {
        let [Some(task_type), Some(complexity)] = &group[..] else {
            continue;
        };
        let both = json!({"type": task_type, "complexity": complexity, "status": "COMPLETED"});
        let wanted = matching(&|task| task.task_type == *task_type && task.complexity == *complexity);
        assert_eq!(count(both).await, wanted, "{group:?}");
        assert_eq!(
            count(json!({"type": task_type})).await,
            matching(&|task| task.task_type == *task_type)
        );
        assert_eq!(
            count(json!({"complexity": complexity})).await,
            matching(&|task| task.complexity == *complexity)
        );
    }
    for (group, _) in expected.statistics(&[Dimension::Owner]) {
        assert_eq!(
            count(json!({"ownerId": group[0]})).await,
            matching(&|task| Some(&task.owner) == group[0].as_ref())
        );
    }
    assert_eq!(count(json!({"status": "PENDING"})).await, 0);
}

async fn tasks_are_equal(analyst: &Client, expected: &Expectation) {
    let fields = "title description type complexity status ownerId createdAt conversation { title } \
                  results { commit filesChanged linesAdded linesRemoved } executions { strategy status commit }";
    let found = paging::all(analyst, "tasks", fields).await;
    assert_eq!(found.len(), expected.tasks.len());
    for task in found {
        let sha = text(&task["results"]["commit"]);
        let wanted = &expected.tasks[&sha];
        let shown = ExpectedTask {
            title: same_but_for_space(&task["title"], &wanted.title),
            description: same_but_for_space(&task["description"], &wanted.description),
            task_type: text(&task["type"]),
            complexity: text(&task["complexity"]),
            owner: text(&task["ownerId"]),
            at: time(&task["createdAt"]),
            files_changed: task["results"]["filesChanged"].as_i64().unwrap(),
            lines_added: task["results"]["linesAdded"].as_i64().unwrap(),
            lines_removed: task["results"]["linesRemoved"].as_i64().unwrap(),
            conversation: text(&task["conversation"]["title"]),
        };
        assert_eq!(&shown, wanted, "the task of commit {sha}");
        let execution = json!([{"strategy": "IMPORTED", "status": "COMPLETED", "commit": sha}]);
        assert_eq!(
            (&task["status"], &task["executions"]),
            (&json!("COMPLETED"), &execution)
        );
    }
}

async fn conversations_are_equal(analyst: &Client, expected: &Expectation) {
    let found = paging::all(
        analyst,
        "conversations",
        "id title ownerId status messageCount messages(first: 1) { totalCount }",
    )
    .await;
    assert_eq!(found.len(), expected.conversations.len());
    for wanted in expected.conversations.values() {
        let mut of_title = found
            .iter()
            .filter(|conversation| conversation["title"] == wanted.title.as_str());
        let (Some(conversation), None) = (of_title.next(), of_title.next()) else {
            panic!("there is one conversation {:?}", wanted.title);
        };
        let count = json!(wanted.messages.len());
        assert_eq!(conversation["ownerId"], wanted.owner.as_str(), "{conversation}");
        assert_eq!(conversation["status"], "ACTIVE", "{conversation}");
        assert_eq!(
            (&conversation["messageCount"], &conversation["messages"]["totalCount"]),
            (&count, &count)
        );

        let list = format!("messages(conversationId: {})", conversation["id"]);
        let messages = paging::all(analyst, &list, "role authorId sentAt content").await;
        let shown: Vec<ExpectedMessage> = messages
            .iter()
            .zip(&wanted.messages)
            .map(|(message, wanted)| {
                assert_eq!(message["role"], "USER");
                ExpectedMessage {
                    author: text(&message["authorId"]),
                    at: time(&message["sentAt"]),
                    content: same_but_for_space(&message["content"], &wanted.content),
                }
            })
            .collect();
        assert_eq!(messages.len(), wanted.messages.len(), "messages of {:?}", wanted.title);
        assert_eq!(shown, wanted.messages, "messages of {:?}", wanted.title);
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}

/// The wanted text when the shown one differs from it at most in white space around it, which a test of its own looks at.
fn same_but_for_space(shown: &Value, wanted: &str) -> String {
    let shown = text(shown);
    if shown.trim() == wanted.trim() {
        wanted.to_owned()
    } else {
        shown
    }
}

fn time(value: &Value) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&text(value)).unwrap().with_timezone(&Utc)
}
