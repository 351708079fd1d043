//! There is a mutation for every command, with a field for every member of its body: neither side can grow without the other.
//!
//! The schema is asked for its mutations, each is given with every field of its input filled, and the line that comes out is held against the
//! catalogue of commands, the OpenAPI document, and the command API itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use command_api::CommandName;
use query_api::QueryApiOptions;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::command_doubles::{InProcess, Recorder};
use crate::world::World;

/// Members of inputs that go into the envelope of a line: the field, and its name there.
const ENVELOPE: [(&str, &str); 5] = [
    ("clientMutationId", "commandId"),
    ("id", "id"),
    ("expectedRevision", "expectedRevision"),
    ("at", "at"),
    ("provenance", "provenance"),
];

const SCHEMA: &str = "{ __schema { mutationType { name } types {
    kind name description
    fields { name description args { name description type { ...T } } type { ...T } }
    inputFields { name description type { ...T } }
    enumValues { name description } possibleTypes { name } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The schema as it tells itself.
struct Schema(BTreeMap<String, Value>);

/// A mutation and the name of its input.
struct Mutation {
    name: String,
    input: String,
}

impl Schema {
    async fn of(world: &World) -> Self {
        let data = world.ask("service", Uuid::new_v4(), SCHEMA).await;
        let types = data["__schema"]["types"].as_array().unwrap();
        let named = |found: &Value| (found["name"].as_str().unwrap().to_owned(), found.clone());
        Self(types.iter().map(named).collect())
    }

    fn list<'s>(&'s self, name: &str, member: &str) -> &'s [Value] {
        let list = self.0[name][member].as_array();
        list.unwrap_or_else(|| panic!("{name} has no {member}"))
    }

    fn mutations(&self) -> Vec<Mutation> {
        let mutation = |field: &Value| {
            let input = &field["args"][0]["type"];
            assert_eq!(
                (&field["args"][0]["name"], &input["kind"]),
                (&json!("input"), &json!("NON_NULL"))
            );
            assert_eq!(
                field["type"]["name"], "CommandResult",
                "nullable, so that one without an answer leaves the others"
            );
            Mutation {
                name: field["name"].as_str().unwrap().to_owned(),
                input: input["ofType"]["name"].as_str().unwrap().to_owned(),
            }
        };
        self.list("Mutation", "fields").iter().map(mutation).collect()
    }

    /// A value with everything in it.
    fn example(&self, of_type: &Value) -> Value {
        let name = of_type["name"].as_str().unwrap_or_default();
        match of_type["kind"].as_str().unwrap() {
            "NON_NULL" => self.example(&of_type["ofType"]),
            "LIST" => json!([self.example(&of_type["ofType"])]),
            "ENUM" => self.list(name, "enumValues")[0]["name"].clone(),
            "INPUT_OBJECT" => {
                let fields = self.list(name, "inputFields").iter();
                let example =
                    |field: &Value| (field["name"].as_str().unwrap().to_owned(), self.example(&field["type"]));
                Value::Object(fields.map(example).collect())
            }
            "SCALAR" => match name {
                "ID" => json!(Uuid::new_v4()),
                "String" => json!("text/words"),
                "Int" | "BigInt" => json!(7),
                "Float" => json!(0.5),
                "DateTime" => json!("2024-05-01T00:00:00Z"),
                other => panic!("no example of a {other}"),
            },
            other => panic!("no example of a {other}"),
        }
    }
}

async fn give(world: &World, mutation: &Mutation, input: &Value) -> Value {
    let Mutation { name, input: of_type } = mutation;
    let query = format!(
        "mutation($input: {of_type}!) {{ result: {name}(input: $input) {{ __typename ... on CommandRefused {{ code field message }} }} }}"
    );
    let body = json!({ "query": query, "variables": { "input": input } });
    let mut reply = world.post("service", Uuid::new_v4(), &body).await;
    assert_eq!(reply.body.get("errors"), None, "{name}: {}", reply.body);
    reply.body["data"]["result"].take()
}

fn openapi() -> Value {
    serde_json::from_str(&command_api::openapi()).unwrap()
}

/// `archiveConversation` for `conversation.archive`, and `sendMessage` for `conversation.send-message`, which says it already.
fn mutation_of(command: &str) -> String {
    let (aggregate, verb) = command.split_once('.').unwrap();
    let words = if verb.contains('-') {
        verb.to_owned()
    } else {
        format!("{verb}-{aggregate}")
    };
    let mut words = words.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + component_of(word).as_str())
}

