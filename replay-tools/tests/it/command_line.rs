//! The flags, as the binary will take them.

use clap::{CommandFactory, Parser};
use replay_tools::{Command, ImportCommand, OutputFormat, ToolOptions};

#[derive(Debug, Parser)]
struct Binary {
    #[command(flatten)]
    options: ToolOptions,
    #[command(subcommand)]
    command: Command,
}

#[test]
fn the_flags_are_consistent() {
    Binary::command().debug_assert();
}

#[test]
fn flags_may_come_after_the_command_and_the_token_is_never_shown() {
    let arguments = [
        "x",
        "import",
        "git",
        "some.jsonl",
        "--output",
        "json",
        "--url",
        "http://h:1",
        "--token",
        "sesame",
    ];
    let parsed = Binary::try_parse_from(arguments).unwrap();
    assert_eq!(parsed.options.url, "http://h:1");
    assert!(!format!("{parsed:?}").contains("sesame"));
    let Command::Import(ImportCommand::Git(import)) = parsed.command else {
        panic!("an import")
    };
    assert_eq!(import.output, OutputFormat::Json);
}

#[test]
fn the_help_says_how_an_interrupted_import_goes_on() {
    let error = Binary::try_parse_from(["x", "import", "git", "--help"]).unwrap_err();
    let help = error.to_string();
    assert!(
        help.contains("run the same import again") && help.contains("No state file is kept"),
        "{help}"
    );
    assert!(
        help.contains("CODING_AGENT_TOKEN") && help.contains("--give-up-after"),
        "{help}"
    );
}

#[test]
fn senseless_flags_are_refused() {
    for arguments in [
        &["x", "import", "git"][..],
        &["x", "import", "git", "p", "--rejects", "f"],
        &["x", "import", "git", "p", "--concurrency", "0"],
        &["x", "import", "git", "p", "--batch", "0"],
        &["x", "import", "git", "p", "--batch", "1000001"],
        &["x", "status", "--within", "5"],
    ] {
        assert!(Binary::try_parse_from(arguments).is_err(), "{arguments:?}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_asked_is_told_before_anything_is_read() {
    for url in ["nonsense", "https://example.org", "ftp://example.org"] {
        let import = replay_tools::import::ImportOptions::of("missing.jsonl");
        let error = replay_tools::import::import_history(import, &ToolOptions::new(url, None))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(url), "{error}");
    }
}
