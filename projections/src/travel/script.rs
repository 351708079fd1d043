//! A script that rewrites events: `fn rewrite(event)` in Rhai, which returns the event, several, or nothing.
//!
//! It is pure: no files, no network, no clock, no randomness, nothing to import or to evaluate. What one event may cost is bounded in steps,
//! in the size of values and in time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use domain::EventId;
use event_store::RecordedEvent;
use rhai::{AST, Dynamic, Engine, EvalAltResult, Scope};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::error::{ScriptFault, TravelError};

/// The function that a script must have.
const ENTRY: &str = "rewrite";
/// Longest script in bytes.
const MAX_SCRIPT_BYTES: usize = 256 * 1024;
/// Steps for one event.
const MAX_STEPS: u64 = 1_000_000;
/// Time for one event.
const MAX_TIME: Duration = Duration::from_secs(2);
/// Steps between two looks at the clock.
const LOOK_EVERY: u64 = 1_024;
const MAX_TEXT_BYTES: usize = 1024 * 1024;
const MAX_MEMBERS: usize = 10_000;
const MAX_VARIABLES: usize = 100;
const MAX_FUNCTIONS: usize = 200;
const MAX_CALLS_DEEP: usize = 32;
const MAX_EXPRESSION_DEPTH: usize = 64;
/// Events that one event may become.
const MAX_EVENTS: usize = 100;

/// A script that can be run.
pub struct Script {
    engine: Engine,
    tree: AST,
    hash: String,
    /// When the event under way must be done.
    deadline: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Script")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

impl Script {
    /// Reads a script.
    pub fn parse(text: &str) -> Result<Self, TravelError> {
        let unusable = |reason: String| TravelError::ScriptUnusable { reason };
        if text.len() > MAX_SCRIPT_BYTES {
            return Err(unusable(format!("it has more than {MAX_SCRIPT_BYTES} bytes")));
        }
        let deadline: Arc<Mutex<Option<Instant>>> = Arc::default();
        let engine = engine(&deadline);
        let tree = engine.compile(text).map_err(|error| unusable(error.to_string()))?;
        if !tree
            .iter_functions()
            .any(|function| function.name == ENTRY && function.params.len() == 1)
        {
            return Err(unusable(format!("it has no function {ENTRY}(event)")));
        }
        let digest = Sha256::digest(text.as_bytes());
        let hash = digest
            .iter()
            .fold(String::new(), |text, byte| text + format!("{byte:02x}").as_str());
        Ok(Self {
            engine,
            tree,
            hash,
            deadline,
        })
    }

    /// SHA-256 of its text, so that a branch says what made it.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What becomes of an event. All events that come out can be decoded.
    pub fn rewrite(&self, event: &RecordedEvent) -> Result<Vec<RecordedEvent>, TravelError> {
        let fault = |line: Option<usize>, reason: String| {
            TravelError::Script(Box::new(ScriptFault {
                id: event.id.as_uuid(),
                event_type: event.event_type.clone(),
                stream: event.stream.clone(),
                revision: event.revision,
                line,
                reason,
            }))
        };
        let given = of_event(event).map_err(|reason| fault(None, reason))?;
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + MAX_TIME);
        let options = rhai::CallFnOptions::new().eval_ast(false);
        let outcome =
            self.engine
                .call_fn_with_options::<Dynamic>(options, &mut Scope::new(), &self.tree, ENTRY, (given,));
        let returned = outcome.map_err(|error| fault(innermost(&error).position().line(), reason(&error)))?;
        let several = if returned.is_unit() {
            Vec::new()
        } else if returned.is_array() {
            returned.into_array().unwrap_or_default()
        } else {
            vec![returned]
        };
        if several.len() > MAX_EVENTS {
            return Err(fault(None, format!("it returned more than {MAX_EVENTS} events")));
        }
        several
            .into_iter()
            .enumerate()
            .map(|(index, returned)| to_event(event, index, &returned).map_err(|reason| fault(None, reason)))
            .collect()
    }
}

