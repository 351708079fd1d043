//! A projector whose output changes must have another version: only then it fills a generation of its own.
//!
//! A fixed history, in stories, goes through every projector, and what it does to rows is hashed. The hashes are committed by model, version
//! and story, so a change without a new version is noticed, and a new version is a new line. Every event type of every stored version has
//! a story of its own, made of the fixtures of the domain; a new type adds stories and changes none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use domain::conversation::{ConversationEvent, Message, MessageRole};
use domain::stored::EVENT_TYPES;
use domain::task::{Complexity, TaskEvent, TaskType};
use domain::{CommandId, EventId, MessageId, Role, StreamId};
use event_store::{EventMetadata, LogPosition, RecordedEvent};
use projections::fingerprint::ENGINE_VERSION;
use projections::operation::{RowOperation, RowOperations};
use projections::read_model::{self, TaskProjector};
use projections::subject::{Subject, SubjectChange};
use projections::table::TableDefinition;
use projections::value::Value;
use projections::{DecodedEvent, Projector};
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::harness::{Happened, at, id, user};
use crate::history::{
    classified, completed, conversation, created, failed, progressed, sent, started, started_execution, task,
};

const GOLDEN: &str = include_str!("unchanged_output.txt");
const FILE: &str = "projections/tests/it/unchanged_output.txt";
/// How the subjects, which the engine folds, are named among the models.
const SUBJECT: &str = "subject";

type Story = Vec<RecordedEvent>;

/// Everything that is told, by name.
fn stories() -> BTreeMap<String, Story> {
    let mut stories: BTreeMap<String, Story> = EVENT_TYPES
        .iter()
        .map(|event_type| (format!("stored {event_type}"), of_stored(event_type, 77)))
        .collect();
    let told = [
        ("a task that fails and is retried", task(1, failing())),
        ("a task that a person has amended", task(2, amended())),
        (
            "a task that waits and is cancelled",
            task(3, [created(), cancelled(None)]),
        ),
        ("a task that is cancelled while it runs and deleted", task(4, stopped())),
        ("a conversation from beginning to end", conversation(5, talked())),
        ("an execution that says a lot", task(6, talkative())),
    ];
    for (name, events) in told {
        stories.insert(name.to_owned(), events.into_iter().zip(0..).map(encoded).collect());
    }
    stories
}

fn cancelled(reason: Option<&str>) -> TaskEvent {
    TaskEvent::Cancelled {
        reason: reason.map(str::to_owned),
    }
}

fn failing() -> Vec<TaskEvent> {
    vec![
        created(),
        TaskEvent::ClassificationRequested,
        classified(TaskType::BugFix, Complexity::Simple),
        started_execution(1),
        progressed(1, Some(40), 0..3),
        failed(1),
        TaskEvent::Retried { attempt: 2 },
        started_execution(2),
        completed(2),
    ]
}

fn amended() -> Vec<TaskEvent> {
    vec![
        created(),
        TaskEvent::Amended {
            title: Some("Another title".to_owned()),
            description: None,
            task_type: Some(TaskType::Feature),
            complexity: None,
            priority: Some(9),
        },
        classified(TaskType::BugFix, Complexity::Epic),
        TaskEvent::ClassificationFailed {
            code: "classifier.away".to_owned(),
            message: "gone".to_owned(),
        },
    ]
}

fn stopped() -> Vec<TaskEvent> {
    vec![
        created(),
        started_execution(1),
        cancelled(Some("not needed")),
        TaskEvent::Deleted,
    ]
}

fn talkative() -> Vec<TaskEvent> {
    vec![
        created(),
        started_execution(1),
        progressed(1, None, 0..90),
        progressed(1, Some(99), 90..130),
    ]
}

fn talked() -> Vec<ConversationEvent> {
    vec![
        started(),
        sent(1, &"a long message ".repeat(20)),
        ConversationEvent::MessageSent(Message {
            id: MessageId::new(id(9)),
            role: MessageRole::Assistant,
            author_id: None,
            content: "an answer".to_owned(),
            attachments: Vec::new(),
            model: Some("large".to_owned()),
            tokens_used: Some(77),
        }),
        ConversationEvent::Renamed {
            title: "Another title".to_owned(),
        },
        ConversationEvent::Archived,
        ConversationEvent::Reopened,
        ConversationEvent::Deleted,
    ]
}

/// The fixture of a stored version, on a stream that another fixture has begun.
pub(crate) fn of_stored(event_type: &str, number: u128) -> Story {
    let category = event_type.split('.').next().unwrap();
    let first = match category {
        "task" => Some("task.created.v1"),
        "conversation" => Some("conversation.started.v1"),
        _ => None,
    };
    let stream = StreamId::of(category_of(category), id(number));
    let begins = event_type.contains(".created.") || event_type.contains(".started.");
    let types = first.into_iter().filter(|_| !begins).chain([event_type]);
    (0..)
        .zip(types)
        .map(|(revision, event_type)| recorded(&stream, revision, event_type, fixture(event_type)))
        .collect()
}

