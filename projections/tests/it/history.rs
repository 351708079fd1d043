//! Histories for tests: short ones told by hand, and long ones decided by the domain on random commands.

use chrono::{DateTime, Utc};
use domain::conversation::{Conversation, ConversationCommand, ConversationEvent, Message, MessageRole};
use domain::task::{
    Classification, Complexity, ExecutionResult, LogLevel, LogLine, PullRequest, Strategy, Task, TaskCommand,
    TaskEvent, TaskType,
};
use domain::{Actor, Aggregate, Context, ConversationId, DomainEvent, ExecutionId, MessageId, Role, StreamId};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::harness::{Happened, at, id, user};

/// Tells what happened to one stream, a second apart.
pub(crate) fn task(number: u128, events: impl IntoIterator<Item = TaskEvent>) -> Vec<Happened> {
    tell(
        &StreamId::of("task", id(number)),
        events.into_iter().map(DomainEvent::Task),
    )
}

/// Tells what happened to one stream, a second apart.
pub(crate) fn conversation(number: u128, events: impl IntoIterator<Item = ConversationEvent>) -> Vec<Happened> {
    tell(
        &StreamId::of("conversation", id(number)),
        events.into_iter().map(DomainEvent::Conversation),
    )
}

fn tell(stream: &StreamId, events: impl Iterator<Item = DomainEvent>) -> Vec<Happened> {
    events
        .zip(0..)
        .map(|(event, second)| Happened {
            stream: stream.clone(),
            event,
            at: at(second),
        })
        .collect()
}

pub(crate) fn created() -> TaskEvent {
    TaskEvent::Created {
        owner_id: user(7),
        title: "Fix the build".to_owned(),
        description: "It fails on Mondays".to_owned(),
        task_type: None,
        complexity: None,
        priority: 3,
        conversation_id: Some(ConversationId::new(id(50))),
    }
}

pub(crate) fn classified(task_type: TaskType, complexity: Complexity) -> TaskEvent {
    TaskEvent::Classified(Classification {
        task_type,
        complexity,
        confidence_permille: 875,
        classifier: "heuristic".to_owned(),
        classifier_version: "1".to_owned(),
    })
}

pub(crate) fn started_execution(attempt: u32) -> TaskEvent {
    TaskEvent::ExecutionStarted {
        execution_id: execution(attempt),
        strategy: Strategy::SingleShot,
        model: Some("large".to_owned()),
        attempt,
    }
}

pub(crate) fn execution(attempt: u32) -> ExecutionId {
    ExecutionId::new(id(1_000 + u128::from(attempt)))
}

pub(crate) fn result() -> ExecutionResult {
    ExecutionResult {
        files_changed: 2,
        lines_added: 30,
        lines_removed: 4,
        tokens_used: 500,
        cost_micro_usd: 60,
        duration_ms: 7_000,
        commit: Some("abc123".to_owned()),
    }
}

pub(crate) fn completed(attempt: u32) -> TaskEvent {
    TaskEvent::ExecutionCompleted {
        execution_id: execution(attempt),
        result: result(),
    }
}

pub(crate) fn failed(attempt: u32) -> TaskEvent {
    TaskEvent::ExecutionFailed {
        execution_id: execution(attempt),
        code: "model.refused".to_owned(),
        message: "no".to_owned(),
        tokens_used: 11,
        cost_micro_usd: 12,
        duration_ms: 13,
    }
}

pub(crate) fn progressed(attempt: u32, percent: Option<u8>, lines: std::ops::Range<u32>) -> TaskEvent {
    let line = |number: u32| LogLine {
        at: at(number),
        level: LogLevel::Info,
        message: format!("line {number}"),
    };
    TaskEvent::ExecutionProgressed {
        execution_id: execution(attempt),
        percent,
        log: lines.map(line).collect(),
    }
}

pub(crate) fn started() -> ConversationEvent {
    ConversationEvent::Started {
        owner_id: user(7),
        title: "Builds".to_owned(),
    }
}

pub(crate) fn sent(number: u128, content: &str) -> ConversationEvent {
    ConversationEvent::MessageSent(message(number, content))
}

fn message(number: u128, content: &str) -> Message {
    Message {
        id: MessageId::new(id(2_000 + number)),
        role: MessageRole::User,
        author_id: Some(user(7)),
        content: content.to_owned(),
        attachments: Vec::new(),
        model: None,
        tokens_used: None,
    }
}

/// What the domain lets happen when random commands meet a few tasks and conversations; the same for the same seed.
pub(crate) fn decided_at_random(seed: u64, commands: usize) -> Vec<Happened> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut tasks = vec![Task::default(); 5];
    let mut conversations = vec![Conversation::default(); 3];
    let mut events = Vec::new();
    for step in 0..commands {
        // Days apart and back again: imported history is not sorted.
        let at = at(u32::try_from(step).unwrap()) + chrono::Days::new(random.random_range(0..3));
        if random.random_bool(0.3) {
            let index = random.random_range(0..conversations.len());
            let command = conversation_command(&mut random, step);
            events.extend(decide(&mut conversations[index], "conversation", index, &command, at));
        } else {
            let index = random.random_range(0..tasks.len());
            let command = task_command(&mut random, &tasks[index], step);
            events.extend(decide(&mut tasks[index], "task", index, &command, at));
        }
    }
    events
}