fn engine(deadline: &Arc<Mutex<Option<Instant>>>) -> Engine {
    let mut engine = Engine::new();
    engine
        .disable_symbol("eval")
        .on_print(|_| {})
        .on_debug(|_, _, _| {})
        .set_max_operations(MAX_STEPS)
        .set_max_string_size(MAX_TEXT_BYTES)
        .set_max_array_size(MAX_MEMBERS)
        .set_max_map_size(MAX_MEMBERS)
        .set_max_variables(MAX_VARIABLES)
        .set_max_functions(MAX_FUNCTIONS)
        .set_max_call_levels(MAX_CALLS_DEEP)
        .set_max_expr_depths(MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_DEPTH);
    // It is part of the language, and nothing bounds it.
    engine
        .register_fn("sleep", |_: rhai::INT| no_sleep())
        .register_fn("sleep", |_: rhai::FLOAT| no_sleep());
    let deadline = deadline.clone();
    engine.on_progress(move |steps| {
        let late = || {
            let deadline = deadline.lock().unwrap_or_else(PoisonError::into_inner);
            deadline.is_some_and(|deadline| Instant::now() > deadline)
        };
        (steps % LOOK_EVERY == 0 && late()).then(|| Dynamic::from("it took too long"))
    });
    engine
}

fn no_sleep() -> Result<(), Box<EvalAltResult>> {
    Err("function not found: sleep".into())
}

/// Where it really failed: not in the call, but within the function.
fn innermost(error: &EvalAltResult) -> &EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => innermost(inner),
        other => other,
    }
}

fn reason(error: &EvalAltResult) -> String {
    match innermost(error) {
        EvalAltResult::ErrorTooManyOperations(_) => format!("it took more than {MAX_STEPS} steps"),
        EvalAltResult::ErrorTerminated(..) => format!("it took more than {} s", MAX_TIME.as_secs()),
        EvalAltResult::ErrorRuntime(thrown, _) => thrown.to_string(),
        other => {
            let mut unplaced = other.to_string();
            // The line stands elsewhere.
            if let Some(at) = unplaced.rfind(" (line ") {
                unplaced.truncate(at);
            }
            unplaced
        }
    }
}

fn of_event(event: &RecordedEvent) -> Result<Dynamic, String> {
    let data: Value = serde_json::from_str(event.data.get()).map_err(|error| error.to_string())?;
    let metadata = serde_json::to_value(&event.metadata).map_err(|error| error.to_string())?;
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let value = json!({
        "id": event.id.as_uuid(),
        "type": event.event_type,
        "stream": event.stream.as_str(),
        "category": event.stream.category(),
        "revision": event.revision,
        "time": time(event.time),
        "recordedAt": time(event.recorded_at),
        "data": data,
        "metadata": metadata,
    });
    rhai::serde::to_dynamic(value).map_err(|error| error.to_string())
}