fn category_of(category: &str) -> &'static str {
    match category {
        "conversation" => "conversation",
        "task" => "task",
        "quota" => "quota",
        "administration" => "administration",
        other => panic!("tell stories of {other} too"),
    }
}

fn fixture(event_type: &str) -> Box<RawValue> {
    let (name, version) = event_type.rsplit_once('.').unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../domain/tests/fixtures")
        .join(name)
        .join(format!("{version}.json"));
    RawValue::from_string(fs::read_to_string(path).expect(event_type).trim().to_owned()).unwrap()
}

fn encoded((happened, revision): (Happened, u64)) -> RecordedEvent {
    let encoded = domain::stored::encode(&happened.event);
    recorded(&happened.stream, revision, encoded.event_type, encoded.data)
}

fn recorded(stream: &StreamId, revision: u64, event_type: &str, data: Box<RawValue>) -> RecordedEvent {
    let time = at(u32::try_from(revision).unwrap() * 50_000);
    RecordedEvent {
        revision,
        id: EventId::new(Uuid::from_u128(revision.into())),
        event_type: event_type.to_owned(),
        time,
        recorded_at: time,
        data,
        metadata: EventMetadata {
            command_id: CommandId::from_uuid(Uuid::nil()),
            command_hash: 0,
            actor: user(8),
            role: Role::User,
            correlation_id: String::new(),
            causation_id: None,
            traceparent: None,
            provenance: None,
        },
        at: LogPosition {
            partition: 0,
            offset: revision,
            index: 0,
        },
        stream: stream.clone(),
        position: None,
    }
}

/// What a story does to rows, model by model, as text that means the same for ever.
fn told(projectors: &[Box<dyn Projector>], story: &[RecordedEvent]) -> HashMap<&'static str, String> {
    let mut output: HashMap<&'static str, String> = HashMap::new();
    let mut subject: Option<Subject> = None;
    for recorded in story {
        let domain = domain::stored::decode(&recorded.event_type, &recorded.data).unwrap();
        let event = DecodedEvent {
            recorded: recorded.clone(),
            domain,
        };
        if !Subject::exists_for(&event.domain) {
            continue;
        }
        let before = subject.take();
        let after = match before.clone() {
            None => Subject::begin(&event).unwrap(),
            Some(mut next) => {
                next.evolve(&event).unwrap();
                next
            }
        };
        output
            .entry(SUBJECT)
            .or_default()
            .extend([subject_text(&after), "\n".to_owned()]);
        let change = SubjectChange {
            before: before.as_ref(),
            after: &after,
        };
        for projector in projectors {
            let mut operations = RowOperations::default();
            projector.project(&change, &event, &mut operations);
            for done in operations.drain() {
                let key: Vec<String> = done.key.iter().map(value_text).collect();
                let line = format!(
                    "{} [{}] {}\n",
                    done.table.name,
                    key.join(", "),
                    operation_text(&done.operation)
                );
                *output.entry(projector.name()).or_default() += &line;
            }
        }
        subject = Some(after);
    }
    output
}

fn subject_text(subject: &Subject) -> String {
    // The days are a sorted map; every other field is a name or a number.
    let measures = serde_json::to_value(&subject.measures).unwrap();
    json!([
        subject.stream.as_str(),
        subject.kind.as_str(),
        subject.owner_id.as_uuid(),
        subject.title,
        subject.created_day.to_string(),
        subject.task_type.map(TaskType::as_str),
        subject.type_chosen,
        subject.complexity.map(Complexity::as_str),
        subject.complexity_chosen,
        subject.status.as_str(),
        subject.conversation_id.map(domain::ConversationId::as_uuid),
        subject.attempt,
        subject.running_execution.map(domain::ExecutionId::as_uuid),
        subject.log_lines,
        subject.message_count,
        measures,
        subject.revision
    ])
    .to_string()
}

