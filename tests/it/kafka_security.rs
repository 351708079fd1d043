//! A Kafka with TLS and SASL: who has the secret is let in, others are told why not, and nobody is shown it.

use std::fs;
use std::time::Duration;

use serde_json::json;
use system_tests::{CommandLine, LogKind, SecuredKafka, System, eventually};

const PASSWORD: &str = "correct-horse-battery";
const WRONG_PASSWORD: &str = "hunter2-hunter2";
const PATIENCE: Duration = Duration::from_mins(2);

/// Everything but the password, as `CODING_AGENT__KAFKA__PROPERTIES` takes it.
fn properties(further: &[(&str, &str)]) -> String {
    let own = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", SecuredKafka::USER),
    ];
    let lines: Vec<String> = own
        .iter()
        .chain(further)
        .map(|(name, value)| format!("\"{name}\" = \"{value}\""))
        .collect();
    format!("{{ {} }}", lines.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_password_is_let_in_and_others_are_told_why_not() {
    let mut kafka = SecuredKafka::start(PASSWORD).await;
    let authority = kafka.authority().display().to_string();
    let trusted = ("ssl.ca.location", authority.as_str());
    let secrets = tempfile::tempdir().unwrap();
    let password_file = secrets.path().join("password");
    // As `echo` and editors write it.
    fs::write(&password_file, format!("{PASSWORD}\n")).unwrap();

    let mut system = System::on(LogKind::Kafka)
        .setting("KAFKA__BROKERS", &kafka.bootstrap())
        .setting("KAFKA__GUARD_INTERVAL_MS", "200")
        .setting("KAFKA__PROPERTIES", &properties(&[trusted]))
        .setting(
            "KAFKA__PROPERTY_FILES",
            &format!("{{ \"sasl.password\" = \"{}\" }}", password_file.display()),
        )
        .setting("TELEMETRY__FILTER", "trace")
        .start()
        .await;
    let body = json!({"title": "Behind a lock"});
    let user = system.client("user");
    let started = user
        .request(reqwest::Method::POST, "/api/conversations")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    system.wait_level().await;
    let status = system
        .client("admin")
        .request(reqwest::Method::GET, "/api/status")
        .send()
        .await
        .unwrap();
    assert_eq!(status.body["guard"]["stopped"], json!(null), "{status:?}");

    let refused = |setting: &'static str, value: String| {
        let variables = system
            .environment()
            .iter()
            .filter(|(name, _)| name != "CODING_AGENT__KAFKA__PROPERTY_FILES");
        let own = [
            (format!("CODING_AGENT__{setting}"), value),
            ("CODING_AGENT__HTTP__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ];
        let variables: Vec<(String, String)> = variables.cloned().chain(own).collect();
        let up = CommandLine::new(system.directory(), ["up"]).environment(variables);
        async move {
            let finished = up.run().await;
            assert_eq!(finished.code, Some(1), "{finished:?}");
            let text = format!("{finished:?}");
            assert!(
                !text.contains(PASSWORD) && !text.contains(WRONG_PASSWORD),
                "{finished:?}"
            );
            assert!(
                finished
                    .stderr
                    .contains("cannot be talked to with the security settings in kafka.properties"),
                "{finished:?}"
            );
            finished.stderr
        }
    };
    let wrong = properties(&[trusted, ("sasl.password", WRONG_PASSWORD)]);
    let stderr = refused("KAFKA__PROPERTIES", wrong).await;
    assert!(stderr.contains("Authentication failed"), "{stderr}");
    let untrusted = properties(&[("sasl.password", PASSWORD)]);
    let stderr = refused("KAFKA__PROPERTIES", untrusted).await;
    assert!(stderr.contains("certificate verify failed"), "{stderr}");

    // A cluster that goes away is no reason to stop writes: they go on by themselves when it is back.
    kafka.kill();
    let (url, http) = (system.url(0), reqwest::Client::builder().no_proxy().build().unwrap());
    eventually("the guard looked in vain", PATIENCE, || {
        let metrics = http.get(format!("{url}/metrics")).send();
        async move {
            let text = metrics.await.ok()?.text().await.ok()?;
            let value = |name: &str| {
                let line = text.lines().find(|line| line.starts_with(name))?;
                line.rsplit(' ').next()?.parse::<f64>().ok()
            };
            assert_eq!(value("log_writes_stopped "), Some(0.0));
            value("log_guard_looks_total{answered=\"no\"}").filter(|looks| *looks > 0.0)
        }
    })
    .await;
    system.instance(0).kill();
    let log = system.instance(0).log();
    assert!(
        log.contains("started") && !log.contains(PASSWORD),
        "a run with every log line shows no password"
    );
}

#[tokio::test]
async fn secrets_are_not_taken_from_the_command_line_and_safety_is_not_configured_away() {
    let folder = tempfile::tempdir().unwrap();
    let secret = format!("kafka.properties={{ \"sasl.password\" = \"{PASSWORD}\" }}");
    let flag = CommandLine::new(folder.path(), ["config", "--set", &secret])
        .run()
        .await;
    assert_eq!((flag.code, flag.stdout.as_str()), (Some(1), ""), "{flag:?}");
    assert!(
        flag.stderr.contains("kafka.properties is a secret") && !flag.stderr.contains(PASSWORD),
        "{flag:?}"
    );
    let acks = [(
        "CODING_AGENT__KAFKA__PROPERTIES".to_owned(),
        "{ \"acks\" = \"1\" }".to_owned(),
    )];
    let refused = CommandLine::new(folder.path(), ["config"])
        .environment(acks)
        .run()
        .await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("kafka.properties must not set acks"),
        "{refused:?}"
    );
}
