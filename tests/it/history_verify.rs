//! `coding-agent history verify` on running systems: what it prints, its exit codes, and that work under way is no finding.

use std::path::Path;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::load::Load;
use system_tests::{Client, CommandLine, Finished, LogKind, Reply, System};
use uuid::Uuid;

async fn verify(system: &System, further: &[&str]) -> Finished {
    let arguments = ["history", "verify"].iter().chain(further);
    CommandLine::new(system.directory(), arguments)
        .environment(system.environment().iter().cloned())
        .run()
        .await
}

/// A client that writes down what it was told.
struct Diary {
    client: Client,
    clock: Instant,
    lines: Vec<Value>,
}

impl Diary {
    fn new(system: &System) -> Self {
        Self {
            client: system.client("user"),
            clock: Instant::now(),
            lines: Vec::new(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_micros()).unwrap()
    }

    async fn attempt(
        &mut self,
        key: &str,
        (method, path): (Method, String),
        expected: Option<u64>,
        body: Value,
    ) -> Reply {
        let started = self.now();
        let request = self.client.request(method, &path).key(key).json(&body);
        let request = match expected {
            Some(revision) => request.if_match(revision),
            None => request,
        };
        let reply = request.send().await.unwrap();
        let outcome = match reply.status {
            200 | 201 => {
                json!({ "type": "done", "revision": reply.revision(), "replayed": reply.header("idempotency-replayed") == "true" })
            }
            412 => json!({ "type": "conflict", "currentRevision": reply.body["currentRevision"] }),
            _ => json!({ "type": "refused", "code": reply.text("code"), "final": false }),
        };
        let stream = path
            .split('/')
            .nth(3)
            .map(str::to_owned)
            .or_else(|| Some(reply.text("id").to_owned()))
            .map(|id| format!("conversation-{id}"));
        self.lines.push(json!({
            "client": "c1", "startedAt": started, "endedAt": self.now(), "principal": self.client.user(), "commandId": key,
            "contentHash": body.to_string(), "command": path, "stream": stream, "expectedRevision": expected, "outcome": outcome,
        }));
        reply
    }

    fn write(&self, directory: &Path) -> String {
        let path = directory.join(format!("clients-{}.ndjson", self.lines.len()));
        let lines: Vec<_> = self.lines.iter().map(ToString::to_string).collect();
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        path.to_str().unwrap().to_owned()
    }
}

async fn a_few_commands(system: &System) -> Diary {
    let mut diary = Diary::new(system);
    let create = || (Method::POST, "/api/conversations".to_owned());
    let created = diary.attempt("create", create(), None, json!({ "title": "One" })).await;
    diary.attempt("create", create(), None, json!({ "title": "One" })).await;
    let rename = || (Method::PUT, format!("/api/conversations/{}", created.id()));
    diary
        .attempt("rename", rename(), Some(0), json!({ "title": "Two" }))
        .await;
    diary
        .attempt("late", rename(), Some(0), json!({ "title": "Three" }))
        .await;
    let elsewhere = (Method::PUT, format!("/api/conversations/{}", Uuid::new_v4()));
    diary
        .attempt("nowhere", elsewhere, None, json!({ "title": "Four" }))
        .await;
    diary
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_system_is_in_order_and_each_fault_has_its_exit_code() {
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        let mut diary = a_few_commands(&system).await;
        let clients = diary.write(system.directory());
        system.wait_level().await;

        let report = verify(&system, &["--clients", &clients, "--output", "json"])
            .await
            .json();
        assert_eq!(
            (&report["ok"], &report["findings"]),
            (&json!(true), &json!([])),
            "{report}"
        );
        let told = &report["clients"];
        assert_eq!(
            (
                &told["attempts"],
                &told["done"],
                &told["replayed"],
                &told["conflict"],
                &told["refused"]
            ),
            (&json!(5), &json!(3), &json!(1), &json!(1), &json!(1)),
            "{report}"
        );
        assert_eq!(report["readModels"]["rows"]["conversation"], 1, "{report}");
        let text = verify(&system, &["--clients", &clients]).await;
        assert_eq!(text.code, Some(0), "{text:?}");
        assert!(text.stdout.contains("nothing is wrong"), "{text:?}");

        let last = diary.lines.len() - 1;
        diary.lines[last]["outcome"] = json!({ "type": "done", "revision": 7 });
        diary.lines.push(diary.lines[last].clone());
        let clients = diary.write(system.directory());
        let wrong = verify(&system, &["--clients", &clients, "--limit", "1"]).await;
        assert_eq!(wrong.code, Some(1), "{wrong:?}");
        assert!(wrong.stdout.contains("clients.acked-lost"), "{wrong:?}");
        assert!(wrong.stdout.contains("\n  2 clients.acked-lost"), "{wrong:?}");

        let unreadable = verify(&system, &["--clients", "nowhere.ndjson"]).await;
        assert_eq!(unreadable.code, Some(2), "{unreadable:?}");
        assert!(unreadable.stderr.contains("nowhere.ndjson"), "{unreadable:?}");
        let elsewhere = verify(
            &system,
            &["--set", "postgres.url=postgres://nobody@127.0.0.1:1/nowhere"],
        )
        .await;
        assert_eq!(elsewhere.code, Some(2), "{elsewhere:?}");
        let (other, other_kind) = match log {
            LogKind::Kafka => ("log.kind=postgresql", "the journal of a log on Kafka"),
            LogKind::Postgresql => ("log.kind=kafka", ""),
        };
        let mistaken = verify(&system, &["--set", other]).await;
        assert_eq!(mistaken.code, Some(2), "{mistaken:?}");
        assert!(mistaken.stderr.contains(other_kind), "{mistaken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_under_way_is_no_finding() {
    for log in LogKind::ALL {
        let system = System::on(log)
            .instances(2)
            .setting("COMMAND_API__RATE_PER_SECOND", "100000")
            .setting("COMMAND_API__RATE_BURST", "100000")
            .start()
            .await;
        let clients = (0..4).map(|number| system.client("user").at(&system.url(number % 2)));
        let load = Load::start(clients);
        for _ in 0..3 {
            load.goes_on_for(40).await;
            let report = verify(&system, &["--output", "json"]).await.json();
            assert_eq!(
                (&report["ok"], &report["readModels"]["skipped"]),
                (&json!(true), &Value::Null),
                "{report}"
            );
        }
        load.finish().await;
    }
}