fn decide<A: Aggregate>(
    state: &mut A,
    category: &'static str,
    index: usize,
    command: &A::Command,
    at: DateTime<Utc>,
) -> Vec<Happened> {
    let stream = StreamId::of(category, id(100 + index as u128));
    let owner = Actor {
        id: user(1 + index as u128 % 2),
        role: Role::User,
    };
    let service = Actor {
        id: user(9),
        role: Role::Service,
    };
    for actor in [owner, service] {
        let context = Context {
            actor,
            at,
            imported: false,
        };
        if let Ok(decided) = state.decide(command, &context) {
            for event in &decided {
                state.evolve(event);
            }
            return decided
                .into_iter()
                .map(|event| Happened {
                    stream: stream.clone(),
                    event: event.into(),
                    at,
                })
                .collect();
        }
    }
    Vec::new()
}

fn conversation_command(random: &mut StdRng, step: usize) -> ConversationCommand {
    match random.random_range(0..20) {
        0..5 => ConversationCommand::Start {
            owner_id: user(random.random_range(1..3)),
            title: format!("talk {step}"),
        },
        5 => ConversationCommand::Rename {
            title: format!("renamed {step}"),
        },
        6 => ConversationCommand::Archive,
        7 | 8 => ConversationCommand::Reopen,
        9 if random.random_bool(0.2) => ConversationCommand::Delete,
        10..13 => ConversationCommand::SendMessage {
            message: Message {
                role: MessageRole::Assistant,
                author_id: None,
                model: Some("large".to_owned()),
                tokens_used: Some(random.random_range(0..50)),
                ..message(step as u128, "an answer with \"quotes\", {braces} and \u{1f980}")
            },
            verified_attachments: Vec::new(),
        },
        _ => ConversationCommand::SendMessage {
            message: Message {
                author_id: Some(user(random.random_range(1..3))),
                ..message(step as u128, &"word ".repeat(step % 60 + 1))
            },
            verified_attachments: Vec::new(),
        },
    }
}

fn task_command(random: &mut StdRng, task: &Task, step: usize) -> TaskCommand {
    let running = task.running_execution().unwrap_or(ExecutionId::new(id(3)));
    let next = ExecutionId::new(id(10_000 + step as u128));
    let types = [TaskType::BugFix, TaskType::Feature, TaskType::Unsure];
    let task_type = types[random.random_range(0..types.len())];
    let complexity = if random.random_bool(0.5) {
        Complexity::Simple
    } else {
        Complexity::Epic
    };
    match random.random_range(0..16) {
        0..3 => TaskCommand::Create {
            owner_id: user(random.random_range(1..3)),
            title: format!("task {step}"),
            description: "to do".to_owned(),
            task_type: random.random_bool(0.3).then_some(task_type),
            complexity: random.random_bool(0.3).then_some(complexity),
            priority: random.random_range(0..10),
            conversation_id: None,
        },
        3 => TaskCommand::Amend {
            title: random.random_bool(0.5).then(|| format!("amended {step}")),
            description: None,
            task_type: random.random_bool(0.5).then_some(task_type),
            complexity: None,
            priority: Some(random.random_range(0..10)),
        },
        4 | 5 => TaskCommand::Classify(Classification {
            task_type,
            complexity,
            confidence_permille: random.random_range(0..1_001),
            classifier: "random".to_owned(),
            classifier_version: "1".to_owned(),
        }),
        6 | 7 => TaskCommand::StartExecution {
            execution_id: next,
            strategy: Strategy::Iterative,
            model: None,
        },
        8 | 9 => TaskCommand::ReportProgress {
            execution_id: running,
            percent: Some(random.random_range(0..101)),
            log: (0..random.random_range(0..60_u32))
                .map(|line| LogLine {
                    at: at(line),
                    level: LogLevel::Warn,
                    message: format!("{step}.{line}"),
                })
                .collect(),
        },
        10 => TaskCommand::CompleteExecution {
            execution_id: running,
            result: ExecutionResult {
                lines_added: step as u64,
                ..result()
            },
        },
        11 => TaskCommand::FailExecution {
            execution_id: running,
            code: "worker.lost".to_owned(),
            message: "gone".to_owned(),
            tokens_used: 5,
            cost_micro_usd: 6,
            duration_ms: 7,
        },
        12 => TaskCommand::Cancel { reason: None },
        13 => TaskCommand::LinkPullRequest(PullRequest {
            repository: "owner/name".to_owned(),
            number: step as u64 + 1,
            url: "https://example.org/pull/1".to_owned(),
        }),
        14 if random.random_bool(0.1) => TaskCommand::Delete,
        _ => TaskCommand::Retry {
            execution_id: next,
            strategy: None,
            model: None,
        },
    }
}
