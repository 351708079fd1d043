//! The whole sample, as an operator imports it.

use replay_tools::import::{ImportOptions, import_history};

use crate::command_server::CommandServer;
use crate::samples::{commands_of, svix};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_importers_at_once_do_everything_once_and_in_order() {
    let server = CommandServer::honest().await;
    let import = || import_history(ImportOptions::of(svix()), &server.options);
    let (one, other) = tokio::join!(import(), import());
    let (one, other) = (one.unwrap().report, other.unwrap().report);
    let commands = commands_of(&svix(), None);
    let count = u64::try_from(commands.len()).unwrap();
    assert_eq!((one.commits, one.commands, other.commands), (3_109, count, count));
    assert_eq!(one.applied + other.applied, count);
    assert_eq!(one.repeated + other.repeated, count);
    let mut expected = std::collections::HashMap::<String, Vec<String>>::new();
    for command in commands {
        let json: serde_json::Value = serde_json::from_slice(&command.json).unwrap();
        expected
            .entry(command.target.to_string())
            .or_default()
            .push(json["commandId"].as_str().unwrap().to_owned());
    }
    assert_eq!(server.by_stream(), expected);
}

#[tokio::test]
async fn a_limit_takes_the_oldest_commits() {
    let server = CommandServer::honest().await;
    let mut import = ImportOptions::of(svix());
    import.limit = Some(7);
    let report = import_history(import, &server.options).await.unwrap().report;
    assert_eq!(report.commits, 7);
    let done = server.received.lock().unwrap().done.clone();
    assert!(done.iter().any(|command| command["body"]["title"] == "Initial commit."));
}
