//! Any commands to a task.

use domain::name::Named;
use domain::task::TaskStatus::{Cancelled, Classifying, Completed, Deleted, Failed, InProgress, Pending};
use domain::task::{
    Classification, Complexity, ExecutionResult, LogLevel, LogLine, PullRequest, Strategy as Way, Task, TaskCommand,
    TaskEvent, TaskStatus, TaskType,
};
use domain::{ConversationId, ExecutionId};
use proptest::prelude::*;
use uuid::Uuid;

use super::{obey, orders, text};
use crate::harness::{after_noon, user};

fn named<T: Named + std::fmt::Debug>() -> impl Strategy<Value = T> {
    prop::sample::select(T::ALL)
}

fn optional<T: Named + std::fmt::Debug>() -> impl Strategy<Value = Option<T>> {
    prop::option::of(named::<T>())
}

fn execution() -> impl Strategy<Value = ExecutionId> {
    (0..6_u128).prop_map(|number| ExecutionId::new(Uuid::from_u128(number)))
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..1_000_000_u64, 1 => any::<u64>()]
}

fn create() -> impl Strategy<Value = TaskCommand> {
    let conversation = prop::option::of(any::<u128>().prop_map(|id| ConversationId::new(Uuid::from_u128(id))));
    let kind = (optional(), optional());
    (1..3_u128, text(200), text(10_000), kind, 0..12_u8, conversation).prop_map(
        |(owner, title, description, (task_type, complexity), priority, conversation_id)| TaskCommand::Create {
            owner_id: user(owner),
            title,
            description,
            task_type,
            complexity,
            priority,
            conversation_id,
        },
    )
}

fn amend() -> impl Strategy<Value = TaskCommand> {
    let title = prop::option::of(text(200));
    let description = prop::option::of(text(10_000));
    (title, description, optional(), optional(), prop::option::of(0..12_u8)).prop_map(
        |(title, description, task_type, complexity, priority)| TaskCommand::Amend {
            title,
            description,
            task_type,
            complexity,
            priority,
        },
    )
}

fn classify() -> impl Strategy<Value = TaskCommand> {
    (named(), named(), 0..1_100_u16, text(100), text(50)).prop_map(
        |(task_type, complexity, confidence_permille, classifier, classifier_version)| {
            TaskCommand::Classify(Classification {
                task_type,
                complexity,
                confidence_permille,
                classifier,
                classifier_version,
            })
        },
    )
}

fn report() -> impl Strategy<Value = TaskCommand> {
    let line = (0..99_999_i64, named::<LogLevel>(), text(2_000)).prop_map(|(milliseconds, level, message)| LogLine {
        at: after_noon(milliseconds),
        level,
        message,
    });
    (
        execution(),
        prop::option::of(0..110_u8),
        prop::collection::vec(line, 0..3),
    )
        .prop_map(|(execution_id, percent, log)| TaskCommand::ReportProgress {
            execution_id,
            percent,
            log,
        })
}

fn complete() -> impl Strategy<Value = TaskCommand> {
    let numbers = [number(), number(), number(), number(), number(), number()];
    (execution(), numbers, prop::option::of(text(100))).prop_map(|(execution_id, numbers, commit)| {
        let [
            files_changed,
            lines_added,
            lines_removed,
            tokens_used,
            cost_micro_usd,
            duration_ms,
        ] = numbers;
        let result = ExecutionResult {
            files_changed,
            lines_added,
            lines_removed,
            tokens_used,
            cost_micro_usd,
            duration_ms,
            commit,
        };
        TaskCommand::CompleteExecution { execution_id, result }
    })
}

fn fail() -> impl Strategy<Value = TaskCommand> {
    (execution(), text(100), text(5_000), [number(), number(), number()]).prop_map(
        |(execution_id, code, message, [tokens_used, cost_micro_usd, duration_ms])| TaskCommand::FailExecution {
            execution_id,
            code,
            message,
            tokens_used,
            cost_micro_usd,
            duration_ms,
        },
    )
}

fn link() -> impl Strategy<Value = TaskCommand> {
    (
        prop_oneof!["[a-z]{1,3}/[a-z.]{1,3}", ".{0,9}"],
        number(),
        prop_oneof!["https://[a-z]{1,9}/.{0,9}", ".{0,9}"],
    )
        .prop_map(|(repository, number, url)| {
            TaskCommand::LinkPullRequest(PullRequest {
                repository,
                number,
                url,
            })
        })
}

fn commands() -> impl Strategy<Value = TaskCommand> {
    let start =
        (execution(), named::<Way>(), prop::option::of(text(100))).prop_map(|(execution_id, strategy, model)| {
            TaskCommand::StartExecution {
                execution_id,
                strategy,
                model,
            }
        });
    let retry =
        (execution(), optional::<Way>(), prop::option::of(text(100))).prop_map(|(execution_id, strategy, model)| {
            TaskCommand::Retry {
                execution_id,
                strategy,
                model,
            }
        });
    let fail_classification =
        (text(100), text(5_000)).prop_map(|(code, message)| TaskCommand::FailClassification { code, message });
    prop_oneof![
        4 => create(),
        3 => amend(),
        1 => Just(TaskCommand::RequestClassification),
        3 => classify(),
        1 => fail_classification,
        4 => start,
        4 => report(),
        3 => complete(),
        3 => fail(),
        1 => link(),
        1 => prop::option::of(text(1_000)).prop_map(|reason| TaskCommand::Cancel { reason }),
        4 => retry,
        1 => prop::bool::weighted(0.1).prop_map(|delete| {
            if delete { TaskCommand::Delete } else { TaskCommand::RequestClassification }
        }),
    ]
}

/// The whole state machine.
fn is_arrow(from: TaskStatus, to: TaskStatus) -> bool {
    matches!(
        (from, to),
        (Pending, Classifying | InProgress | Cancelled | Deleted)
            | (Classifying, InProgress | Failed | Cancelled | Deleted)
            | (InProgress, Completed | Failed | Cancelled)
            | (Completed, Deleted)
            | (Failed | Cancelled, InProgress | Deleted)
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_task_keeps_its_rules(orders in orders(commands(), 80)) {
        let last = obey(Task::default(), &orders, |before, event, after| {
            prop_assert_ne!(before.status(), Deleted, "something happened after the end");
            prop_assert!(before.owner().is_none() || before.owner() == after.owner());
            let (from, to) = (before.status(), after.status());
            prop_assert!(from == to || is_arrow(from, to), "{from} -> {to} by {event:?}");
            prop_assert_eq!(after.running_execution().is_some(), to == InProgress);
            if let TaskEvent::ExecutionStarted { attempt, .. } = event {
                prop_assert_eq!(*attempt, before.next_attempt());
                prop_assert!(before.task_type().is_some() && before.complexity().is_some());
            }
            Ok(())
        })?;
        prop_assert!(last.owner().is_some() || last == Task::default());
    }

    #[test]
    fn a_choice_of_a_person_is_never_undone_by_a_classifier(orders in orders(commands(), 80)) {
        let (mut task_type, mut complexity): (Option<TaskType>, Option<Complexity>) = (None, None);
        obey(Task::default(), &orders, |_, event, after| {
            if let TaskEvent::Created { task_type: chosen, complexity: size, .. }
                | TaskEvent::Amended { task_type: chosen, complexity: size, .. } = event
            {
                task_type = chosen.or(task_type);
                complexity = size.or(complexity);
            }
            prop_assert!(task_type.is_none() || after.task_type() == task_type);
            prop_assert!(complexity.is_none() || after.complexity() == complexity);
            Ok(())
        })?;
    }
}
