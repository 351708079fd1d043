use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::fs;

use platform::config::{ConfigError, Environment, Secret, load, render};
use serde::{Deserialize, Serialize};

const PREFIX: &str = "CODING_AGENT__";
const DEFAULTS: &str = r#"
name = "default"

[http]
port = 5000
verbose = false
"#;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    name: String,
    http: Http,
    password: Option<Secret<String>>,
    #[serde(default)]
    tokens: BTreeMap<String, Secret<String>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    port: u16,
    verbose: bool,
    #[serde(default)]
    hosts: Vec<String>,
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::from_pairs(PREFIX, pairs)
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    load(DEFAULTS, None, &environment(pairs), &[])
}

fn from_file(text: &str) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    fs::write(&path, text).unwrap();
    load(DEFAULTS, Some(&path), &environment(&[]), &[])
}

/// The error and its causes, as a log would print them.
fn in_words(error: &ConfigError) -> String {
    let mut words = format!("{error} / {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(words, " / {error}").unwrap();
        cause = error.source();
    }
    words
}

#[test]
fn a_later_layer_wins_key_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    fs::write(&path, "name = 'file'\n[http]\nport = 1\nverbose = true\n").unwrap();
    let environment = environment(&[("CODING_AGENT__HTTP__PORT", "2"), ("CODING_AGENT__NAME", "environment")]);
    let flags = [("name".to_owned(), "flag".to_owned())];

    let settings: Settings = load(DEFAULTS, Some(&path), &environment, &flags).unwrap();

    let http = Http {
        port: 2,
        verbose: true,
        hosts: Vec::new(),
    };
    assert_eq!(
        settings,
        Settings {
            name: "flag".to_owned(),
            http,
            password: None,
            tokens: BTreeMap::new(),
        }
    );
}

#[test]
fn text_of_the_environment_is_read_as_the_type_of_its_field() {
    let settings = from_environment(&[
        ("CODING_AGENT__NAME", "007"),
        ("CODING_AGENT__PASSWORD", "12345"),
        ("CODING_AGENT__HTTP__VERBOSE", "true"),
        ("CODING_AGENT__HTTP__HOSTS", r#"["one", "two"]"#),
        ("ANOTHER__NAME", "ignored"),
    ])
    .unwrap();

    assert_eq!(settings.name, "007");
    assert_eq!(settings.password.unwrap().expose(), "12345");
    assert!(settings.http.verbose);
    assert_eq!(settings.http.hosts, ["one", "two"]);
}

#[test]
fn text_that_only_begins_like_toml_stays_text() {
    let settings = from_environment(&[("CODING_AGENT__NAME", "[draft\" ] = x")]).unwrap();

    assert_eq!(settings.name, "[draft\" ] = x");
}

#[test]
fn an_unknown_key_is_refused_with_its_name_and_origin() {
    let misspelt = from_environment(&[("CODING_AGENT__HTTP__PROT", "1")]).unwrap_err();
    assert_eq!(
        misspelt.to_string(),
        "unknown key http.prot in environment variable CODING_AGENT__HTTP__PROT (known here: port, verbose, hosts)"
    );

    let in_file = from_file("colour = 'red'").unwrap_err();
    assert!(
        in_file.to_string().starts_with("unknown key colour in file "),
        "{in_file}"
    );
    assert!(in_file.to_string().contains("settings.toml"), "{in_file}");

    let flags = [("http.prot".to_owned(), "1".to_owned())];
    let by_flag = load::<Settings>(DEFAULTS, None, &environment(&[]), &flags).unwrap_err();
    assert!(
        by_flag
            .to_string()
            .starts_with("unknown key http.prot in flag http.prot"),
        "{by_flag}"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_key_and_origin() {
    let error = from_environment(&[("CODING_AGENT__HTTP__PORT", "many")]).unwrap_err();

    let words = error.to_string();
    assert!(
        words.starts_with("key http.port in environment variable CODING_AGENT__HTTP__PORT: "),
        "{words}"
    );
}

#[test]
fn a_key_without_a_value_is_refused_with_its_name() {
    let error = load::<Settings>("name = 'x'\n[http]\nport = 1", None, &environment(&[]), &[]).unwrap_err();

    assert_eq!(error.to_string(), "key http.verbose has no value");
}

#[test]
fn a_named_file_must_exist_and_be_toml_of_a_sane_size() {
    let absent = tempfile::tempdir().unwrap().path().join("absent.toml");
    let error = load::<Settings>(DEFAULTS, Some(&absent), &environment(&[]), &[]).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error:?}");

    let error = from_file("name = 'x'\npassword = hunter2\n").unwrap_err();
    assert!(matches!(error, ConfigError::NotToml { line: 2, .. }), "{error:?}");
    assert!(!in_words(&error).contains("hunter2"), "{error:?}");

    let error = from_file(&"#\n".repeat(600_000)).unwrap_err();
    assert!(matches!(error, ConfigError::TooLarge { .. }), "{error:?}");
}

#[test]
fn a_secret_shows_itself_nowhere() {
    let secret = Secret::new("hunter2".to_owned());
    assert_eq!(format!("{secret} {secret:?}"), "*** ***");

    let settings = from_environment(&[("CODING_AGENT__PASSWORD", "hunter2")]).unwrap();
    assert_eq!(settings.password.as_ref().unwrap().expose(), "hunter2");
    let rendered = render(&settings).unwrap();
    assert!(rendered.contains(r#"password = "***""#), "{rendered}");
    assert!(!rendered.contains("hunter2") && !format!("{settings:?}").contains("hunter2"));

    let wrong_type = from_file("password = ['hunter2']").unwrap_err();
    assert!(!in_words(&wrong_type).contains("hunter2"), "{wrong_type:?}");
    assert!(wrong_type.to_string().contains("password"), "{wrong_type}");
    let environment = environment(&[("CODING_AGENT__PASSWORD", "hunter2")]);
    assert!(!format!("{environment:?}").contains("hunter2"));
}

#[test]
fn rendered_configuration_can_be_loaded_again() {
    let settings = from_environment(&[("CODING_AGENT__HTTP__HOSTS", "['a']")]).unwrap();

    assert_eq!(from_file(&render(&settings).unwrap()).unwrap(), settings);
}

#[test]
fn a_secret_is_not_taken_from_a_flag() {
    for (key, text) in [("password", "hunter2"), ("tokens", "{ 'a.b' = 'hunter2' }")] {
        let flags = [
            ("http.port".to_owned(), "1".to_owned()),
            (key.to_owned(), text.to_owned()),
        ];
        let error = load::<Settings>(DEFAULTS, None, &environment(&[]), &flags).unwrap_err();
        assert!(
            matches!(&error, ConfigError::SecretInFlag { key: named } if named == key),
            "{error:?}"
        );
        assert!(!in_words(&error).contains("hunter2"), "{error:?}");
    }
    let port = [("http.port".to_owned(), "1".to_owned())];
    let secret = environment(&[("CODING_AGENT__PASSWORD", "hunter2")]);
    let settings: Settings = load(DEFAULTS, None, &secret, &port).unwrap();
    assert_eq!(
        settings.password.unwrap().expose(),
        "hunter2",
        "the flags say nothing of it"
    );
}