/// Type, time and data may be others; what is not given stays. An event stays in its stream, since partitions are folded apart.
fn to_event(event: &RecordedEvent, index: usize, returned: &Dynamic) -> Result<RecordedEvent, String> {
    let Value::Object(mut members) = rhai::serde::from_dynamic(returned).map_err(|error| error.to_string())? else {
        return Err("it must return an event, an array of events, or nothing".to_owned());
    };
    if members
        .get("stream")
        .is_some_and(|stream| stream != event.stream.as_str())
    {
        return Err("an event cannot go to another stream".to_owned());
    }
    let mut rewritten = event.clone();
    match members.remove("type") {
        None => {}
        Some(Value::String(event_type)) => rewritten.event_type = event_type,
        Some(_) => return Err("type must be a text".to_owned()),
    }
    match members.remove("time") {
        None => {}
        Some(Value::String(time)) => {
            let time = DateTime::parse_from_rfc3339(&time).map_err(|_| format!("{time} is not a time of RFC 3339"))?;
            rewritten.time = time.to_utc();
        }
        Some(_) => return Err("time must be a text".to_owned()),
    }
    if let Some(data) = members.remove("data") {
        rewritten.data = serde_json::value::to_raw_value(&data).map_err(|error| error.to_string())?;
    }
    if index > 0 {
        rewritten.id = EventId::derived(event.id.as_uuid(), event.stream.as_str(), index);
    }
    domain::stored::decode(&rewritten.event_type, &rewritten.data).map_err(|error| crate::error::chain(&error))?;
    Ok(rewritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(title: &str) -> RecordedEvent {
        let data = serde_json::value::to_raw_value(&json!({ "title": title })).unwrap();
        RecordedEvent {
            stream: domain::StreamId::parse("conversation-00000000-0000-0000-0000-000000000001").unwrap(),
            revision: 3,
            id: EventId::new(uuid::Uuid::from_u128(9)),
            event_type: "conversation.renamed.v1".to_owned(),
            time: DateTime::UNIX_EPOCH,
            recorded_at: DateTime::UNIX_EPOCH,
            data,
            metadata: event_store::AppendToStreamOptions::anonymous(event_store::StreamState::Any).stamp,
            at: event_store::LogPosition {
                partition: 0,
                offset: 4,
                index: 0,
            },
            position: None,
        }
    }

    fn run(script: &str) -> Result<Vec<RecordedEvent>, TravelError> {
        Script::parse(script)?.rewrite(&renamed("Old"))
    }

    fn fault(script: &str) -> ScriptFault {
        match run(script) {
            Err(TravelError::Script(fault)) => *fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_is_changed_removed_or_made_several() {
        let changed = run(r#"fn rewrite(event) { event.data.title += "!"; event }"#).unwrap();
        assert_eq!(changed[0].data.get(), r#"{"title":"Old!"}"#);
        assert!(run("fn rewrite(event) { }").unwrap().is_empty());
        let two = run("fn rewrite(event) { [event, event] }").unwrap();
        assert_eq!(two.len(), 2);
        assert_ne!(two[0].id, two[1].id);
        assert_eq!(two[0].id, renamed("").id);
    }

    #[test]
    fn a_fault_names_event_and_line() {
        let fault = fault("fn rewrite(event) {\n  let x = 1;\n  event.data.nothing.more\n}");
        assert_eq!((fault.line, fault.revision), (Some(3), 3));
        assert_eq!(fault.event_type, "conversation.renamed.v1");
        let thrown = super::tests::fault("fn rewrite(event) {\n  throw \"not this one\"\n}");
        assert_eq!((thrown.line, thrown.reason.as_str()), (Some(2), "not this one"));
    }

    #[test]
    fn what_comes_out_must_be_an_event_of_the_same_stream() {
        for (script, reason) in [
            ("fn rewrite(event) { 7 }", "must return an event"),
            ("fn rewrite(event) { event.data = 7; event }", "does not fit its schema"),
            (r#"fn rewrite(event) { event.type = "no.such.v1"; event }"#, "not known"),
            (
                r#"fn rewrite(event) { event.stream = "task-1"; event }"#,
                "another stream",
            ),
            (r#"fn rewrite(event) { event.time = "noon"; event }"#, "not a time"),
        ] {
            let fault = fault(script);
            assert!(fault.reason.contains(reason), "{script}: {}", fault.reason);
        }
    }

    #[test]
    fn a_script_is_bounded_and_can_reach_nothing() {
        assert!(fault("fn rewrite(event) { loop { } }").reason.contains("steps"));
        assert!(
            fault(r#"fn rewrite(event) { let s = "x"; loop { s += s; } }"#)
                .reason
                .contains("too large")
        );
        assert!(
            fault("fn rewrite(event) { let a = []; loop { a.push(1); } }")
                .reason
                .len()
                > 3
        );
        let deep = fault("fn deep(n) { deep(n + 1) } fn rewrite(event) { deep(0) }");
        assert!(deep.reason.contains("tack overflow"), "{}", deep.reason);
        for script in [
            r#"import "x" as x; fn rewrite(event) { event }"#,
            r#"fn rewrite(event) { eval("1") }"#,
            "fn other(event) { event }",
            "fn rewrite(event) { ",
        ] {
            assert_eq!(run(script).unwrap_err().code(), "travel.script-unusable", "{script}");
        }
        for name in ["timestamp()", "sleep(1)", "rand()", "open(\"x\")"] {
            assert!(
                fault(&format!("fn rewrite(event) {{ {name} }}"))
                    .reason
                    .contains("not found"),
                "{name}"
            );
        }
    }
}
