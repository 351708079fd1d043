//! The committed document is the one that the code gives, and every route in it is closed without a token.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::world::World;

#[test]
fn the_committed_document_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/generated/admin-openapi.json");
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == admin_api::openapi(),
        "docs/generated/admin-openapi.json is stale: run `cargo run -p coding-agent -- openapi --of admin > docs/generated/admin-openapi.json`"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_of_the_document_exists_and_says_who_may() {
    let world = World::new().await;
    let document: Value = serde_json::from_str(&admin_api::openapi()).unwrap();
    let (mut routes, mut reading) = (0, 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path.replace("{generation}", "read_models_9");
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let refused = world.ask(&method, &path, None, "").await;
            assert_eq!(
                (refused.status, refused.code()),
                (401, "auth.missing-token"),
                "{method} {path}"
            );
            for role in ["user", "service"] {
                let refused = world.ask(&method, &path, Some(role), "").await;
                assert_eq!(
                    (refused.status, refused.code()),
                    (403, "auth.role-not-allowed"),
                    "{method} {path}"
                );
            }
            let analyst = world.ask(&method, &path, Some("analyst"), "").await;
            if method == "GET" {
                assert!([200, 404].contains(&analyst.status), "{path}: {analyst:?}");
                reading += 1;
            } else {
                assert_eq!(analyst.status, 403, "{method} {path}");
            }
            routes += 1;
        }
    }
    assert_eq!(
        (routes, reading),
        (12, 5),
        "a new route is added to the document, and here"
    );
}