/// `StartConversation` for `startConversation`.
fn component_of(mutation: &str) -> String {
    format!("{}{}", mutation[..1].to_uppercase(), &mutation[1..])
}

#[tokio::test]
async fn every_command_has_its_mutation_and_every_member_of_its_body_a_field() {
    let recorder = Recorder::default();
    let mut world = World::start_without_projector(QueryApiOptions::default()).await;
    world.give_commands_to(Arc::new(recorder.clone()));
    let schema = Schema::of(&world).await;
    let document = openapi();
    let components = document["components"]["schemas"].as_object().unwrap();
    let (mut commands, mut covered) = (Vec::new(), BTreeSet::new());
    for mutation in schema.mutations() {
        let input = schema.example(&json!({ "kind": "INPUT_OBJECT", "name": mutation.input }));
        let result = give(&world, &mutation, &input).await;
        assert_eq!(result["code"], "test.recorded", "{}: {result}", mutation.name);
        let line = recorder.lines().pop().unwrap();
        let command = line["command"].as_str().unwrap();
        assert_eq!(
            mutation.name,
            mutation_of(command),
            "a mutation is called as its command"
        );
        commands.push(command.to_owned());
        for (field, member) in ENVELOPE {
            assert_eq!(line[member], input[field], "{}: {field}", mutation.name);
        }
        let component = component_of(&mutation.name);
        match components.get(&component) {
            Some(described) => {
                assert_described(components, described, &line["body"], &component);
                assert_needed(&schema, &mutation, described);
                covered.insert(component);
            }
            None => assert_eq!(
                line.get("body"),
                None,
                "{} has a body that OpenAPI does not describe",
                mutation.name
            ),
        }
    }
    let all: Vec<_> = CommandName::ALL.iter().map(|name| name.as_str()).collect();
    let given: BTreeSet<_> = commands.iter().map(String::as_str).collect();
    assert_eq!(given, all.into_iter().collect(), "each command has a mutation");
    assert_eq!(commands.len(), given.len(), "and none has two");
    assert_eq!(covered, bodies(&document), "each body of a command has a mutation");
}

/// A value has exactly the members that are described, each of the right sort.
fn assert_described(components: &Map<String, Value>, described: &Value, value: &Value, at: &str) {
    let described = resolved(components, described);
    if let Some(properties) = described["properties"].as_object() {
        let there: BTreeSet<_> = value
            .as_object()
            .unwrap_or_else(|| panic!("{at}: {value}"))
            .keys()
            .collect();
        assert_eq!(there, properties.keys().collect(), "{at}");
        for (name, described) in properties {
            assert_described(components, described, &value[name], &format!("{at}.{name}"));
        }
        return;
    }
    if described["items"].is_object() {
        for item in value.as_array().unwrap_or_else(|| panic!("{at}: {value}")) {
            assert_described(components, &described["items"], item, at);
        }
        return;
    }
    let fits = match type_of(described) {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{at}: {other} in {described}"),
    };
    assert!(fits, "{at} is {value}, described is {described}");
    if let Some(words) = described["enum"].as_array() {
        assert!(words.contains(value), "{at} is {value}, described is {described}");
    }
}

/// Without references and without the alternative of null.
fn resolved<'d>(components: &'d Map<String, Value>, described: &'d Value) -> &'d Value {
    if let Some(reference) = described["$ref"].as_str() {
        return resolved(components, &components[reference.rsplit('/').next().unwrap()]);
    }
    match described["oneOf"].as_array() {
        Some(alternatives) => {
            let described = alternatives.iter().find(|alternative| alternative["type"] != "null");
            resolved(components, described.unwrap())
        }
        None => described,
    }
}

fn type_of(described: &Value) -> &str {
    match &described["type"] {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|found| *found != "null")
            .unwrap(),
        other => other.as_str().unwrap_or_default(),
    }
}

