//! What a document may cost.

use query_api::QueryApiOptions;
use serde_json::json;
use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn documents_that_cost_too_much_are_refused_before_they_run() {
    // No projector: a query that ran would answer `service.not-ready`.
    let world = World::start_without_projector(QueryApiOptions::default()).await;
    let deep = format!(
        "{{ tasks {} id {} }}",
        "{ nodes { conversation { messages ".repeat(4),
        "} } }".repeat(4)
    );
    let aliases: String = (0..101).map(|number| format!("a{number}: __typename ")).collect();
    let fields = "__typename ".repeat(2_001);
    let directives = "@include(if: true) ".repeat(11);
    let spreads: String = (1..40)
        .map(|n| format!("fragment f{n} on Query {{ ...f{m} ...f{m} }} ", m = n + 1))
        .collect();
    let costly =
        "{ tasks(first: 100) { nodes { conversation { messages(first: 100) { nodes { id content role } } } } } }";
    for (name, query, code) in [
        ("depth", deep, "limit.depth"),
        ("brackets", "{a".repeat(10_000), "limit.depth"),
        ("lists", format!("{{ a(x: {}) }}", "[".repeat(10_000)), "limit.depth"),
        ("aliases", format!("{{ {aliases} }}"), "limit.aliases"),
        ("fields", format!("{{ {fields} }}"), "limit.fields"),
        (
            "directives",
            format!("{{ __typename {directives} }}"),
            "limit.directives",
        ),
        (
            "fragment bomb",
            format!("{{ ...f1 }} {spreads} fragment f40 on Query {{ __typename }}"),
            "limit.fields",
        ),
        (
            "fragment in itself",
            "{ ...f } fragment f on Query { ...f ...f }".to_owned(),
            "graphql.validation-failed",
        ),
        ("complexity", costly.to_owned(), "limit.complexity"),
        (
            "introspection",
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(),
            "limit.depth",
        ),
    ] {
        assert_eq!(world.refused("user", Uuid::new_v4(), &query).await, code, "{name}");
    }
}

#[tokio::test]
async fn the_usual_introspection_passes_and_can_be_turned_off() {
    let type_reference = "kind name ".to_owned() + "ofType { kind name ".repeat(7).as_str() + "}".repeat(7).as_str();
    let introspection = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} types {{ ...FullType }} directives {{ name args {{ ...Input }} }} }} }}
         fragment FullType on __Type {{ kind name description fields(includeDeprecated: true) {{ name args {{ ...Input }} type {{ ...Ref }} }}
            inputFields {{ ...Input }} interfaces {{ ...Ref }} enumValues {{ name }} possibleTypes {{ ...Ref }} }}
         fragment Input on __InputValue {{ name type {{ ...Ref }} defaultValue }}
         fragment Ref on __Type {{ {type_reference} }}"
    );
    let world = World::start_without_projector(QueryApiOptions::default()).await;
    let data = world.ask("user", Uuid::new_v4(), &introspection).await;
    assert!(data["__schema"]["types"].as_array().unwrap().len() > 20);
    let closed = QueryApiOptions {
        introspection: false,
        ..QueryApiOptions::default()
    };
    let world = World::start_without_projector(closed).await;
    let reply = world
        .post("user", Uuid::new_v4(), &json!({ "query": introspection }))
        .await;
    assert!(reply.body["data"]["__schema"].is_null(), "{}", reply.body);
}

#[tokio::test]
async fn documents_that_do_not_fit_say_so() {
    let world = World::start_without_projector(QueryApiOptions::default()).await;
    for (query, code) in [
        ("{", "graphql.parse-failed"),
        ("", "graphql.parse-failed"),
        ("{ nothing }", "graphql.validation-failed"),
        ("{ task { id } }", "graphql.validation-failed"),
        ("{ tasks(first: \"ten\") { totalCount } }", "graphql.validation-failed"),
        ("mutation { a }", "graphql.validation-failed"),
        (
            "query A { __typename } query B { __typename }",
            "graphql.validation-failed",
        ),
        (
            "query ($id: ID!) { __typename task(id: $id) { id } }",
            "graphql.validation-failed",
        ),
    ] {
        assert_eq!(world.refused("user", Uuid::new_v4(), query).await, code, "{query}");
    }
}
