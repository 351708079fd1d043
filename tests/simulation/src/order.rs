//! Commands as clients of a world give them: sensible ones, conflicting ones, and some that must be refused.

use chrono::{DateTime, TimeDelta, Utc};
use domain::conversation::{Conversation, ConversationCommand, Message, MessageRole};
use domain::id::created_by;
use domain::task::{Classification, Complexity, ExecutionResult, PullRequest, Strategy, Task, TaskCommand, TaskType};
use domain::{Actor, Aggregate, CommandId, ConversationId, ExecutionId, MessageId, Role, StreamId, UserId};
use uuid::Uuid;

use crate::random::Random;

/// A command to one of the aggregates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Order {
    Conversation(ConversationCommand),
    Task(TaskCommand),
}

/// An aggregate that takes part in the simulation.
pub(crate) trait Simulated: Aggregate {
    /// The command, when it is for this sort of aggregate.
    fn command(order: &Order) -> Option<&Self::Command>;
}

impl Simulated for Conversation {
    fn command(order: &Order) -> Option<&ConversationCommand> {
        match order {
            Order::Conversation(command) => Some(command),
            Order::Task(_) => None,
        }
    }
}

impl Simulated for Task {
    fn command(order: &Order) -> Option<&TaskCommand> {
        match order {
            Order::Task(command) => Some(command),
            Order::Conversation(_) => None,
        }
    }
}

/// A stream that commands go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) category: &'static str,
    pub(crate) id: Uuid,
    pub(crate) stream: StreamId,
    pub(crate) owner: UserId,
}

impl Target {
    pub(crate) fn new(category: &'static str, id: Uuid, owner: UserId) -> Self {
        Self {
            category,
            id,
            stream: StreamId::of(category, id),
            owner,
        }
    }

    /// The streams that exist by name in every world; the first of each sort is the hot one.
    pub(crate) fn named(count: usize) -> Vec<Self> {
        (0..count)
            .flat_map(|number| {
                let id = Uuid::from_u128(0x5157_0000 + number as u128);
                let owner = user(number % 2);
                [
                    Self::new(Conversation::CATEGORY, id, owner),
                    Self::new(Task::CATEGORY, id, owner),
                ]
            })
            .collect()
    }

    /// A stream whose id follows from the command that creates it, as for clients that leave the id to us.
    pub(crate) fn created(random: &mut Random, owner: UserId, command_id: &CommandId) -> Self {
        let category = *random.pick(&[Conversation::CATEGORY, Task::CATEGORY]);
        Self::new(category, created_by(command_id.scoped(owner), category), owner)
    }
}

/// A person.
pub(crate) fn user(number: usize) -> UserId {
    UserId::new(Uuid::from_u128(0x1_0000 + number as u128))
}

/// The clock of the edge: the world's time on a fixed date.
pub(crate) fn wall_clock(since_start: std::time::Duration) -> DateTime<Utc> {
    let millis = i64::try_from(since_start.as_millis()).unwrap_or(0);
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(millis)
}

/// Who sends: mostly the owner, sometimes somebody who may not.
pub(crate) fn sender(random: &mut Random, target: &Target, order: &Order) -> Actor {
    let worker = matches!(
        order,
        Order::Task(
            TaskCommand::Classify(_)
                | TaskCommand::FailClassification { .. }
                | TaskCommand::ReportProgress { .. }
                | TaskCommand::CompleteExecution { .. }
                | TaskCommand::FailExecution { .. }
                | TaskCommand::LinkPullRequest(_)
        )
    );
    let id = target.owner;
    match random.below(100) {
        0..3 => Actor {
            id: user(9),
            role: Role::User,
        },
        3..5 => Actor {
            id: user(8),
            role: Role::Analyst,
        },
        _ if worker => Actor {
            id: user(7),
            role: Role::Service,
        },
        5..10 => Actor {
            id: user(6),
            role: Role::Admin,
        },
        _ => Actor { id, role: Role::User },
    }
}