/// What the body needs, the input needs. The execution is needed too: over HTTP the path names it.
fn assert_needed(schema: &Schema, mutation: &Mutation, described: &Value) {
    let needed: BTreeSet<_> = described["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let reports = ["reportProgress", "completeExecution", "failExecution"].contains(&mutation.name.as_str());
    for field in schema.list(&mutation.input, "inputFields") {
        let name = field["name"].as_str().unwrap();
        let expected = match name {
            "id" => !["startConversation", "createTask"].contains(&mutation.name.as_str()),
            "executionId" => reports,
            _ => needed.contains(name),
        };
        assert_eq!(
            field["type"]["kind"] == "NON_NULL",
            expected,
            "{}.{name}",
            mutation.input
        );
    }
}

/// The components that are bodies of single commands.
fn bodies(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if path != "/api/commands" {
            for operation in operations.as_object().unwrap().values() {
                collect(
                    document,
                    &operation["requestBody"]["content"]["application/json"]["schema"],
                    &mut found,
                );
            }
        }
    }
    found
}

fn collect(document: &Value, described: &Value, found: &mut BTreeSet<String>) {
    if let Some(reference) = described["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        let component = &document["components"]["schemas"][name];
        // Alternatives are bodies of several commands, of which each is a component, or wrapped in a member.
        if component["oneOf"].is_array() {
            collect(document, component, found);
        } else {
            found.insert(name.to_owned());
        }
    }
    for alternative in described["oneOf"].as_array().into_iter().flatten() {
        collect(document, alternative, found);
        for member in alternative["properties"].as_object().into_iter().flat_map(Map::values) {
            collect(document, member, found);
        }
    }
}

#[tokio::test]
async fn the_command_api_reads_every_line_that_a_mutation_makes() {
    let mut world = World::start_without_projector(QueryApiOptions::default()).await;
    world.give_commands_to(Arc::new(InProcess(world.command_api())));
    let schema = Schema::of(&world).await;
    for mutation in schema.mutations() {
        let mut input = schema.example(&json!({ "kind": "INPUT_OBJECT", "name": mutation.input }));
        input["clientMutationId"] = json!(Uuid::new_v4());
        let result = give(&world, &mutation, &input).await;
        let code = result["code"].as_str().unwrap_or_default();
        // Who may give it is another question: services do not do what people do.
        assert!(
            !code.starts_with("request.") && !code.starts_with("idempotency."),
            "{}: {result}",
            mutation.name
        );
    }
}

#[tokio::test]
async fn every_value_of_an_enum_is_a_word_of_the_command_api() {
    let world = World::start_without_projector(QueryApiOptions::default()).await;
    let schema = Schema::of(&world).await;
    let document = openapi();
    for (of_type, component) in [
        ("TaskType", "TaskTypeWord"),
        ("Complexity", "ComplexityWord"),
        ("Strategy", "StrategyWord"),
        ("MessageRole", "MessageRoleWord"),
        ("LogLevel", "LogLevelWord"),
    ] {
        let word = |value: &Value| value["name"].as_str().unwrap().to_lowercase().replace('_', "-");
        let values: BTreeSet<_> = schema.list(of_type, "enumValues").iter().map(word).collect();
        let words = document["components"]["schemas"][component]["enum"].as_array().unwrap();
        let words: BTreeSet<_> = words.iter().map(|word| word.as_str().unwrap().to_owned()).collect();
        assert_eq!(values, words, "{of_type}");
    }
}

#[tokio::test]
async fn everything_about_mutations_is_described() {
    let world = World::start_without_projector(QueryApiOptions::default()).await;
    let schema = Schema::of(&world).await;
    let described = |what: &Value, at: &str| {
        let words = what["description"].as_str().unwrap_or_default();
        assert!(!words.is_empty(), "{at} has no description");
    };
    let inputs = schema.0.iter().filter(|(_, found)| found["kind"] == "INPUT_OBJECT");
    let of_commands = inputs
        .filter(|(name, _)| name.ends_with("Input"))
        .map(|(name, _)| name.as_str());
    let results = [
        "Mutation",
        "CommandResult",
        "CommandTaken",
        "CommandRefused",
        "CommandConflict",
    ];
    for name in of_commands.chain(results) {
        described(&schema.0[name], name);
        for member in ["fields", "inputFields"] {
            for field in schema.0[name][member].as_array().into_iter().flatten() {
                let at = format!("{name}.{}", field["name"]);
                described(field, &at);
                for argument in field["args"].as_array().into_iter().flatten() {
                    described(argument, &format!("{at}({})", argument["name"]));
                }
            }
        }
    }
}
