//! Documents that clients were built with.

use std::path::PathBuf;

use query_api::QueryApiOptions;
use query_api::documents::{TrustedDocuments, TrustedDocumentsMode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::call::Call;
use crate::world::World;

const KNOWN: &str = "query Titles { tasks(first: 5) { nodes { title } } }";
const UNKNOWN: &str = "{ __typename }";

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn manifest(folder: &TempDir, content: &Value) -> PathBuf {
    let path = folder.path().join("documents.json");
    std::fs::write(&path, content.to_string()).unwrap();
    path
}

async fn world(mode: TrustedDocumentsMode) -> World {
    let folder = tempfile::tempdir().unwrap();
    let options = QueryApiOptions {
        trusted_documents: Some(manifest(&folder, &json!({ hash(KNOWN): KNOWN }))),
        trusted_documents_mode: mode,
        ..QueryApiOptions::default()
    };
    let world = World::start_with(options).await;
    world.level().await;
    world
}

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn a_hash_stands_for_a_document_in_both_forms_and_by_get_and_post() {
    let world = world(TrustedDocumentsMode::Open).await;
    let digits = hash(KNOWN);
    let persisted = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    for body in [
        json!({ "documentId": format!("sha256:{digits}") }),
        json!({ "extensions": persisted(&digits) }),
        json!({ "query": KNOWN, "extensions": persisted(&digits) }),
        json!({ "query": null, "documentId": digits.to_uppercase() }),
    ] {
        let reply = Call::post(&world, &body).reply().await;
        assert_eq!(
            reply.body["data"]["tasks"]["nodes"],
            json!([]),
            "{body}: {}",
            reply.body
        );
    }
    let reply = Call::get(&world, &format!("documentId=sha256:{digits}")).reply().await;
    assert_eq!(reply.body["data"]["tasks"]["nodes"], json!([]));
    // Nothing is ever learned from a request.
    for _ in 0..2 {
        let reply = Call::post(&world, json!({ "documentId": format!("sha256:{}", hash(UNKNOWN)) }))
            .reply()
            .await;
        assert_eq!(code(&reply.body), "document.unknown");
        let both = json!({ "query": UNKNOWN, "documentId": hash(UNKNOWN) });
        assert_eq!(
            Call::post(&world, both).reply().await.body["data"]["__typename"],
            "Query"
        );
    }
    let reply = Call::post(&world, json!({ "query": UNKNOWN, "documentId": digits }))
        .reply()
        .await;
    assert_eq!(code(&reply.body), "document.hash-wrong");
    for wrong in [json!("x"), json!("sha256:12"), json!(7)] {
        let reply = Call::post(&world, json!({ "documentId": wrong })).reply().await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (400, &json!("request.invalid-parameters"))
        );
    }
}

#[tokio::test]
async fn unknown_documents_run_unless_the_list_is_enforced() {
    for (mode, expected) in [
        (TrustedDocumentsMode::Open, "none"),
        (TrustedDocumentsMode::LogUnknown, "none"),
        (TrustedDocumentsMode::Enforce, "document.not-trusted"),
    ] {
        let world = world(mode).await;
        let reply = Call::post(&world, json!({ "query": UNKNOWN })).reply().await;
        assert_eq!(code(&reply.body), expected, "{mode:?}");
        let reply = Call::post(&world, json!({ "query": KNOWN })).reply().await;
        assert_eq!(code(&reply.body), "none", "{mode:?}: the very text of the list");
    }
}

#[tokio::test]
async fn who_has_the_answer_is_told_so_until_the_rows_change() {
    let world = world(TrustedDocumentsMode::Open).await;
    let owner = uuid::Uuid::new_v4();
    let uri = format!("documentId=sha256:{}", hash(KNOWN));
    let token = format!("Bearer {}", world.token("user", owner));
    let get = || Call::get(&world, &uri).with("authorization", &token);
    let first = get().reply().await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    // Others' rows move the position and not the tag.
    world.task(uuid::Uuid::new_v4(), "another's", 0, None).await;
    let position = world.level().await;
    let again = get().with("if-none-match", &tag).reply().await;
    assert_eq!((again.status.as_u16(), &again.body), (304, &Value::Null));
    assert_eq!(again.headers["position"], position.as_str());
    world.task(owner, "my own", 1, None).await;
    world.level().await;
    let changed = get().with("if-none-match", &tag).reply().await;
    assert_eq!(changed.status.as_u16(), 200);
    assert_ne!(changed.headers["etag"], tag.as_str());
    // A text may be anybody's, and a POST is never cached.
    let plain = Call::get(&world, "query=%7B__typename%7D").reply().await;
    assert!(!plain.headers.contains_key("etag"));
    let post = Call::post(&world, json!({ "documentId": hash(KNOWN) })).reply().await;
    assert!(!post.headers.contains_key("etag"));
    assert_eq!(post.headers["cache-control"], "no-store");
}

#[test]
fn a_list_that_cannot_be_used_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let apollo = |version: u64, id: &str| {
        json!({ "format": "apollo-persisted-query-manifest", "version": version,
                "operations": [{ "id": id, "body": KNOWN, "name": "Titles", "type": "query" }] })
    };
    for (content, said) in [
        (apollo(1, &hash(KNOWN)), None),
        (json!({ hash(KNOWN): KNOWN, hash(UNKNOWN): UNKNOWN }), None),
        (json!({}), None),
        (apollo(2, &hash(KNOWN)), Some("version 1")),
        (apollo(1, &hash(UNKNOWN)), Some("not its SHA-256")),
        (json!({ "abc": KNOWN }), Some("not its SHA-256")),
        (json!([KNOWN]), Some("neither")),
    ] {
        let path = manifest(&folder, &content);
        let loaded = TrustedDocuments::load(Some(&path), TrustedDocumentsMode::Enforce);
        match (loaded, said) {
            (Ok(documents), None) => assert_eq!(documents.is_empty(), content == json!({})),
            (Err(error), Some(said)) => assert!(error.to_string().contains(said), "{error}"),
            (loaded, _) => panic!("{content}: {loaded:?}"),
        }
    }
    let error = TrustedDocuments::load(Some(&folder.path().join("none")), TrustedDocumentsMode::Open).unwrap_err();
    assert!(error.to_string().contains("cannot be read"));
}