/// The command that begins a stream.
pub(crate) fn beginning(random: &mut Random, target: &Target) -> Order {
    let title = text(random);
    if target.category == Conversation::CATEGORY {
        Order::Conversation(ConversationCommand::Start {
            owner_id: target.owner,
            title,
        })
    } else {
        let named = random.chance(500);
        Order::Task(TaskCommand::Create {
            owner_id: target.owner,
            title,
            description: "what is to be done".to_owned(),
            task_type: named.then_some(TaskType::BugFix),
            complexity: named.then_some(Complexity::Simple),
            priority: u8::try_from(random.below(10)).unwrap_or(0),
            conversation_id: random.chance(300).then(|| ConversationId::new(target.id)),
        })
    }
}

/// Any command to a stream.
pub(crate) fn any(random: &mut Random, target: &Target, unique: Uuid) -> Order {
    if random.chance(50) {
        return beginning(random, target);
    }
    if target.category == Conversation::CATEGORY {
        Order::Conversation(to_conversation(random, target, unique))
    } else {
        Order::Task(to_task(random))
    }
}

fn to_conversation(random: &mut Random, target: &Target, unique: Uuid) -> ConversationCommand {
    match random.below(100) {
        0..22 => ConversationCommand::Rename { title: text(random) },
        22..30 => ConversationCommand::Archive,
        30..50 => ConversationCommand::Reopen,
        50..52 => ConversationCommand::Delete,
        _ => ConversationCommand::SendMessage {
            message: Message {
                id: MessageId::new(unique),
                role: MessageRole::User,
                author_id: Some(target.owner),
                content: content(random),
                attachments: Vec::new(),
                model: None,
                tokens_used: None,
            },
            verified_attachments: Vec::new(),
        },
    }
}

fn to_task(random: &mut Random) -> TaskCommand {
    // Few, so that reports often meet the execution that runs.
    let execution_id = ExecutionId::new(Uuid::from_u128(0xe0 + random.below(4) as u128));
    match random.below(100) {
        0..16 => TaskCommand::Amend {
            title: random.chance(500).then(|| text(random)),
            description: None,
            task_type: random.chance(300).then_some(TaskType::Feature),
            complexity: random.chance(300).then_some(Complexity::Medium),
            // Above 9 is refused.
            priority: random.chance(500).then(|| u8::try_from(random.below(11)).unwrap_or(0)),
        },
        16..26 => TaskCommand::RequestClassification,
        26..36 => TaskCommand::Classify(Classification {
            task_type: *random.pick(&[TaskType::Refactor, TaskType::Test]),
            complexity: Complexity::Simple,
            confidence_permille: 900,
            classifier: "simulated".to_owned(),
            classifier_version: "1".to_owned(),
        }),
        36..39 => TaskCommand::FailClassification {
            code: "simulated".to_owned(),
            message: "it could not tell".to_owned(),
        },
        39..56 => TaskCommand::StartExecution {
            execution_id,
            strategy: Strategy::Iterative,
            model: None,
        },
        56..68 => TaskCommand::ReportProgress {
            execution_id,
            percent: Some(u8::try_from(random.below(102)).unwrap_or(0)),
            log: Vec::new(),
        },
        68..73 => TaskCommand::CompleteExecution {
            execution_id,
            result: ExecutionResult::default(),
        },
        73..80 => TaskCommand::FailExecution {
            execution_id,
            code: "simulated".to_owned(),
            message: "it did not work".to_owned(),
            tokens_used: 1,
            cost_micro_usd: 2,
            duration_ms: 3,
        },
        80..86 => TaskCommand::Cancel { reason: None },
        86..93 => TaskCommand::Retry {
            execution_id,
            strategy: Some(Strategy::SingleShot),
            model: None,
        },
        93..98 => TaskCommand::LinkPullRequest(PullRequest {
            repository: "owner/name".to_owned(),
            number: random.between(0, 2),
            url: "https://localhost/1".to_owned(),
        }),
        _ => TaskCommand::Delete,
    }
}

/// A title; few different ones, so that there is often nothing to do. Some must be refused.
fn text(random: &mut Random) -> String {
    match random.below(40) {
        0 => "   ".to_owned(),
        1 => "x".repeat(201),
        2 => "a\0b".to_owned(),
        number => format!("title {}", number % 3),
    }
}

/// A message; some are larger than a log with a low limit takes in a record.
fn content(random: &mut Random) -> String {
    match random.below(20) {
        0 => "long ".repeat(600),
        1 => String::new(),
        number => format!("message {number}"),
    }
}