fn operation_text(operation: &RowOperation) -> String {
    let columns = |columns: &[(&'static str, Value)]| {
        let sorted: BTreeMap<_, _> = columns.iter().map(|(name, value)| (*name, value_text(value))).collect();
        format!("{sorted:?}")
    };
    match operation {
        // Whether the row can have been there is known to the database too: what comes out is the same.
        RowOperation::Create(values) | RowOperation::Insert(values) => format!("insert {}", columns(values)),
        RowOperation::Patch(values) => format!("patch {}", columns(values)),
        RowOperation::Increment(deltas) => {
            let sorted: BTreeMap<_, _> = deltas.iter().copied().collect();
            format!("increment {sorted:?}")
        }
        RowOperation::Delete => "delete".to_owned(),
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Text(text) => json!(text).to_string(),
        Value::Uuid(uuid) => uuid.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Timestamp(moment) => moment.timestamp_micros().to_string(),
        Value::Date(day) => day.to_string(),
        Value::TextArray(texts) => json!(texts).to_string(),
        Value::Json(json) => json.to_string(),
    }
}

/// One line of the committed file: model, version, hash, story.
fn lines(projectors: &[Box<dyn Projector>]) -> BTreeMap<(String, u32, String), String> {
    let versions: HashMap<&str, u32> = projectors
        .iter()
        .map(|projector| (projector.name(), projector.version()))
        .chain([(SUBJECT, ENGINE_VERSION)])
        .collect();
    let mut lines = BTreeMap::new();
    for (story, events) in stories() {
        for (model, text) in told(projectors, &events) {
            let digest = Sha256::digest(text.as_bytes());
            let bytes: Vec<String> = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            let hash = bytes.concat();
            lines.insert((model.to_owned(), versions[model], story.clone()), hash);
        }
    }
    lines
}

fn committed() -> BTreeMap<(String, u32, String), String> {
    let line = |line: &str| {
        let mut parts = line.splitn(4, ' ');
        let mut next = || parts.next().expect(line).to_owned();
        let (model, version, hash, story) = (next(), next(), next(), next());
        ((model, version.parse().expect(line), story), hash)
    };
    GOLDEN.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

/// What is to be done about the output of these projectors; nothing when it is as it was.
fn complaints(projectors: &[Box<dyn Projector>]) -> Vec<String> {
    let (found, committed) = (lines(projectors), committed());
    let mut complaints = Vec::new();
    for ((model, version, story), hash) in &found {
        match committed.get(&(model.clone(), *version, story.clone())) {
            Some(known) if known == hash => {}
            Some(_) => complaints.push(format!(
                "{model} does something else with the story \"{story}\" than its version {version} did: raise version() of {model} \
                 (of subjects: ENGINE_VERSION), so that it fills a generation of its own"
            )),
            None => complaints.push(format!("add this line to {FILE}, and leave those that are there: {model} {version} {hash} {story}")),
        }
    }
    for (model, version, story) in committed.keys() {
        let mut versions = projectors
            .iter()
            .map(|projector| (projector.name(), projector.version()));
        let current = versions.any(|(name, now)| name == model && now == *version)
            || (model == SUBJECT && *version == ENGINE_VERSION);
        if current && !found.contains_key(&(model.clone(), *version, story.clone())) {
            complaints.push(format!(
                "{model} does nothing any more with the story \"{story}\", and its version {version} did: raise version() of {model}"
            ));
        }
    }
    complaints
}

#[test]
fn a_projector_that_does_something_else_has_another_version() {
    let complaints = complaints(&read_model::all());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_stored_version_of_every_event_is_in_the_stories() {
    let stories = stories();
    let told: BTreeSet<&str> = stories
        .values()
        .flatten()
        .map(|event| event.event_type.as_str())
        .collect();
    let missing: Vec<_> = EVENT_TYPES
        .iter()
        .filter(|event_type| !told.contains(*event_type))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    for projector in read_model::all() {
        let speaks = stories
            .values()
            .any(|story| told_by(&story[..]).contains(projector.name()));
        assert!(speaks, "no story has a row of {}", projector.name());
    }
}

fn told_by(story: &[RecordedEvent]) -> BTreeSet<&'static str> {
    told(&read_model::all(), story).into_keys().collect()
}

/// The list of tasks, changed by somebody who has forgotten the version, or not.
struct Changed {
    version: u32,
    silent: bool,
}

impl Projector for Changed {
    fn name(&self) -> &'static str {
        TaskProjector.name()
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn schema(&self) -> &'static str {
        TaskProjector.schema()
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        TaskProjector.tables()
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        if self.silent {
            return;
        }
        TaskProjector.project(change, event, operations);
        if matches!(event.domain, domain::DomainEvent::Task(TaskEvent::Deleted)) {
            operations.delete(self.tables()[0], vec![change.after.id.into()]);
        }
    }
}

fn with(changed: Changed) -> Vec<Box<dyn Projector>> {
    let mut projectors = read_model::all();
    projectors.retain(|projector| projector.name() != TaskProjector.name());
    projectors.push(Box::new(changed));
    projectors
}

#[test]
fn a_change_without_a_new_version_is_noticed_and_says_what_to_do() {
    let version = TaskProjector.version();
    let found = complaints(&with(Changed { version, silent: false }));
    // The two stories in which a task is deleted, and nothing else.
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found
            .iter()
            .all(|complaint| complaint.contains("raise version() of task")),
        "{found:?}"
    );
    let found = complaints(&with(Changed { version, silent: true }));
    assert!(
        found.len() > 10
            && found
                .iter()
                .all(|complaint| complaint.contains("raise version() of task")),
        "{found:?}"
    );
}

#[test]
fn a_new_version_asks_for_its_lines_and_leaves_the_old_ones() {
    let version = TaskProjector.version() + 1;
    let found = complaints(&with(Changed { version, silent: false }));
    assert!(found.len() > 10, "{found:?}");
    for complaint in found {
        assert!(complaint.contains(&format!(": task {version} ")), "{complaint}");
    }
}
