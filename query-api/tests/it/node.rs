//! Objects by id.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn a_plain_id_finds_its_type_and_an_opaque_one_names_it() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    let talk = world.conversation(ann, "Talk", 0, &["hello"]).await;
    world.level().await;
    let plain = format!(r#"{{ node(id: "{talk}") {{ __typename id ... on Conversation {{ title }} }} }}"#);
    assert_eq!(
        world.ask("user", ann, &plain).await["node"],
        json!({ "__typename": "Conversation", "id": talk, "title": "Talk" })
    );
    for (kind, found) in [("Conversation", true), ("Task", false)] {
        let id = URL_SAFE_NO_PAD.encode(format!("{kind}:{talk}"));
        let data = world
            .ask("user", ann, &format!(r#"{{ node(id: "{id}") {{ id }} }}"#))
            .await;
        assert_eq!(data["node"].is_object(), found, "{kind}");
    }
    let unknown = format!(r#"{{ node(id: "{}") {{ id }} }}"#, Uuid::new_v4());
    assert_eq!(world.ask("user", ann, &unknown).await["node"], json!(null));
    for id in ["nonsense", "", "VGFzazp4"] {
        let code = world
            .refused("user", ann, &format!(r#"{{ node(id: "{id}") {{ id }} }}"#))
            .await;
        assert_eq!(code, "argument.invalid", "{id}");
    }
}
