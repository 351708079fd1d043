//! Commands as GraphQL mutations: the same as over HTTP, in the process that takes them and in one that hands them on.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Client, LogKind, Reply, System, journal};
use uuid::Uuid;

const RESULT: &str = "
    fragment Result on CommandResult {
        __typename
        ... on CommandTaken { clientMutationId id revision position repeated conversation { title revision } }
        ... on CommandRefused { clientMutationId code field }
        ... on CommandConflict { clientMutationId currentRevision }
    }";

/// Asks for one mutation.
async fn ask(client: &Client, mutation: &str, input: Value) -> Reply {
    let of_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let query =
        format!("mutation($input: {of_type}!) {{ result: {mutation}(input: $input) {{ ...Result }} }} {RESULT}");
    let body = json!({"query": query, "variables": {"input": input}, "extensions": {"withinMs": 30_000}});
    client.post("/graphql").json(&body).send().await.unwrap()
}

/// Gives one command; its result.
async fn give(client: &Client, mutation: &str, input: Value) -> Value {
    let mut reply = ask(client, mutation, input).await;
    assert!(
        reply.status == 200 && reply.body.get("errors").is_none(),
        "{mutation}: {reply:?}"
    );
    reply.body["data"]["result"].take()
}

fn is(result: &Value, expected: &[(&str, Value)]) {
    for (member, value) in expected {
        assert_eq!(result[member], *value, "{member} of {result}");
    }
}

/// The life of a conversation by mutations alone.
async fn tell(client: &Client) {
    let key = Uuid::new_v4().to_string();
    let start = json!({"title": "by mutation", "clientMutationId": key});
    let taken = give(client, "startConversation", start.clone()).await;
    let shown = json!({"title": "by mutation", "revision": 0});
    is(
        &taken,
        &[
            ("revision", json!(0)),
            ("repeated", json!(false)),
            ("clientMutationId", json!(key)),
            ("conversation", shown),
        ],
    );
    let again = give(client, "startConversation", start).await;
    is(
        &again,
        &[
            ("id", taken["id"].clone()),
            ("revision", json!(0)),
            ("repeated", json!(true)),
        ],
    );

    // Over HTTP it is the same command, so a client may change its mind about the way.
    let over_http = client
        .post("/api/conversations")
        .key(&key)
        .json(&json!({"title": "by mutation"}))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (over_http.status, over_http.header("idempotency-replayed")),
        (201, "true"),
        "{over_http:?}"
    );
    let other = client
        .post("/api/conversations")
        .key(&key)
        .json(&json!({"title": "another"}))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (other.status, other.text("code")),
        (422, "idempotency.key-reused"),
        "{other:?}"
    );

    let id = &taken["id"];
    let renamed = give(
        client,
        "renameConversation",
        json!({"id": id, "title": "renamed", "expectedRevision": 0}),
    )
    .await;
    is(
        &renamed,
        &[
            ("revision", json!(1)),
            ("conversation", json!({"title": "renamed", "revision": 1})),
        ],
    );
    let query = "query($id: ID!) { conversation(id: $id) { title } }";
    let position = renamed["position"].as_str();
    let read = client.graphql_after(query, json!({"id": id}), position).await;
    assert_eq!(read, json!({"conversation": {"title": "renamed"}}));

    let conflict = give(
        client,
        "renameConversation",
        json!({"id": id, "title": "late", "expectedRevision": 0}),
    )
    .await;
    is(
        &conflict,
        &[("__typename", json!("CommandConflict")), ("currentRevision", json!(1))],
    );
    let blank = give(client, "renameConversation", json!({"id": id, "title": " "})).await;
    is(
        &blank,
        &[("code", json!("conversation.text-blank")), ("field", json!("title"))],
    );
    let of_a_service = json!({"id": id, "code": "c", "message": "m"});
    let not_allowed = give(client, "failClassification", of_a_service).await;
    is(&not_allowed, &[("code", json!("auth.role-not-allowed"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutation_is_the_command_that_it_is_over_http() {
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        tell(&system.client("user")).await;
        system.wait_level().await;
        assert_eq!(
            journal::events(system.pool()).await,
            2,
            "on {log:?}: started and renamed, each once"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_only_answers_queries_hands_commands_to_one_that_takes_them() {
    for log in LogKind::ALL {
        let mut system = System::on(log).start().await;
        let commands_url = system.url(0);
        system
            .add_role("query-api", &[("QUERY_API__COMMANDS_URL", &commands_url)])
            .await;
        let user = system.client("user");
        let elsewhere = user.at(&system.url(1));
        // It has no command route of its own.
        let direct = elsewhere
            .post("/api/conversations")
            .json(&json!({"title": "x"}))
            .send()
            .await
            .unwrap();
        assert_eq!(direct.status, 404, "{direct:?}");
        let start = json!({"title": "far away", "clientMutationId": "far"});
        let taken = give(&elsewhere, "startConversation", start.clone()).await;
        let shown = json!({"title": "far away", "revision": 0});
        is(
            &taken,
            &[
                ("revision", json!(0)),
                ("repeated", json!(false)),
                ("conversation", shown),
            ],
        );
        is(
            &give(&user, "startConversation", start.clone()).await,
            &[("id", taken["id"].clone()), ("repeated", json!(true))],
        );

        system.instance(0).kill();
        let reply = ask(&elsewhere, "startConversation", start).await;
        assert_eq!(
            (reply.status, &reply.body["data"]),
            (200, &json!({"result": null})),
            "{reply:?}"
        );
        let extensions = &reply.body["errors"][0]["extensions"];
        let told = [
            ("code", json!("commands.unavailable")),
            ("clientMutationId", json!("far")),
        ];
        is(extensions, &told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_a_way_to_the_write_side_says_which_setting_is_missing() {
    let mut system = System::on(LogKind::Postgresql).start().await;
    system.add_role("query-api", &[]).await;
    let user = system.client("user").at(&system.url(1));
    let reply = ask(&user, "startConversation", json!({"title": "nowhere"})).await;
    let error = &reply.body["errors"][0];
    is(
        &error["extensions"],
        &[
            ("code", json!("commands.not-configured")),
            ("outcome", json!("not-applied")),
        ],
    );
    assert!(
        error["message"].as_str().unwrap().contains("query_api.commands_url"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutation_by_get_changes_nothing() {
    let system = System::on(LogKind::Postgresql).start().await;
    let user = system.client("user");
    let query = "mutation%7BstartConversation(input:%7Btitle:%22a%22%7D)%7B__typename%7D%7D";
    let reply = user
        .request(Method::GET, format!("/graphql?query={query}"))
        .send()
        .await
        .unwrap();
    assert_eq!((reply.status, reply.header("allow")), (405, "POST"), "{reply:?}");
    system.wait_level().await;
    assert_eq!(journal::events(system.pool()).await, 0);
}
